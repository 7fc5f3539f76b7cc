// Agents by group, in fixed places: people learn positions. Who can take a call is coloured, who talks is quiet.
import { html, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Icon, Foreign, lookOf, StateMark } from '../ui/marks.js';
import { t, has, pick } from '../i18n.js';
import { clean, clockTime, groupNumber, mmss, phoneLabel } from '../format.js';
import { board, shownNow } from '../session.js';
import { AgentMenu } from './agentmenu.js';
import { frozen, may, only, watch } from './live.js';
import { agentGroups } from './order.js';
import { lastDone, pending } from './supervise.js';

const GLYPH = { idle: 'check', ringing: 'bell', busy: 'phone', wrap: 'edit', paused: 'pause', offline: 'off' };
const LONG_TALK_S = 600;

const noteOf = (a, queues) => {
  if (a.phase === 'paused')
    return a.pause_reason
      ? has(`pause.${a.pause_reason}`)
        ? t(`pause.${a.pause_reason}`)
        : clean(a.pause_reason, 12)
      : t('phase.paused');
  if (['ringing', 'busy', 'held'].includes(a.phase)) {
    const who =
      [a.caller_name, a.company]
        .filter(Boolean)
        .map((x) => clean(x, 10))
        .join(' ') || groupNumber(a.caller ?? '');
    return a.phase === 'held'
      ? `${t('phase.held')} ${who}`
      : who || clean(queues[a.queue]?.label ?? a.queue ?? '', 12) || t(`phase.${a.phase}`);
  }
  return t(`phase.${a.phase}`);
};

/** Who did what to this agent, when and why. */
const byWhom = (x) =>
  t('agent.by', {
    who: clean(x.by_name || t('did.byRule'), 12),
    time: clockTime(x.at),
    what: clean(pick(x.text, x.text_en), 60),
    why: clean(x.reason, 40) || '–',
  });

const Tile = ({ a, queues }) => {
  const look = lookOf(a.phase);
  const held = a.since ? shownNow.value - a.since : null;
  const asked = pending(watch.value.actions, { interface: a.interface });
  const by = lastDone(watch.value.actions, a.interface);
  const heard = (x) => x.kind === 'listen' && x.interface === a.interface && x.state === 'confirmed' && !x.ended_at;
  const listening = watch.value.actions.some(heard);
  const tooLong = Object.values(watch.value.alerts).find((x) => x.kind === 'paused' && x.interface === a.interface && !x.cleared_at);
  const flag = listening
    ? t('listen.on')
    : tooLong
      ? t('count.over', { time: mmss(shownNow.value - tooLong.since - tooLong.limit) })
    : (a.missed ?? 0) >= 2
      ? t('agent.missed', { n: a.missed })
      : a.phase === 'busy' && held > LONG_TALK_S
        ? t('agent.long')
        : a.phase !== 'paused' && a.paused_in?.length
          ? t('phase.paused')
          : null;
  const note = noteOf(a, queues);
  const where = (a.queues ?? []).map((q) => clean(queues[q]?.label ?? q, 12)).join('、');
  const title = [
    `${clean(a.agent ?? '')} ${phoneLabel(a.interface)}`,
    t(`phase.${a.phase}`),
    where,
    by ? byWhom(by) : '',
  ].filter(Boolean).join(' · ');
  const inside = html`
    <${Icon} n=${asked ? 'clock' : a.phase === 'held' ? 'pause' : GLYPH[look]} class=${asked ? 'spin' : ''} />
    <b class="cut">
      <${Foreign} text=${a.agent || phoneLabel(a.interface)} limit=${12} />
    </b>
    <span class="num ext">${phoneLabel(a.interface)}</span>
    <span class="num t">${mmss(held)}</span>
    <span class="say2">
      <span class="note cut">${asked ? t('act.asked') : note}</span>
      ${flag ? html`<em class="num">${flag}</em>` : null}
    </span>
  `;
  const shown = `ag st-${look}${only.value && !(a.queues ?? []).includes(only.value) ? ' other' : ''}`;
  return html`<div class="ag-at" data-agent=${a.interface} data-phase=${a.phase}>
    ${may('route') && !frozen.value ? html`<${AgentMenu} a=${a} class=${shown} title=${title}>
      ${inside}
    </${AgentMenu}>` : html`<div class=${shown} title=${title}>${inside}</div>`}
  </div>`;
};

const TableRow = ({ a, queues }) => html`<tr>
  <td>
    ${may('route') && !frozen.value ? html`<${AgentMenu} a=${a} class="link plain">
      <b><${Foreign} text=${a.agent || phoneLabel(a.interface)} limit=${12} /></b>
    </${AgentMenu}>` : html`<b><${Foreign} text=${a.agent || phoneLabel(a.interface)} limit=${12} /></b>`}
    ${' '}<span class="mut num">${phoneLabel(a.interface)}</span>
  </td>
  <td>
    <${StateMark} phase=${a.phase} since=${a.since} />
  </td>
  <td class="cut">${noteOf(a, queues)}</td>
  <td class="cut">${(a.queues ?? []).map((q) => clean(queues[q]?.label ?? q, 12)).join('、') || '–'}</td>
  <td class="r">${a.missed ?? 0}</td>
</tr>`;

export const Agents = ({ onLog }) => {
  const { agents, queues } = board.value;
  const asTable = useSignal(false);
  const groups = agentGroups(agents, t('agent.noGroup'));
  const tools = html`
    ${may('route') ? html`<button type="button" class="btn s" onClick=${onLog}><${Icon} n="history" /> ${t('did.title')}</button>` : null}
    <span class="seg small">
    <button
      type="button"
      class=${asTable.value ? '' : 'on'}
      aria-pressed=${!asTable.value}
      onClick=${() => {
        asTable.value = false;
      }}
    >
      ${t('agent.cards')}
    </button>
    <button
      type="button"
      class=${asTable.value ? 'on' : ''}
      aria-pressed=${asTable.value}
      onClick=${() => {
        asTable.value = true;
      }}
    >
      ${t('agent.table')}
    </button>
    </span>
  `;
  return html`<${Panel} id="agents" icon="user" title=${t('agent.title')} meta=${t('agent.byGroup')} class="as" tools=${tools}>
    <div class="scroll">
      ${groups.length === 0 ? html`<p class="say">${t('agent.none')}</p>` : asTable.value ? html`<table class="num">
        <thead>
          <tr>
            <th>${t('agent.title')}</th>
            <th>${t('agent.state')}</th>
            <th>${t('agent.doing')}</th>
            <th>${t('queue.title')}</th>
            <th class="r">${t('top.missed')}</th>
          </tr>
        </thead>
        <tbody>
          ${groups
            .flatMap((g) => g.members)
            .map((a) => html`<${TableRow} key=${a.interface} a=${a} queues=${queues} />`)}
        </tbody>
      </table>` : html`<div class="ags">
        ${groups.map((g) => html`<section key=${g.name} class="grp">
          <h3>
            <span class="cut">
              <${Foreign} text=${g.name} limit=${10} />
            </span>
            <small class="num">
              ${t('agent.groupSay', { idle: g.members.filter((a) => a.phase === 'idle').length, n: g.members.length })}
            </small>
          </h3>
          <div class="tiles">
            ${g.members.map((a) => html`<${Tile} key=${a.interface} a=${a} queues=${queues} />`)}
          </div>
        </section>`)}
      </div>`}
    </div>
  </${Panel}>`;
};
