// What is asked before a message is tried again, and when a customer says that he wants no more.
import { html, signal, useSignal } from '../lib.js';
import { Acts, Dialog } from '../ui/menu.js';
import { Line, Segments } from '../ui/field.js';
import { t } from '../i18n.js';
import { clean } from '../format.js';
import { messages } from '../api-messages.js';
import { toast, whyNot } from '../toast.js';

const question = signal(null); // {text, answer(bool)}

/** Whether to try again: asked only where the first try may have gone out. */
export const askRetry = (m) =>
  m.status === 'unsure'
    ? new Promise((resolve) => {
        question.value = { title: t('sms.retry'), text: t('sms.maybeOut'), yes: t('sms.retryAnyway'), resolve };
      })
    : Promise.resolve(true);

/** Where questions are asked; once on a page. */
export const Questions = () => {
  const q = question.value;
  if (!q) return null;
  const say = (answer) => {
    question.value = null;
    q.resolve(answer);
  };
  return html`<${Dialog} title=${q.title} onClose=${() => say(false)}>
    <h2>${q.title}</h2>
    <p>${q.text}</p>
    <p class="dialog-acts">
      <button type="button" class="btn primary" onClick=${() => say(false)}>
        ${t('cancel')}
      </button>
      <button type="button" class="btn" onClick=${() => say(true)}>
        ${q.yes}
      </button>
    </p>
  </${Dialog}>`;
};

/** Of what he wants no more: a choice kept in the signal `of`. */
export const Scope = ({ of }) => html`<${Segments}
  name="scope"
  label=${t('sms.scope')}
  value=${of.value}
  options=${['marketing', 'all'].map((x) => [x, t(`sms.scope.${x}`)])}
  onInput=${(x) => {
    of.value = x;
  }}
/>`;

/** The customer wants no more messages: of advertising, or at all. */
export function AskRefusal({ number, shown, onDone }) {
  const scope = useSignal('marketing');
  const note = useSignal('');
  const busy = useSignal(false);
  const save = async () => {
    if (busy.value) return;
    busy.value = true;
    const answer = await messages.optOut(number, scope.value, note.value.trim());
    busy.value = false;
    toast(answer.ok ? t('sms.refusedDone') : whyNot(answer), { bad: !answer.ok });
    if (answer.ok) onDone(true);
  };
  return html`<${Dialog} title=${t('sms.refuse')} onClose=${() => onDone(false)}>
    <h2>${t('sms.refuse')}</h2>
    <p class="num">${clean(shown || number, 24)}</p>
    <${Scope} of=${scope} />
    <${Line} label=${t('sms.refuseWhy')} of=${note} />
    <${Acts} yes=${t('save')} onYes=${save} off=${busy.value} onNo=${() => onDone(false)} />
  </${Dialog}>`;
}
