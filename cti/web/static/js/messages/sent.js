// What went out, to whom, by whom, and how it fared.
import { html, signal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Foreign } from '../ui/marks.js';
import { Pick } from '../ui/field.js';
import { t } from '../i18n.js';
import { clean } from '../format.js';
import { minute } from '../session.js';
import { when } from '../ui/words.js';
import { messages } from '../api-messages.js';
import { toast, whyNot } from '../toast.js';
import { Ticks, whyFailed, statusWord } from './bubble.js';
import { askRetry } from './ask.js';

const STATES = ['queued', 'unsure', 'sent', 'delivered', 'failed'];
const asked = signal({ status: '', platform: '' });
const list = signal(null);

async function read(before) {
  const answer = await messages.sent({ ...asked.value, before });
  const known = before ? (list.value?.messages ?? []) : [];
  list.value = answer.ok
    ? { messages: [...known, ...answer.body.messages], next: answer.body.next }
    : { messages: known, next: null, why: whyNot(answer) };
}

export function Sent() {
  useEffect(() => {
    list.value = null;
    read();
  }, [asked.value]);
  const rows = list.value?.messages ?? [];
  const retry = async (m) => {
    if (!(await askRetry(m))) return;
    const answer = await messages.retry(m.id);
    if (answer.ok) read();
    else toast(whyNot(answer), { bad: true });
  };
  return html`<${Panel}
    icon="out"
    title=${t('msg.tab.sent')}
    tools=${
      html`
        <${Pick}
          class="msg-state"
          label=${t('quote.status')}
          value=${asked.value.status}
          options=${[['', t('msg.everyState')], ...STATES.map((s) => [s, statusWord(s)])]}
          onInput=${(status) => {
            asked.value = { ...asked.value, status };
          }}
        />
        <button type="button" class="btn s" onClick=${() => read()}>
          ${t('msg.again')}
        </button>
      `
    }
  >
    <div class="scroll">
      <table class="num sent-table">
        <thead>
          <tr>
            <th>${t('col.time')}</th>
            <th>${t('sms.to')}</th>
            <th>${t('msg.text')}</th>
            <th>${t('msg.by')}</th>
            <th>${t('msg.platform')}</th>
            <th class="r">${t('msg.segments')}</th>
            <th>${t('quote.status')}</th>
            <th>${t('msg.why')}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((m) => html`<tr key=${m.id}>
            <td>${when(m.at, minute.value)}</td>
            <td>
              <bdi>${clean(m.number, 20)}</bdi>
            </td>
            <td class="cut" title=${clean(m.text, 500)}>
              ${clean(m.text, 120)}
            </td>
            <td class="cut">
              ${m.origin === 'rule' ? t('sms.byRule') : html`<${Foreign} text=${m.by ?? m.login ?? ''} limit=${10} />`}
            </td>
            <td>${clean(m.platform, 14) || '–'}</td>
            <td class="r">${m.segments || '–'}</td>
            <td>
              <${Ticks} m=${m} />
            </td>
            <td class="cut" title=${whyFailed(m)}>
              ${m.retry ? html`
                <button type="button" class="btn s" onClick=${() => retry(m)}>
                  ${t('sms.retry')}
                </button>${' '}
              ` : null}
              ${whyFailed(m)}
            </td>
          </tr>`)}
        </tbody>
      </table>
      ${list.value === null ? html`<${Loading} lines=${6} />` : null}
      ${list.value?.why ? html`<p class="say">${list.value.why}</p>` : null}
      ${list.value && !list.value.why && rows.length === 0 ? html`<p class="say">${t('msg.noneSent')}</p>` : null}
      ${list.value?.next ? html`<p class="say">
        <button type="button" class="btn s" onClick=${() => read(list.value.next)}>
          ${t('idle.more')}
        </button>
      </p>` : null}
    </div>
  </${Panel}>`;
}
