// 这是谁: several customers could be calling. Listed by confidence with the reason; nothing is written before the choice.
import { html, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Icon, Tag, Key, Foreign } from '../ui/marks.js';
import { t, pick } from '../i18n.js';
import { clean, partyName } from '../format.js';
import { api } from '../api.js';
import { draftOf } from '../drafts.js';
import { useKeys } from '../keys.js';
import { toast, whyNot } from '../toast.js';
import { me, minute } from '../session.js';
import { Finder } from './find.js';
import { tierWord, when } from '../ui/words.js';

const SURE = {
  exact: ['good', 'sure.most'],
  learned: ['good', 'sure.most'],
  derived: ['', 'sure.likely'],
  switchboard: ['', 'sure.likely'],
  text: ['', 'sure.trace'],
};

export async function choose(pop, party) {
  const answer = await api.choose(pop.id, party.id);
  if (!answer.ok) toast(whyNot(answer), { bad: true });
  return answer.ok;
}

const Candidate = ({ c, n, sel, busy, onPoint, onChoose }) => {
  const { party } = c;
  const { main, firm } = partyName(party);
  const [kind, word] = n === 1 && ['exact', 'learned'].includes(c.level) ? SURE.exact : (SURE[c.level] ?? ['', 'sure.likely']);
  const sure = n > 1 && word === 'sure.most' ? ['', 'sure.likely'] : [kind, word];
  return html`<div class=${`mt${sel ? ' sel' : ''}`} role="option" aria-selected=${sel} onPointerEnter=${onPoint}>
    <${Key}>${n}</${Key}>
    <div class="nm">
      <b>
        <${Foreign} text=${firm || main} limit=${30} />
      </b>
      <small>
        <${Foreign} text=${[firm ? main : null, party.role].filter(Boolean).join(' · ') || t('party.noContact')} limit=${24} />
      </small>
      ${party.category_label ? html`<${Tag}>
        <${Foreign} text=${party.category_label} limit=${8} />
      </${Tag}>` : null}
      ${party.tier ? html`<${Tag} kind="vip">${tierWord(party.tier)}</${Tag}>` : null}
      ${party.owner_name ? html`<${Tag} kind="line">
        ${t('party.owner')} <${Foreign} text=${party.owner_name} limit=${8} />
      </${Tag}>` : null}
    </div>
    <button type="button" class=${`btn${sel ? ' primary' : ''}`} disabled=${busy} onClick=${onChoose}>
      ${t('match.pick')}
      <${Key}>${sel ? '↵' : n}</${Key}>
    </button>
    <p class="why2 num">
      <${Tag} kind=${sure[0]}>${t(sure[1])}</${Tag}>
      <span class="cut" title=${clean(pick(c.reason, c.reason_en), 200)}>
        ${clean(pick(c.reason, c.reason_en), 90)}
      </span>
    </p>
    <p class="why2 num">
      <${Icon} n=${c.last_contact ? 'history' : 'user'} />
      ${c.last_contact ? t('match.last', { time: when(c.last_contact, minute.value) }) : t('match.noContact')}
    </p>
  </div>`;
};

export function Matches({ pop, at, onNew, onLater }) {
  const list = (pop.match.candidates ?? []).slice(0, 9);
  const busy = useSignal(false);
  const finding = useSignal(false);
  const take = async (party) => {
    if (busy.value) return;
    busy.value = true;
    await choose(pop, party);
    busy.value = false;
    finding.value = false;
  };
  const move = (by) => {
    at.value = Math.max(0, Math.min(list.length - 1, at.value + by));
  };
  const keys = {
    ArrowDown: () => {
      move(1);
    },
    ArrowUp: () => {
      move(-1);
    },
    n: onNew,
    '/': () => {
      finding.value = true;
    },
    Enter: (e) => {
      if (e.target.closest?.('button, a, input, textarea')) return false;
      if (list[at.value]) take(list[at.value].party);
      return true;
    },
  };
  list.forEach((c, i) => {
    keys[String(i + 1)] = () => {
      take(c.party);
    };
  });
  const guard = Object.fromEntries(
    Object.entries(keys).map(([k, fn]) => [
      k,
      (e) => (k.startsWith('Arrow') && e.target.closest?.('input, textarea, [role=menu]') ? false : fn(e)),
    ]),
  );
  useKeys(guard);
  const first = list[0] && partyName(list[0].party);
  return html`<${Panel} id="matches" icon="user" title=${t('match.who')} meta=${t('match.say')} class="grow1">
    <div class="scroll">
      <div class="match" role="listbox" aria-label=${t('match.who')}>
        ${list.map((c, i) => html`<${Candidate}
          key=${c.party.id}
          c=${c}
          n=${i + 1}
          sel=${i === at.value}
          busy=${busy.value}
          onPoint=${() => {
            at.value = i;
          }}
          onChoose=${() => take(c.party)}
        />`)}
      </div>
      <div class="match-acts">
        <button type="button" class="btn" onClick=${onNew}>
          <${Icon} n="plus" />
          ${t('match.none')}
          <${Key}>N</${Key}>
        </button>
        ${finding.value ? html`<${Finder}
          onChoose=${take}
          onClose=${() => {
            finding.value = false;
          }}
        />` : html`<button
          type="button"
          class="btn"
          onClick=${() => {
            finding.value = true;
          }}
        >
          <${Icon} n="search" />
          ${t('match.search')}
          <${Key}>/</${Key}>
        </button>`}
        <button type="button" class="btn ghost" onClick=${onLater}>
          ${t('match.later')}
        </button>
        <span class="grow"></span>
      </div>
      ${first ? html`<div class="advice">
        <p>
          <b>${t('match.askFirst')}</b>
          ${t(first.firm ? 'match.ask' : 'match.askFirm', {
            me: clean(me.value?.name ?? '', 12),
            firm: first.firm || first.main,
            name: first.main,
          })}
        </p>
        <p class="mut">${t('match.careful')}</p>
      </div>` : null}
    </div>
  </${Panel}>`;
}

/** After 接完再选: one line that keeps the question open. */
export const MatchesLater = ({ pop, onNow }) => html`<${Panel}
  id="matches"
  icon="user"
  title=${t('match.who')}
  class="grow1"
  tools=${
    html`<button type="button" class="btn s primary" onClick=${onNow}>
      ${t('match.now')}
    </button>`
  }
>
  <div class="scroll">
    <p class="say">${t('match.laterSay', { n: pop.match.candidates?.length ?? 0 })}</p>
    <ul class="todo">
      ${(pop.match.candidates ?? []).slice(0, 9).map((c) => html`<li key=${c.party.id}>
        <span class="a">
          <b>
            <${Foreign} text=${partyName(c.party).firm || partyName(c.party).main} limit=${30} />
          </b>
        </span>
        <span class="b">${clean(pick(c.reason, c.reason_en), 60)}</span>
      </li>`)}
    </ul>
  </div>
</${Panel}>`;

/** The record column while nobody is chosen: what is known of the one that is pointed at. */
export const Preview = ({ pop, at }) => {
  const c = pop.match.candidates?.[at];
  if (!c) return null;
  const { party } = c;
  const { main, firm } = partyName(party);
  const rows = [
    ['party.firm', firm || main],
    ['party.person', firm ? main : '–'],
    ['party.role', party.role || '–'],
    ['party.category', party.category_label || '–'],
    ['party.tierLabel', party.tier ? tierWord(party.tier) : '–'],
    ['party.ownerLabel', party.owner_name || '–'],
    ['party.last', c.last_contact ? when(c.last_contact, minute.value) : '–'],
    ['party.tags', (party.tags ?? []).join('、') || '–'],
  ];
  return html`<${Panel} icon="user" title=${clean(firm || main, 20)} class="profile" tools=${html`<${Tag} kind="warn">${t('match.preview')}</${Tag}>`}>
    <dl class="kv num">
      ${rows.map(([k, v]) => html`
        <dt key=${`${k}t`}>${t(k)}</dt>
        <dd key=${k}>
          <${Foreign} text=${v} limit=${40} />
        </dd>
      `)}
    </dl>
  </${Panel}>`;
};

export const wantsForm = (pop) => draftOf(pop).values.value.form !== undefined;
