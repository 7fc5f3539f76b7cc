// 会话: chats of which nobody knows whose they are. What was said, who it may be and why; linking moves the messages into the
// customer's record, and can be taken back. Chat files are brought in here, too.
import { html, signal, useSignal, useEffect } from '../lib.js';
import { openPage, may } from '../ui/page.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Key, Tag, Foreign } from '../ui/marks.js';
import { Segments } from '../ui/field.js';
import { t, has, pick } from '../i18n.js';
import { clean, partyName } from '../format.js';
import { minute } from '../session.js';
import { when } from '../ui/words.js';
import { conversations } from '../api-customers.js';
import { toast, whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { Finder, PartyLine } from '../desk/find.js';
import { Import } from './importing.js';

const linked = signal('0');
const list = signal(null); // {conversations, unlinked} or {why}
const chosen = signal(null);
const open = signal(null); // {conversation, suggestions, messages}
const undone = signal(null); // {id, name, moved}: what was linked last, to be taken back by one click
let serial = 0;

const channelWord = (channel) => (has(`channel.${channel}`) ? t(`channel.${channel}`) : clean(channel, 12));
const nameOf = (peer) => clean(peer.name || peer.platform_id, 30) || t('conv.noName');

async function read() {
  serial += 1;
  const mine = serial;
  const answer = await conversations.list(linked.value);
  if (mine !== serial) return;
  list.value = answer.ok ? answer.body : { conversations: [], unlinked: 0, why: whyNot(answer) };
  const ids = list.value.conversations.map((c) => c.peer.id);
  if (!ids.includes(chosen.value)) show(ids[0] ?? null);
}

async function show(id) {
  chosen.value = id;
  open.value = null;
  if (!id) return;
  const answer = await conversations.one(id);
  if (chosen.value === id) open.value = answer.ok ? answer.body : { why: whyNot(answer) };
}

async function link(id, party, name) {
  const answer = await conversations.link(id, party);
  if (!answer.ok) {
    toast(whyNot(answer), { bad: true });
    return;
  }
  undone.value = { id, name, moved: answer.body.moved };
  read();
}

async function unlink(id) {
  const answer = await conversations.unlink(id);
  if (!answer.ok) {
    toast(whyNot(answer), { bad: true });
    return;
  }
  toast(t('conv.unlinked', { n: answer.body.moved }));
  if (undone.value?.id === id) undone.value = null;
  await read();
  if (chosen.value === id) show(id);
}

const Row = ({ c, sel }) => html`<li>
  <button
    type="button"
    class=${`kb-row${sel ? ' sel' : ''}`}
    data-peer=${c.peer.id}
    aria-current=${sel ? 'true' : undefined}
    onClick=${() => show(c.peer.id)}
  >
    <span class="kb-title">
      <${Tag}>${channelWord(c.peer.channel)}</${Tag}>
      <b class="cut">
        <bdi>${nameOf(c.peer)}</bdi>
      </b>
      ${c.peer.group ? html`<${Tag} kind="line">${t('conv.group')}</${Tag}>` : null}
      <span class="grow"></span>
      ${c.held ? html`<span class="tag warn num">${t('conv.held', { n: c.held })}</span>` : null}
    </span>
    <span class="kb-snippet">
      ${c.party ? html`
        <${Icon} n="user" /> ${partyName(c.party).main}
      ` : (
        clean(c.last?.text ?? '', 80)
      )}
    </span>
    <span class="kb-facts num">${when(c.peer.last_at, minute.value)}</span>
  </button>
</li>`;

const Chat = ({ messages }) => html`<ol class="scroll thread" aria-label=${t('conv.said')}>
  ${[...messages].reverse().map((m) => html`<li key=${m.id} class=${`bub ${m.direction}`}>
    <p class="bub-text">
      <bdi>${clean(m.text || `[${m.kind}]`, 1000)}</bdi>
    </p>
    <p class="bub-meta num">
      ${when(m.at, minute.value)} <${Foreign} text=${m.sender} limit=${16} />
    </p>
  </li>`)}
</ol>`;

/** Who it may be, each with its reason; or any other customer. */
function Whose({ id, suggestions }) {
  const finding = useSignal(false);
  const busy = useSignal(false);
  const take = async (party, name) => {
    if (busy.value) return;
    busy.value = true;
    await link(id, party, name);
    busy.value = false;
  };
  const keys = {
    '/': () => {
      finding.value = true;
    },
  };
  suggestions.slice(0, 9).forEach((s, i) => {
    keys[String(i + 1)] = () => {
      take(s.party_id, s.name);
    };
  });
  useKeys(may('edit') ? keys : {});
  return html`<${Panel} icon="user" title=${t('match.who')} meta=${t('conv.whoseSay')} class="conv-who">
    <div class="scroll">
      <ul class="match">
        ${suggestions.slice(0, 9).map((s, i) => html`<li key=${s.party_id} class="mt">
          <${Key}>${i + 1}</${Key}>
          <div class="nm">
            <b>
              <${Foreign} text=${s.company || s.name} limit=${24} />
            </b>
            ${s.company ? html`<small>
              <${Foreign} text=${s.name} limit=${16} />
            </small>` : null}
          </div>
          ${may('edit') ? html`<button
            type="button"
            class=${`btn${i === 0 ? ' primary' : ''}`}
            disabled=${busy.value}
            onClick=${() => take(s.party_id, s.name)}
          >
            ${t('conv.link')}
          </button>` : html`<span></span>`}
          <p class="why2">
            <${Tag} kind=${s.how === 'id' ? 'good' : ''}>${t(`conv.how.${s.how || 'name'}`)}</${Tag}>${' '}
            <span class="cut">${clean(pick(s.reason, s.reason_en), 80)}</span>
          </p>
        </li>`)}
      </ul>
      ${suggestions.length === 0 ? html`<p class="say">${t('conv.noIdea')}</p>` : null}
      ${may('edit') ? html`<div class="match-acts">
        ${finding.value ? html`<${Finder}
          onChoose=${(party) => {
            finding.value = false;
            take(party.id, party.name);
          }}
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
          <${Icon} n="search" /> ${t('match.search')} <${Key}>/</${Key}>
        </button>`}
      </div>` : null}
    </div>
  </${Panel}>`;
}

const HowItIs = ({ conversation }) => html`<${Panel} icon="user" title=${t('conv.linkedTo')} class="conv-who">
  <div class="scroll conv-linked">
    <p class="flow">
      <${PartyLine} party=${conversation.party} />
    </p>
    <p class="mut">${t(`conv.how.${conversation.peer.how || 'chosen'}`)}</p>
    <p class="match-acts">
      <a class="btn" href=${`/customers?id=${encodeURIComponent(conversation.party.id)}`}>
        ${t('conv.openCustomer')}
      </a>
      ${may('edit') ? html`<button type="button" class="btn ghost bad" onClick=${() => unlink(conversation.peer.id)}>
        ${t('conv.unlink')}
      </button>` : null}
    </p>
  </div>
</${Panel}>`;

const One = () => {
  const o = open.value;
  if (!chosen.value)
    return html`<${Panel} class="cust-none">
      <p class="say center">${list.value ? t(linked.value === '0' ? 'conv.allDone' : 'conv.none') : ''}</p>
    </${Panel}>`;
  if (!o || o.why) return html`<${Panel} class="cust-none">${o?.why ? html`<p class="say center">${o.why}</p>` : html`<${Loading} lines=${6} />`}</${Panel}>`;
  const { peer, party } = o.conversation;
  return html`
    <${Panel}
      icon="chat"
      title=${html`<bdi>${nameOf(peer)}</bdi>`}
      label=${nameOf(peer)}
      meta=${[channelWord(peer.channel), clean(peer.platform_id, 24), clean(peer.account, 24)].filter(Boolean).join(' · ')}
    >
      ${o.messages.length ? html`<${Chat} key=${peer.id} messages=${o.messages} />` : html`<p class="say center">${t(party ? 'conv.inRecord' : 'conv.nothing')}</p>`}
    </${Panel}>
    ${party ? html`<${HowItIs} conversation=${o.conversation} />` : html`<${Whose} key=${peer.id} id=${peer.id} suggestions=${o.suggestions} />`}
  `;
};

const Undo = () => {
  const u = undone.value;
  return u ? html`<div class="undo" role="status">
    <${Icon} n="check" />
    <span>${t('conv.linkedDone', { name: clean(u.name, 16), n: u.moved })}</span>
    <button type="button" class="btn s" onClick=${() => unlink(u.id)}>
      ${t('conv.undo')} <${Key}>Z</${Key}>
    </button>
    <button
      type="button"
      class="btn s ghost ico"
      aria-label=${t('close')}
      onClick=${() => {
        undone.value = null;
      }}
    >
      <${Icon} n="x" />
    </button>
  </div>` : null;
};

function Chats() {
  useEffect(() => {
    read();
  }, [linked.value]);
  const rows = list.value?.conversations ?? [];
  const at = rows.findIndex((c) => c.peer.id === chosen.value);
  const move = (by) => (e) => {
    if (e.target.closest?.('input, textarea, [role=menu], [role=radiogroup]')) return false;
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    if (next && next.peer.id !== chosen.value) show(next.peer.id);
    document.querySelector(`[data-peer="${CSS.escape(next?.peer.id ?? '')}"]`)?.scrollIntoView({ block: 'nearest' });
    return true;
  };
  useKeys({
    ArrowDown: move(1),
    ArrowUp: move(-1),
    z: () => {
      if (!undone.value) return false;
      unlink(undone.value.id);
      return true;
    },
  });
  return html`
    <${Panel}
      icon="chat"
      title=${t('nav.conversations')}
      meta=${list.value ? t('conv.waiting', { n: list.value.unlinked }) : ''}
      tools=${
        html`<${Segments}
          name="linked"
          label=${t('conv.which')}
          value=${linked.value}
          options=${[
            ['0', t('conv.unknown')],
            ['1', t('conv.known')],
          ]}
          onInput=${(x) => {
            linked.value = x;
            list.value = null;
          }}
        />`
      }
    >
      <ul class="scroll kb-rows">
        ${list.value === null ? html`<${Loading} lines=${6} />` : null}
        ${list.value?.why ? html`<li class="say">${list.value.why}</li>` : null}
        ${rows.map((c) => html`<${Row} key=${c.peer.id} c=${c} sel=${c.peer.id === chosen.value} />`)}
        ${list.value && !list.value.why && rows.length === 0 ? html`<li class="say">${t(linked.value === '0' ? 'conv.allDone' : 'conv.none')}</li>` : null}
      </ul>
    </${Panel}>
    <${One} />
    <${Undo} />
  `;
}

const Body = () => html`
  ${may('customers') ? html`<div class="conv-cols">
    <${Chats} />
  </div>` : null}
  ${may('upkeep') ? html`<${Import} onDone=${read} />` : null}
`;

openPage({
  page: 'conversations',
  keys: [
    ['↑ ↓', 'kb.choose'],
    ['1 2 3', 'conv.link'],
    ['/', 'match.search'],
    ['Z', 'conv.undo'],
    ['?', 'key.help'],
  ],
  Body,
});
