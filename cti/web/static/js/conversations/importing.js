// A chat file is brought in: QQ exports, archives, tables. The same file again changes nothing.
import { html, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Icon } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean } from '../format.js';
import { conversations } from '../api-customers.js';
import { whyNot } from '../toast.js';

const MOST = 64 * 1024 * 1024;
const FIGURES = ['read', 'new', 'changed', 'held', 'unlinked', 'guessed', 'left_out'];

export function Import({ onDone }) {
  const file = useSignal(null);
  const ours = useSignal('');
  const account = useSignal('');
  const busy = useSignal(false);
  const told = useSignal(null); // {name, report, odd} or {why}
  const over = useSignal(false);
  const take = (given) => {
    if (!given) return;
    told.value = given.size > MOST ? { why: t('imp.tooLarge') } : null;
    file.value = given.size > MOST ? null : given;
  };
  const send = async () => {
    if (busy.value || !file.value) return;
    busy.value = true;
    const sent = file.value;
    const answer = await conversations.upload(sent, ours.value.trim(), account.value.trim());
    busy.value = false;
    told.value = answer.ok ? { name: sent.name, ...answer.body } : { why: whyNot(answer) };
    if (answer.ok) {
      file.value = null;
      onDone();
    }
  };
  const report = told.value?.report;
  return html`<${Panel} icon="in" title=${t('imp.title')} meta=${t('imp.say')} class="importing">
    <div class="imp-row">
      <label
        class=${`drop${over.value ? ' over' : ''}`}
        onDragOver=${(e) => {
          e.preventDefault();
          over.value = true;
        }}
        onDragLeave=${() => {
          over.value = false;
        }}
        onDrop=${(e) => {
          e.preventDefault();
          over.value = false;
          take(e.dataTransfer.files[0]);
        }}
      >
        <input
          type="file"
          class="sr"
          accept=".txt,.mht,.mhtml,.json,.jsonl,.xml,.csv,.xlsx"
          onChange=${(e) => {
            take(e.currentTarget.files[0]);
            e.currentTarget.value = ''; // the same file may be chosen again
          }}
        />
        <${Icon} n="plus" />
        <span class="cut">${file.value ? clean(file.value.name, 40) : t('imp.choose')}</span>
      </label>
      <input
        class="field"
        name="ours"
        maxlength="400"
        autocomplete="off"
        aria-label=${t('imp.ours')}
        placeholder=${t('imp.ours')}
        value=${ours.value}
        onInput=${(e) => {
          ours.value = e.currentTarget.value;
        }}
      />
      <input
        class="field"
        name="account"
        maxlength="120"
        autocomplete="off"
        aria-label=${t('imp.account')}
        placeholder=${t('imp.account')}
        value=${account.value}
        onInput=${(e) => {
          account.value = e.currentTarget.value;
        }}
      />
      <button type="button" class="btn primary" disabled=${busy.value || !file.value} onClick=${send}>
        ${t(busy.value ? 'imp.busy' : 'imp.go')}
      </button>
    </div>
    <div class="imp-told" role="status">
      ${told.value?.why ? html`<span class="bad">${told.value.why}</span>` : null}
      ${report ? html`
        <b class="cut">${clean(told.value.name, 40)}</b>
        <dl class="num">
          ${FIGURES.filter((k) => report[k] || k === 'read' || k === 'new').map((k) => html`<div key=${k}>
            <dt>${t(`imp.${k}`)}</dt>
            <dd class=${['guessed', 'left_out'].includes(k) && report[k] ? 'warn' : ''}>${report[k]}</dd>
          </div>`)}
          ${told.value.odd ? html`<div>
            <dt>${t('imp.odd')}</dt>
            <dd class="warn">${told.value.odd}</dd>
          </div>` : null}
        </dl>
        ${report.guessed ? html`<span class="warn">${t('imp.guessedSay')}</span>` : null}
      ` : null}
    </div>
  </${Panel}>`;
}
