// The day's course, and what a supervisor should look at.
import { html, useEffect, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Icon, Foreign, Tag } from '../ui/marks.js';
import { Course } from '../ui/charts.js';
import { t } from '../i18n.js';
import { callerLine, clean, clockTime, mmss, phoneLabel } from '../format.js';
import { board, level, shownNow } from '../session.js';
import { noAlerts, silence, watch } from './alerts.js';
import { sumRecent } from './order.js';
import { spoken } from '../ui/top.js';

const LOOK = { over: ['alert', 'bad'], starved: ['clock', 'warn'], missed: ['bell', 'warn'], abandoned: ['miss', 'bad'] };

const words = (a, queues) => {
  const queue = clean(queues[a.queue]?.label ?? a.queue ?? '', 14);
  switch (a.kind) {
    case 'over':
      return [
        t('alert.over', { queue, t: a.caller.target_s }),
        t('alert.overSay', { who: clean(a.caller.name || callerLine({ caller: a.caller }, t('caller.hidden')), 14), queue }),
      ];
    case 'starved':
      return [t('alert.starved', { queue }), t('alert.starvedSay', { time: mmss(a.n) })];
    case 'missed':
      return [
        t('alert.missed', { who: clean(a.agent.agent || phoneLabel(a.agent.interface), 10), n: a.n }),
        t('alert.missedSay', { phone: phoneLabel(a.agent.interface) }),
      ];
    default:
      return [t('alert.abandoned', { queue, n: a.n }), t('alert.abandonedSay')];
  }
};

export const Side = () => {
  const b = board.value;
  const memory = useSignal(noAlerts());
  const now = shownNow.value;
  useEffect(() => {
    if (level.value === 'stale') return;
    const next = watch(memory.value, b, now);
    const news = next.list[0];
    if (news && news !== memory.value.list[0]) spoken.value = { ...spoken.value, quiet: words(news, b.queues)[0] };
    memory.value = next;
  }, [b, now]);
  const buckets = sumRecent(b.queues).map((r) => {
    const name = clockTime(r.at).replace(/^0/, '');
    const level = r.offered ? 1 - r.late / r.offered : null;
    return { ...r, key: r.at, level, name, whole: name.endsWith(':00'), say: `${name} · ${r.offered}` };
  });
  const list = memory.value.list;
  const goal = Object.values(b.queues)[0]?.goal ?? 0.9;
  return html`<div class="side">
    <${Panel}
      icon="chart"
      title=${t('trend.title')}
      tools=${
        html`<span class="legend">
          <span>
            <i class="lg-bar"></i>
            ${t('trend.offered')}
          </span>
          <span>
            <i class="lg-late"></i>
            ${t('trend.late')}
          </span>
          <span>
            <i class="lg-line"></i>
            ${t('trend.inTime')}
          </span>
        </span>`
      }
    >
      ${buckets.length ? html`<${Course} buckets=${buckets} goal=${goal} label=${t('trend.label')} />` : html`<p class="say">${t('trend.none')}</p>`}
    </${Panel}>
    <${Panel}
      id="alerts"
      icon="bell"
      title=${t('alert.title')}
      tools=${
        html`
          ${list.length ? html`
            <${Tag} kind="bad">
              <span class="num">${list.length}</span>
            </${Tag}>
            <button
              type="button"
              class="btn s"
              onClick=${() => {
                memory.value = { ...memory.value, list: [] };
              }}
            >
              ${t('alert.clear')}
            </button>
          ` : null}
        `
      }
    >
      <div class="scroll">
        ${list.length === 0 ? html`<p class="say">${t('alert.none')}</p>` : html`<ul class="al num">
          ${list.map((a) => {
            const [head, say] = words(a, b.queues);
            const [icon, look] = LOOK[a.kind];
            return html`<li key=${a.id}>
              <time>${clockTime(a.at, true)}</time>
              <${Icon} n=${icon} class=${look} />
              <div>
                <b class="cut">
                  <${Foreign} text=${head} limit=${40} />
                </b>
                <p class="cut">${say}</p>
              </div>
              <button
                type="button"
                class="btn s"
                onClick=${() => {
                  memory.value = silence(memory.value, a.id);
                }}
              >
                ${t('alert.silence')}
              </button>
            </li>`;
          })}
        </ul>`}
      </div>
    </${Panel}>
  </div>`;
};
