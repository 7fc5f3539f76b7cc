// A template with its variables: the text as it will read, and a field for each variable.
import { html } from '../lib.js';
import { t } from '../i18n.js';
import { clean } from '../format.js';

const HOLE = /\{([^{}]+)\}/g;

/** The pieces of a template: texts, and {name, value} for its variables. */
export function pieces(text, values) {
  const out = [];
  let at = 0;
  for (const hole of text.matchAll(HOLE)) {
    if (hole.index > at) out.push(text.slice(at, hole.index));
    out.push({ name: hole[1], value: values[hole[1]] ?? '' });
    at = hole.index + hole[0].length;
  }
  if (at < text.length) out.push(text.slice(at));
  return out;
}

/** The text with its values; a missing one stands as its name, marked. */
export const Reading = ({ text, values }) => html`<bdi>
  ${pieces(text, values).map((part, i) =>
    typeof part === 'string' ? (
      part
    ) : part.value ? html`<b key=${i}>${clean(part.value, 120)}</b>` : html`<mark key=${i}>${clean(part.name, 24)}</mark>`,
  )}
</bdi>`;

/** `reads`: how the service says it will read, where it has said so already. */
export const Filled = ({ text, reads, names, values, onInput }) => html`<div class="filled">
  <p class="filled-text">
    <${Reading} text=${reads ?? text} values=${values} />
  </p>
  ${names.length ? html`<div class="filled-values">
    ${names.map((name) => html`<label key=${name}>
      <span class="cut" title=${clean(name, 40)}>
        ${clean(name, 12)}
      </span>
      <input
        class=${`field inline${values[name] ? '' : ' wrong'}`}
        name=${name}
        maxlength="120"
        autocomplete="off"
        aria-label=${t('sms.value', { name: clean(name, 24) })}
        value=${values[name] ?? ''}
        onInput=${(e) => onInput(name, e.currentTarget.value)}
      />
    </label>`)}
  </div>` : null}
</div>`;
