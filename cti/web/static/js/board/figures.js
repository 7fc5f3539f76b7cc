// The row of today's figures; every one with the name of its definition.
import { html } from '../lib.js';
import { Icon, Waited, lookOf } from '../ui/marks.js';
import { t } from '../i18n.js';
import { mmss, percent } from '../format.js';
import { board } from '../session.js';

const GLYPH = { idle: 'check', ringing: 'bell', busy: 'phone', wrapup: 'edit', paused: 'pause', unavailable: 'off' };
const PHASES = ['idle', 'ringing', 'busy', 'wrapup', 'paused', 'unavailable'];

const Figure = ({ label, tag, tagSay, value, side, id }) => html`<div class="kpi" data-figure=${id}>
  <span>
    ${label}
    ${tag ? html`<em class="vname" title=${tagSay}>
      ${tag}
    </em>` : null}
  </span>
  <b>
    ${value}
    ${side ? html`
      ${' '}
      <small>${side}</small>
    ` : null}
  </b>
</div>`;

export const Figures = () => {
  const { totals: x, variant, target_s: target } = board.value;
  const all = PHASES.reduce((sum, p) => sum + (x[p] ?? 0), 0);
  const base = (x.answered ?? 0) + (x.abandoned ?? 0); // what V2 divides by
  return html`<section class="panel kpis num" aria-label=${t('fig.title')}>
    <${Figure}
      id="level"
      label=${t('fig.level', { t: target })}
      tag=${`${variant} ${t(`variant.${variant}`)}`}
      tagSay=${t(`variant.${variant}.say`, { t: target })}
      value=${percent(x.service_level)}
      side=${base ? html`<span title=${t('queue.live', { now: percent(x.live_now), event: percent(x.live_event) })}>
        ${t('fig.of', { n: x.in_target ?? 0, of: base })}
        ${x.over ? html` · <span class="bad">${t('fig.withWaiting', { p: percent(x.live_event) })}</span>` : null}
      </span>` : null}
    />
    <${Figure}
      id="waiting"
      label=${t('fig.waiting')}
      value=${x.waiting ?? 0}
      side=${
        x.waiting && x.longest_since ? html`
          ${t('fig.longest')} <${Waited} since=${x.longest_since} target=${target} />
        ` : null
      }
    />
    <${Figure}
      id="abandoned"
      label=${t('fig.abandoned')}
      value=${x.abandoned ?? 0}
      side=${base ? percent((x.abandoned ?? 0) / base) : null}
    />
    <${Figure} id="asa" label=${t('fig.asa')} value=${mmss(x.asa_s)} />
    <${Figure}
      id="outflow"
      label=${t('fig.outflow')}
      value=${x.outflow ?? 0}
      side=${x.aside ? html`<span title=${t('fig.asideSay')}>${t('fig.aside', { n: x.aside })}</span>` : null}
    />
    <div class="kpi wide">
      <span>${t('fig.agents', { n: x.logged_in ?? 0 })}</span>
      <div class="mix" aria-hidden="true">
        ${PHASES.map((p) => html`<i key=${p} class=${`st-${lookOf(p)}`} style=${{ flexGrow: all ? (x[p] ?? 0) : p === 'unavailable' ? 1 : 0 }}></i>`)}
      </div>
      <div class="mixl">
        ${PHASES.map((p) => html`<span key=${p} class=${`st plain st-${lookOf(p)}`}>
          <${Icon} n=${GLYPH[p]} />
          ${t(`phase.${p}`)} <b>${x[p] ?? 0}</b>
        </span>`)}
      </div>
    </div>
  </section>`;
};
