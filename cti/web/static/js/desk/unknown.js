// 新客户: nobody in the CRM has this number. What is typed goes to the draft and survives the hang-up and a reload.
import { html, useSignal, useEffect, signal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Icon, Key, Foreign } from '../ui/marks.js';
import { Text, Segments, Described, usePaused } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, clockTime } from '../format.js';
import { api } from '../api.js';
import { draftOf } from '../drafts.js';
import { cutOff, me, minute } from '../session.js';
import { useKeys } from '../keys.js';
import { toast, whyNot } from '../toast.js';
import { choose } from './matches.js';
import { rememberProfile } from './profile.js';
import { Finder, PartyLine } from './find.js';
import { when } from '../ui/words.js';

const forms = signal({}); // category -> {fields, categories}
const asking = new Set();
async function readForm(category) {
  if (forms.value[category] || asking.has(category)) return;
  asking.add(category);
  const answer = await api.form(category);
  asking.delete(category);
  if (answer.ok) forms.value = { ...forms.value, [category]: answer.body };
}

const NUMBER_KEYS = ['phone', 'mobile', 'number', 'tel'];

/** Companies that sound like the one being typed: put the call to one of them instead of making it twice. */
function LookAlike({ name, onTake }) {
  const found = useSignal([]);
  const no = useSignal('');
  usePaused(name, 500, async (q) => {
    if (q.trim().length < 2) {
      found.value = [];
      return;
    }
    const answer = await api.search(q.trim());
    found.value = answer.ok ? (answer.body.parties ?? []).slice(0, 1) : [];
  });
  const hit = found.value[0];
  return html`<div class="look-alike c6">
    ${hit && no.value !== hit.id ? html`<div class="alike">
      <${Icon} n="alert" />
      <span>${t('new.alike')}</span>
      <${PartyLine} party=${hit} />
      <span class="grow"></span>
      <button type="button" class="btn s" onClick=${() => onTake(hit)}>
        ${t('new.same')}
      </button>
      <button
        type="button"
        class="btn s ghost"
        onClick=${() => {
          no.value = hit.id;
        }}
      >
        ${t('new.notSame')}
      </button>
    </div>` : null}
  </div>`;
}

export function NewCustomer({ pop, onBack }) {
  const draft = draftOf(pop);
  const form = draft.values.value.form ?? {};
  const busy = useSignal(false);
  const wrong = useSignal({});
  const said = useSignal('');
  const finding = useSignal(false);
  const known = Object.values(forms.value)[0];
  const categories = known?.categories ?? [];
  const category = form.category ?? '';
  const mine = forms.value[category || 'default'] ?? null;
  useEffect(() => {
    readForm(category || 'default');
  }, [category]);
  const mayEdit = (me.value?.rights ?? []).includes('edit');

  const set = (key, text) => {
    const next = { ...(draft.get('form') ?? {}), [key]: text };
    draft.set('form', Object.values(next).some((v) => v !== '' && v !== undefined) ? next : undefined);
    if (wrong.value[key]) wrong.value = { ...wrong.value, [key]: undefined };
  };
  const fields = (mine?.fields ?? []).filter((f) => !['name', 'category', ...NUMBER_KEYS].includes(f.key) && !f.readonly);
  const number = pop.caller?.number ?? null;

  const save = async () => {
    if (busy.value) return;
    const values = draft.get('form') ?? {};
    const missing = {};
    if (!values.name?.trim()) missing.name = t('new.need');
    if (!values.category) missing.category = t('new.need');
    for (const f of fields) if (f.required && !values[f.key]) missing[f.key] = t('new.need');
    wrong.value = missing;
    if (Object.keys(missing).length) {
      document.querySelector(`.new-form [name="${CSS.escape(Object.keys(missing)[0])}"]`)?.focus();
      return;
    }
    busy.value = true;
    const filled = Object.fromEntries(Object.entries(values).filter(([, v]) => v !== ''));
    const answer = await api.createParty(filled, number, pop.call);
    busy.value = false;
    if (answer.ok) {
      rememberProfile(answer.body.profile);
      draft.set('form', undefined);
      toast(t('new.done', { name: clean(values.name, 20) }));
      return;
    }
    said.value = whyNot(answer);
  };
  const take = async (party) => {
    if (await choose(pop, party)) draft.set('form', undefined);
  };
  useKeys({
    'Ctrl+Enter': (e) => {
      if (pop.state === 'ended' && !e.target.closest?.('.new-form')) return false;
      save();
      return true;
    },
    '/': () => {
      finding.value = true;
    },
  });

  const meta = draft.failed.value
    ? t('draft.failed')
    : draft.savedAt.value && draft.get('form')
      ? `${t('draft.saved', { time: clockTime(draft.savedAt.value, true) })} · ${t('draft.survives')}`
      : t('draft.survives');
  const chosen = pop.party && draft.get('form') !== undefined;
  return html`<${Panel}
    id="new"
    icon="userPlus"
    title=${t('new.title')}
    meta=${meta}
    class="grow1"
    tools=${
      html`
        ${onBack ? html`<button type="button" class="btn s ghost" onClick=${onBack}>
          ${t('new.back')}
        </button>` : null}
        ${finding.value ? html`<${Finder}
          onChoose=${take}
          onClose=${() => {
            finding.value = false;
          }}
        />` : html`<button
          type="button"
          class="btn s"
          onClick=${() => {
            finding.value = true;
          }}
        >
          <${Icon} n="search" />
          ${t('new.find')}
        </button>`}
      `
    }
  >
    ${chosen ? html`<div class="notice">
      <${Icon} n="alert" />
      <span>${t('new.found')}</span>
      <b>
        <${Foreign} text=${pop.party.company || pop.party.name} />
      </b>
      <span class="grow"></span>
      <button type="button" class="btn s" onClick=${() => draft.set('form', undefined)}>
        ${t('new.showFound')}
      </button>
    </div>` : null}
    ${number ? null : html`<div class="notice">
      <${Icon} n="hidden" />
      <span>${t('new.hidden')}</span>
    </div>`}
    <div class="scroll new-form">
      <div class="form six">
        <${Text}
          label=${t('new.name')}
          name="name"
          required
          value=${form.name}
          error=${wrong.value.name}
          wide=${3}
          max=${80}
          onInput=${(x) => set('name', x)}
        />
        <div class="fieldset c3">
          <span class="lab">${t('new.number')}</span>
          <span class="field readonly num" data-number=${number ?? ''}>
            <${Foreign} text=${(number && pop.caller.display) || number || t('caller.hidden')} />
            ${number && pop.caller.region ? html`<span class="mut">
              ${' '}
              ${clean(
                [pick(pop.caller.class_label, pop.caller.class_label_en), pick(pop.caller.region, pop.caller.region_en)]
                  .filter(Boolean)
                  .join(' · '),
                32,
              )}
            </span>` : null}
          </span>
        </div>
        <${LookAlike} name=${form.name ?? ''} onTake=${take} />
        <div class="fieldset c6">
          <span class="lab">
            ${t('new.category')}
            <em> *</em>
          </span>
          ${categories.length ? html`<${Segments}
            name="category"
            label=${t('new.category')}
            value=${category}
            options=${categories.map((c) => [c.key, clean(pick(c.label, c.label_en), 12)])}
            onInput=${(x) => set('category', x)}
          />` : html`<span class="mut">${t('sec.loading')}</span>`}
          ${wrong.value.category ? html`<span class="bad field-say">${wrong.value.category}</span>` : null}
        </div>
        ${fields.map((f) => html`<${Described} key=${f.key} field=${f} value=${form[f.key]} error=${wrong.value[f.key]} onInput=${(x) => set(f.key, x)} />`)}
      </div>
    </div>
    <div class="form-acts">
      ${mayEdit ? html`<button type="button" class=${`btn${pop.state === 'ended' ? '' : ' primary'}`} disabled=${busy.value} onClick=${save}>
        ${cutOff.value ? t('note.saveLater') : t('new.save')}
        <${Key}>Ctrl ↵</${Key}>
      </button>` : html`<span class="mut">${t('err.right')}</span>`}
      ${said.value ? html`<span class="bad" role="alert">
        ${clean(said.value, 120)}
      </span>` : null}
      <span class="grow"></span>
      <span class="mut">
        ${t('party.owner')} <${Foreign} text=${me.value?.name ?? ''} limit=${12} />
      </span>
    </div>
  </${Panel}>`;
}

/** The record column for a number nobody knows: what can be told from the number itself. */
export const NumberPanel = ({ pop }) => {
  const c = pop.caller ?? {};
  const rows = [
    ['number.region', pick(c.region, c.region_en)],
    ['number.class', pick(c.class_label, c.class_label_en)],
    ['number.raw', c.number],
    ['number.name', c.name],
  ];
  return html`<${Panel} icon=${c.number ? 'phone' : 'hidden'} title=${t('number.title')} class="profile">
    ${c.number ? html`<dl class="kv num">
      ${rows.map(([k, v]) => html`
        <dt key=${`${k}t`}>${t(k)}</dt>
        <dd key=${k}>${v ? html`<${Foreign} text=${v} limit=${32} />` : '–'}</dd>
      `)}
      <dt>${t('number.line')}</dt>
      <dd class="w">${clean([pop.line?.number, pop.line?.label].filter(Boolean).join(' '), 40) || '–'}</dd>
      ${pop.waiting_since ? html`
        <dt>${t('number.since')}</dt>
        <dd class="w">${when(pop.waiting_since, minute.value)}</dd>
      ` : null}
    </dl>` : html`<p class="say">${t('number.hiddenSay')}</p>`}
  </${Panel}>`;
};
