// Who waits, the most urgent first, each with its countdown. Rows leave by fading in their place; the list never moves under
// the pointer.
import { html, useEffect, useRef, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Bar, Icon, Left, StateMark, Foreign, Tag } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean, countdownStep, mmss, partyName } from '../format.js';
import { board, level, shownNow } from '../session.js';
import { CallerActions } from './callermenu.js';
import { atRow, may, only, queueLabel, view, whyUnable } from './live.js';
import { callerOrder, heldOrder } from './order.js';
import { RuleLine } from './ruleline.js';
import { tierWord } from '../ui/words.js';

const FADE_MS = 600;

const Who = ({ c }) => {
  const firm = clean(c.company ?? '');
  const name = clean(
    c.party
      ? partyName(typeof c.party === 'object' ? c.party : { kind: 'person', name: c.name }).main || c.name
      : (c.name ?? ''),
  );
  const number = clean(c.display || c.number || '') || t('caller.hidden');
  if (!c.party && !firm) {
    return html`
      <b class="num">
        <${Foreign} text=${number} />
      </b>${' '}
      <span class="mut">
        ${c.new ? t('wait.new') : ''}
        ${c.region ? `${c.new ? ' · ' : ''}${clean(c.region, 10)}` : ''}
      </span>
      ${name ? html`
        ${' '}
        <span class="sub">
          <${Foreign} text=${name} limit=${16} />
        </span>
      ` : null}
    `;
  }
  return html`
    <b>
      <${Foreign} text=${name || firm} limit=${20} />
    </b>${' '}
    ${firm && firm !== name ? html`
      <span>
        <${Foreign} text=${firm} limit=${16} />
      </span>${' '}
    ` : null}
    ${c.tier ? html`<${Tag} kind="vip">${tierWord(c.tier)}</${Tag}>` : null}
  `;
};

const CanTake = ({ c }) => {
  if (c.ringing?.length) {
    const r = c.ringing[0];
    return html`<${StateMark}
      phase="ringing"
      plain
      word=${
        html`
          <${Foreign} text=${r.agent || r.interface} limit=${8} />
          ${c.ringing.length > 1 ? t('wait.andMore', { n: c.ringing.length }) : ''} ${t('phase.ringing')}
        `
      }
      since=${r.since}
    />`;
  }
  const idle = (c.can_take ?? []).filter((a) => a.phase === 'idle');
  if (idle.length)
    return html`
      <${StateMark}
        phase="idle"
        plain
        word=${
          html`
            <${Foreign} text=${idle[0].agent} limit=${8} /> ${t('phase.idle')}
          `
        }
      />
      <span class="mut">${idle.length > 1 ? t('wait.orMore', { n: idle.length - 1 }) : t('wait.soon')}</span>
    `;
  const next = (c.can_take ?? []).find((a) => a.phase === 'wrapup');
  if (next)
    return html`<${StateMark}
      phase="wrapup"
      plain
      word=${
        html`
          <${Foreign} text=${next.agent} limit=${8} />${' '}
          ${next.until ? t('wait.wrapLeft', { time: mmss(Math.max(0, next.until - shownNow.value)) }) : t('phase.wrapup')}
        `
      }
    />`;
  return html`<span class="mut">${t('wait.nobody')}</span>`;
};

const Row = ({ c, leaving, label }) => {
  const step = level.value === 'stale' ? 'frozen' : countdownStep(Math.max(0, shownNow.value - c.waiting_since), c.target_s);
  const here = (on) => () => {
    if (on || atRow.value === c.visit) atRow.value = on ? c.visit : null;
  };
  return html`<tr
    class=${`k-${step}${leaving ? ' leaving' : ''}`}
    data-visit=${c.visit}
    tabindex=${may('route') ? 0 : undefined}
    onPointerEnter=${here(true)}
    onPointerLeave=${here(false)}
    onFocusIn=${here(true)}
    onFocusOut=${here(false)}
  >
    <td>
      <span class="cd">
        <${Bar} since=${c.waiting_since} target=${c.target_s} />
        <${Left} since=${c.waiting_since} target=${c.target_s} />
      </span>
    </td>
    <td class="cut">
      <${Who} c=${c} />
    </td>
    <td class="cut">
      <${Foreign} text=${label} limit=${12} /> · ${c.position ?? '–'}
    </td>
    <td class="cut">
      <span class="can">
        <${CanTake} c=${c} />
      </span>
    </td>
    ${may('route') ? html`<td class="r">
      ${leaving ? null : html`<${CallerActions} c=${c} who=${clean(c.name || c.company || c.display || c.number || t('caller.hidden'), 16)} />`}
    </td>` : null}
  </tr>`;
};

/** Rows that have just gone, for as long as they fade; their clock stops where it was. */
function useLeaving(callers) {
  const leaving = useSignal({});
  const before = useRef(callers);
  useEffect(() => {
    const gone = Object.keys(before.current).filter((id) => !callers[id]);
    if (gone.length) {
      const add = Object.fromEntries(gone.map((id) => [id, before.current[id]]));
      leaving.value = { ...leaving.value, ...add };
      setTimeout(() => {
        leaving.value = Object.fromEntries(Object.entries(leaving.value).filter(([id]) => !gone.includes(id)));
      }, FADE_MS);
    }
    before.current = callers;
  }, [callers]);
  return leaving.value;
}

export const Waiting = ({ onRules }) => {
  const { callers, queues, target_s: target } = board.value;
  const hold = useSignal(false);
  const shown = useRef([]);
  const leaving = useLeaving(callers);
  const mine = (c) => !only.value || c.queue === only.value;
  const all = Object.fromEntries(Object.entries({ ...leaving, ...callers }).filter(([, c]) => mine(c)));
  shown.current = heldOrder(shown.current, callerOrder(all, shownNow.value), hold.value);
  const n = Object.values(callers).filter(mine).length;
  const tools = html`
    ${only.value ? html`<button
      type="button"
      class="btn s chosen"
      onClick=${() => {
        only.value = null;
      }}
    >
      <${Foreign} text=${queueLabel(only.value)} limit=${12} /> <${Icon} n="x" />
    </button>` : null}
    ${may('route') && view.value && !view.value.able.callers ? html`<${Tag} kind="warn" icon="alert" title=${whyUnable()}>
      ${t('act.unable')}
    </${Tag}>` : null}
    ${may('rules') ? html`<button type="button" class="btn s" onClick=${onRules}><${Icon} n="swap" /> ${t('rule.title')}</button>` : null}
  `;
  return html`<${Panel} id="waiting" icon="clock" title=${t('wait.title')} meta=${t('wait.meta')} class="ws" count=${n} tools=${tools}>
    <div
      class="scroll"
      onPointerEnter=${() => {
        hold.value = true;
      }}
      onPointerLeave=${() => {
        hold.value = false;
      }}
    >
      <table class="num">
        <thead>
          <tr>
            <th>${t('wait.left', { t: target })}</th>
            <th>${t('wait.caller')}</th>
            <th>${t('wait.queue')}</th>
            <th>${t('wait.can')}</th>
            ${may('route') ? html`<th class="r acts-col">${t('wait.do')}</th>` : null}
          </tr>
        </thead>
        <tbody>
          ${shown.current.map((id) => html`<${Row} key=${id} c=${all[id]} leaving=${!callers[id]} label=${queues[all[id].queue]?.label || all[id].queue} />`)}
        </tbody>
      </table>
      ${shown.current.length === 0 ? html`<p class="say">${t('wait.none')}</p>` : null}
    </div>
    <${RuleLine} />
  </${Panel}>`;
};
