// Between calls: what I answered lately, and one of those calls in full.
import { html, useSignal } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Foreign, Icon, Tag, StateMark } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean, groupNumber, mmss, phoneLabel, daysAgo, partyName } from '../format.js';
import { agent, me, phones, minute, today } from '../session.js';
import { soundOn, setSound, notifyState, askNotify } from '../ui/sound.js';
import { api } from '../api.js';
import { toast } from '../toast.js';
import { calls, loaded, more, readMore } from './history.js';
import { callIcon, outcomeOf, outcomeWord, pastCaller, wasMissed, when } from '../ui/words.js';

const OUTCOME_LOOK = { abandoned: 'bad', missed: 'bad', timeout: 'warn' };

const Row = ({ c, sel, onPick }) => {
  const missed = wasMissed(c);
  const result = outcomeWord(outcomeOf(c, minute.value));
  const late = c.wait_s !== null && c.wait_s !== undefined && c.wait_s > (c.target_s ?? today.value?.target_s ?? 13);
  const { main, firm } = partyName(c.party);
  return html`<tr class=${`pick${sel ? ' sel' : ''}`} onClick=${onPick}>
    <td>${when(c.at, minute.value)}</td>
    <td class="cut">
      <button
        type="button"
        class=${`link plain${missed ? ' bad' : ''}`}
        aria-current=${sel ? 'true' : undefined}
        onClick=${onPick}
      >
        <b>
          <${Foreign} text=${main || pastCaller(c)} limit=${24} />
        </b>
        ${firm ? html`
          ${' '}
          <span class="sub">
            <${Foreign} text=${firm} limit=${20} />
          </span>
        ` : null}
      </button>
    </td>
    <td class="cut">
      <span class="flow">
        <${Icon} n=${callIcon(c)} class=${missed ? 'bad' : ''} />
        ${c.queue_label || c.queue ? html`<${Foreign} text=${c.queue_label || c.queue} limit=${12} />` : t(`dir.${c.direction}`)}
      </span>
    </td>
    <td class=${`r${late ? ' bad' : ''}`}>${mmss(c.wait_s)}</td>
    <td class="r">${mmss(c.talk_s)}</td>
    <td>
      ${c.outcome === 'answered'
        ? html`<span class="mut">${result}</span>`
        : html`<${Tag} kind=${OUTCOME_LOOK[c.outcome] ?? ''}>${result}</${Tag}>`}
    </td>
  </tr>`;
};

const Nothing = () => {
  if (loaded.value === 'loading') return html`<${Loading} lines=${6} />`;
  return html`<p class="say">${t(loaded.value === 'error' ? 'sec.errorSay' : 'idle.noCalls')}</p>`;
};

export function RecentCalls({ picked }) {
  const rows = calls.value;
  const n = rows.filter((c) => daysAgo(c.at, minute.value) === 0).length;
  return html`<${Panel}
    icon="list"
    title=${t('idle.recent')}
    meta=${loaded.value === 'ready' ? t('idle.todayCount', { n }) : ''}
    class="grow1"
  >
    <div class="scroll">
      ${rows.length === 0
        ? html`<${Nothing} />`
        : html`
        <table class="num recent">
          <thead>
            <tr>
              <th>${t('col.time')}</th>
              <th>${t('col.customer')}</th>
              <th>${t('col.queue')}</th>
              <th class="r">${t('col.wait')}</th>
              <th class="r">${t('col.talk')}</th>
              <th>${t('col.result')}</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map((c) => html`<${Row}
              key=${c.id}
              c=${c}
              sel=${c.id === (picked.value ?? rows[0]?.id)}
              onPick=${() => {
                picked.value = c.id;
              }}
            />`)}
          </tbody>
        </table>
        ${more.value ? html`<p class="say">
          <button type="button" class="btn s" onClick=${readMore}>
            ${t('idle.more')}
          </button>
        </p>` : null}
      `}
    </div>
  </${Panel}>`;
}

export function CallFacts({ picked }) {
  const c = calls.value.find((x) => x.id === picked.value) ?? calls.value[0];
  if (!c)
    return html`<${Panel} icon="phone" title=${t('idle.call')} class="grow1">
      <p class="say">${t('idle.noCalls')}</p>
    </${Panel}>`;
  const number = groupNumber(c.number ?? '') || t('caller.hidden');
  const rows = [
    ['col.time', when(c.at, minute.value)],
    ['number.number', number],
    ['col.queue', clean(c.queue_label || c.queue || '', 20) || '–'],
    ['col.result', outcomeWord(outcomeOf(c, minute.value))],
    ['col.wait', mmss(c.wait_s)],
    ['col.talk', mmss(c.talk_s)],
    ['col.direction', t(`dir.${c.direction}`)],
    ['col.agent', clean(c.agent ?? '', 16) || '–'],
  ];
  return html`<${Panel} icon="phone" title=${t('idle.call')} meta=${clean(pastCaller(c), 30)} class="grow1">
    <div class="scroll">
      <dl class="kv num">
        ${rows.map(([k, v]) => html`
          <dt key=${`${k}t`}>${t(k)}</dt>
          <dd key=${k}>${v}</dd>
        `)}
      </dl>
      <div class="past-note">
        <h3>${t('note.title')}</h3>
        ${c.note ? html`<p>
          <${Foreign} text=${c.note} limit=${600} />
        </p>` : html`<p class="mut">${t('idle.noNote')}</p>`}
      </div>
    </div>
  </${Panel}>`;
}

/** My phone and how a call makes itself known here. A desk without its own phone takes one. */
export function PhonePanel() {
  const mine = agent.value;
  const busy = useSignal(false);
  const own = mine?.interface ?? me.value?.interfaces?.[0];
  const free = phones.value.filter((p) => p.interface !== own);
  const take = async (name) => {
    busy.value = true;
    const answer = await api.takePhone(name);
    busy.value = false;
    toast(
      answer.ok
        ? t('phone.taken', { phone: phoneLabel(name) })
        : answer.status === 409
          ? t('phone.busy', { phone: phoneLabel(name) })
          : t('err.failed'),
      { bad: !answer.ok },
    );
  };
  return html`<${Panel} icon="desk" title=${t('phone.panel')} class="phone-panel">
    <dl class="kv num">
      <dt>${t('phone.mine')}</dt>
      <dd key=${mine?.phase}>
        ${own ? phoneLabel(own) : t('phone.none')} ${mine ? html`<${StateMark} phase=${mine.phase} plain />` : null}
      </dd>
      <dt>${t('set.sound')}</dt>
      <dd>
        <button type="button" class="link" aria-pressed=${soundOn.value} onClick=${() => setSound(!soundOn.value)}>
          ${soundOn.value ? t('sound.on') : t('sound.off')}
        </button>
      </dd>
      <dt>${t('set.notify')}</dt>
      <dd class="w">
        ${notifyState.value === 'granted' ? (
          t('notify.on')
        ) : notifyState.value === 'denied' ? (
          t('notify.off')
        ) : html`<button type="button" class="link" onClick=${askNotify}>
          ${t('notify.ask')}
        </button>`}
      </dd>
    </dl>
    ${!own && free.length ? html`<div class="take">
      <p class="sub">${t('phone.takeSay')}</p>
      <div class="chips">
        ${free.map((p) => html`<button
          type="button"
          key=${p.interface}
          class="btn s"
          disabled=${busy.value || Boolean(p.taken_by)}
          title=${p.taken_by ? t('phone.takenBy', { who: clean(p.taken_by, 12) }) : undefined}
          onClick=${() => take(p.interface)}
        >
          <${Icon} n="phone" />
          <${Foreign} text=${p.label || phoneLabel(p.interface)} limit=${16} />
        </button>`)}
      </div>
    </div>` : null}
  </${Panel}>`;
}
