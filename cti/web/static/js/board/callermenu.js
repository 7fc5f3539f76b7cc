// What can be done for a waiting caller: the most useful thing as a button, the rest behind it.
import { html, useSignal } from '../lib.js';
import { Menu, Item } from '../ui/menu.js';
import { Icon, Foreign, Key, StateMark } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean, mmss } from '../format.js';
import { board, shownNow } from '../session.js';
import { able, atRow, frozen, may, myPhones, watch, whyUnable, wish } from './live.js';
import { pending } from './supervise.js';
import { Why } from './why.js';

/** Idle agents for this caller: those of his queue as the service ranks them, then others who are free. */
export function freeFor(c, agents) {
  const own = (c.can_take ?? []).filter((a) => a.phase === 'idle');
  const known = new Set(own.map((a) => a.interface));
  const others = Object.values(agents)
    .filter((a) => a.phase === 'idle' && !known.has(a.interface) && !(a.queues ?? []).includes(c.queue))
    .sort((a, b) => (a.since ?? 0) - (b.since ?? 0));
  return { own, others: others.slice(0, 4) };
}

export const takeCaller = (c, reason) => wish('caller_take', { visit: c.visit, phone: null }, reason);
export const putFirst = (c, reason) => wish('caller_first', { visit: c.visit }, reason);
const toAgent = (c, a, reason) => wish('caller_to_agent', { visit: c.visit, interface: a.interface }, reason);

export function CallerActions({ c, who }) {
  const why = useSignal('');
  if (!may('route')) return null;
  const { own, others } = freeFor(c, board.value.agents);
  const asked = pending(watch.value.actions, { visit: c.visit });
  const off = !able('callers') || Boolean(asked);
  const title = able('callers') ? undefined : whyUnable();
  const phones = myPhones.value.length > 0;
  const other = own[0] ?? others[0];
  const best = !c.ringing?.length && other ? ['to', other] : phones ? ['take'] : null;
  const queues = Object.values(board.value.queues).filter((q) => q.queue !== c.queue);
  const wrapping = (c.can_take ?? []).filter((a) => a.phase === 'wrapup');
  const button = best && (best[0] === 'to'
    ? html`<button type="button" class="btn s" disabled=${off} title=${title} onClick=${() => toAgent(c, best[1], why.value)}>
        ${t('act.to', { who: clean(best[1].agent, 6) })}
      </button>`
    : html`<button type="button" class="btn s" disabled=${off} title=${title} onClick=${() => takeCaller(c, why.value)}>${t('act.take')}</button>`);
  return html`<span class="acts1">
    ${asked ? html`<span class="mut asked"><${Icon} n="clock" class="spin" />${t('act.asked')}</span>` : button}
    <${Menu} float align="right" label=${t('act.menu')} class="btn s ico more" disabled=${off} title=${title} button=${html`<${Icon} n="down" />`}
      onOpen=${(open) => { if (!open) why.value = ''; }}>
      <h4 class="num">${who} · ${t('call.waited', { time: mmss(shownNow.value - c.waiting_since) })}</h4>
      ${own.map((a) => html`<${Item} key=${a.interface} onClick=${() => toAgent(c, a, why.value)}>
        <${Icon} n="user" /> ${t('act.assign', { who: clean(a.agent, 8) })}<span class="end"><${StateMark} phase="idle" plain since=${a.since} /></span>
      </${Item}>`)}
      ${others.map((a) => html`<${Item} key=${a.interface} onClick=${() => toAgent(c, a, why.value)}>
        <${Icon} n="user" /> ${t('act.assign', { who: clean(a.agent, 8) })}<span class="end mut">${clean(a.group || t('agent.noGroup'), 6)} <${StateMark} phase="idle" plain since=${a.since} /></span>
      </${Item}>`)}
      ${phones ? html`<${Item} onClick=${() => takeCaller(c, why.value)}><${Icon} n="phone" /> ${t('act.take')}<span class="end"><${Key}>T</${Key}></span></${Item}>` : null}
      <${Item} disabled=${c.position === 1} onClick=${() => putFirst(c, why.value)}><${Icon} n="first" /> ${t('act.first')}<span class="end"><${Key}>P</${Key}></span></${Item}>
      <h4>${t('act.move')}</h4>
      ${queues.map((q) => html`<${Item} key=${q.queue} onClick=${() => wish('caller_move', { visit: c.visit, queue: q.queue, first: false }, why.value)}>
        <${Icon} n="swap" /> <${Foreign} text=${q.label || q.queue} limit=${12} />
        <span class="end mut num">${t('act.queueSay', { idle: q.idle ?? 0, n: q.waiting ?? 0 })}</span>
      </${Item}>`)}
      ${wrapping.length ? html`<h4>${t('act.wrapping')}</h4>${wrapping.map((a) => html`<p key=${a.interface} class="opt off num">
        <${Icon} n="edit" /> <${Foreign} text=${a.agent} limit=${8} />
        <span class="end">${a.until ? t('wait.wrapLeft', { time: mmss(Math.max(0, a.until - shownNow.value)) }) : t('phase.wrapup')}</span>
      </p>`)}` : null}
      <${Why} value=${why} />
    </${Menu}>
  </span>`;
}

/** Letters on the row under the pointer or the focus: T takes, P puts first, M opens its menu. */
export function callerKeys() {
  const shut = () => frozen.value || !able('callers') || document.querySelector('dialog[open]');
  const row = () => (shut() ? null : board.value?.callers[atRow.value]);
  const on = (fn) => () => {
    const c = row();
    if (!c || pending(watch.value.actions, { visit: c.visit })) return false;
    fn(c);
    return true;
  };
  return {
    t: on((c) => myPhones.value.length && takeCaller(c)),
    p: on((c) => c.position !== 1 && putFirst(c)),
    m: on((c) => document.querySelector(`tr[data-visit="${CSS.escape(c.visit)}"] .more`)?.click()),
  };
}
