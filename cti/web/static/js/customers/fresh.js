// A new customer, outside a call.
import { html, useSignal, useEffect } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Key } from '../ui/marks.js';
import { Described, Segments, Text } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean } from '../format.js';
import { api } from '../api.js';
import { toast, whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { typed, keep } from '../unsaved.js';

const PLACE = 'party/new';

export function NewParty({ onMade }) {
  const form = useSignal(null);
  const wrong = useSignal({});
  const said = useSignal('');
  const busy = useSignal(false);
  const values = typed(PLACE) ?? {};
  const category = values.category ?? '';
  useEffect(() => {
    api.form(category || 'default').then((answer) => {
      if (answer.ok) form.value = answer.body;
      else said.value = whyNot(answer);
    });
  }, [category]);
  useEffect(() => {
    requestAnimationFrame(() => document.querySelector('.new-party input')?.focus());
  }, []);
  const set = (key, text) => {
    const next = { ...values, [key]: text };
    wrong.value = {};
    said.value = '';
    keep(PLACE, Object.values(next).some(Boolean) ? next : undefined);
  };
  const fields = (form.value?.fields ?? []).filter((f) => !['name', 'category', 'phone'].includes(f.key) && !f.readonly);
  const save = async () => {
    if (busy.value) return;
    const missing = {};
    for (const f of [{ key: 'name', required: true }, { key: 'category', required: true }, ...fields])
      if (f.required && !values[f.key]?.trim()) missing[f.key] = t('new.need');
    wrong.value = missing;
    if (Object.keys(missing).length) return;
    busy.value = true;
    const { phone, ...rest } = Object.fromEntries(Object.entries(values).filter(([, v]) => v));
    const answer = await api.createParty(rest, phone?.trim() || null, null);
    busy.value = false;
    if (answer.ok) {
      keep(PLACE, undefined);
      toast(t('new.done', { name: clean(values.name, 20) }));
      onMade(answer.body.profile.party.id);
      return;
    }
    wrong.value = Object.fromEntries((answer.body?.problems ?? []).map((p) => [p.key, clean(pick(p.text, p.text_en), 80)]));
    said.value = whyNot(answer);
  };
  useKeys({
    'Ctrl+Enter': () => {
      save();
    },
  });
  return html`<${Panel} icon="userPlus" title=${t('new.title')} class="new-party">
    <div class="scroll">
      <div class="form six">
        <${Text}
          label=${t('new.name')}
          name="name"
          required
          wide=${3}
          max=${80}
          value=${values.name}
          error=${wrong.value.name}
          onInput=${(x) => set('name', x)}
        />
        <${Text}
          label=${t('new.number')}
          name="phone"
          numeric
          wide=${3}
          max=${40}
          value=${values.phone}
          error=${wrong.value.phone}
          onInput=${(x) => set('phone', x)}
        />
        <div class="fieldset c6">
          <span class="lab">
            ${t('new.category')} <em>*</em>
          </span>
          <${Segments}
            name="category"
            label=${t('new.category')}
            value=${category}
            options=${(form.value?.categories ?? []).map((c) => [c.key, clean(pick(c.label, c.label_en), 16)])}
            onInput=${(x) => set('category', x)}
          />
          ${wrong.value.category ? html`<span class="bad field-say">${wrong.value.category}</span>` : null}
        </div>
        ${fields.map((f) => html`<${Described} key=${f.key} field=${f} value=${values[f.key]} error=${wrong.value[f.key]} onInput=${(x) => set(f.key, x)} />`)}
      </div>
    </div>
    <div class="form-acts">
      <button type="button" class="btn primary" disabled=${busy.value} onClick=${save}>
        ${t('new.save')} <${Key}>Ctrl ↵</${Key}>
      </button>
      ${said.value ? html`<span class="bad" role="alert">
        ${said.value}
      </span>` : null}
    </div>
  </${Panel}>`;
}
