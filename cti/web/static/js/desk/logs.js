// 电话记录, 短信记录, QQ 记录: lines of what passed between us, newest first.
import { html } from '../lib.js';
import { Panel, SectionBody, SectionFlag, sectionMeta } from '../ui/panel.js';
import { Icon, Foreign, Tag } from '../ui/marks.js';
import { t, has } from '../i18n.js';
import { clean, daysAgo, toEpoch } from '../format.js';
import { minute } from '../session.js';
import { draftOf } from '../drafts.js';
import { when, callStory, callIcon, wasMissed } from '../ui/words.js';

const newest = (items) => [...items].sort((a, b) => (toEpoch(b.at) ?? 0) - (toEpoch(a.at) ?? 0));

const Line = ({ icon, bad, at, text, strong, end, endKind }) => html`<li>
  <${Icon} n=${icon} class=${bad ? 'bad' : ''} />
  <time>${when(at, minute.value)}</time>
  <span class=${`cut${bad ? ' bad' : ''}${strong ? ' strong' : ''}`} title=${text.length > 18 ? text : undefined}>
    ${text}
  </span>
  <span class=${`end ${endKind ?? 'mut'}`}>${end}</span>
</li>`;

export function CallsPanel({ pop, section, title, k = '4' }) {
  const rows = newest(section.items);
  const now = minute.value;
  const meta = sectionMeta(section, () => {
    const days = rows.map((c) => daysAgo(toEpoch(c.at) ?? 0, now));
    return t('calls.count', {
      today: days.filter((d) => d === 0).length,
      month: Math.max(days.filter((d) => d <= 30).length, 0),
    });
  });
  return html`<${Panel}
    id="sec-calls"
    icon="phone"
    title=${title ?? t('sec.calls')}
    meta=${meta}
    k=${k}
    tools=${html`<${SectionFlag} section=${section} pop=${pop} />`}
  >
    <div class="scroll rows">
      <${SectionBody} section=${section} lines=${2} empty=${t('calls.empty')}>
        <ul class="log num">
          ${rows.map((c, i) => {
            const said = [callStory(c), c.note ? clean(c.note, 60) : null].filter(Boolean);
            return html`<${Line}
              key=${c.id ?? i}
              icon=${callIcon(c)}
              bad=${wasMissed(c)}
              at=${c.at}
              text=${c.note && !wasMissed(c) ? said.reverse().join(' · ') : said.join(' · ')}
              end=${html`<${Foreign} text=${c.agent || c.queue_label || c.queue || ''} limit=${8} />`}
            />`;
          })}
        </ul>
      </${SectionBody}>
    </div>
  </${Panel}>`;
}

const SMS_LOOK = { delivered: 'good', failed: 'bad', received: 'mut', unsure: 'warn' };

/** 短信记录 folded: lines, newest first. `onWrite` opens it. */
export function SmsPanel({ pop, section, onWrite }) {
  const rows = newest(section.items);
  const draft = draftOf(pop).values.value.sms;
  const meta = sectionMeta(section, () => (rows.length ? t('sms.last', { time: when(rows[0].at, minute.value) }) : ''));
  return html`<${Panel}
    id="sec-sms"
    icon="msg"
    title=${t('sec.sms')}
    meta=${meta}
    k="5"
    tools=${
      html`
        <${SectionFlag} section=${section} pop=${pop} />
        ${draft !== undefined ? html`<${Tag} kind="warn">${t('sms.draft')}</${Tag}>` : null}
        ${onWrite ? html`<button type="button" class="btn s" onClick=${onWrite}>
          <${Icon} n="msg" /> ${t('sms.open')}
        </button>` : null}
      `
    }
  >
    <div class="scroll rows">
      <${SectionBody}
        section=${section}
        lines=${2}
        empty=${
          html`
            ${t('sms.empty')}${' '}
            ${onWrite ? html`<button type="button" class="link" onClick=${onWrite}>
              ${t('sms.first')}
            </button>` : null}
          `
        }
      >
        <ul class="log num">
          ${rows.map((m, i) => html`<${Line}
            key=${m.id ?? i}
            icon=${m.direction === 'in' ? 'in' : 'out'}
            at=${m.at}
            text=${clean(m.text, 300)}
            end=${
              m.direction === 'in' ? html`<${Foreign} text=${m.by || t('sms.them')} limit=${8} />` : has(`sms.${m.status}`) ? (
                t(`sms.${m.status}`)
              ) : (
                clean(m.status, 8)
              )
            }
            endKind=${m.direction === 'in' ? 'mut' : SMS_LOOK[m.status]}
          />`)}
        </ul>
      </${SectionBody}>
    </div>
  </${Panel}>`;
}

export function ChatPanel({ pop, section }) {
  const rows = newest(section.items);
  const waits = (m) => m.direction === 'in' && m.answered === false;
  const open = rows.filter(waits).length;
  const meta = open
    ? ''
    : sectionMeta(section, () => (rows.length ? t('sms.last', { time: when(rows[0].at, minute.value) }) : ''));
  const unanswered = open > 0;
  return html`<${Panel}
    id="sec-chat"
    icon="chat"
    title=${t('sec.chat')}
    meta=${unanswered ? '' : meta}
    k="6"
    tools=${
      html`
        ${unanswered ? html`<${Tag} kind="warn">${t('chat.open', { n: open })}</${Tag}>` : null}
        <${SectionFlag} section=${section} pop=${pop} />
      `
    }
  >
    <div class="scroll rows">
      <${SectionBody} section=${section} lines=${2} empty=${t('chat.empty')}>
        <ul class="log num">
          ${rows.map((m, i) => {
            const kind =
              m.kind && m.kind !== 'text' && !String(m.text ?? '').startsWith('[')
                ? `${has(`chat.${m.kind}`) ? t(`chat.${m.kind}`) : `[${clean(m.kind, 8)}]`} `
                : '';
            return html`<${Line}
              key=${m.id ?? i}
              icon=${m.direction === 'in' ? 'in' : 'out'}
              at=${m.at}
              text=${kind + clean(m.text ?? '', 300)}
              strong=${waits(m)}
              end=${html`<${Foreign} text=${m.sender || ''} limit=${8} />`}
            />`;
          })}
        </ul>
      </${SectionBody}>
    </div>
  </${Panel}>`;
}
