// What customers wrote, whose it is to answer, and the calls we promised to return.
import { html, signal, useSignal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Key, Tag, Foreign } from '../ui/marks.js';
import { Segments } from '../ui/field.js';
import { t } from '../i18n.js';
import { clean, clockTime, daysAgo } from '../format.js';
import { minute, onFrame } from '../session.js';
import { when } from '../ui/words.js';
import { may } from '../ui/page.js';
import { messages, newKey } from '../api-messages.js';
import { toast, whyNot } from '../toast.js';
import { typed, keep } from '../unsaved.js';
import { lines } from '../trade/text.js';
import { count } from './count.js';

export const unread = signal(0);
const box = signal('mine');
const list = signal(null); // {incoming, next} or {why}
const callbacks = signal(null);
const chosen = signal(null);

async function read(before) {
  const answer = await messages.incoming(box.value, undefined, before);
  if (!answer.ok) {
    list.value = { incoming: [], next: null, why: whyNot(answer) };
    return;
  }
  const known = before ? (list.value?.incoming ?? []) : [];
  list.value = { incoming: [...known, ...answer.body.incoming], next: answer.body.next };
  unread.value = answer.body.unread;
}

async function readCallbacks() {
  const answer = await messages.callbacks('');
  callbacks.value = answer.ok ? answer.body.callbacks : [];
}

// A message that comes while the list is open takes its place at the top; one that was read elsewhere is read here.
onFrame((frame) => {
  if (list.value === null) return;
  if (frame.type === 'sms' && frame.incoming) {
    const id = frame.incoming.message.id;
    const rest = list.value.incoming.filter((x) => x.message.id !== id);
    list.value = { ...list.value, incoming: [frame.incoming, ...rest] };
    if (rest.length === list.value.incoming.length - 1) unread.value += 1;
    if (frame.incoming.callback) readCallbacks();
  }
  if (frame.type === 'sms_read') markRead(frame.id);
});

function markRead(id) {
  const hit = list.value?.incoming.find((x) => x.message.id === id && !x.message.read);
  if (!hit) return;
  list.value = {
    ...list.value,
    incoming: list.value.incoming.map((x) => (x === hit ? { ...x, message: { ...x.message, read: true } } : x)),
  };
  unread.value = Math.max(0, unread.value - 1);
}

async function show(one) {
  chosen.value = one.message.id;
  if (one.message.read) return;
  markRead(one.message.id);
  await messages.read(one.message.id);
}

const nameOf = (one) => clean(one.name || one.company || one.message.number || '', 24) || t('sms.them');

const Row = ({ one, sel }) => html`<li>
  <button
    type="button"
    class=${`kb-row${sel ? ' sel' : ''}`}
    data-incoming=${one.message.id}
    aria-current=${sel ? 'true' : undefined}
    onClick=${() => show(one)}
  >
    <span class="kb-title">
      ${one.message.read ? null : html`<span class="dot-new" title=${t('msg.unread')}></span>`}
      <b class="cut">${nameOf(one)}</b>
      ${one.name && one.company ? html`<span class="mut cut">
        <${Foreign} text=${one.company} limit=${16} />
      </span>` : null}
      <span class="grow"></span>
      ${one.message.opted_out ? html`<${Tag} kind="warn">${t(`sms.refused.${one.message.opted_out}`)}</${Tag}>` : null}
      ${one.callback ? html`<${Tag} kind="info" icon="phone">
        ${t('msg.answersCall')}
      </${Tag}>` : null}
      <span class="mut num">${when(one.message.at, minute.value)}</span>
    </span>
    <span class=${`kb-snippet${one.message.read ? '' : ' strong'}`}>
      <bdi>${clean(one.message.text, 160)}</bdi>
    </span>
  </button>
</li>`;

function Reply({ one }) {
  const place = `reply/${one.message.id}`;
  const draft = typed(place) ?? { key: '', text: '' };
  const busy = useSignal(false);
  const said = useSignal('');
  const size = count(draft.text);
  const send = async () => {
    if (busy.value || !draft.text.trim()) return;
    busy.value = true;
    const answer = await messages.reply(one.message.id, { key: draft.key, text: draft.text });
    busy.value = false;
    if (answer.ok) {
      keep(place, undefined);
      said.value = '';
      toast(t('msg.replied'));
    } else said.value = answer.body?.problems?.map((p) => clean(p.text, 80)).join(t('comma')) || whyNot(answer);
  };
  return html`<div class="composer">
    <textarea
      class="field area"
      maxlength="500"
      aria-label=${t('msg.reply')}
      placeholder=${t('msg.reply')}
      value=${draft.text}
      onInput=${(e) =>
        keep(place, e.currentTarget.value ? { key: draft.key || newKey(), text: e.currentTarget.value } : undefined)
      }
      onKeyDown=${(e) => {
        if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && !e.isComposing) {
          e.preventDefault();
          send();
        }
      }}
    ></textarea>
    <div class="composer-foot">
      <span class=${said.value ? 'bad cut' : 'mut num'}>
        ${said.value || t('sms.size', { n: size.characters, s: size.segments })}
      </span>
      <span class="grow"></span>
      <button type="button" class="btn s primary" disabled=${busy.value || !draft.text.trim()} onClick=${send}>
        <${Icon} n="send" /> ${t('sms.send')} <${Key}>Ctrl ↵</${Key}>
      </button>
    </div>
  </div>`;
}

const One = () => {
  const one = list.value?.incoming.find((x) => x.message.id === chosen.value);
  if (!one)
    return html`<${Panel} class="msg-one">
      <p class="say center">${t('msg.pick')}</p>
    </${Panel}>`;
  return html`<${Panel}
    icon="msg"
    title=${html`<bdi>${nameOf(one)}</bdi>`}
    label=${nameOf(one)}
    meta=${[one.company, one.message.number]
      .filter(Boolean)
      .map((x) => clean(x, 24))
      .join(' · ')}
    class="msg-one"
    tools=${
      one.party ? html`<a class="btn s" href=${`/customers?id=${encodeURIComponent(one.party)}`}>
        ${t('conv.openCustomer')}
      </a>` : null
    }
  >
    <ol class="scroll thread">
      <li class="bub in">
        <p class="bub-text">
          <bdi>${lines(one.message.text, 2000)}</bdi>
        </p>
        <p class="bub-meta num">
          ${one.message.opted_out ? html`<${Tag} kind="warn" icon="off">
            ${t(`sms.refused.${one.message.opted_out}`)}
          </${Tag}>` : null}
          ${when(one.message.at, minute.value)}
        </p>
      </li>
    </ol>
    ${may('edit') ? html`<${Reply} key=${one.message.id} one=${one} />` : null}
  </${Panel}>`;
};

const Callback = ({ c }) => {
  const late = c.state === 'open' && c.due_at < minute.value;
  const done = async () => {
    const answer = await messages.callbackDone(c.id);
    if (answer.ok) readCallbacks();
    else toast(whyNot(answer), { bad: true });
  };
  return html`<li class="callback">
    <p class="kb-title">
      <b class="cut">${clean(c.name || c.display, 20)}</b>
      ${c.name ? html`<span class="mut num">${clean(c.display, 16)}</span>` : null}
      <span class="grow"></span>
      <${Tag} kind=${c.state === 'done' ? '' : late ? 'bad' : c.state === 'answered' ? 'info' : 'warn'}>
        ${c.state === 'done'
          ? t('msg.callDone')
          : `${daysAgo(c.due_at, minute.value) === 0 ? clockTime(c.due_at) : when(c.due_at, minute.value)} ${t('msg.due')}`}
      </${Tag}>
    </p>
    <p class="kb-facts num">
      ${clean(c.queue, 12)} · ${t('msg.promised', { time: when(c.promised_at, minute.value) })}
      ${c.owner ? ` · ${clean(c.owner, 12)}` : ''}
    </p>
    ${c.reply ? html`<p class="kb-snippet">
      <bdi>${clean(c.reply, 120)}</bdi>
    </p>` : null}
    ${c.state !== 'done' && may('edit') ? html`<button type="button" class="btn s" onClick=${done}>
      ${t('msg.setDone')}
    </button>` : null}
  </li>`;
};

export function Inbox() {
  useEffect(() => {
    list.value = null;
    read();
    readCallbacks();
  }, [box.value]);
  const rows = list.value?.incoming ?? [];
  const open = (callbacks.value ?? []).filter((c) => c.state !== 'done');
  return html`<div class="msg-cols">
    <${Panel}
      icon="msg"
      title=${t('msg.tab.inbox')}
      meta=${unread.value ? t('msg.unreadCount', { n: unread.value }) : ''}
      tools=${
        may('all_calls') ? html`<${Segments}
          name="box"
          label=${t('msg.whose')}
          value=${box.value}
          options=${[
            ['mine', t('msg.mine')],
            ['all', t('msg.all')],
          ]}
          onInput=${(x) => {
            box.value = x;
          }}
        />` : null
      }
    >
      <ul class="scroll kb-rows">
        ${list.value === null ? html`<${Loading} lines=${6} />` : null}
        ${list.value?.why ? html`<li class="say">${list.value.why}</li>` : null}
        ${rows.map((one) => html`<${Row} key=${one.message.id} one=${one} sel=${one.message.id === chosen.value} />`)}
        ${list.value && !list.value.why && rows.length === 0 ? html`<li class="say">${t('msg.none')}</li>` : null}
        ${list.value?.next ? html`<li class="say">
          <button type="button" class="btn s" onClick=${() => read(list.value.next)}>
            ${t('idle.more')}
          </button>
        </li>` : null}
      </ul>
    </${Panel}>
    <${One} />
    <${Panel} icon="phone" title=${t('msg.callbacks')} meta=${callbacks.value ? t('msg.openCalls', { n: open.length }) : ''}>
      <ul class="scroll kb-rows">
        ${callbacks.value === null ? html`<${Loading} lines=${4} />` : null}
        ${(callbacks.value ?? []).map((c) => html`<${Callback} key=${c.id} c=${c} />`)}
        ${callbacks.value?.length === 0 ? html`<li class="say">${t('msg.noCalls')}</li>` : null}
      </ul>
    </${Panel}>
  </div>`;
}
