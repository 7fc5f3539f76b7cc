// One wait drawn: what came before the queue, then what the wait went to, and the target.
import { html } from '../lib.js';
import { Foreign } from '../ui/marks.js';
import { t, has } from '../i18n.js';
import { clean } from '../format.js';

export const CAUSES = ['nobody', 'ringing', 'announcement', 'overflow', 'untold'];
export const LEAD_PX = 34;
export const ROW_PX = 168;

/** Seconds that the scale reaches: the longest wait of the rows, neither less than two targets nor more than a minute. */
export const reach = (rows, target) => Math.min(Math.max(60, target * 2), Math.max(target * 2, ...rows.map((r) => r.wait_s ?? 0)));

/** One wait: hollow what came before the queue, then its causes, the line at the target. What does not fit ends in an arrow. */
export const Split = ({ row, upTo }) => {
  const px = (ROW_PX - LEAD_PX) / upTo;
  const lead = Math.min(LEAD_PX, (row.lead_s ?? 0) * px);
  let x = LEAD_PX;
  const parts = [];
  for (const cause of CAUSES) {
    const seconds = row.split[cause] ?? 0;
    const width = Math.min(seconds * px, ROW_PX - x);
    const at = { left: `${x}px`, width: `${Math.max(1, width - 1)}px` };
    if (width > 0.4) parts.push(html`<i key=${cause} class=${`s-${cause}`} style=${at} title=${`${t(`cause.${cause}`)} ${seconds.toFixed(1)} s`}></i>`);
    x += Math.max(0, width);
  }
  const words = CAUSES.filter((c) => row.split[c]).map((c) => `${t(`cause.${c}`)} ${Math.round(row.split[c])}`);
  const before = { left: `${LEAD_PX - lead}px`, width: `${lead - 1}px` };
  return html`<span class="split1" role="img" aria-label=${words.join(t('comma'))}>
    ${lead > 0.5 ? html`<i class="s-ivr" style=${before} title=${t('calls.lead', { s: row.lead_s.toFixed(1) })}></i>` : null}
    ${parts}
    <b style=${{ left: `${LEAD_PX + row.target_s * px}px` }}></b>
  </span>`;
};

const outcome = (row) => (has(`outcome.${row.outcome}`) ? t(`outcome.${row.outcome}`) : clean(row.outcome, 12));
export const Result = ({ row }) =>
  row.outcome === 'answered' ? html`<${Foreign} text=${row.agent || row.interface} limit=${10} /> ${t('calls.took')}`
    : row.outcome === 'missed' ? html`<${Foreign} text=${row.agent || row.interface} limit=${10} /> ${t('outcome.missed')}`
      : html`<span class=${row.outcome === 'abandoned' ? 'bad' : ''}>${outcome(row)}</span>`;
