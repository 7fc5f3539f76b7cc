// Queues, the worst first. Nothing moves under the pointer.
import { html, useRef, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Foreign, Waited } from '../ui/marks.js';
import { Spark } from '../ui/charts.js';
import { t } from '../i18n.js';
import { percent } from '../format.js';
import { board } from '../session.js';
import { only } from './live.js';
import { heldOrder, queueOrder } from './order.js';

/** The two live variants: they know the callers who wait now. */
const liveSay = (q) =>
  q.live_event === undefined || q.live_event === null ? '' : ` · ${t('queue.live', { now: percent(q.live_now), event: percent(q.live_event) })}`;

const Row = ({ q, variant }) => {
  const level = q.service_level;
  const goal = q.goal ?? 0.9;
  const none = level === null || level === undefined;
  const low = !none && level < goal;
  const starved = (q.waiting ?? 0) > 0 && (q.idle ?? 0) === 0;
  return html`<tr data-queue=${q.queue} class=${only.value === q.queue ? 'hov' : ''}>
    <td class="cut">
      <button
        type="button"
        class="link plain"
        aria-pressed=${only.value === q.queue}
        title=${t('queue.only')}
        onClick=${() => {
          only.value = only.value === q.queue ? null : q.queue;
        }}
      >
        <b>
          <${Foreign} text=${q.label || q.queue} limit=${14} />
        </b>
      </button>
    </td>
    <td>
      ${none ? html`<span class="mut">${t('queue.noCalls')}</span>` : html`<span
        class=${`sl${low ? ' low' : ''}`}
        title=${`${variant} ${percent(level)} · ${t('queue.goal', { p: Math.round(goal * 100) })}${liveSay(q)}`}
      >
        <b>${percent(level)}</b>
        <i style=${{ '--v': `${level * 100}%`, '--goal': `${goal * 100}%` }}></i>
      </span>`}
    </td>
    <td class="r">${q.waiting ? html`<b>${q.waiting}</b>` : html`<span class="mut">0</span>`}</td>
    <td class="r">
      ${q.waiting && q.longest_since ? html`<${Waited} since=${q.longest_since} target=${q.target_s ?? 13} />` : html`<span class="mut">–</span>`}
    </td>
    <td class=${`r${starved ? ' bad' : ''}`}>
      <b>${q.idle ?? 0}</b> <span class="sub">/ ${q.logged_in ?? 0}</span>
    </td>
    <td class="r">${q.abandoned ?? 0}</td>
    <td class="spark-cell">
      <${Spark} goal=${goal} values=${(q.recent ?? []).slice(-8).map((r) => r.service_level ?? null)} />
    </td>
  </tr>`;
};

export const Queues = () => {
  const { queues, variant, target_s: target } = board.value;
  const hold = useSignal(false);
  const shown = useRef([]);
  shown.current = heldOrder(shown.current, queueOrder(queues), hold.value);
  const goals = new Set(Object.values(queues).map((q) => Math.round((q.goal ?? 0.9) * 100)));
  return html`<${Panel}
    id="queues"
    icon="list"
    title=${t('queue.title')}
    meta=${t('queue.meta', { t: target, p: goals.size === 1 ? [...goals][0] : '–' })}
    class="qs"
  >
    <div
      class="scroll"
      onPointerEnter=${() => {
        hold.value = true;
      }}
      onPointerLeave=${() => {
        hold.value = false;
      }}
    >
      ${shown.current.length === 0 ? html`<p class="say">${t('queue.none')}</p>` : html`<table class="num">
        <thead>
          <tr>
            <th>${t('queue.title')}</th>
            <th>${t('queue.level', { t: target, v: variant })}</th>
            <th class="r">${t('queue.waiting')}</th>
            <th class="r">${t('queue.longest')}</th>
            <th class="r">${t('queue.free')}</th>
            <th class="r">${t('queue.abandoned')}</th>
            <th>${t('queue.recent')}</th>
          </tr>
        </thead>
        <tbody>
          ${shown.current.map((id) => html`<${Row} key=${id} q=${queues[id]} variant=${variant} />`)}
        </tbody>
      </table>`}
    </div>
  </${Panel}>`;
};
