// The day's course, and beside it what a supervisor should look at.
import { html } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Course } from '../ui/charts.js';
import { t } from '../i18n.js';
import { clockTime, percent } from '../format.js';
import { board } from '../session.js';
import { Alerts } from './alerts.js';
import { only } from './live.js';
import { sumRecent } from './order.js';

const Trend = () => {
  const b = board.value;
  const shown = only.value && b.queues[only.value] ? { [only.value]: b.queues[only.value] } : b.queues;
  const buckets = sumRecent(shown).map((r) => {
    const name = clockTime(r.at).replace(/^0/, '');
    const say = `${name} · ${t('trend.offered')} ${r.offered} · ${t('trend.late')} ${r.late} · ${b.variant} ${percent(r.level)}`;
    return { ...r, key: r.at, name, whole: name.endsWith(':00'), say };
  });
  const goal = Object.values(shown)[0]?.goal ?? 0.9;
  const legend = html`<span class="legend">
    <span><i class="lg-bar"></i>${t('trend.offered')}</span>
    <span><i class="lg-late"></i>${t('trend.late')}</span>
    <span><i class="lg-line"></i>${b.variant}</span>
  </span>`;
  return html`<${Panel} icon="chart" title=${t('trend.title')} tools=${legend}>
    ${buckets.length ? html`<${Course} buckets=${buckets} goal=${goal} label=${t('trend.label')} />` : html`<p class="say">${t('trend.none')}</p>`}
  </${Panel}>`;
};

export const Side = () => html`<div class="side">
  <${Trend} />
  <${Alerts} />
</div>`;
