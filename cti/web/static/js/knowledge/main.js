// 知识库: find, read, write; every version is kept and can be the newest again.
import { html, signal, effect } from '../lib.js';
import { openPage } from '../ui/page.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Tag, Key, Foreign } from '../ui/marks.js';
import { Segments, usePaused } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, shortDate } from '../format.js';
import { minute } from '../session.js';
import { knowledge } from '../api-customers.js';
import { whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { Marked } from '../trade/text.js';
import { typed, keep } from '../unsaved.js';
import { Editor, NEW, blank } from './editor.js';

const TYPING_MS = 150;
const asked = signal({ text: '', category: '', kind: '', retired: false });
const listed = signal(null); // {rows: [{article, snippet?, marks?, title_marks?}], categories, next, why}
export const chosen = signal(null); // id of the article that is open, NEW, or null
let serial = 0;

const asRows = (body) => body.hits ?? body.articles.map((article) => ({ article }));

async function read(offset = 0) {
  serial += 1;
  const mine = serial;
  const { text, category, kind, retired } = asked.value;
  const answer = text.trim()
    ? await knowledge.search(text.trim(), category, kind, 50)
    : await knowledge.list({ category, kind, retired, offset: offset || undefined });
  if (mine !== serial) return;
  const before = offset ? (listed.value?.rows ?? []) : [];
  if (!answer.ok) {
    listed.value = { rows: before, categories: listed.value?.categories ?? [], next: null, why: whyNot(answer) };
    return;
  }
  listed.value = {
    rows: [...before, ...asRows(answer.body)],
    categories: answer.body.categories,
    next: answer.body.next ?? null,
  };
  if (chosen.value === null && listed.value.rows[0]) chosen.value = listed.value.rows[0].article.id;
}

/** Something was written: the list is read again, where one is. */
const refresh = () => read();

const Row = ({ hit, sel }) => {
  const { article } = hit;
  const draft = typed(article.id);
  return html`<li>
    <button
      type="button"
      class=${`kb-row${sel ? ' sel' : ''}`}
      data-article=${article.id}
      aria-current=${sel ? 'true' : undefined}
      onClick=${() => {
        chosen.value = article.id;
      }}
    >
      <span class="kb-title">
        <b class="cut">
          <${Marked} text=${article.title} marks=${hit.title_marks} />
        </b>
        <span class="grow"></span>
        ${draft ? html`<${Tag} kind="warn">${t('left.unsaved')}</${Tag}>` : null}
        ${article.kind === 'phrase' ? html`<${Tag}>${t('kb.phrase')}</${Tag}>` : null}
      </span>
      <span class="kb-snippet">
        <${Marked} text=${hit.snippet ?? clean(article.body, 90)} marks=${hit.marks} />
      </span>
      <span class="kb-facts num">
        ${shortDate(article.updated_at, minute.value)} · <${Foreign} text=${article.updated_by} limit=${12} />
        ${article.used ? ` · ${t('kb.used', { n: article.used })}` : ''}
      </span>
    </button>
  </li>`;
};

function List() {
  const { text, category, kind, retired } = asked.value;
  usePaused(JSON.stringify(asked.value), listed.value ? TYPING_MS : 0, () => read());
  const set = (values) => {
    asked.value = { ...asked.value, ...values };
  };
  const rows = listed.value?.rows ?? [];
  const at = rows.findIndex((x) => x.article.id === chosen.value);
  const move = (by) => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    if (!next) return;
    chosen.value = next.article.id;
    document.querySelector(`[data-article="${CSS.escape(next.article.id)}"]`)?.scrollIntoView({ block: 'nearest' });
  };
  useKeys({
    '/': () => document.getElementById('kb-find')?.select(),
    n: () => {
      chosen.value = NEW;
    },
    ArrowDown: (e) =>
      e.target.closest('textarea, input:not(#kb-find), select, [role=radiogroup], [role=menu]') ? false : move(1),
    ArrowUp: (e) =>
      e.target.closest('textarea, input:not(#kb-find), select, [role=radiogroup], [role=menu]') ? false : move(-1),
  });
  const categories = [{ key: '', label: t('kb.all'), label_en: t('kb.all') }, ...(listed.value?.categories ?? [])];
  return html`<${Panel}
    icon="book"
    title=${t('kb.title')}
    meta=${listed.value ? t('kb.count', { n: `${rows.length}${listed.value.next ? '+' : ''}` }) : ''}
    tools=${
      html`<button
        type="button"
        class="btn s"
        onClick=${() => {
          if (!typed(NEW)) keep(NEW, blank(category));
          chosen.value = NEW;
        }}
      >
        <${Icon} n="plus" /> ${t('kb.new')} <${Key}>N</${Key}>
      </button>`
    }
  >
    <div class="kb-find">
      <${Icon} n="search" />
      <input
        class="field"
        id="kb-find"
        autocomplete="off"
        spellcheck=${false}
        maxlength="100"
        aria-label=${t('kb.find')}
        placeholder=${t('kb.find')}
        value=${text}
        onInput=${(e) => set({ text: e.currentTarget.value })}
      />
      <span>
        <${Key}>/</${Key}>
      </span>
    </div>
    <div class="kb-cats" role="radiogroup" aria-label=${t('kb.categories')}>
      ${categories.map((c) => html`<button
        type="button"
        key=${c.key}
        role="radio"
        aria-checked=${c.key === category}
        class=${`btn s${c.key === category ? ' on' : ''}`}
        onClick=${() => set({ category: c.key })}
      >
        ${clean(pick(c.label, c.label_en), 18)}
      </button>`)}
    </div>
    <div class="kb-cats">
      <${Segments}
        name="kind"
        label=${t('kb.kind')}
        value=${kind}
        options=${[
          ['', t('kb.both')],
          ['article', t('kb.article')],
          ['phrase', t('kb.phrase')],
        ]}
        onInput=${(x) => set({ kind: x })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked=${retired}
          disabled=${Boolean(text.trim())}
          onChange=${(e) => set({ retired: e.currentTarget.checked })}
        />
        ${t('kb.retired')}
      </label>
    </div>
    <ul class="scroll kb-rows">
      ${typed(NEW) && chosen.value !== NEW ? html`<li>
        <button
          type="button"
          class="kb-row"
          onClick=${() => {
            chosen.value = NEW;
          }}
        >
          <span class="kb-title">
            <b class="cut">${clean(typed(NEW).title, 40) || t('kb.newTitle')}</b>
            <span class="grow"></span>
            <${Tag} kind="warn">${t('left.unsaved')}</${Tag}>
          </span>
        </button>
      </li>` : null}
      ${listed.value === null ? html`<${Loading} lines=${6} />` : null}
      ${listed.value?.why ? html`<p class="say">${listed.value.why}</p>` : null}
      ${listed.value && !listed.value.why && rows.length === 0 ? html`<p class="say">${t(retired ? 'kb.noRetired' : 'kb.none')}</p>` : null}
      ${rows.length && rows[0].exact === false ? html`<p class="say">${t('kb.near')}</p>` : null}
      ${rows.map((hit) => html`<${Row} key=${hit.article.id} hit=${hit} sel=${hit.article.id === chosen.value} />`)}
      ${listed.value?.next ? html`<li class="say">
        <button type="button" class="btn s" onClick=${() => read(listed.value.next)}>
          ${t('idle.more')}
        </button>
      </li>` : null}
    </ul>
  </${Panel}>`;
}

const Body = () => html`
  <${List} />
  <${Editor}
    key=${chosen.value}
    id=${chosen.value}
    categories=${listed.value?.categories ?? []}
    onSaved=${(id) => {
      chosen.value = id;
      refresh();
    }}
  />
`;

// The article that is open stands in the address: one can send it to a colleague, and a reload comes back to it.
const wanted = new URLSearchParams(location.search).get('a');
if (wanted && /^[\w-]{1,64}$/.test(wanted)) chosen.value = wanted;
effect(() => {
  const at = chosen.value && chosen.value !== NEW ? `?a=${encodeURIComponent(chosen.value)}` : location.pathname;
  history.replaceState(null, '', at);
});

openPage({
  page: 'knowledge',
  keys: [
    ['/', 'key.search'],
    ['N', 'kb.new'],
    ['↑ ↓', 'kb.choose'],
    ['Ctrl ↵', 'key.save'],
    ['?', 'key.help'],
  ],
  Body,
});
