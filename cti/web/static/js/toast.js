// Short words at the foot of the page: what was saved, what could not be.
import { html, signal } from './lib.js';
import { Icon } from './ui/marks.js';
import { t, pick } from './i18n.js';
import { sentence } from './api.js';
import { clean } from './format.js';

const shown = signal([]);
let next = 1;

/** Say it. Good news goes after 4 s, bad news stays until closed. */
export function toast(text, { bad = false } = {}) {
  const id = next++;
  shown.value = [...shown.value.slice(-2), { id, text, bad }];
  if (!bad) setTimeout(() => drop(id), 4000);
  return id;
}

/** Why a wish was not granted, in words: the service's own sentence where it gave one. */
export function whyNot(answer) {
  if (answer.status === 0) return t('err.offline');
  const said = sentence(answer);
  if (said) return clean(pick(said.text, said.text_en), 160);
  return answer.status === 403 ? t('err.right') : t('err.failed');
}

export const drop = (id) => {
  shown.value = shown.value.filter((x) => x.id !== id);
};

export const Toasts = () => html`<div class="toasts" role="status" aria-live="polite">
  ${shown.value.map((x) => html`<div key=${x.id} class=${`toast${x.bad ? ' bad' : ''}`}>
    <${Icon} n=${x.bad ? 'alert' : 'check'} />
    <span>${x.text}</span>
    <button type="button" class="btn s ico" aria-label=${t('close')} onClick=${() => drop(x.id)}>
      <${Icon} n="x" />
    </button>
  </div>`)}
</div>`;
