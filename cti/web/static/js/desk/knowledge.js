// 知识库 over the record column: found while typing; arrows choose, Enter opens, one click copies or puts it into the text
// message. It never lies over the note or the quote.
import { html, signal, useSignal, useRef, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Key, Tag } from '../ui/marks.js';
import { usePaused } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, shortDate } from '../format.js';
import { minute } from '../session.js';
import { knowledge } from '../api-customers.js';
import { Marked, copy, lines } from '../trade/text.js';
import { draftOf } from '../drafts.js';
import { useKeys } from '../keys.js';
import { toast, whyNot } from '../toast.js';
import { intoMessage } from './message.js';

const TYPING_MS = 120;
const OLD_S = 183 * 86400;

/** Whether the panel is open; what was asked last stays for the next time. */
export const knowledgeOpen = signal(false);
const asked = signal({ text: '', category: '' });
const found = signal(null); // {hits, categories} or null before the first answer
let asking = 0;
let cameFrom = null;

export function openKnowledge() {
  if (!knowledgeOpen.value) cameFrom = document.activeElement;
  knowledgeOpen.value = true;
  requestAnimationFrame(() => document.querySelector('#knowledge input')?.select());
}

export function closeKnowledge() {
  knowledgeOpen.value = false;
  if (cameFrom?.isConnected) cameFrom.focus?.();
  cameFrom = null;
}

async function search() {
  asking += 1;
  const mine = asking;
  const { text, category } = asked.value;
  const answer = await knowledge.search(text.trim(), category, undefined, 20);
  if (mine !== asking) return;
  if (answer.ok) found.value = answer.body;
  else found.value = { hits: found.value?.hits ?? [], categories: found.value?.categories ?? [], why: whyNot(answer) };
}

/** What people say to it: a phrase is copied whole, an article too. */
async function take(hit) {
  const done = await copy(hit.article.body);
  toast(t(done ? 'kb.copied' : 'kb.notCopied', { title: clean(hit.article.title, 20) }), { bad: !done });
  if (done) knowledge.used(hit.article.id);
}

function put(pop, hit) {
  cameFrom = null; // what comes next is writing the message: the focus goes there
  knowledgeOpen.value = false;
  intoMessage(pop, lines(hit.article.body, 2000).trim());
  knowledge.used(hit.article.id);
  toast(t('kb.inMessage'));
}

function intoQuote(pop, hit) {
  const draft = draftOf(pop);
  const quote = draft.get('quote');
  draft.set('quote', { ...quote, note: [quote.note, lines(hit.article.body, 2000).trim()].filter(Boolean).join('\n') });
  knowledge.used(hit.article.id);
  toast(t('kb.inQuote'));
}

const Hit = ({ hit, sel, open, pop, quoting, onPoint, onOpen }) => {
  const { article } = hit;
  const old = minute.value - article.updated_at > OLD_S;
  const row = useRef(null);
  useEffect(() => {
    if (sel) row.current.scrollIntoView({ block: 'nearest' });
  }, [sel, open]);
  return html`<li
    ref=${row}
    id=${`kb-${article.id}`}
    class=${`kb-hit${sel ? ' sel' : ''}`}
    role="option"
    aria-selected=${sel}
    onPointerMove=${onPoint}
    onClick=${(e) => {
      if (!e.target.closest('button')) onOpen();
    }}
  >
    <p class="kb-title">
      <b class="cut">
        <${Marked} text=${article.title} marks=${hit.title_marks} />
      </b>
      ${article.kind === 'phrase' ? html`<${Tag}>${t('kb.phrase')}</${Tag}>` : null}
      <span class="grow"></span>
      <span class=${old ? 'tag warn num' : 'mut num'}>
        ${t('kb.updated', { date: shortDate(article.updated_at, minute.value) })}
      </span>
    </p>
    <div class=${open ? 'kb-body' : 'kb-snippet'}>
      ${open ? html`<bdi>${lines(article.body)}</bdi>` : html`<${Marked} text=${hit.snippet} marks=${hit.marks} />`}
    </div>
    ${sel ? html`<p class="kb-acts">
      <button type="button" class="btn s" tabindex="-1" onClick=${() => take(hit)}>
        ${t('kb.copy')}
        <${Key}>Ctrl C</${Key}>
      </button>
      ${pop?.party && article.sendable ? html`<button type="button" class="btn s" tabindex="-1" onClick=${() => put(pop, hit)}>
        ${t('kb.toMessage')}
        <${Key}>Ctrl ↵</${Key}>
      </button>` : null}
      ${quoting ? html`<button type="button" class="btn s" tabindex="-1" onClick=${() => intoQuote(pop, hit)}>
        ${t('kb.toQuote')}
      </button>` : null}
      ${article.sendable ? null : html`<span class="mut">${t('kb.internalSay')}</span>`}
    </p>` : null}
  </li>`;
};

export function KnowledgePanel({ pop }) {
  const box = useRef(null);
  const at = useSignal(0);
  const opened = useSignal(null);
  const { text, category } = asked.value;
  const hits = found.value?.hits ?? [];
  const quoting = pop && draftOf(pop).values.value.quote !== undefined;
  usePaused(`${category}\n${text}`, found.value ? TYPING_MS : 0, search);
  useEffect(() => {
    // What one has opened stays open while it is still found: the answer to the last letter may come after the Enter.
    const kept = hits.findIndex((hit) => hit.article.id === opened.value);
    at.value = Math.max(0, kept);
    if (kept < 0) opened.value = null;
  }, [found.value]);
  const here = hits[Math.min(at.value, hits.length - 1)];
  const toggle = (id) => {
    opened.value = opened.value === id ? null : id;
  };
  const onKeyDown = (e) => {
    if (e.isComposing || e.keyCode === 229) return;
    const ctrl = e.ctrlKey || e.metaKey;
    const done = () => {
      e.preventDefault();
      e.stopPropagation();
    };
    if (e.key === 'Escape') {
      done();
      if (opened.value) opened.value = null;
      else closeKnowledge();
    } else if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      done();
      at.value = Math.max(0, Math.min(hits.length - 1, at.value + (e.key === 'ArrowDown' ? 1 : -1)));
    } else if (e.key === 'Enter' && here) {
      done();
      if (ctrl && pop?.party && here.article.sendable) put(pop, here);
      else if (!ctrl) toggle(here.article.id);
    } else if (ctrl && e.key.toLowerCase() === 'c' && here && box.current.selectionStart === box.current.selectionEnd) {
      done();
      take(here);
    }
  };
  useKeys({ Escape: () => closeKnowledge() });
  const categories = found.value?.categories ?? [];
  // Other hits are another list, another number another word: an answer that comes late replaces them and moves nothing.
  return html`<${Panel}
    id="knowledge"
    icon="book"
    title=${t('kb.title')}
    class="kb"
    tools=${
      html`<button type="button" class="btn s ghost ico" aria-label=${t('close')} onClick=${closeKnowledge}>
        <${Icon} n="x" />
      </button>`
    }
  >
    <div class="kb-find">
      <${Icon} n="search" />
      <input
        class="field"
        ref=${box}
        type="text"
        autocomplete="off"
        spellcheck=${false}
        maxlength="100"
        aria-label=${t('kb.find')}
        placeholder=${t('kb.find')}
        role="combobox"
        aria-expanded="true"
        aria-controls="kb-list"
        aria-activedescendant=${here ? `kb-${here.article.id}` : undefined}
        value=${text}
        onInput=${(e) => {
          asked.value = { ...asked.value, text: e.currentTarget.value };
        }}
        onKeyDown=${onKeyDown}
      />
      <span key=${hits.length} class="mut num">${found.value ? t('kb.count', { n: hits.length }) : ''}</span>
    </div>
    <div class="kb-cats" role="radiogroup" aria-label=${t('kb.categories')}>
      ${[{ key: '', label: t('kb.all'), label_en: t('kb.all') }, ...categories].map((c) => html`<button
        type="button"
        key=${c.key}
        role="radio"
        aria-checked=${c.key === category}
        class=${`btn s${c.key === category ? ' on' : ''}`}
        onClick=${() => {
          asked.value = { ...asked.value, category: c.key };
          box.current.focus();
        }}
      >
        ${clean(pick(c.label, c.label_en), 16)}
      </button>`)}
    </div>
    <ul
      key=${hits.map((hit) => hit.article.id).join()}
      class="scroll kb-list"
      id="kb-list"
      role="listbox"
      aria-label=${t('kb.title')}
    >
      ${found.value === null ? html`<${Loading} lines=${5} />` : null}
      ${found.value?.why ? html`<p class="say">${found.value.why}</p>` : null}
      ${found.value && !found.value.why && hits.length === 0 ? html`<p class="say">${t('kb.none')}</p>` : null}
      ${hits.length && !hits[0].exact ? html`<p class="say">${t('kb.near')}</p>` : null}
      ${hits.map((hit, i) => html`<${Hit}
        key=${hit.article.id}
        hit=${hit}
        sel=${hit === here}
        open=${opened.value === hit.article.id}
        pop=${pop}
        quoting=${quoting}
        onPoint=${() => {
          if (at.value !== i) at.value = i;
        }}
        onOpen=${() => {
          at.value = i;
          toggle(hit.article.id);
          box.current.focus();
        }}
      />`)}
    </ul>
    <footer class="kb-foot">
      <${Key}>↑↓</${Key}> ${t('kb.choose')} <${Key}>↵</${Key}> ${t('kb.openKey')} <${Key}>Esc</${Key}> ${t('close')}
      <span class="grow"></span>
      <a href="/knowledge" target="thirteen-knowledge">
        ${t('kb.write')}
      </a>
    </footer>
  </${Panel}>`;
}
