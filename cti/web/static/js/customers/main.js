// 客户: find one, read and change what is known of him, his business, quotes and chats; and, for those who may, what is kept
// of customers at all (categories and fields).
import { html, signal, useEffect, effect } from '../lib.js';
import { openPage, may } from '../ui/page.js';
import { Panel } from '../ui/panel.js';
import { Icon, Key, Tag, Foreign } from '../ui/marks.js';
import { usePaused } from '../ui/field.js';
import { t } from '../i18n.js';
import { partyName } from '../format.js';
import { api } from '../api.js';
import { useKeys } from '../keys.js';
import { tierWord } from '../ui/words.js';
import { keptUnder } from '../unsaved.js';
import { Customer } from './customer.js';
import { Catalogue } from './catalogue.js';
import { NewParty } from './fresh.js';

const given = new URLSearchParams(location.search);
const clean = (key) => (/^[\w:.-]{1,80}$/.test(given.get(key) ?? '') ? given.get(key) : null);
const chosen = signal(clean('id'));
const tab = signal(given.get('tab') === 'catalogue' ? 'catalogue' : 'customers');
const asked = signal('');
const found = signal(null); // [Party], or null before the first answer
const lately = signal([]);
let serial = 0;

effect(() => {
  const at = new URLSearchParams();
  if (tab.value === 'catalogue') at.set('tab', 'catalogue');
  else if (chosen.value && chosen.value !== 'new') at.set('id', chosen.value);
  history.replaceState(null, '', String(at) ? `?${at}` : location.pathname);
});

/** Whom one spoke with last: who opens the page has mostly just had him on the phone. */
async function readLately() {
  const answer = await api.calls();
  if (!answer.ok) return;
  const known = new Map();
  for (const c of answer.body.calls ?? []) if (c.party?.id && !known.has(c.party.id)) known.set(c.party.id, c.party);
  lately.value = [...known.values()];
}

async function search(text) {
  serial += 1;
  const mine = serial;
  if (text.trim().length < 2) {
    found.value = null;
    return;
  }
  const answer = await api.search(text.trim());
  if (mine === serial) found.value = answer.ok ? answer.body.parties : [];
}

const Row = ({ party, sel }) => {
  const { main, firm } = partyName(party);
  return html`<li>
    <button
      type="button"
      class=${`kb-row${sel ? ' sel' : ''}`}
      aria-current=${sel ? 'true' : undefined}
      onClick=${() => {
        chosen.value = party.id;
      }}
    >
      <span class="kb-title">
        <b class="cut">
          <${Foreign} text=${main} limit=${24} />
        </b>
        ${party.role ? html`<span class="mut cut">
          <${Foreign} text=${party.role} limit=${10} />
        </span>` : null}
        <span class="grow"></span>
        ${keptUnder(`party/${party.id}`) ? html`<${Tag} kind="warn">${t('left.unsaved')}</${Tag}>` : null}
        ${party.tier ? html`<${Tag} kind="vip">${tierWord(party.tier)}</${Tag}>` : null}
      </span>
      <span class="kb-facts cut">
        ${[firm, party.category_label, party.owner_name].filter(Boolean).map((x, i) => html`
          ${i ? ' · ' : ''}
          <${Foreign} key=${i} text=${x} limit=${24} />
        `)}
      </span>
    </button>
  </li>`;
};

function Find() {
  usePaused(asked.value, 200, search);
  useEffect(() => {
    readLately();
  }, []);
  const list = found.value ?? lately.value;
  const at = list.findIndex((p) => p.id === chosen.value);
  const move = (by) => {
    const next = list[Math.max(0, Math.min(list.length - 1, at + by))];
    if (next) chosen.value = next.id;
  };
  useKeys({
    '/': () => document.getElementById('find')?.select(),
    n: () => {
      if (!may('edit')) return false;
      chosen.value = 'new';
      return true;
    },
  });
  const onKeyDown = (e) => {
    if (e.isComposing || e.keyCode === 229) return;
    if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
    e.preventDefault();
    move(e.key === 'ArrowDown' ? 1 : -1);
  };
  return html`<${Panel}
    icon="users"
    title=${t('nav.customers')}
    tools=${
      may('edit') ? html`<button
        type="button"
        class="btn s"
        onClick=${() => {
          chosen.value = 'new';
        }}
      >
        <${Icon} n="plus" /> ${t('cust.new')} <${Key}>N</${Key}>
      </button>` : null
    }
  >
    <div class="kb-find">
      <${Icon} n="search" />
      <input
        class="field"
        id="find"
        autocomplete="off"
        spellcheck=${false}
        maxlength="60"
        aria-label=${t('cust.find')}
        placeholder=${t('cust.find')}
        value=${asked.value}
        onInput=${(e) => {
          asked.value = e.currentTarget.value;
        }}
        onKeyDown=${onKeyDown}
      />
      <span>
        <${Key}>/</${Key}>
      </span>
    </div>
    <p class="list-head">${found.value ? t('cust.found', { n: found.value.length }) : t('cust.lately')}</p>
    <ul class="scroll kb-rows">
      ${list.map((party) => html`<${Row} key=${party.id} party=${party} sel=${party.id === chosen.value} />`)}
      ${found.value?.length === 0 ? html`<li class="say">${t('find.none')}</li>` : null}
      ${!found.value && list.length === 0 ? html`<li class="say">${t('cust.type')}</li>` : null}
    </ul>
  </${Panel}>`;
}

const Body = () => {
  const both = may('customers') && may('catalogue');
  const shown = may('customers') && (tab.value === 'customers' || !may('catalogue')) ? 'customers' : 'catalogue';
  return html`
    ${both ? html`<div class="tabs" role="tablist">
      ${['customers', 'catalogue'].map((x) => html`<button
        type="button"
        key=${x}
        role="tab"
        aria-selected=${x === shown}
        class=${x === shown ? 'on' : ''}
        onClick=${() => {
          tab.value = x;
        }}
      >
        ${t(`cust.tab.${x}`)}
      </button>`)}
    </div>` : null}
    ${shown === 'catalogue' ? html`<${Catalogue} />` : html`<div class="cust-cols">
      <${Find} />
      ${chosen.value === 'new' ? html`<${NewParty}
        onMade=${(id) => {
          chosen.value = id;
        }}
      />` : chosen.value ? html`<${Customer} key=${chosen.value} id=${chosen.value} />` : html`<${Panel} class="cust-none">
        <p class="say center">${t('cust.pick')}</p>
      </${Panel}>`}
    </div>`}
  `;
};

openPage({
  page: 'customers',
  keys: [
    ['/', 'key.search'],
    ['N', 'cust.new'],
    ['↑ ↓', 'kb.choose'],
    ['Ctrl ↵', 'key.save'],
    ['?', 'key.help'],
  ],
  Body,
});
