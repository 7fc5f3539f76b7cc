// The text messages of a pop: the conversation as bubbles, and the words that are being written. A draft stands in the
// call's draft until it is sent; one draft is one intent, so that sending twice is one message.
import { html, signal, useSignal, useRef, useEffect, useLayoutEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Key, Tag, Foreign } from '../ui/marks.js';
import { Menu, Item } from '../ui/menu.js';
import { usePaused } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, shortDate, daysAgo } from '../format.js';
import { me, minute, cutOff } from '../session.js';
import { draftOf } from '../drafts.js';
import { messages, newKey } from '../api-messages.js';
import { toast, whyNot } from '../toast.js';
import { Bubble } from '../messages/bubble.js';
import { Filled } from '../messages/filled.js';
import { count } from '../messages/count.js';
import { askRetry, AskRefusal } from '../messages/ask.js';

const PREVIEW_MS = 300;
const CHIPS = 3;

/** The pop whose messages are open for writing; null where they lie folded. */
export const writingTo = signal(null);

const about = signal({}); // pop id -> Conversation without its messages: whom one may write to, and what to count with
const older = signal({}); // pop id -> {items, next}: what was read behind the section

/** Until the service has told more, one may write already: no letter waits for an answer. */
const WAITING = { can_send: true, to: [], drafts: [], counting: null, waiting: true };

const put = (box, id, value) => {
  const kept = Object.entries(box.value).slice(-8);
  box.value = { ...Object.fromEntries(kept), [id]: value };
};

async function readAbout(pop) {
  const answer = await messages.ofPop(pop.id);
  if (!answer.ok) {
    put(about, pop.id, { can_send: false, why: whyNot(answer), to: [], drafts: [], failed: true });
    return;
  }
  const { messages: newest, next, ...rest } = answer.body;
  put(about, pop.id, rest);
  if (!older.value[pop.id]) put(older, pop.id, { items: newest, next });
}

async function readOlder(pop) {
  const known = older.value[pop.id];
  if (!known?.next) return;
  const answer = await messages.ofPop(pop.id, known.next);
  if (answer.ok) put(older, pop.id, { items: [...known.items, ...answer.body.messages], next: answer.body.next });
}

/** What of the conversation is known: the section's newest, whose state is the truth, and what was read behind them. */
function thread(pop, section) {
  const byId = new Map((older.value[pop.id]?.items ?? []).map((m) => [m.id, m]));
  for (const m of section.items) byId.set(m.id, m);
  return [...byId.values()].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

const change = (pop, values) => {
  const draft = draftOf(pop);
  const next = { key: newKey(), ...(draft.get('sms') ?? {}), ...values };
  draft.set('sms', next.text || next.template ? next : undefined);
};

const toComposer = () =>
  requestAnimationFrame(() => {
    const box = document.querySelector('.composer .filled .wrong') ?? document.querySelector('.composer textarea, .composer .filled input');
    box?.focus();
    box?.setSelectionRange?.(box.value.length, box.value.length);
  });

/** Open the messages of a pop for writing. */
export function writeMessage(pop) {
  writingTo.value = pop.id;
  toComposer();
}

/** Put words into the message that is being written. */
export function intoMessage(pop, text) {
  const now = draftOf(pop).get('sms');
  const before = now?.text ?? '';
  change(pop, { template: null, values: undefined, text: before ? `${before}${/\s$/.test(before) ? '' : '\n'}${text}` : text });
  writeMessage(pop);
}

const Day = ({ at }) => html`<li class="bub-day num">${daysAgo(at, minute.value) === 0 ? t('day.today') : shortDate(at, minute.value)}</li>`;

function Thread({ pop, section }) {
  const list = thread(pop, section);
  const box = useRef(null);
  const last = list.at(-1);
  const retry = async (m) => {
    if (!(await askRetry(m))) return;
    const answer = await messages.retry(m.id);
    if (!answer.ok) toast(whyNot(answer), { bad: true });
  };
  // Its signature is put before the words again when they go out.
  const again = (m) => intoMessage(pop, m.text.replace(/^【[^】]{1,40}】/, ''));
  // A new word comes into view; one who reads further up is left there.
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [last?.id, last?.status]);
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
    });
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const rows = [];
  let day = null;
  for (const m of list) {
    const ago = daysAgo(m.at, minute.value);
    if (ago !== day) rows.push(html`<${Day} key=${`d${ago}`} at=${m.at} />`);
    day = ago;
    rows.push(html`<${Bubble} key=${m.id} m=${m} onRetry=${retry} onAgain=${again} />`);
  }
  return html`<ol
    class="scroll thread"
    ref=${box}
    aria-label=${t('sec.sms')}
    onScroll=${(e) => {
      const { scrollTop, scrollHeight, clientHeight } = e.currentTarget;
      atEnd.current = scrollHeight - scrollTop - clientHeight < 24;
    }}
  >
    ${older.value[pop.id]?.next ? html`<li class="bub-day">
      <button type="button" class="link" onClick=${() => readOlder(pop)}>
        ${t('idle.more')}
      </button>
    </li>` : null}
    ${rows}
    ${list.length === 0 ? html`<li class="say">${section.state === 'loading' ? html`<${Loading} lines=${2} />` : t('sms.empty')}</li>` : null}
  </ol>`;
}

/** Whom it goes to: the one number, or a choice; what speaks against it stands beside. */
const To = ({ to, chosen, onChoose }) => {
  const name = (r) =>
    [r.display, r.label]
      .filter(Boolean)
      .map((x) => clean(x, 20))
      .join(' ');
  if (to.length < 2) return html`<span class="num cut">${chosen ? name(chosen) : ''}</span>`;
  return html`<${Menu}
    label=${t('sms.to')}
    class="btn s ghost num to"
    button=${
      html`
        <span class="cut">${name(chosen)}</span> <${Icon} n="down" />
      `
    }
  >
    ${to.map((r) => html`<${Item} key=${r.id} chosen=${r === chosen} onClick=${() => onChoose(r.id)}>
      <span class="num">${name(r)}</span>
      ${r.opted_out ? html`<${Tag} kind="warn">${t(`sms.refused.${r.opted_out}`)}</${Tag}>` : null}
    </${Item}>`)}
  </${Menu}>`;
};

function Composer({ pop, facts }) {
  const draft = draftOf(pop).values.value.sms ?? {};
  const busy = useSignal(false);
  const size = useSignal(null); // {of, size}: the service's count of exactly these words
  const said = useSignal('');
  const asking = useSignal(false);
  const wanted = useSignal(false); // asked to send before it was known to whom
  const chosen = facts.to.find((r) => r.id === draft.to) ?? facts.to.find((r) => !r.problem) ?? facts.to[0];
  const template = facts.drafts.find((d) => d.template === draft.template);
  const values = { ...(template?.values ?? {}), ...(draft.values ?? {}) };
  const missing = template ? template.missing.filter((k) => !values[k]) : [];
  const body = template
    ? { to: chosen?.id ?? '', template: template.template, values: draft.values ?? {} }
    : { to: chosen?.id ?? '', text: draft.text ?? '' };
  const asked = JSON.stringify(body);
  const empty = !template && !(draft.text ?? '').trim();
  usePaused(asked, PREVIEW_MS, async () => {
    if (empty || !chosen) {
      size.value = null;
      return;
    }
    const answer = await messages.preview(pop.id, body);
    if (answer.ok) size.value = { of: asked, size: answer.body };
  });
  const known = size.value?.of === asked ? size.value.size : null;
  const local = template && size.value ? size.value.size : count(draft.text ?? '', facts.counting ?? {});
  const shown = known ?? local;
  const problems = known?.problems ?? [];
  const blocked = chosen?.problem ?? null;
  const mayWrite = (me.value?.rights ?? []).includes('edit');
  const freeText = facts.counting?.free_text !== false;

  const send = async () => {
    if (facts.waiting && !empty) {
      wanted.value = true; // it goes as soon as it is known where to
      return;
    }
    if (busy.value || empty || !mayWrite || !chosen || problems.length) return;
    busy.value = true;
    said.value = '';
    const sent = { ...(draftOf(pop).get('sms') ?? {}) };
    const answer = await messages.send(pop.id, { key: sent.key, ...body });
    busy.value = false;
    if (answer.ok) {
      // Words typed while it went out, or that stood below a template, are a new intent.
      const now = draftOf(pop).get('sms');
      const left = sent.template ? now?.text : now?.text === sent.text ? '' : now?.text;
      draftOf(pop).set('sms', left ? { key: newKey(), text: left } : undefined);
      size.value = null;
      toComposer();
      return;
    }
    const told = answer.body?.problems?.map((p) => clean(pick(p.text, p.text_en), 100)).join(t('comma'));
    said.value = told || whyNot(answer);
  };
  useEffect(() => {
    if (facts.waiting || !wanted.value) return;
    wanted.value = false;
    send();
  }, [facts.waiting]);
  const choose = (d) => {
    change(pop, { template: d.template, values: undefined }); // words that stand there wait below the template
    toComposer();
  };
  const onKeyDown = (e) => {
    if (e.isComposing || e.keyCode === 229) return;
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      e.stopPropagation();
      send();
    } else if (e.key === 'Escape') {
      e.preventDefault();
      e.stopPropagation();
      writingTo.value = null;
      document.getElementById('sec-sms')?.focus({ preventScroll: true });
    }
  };
  const chips = facts.drafts.slice(0, CHIPS);
  const say =
    said.value ||
    (problems.length ? problems.map((p) => clean(pick(p.text, p.text_en), 100)).join(t('comma')) : '') ||
    (blocked ? clean(pick(blocked.text, blocked.text_en), 100) : '');
  return html`<div class="composer" onKeyDown=${onKeyDown}>
    <div class="chips composer-chips" role="group" aria-label=${t('sms.templates')}>
      ${chips.map((d) => html`<button
        type="button"
        key=${d.template}
        class=${`btn s${d === template ? ' on' : ''}`}
        aria-pressed=${d === template}
        onClick=${() => (d === template ? change(pop, { template: null, values: undefined }) : choose(d))}
      >
        ${clean(d.name, 10)}
      </button>`)}
      ${facts.drafts.length > CHIPS ? html`<${Menu} label=${t('sms.templates')} class="btn s" button=${t('sms.allTemplates')}>
        ${facts.drafts.map((d) => html`<${Item} key=${d.template} chosen=${d === template} onClick=${() => choose(d)}>
          ${clean(d.name, 24)}
          ${d.purpose === 'marketing' ? html`<${Tag}>${t('sms.marketing')}</${Tag}>` : null}
        </${Item}>`)}
      </${Menu}>` : null}
      <span class="grow"></span>
      <${To} to=${facts.to} chosen=${chosen} onChoose=${(id) => change(pop, { to: id })} />
    </div>
    ${template ? html`<${Filled}
      text=${template.text}
      reads=${known?.text}
      names=${Object.keys(template.values).concat(template.missing.filter((k) => !(k in template.values)))}
      values=${values}
      onInput=${(name, text) => change(pop, { values: { ...(draft.values ?? {}), [name]: text } })}
    />` : html`<textarea
      class="field area"
      aria-label=${t('sms.write')}
      placeholder=${freeText ? t('sms.write') : t('sms.onlyTemplates')}
      maxlength=${facts.counting?.longest ?? 500}
      spellcheck=${false}
      value=${draft.text ?? ''}
      onInput=${(e) => change(pop, { text: e.currentTarget.value })}
    ></textarea>`}
    <div class="composer-foot">
      <span class=${`cut${say ? ' bad' : ' mut'} num`} role=${say ? 'alert' : undefined} title=${say || undefined}>
        ${say || html`<span data-count>
          <span class="size">${t('sms.size', { n: shown.characters, s: shown.segments })}</span>
          ${facts.counting?.signature ? html`<span>${t('sms.signature')}${clean(facts.counting.signature, 16)}</span>` : null}
          ${shown.segments > 1 ? html`<span> · ${t('sms.left', { n: shown.left })}</span>` : null}
        </span>`}
      </span>
      <span class="grow"></span>
      ${mayWrite && pop.caller?.number ? html`<button
        type="button"
        class="btn s ghost ico"
        aria-label=${t('sms.refuse')}
        title=${t('sms.refuse')}
        onClick=${() => {
          asking.value = true;
        }}
      >
        <${Icon} n="bellOff" />
      </button>` : null}
      <button
        type="button"
        class="btn s primary"
        disabled=${
          busy.value ||
          empty ||
          !mayWrite ||
          !chosen ||
          problems.length > 0 ||
          Boolean(blocked) ||
          (!template && !freeText) ||
          missing.length > 0 ||
          cutOff.value
        }
        onClick=${send}
      >
        <${Icon} n="send" />
        <span class="either">
          <span class=${busy.value ? null : 'on'}>${t('sms.send')}</span>
          <span class=${busy.value ? 'on' : null}>${t('sms.sending')}</span>
        </span>
        <${Key}>Ctrl ↵</${Key}>
      </button>
    </div>
    ${asking.value ? html`<${AskRefusal}
      number=${pop.caller.number}
      shown=${pop.caller.display}
      onDone=${(done) => {
        asking.value = false;
        if (done) readAbout(pop);
      }}
    />` : null}
  </div>`;
}

/** 短信记录 opened for writing. */
export function MessagesPanel({ pop, section, tools }) {
  const facts = about.value[pop.id] ?? WAITING;
  const heard = section.items.map((m) => (m.direction === 'in' ? `${m.id}${m.opted_out ?? ''}` : '')).join();
  // Whom one may write to changes with the customer, and with what he writes: he may want no more.
  useEffect(() => {
    readAbout(pop);
  }, [pop.id, pop.party?.id, heard]);
  const to = facts.to.find((r) => r.opted_out);
  return html`<${Panel}
    id="sec-sms"
    icon="msg"
    title=${t('sec.sms')}
    meta=${facts.to[0] ? clean(facts.to[0].display, 20) : ''}
    k="5"
    class="messages"
    tools=${
      html`
        ${to ? html`<${Tag} kind="warn" icon="off">
          ${t(`sms.refused.${to.opted_out}`)}
        </${Tag}>` : null}
        ${tools}
        <button
          type="button"
          class="btn s"
          onClick=${() => {
            writingTo.value = null;
          }}
        >
          ${t('sms.fold')}
        </button>
      `
    }
  >
    <${Thread} key=${pop.id} pop=${pop} section=${section} />
    ${facts.can_send ? html`<${Composer} key=${`${pop.id} c`} pop=${pop} facts=${facts} />` : html`<div class="composer">
      ${draftOf(pop).values.value.sms?.text ? html`<p class="cut">
        <${Foreign} text=${draftOf(pop).values.value.sms.text} limit=${200} />
      </p>` : null}
      <p class="say">${clean(pick(facts.why, facts.why_en) || t('sms.cannot'), 120)}</p>
    </div>`}
  </${Panel}>`;
}
