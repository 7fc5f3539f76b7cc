// What is kept of customers: categories and their fields, changed here without a program; who changed what.
import { html, useSignal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Tag, Foreign } from '../ui/marks.js';
import { t, has } from '../i18n.js';
import { clean } from '../format.js';
import { minute } from '../session.js';
import { when } from '../ui/words.js';
import { catalogue } from '../api-customers.js';
import { CategoryForm, EVERY, FieldForm, changes, labelOf, read, took, view } from './catalogueforms.js';

const byPlace = (a, b) => a.position - b.position;

/** Up or down by one place: the two neighbours change theirs. */
async function move(list, at, by, send) {
  const one = list[at];
  const other = list[at + by];
  if (!other) return;
  const first = await send(one, {
    position: other.position === one.position ? other.position + by : other.position,
    version: view.value.version,
  });
  if (first.ok && other.position !== one.position) {
    view.value = first.body;
    await took(await send(other, { position: one.position, version: view.value.version }), t('cat.saved'));
  } else await took(first, t('cat.saved'));
}

const Movers = ({ list, at, send, name }) => html`<span class="movers">
  ${[-1, 1].map((by) => html`<button
    type="button"
    key=${by}
    class="btn s ghost ico"
    disabled=${!list[at + by]}
    aria-label=${t(by < 0 ? 'cat.up' : 'cat.down', { name })}
    onClick=${() => move(list, at, by, send)}
  >
    <${Icon} n=${by < 0 ? 'up' : 'down'} />
  </button>`)}
</span>`;

const changeWords = (c) => {
  const action = has(`cat.did.${c.action}`) ? t(`cat.did.${c.action}`) : clean(c.action, 16);
  const what = [c.category === EVERY ? t('cat.every') : c.category, c.field]
    .filter(Boolean)
    .map((x) => clean(x, 24))
    .join(' · ');
  const keys = Object.keys(c.after ?? {}).filter((k) => JSON.stringify(c.before?.[k]) !== JSON.stringify(c.after[k]));
  return { action, what, keys: keys.map((k) => (has(`cat.${k}`) ? t(`cat.${k}`) : k)).join(t('comma')) };
};

export function Catalogue() {
  const chosen = useSignal(null);
  const editing = useSignal(null); // field key, 'new', or null
  const naming = useSignal(null); // category key, 'new', or null
  useEffect(() => {
    read();
  }, []);
  const all = view.value;
  if (all === null)
    return html`<${Panel} class="cust-none">
      <${Loading} lines=${8} />
    </${Panel}>`;
  if (all.why)
    return html`<${Panel} class="cust-none">
      <p class="say center">${all.why}</p>
    </${Panel}>`;
  const categories = [...all.categories].sort(byPlace);
  const here = chosen.value ?? categories[0]?.key ?? EVERY;
  const fields = all.fields.filter((f) => f.category === here).sort(byPlace);
  const name = here === EVERY ? t('cat.every') : labelOf(categories.find((c) => c.key === here) ?? { label: here });
  const pickOne = (key) => {
    chosen.value = key;
    editing.value = null;
  };
  return html`<div class="cat-cols">
    <${Panel}
      icon="list"
      title=${t('cat.categories')}
      tools=${
        html`<button
          type="button"
          class="btn s"
          onClick=${() => {
            naming.value = 'new';
          }}
        >
          <${Icon} n="plus" /> ${t('cat.newCategory')}
        </button>`
      }
    >
      <div class="scroll">
        ${naming.value === 'new' ? html`<${CategoryForm}
          category=${null}
          onDone=${() => {
            naming.value = null;
          }}
        />` : null}
        <ul class="kb-rows">
          ${categories.map((c, i) => html`<li key=${c.key}>
            <div class=${`cat-row${c.key === here ? ' sel' : ''}`}>
              <button
                type="button"
                class="kb-row cat-pick"
                aria-current=${c.key === here ? 'true' : undefined}
                onClick=${() => pickOne(c.key)}
              >
                <b class=${c.retired ? 'mut' : ''}>${labelOf(c)}</b> <span class="mut">${clean(c.key, 20)}</span>
                ${c.retired ? html`
                  ${' '}
                  <${Tag}>${t('kb.isRetired')}</${Tag}>
                ` : null}
              </button>
              <${Movers} list=${categories} at=${i} name=${labelOf(c)} send=${(x, body) => catalogue.category(x.key, body)} />
              <button
                type="button"
                class="btn s ghost ico"
                aria-label=${t('cat.rename', { name: labelOf(c) })}
                onClick=${() => {
                  naming.value = c.key;
                }}
              >
                <${Icon} n="edit" />
              </button>
            </div>
            ${naming.value === c.key ? html`<${CategoryForm}
              category=${c}
              onDone=${() => {
                naming.value = null;
              }}
            />` : null}
          </li>`)}
          <li>
            <div class=${`cat-row${here === EVERY ? ' sel' : ''}`}>
              <button
                type="button"
                class="kb-row cat-pick"
                aria-current=${here === EVERY ? 'true' : undefined}
                onClick=${() => pickOne(EVERY)}
              >
                <b>${t('cat.every')}</b>
              </button>
            </div>
          </li>
        </ul>
      </div>
    </${Panel}>
    <${Panel}
      icon="note"
      title=${t('cat.fieldsOf', { name })}
      meta=${t('cat.fieldsSay')}
      tools=${
        html`<button
          type="button"
          class="btn s"
          onClick=${() => {
            editing.value = 'new';
          }}
        >
          <${Icon} n="plus" /> ${t('cat.newField')}
        </button>`
      }
    >
      <div class="scroll">
        ${editing.value === 'new' ? html`<${FieldForm}
          key=${`${here}/new`}
          category=${here}
          field=${null}
          onDone=${() => {
            editing.value = null;
          }}
        />` : null}
        ${fields.length === 0 ? html`<p class="say">${t('cat.noFields')}</p>` : html`<ul class="cat-fields">
          ${fields.map((f, i) => html`<li key=${f.key} class=${f.retired ? 'off' : ''}>
            <div class="cat-field">
              <button
                type="button"
                class="kb-row cat-pick"
                aria-expanded=${editing.value === f.key}
                onClick=${() => {
                  editing.value = editing.value === f.key ? null : f.key;
                }}
              >
                <b>${labelOf(f)}</b> <span class="mut">${clean(f.key, 24)}</span>
              </button>
              <span>${t(`cat.kind.${f.kind}`)}</span>
              <span class="mut">${t(`cat.scope.${f.scope}`)}</span>
              <span class="cat-marks">
                ${f.required ? html`<${Tag} kind="info">${t('cat.required')}</${Tag}>` : null}
                ${f.show_in_pop ? html`<${Tag}>${t('cat.inPop')}</${Tag}>` : null}
                ${f.pii ? html`<${Tag} icon="hidden">${t('cat.isPii')}</${Tag}>` : null}
                ${f.retired ? html`<${Tag} kind="warn">${t('kb.isRetired')}</${Tag}>` : null}
              </span>
              <${Movers} list=${fields} at=${i} name=${labelOf(f)} send=${(x, body) => catalogue.field(here, x.key, body)} />
            </div>
            ${editing.value === f.key ? html`<${FieldForm}
              key=${`${here}/${f.key}`}
              category=${here}
              field=${f}
              onDone=${() => {
                editing.value = null;
              }}
            />` : null}
          </li>`)}
        </ul>`}
      </div>
    </${Panel}>
    <${Panel} icon="history" title=${t('cat.changes')}>
      <ul class="scroll kb-rows">
        ${changes.value.map((c) => {
          const w = changeWords(c);
          return html`<li key=${c.version} class="cat-change">
            <p>
              <b>${w.what}</b> ${w.action}
              ${w.keys ? html`
                ${' '}
                <span class="mut">${w.keys}</span>
              ` : null}
            </p>
            <p class="kb-facts num">
              ${when(c.at, minute.value)} · <${Foreign} text=${c.by} limit=${14} />
            </p>
          </li>`;
        })}
        ${changes.value.length === 0 ? html`<li class="say">${t('cat.noChanges')}</li>` : null}
      </ul>
    </${Panel}>
  </div>`;
}
