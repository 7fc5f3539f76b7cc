// Templates: texts with variables, the codes they were approved under, and how long they come out.
import { html, signal, useSignal, useEffect } from '../lib.js';
import { Clash, Panel, Loading } from '../ui/panel.js';
import { Icon, Key, Tag } from '../ui/marks.js';
import { Segments, Text, usePaused } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean } from '../format.js';
import { may } from '../ui/page.js';
import { messages } from '../api-messages.js';
import { toast, whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { typed, keep } from '../unsaved.js';
import { lines } from '../trade/text.js';

const NEW = 'new';
const all = signal(null); // {templates, variables, platforms} or {why}
const chosen = signal(null);

async function read() {
  const answer = await messages.templates();
  all.value = answer.ok ? answer.body : { templates: [], variables: [], platforms: [], why: whyNot(answer) };
  if (chosen.value === null) chosen.value = all.value.templates[0]?.id ?? null;
}

const blank = { id: '', name: '', purpose: 'service', text: '', codes: {}, enabled: true, version: 0 };

function Editor({ template, fresh }) {
  const place = `template/${template.id || NEW}`;
  const values = { ...template, ...(typed(place) ?? {}) };
  const changed = typed(place) !== undefined;
  const busy = useSignal(false);
  const said = useSignal('');
  const size = useSignal(null);
  const clash = useSignal(null);
  const mayEdit = may('messages');
  const set = (more) => {
    said.value = '';
    keep(place, { ...(typed(place) ?? {}), ...more });
  };
  const examples = Object.fromEntries(all.value.variables.map((v) => [v.name, v.example]));
  usePaused(JSON.stringify([values.text, values.purpose]), 300, async () => {
    if (!values.text.trim() || !mayEdit) {
      size.value = null;
      return;
    }
    const answer = await messages.previewTemplate({ text: values.text, purpose: values.purpose, values: examples });
    if (answer.ok) size.value = answer.body;
  });
  const save = async (version) => {
    if (busy.value || !mayEdit) return;
    const id = fresh ? values.id.trim() : template.id;
    if (!/^[a-z0-9_-]{1,40}$/.test(id)) {
      said.value = t('msg.idSay');
      return;
    }
    busy.value = true;
    const { name, purpose, text, codes, enabled } = values;
    const answer = await messages.saveTemplate(id, {
      name: name.trim(),
      purpose,
      text,
      codes,
      enabled,
      version: version ?? (fresh ? 0 : (values.version ?? 0)),
    });
    busy.value = false;
    if (answer.ok) {
      keep(place, undefined);
      clash.value = null;
      toast(t('msg.templateSaved'));
      chosen.value = id;
      read();
    } else if (answer.status === 409 && answer.body?.template) clash.value = answer.body.template;
    else said.value = answer.body?.problems?.map((p) => clean(pick(p.text, p.text_en), 80)).join(t('comma')) || whyNot(answer);
  };
  const drop = async () => {
    const answer = await messages.dropTemplate(template.id);
    if (!answer.ok) {
      said.value = whyNot(answer);
      return;
    }
    keep(place, undefined);
    chosen.value = null;
    read();
  };
  useKeys({
    'Ctrl+Enter': () => {
      save();
    },
  });
  const insert = (name) => {
    const box = document.getElementById('tpl-text');
    const at = box?.selectionStart ?? values.text.length;
    set({ text: `${values.text.slice(0, at)}{${name}}${values.text.slice(box?.selectionEnd ?? at)}` });
    requestAnimationFrame(() => {
      box?.focus();
      box?.setSelectionRange(at + name.length + 2, at + name.length + 2);
    });
  };
  const problems = size.value?.problems ?? [];
  return html`<${Panel}
    icon="note"
    title=${fresh ? t('msg.newTemplate') : clean(template.name, 24)}
    meta=${changed ? t('kb.notSaved') : fresh ? '' : clean(template.id, 40)}
    tools=${values.enabled ? null : html`<${Tag} kind="warn">${t('kb.isRetired')}</${Tag}>`}
  >
    ${clash.value ? html`<${Clash}
      words=${t('msg.templateClash')}
      onMine=${() => save(clash.value.version)}
      onTheirs=${() => {
        keep(place, undefined);
        clash.value = null;
        read();
      }}
    >
      ${lines(clash.value.text, 400)}
    </${Clash}>` : null}
    <div class="scroll tpl">
      <div class="form six">
        ${fresh ? html`<${Text}
          label=${t('msg.templateId')}
          name="id"
          required
          max=${40}
          value=${values.id}
          placeholder="arrival_notice"
          onInput=${(x) => set({ id: x })}
        />` : null}
        <${Text}
          label=${t('msg.templateName')}
          name="name"
          required
          max=${40}
          value=${values.name}
          onInput=${(x) => set({ name: x })}
        />
        <div class="fieldset c2">
          <span class="lab">${t('msg.purpose')}</span>
          <${Segments}
            name="purpose"
            label=${t('msg.purpose')}
            value=${values.purpose}
            options=${['service', 'marketing'].map((x) => [x, t(`msg.purpose.${x}`)])}
            onInput=${(x) => mayEdit && set({ purpose: x })}
          />
        </div>
        <div class="fieldset c6">
          <label class="lab" for="tpl-text">
            ${t('msg.text')} <em>*</em>
          </label>
          <textarea
            class="field area"
            id="tpl-text"
            name="text"
            rows="5"
            maxlength="500"
            readonly=${!mayEdit}
            value=${values.text}
            onInput=${(e) => set({ text: e.currentTarget.value })}
          ></textarea>
        </div>
        <div class="fieldset c6 chips">
          <span class="lab">${t('msg.variables')}</span>
          ${all.value.variables.map((v) => html`<button
            type="button"
            key=${v.name}
            class="btn s"
            disabled=${!mayEdit}
            title=${clean(v.example, 60)}
            onClick=${() => insert(v.name)}
          >
            ${clean(pick(v.label, v.label_en), 16)} <span class="mut">${`{${clean(v.name, 24)}}`}</span>
          </button>`)}
        </div>
        ${all.value.platforms
          .filter((p) => p.needs_code)
          .map((p) => html`<${Text}
            key=${p.name}
            label=${t('msg.codeOf', { platform: clean(p.name, 16) })}
            name=${`code-${p.name}`}
            max=${60}
            value=${values.codes?.[p.name]}
            onInput=${(x) => set({ codes: { ...(values.codes ?? {}), [p.name]: x } })}
          />`)}
      </div>
      <section class="cust-part">
        <h3>${t('msg.preview')}</h3>
        <ol class="thread flat">
          <li class="bub out">
            <p class="bub-text">
              <bdi>${lines(size.value?.text ?? values.text, 800) || '–'}</bdi>
            </p>
          </li>
        </ol>
        <p class="num mut">
          ${size.value
            ? `${t('sms.size', { n: size.value.characters, s: size.value.segments })} · ${t('sms.left', { n: size.value.left })}`
            : ''}
          ${problems.length ? html`
            ${' '}
            <span class="bad">${problems.map((p) => clean(pick(p.text, p.text_en), 80)).join(t('comma'))}</span>
          ` : null}
        </p>
      </section>
    </div>
    ${mayEdit ? html`<div class="form-acts">
      <button type="button" class="btn primary" disabled=${busy.value || !changed} onClick=${() => save()}>
        ${t('save')} <${Key}>Ctrl ↵</${Key}>
      </button>
      ${changed ? html`<button
        type="button"
        class="btn ghost"
        onClick=${() => {
          keep(place, undefined);
          said.value = '';
          if (fresh) chosen.value = null;
        }}
      >
        ${t('kb.giveUp')}
      </button>` : null}
      ${said.value ? html`<span class="bad cut" role="alert">
        ${said.value}
      </span>` : null}
      <span class="grow"></span>
      ${fresh ? null : html`
        <label class="check">
          <input type="checkbox" checked=${values.enabled} onChange=${(e) => set({ enabled: e.currentTarget.checked })} />${' '}
          ${t('msg.inUse')}
        </label>
        <button type="button" class="btn ghost bad" onClick=${drop}>
          ${t('msg.dropTemplate')}
        </button>
      `}
    </div>` : null}
  </${Panel}>`;
}

export function Templates() {
  useEffect(() => {
    read();
  }, []);
  if (all.value === null)
    return html`<${Panel}>
      <${Loading} lines=${6} />
    </${Panel}>`;
  const fresh = chosen.value === NEW;
  const template = fresh ? blank : all.value.templates.find((x) => x.id === chosen.value);
  return html`<div class="tpl-cols">
    <${Panel}
      icon="list"
      title=${t('msg.tab.templates')}
      tools=${
        may('messages') ? html`<button
          type="button"
          class="btn s"
          onClick=${() => {
            chosen.value = NEW;
          }}
        >
          <${Icon} n="plus" /> ${t('msg.newTemplate')}
        </button>` : null
      }
    >
      <ul class="scroll kb-rows">
        ${all.value.why ? html`<li class="say">${all.value.why}</li>` : null}
        ${all.value.templates.map((x) => html`<li key=${x.id}>
          <button
            type="button"
            class=${`kb-row${x.id === chosen.value ? ' sel' : ''}`}
            data-template=${x.id}
            aria-current=${x.id === chosen.value ? 'true' : undefined}
            onClick=${() => {
              chosen.value = x.id;
            }}
          >
            <span class="kb-title">
              <b class=${`cut${x.enabled ? '' : ' mut'}`}>${clean(x.name, 24)}</b>
              <span class="grow"></span>
              ${typed(`template/${x.id}`) ? html`<${Tag} kind="warn">${t('left.unsaved')}</${Tag}>` : null}
              ${x.purpose === 'marketing' ? html`<${Tag}>${t('sms.marketing')}</${Tag}>` : null}
              ${x.enabled ? null : html`<${Tag} kind="warn">${t('kb.isRetired')}</${Tag}>`}
            </span>
            <span class="kb-snippet">${clean(x.text, 90)}</span>
          </button>
        </li>`)}
        ${!all.value.why && all.value.templates.length === 0 ? html`<li class="say">${t('msg.noTemplates')}</li>` : null}
      </ul>
    </${Panel}>
    ${template ? html`<${Editor} key=${chosen.value} template=${template} fresh=${fresh} />` : html`<${Panel}>
      <p class="say center">${t('msg.pickTemplate')}</p>
    </${Panel}>`}
  </div>`;
}
