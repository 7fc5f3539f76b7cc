// Overflow rules: what they say, how they stand, what they did and why. A new or changed rule runs dry first.
import { html, useEffect, useSignal } from '../lib.js';
import { Dialog } from '../ui/menu.js';
import { Icon, Foreign, Tag } from '../ui/marks.js';
import { Choice, Text } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { call, part } from '../api.js';
import { clean, clockTime } from '../format.js';
import { board } from '../session.js';
import { toast, whyNot } from '../toast.js';
import { frozen, queueLabel, watch } from './live.js';
import { withdraw } from './ruleline.js';

const MODES = ['off', 'dry', 'live'];
const told = async (answer) => {
  if (!answer.ok) toast(whyNot(answer), { bad: true });
  return answer.ok;
};

const NUMBERS = [
  ['when', 'wait_s'], ['when', 'waiting'], ['when', 'idle'], ['when', 'hold_s'], ['then', 'penalty'], ['then', 'most'], ['back', 'quiet_s'], ['', 'cool_s'],
];
const FRESH = { name: '', queue: '', when: { wait_s: 8, waiting: 1, idle: 0, hold_s: 0 }, then: { team: '', from_queue: '', interfaces: [], penalty: 1, most: 0 }, back: { quiet_s: 60 }, cool_s: 60 };
const toText = (rule) => ({
  name: rule.name,
  queue: rule.queue,
  from: rule.then.from_queue ? 'queue' : rule.then.interfaces.length ? 'agents' : 'team',
  team: rule.then.team,
  from_queue: rule.then.from_queue,
  interfaces: rule.then.interfaces,
  ...Object.fromEntries(NUMBERS.map(([box, key]) => [key, String((box ? rule[box] : rule)[key])])),
});
/** What was typed as the service wants it; a number that is none becomes NaN, and the service says so. */
function toRule(f) {
  const rule = { name: f.name.trim(), queue: f.queue, when: {}, then: { team: '', from_queue: '', interfaces: [] }, back: {} };
  for (const [box, key] of NUMBERS) (box ? rule[box] : rule)[key] = Number(f[key]);
  if (f.from === 'team') rule.then.team = f.team;
  else if (f.from === 'queue') rule.then.from_queue = f.from_queue;
  else rule.then.interfaces = f.interfaces;
  return rule;
}

/** Who joins: a team, another queue's agents, or the ones that are ticked. */
const Source = ({ v, set, queues, teams }) => {
  if (v.from === 'team')
    return html`<${Choice} label=${t('rule.from.team')} value=${v.team} options=${teams} onInput=${set('team')} wide=${1} name="team" />`;
  if (v.from === 'queue') {
    const others = queues.filter(([q]) => q !== v.queue);
    return html`<${Choice} label=${t('rule.from.queue')} value=${v.from_queue} options=${others} onInput=${set('from_queue')} wide=${1} name="from_queue" />`;
  }
  const flip = (name) => set('interfaces')(v.interfaces.includes(name) ? v.interfaces.filter((x) => x !== name) : [...v.interfaces, name]);
  return html`<div class="c1 picks">${Object.values(board.value.agents).map((a) => html`<label key=${a.interface}>
    <input type="checkbox" checked=${v.interfaces.includes(a.interface)} onChange=${() => flip(a.interface)} />
    <${Foreign} text=${a.agent || a.interface} limit=${8} />
  </label>`)}</div>`;
};

function Form({ rule, onDone }) {
  const f = useSignal(toText(rule ?? FRESH));
  const busy = useSignal(false);
  const b = board.value;
  const set = (key) => (value) => {
    f.value = { ...f.value, [key]: value };
  };
  const queues = Object.values(b.queues).map((q) => [q.queue, clean(q.label || q.queue, 20)]);
  const teams = [...new Set(Object.values(b.agents).map((a) => a.group).filter(Boolean))].map((g) => [g, clean(g, 20)]);
  const v = f.value;
  const numeric = (key, wide = 1) => html`<${Text} key=${key} label=${t(`rule.f.${key}`)} value=${v[key]} onInput=${set(key)} numeric wide=${wide} max=${6} name=${key} />`;
  const wrong = NUMBERS.some(([, key]) => v[key] === '' || !Number.isFinite(Number(v[key])));
  const save = async () => {
    busy.value = true;
    const body = toRule(v);
    const answer = rule
      ? await call('PUT', `/control/rules/${part(rule.id)}`, { ...body, version: rule.version })
      : await call('POST', '/control/rules', body);
    busy.value = false;
    if (await told(answer)) onDone();
  };
  return html`<form class="rule-form" onSubmit=${(e) => { e.preventDefault(); if (!wrong) save(); }}>
    <div class="form six">
      <${Text} label=${t('rule.f.name')} required value=${v.name} onInput=${set('name')} wide=${3} max=${80} name="name" />
      <${Choice} label=${t('rule.f.queue')} required value=${v.queue} options=${queues} onInput=${set('queue')} wide=${3} name="queue" />
    </div>
    <h4>${t('rule.when')}</h4>
    <div class="form four">${['wait_s', 'waiting', 'idle', 'hold_s'].map((k) => numeric(k))}</div>
    <h4>${t('rule.then')}</h4>
    <div class="form four">
      <${Choice} label=${t('rule.f.from')} value=${v.from} options=${['team', 'queue', 'agents'].map((k) => [k, t(`rule.from.${k}`)])} onInput=${set('from')} wide=${1} name="from" />
      <${Source} v=${v} set=${set} queues=${queues} teams=${teams} />
      ${numeric('penalty')}${numeric('most')}
    </div>
    <h4>${t('rule.back')}</h4>
    <div class="form four">${numeric('quiet_s')}${numeric('cool_s')}</div>
    <p class="mut">${t('rule.dryFirst')}</p>
    <p class="dialog-acts">
      <button class="btn primary" disabled=${wrong || busy.value || !v.name.trim() || !v.queue}>${t('save')}</button>
      <button type="button" class="btn" onClick=${onDone}>${t('cancel')}</button>
    </p>
  </form>`;
}

function Entries({ rule }) {
  const entries = useSignal(null);
  useEffect(() => {
    call('GET', `/control/rules/${part(rule.id)}/log`).then((answer) => {
      entries.value = answer.ok ? answer.body.entries : [];
    });
  }, [rule.id, rule.last?.at]);
  if (!entries.value) return null;
  return html`<ul class="rule-log num">
    ${entries.value.length === 0 ? html`<li class="mut">${t('rule.noLog')}</li>` : null}
    ${entries.value.map((e) => html`<li key=${`${e.at}${e.kind}`}>
      <time class="mut">${clockTime(e.at, true)}</time>${' '}
      ${e.dry ? html`<${Tag} kind="warn">${t('rule.mode.dry')}</${Tag}> ` : null}
      ${clean(pick(e.text, e.text_en), 200)}
    </li>`)}
  </ul>`;
}

const Rule = ({ rule, onEdit }) => {
  const open = useSignal(false);
  const mode = async (next) => told(await call('POST', `/control/rules/${part(rule.id)}/mode`, { mode: next, version: rule.version }));
  const remove = async () => told(await call('DELETE', `/control/rules/${part(rule.id)}`));
  const now = pick(rule.now, rule.now_en);
  const last = rule.last && pick(rule.last.text, rule.last.text_en);
  return html`<li class="rule-card" data-rule=${rule.id} data-mode=${rule.mode} data-state=${rule.state}>
    <p class="head">
      <b><${Foreign} text=${rule.name} limit=${30} /></b>
      <span class="mut"><${Foreign} text=${queueLabel(rule.queue)} limit=${14} /></span>
      ${rule.state === 'on' ? html`<${Tag} kind=${rule.mode === 'live' ? 'info' : 'warn'}>${t(rule.mode === 'live' ? 'rule.state.on' : 'rule.state.would')}</${Tag}>` : null}
      ${rule.state === 'cooling' ? html`<${Tag}>${t('rule.state.cooling')}</${Tag}>` : null}
      <span class="grow"></span>
      <span class="seg small">${MODES.map((m) => html`<button
        key=${m}
        type="button"
        class=${rule.mode === m ? 'on' : ''}
        aria-pressed=${rule.mode === m}
        disabled=${frozen.value}
        onClick=${() => mode(m)}
      >${t(`rule.mode.${m}`)}</button>`)}</span>
    </p>
    <p>${clean(pick(rule.text, rule.text_en), 240)}</p>
    ${now ? html`<p class="info">${clean(now, 240)}</p>` : null}
    ${last ? html`<p class="mut num">${clockTime(rule.last.at, true)} ${rule.last.dry ? `${t('rule.mode.dry')} · ` : ''}${clean(last, 200)}</p>` : null}
    ${open.value ? html`<${Entries} rule=${rule} />` : null}
    <p class="dialog-acts">
      <button type="button" class="btn s" disabled=${rule.source === 'file'} title=${rule.source === 'file' ? t('rule.fromFile') : undefined} onClick=${() => onEdit(rule)}>
        <${Icon} n="edit" /> ${t('rule.edit')}
      </button>
      <button type="button" class="btn s" aria-expanded=${open.value} onClick=${() => { open.value = !open.value; }}><${Icon} n="history" /> ${t('rule.log')}</button>
      ${rule.state === 'on' && rule.mode === 'live' ? html`<button type="button" class="btn s" disabled=${frozen.value} onClick=${() => withdraw(rule)}>${t('rule.withdraw')}</button>` : null}
      <span class="grow"></span>
      ${rule.source === 'page' ? html`<button type="button" class="btn s ghost bad" disabled=${rule.mode === 'live' || frozen.value} onClick=${remove}>
        ${t('rule.remove')}
      </button>` : null}
    </p>
  </li>`;
};

export function Rules({ onClose }) {
  const editing = useSignal(undefined); // a rule, null for a new one, undefined for none
  const rules = Object.values(watch.value.rules).sort((a, b) => (a.queue === b.queue ? (a.name < b.name ? -1 : 1) : a.queue < b.queue ? -1 : 1));
  const done = () => {
    editing.value = undefined;
  };
  return html`<${Dialog} title=${t('rule.title')} onClose=${onClose} wide>
    <h2>${t('rule.title')}<span class="grow"></span>
      ${editing.value === undefined ? html`<button type="button" class="btn" disabled=${frozen.value} onClick=${() => { editing.value = null; }}>
        <${Icon} n="plus" /> ${t('rule.new')}
      </button>` : null}
      <button type="button" class="btn ghost ico" aria-label=${t('close')} onClick=${onClose}><${Icon} n="x" /></button>
    </h2>
    ${editing.value !== undefined ? html`<${Form} key=${editing.value?.id ?? 'new'} rule=${editing.value} onDone=${done} />` : html`<ul class="rules">
      ${rules.map((r) => html`<${Rule} key=${r.id} rule=${r} onEdit=${(x) => { editing.value = x; }} />`)}
      ${rules.length === 0 ? html`<li class="say">${t('rule.none')}</li>` : null}
    </ul>`}
  </${Dialog}>`;
}
