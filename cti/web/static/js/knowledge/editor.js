// One article: read, changed, its versions, and going back to one of them. Two writers see both texts.
import { html, useSignal, useEffect } from '../lib.js';
import { Clash, Panel, Loading } from '../ui/panel.js';
import { Key, Tag, Foreign } from '../ui/marks.js';
import { Segments, Choice } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, dayTime } from '../format.js';
import { cutOff, minute } from '../session.js';
import { dayWords } from '../ui/words.js';
import { may } from '../ui/page.js';
import { knowledge } from '../api-customers.js';
import { toast, whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { copy, lines } from '../trade/text.js';
import { typed, keep } from '../unsaved.js';

/** The key of an article that is not saved yet. */
export const NEW = 'new';

export const blank = (category) => ({ category: category || 'enquiry', kind: 'article', title: '', body: '', tags: '' });
const asTyped = (a) => ({ category: a.category, kind: a.kind, title: a.title, body: a.body, tags: a.tags.join(' ') });
const same = (a, b) => ['category', 'kind', 'title', 'body', 'tags'].every((k) => a[k] === b[k]);
const asBody = (draft) => ({
  category: draft.category,
  kind: draft.kind,
  title: draft.title.trim(),
  body: draft.body,
  tags: draft.tags.split(/[\s,，、]+/).filter(Boolean),
});

const Versions = ({ list, now, shown, onShow }) => html`<ul class="scroll versions">
  ${list.map((v) => html`<li key=${v.version}>
    <button
      type="button"
      class=${`kb-row${shown === v.version ? ' sel' : ''}`}
      aria-pressed=${shown === v.version}
      onClick=${() => onShow(v)}
    >
      <span class="kb-title num">
        <b>${t('kb.version', { n: v.version })}</b>
        ${v.version === now ? html`<${Tag} kind="good">${t('kb.current')}</${Tag}>` : null}
        ${v.status === 'retired' ? html`<${Tag}>${t('kb.isRetired')}</${Tag}>` : null}
      </span>
      <span class="kb-facts num">
        ${dayTime(v.at, minute.value, dayWords())} · <${Foreign} text=${v.by} limit=${12} />
      </span>
      <span class="kb-snippet">${clean(v.title, 60)}</span>
    </button>
  </li>`)}
</ul>`;

export function Editor({ id, categories, onSaved }) {
  const fresh = id === NEW;
  const found = useSignal(null); // {article, versions}
  const why = useSignal('');
  const busy = useSignal(false);
  const wrong = useSignal({});
  const clash = useSignal(null); // the article as somebody else saved it
  const old = useSignal(null); // the version that is looked at
  const mayEdit = may('edit');
  const load = async () => {
    const answer = await knowledge.article(id);
    if (answer.ok) found.value = answer.body;
    else why.value = whyNot(answer);
  };
  useEffect(() => {
    if (id && !fresh) load();
    if (fresh) {
      if (!typed(NEW)) keep(NEW, blank(''));
      requestAnimationFrame(() => document.querySelector('.kb-editor [name=title]')?.focus());
    }
  }, [id]);
  const article = found.value?.article ?? null;
  const saved = article ? asTyped(article) : blank('');
  const mine = typed(id ?? '');
  const draft = mine ?? saved;
  const changed = mine !== undefined && (fresh || !same(mine, saved));
  const set = (values) => {
    const next = { ...draft, ...values, version: mine?.version ?? article?.version };
    wrong.value = {};
    keep(id, !fresh && same(next, saved) ? undefined : next);
  };
  const refuse = (answer) => {
    if (answer.status === 409 && answer.body?.article) clash.value = answer.body.article;
    else if (answer.body?.problems)
      wrong.value = Object.fromEntries(answer.body.problems.map((p) => [p.key, clean(pick(p.text, p.text_en), 80)]));
    else toast(whyNot(answer), { bad: true });
  };
  const done = (answer, words) => {
    const made = answer.body.article;
    keep(id, undefined);
    clash.value = null;
    old.value = null;
    toast(words);
    onSaved(made.id);
    if (!fresh) load();
  };
  const save = async (version) => {
    if (busy.value || !changed || !mayEdit) return;
    busy.value = true;
    const answer = fresh
      ? await knowledge.add(asBody(draft))
      : await knowledge.save(id, asBody(draft), version ?? mine.version ?? article.version);
    busy.value = false;
    if (answer.ok) done(answer, t('kb.saved'));
    else refuse(answer);
  };
  const restore = async (version) => {
    const answer = await knowledge.restore(id, version, article.version);
    if (answer.ok) done(answer, t('kb.restored', { n: version }));
    else refuse(answer);
  };
  const retire = async () => {
    const answer = await knowledge.retire(id, article.version);
    if (answer.ok) done(answer, t('kb.retiredDone'));
    else refuse(answer);
  };
  useKeys({
    'Ctrl+Enter': () => {
      save();
    },
  });
  if (!id)
    return html`<${Panel} class="kb-editor">
      <p class="say center">${t('kb.pick')}</p>
    </${Panel}>`;
  if (!fresh && !article)
    return html`<${Panel} class="kb-editor">${why.value ? html`<p class="say">${why.value}</p>` : html`<${Loading} lines=${6} />`}</${Panel}>`;
  const shown = old.value ? asTyped(old.value) : draft;
  const look = Boolean(old.value) || !mayEdit;
  return html`
    <${Panel}
      class="kb-editor"
      icon=${draft.kind === 'phrase' ? 'chat' : 'note'}
      title=${fresh ? t('kb.newTitle') : old.value ? t('kb.version', { n: old.value.version }) : t('kb.edit')}
      meta=${
        changed
          ? t('kb.notSaved')
          : article
            ? t('kb.by', { who: clean(article.updated_by, 12), when: dayTime(article.updated_at, minute.value, dayWords()) })
            : ''
      }
      tools=${
        html`
          ${article?.status === 'retired' ? html`<${Tag} kind="warn">${t('kb.isRetired')}</${Tag}>` : null}
          ${article && !article.sendable ? html`<${Tag} icon="hidden">${t('kb.internalSay')}</${Tag}>` : null}
          ${article && !old.value ? html`<button
            type="button"
            class="btn s"
            onClick=${async () => {
              toast(t((await copy(draft.body)) ? 'kb.copied' : 'kb.notCopied', { title: clean(draft.title, 20) }));
              knowledge.used(id);
            }}
          >
            ${t('kb.copy')}
          </button>` : null}
        `
      }
    >
      ${clash.value ? html`<${Clash}
        words=${t('kb.clash', { who: clean(clash.value.updated_by, 12) })}
        onMine=${() => save(clash.value.version)}
        onTheirs=${() => {
          keep(id, undefined);
          clash.value = null;
          load();
        }}
      >
        ${clean(clash.value.title, 80)}
        ${'\n'}
        ${lines(clash.value.body, 400)}
      </${Clash}>` : null}
      ${look ? html`<div class="scroll kb-reading">
        <h3>${clean(shown.title, 200)}</h3>
        <p class="mut">${clean(shown.tags, 200)}</p>
        <p class="kb-body">
          <bdi>${lines(shown.body)}</bdi>
        </p>
      </div>` : html`<div class="kb-form">
        <div class="fieldset c6">
          <label class="lab" for="kb-title">
            ${t('kb.headline')} <em>*</em>
          </label>
          <input
            class=${`field${wrong.value.title ? ' wrong' : ''}`}
            id="kb-title"
            name="title"
            maxlength="200"
            autocomplete="off"
            value=${draft.title}
            onInput=${(e) => set({ title: e.currentTarget.value })}
          />
          ${wrong.value.title ? html`<span class="bad field-say">${wrong.value.title}</span>` : null}
        </div>
        <div class="kb-line">
          <${Choice}
            label=${t('kb.category')}
            name="category"
            required
            value=${draft.category}
            options=${categories.map((c) => [c.key, clean(pick(c.label, c.label_en), 24)])}
            onInput=${(x) => set({ category: x || draft.category })}
          />
          <div class="fieldset">
            <span class="lab">${t('kb.kind')}</span>
            <${Segments}
              name="edit-kind"
              label=${t('kb.kind')}
              value=${draft.kind}
              options=${[
                ['article', t('kb.article')],
                ['phrase', t('kb.phrase')],
              ]}
              onInput=${(x) => set({ kind: x })}
            />
          </div>
          <div class="fieldset grow">
            <label class="lab" for="kb-tags">
              ${t('kb.tags')}
            </label>
            <input
              class=${`field${wrong.value.tags ? ' wrong' : ''}`}
              id="kb-tags"
              name="tags"
              maxlength="400"
              autocomplete="off"
              placeholder=${t('kb.tagsSay')}
              value=${draft.tags}
              onInput=${(e) => set({ tags: e.currentTarget.value })}
            />
          </div>
        </div>
        <label class="lab" for="kb-body">
          ${t(draft.kind === 'phrase' ? 'kb.phraseBody' : 'kb.articleBody')} <em>*</em>
        </label>
        <textarea
          class=${`field area kb-text${wrong.value.body ? ' wrong' : ''}`}
          id="kb-body"
          name="body"
          maxlength="20000"
          value=${draft.body}
          onInput=${(e) => set({ body: e.currentTarget.value })}
        ></textarea>
        ${wrong.value.body ? html`<span class="bad field-say">${wrong.value.body}</span>` : null}
      </div>`}
      <div class="form-acts">
        ${old.value ? html`
          ${mayEdit ? html`<button type="button" class="btn primary" onClick=${() => restore(old.value.version)}>
            ${t('kb.restore')}
          </button>` : null}
          <button
            type="button"
            class="btn"
            onClick=${() => {
              old.value = null;
            }}
          >
            ${t('kb.back')}
          </button>
        ` : mayEdit ? html`
          <button
            type="button"
            class="btn primary"
            disabled=${!changed || busy.value || cutOff.value}
            onClick=${() => save()}
          >
            ${cutOff.value ? t('note.saveLater') : t('save')} <${Key}>Ctrl ↵</${Key}>
          </button>
          ${changed ? html`<button
            type="button"
            class="btn ghost"
            onClick=${() => {
              keep(id, undefined);
              if (fresh) onSaved(null);
            }}
          >
            ${t('kb.giveUp')}
          </button>` : null}
          <span class="grow"></span>
          <span class="mut num">${t('kb.letters', { n: draft.body.length })}</span>
          ${article && article.status !== 'retired' ? html`<button type="button" class="btn ghost bad" onClick=${retire}>
            ${t('kb.retire')}
          </button>` : null}
        ` : null}
      </div>
    </${Panel}>
    <${Panel}
      icon="history"
      title=${t('kb.versions')}
      meta=${found.value ? String(found.value.versions.length) : ''}
      class="kb-versions"
    >
      ${found.value ? html`<${Versions}
        list=${found.value.versions}
        now=${article.version}
        shown=${old.value?.version ?? article.version}
        onShow=${(v) => {
          old.value = v.version === article.version ? null : v;
        }}
      />` : html`<p class="say">${t('kb.noVersions')}</p>`}
    </${Panel}>
  `;
}
