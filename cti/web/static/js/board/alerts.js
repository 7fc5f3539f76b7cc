// What a supervisor should look at, as the service tells it: on the page, by sound, as a desktop notice; each can be silenced.
import { html, useEffect, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Icon, Foreign, Tag } from '../ui/marks.js';
import { Dialog, Item, Menu } from '../ui/menu.js';
import { t } from '../i18n.js';
import { call, part, query } from '../api.js';
import { callerLine, clean, clockTime, dayTime, mmss, percent, phoneLabel } from '../format.js';
import { board, me, onFrame, shownNow } from '../session.js';
import { chime, notify } from '../ui/sound.js';
import { spoken } from '../ui/top.js';
import { toast, whyNot } from '../toast.js';
import { dayWords } from '../ui/words.js';
import { frozen, past, queueLabel, watch } from './live.js';
import { listed, silenced } from './supervise.js';

const LOOK = {
  late: ['alert', 'bad'],
  warn: ['clock', 'warn'],
  no_agents: ['users', 'bad'],
  level: ['chart', 'warn'],
  missed: ['bell', 'warn'],
  paused: ['pause', 'warn'],
};
const KINDS = Object.keys(LOOK);

/** An alert in words: [what, more about it]. Who waits is looked up on the board, where one may see him. */
export function words(a, b) {
  const queue = clean(queueLabel(a.queue ?? ''), 14);
  const caller = b.callers[a.visit];
  const who = caller ? clean(caller.name || caller.company || callerLine({ caller }, t('caller.hidden')), 14) : '';
  const agent = clean(a.agent || phoneLabel(a.interface), 10);
  switch (a.kind) {
    case 'late':
      return [t('alert.late', { queue, t: a.limit }), who ? t('alert.stillWaits', { who, time: mmss(shownNow.value - a.since) }) : t('alert.isOver')];
    case 'warn':
      return [t('alert.warn', { queue, n: a.limit }), who ? t('alert.stillWaits', { who, time: mmss(shownNow.value - a.since) }) : t('alert.isOver')];
    case 'no_agents':
      return [t('alert.noAgents', { queue }), t('alert.noAgentsSay', { n: a.value ?? 0, time: mmss(shownNow.value - a.since) })];
    case 'level':
      return [t('alert.level', { queue }), t('alert.levelSay', { v: b.variant, level: percent(a.value), goal: Math.round((a.limit ?? 0) * 100) })];
    case 'missed':
      return [t('alert.missed', { who: agent, n: a.value }), t('alert.missedSay', { phone: phoneLabel(a.interface), queue })];
    default:
      return [t('alert.paused', { who: agent }), t('alert.pausedSay', { time: mmss((a.cleared_at ?? shownNow.value) - a.since), limit: mmss(a.limit) })];
  }
}

/** New ones are heard, said and, where nobody looks, shown by the system: once each, and never those that are silenced. */
onFrame((frame) => {
  const { fresh, silences } = watch.value;
  if (!['alerts', 'snapshot'].includes(frame.type) || !fresh.length || !board.value) return;
  const loud = fresh.filter((a) => !silenced(a, silences, frame.now));
  if (!loud.length) return;
  const urgent = loud.some((a) => a.kind === 'late' || a.kind === 'no_agents');
  const [head, say] = words(loud.find((a) => a.kind === 'late') ?? loud[0], board.value);
  chime(urgent);
  notify(head, say, `alert-${loud[0].kind}`);
  spoken.value = { ...spoken.value, quiet: head };
});

async function silence(what, minutes, forAll = false) {
  const answer = await call('POST', '/alerts/silences', { ...what, minutes, for_all: forAll });
  if (!answer.ok) toast(whyNot(answer), { bad: true });
}
const speak = async (id) => {
  const answer = await call('DELETE', `/alerts/silences/${part(id)}`);
  if (!answer.ok && answer.status !== 404) toast(whyNot(answer), { bad: true });
};

const SILENCE_MIN = 15;
const Silencer = ({ a, onOpen }) => {
  const subject = a.interface ? { kind: a.kind, interface: a.interface } : { kind: a.kind, queue: a.queue };
  const name = a.interface ? clean(a.agent || phoneLabel(a.interface), 8) : clean(queueLabel(a.queue ?? ''), 10);
  return html`<${Menu} float align="right" label=${t('alert.silence')} class="btn s" disabled=${frozen.value} onOpen=${onOpen} button=${t('alert.silence')}>
    <${Item} onClick=${() => silence({ alert: a.id }, 240)}>${t('alert.thisOne')}</${Item}>
    <${Item} onClick=${() => silence(subject, SILENCE_MIN)}>${t('alert.ofSubject', { name, n: SILENCE_MIN })}</${Item}>
    <${Item} onClick=${() => silence({ kind: a.kind }, SILENCE_MIN)}>${t('alert.ofKind', { n: SILENCE_MIN })}</${Item}>
    <h4>${t('alert.everybody')}</h4>
    <${Item} onClick=${() => silence(subject, SILENCE_MIN, true)}>${t('alert.ofSubject', { name, n: SILENCE_MIN })}</${Item}>
  </${Menu}>`;
};

const silenceWords = (x) =>
  [x.kind ? t(`alert.kind.${x.kind}`) : '', x.queue ? clean(queueLabel(x.queue), 10) : '', x.interface ? phoneLabel(x.interface) : '', x.alert ? t('alert.one') : '']
    .filter(Boolean)
    .join(' · ');

const Quiet = () => {
  const now = shownNow.value;
  const inForce = watch.value.silences.filter((x) => now < x.until);
  return html`<${Menu} float align="right" label=${t('alert.silences')} class="btn s" disabled=${frozen.value}
    button=${html`<${Icon} n=${inForce.length ? 'bellOff' : 'bell'} />${inForce.length ? t('alert.silencedN', { n: inForce.length }) : t('alert.silenceAll')}`}>
    <${Item} onClick=${() => KINDS.forEach((kind) => silence({ kind }, 5))}>${t('alert.allFor', { n: 5 })}</${Item}>
    <${Item} onClick=${() => KINDS.forEach((kind) => silence({ kind }, 30))}>${t('alert.allFor', { n: 30 })}</${Item}>
    ${inForce.length ? html`<h4>${t('alert.inForce')}</h4>` : null}
    ${inForce.map((x) => html`<${Item} key=${x.id} disabled=${!x.for_all && x.by !== me.value?.user} onClick=${() => speak(x.id)}>
      <${Icon} n="x" /> ${silenceWords(x)}<span class="end mut num">${t('alert.until', { time: clockTime(x.until) })}${x.for_all ? ` · ${t('alert.everybody')}` : ''}</span>
    </${Item}>`)}
  </${Menu}>`;
};

const Line = ({ a, b, quiet }) => {
  const [head, say] = words(a, b);
  const [icon, look] = LOOK[a.kind] ?? ['bell', 'warn'];
  const working = useSignal(false); // a menu that is open stays, even if the alert is over meanwhile
  return html`<li class=${a.cleared_at ? 'over' : quiet ? 'quiet' : ''} data-alert=${a.kind} data-open=${a.cleared_at ? undefined : 'yes'}>
    <time>${clockTime(a.at, true)}</time>
    <${Icon} n=${quiet ? 'bellOff' : icon} class=${a.cleared_at || quiet ? '' : look} />
    <div>
      <b class="cut"><${Foreign} text=${head} limit=${40} /></b>
      <p class="cut">${say}</p>
    </div>
    ${a.cleared_at && !working.value ? html`<span class="mut num">${t('alert.cleared', { time: clockTime(a.cleared_at) })}</span>` : null}
    ${!a.cleared_at && quiet ? html`<span class="mut">${t('alert.isSilent')}</span>` : null}
    ${working.value || (!a.cleared_at && !quiet) ? html`<${Silencer} a=${a} onOpen=${(open) => { working.value = open; }} />` : null}
  </li>`;
};

/** What was, newest first: read when it is opened, and further back on demand. */
export function AlertLog({ onClose }) {
  const rows = useSignal(null);
  const next = useSignal(null);
  const read = async (before) => {
    const answer = await call('GET', `/alerts${query({ before })}`);
    if (!answer.ok) {
      toast(whyNot(answer), { bad: true });
      return;
    }
    rows.value = [...(before ? rows.value : []), ...answer.body.log];
    next.value = answer.body.next;
  };
  useEffect(() => {
    read(null);
  }, []);
  return html`<${Dialog} title=${t('alert.log')} onClose=${onClose} wide>
    <h2>${t('alert.log')}</h2>
    <div class="scroll tall">
      <ul class="al num">
        ${(rows.value ?? []).map((a) => {
          const [head, say] = words(a, board.value);
          const [icon, look] = LOOK[a.kind] ?? ['bell', 'warn'];
          return html`<li key=${a.id}>
            <time>${dayTime(a.at, shownNow.value, dayWords())}</time>
            <${Icon} n=${icon} class=${look} />
            <div><b class="cut"><${Foreign} text=${head} limit=${40} /></b><p class="cut">${say}</p></div>
            <span class="mut num">${a.cleared_at ? t('alert.cleared', { time: clockTime(a.cleared_at, true) }) : t('alert.open')}</span>
          </li>`;
        })}
      </ul>
      ${rows.value?.length === 0 ? html`<p class="say">${t('alert.none')}</p>` : null}
      ${next.value ? html`<p class="say"><button type="button" class="btn" onClick=${() => read(next.value)}>${t('calls.more')}</button></p>` : null}
    </div>
  </${Dialog}>`;
}

export const Alerts = () => {
  const log = useSignal(false);
  const b = board.value;
  const { alerts, silences } = watch.value;
  const list = listed(alerts);
  const loud = list.filter((a) => !a.cleared_at && !silenced(a, silences, shownNow.value));
  const tools = html`
    ${loud.length ? html`<${Tag} kind="bad"><span class="num">${loud.length}</span></${Tag}>` : null}
    <${Quiet} />
    ${past.value ? null : html`<button type="button" class="btn s ico" aria-label=${t('alert.log')} title=${t('alert.log')} onClick=${() => { log.value = true; }}>
      <${Icon} n="history" />
    </button>`}
  `;
  return html`<${Panel} id="alerts" icon="bell" title=${t('alert.title')} tools=${tools}>
    <div class="scroll">
      ${list.length === 0 ? html`<p class="say">${t('alert.none')}</p>` : html`<ul class="al num">
        ${list.map((a) => html`<${Line} key=${a.id} a=${a} b=${b} quiet=${!a.cleared_at && silenced(a, silences, shownNow.value)} />`)}
      </ul>`}
    </div>
    ${log.value ? html`<${AlertLog} onClose=${() => { log.value = false; }} />` : null}
  </${Panel}>`;
};
