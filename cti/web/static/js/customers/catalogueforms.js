// The forms of a category and of a field, and the catalogue as this page knows it.
import { html, signal, useSignal } from '../lib.js';
import { Key } from '../ui/marks.js';
import { Text, Choice } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean } from '../format.js';
import { catalogue } from '../api-customers.js';
import { toast, whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { typed, keep } from '../unsaved.js';

const KINDS = ['text', 'long', 'number', 'date', 'choice', 'bool'];
export const EVERY = '*';
export const view = signal(null); // CatalogueView, or {why}
export const changes = signal([]);

export async function read() {
  const [answer, log] = await Promise.all([catalogue.read(), catalogue.changes()]);
  view.value = answer.ok ? answer.body : { why: whyNot(answer) };
  if (log.ok) changes.value = log.body.changes;
}

/** Take the answer of a change; words for what was refused, or null. */
export async function took(answer, words) {
  if (answer.ok) {
    view.value = answer.body;
    toast(words);
    const log = await catalogue.changes();
    if (log.ok) changes.value = log.body.changes;
    return null;
  }
  if (answer.status === 409) {
    await read();
    return t('cat.clash');
  }
  return (answer.body?.problems ?? []).map((p) => clean(pick(p.text, p.text_en), 80)).join(t('comma')) || whyNot(answer);
}

export const labelOf = (x) => clean(pick(x.label, x.label_en), 24);
/** Options of a choice as lines `value=中文=English`, and back. */
const asLines = (options) => options.map((o) => [o.value, o.label, o.label_en].join('=')).join('\n');
const asOptions = (text) =>
  text
    .split('\n')
    .map((line) => line.split('=').map((x) => x.trim()))
    .filter(([value]) => value)
    .map(([value, label, en]) => ({ value, label: label || value, label_en: en || label || value }));

const blankField = {
  key: '',
  label: '',
  label_en: '',
  kind: 'text',
  scope: 'company',
  required: false,
  show_in_pop: true,
  pii: false,
  options: [],
};

/** What a form ends with. `retired`: whether its thing is, undefined for a new one. */
const FormActs = ({ onSave, busy, k, onLeave, said, retired, onRetire }) => html`<p class="cat-acts">
  <button type="button" class="btn s primary" disabled=${busy} onClick=${onSave}>
    ${t('save')} ${k ? html`<${Key}>${k}</${Key}>` : null}
  </button>
  <button type="button" class="btn s" onClick=${onLeave}>
    ${t('cancel')}
  </button>
  ${said ? html`<span class="bad" role="alert">
    ${said}
  </span>` : null}
  <span class="grow"></span>
  ${retired === undefined ? null : html`<button type="button" class="btn s ghost" onClick=${onRetire}>
    ${t(retired ? 'cat.bring' : 'cat.retire')}
  </button>`}
</p>`;

export function FieldForm({ category, field, onDone }) {
  const fresh = !field;
  const place = `catalogue/${category}/${field?.key ?? 'new'}`;
  const base = field ?? blankField;
  const values = { ...base, lines: asLines(base.options), ...(typed(place) ?? {}) };
  const said = useSignal('');
  const busy = useSignal(false);
  const set = (more) => keep(place, { ...(typed(place) ?? {}), ...more });
  const save = async () => {
    if (busy.value) return;
    busy.value = true;
    const common = {
      label: values.label.trim(),
      label_en: values.label_en.trim(),
      required: values.required,
      show_in_pop: values.show_in_pop,
      pii: values.pii,
      options: values.kind === 'choice' ? asOptions(values.lines) : [],
      version: view.value.version,
    };
    const answer = fresh
      ? await catalogue.addField({ ...common, category, key: values.key.trim(), kind: values.kind, scope: values.scope })
      : await catalogue.field(category, field.key, common);
    busy.value = false;
    const why = await took(answer, t('cat.saved'));
    said.value = why ?? '';
    if (why === null) {
      keep(place, undefined);
      onDone();
    }
  };
  const retire = async (retired) => {
    said.value =
      (await took(await catalogue.field(category, field.key, { retired, version: view.value.version }), t('cat.saved'))) ?? '';
    if (!said.value) onDone();
  };
  useKeys({
    'Ctrl+Enter': (e) => {
      if (!e.target.closest?.('.cat-form')) return false;
      save();
      return true;
    },
  });
  const tick = (key) => html`<label key=${key} class="check">
    <input type="checkbox" checked=${values[key]} onChange=${(e) => set({ [key]: e.currentTarget.checked })} />
    ${t(`cat.${key}`)}
  </label>`;
  return html`<div class="cat-form">
    <div class="form six">
      ${fresh ? html`<${Text}
        label=${t('cat.key')}
        name="key"
        required
        max=${40}
        value=${values.key}
        placeholder="free_days"
        onInput=${(x) => set({ key: x })}
      />` : null}
      <${Text} label=${t('cat.label')} name="label" required max=${40} value=${values.label} onInput=${(x) => set({ label: x })} />
      <${Text}
        label=${t('cat.label_en')}
        name="label_en"
        required
        max=${40}
        value=${values.label_en}
        onInput=${(x) => set({ label_en: x })}
      />
      ${fresh ? html`
        <${Choice}
          label=${t('cat.kind')}
          name="kind"
          value=${values.kind}
          options=${KINDS.map((k) => [k, t(`cat.kind.${k}`)])}
          onInput=${(x) => set({ kind: x || 'text' })}
        />
        <${Choice}
          label=${t('cat.scope')}
          name="scope"
          value=${values.scope}
          options=${['company', 'person'].map((k) => [k, t(`cat.scope.${k}`)])}
          onInput=${(x) => set({ scope: x || 'company' })}
        />
      ` : null}
      ${values.kind === 'choice' ? html`<${Text}
        label=${t('cat.options')}
        name="options"
        long
        rows=${4}
        wide=${6}
        max=${4000}
        value=${values.lines}
        hint=${t('cat.optionsSay')}
        onInput=${(x) => set({ lines: x })}
      />` : null}
    </div>
    <p class="cat-ticks">${['required', 'show_in_pop', 'pii'].map(tick)}</p>
    <${FormActs}
      onSave=${save}
      busy=${busy.value}
      k="Ctrl ↵"
      onLeave=${() => {
        keep(place, undefined);
        onDone();
      }}
      said=${said.value}
      retired=${field ? Boolean(field.retired) : undefined}
      onRetire=${() => retire(!field.retired)}
    />
  </div>`;
}

export function CategoryForm({ category, onDone }) {
  const place = `catalogue/${category?.key ?? 'new-category'}`;
  const values = { key: '', label: '', label_en: '', ...(category ?? {}), ...(typed(place) ?? {}) };
  const said = useSignal('');
  const set = (more) => keep(place, { ...(typed(place) ?? {}), ...more });
  const send = async (body) => {
    const answer = category
      ? await catalogue.category(category.key, body)
      : await catalogue.addCategory({ ...body, key: values.key.trim() });
    const why = await took(answer, t('cat.saved'));
    said.value = why ?? '';
    if (why === null) {
      keep(place, undefined);
      onDone();
    }
  };
  const version = view.value.version;
  return html`<div class="cat-form">
    <div class="form six">
      ${category ? null : html`<${Text}
        label=${t('cat.key')}
        name="key"
        required
        max=${40}
        value=${values.key}
        placeholder="air"
        onInput=${(x) => set({ key: x })}
      />`}
      <${Text} label=${t('cat.label')} name="label" required max=${40} value=${values.label} onInput=${(x) => set({ label: x })} />
      <${Text}
        label=${t('cat.label_en')}
        name="label_en"
        required
        max=${40}
        value=${values.label_en}
        onInput=${(x) => set({ label_en: x })}
      />
    </div>
    <${FormActs}
      onSave=${() => send({ label: values.label.trim(), label_en: values.label_en.trim(), version })}
      onLeave=${() => {
        keep(place, undefined);
        onDone();
      }}
      said=${said.value}
      retired=${category ? Boolean(category.retired) : undefined}
      onRetire=${() => send({ retired: !category.retired, version })}
    />
  </div>`;
}

