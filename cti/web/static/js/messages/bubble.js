// One text message of a conversation: what was said, by whom, and how it fared.
import { html } from '../lib.js';
import { Icon, Tag, Foreign } from '../ui/marks.js';
import { t, has, pick } from '../i18n.js';
import { clean, clockTime } from '../format.js';
import { lines } from '../trade/text.js';

const TICK = { queued: 'clock', unsure: 'clock', sent: 'check', delivered: 'ticks', failed: 'alert' };
const LOOK = { delivered: 'good', failed: 'bad', unsure: 'warn' };

/** The state of a message in words. */
export const statusWord = (status) => (has(`sms.${status}`) ? t(`sms.${status}`) : clean(status, 8));

/** Glyph and word of a message's state. */
export const Ticks = ({ m }) => html`<span class=${`ticks ${LOOK[m.status] ?? ''}`} data-status=${m.status}>
  <${Icon} n=${TICK[m.status] ?? 'dot'} />
  ${statusWord(m.status)}
</span>`;

export const whyFailed = (m) => clean(pick(m.error_text, m.error_text_en) || m.error || '', 80);

/** `onRetry(m)` tries it again; `onAgain(m)` takes its words up again where it failed on its way and cannot be tried. */
export const Bubble = ({ m, onRetry, onAgain }) => {
  const out = m.direction === 'out';
  const parts = (m.parts ?? []).length;
  const arrived = (m.parts ?? []).filter((p) => p.status === 'delivered').length;
  return html`<li class=${`bub ${out ? 'out' : 'in'}${m.status === 'failed' ? ' failed' : ''}`} data-message=${m.id}>
    <p class="bub-text">
      <bdi>${lines(m.text, 2000)}</bdi>
    </p>
    <p class="bub-meta num">
      ${m.opted_out ? html`<${Tag} kind="warn" icon="off">
        ${t(`sms.refused.${m.opted_out}`)}
      </${Tag}>` : null}
      <span>${clockTime(m.at)}</span>
      ${m.by ? html`<${Foreign} text=${m.by} limit=${10} />` : null}
      ${m.origin === 'rule' ? html`<span>${t('sms.byRule')}</span>` : null}
      ${out ? html`<${Ticks} key=${m.status} m=${m} />` : null}
      ${parts > 1 && m.status !== 'delivered' ? html`<span>${t('sms.parts', { n: arrived, of: parts })}</span>` : null}
      ${m.status === 'failed' ? html`<span class="bad cut" title=${whyFailed(m)}>
        ${whyFailed(m)}
      </span>` : null}
      ${m.retry && onRetry ? html`<button type="button" class="btn s" onClick=${() => onRetry(m)}>
        ${t('sms.retry')}
      </button>` : null}
      ${m.status === 'failed' && !m.retry && onAgain ? html`<button type="button" class="btn s" onClick=${() => onAgain(m)}>
        ${t('sms.again')}
      </button>` : null}
    </p>
  </li>`;
};
