// What can be done with an agent: pause with a reason, his queues and penalties, logging out, and listening to his call.
import { html, useSignal } from '../lib.js';
import { Menu, Item } from '../ui/menu.js';
import { Icon, Foreign, Since } from '../ui/marks.js';
import { t, has } from '../i18n.js';
import { clean, clockTime, phoneLabel } from '../format.js';
import { board } from '../session.js';
import { able, listen, may, myPhones, queueLabel, view, whyUnable, wish } from './live.js';
import { Why } from './why.js';

const PENALTIES = [0, 1, 2, 3, 4, 5];
const pauseWord = (reason) => (has(`pause.${reason}`) ? t(`pause.${reason}`) : clean(reason, 16));

/** A line that opens what stands under it. */
const Fold = ({ icon, word, open, name, children }) => {
  const on = open.value === name;
  return html`
    <button type="button" class="opt" role="menuitem" data-stay aria-expanded=${on} onClick=${() => { open.value = on ? '' : name; }}>
      <${Icon} n=${icon} /> ${word}<span class="end"><${Icon} n=${on ? 'down' : 'right'} /></span>
    </button>
    ${on ? html`<div class="fold">${children}</div>` : null}
  `;
};

function Listening({ a, why }) {
  if (!may('listen') || !view.value) return null;
  const { modes, able: can, reason_needed: needed } = view.value;
  const off = !a.call || !can.listen || myPhones.value.length === 0 || (needed && !why.value.trim());
  const say = !a.call ? t('listen.noCall') : myPhones.value.length === 0 ? t('listen.noPhone') : needed && !why.value.trim() ? t('listen.needWhy') : undefined;
  return html`
    <h4>${t('listen.title')}</h4>
    <div class="trio" title=${say}>
      ${modes.map((mode) => html`<${Item} key=${mode} disabled=${off} title=${say} onClick=${() => listen({ interface: a.interface, call: a.call, mode, reason: why.value })}>
        ${t(`listen.${mode}`)}
      </${Item}>`)}
    </div>
  `;
}

const Missed = ({ last }) =>
  last
    ? html`<p class="mut num line">
        ${t('agent.lastMissed', { time: clockTime(last.at), queue: clean(queueLabel(last.queue), 12), s: Math.round(last.ring_s) })}
      </p>`
    : null;

/** `children` is the tile itself: all of it opens the menu. */
export function AgentMenu({ a, class: look, title, children }) {
  const why = useSignal('');
  const open = useSignal('');
  const off = !able('members');
  const all = Object.values(board.value.queues);
  const mine = new Set(a.queues ?? []);
  const reasons = view.value?.reasons?.length ? view.value.reasons : ['lunch', 'rest', 'meeting', 'training', 'other'];
  const paused = a.phase === 'paused' || (a.paused_in ?? []).length > 0;
  const done = (kind, more = {}) => wish(kind, { interface: a.interface, ...more }, why.value);
  return html`<${Menu} float label=${t('act.agent', { who: clean(a.agent || a.interface, 20) })} class=${look} title=${title} button=${children}
    onOpen=${(now) => { if (!now) { why.value = ''; open.value = ''; } }}>
    <h4><b class="who"><${Foreign} text=${a.agent || a.interface} limit=${16} /></b> ${phoneLabel(a.interface)} · ${t(`phase.${a.phase}`)} <${Since} at=${a.since} /></h4>
    <${Missed} last=${a.last_missed} />
    ${off ? html`<p class="mut line">${whyUnable() || t('act.notNow')}</p>` : html`
      ${paused ? html`<${Item} onClick=${() => done('member_unpause', { queue: null })}><${Icon} n="check" /> ${t('act.unpause')}</${Item}>` : null}
      <${Fold} icon="pause" word=${t('act.pause')} open=${open} name="pause">
        ${reasons.map((r) => html`<${Item} key=${r} onClick=${() => wish('member_pause', { interface: a.interface, queue: null }, r)}>${pauseWord(r)}</${Item}>`)}
      </${Fold}>
      <${Fold} icon="plus" word=${t('act.add')} open=${open} name="add">
        ${all.filter((q) => !mine.has(q.queue)).map((q) => html`<${Item} key=${q.queue} onClick=${() => done('member_add', { queue: q.queue, penalty: 0 })}>
          <${Foreign} text=${q.label || q.queue} limit=${14} /><span class="end mut num">${t('act.queueSay', { idle: q.idle ?? 0, n: q.waiting ?? 0 })}</span>
        </${Item}>`)}
      </${Fold}>
      ${mine.size ? html`
        <${Fold} icon="x" word=${t('act.remove')} open=${open} name="remove">
          ${[...mine].map((q) => html`<${Item} key=${q} onClick=${() => done('member_remove', { queue: q })}><${Foreign} text=${queueLabel(q)} limit=${14} /></${Item}>`)}
        </${Fold}>
        <${Fold} icon="first" word=${t('act.penalty')} open=${open} name="penalty">
          ${[...mine].map((q) => html`<div key=${q} class="penalties"><span class="cut"><${Foreign} text=${queueLabel(q)} limit=${10} /></span>
            ${PENALTIES.map((n) => html`<${Item} key=${n} onClick=${() => done('member_penalty', { queue: q, penalty: n })}>${n}</${Item}>`)}
          </div>`)}
        </${Fold}>
        <${Item} onClick=${() => done('agent_logout')}><${Icon} n="exit" /> ${t('act.logout')}</${Item}>
      ` : null}
      <${Listening} a=${a} why=${why} />
      <${Why} value=${why} />
    `}
  </${Menu}>`;
}
