// What was asked here and what became of it: asked, confirmed by the PBX with the way back, refused in its own words.
import { html, useEffect } from '../lib.js';
import { Icon, Foreign, Key } from '../ui/marks.js';
import { t, pick } from '../i18n.js';
import { clean, clockTime } from '../format.js';
import { useKeys } from '../keys.js';
import { shownNow } from '../session.js';
import { canUndo, endListening, forget, frozen, lastOwn, mine, undo, watch } from './live.js';

const SHOWN_S = 12;

const One = ({ m, action }) => {
  const done = action && (action.state === 'confirmed' || action.state === 'refused' || action.state === 'unconfirmed');
  const listening = action?.kind === 'listen' && action.state === 'confirmed' && !action.ended_at;
  const good = action?.state === 'confirmed';
  const bad = m.failed || action?.state === 'refused' || action?.state === 'unconfirmed';
  useEffect(() => {
    if (!good || listening) return undefined;
    const timer = setTimeout(() => forget(m.id), SHOWN_S * 1000);
    return () => clearTimeout(timer);
  }, [good, listening]);
  const text = m.failed ?? (action ? clean(pick(action.text, action.text_en), 120) : t('did.asking'));
  return html`<div class=${`toast${bad ? ' bad' : ''}`} data-action=${action?.kind} data-state=${m.failed ? 'refused' : (action?.state ?? 'asked')}>
    <${Icon} n=${bad ? 'alert' : done ? 'check' : 'clock'} class=${done || bad ? '' : 'spin'} />
    <span>${text}</span>
    ${good ? html`<span class="soft num">
      ${t('did.confirmed', { time: clockTime(action.settled_at, true) })}
      ${action.reason ? html` · ${t('did.why')}「<${Foreign} text=${action.reason} limit=${30} />」` : null}
    </span>` : null}
    ${action?.state === 'unconfirmed' ? html`<span class="soft">${t('did.unconfirmed')}</span>` : null}
    ${!bad && !done ? html`<span class="soft">${t('did.waiting')}</span>` : null}
    ${listening ? html`<button type="button" class="btn s edge" onClick=${() => endListening(action)}>${t('did.endListening')}</button>` : null}
    ${good && !listening && canUndo(action) ? html`<button type="button" class="btn s edge" disabled=${frozen.value}
      title=${pick(action.undo.text, action.undo.text_en)} onClick=${() => undo(action)}>${t('did.undo')} <${Key}>Z</${Key}></button>` : null}
    ${done || bad ? html`<button type="button" class="btn s ico" aria-label=${t('close')} onClick=${() => forget(m.id)}><${Icon} n="x" /></button>` : null}
  </div>`;
};

export const Did = () => {
  useKeys({
    z: () => {
      const last = frozen.value || document.querySelector('dialog[open]') ? null : lastOwn();
      if (!last) return false;
      undo(last);
      return true;
    },
  });
  return html`<div class="toasts did" role="status" aria-live="polite">
    ${mine.value.map((m) => html`<${One} key=${m.id} m=${m} action=${watch.value.actions.find((a) => a.id === m.id)} />`)}
  </div>`;
};

/** Everything that was done lately: who, what, why, when, and whether the PBX did it. */
export const Log = () => html`<ul class="did-log num">
  ${watch.value.actions.map((a) => html`<li key=${a.id} class=${`is-${a.state}`}>
    <time>${clockTime(a.at, true)}</time>
    <${Icon} n=${a.state === 'confirmed' ? 'check' : a.state === 'asked' ? 'clock' : 'alert'} />
    <div>
      <b class="cut">${clean(pick(a.text, a.text_en), 120)}</b>
      <p class="cut">
        ${a.rule ? t('did.byRule') : html`<${Foreign} text=${a.by_name || a.by} limit=${12} />`}
        ${a.reason ? html` · ${t('did.why')}「<${Foreign} text=${a.reason} limit=${40} />」` : null}
        ${a.undone_by ? html` · ${t('did.undone')}` : null}
      </p>
    </div>
    ${canUndo(a) && a.at <= shownNow.value ? html`<button type="button" class="btn s" disabled=${frozen.value} onClick=${() => undo(a)}>${t('did.undo')}</button>` : null}
  </li>`)}
  ${watch.value.actions.length === 0 ? html`<li class="say">${t('did.none')}</li>` : null}
</ul>`;
