// Fields. What stands in them is the caller's: a value given from outside is shown only while nobody has typed.
import { html, useRef, useEffect } from '../lib.js';
import { Icon } from './marks.js';
import { t, pick } from '../i18n.js';
import { clean } from '../format.js';

let serial = 0;
function useFieldId() {
  const ref = useRef('');
  if (!ref.current) {
    serial += 1;
    ref.current = `f${serial}`;
  }
  return ref.current;
}
/** A labelled line or box of text. `onInput(text)`; `wide` is its number of grid columns. */
export function Text({
  label,
  required,
  value,
  onInput,
  long,
  wide,
  placeholder,
  error,
  hint,
  numeric,
  max = 500,
  rows = 2,
  name,
  onKeyDown,
  type,
}) {
  const id = useFieldId();
  const common = {
    id,
    name,
    value: value ?? '',
    placeholder,
    maxlength: max,
    'aria-required': required || undefined,
    'aria-invalid': error ? true : undefined,
    'aria-describedby': error || hint ? `${id}-say` : undefined,
    autocomplete: 'off',
    spellcheck: false,
    onInput: (e) => onInput(e.currentTarget.value),
    onKeyDown,
  };
  return html`<div class=${`fieldset c${wide ?? 2}`}>
    <label class="lab" for=${id}>
      ${label}
      ${required ? html`<em> *</em>` : null}
    </label>
    ${long ? html`<textarea class=${`field area${error ? ' wrong' : ''}`} rows=${rows} ...${common}></textarea>` : html`<input
      class=${`field${numeric ? ' num' : ''}${error ? ' wrong' : ''}`}
      type=${type ?? 'text'}
      inputmode=${numeric ? 'decimal' : undefined}
      ...${common}
    />`}
    ${error ? html`<span class="bad field-say" id=${`${id}-say`}>
      ${error}
    </span>` : hint ? html`<span class="mut field-say" id=${`${id}-say`}>
      ${hint}
    </span>` : null}
  </div>`;
}

/** A line of text with its label inside, read out but not beside it. What is typed goes into the signal `of`. */
export const Line = ({ label, of, max = 200, class: extra }) => html`<input
  class=${`field${extra ? ` ${extra}` : ''}`}
  aria-label=${label}
  placeholder=${label}
  maxlength=${max}
  value=${of.value}
  onInput=${(e) => {
    of.value = e.currentTarget.value;
  }}
/>`;

/** One of several, its label read out but not beside it. `options` are [key, words]; `onInput(key)`. */
export const Pick = ({ label, value, options, onInput, class: extra }) => html`<span class=${`select${extra ? ` ${extra}` : ''}`}>
  <select class="field" aria-label=${label} value=${value} onChange=${(e) => onInput(e.currentTarget.value)}>
    ${options.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>
      ${text}
    </option>`)}
  </select>
  <${Icon} n="down" />
</span>`;

export function Choice({ label, required, value, options, onInput, wide, name, error }) {
  const id = useFieldId();
  return html`<div class=${`fieldset c${wide ?? 2}`}>
    <label class="lab" for=${id}>
      ${label}
      ${required ? html`<em> *</em>` : null}
    </label>
    <span class="select">
      <select
        id=${id}
        name=${name}
        class=${`field${error ? ' wrong' : ''}`}
        value=${value ?? ''}
        onChange=${(e) => onInput(e.currentTarget.value)}
      >
        <option value="">${t('field.none')}</option>
        ${options.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>
          ${text}
        </option>`)}
      </select>
      <${Icon} n="down" />
    </span>
    ${error ? html`<span class="bad field-say">${error}</span>` : null}
  </div>`;
}

/** A few exclusive answers side by side; arrow keys move as in any radio group. */
export const Segments = ({ label, value, options, onInput, name }) => html`<div class="seg radio" role="radiogroup" aria-label=${label}>
  ${options.map(([key, text]) => html`<label key=${key} class=${key === value ? 'on' : ''}>
    <input type="radio" name=${name} value=${key} checked=${key === value} onChange=${() => onInput(key)} />
    ${text}
  </label>`)}
</div>`;

/** Options of a choice as [key, words]: the service gives texts, pairs or records. */
export const optionPairs = (options) =>
  (options ?? []).map((o) => {
    if (typeof o === 'string') return [o, clean(o, 60)];
    if (Array.isArray(o)) return [String(o[0]), clean(o[1] ?? o[0], 60)];
    return [String(o.value ?? o.key), clean(pick(o.label, o.label_en) ?? o.value, 60)];
  });

export const YES_NO = () => [
  ['1', t('yes')],
  ['0', t('no')],
];

/** One field as the service describes it: {key, label, label_en, kind, required, options}. */
export function Described({ field, value, onInput, error, wide }) {
  const label = clean(pick(field.label, field.label_en), 24);
  const common = { label, required: field.required, value, onInput, error, name: field.key };
  if (field.kind === 'choice') return html`<${Choice} ...${common} options=${optionPairs(field.options)} wide=${wide ?? 2} />`;
  if (field.kind === 'bool') return html`<${Choice} ...${common} options=${YES_NO()} wide=${wide ?? 2} />`;
  if (field.kind === 'long') return html`<${Text} ...${common} long rows=${2} wide=${wide ?? 6} max=${2000} />`;
  return html`<${Text}
    ...${common}
    numeric=${field.kind === 'number'}
    placeholder=${field.kind === 'date' ? t('field.date') : undefined}
    wide=${wide ?? 2}
  />`;
}

/** Value of a described field as people read it. */
export function shownValue(field) {
  const v = field.value;
  if (v === null || v === undefined || v === '') return '–';
  if (field.kind === 'bool') return v === '1' ? t('yes') : t('no');
  if (field.kind === 'choice') return optionPairs(field.options).find(([key]) => key === String(v))?.[1] ?? clean(v, 120);
  return clean(v, 200);
}

/** Calls `fn` with the latest text once typing has paused. */
export function usePaused(text, ms, fn) {
  const last = useRef(fn);
  last.current = fn;
  useEffect(() => {
    const timer = setTimeout(() => last.current(text), ms);
    return () => clearTimeout(timer);
  }, [text]);
}
