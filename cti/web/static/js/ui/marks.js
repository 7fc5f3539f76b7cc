// The small marks every page shares: glyphs, agent states, tags, foreign text, and the thirteen seconds.
import { html } from '../lib.js';
import { PATHS } from './icons.js';
import { t } from '../i18n.js';
import { clean, countdownStep, mmss, segments } from '../format.js';
import { level, shownNow } from '../session.js';

export const Icon = ({ n, class: extra }) => html`<svg class=${`i${extra ? ` ${extra}` : ''}`} viewBox="0 0 16 16" aria-hidden="true">
  <path d=${PATHS[n] ?? PATHS.dot} />
</svg>`;

/** Text from outside: always isolated in direction, cleaned and cut; the whole of it on hover. */
export const Foreign = ({ text, limit = 40, class: extra }) => {
  const shown = clean(text, limit);
  return html`<bdi class=${extra} title=${shown.endsWith('…') ? clean(text, 400) : undefined}>
    ${shown}
  </bdi>`;
};

const STATES = {
  idle: 'check',
  ringing: 'bell',
  busy: 'phone',
  held: 'pause',
  wrap: 'edit',
  paused: 'pause',
  offline: 'off',
};
/** The look of an agent's phase: the service's seven words are six looks. */
export const lookOf = (phase) =>
  ({ wrapup: 'wrap', unavailable: 'offline', unknown: 'offline', held: 'busy' })[phase] ?? phase ?? 'offline';

/** State as glyph, word and colour; `since` adds a running clock. */
export const StateMark = ({ phase, word, since, plain, big }) => {
  const look = lookOf(phase);
  return html`<span key=${phase} class=${`st st-${look}${plain ? ' plain' : ''}${big ? ' big' : ''}`}>
    <${Icon} n=${STATES[phase] ?? STATES[look] ?? 'off'} class=${look === 'ringing' ? 'ringing-bell' : ''} />
    <span>${word ?? t(`phase.${phase}`)}</span>
    ${since ? html`<${Since} at=${since} />` : null}
  </span>`;
};

export const Tag = ({ kind, icon, children, title }) => html`<span class=${`tag${kind ? ` ${kind}` : ''}`} title=${title}>
  ${icon ? html`<${Icon} n=${icon} />` : null}
  ${children}
</span>`;

export const Key = ({ children }) => html`<kbd aria-hidden="true">${children}</kbd>`;

/** Time since an epoch second, running on the page's one tick. */
export const Since = ({ at, class: extra }) => html`<b class=${`num${extra ? ` ${extra}` : ''}`}>${at ? mmss(shownNow.value - at) : '–'}</b>`;

const waitedNow = (since) => Math.max(0, shownNow.value - since);

/** The words beside a countdown: what is left, or by how much it is over. Frozen data says what it was. */
export const Left = ({ since, target }) => {
  const waited = waitedNow(since);
  if (level.value === 'stale') return html`<span class="left13 frozen num">${t('count.then', { time: mmss(waited) })}</span>`;
  const step = countdownStep(waited, target);
  if (step === 'over') return html`<span class="left13 k-over num">${t('count.over', { time: mmss(waited - target) })}</span>`;
  const flag = step === 'hot' ? '▲▲ ' : step === 'warn' ? '▲ ' : '';
  return html`<span class=${`left13 k-${step} num`}>
    ${flag}
    ${t('count.left', { n: Math.max(0, Math.ceil(target - Math.floor(waited))) })}
  </span>`;
};

/** How long somebody waits, in the colour of the step. */
export const Waited = ({ since, target, quiet }) => {
  const waited = waitedNow(since);
  const step = level.value === 'stale' || quiet ? 'frozen' : countdownStep(waited, target);
  return html`<span class=${`left13 k-${step} num`}>${mmss(waited)}</span>`;
};

export const waitLabel = (since, target) => t('count.label', { s: Math.floor(waitedNow(since)), t: target });

/** The bar: one segment a second. */
export const Bar = ({ since, target }) => {
  const waited = waitedNow(since);
  const { total, filled } = segments(waited, target);
  return html`<span
    class=${`bar13 k-${countdownStep(waited, target)}`}
    style=${{ '--n': total }}
    role="img"
    aria-label=${t('count.aim', { t: target })}
  >
    ${Array.from({ length: total }, (_, i) => html`<i key=${i} class=${i < filled ? 'on' : ''}></i>`)}
  </span>`;
};

const arcs = (total, size, width) => {
  const r = size / 2 - width / 2 - 1;
  const c = size / 2;
  const at = (k) => {
    const a = (k / total) * 2 * Math.PI - Math.PI / 2;
    return `${(c + r * Math.cos(a)).toFixed(2)} ${(c + r * Math.sin(a)).toFixed(2)}`;
  };
  return Array.from({ length: total }, (_, i) => `M${at(i + 0.1)}A${r} ${r} 0 0 1 ${at(i + 0.9)}`);
};

const RingShape = ({ total, filled, size, width }) => html`<svg width=${size} height=${size} viewBox=${`0 0 ${size} ${size}`} aria-hidden="true">
  ${arcs(total, size, width).map((d, i) => html`<path key=${i} d=${d} fill="none" stroke-width=${width} class=${i < filled ? 'on' : 'tr'} />`)}
</svg>`;

/** The ring in the pop: segments, seconds waited and the target. */
export const Ring = ({ since, target, size = 64, width = 7 }) => {
  const waited = waitedNow(since);
  const { total, filled } = segments(waited, target);
  const step = countdownStep(waited, target);
  const over = step === 'over';
  const extra = Math.floor(waited - target);
  return html`<span class=${`ring k-${step}`} role="img" aria-label=${t('count.aim', { t: target })}>
    <${RingShape} total=${total} filled=${filled} size=${size} width=${width} />
    <span class="ring-t num">
      <b class=${over ? 'small' : ''}>
        ${over
          ? `+${extra < 100 ? String(extra).padStart(2, '0') : mmss(extra)}`
          : String(Math.floor(waited)).padStart(2, '0')}
      </b>
      <small>${over ? t('count.overShort') : t('count.of', { t: target })}</small>
    </span>
  </span>`;
};

export const Logo = ({ size = 20, width = 3.4, bare }) => html`<span class="logo">
  <span class="ring mark">
    <${RingShape} total=${13} filled=${9} size=${size} width=${width} />
  </span>
  ${bare ? null : t('name')}
</span>`;
