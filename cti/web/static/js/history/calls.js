// Why it was late: the causes in all, and the calls behind a number, each wait on one common scale.
import { html } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Foreign } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean, groupNumber, mmss } from '../format.js';
import { pastCaller } from '../ui/words.js';
import { pbxNow } from '../clock.js';
import { ask, causes, days, labelOf, list, listPairs, more, state, step } from './load.js';
import { asQuery, daysIn } from './query.js';
import { momentOf, daysText } from './zone.js';
import { nameOf } from './course.js';
import { opened } from './call.js';
import { CAUSES, LEAD_PX, ROW_PX, Result, Split, reach } from './split.js';

const back = () => ask({ pick: null, cell: '', which: 'troubled' });

const Totals = () => {
  const { body } = causes.value;
  const calls = body?.total.calls ?? {};
  const all = CAUSES.filter((c) => calls[c] > 0);
  return html`<div class="causes num">
    <span class="mut">${t('causes.title')}</span>
    <div class="split" role="img" aria-label=${all.map((c) => `${t(`cause.${c}`)} ${calls[c]}`).join(t('comma'))}>
      ${body && all.length === 0 ? html`<i class="s-zero">${t('causes.zero')}</i>` : null}
      ${all.map((c) => html`<i key=${c} class=${`s-${c}`} style=${{ flexGrow: calls[c] }}>${t(`cause.short.${c}`)} ${calls[c]}</i>`)}
    </div>
    <div class="legend">
      ${CAUSES.filter((c) => c !== 'untold' || calls.untold).map((c) => html`<span
        key=${c}
        title=${t('causes.seconds', { s: mmss(body?.total.seconds[c] ?? 0) })}
      >
        <i class=${`s-${c}`}></i>${t(`cause.${c}`)} <b>${calls[c] ?? 0}</b>
      </span>`)}
      <span><i class="s-ivr"></i>${t('causes.ivr')}</span>
    </div>
  </div>`;
};

/** Where one is: the period, the cell of the week, the row, the number. */
const Crumbs = ({ n }) => {
  const { period, cell, pick, which } = state.value;
  const [from, to] = days.value;
  const steps = [period === 'own' ? daysText(from, to, t('hist.to')) : t(`period.${period}`)];
  if (cell) steps.push(t('heat.hourOf', { day: t(`day.long.${cell.split('-')[0]}`), hour: cell.split('-')[1] }));
  if (pick?.dim === 'time') steps.push(nameOf(pick.key, step.value, '').long);
  else if (pick) steps.push(pick.key === '' ? t('hist.noTeam') : clean(labelOf(pick.dim, pick.key), 14));
  return html`<span class="crumb mut cut">
    ${steps.map((s) => html`<span key=${s} class="cut">${s}</span><${Icon} n="right" />`)}
    <b>${t(`which.${which}`)}${n === null ? '' : ` ${t('calls.n', { n })}`}</b>
  </span>`;
};

const Row = ({ row, upTo, dated }) => {
  const show = () => {
    opened.value = row;
  };
  const late = row.wait_s !== null && row.wait_s > row.target_s;
  return html`<tr
    class="row-btn"
    tabindex="0"
    data-call=${row.call}
    onClick=${show}
    onKeyDown=${(e) => e.key === 'Enter' && e.target === e.currentTarget && show()}
  >
    <td>${momentOf(row.at, pbxNow()).slice(dated ? 0 : -8)}</td>
    <td class="cut" title=${row.caller ? groupNumber(row.caller) : null}>
      <b><${Foreign} text=${pastCaller(row)} limit=${30} /></b>
    </td>
    <td class="cut"><${Foreign} text=${labelOf('queue', row.queue)} limit=${12} /></td>
    <td class="r"><b class=${late ? 'bad' : ''}>${mmss(row.wait_s)}</b></td>
    <td><${Split} row=${row} upTo=${upTo} /></td>
    <td class="cut">
      <${Result} row=${row} />
      ${row.quality ? html` <span class="dq" title=${t('quality.row')}><${Icon} n="alert" /></span>` : null}
    </td>
  </tr>`;
};

const Heads = ({ target, line }) => html`<thead><tr>
  <th class="c-at">${t('col.time')}</th>
  <th>${t('wait.caller')}</th>
  <th>${t('col.queue')}</th>
  <th class="r c-wait">${t('col.wait')}</th>
  <th class="c-split">
    ${line > 44 ? html`<span class="at-line" style=${{ left: `${LEAD_PX}px` }}>${t('calls.entered')}</span>` : null}
    <span class="at-line" style=${{ left: `${LEAD_PX + line - 6}px` }}>${t('calls.seconds', { n: target })}</span>
  </th>
  <th>${t('col.result')}</th>
</tr></thead>`;

const Body = ({ rows }) => {
  const { body, busy, failed } = list.value;
  if (failed) return html`<p class="say">${t('hist.failed')}</p>`;
  if (!body) return html`<${Loading} lines=${5} />`;
  if (rows.length === 0) return html`<p class="say">${t('calls.none')}</p>`;
  const target = rows[0].target_s;
  const upTo = reach(rows, target);
  const dated = daysIn(...days.value) > 1;
  return html`
    <table class="num list" aria-busy=${busy}>
      <${Heads} target=${target} line=${(target * (ROW_PX - LEAD_PX)) / upTo} />
      <tbody>
        ${rows.map((row) => html`<${Row} key=${`${row.call}/${row.n}/${row.at}`} row=${row} upTo=${upTo} dated=${dated} />`)}
      </tbody>
    </table>
    ${body.next ? html`<p class="say"><button type="button" class="btn" disabled=${busy} onClick=${more}>${t('calls.more')}</button></p>` : null}
  `;
};

export const CallsPanel = () => {
  const { body } = list.value;
  const { which, pick, cell } = state.value;
  const rows = body?.rows ?? [];
  const troubled = causes.value.body && Object.values(causes.value.body.total.calls).reduce((a, b) => a + b, 0);
  const n = which === 'troubled' ? (troubled ?? null) : body && body.next === null ? rows.length : null;
  const tools = html`
    <a class="btn s" download href=${`/api/v1/history/export${asQuery(listPairs().concat([['format', 'xlsx']]))}`}>
      <${Icon} n="dl" /> ${t('calls.file')}
    </a>
    ${pick || cell || which !== 'troubled' ? html`<button type="button" class="btn s ghost ico" aria-label=${t('close')} onClick=${back}>
      <${Icon} n="x" />
    </button>` : null}
  `;
  const title = which === 'troubled' ? t('calls.why') : t('calls.title');
  return html`<${Panel} id="calls" icon="clock" title=${title} meta=${html`<${Crumbs} n=${n} />`} tools=${tools}>
    <${Totals} />
    <div class="scroll"><${Body} rows=${rows} /></div>
    <p class="foot mut">${t('calls.foot', { t: rows[0]?.target_s ?? 13 })}</p>
  </${Panel}>`;
};
