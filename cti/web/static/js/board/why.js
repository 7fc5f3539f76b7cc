// A line for the reason of what one is about to ask: the agent reads it, and it is kept.
import { html } from '../lib.js';
import { t } from '../i18n.js';

export const Why = ({ value }) => html`<label class="why">
  <span class="lab">${t('act.why')}</span>
  <input
    class="field"
    maxlength="80"
    placeholder=${t('act.whySay')}
    value=${value.value}
    onInput=${(e) => {
      value.value = e.currentTarget.value;
    }}
  />
</label>`;
