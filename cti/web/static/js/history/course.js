// The period's course: calls, what was late of them, and the level, interval by interval.
import { html } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Course } from '../ui/charts.js';
import { t } from '../i18n.js';
import { percent } from '../format.js';
import { written } from './columns.js';
import { ask, course, days, goal, state, step } from './load.js';
import { daysIn, localParts, stepsFor, weekday } from './query.js';

/** How an interval is called: under the axis (short) and in words. */
export function nameOf(key, by, lastDay) {
  const [day, clock] = localParts(key);
  if (by === 'month') return { short: day.slice(0, 7), long: day.slice(0, 7) };
  const date = `${day.slice(5)} ${t(`day.long.${weekday(day)}`)}`;
  if (by === 'day' || by === 'week') return { short: day.slice(5), long: by === 'week' ? t('course.weekOf', { day: day.slice(5) }) : date };
  const hour = `${Number(clock.slice(0, 2))}:${clock.slice(3)}`;
  return { short: day === lastDay ? hour : clock === '00:00' || lastDay === null ? day.slice(5) : `${day.slice(5)} ${hour}`, long: `${date} ${hour}` };
}

const titleOf = (s) => {
  if (!state.value.cell) return t('course.title', { step: t(`step.${s}`) });
  const [day, hour] = state.value.cell.split('-').map(Number);
  return t('course.titleCell', { step: t(`step.${s}`), day: t(`day.long.${day}`), hour });
};

export const CoursePanel = () => {
  const { body, busy } = course.value;
  const { variant, cell } = state.value;
  const by = body?.by ?? step.value;
  const rows = (body?.rows ?? []).filter((r) => !cell || r.figures.values.offered > 0 || by !== 'day' || weekday(localParts(r.key)[0]) === Number(cell[0]));
  const dated = ['15m', '30m', 'hour'].includes(by);
  const buckets = rows.map((r, i) => {
    const lastDay = i ? localParts(rows[i - 1].key)[0] : localParts(r.key)[0];
    const { values, levels } = r.figures;
    const name = nameOf(r.key, by, dated ? lastDay : null);
    const late = values.late + values.abandoned;
    return {
      key: r.key, offered: values.offered, late, level: levels[variant], name: name.short,
      whole: dated ? localParts(r.key)[1].endsWith(':00') : true,
      say: t('course.say', { at: name.long, n: values.offered, late, v: variant, level: percent(levels[variant]), asa: written(values.asa_s, 'seconds') }),
      marked: values.gaps + values.backfilled > 0,
    };
  });
  const [from, to] = days.value;
  const options = cell ? [] : stepsFor(daysIn(from, to));
  const tools = html`
    <span class="legend">
      <span><i class="lg-bar"></i>${t('trend.offered')}</span>
      <span><i class="lg-late"></i>${t('trend.late')}</span>
      <span><i class="lg-line"></i>${variant}</span>
      ${goal.value === null ? null : html`<span>┄ ${t('queue.goal', { p: Math.round(goal.value * 100) })}</span>`}
    </span>
    ${options.length > 1 ? html`<span class="seg small">
      ${options.map((s) => html`<button key=${s} type="button" class=${s === by ? 'on' : ''} aria-pressed=${s === by} onClick=${() => ask({ step: s })}>${t(`step.short.${s}`)}</button>`)}
    </span>` : null}
  `;
  return html`<${Panel} id="course" icon="chart" title=${titleOf(by)} tools=${tools}>
    ${!body && busy ? html`<${Loading} lines=${4} />` : buckets.some((b) => b.offered) ? html`<${Course}
      buckets=${buckets}
      goal=${goal.value}
      label=${titleOf(by)}
      onPick=${(key) => ask({ pick: { dim: 'time', key }, which: 'troubled' })}
      picked=${state.value.pick?.dim === 'time' ? state.value.pick.key : null}
    />` : html`<p class="say">${t('hist.noCalls')}</p>`}
  </${Panel}>`;
};
