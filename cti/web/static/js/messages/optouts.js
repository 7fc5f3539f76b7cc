// Numbers that want no more, since when and by whose word; with the customer's renewed consent it can be lifted.
import { html, signal, useSignal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Tag } from '../ui/marks.js';
import { Acts, Dialog } from '../ui/menu.js';
import { Line, usePaused } from '../ui/field.js';
import { t } from '../i18n.js';
import { clean } from '../format.js';
import { minute } from '../session.js';
import { when } from '../ui/words.js';
import { may } from '../ui/page.js';
import { messages } from '../api-messages.js';
import { toast, whyNot } from '../toast.js';
import { Scope } from './ask.js';

const asked = signal('');
const list = signal(null);

async function read(before) {
  const answer = await messages.optouts(asked.value.trim(), before);
  const known = before ? (list.value?.optouts ?? []) : [];
  list.value = answer.ok
    ? { optouts: [...known, ...answer.body.optouts], next: answer.body.next }
    : { optouts: known, next: null, why: whyNot(answer) };
}

function Lift({ one, onDone }) {
  const note = useSignal('');
  const go = async () => {
    if (!note.value.trim()) return;
    const answer = await messages.lift(one.id, note.value.trim());
    toast(answer.ok ? t('msg.lifted') : whyNot(answer), { bad: !answer.ok });
    if (answer.ok) onDone(true);
  };
  return html`<${Dialog} title=${t('msg.lift')} onClose=${() => onDone(false)}>
    <h2>${t('msg.lift')}</h2>
    <p class="num">${clean(one.display, 24)}</p>
    <p class="mut">${t('msg.liftSay')}</p>
    <${Line} label=${t('msg.consent')} of=${note} />
    <${Acts} yes=${t('msg.lift')} onYes=${go} off=${!note.value.trim()} onNo=${() => onDone(false)} />
  </${Dialog}>`;
}

function Add({ onDone }) {
  const number = useSignal('');
  const scope = useSignal('marketing');
  const note = useSignal('');
  const said = useSignal('');
  const go = async () => {
    const answer = await messages.optOut(number.value.trim(), scope.value, note.value.trim());
    if (answer.ok) onDone(true);
    else said.value = whyNot(answer);
  };
  return html`<${Dialog} title=${t('msg.addOptOut')} onClose=${() => onDone(false)}>
    <h2>${t('msg.addOptOut')}</h2>
    <${Line} class="num" label=${t('new.number')} max=${30} of=${number} />
    <${Scope} of=${scope} />
    <${Line} label=${t('sms.refuseWhy')} of=${note} />
    ${said.value ? html`<p class="bad" role="alert">
      ${said.value}
    </p>` : null}
    <${Acts} yes=${t('save')} onYes=${go} off=${number.value.trim().length < 5} onNo=${() => onDone(false)} />
  </${Dialog}>`;
}

export function OptOuts() {
  const lifting = useSignal(null);
  const adding = useSignal(false);
  usePaused(asked.value, list.value ? 250 : 0, () => read());
  useEffect(
    () => () => {
      list.value = null;
    },
    [],
  );
  const rows = list.value?.optouts ?? [];
  return html`<${Panel}
    icon="off"
    title=${t('msg.tab.optouts')}
    meta=${t('msg.optoutsSay')}
    tools=${
      html`
        <${Line} class="find-line" label=${t('msg.findNumber')} max=${30} of=${asked} />
        ${may('edit') ? html`<button
          type="button"
          class="btn s"
          onClick=${() => {
            adding.value = true;
          }}
        >
          <${Icon} n="plus" /> ${t('msg.addOptOut')}
        </button>` : null}
      `
    }
  >
    <div class="scroll">
      <table class="num optout-table">
        <thead>
          <tr>
            <th>${t('new.number')}</th>
            <th>${t('sms.scope')}</th>
            <th>${t('msg.since')}</th>
            <th>${t('msg.source')}</th>
            <th>${t('msg.word')}</th>
            <th></th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((one) => html`<tr key=${one.id}>
            <td>
              <bdi>${clean(one.display, 24)}</bdi>
            </td>
            <td>
              <${Tag} kind="warn">${t(`sms.refused.${one.scope}`)}</${Tag}>
            </td>
            <td>${when(one.at, minute.value)}</td>
            <td>
              ${t(`msg.source.${one.source}`)}
              ${one.by ? ` · ${clean(one.by, 12)}` : ''}
            </td>
            <td class="cut" title=${clean(one.word, 200)}>
              ${clean(one.word, 60) || '–'}
            </td>
            <td class="r">
              <button
                type="button"
                class="btn s"
                onClick=${() => {
                  lifting.value = one;
                }}
              >
                ${t('msg.lift')}
              </button>
            </td>
          </tr>`)}
        </tbody>
      </table>
      ${list.value === null ? html`<${Loading} lines=${6} />` : null}
      ${list.value?.why ? html`<p class="say">${list.value.why}</p>` : null}
      ${list.value && !list.value.why && rows.length === 0 ? html`<p class="say">${t('msg.noOptOuts')}</p>` : null}
      ${list.value?.next ? html`<p class="say">
        <button type="button" class="btn s" onClick=${() => read(list.value.next)}>
          ${t('idle.more')}
        </button>
      </p>` : null}
    </div>
    ${lifting.value ? html`<${Lift}
      one=${lifting.value}
      onDone=${(done) => {
        lifting.value = null;
        if (done) read();
      }}
    />` : null}
    ${adding.value ? html`<${Add}
      onDone=${(done) => {
        adding.value = false;
        if (done) read();
      }}
    />` : null}
  </${Panel}>`;
}
