// The figures of the period, each with what it was before and the way to its calls.
import { html } from '../lib.js';
import { Icon } from '../ui/marks.js';
import { t } from '../i18n.js';
import { percent } from '../format.js';
import { ask, goal, state, total } from './load.js';
import { behind, changed, unitOf, valueOf, written } from './columns.js';

const SHOWN = ['level', 'offered', 'answered', 'abandoned', 'asa_s', 'aht_s', 'occupancy', 'missed'];

/** How a figure changed, in words: ▲ 1.8 点, +3.1%, −2 秒, 持平. */
export const Change = ({ now, before, column, variant }) => {
  if (!now || !before) return null;
  const c = changed(valueOf(now, column, variant), valueOf(before, column, variant), column);
  if (!c) return null;
  if (c.way === 0) return html`<small class="mut">${t('hist.same')}</small>`;
  const sign = c.way > 0 ? '+' : '−';
  const size =
    c.unit === 'share'
      ? t('hist.points', { n: c.size.toFixed(1) })
      : c.unit === 'seconds'
        ? t('hist.secondsMore', { n: written(c.size, 'count') })
        : `${Math.abs(c.rate * 100).toFixed(1)}%`;
  const arrow = c.good === 0 ? sign : c.way > 0 ? '▲ ' : '▼ ';
  return html`<small class=${c.good > 0 ? 'good' : c.good < 0 ? 'bad' : 'mut'} title=${t('hist.wasBefore', { v: written(valueOf(before, column, variant), unitOf(column)) })}>
    ${arrow}${size}
  </small>`;
};

/** What is uncertain about these numbers, and the way to the calls concerned. */
export const Quality = ({ values }) => {
  if (!values) return null;
  return ['gaps', 'backfilled']
    .filter((name) => values[name] > 0)
    .map((name) => html`<button key=${name} type="button" class="link dq" title=${t(`quality.${name}.say`)} onClick=${() => ask({ which: name })}>
      <${Icon} n="alert" /> ${t(`quality.${name}`, { n: values[name] })}
    </button>`);
};

/** 13 秒接通率 where one target held for all, else without the number. */
function levelWord() {
  const { body } = total.value;
  const shown = state.value.queue.length ? state.value.queue : Object.keys(body?.targets ?? {});
  const held = new Set(shown.flatMap((q) => (body.targets[q] ?? body.targets['']).map(([, seconds]) => seconds)));
  return held.size === 1 ? t('hist.levelOf', { t: [...held][0] }) : t('hist.level');
}

const Figure = ({ column, now, before, variant }) => {
  const value = now ? valueOf(now, column, variant) : null;
  const which = behind(column);
  const shown = written(value, unitOf(column));
  const low = column === 'level' && value !== null && goal.value !== null && value < goal.value;
  const side =
    column === 'answered' && now ? t('hist.inTime', { n: written(now.values.in_time, 'count') })
      : column === 'abandoned' && now ? percent(now.values.abandon_rate)
        : null;
  return html`<div class="kpi" data-figure=${column}>
    <span>
      <span class="cut">${column === 'level' ? levelWord() : t(`fig.of.${column}`)}</span>
      ${column === 'level' ? html`
        <a class="vname" href=${`/definitions#${variant}`} title=${t(`level.of.${variant}`)}>${variant} ${t(`level.short.${variant}`)}</a>
        <${Quality} values=${now?.values} />
      ` : null}
    </span>
    <b>
      ${which && now ? html`<button type="button" class=${`link plain${low ? ' low' : ''}`} title=${t('hist.openCalls')} onClick=${() => ask({ which })}>${shown}</button>` : shown}
      ${side ? html`<small>${side}</small>` : null}
      <${Change} now=${now} before=${before} column=${column} variant=${variant} />
    </b>
  </div>`;
};

export const Figures = () => {
  const { body } = total.value;
  const { variant } = state.value;
  return html`<section class="panel hk num" id="figures" aria-label=${t('hist.figures')} aria-busy=${total.value.busy}>
    ${SHOWN.map((column) => html`<${Figure} key=${column} column=${column} now=${body?.total} before=${body?.before?.total} variant=${variant} />`)}
  </section>`;
};
