// The same figures by queue, team, agent, 400 number or time. Every number leads to its calls; any column can be added.
import { html, signal } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Foreign } from '../ui/marks.js';
import { Check, Menu } from '../ui/menu.js';
import { t, has, pick as inLanguage } from '../i18n.js';
import { clean, percent } from '../format.js';
import { ask, figures, goal, labelOf, state, step, table } from './load.js';
import { MARKS, USUAL, behind, sorted, unitOf, valueOf, variantOf, written } from './columns.js';
import { NAMED, TABS, VARIANTS } from './query.js';
import { nameOf } from './course.js';
import { Change } from './figures.js';

const order = signal({ column: null, down: false });
export const large = signal(false);

const pauseWord = (reason) => (reason === '' ? t('col.pauseNone') : has(`pause.${reason}`) ? t(`pause.${reason}`) : clean(reason, 12));

/** A column's heading. */
export function headOf(column, variant) {
  if (column === 'level') return t('col.level', { v: variant });
  if (VARIANTS.includes(column)) return column;
  if (/^m\d+$/.test(column)) return t('col.within', { n: column.slice(1) });
  if (column.startsWith('p:')) return t('col.paused', { why: pauseWord(column.slice(2)) });
  const known = figures.value.find((f) => f.name === column);
  return known ? inLanguage(known.label, known.label_en) : column;
}

const Cell = ({ row, column, variant, tab, before }) => {
  const value = valueOf(row.figures, column, variant);
  const unit = unitOf(column);
  const shown = written(value, unit);
  const which = behind(column);
  const open = () => ask({ pick: row.key === null ? null : { dim: tab, key: row.key }, which });
  const low = column === 'level' && value !== null && value < (goal.value ?? 0.9);
  const number = which && value ? html`<button type="button" class="link plain" onClick=${open}>${shown}</button>` : shown;
  if (column !== 'level') return html`<td class=${`r${value ? '' : ' mut'}`}>${number}</td>`;
  return html`<td>
    ${value === null || value === undefined ? html`<span class="mut">–</span>` : html`<span class=${`pb${low ? ' low' : ''}`} title=${`${variant} ${percent(value)}`}>
      <b>${number}</b><i style=${{ '--v': `${value * 100}%` }}></i>
      ${before ? html`<${Change} now=${row.figures} before=${before} column="level" variant=${variant} />` : null}
    </span>`}
  </td>`;
};

const Columns = ({ tab, reasons }) => {
  const chosen = state.value.cols.length ? state.value.cols : USUAL[tab];
  const all = ['level', ...VARIANTS, ...figures.value.map((f) => f.name).filter((n) => !VARIANTS.includes(n) && !n.startsWith('live_'))];
  const more = [...MARKS.map((m) => `m${m}`), ...reasons.map((r) => `p:${r}`)];
  const flip = (c) => {
    const next = [...all, ...more].filter((x) => (x === c ? !chosen.includes(c) : chosen.includes(x)));
    ask({ cols: next.length === USUAL[tab].length && next.every((x) => USUAL[tab].includes(x)) ? [] : next }, { keep: true });
  };
  const line = (c) => html`<${Check} key=${c} on=${chosen.includes(c)} onClick=${() => flip(c)}>
    ${headOf(c, variantOf(state.value, tab))}${VARIANTS.includes(c) ? html` <span class="mut">${t(`level.of.${c}`)}</span>` : null}
  </${Check}>`;
  return html`<${Menu} float align="right" label=${t('hist.columns')} class="btn s" button=${html`${t('hist.columns')}<${Icon} n="down" />`}>
    <${Check} on=${state.value.cols.length === 0} onClick=${() => ask({ cols: [] }, { keep: true })}>${t('hist.usual')}</${Check}>
    <h4>${t('hist.numbers')}</h4>
    ${all.map(line)}
    <h4>${t('hist.marks')}</h4>
    ${MARKS.map((m) => line(`m${m}`))}
    ${reasons.length ? html`<h4>${t('hist.pauses')}</h4>${reasons.map((r) => line(`p:${r}`))}` : null}
  </${Menu}>`;
};

/** What is uncertain in a row, and the way to those calls. */
const RowMark = ({ row, tab }) => {
  const { gaps, backfilled } = row.figures.values;
  if (!gaps && !backfilled) return null;
  const open = () => ask({ pick: { dim: tab, key: row.key }, which: gaps ? 'gaps' : 'backfilled' });
  return html` <button type="button" class="link dq" aria-label=${t('quality.row')} title=${t('quality.row')} onClick=${open}>
    <${Icon} n="alert" />
  </button>`;
};

const Figs = ({ body, rows, tab, busy, rowName }) => {
  const variant = variantOf(state.value, tab);
  const columns = state.value.cols.length ? state.value.cols : USUAL[tab];
  const column = order.value.column ?? (tab === 'time' ? 'key' : 'level');
  const inTime = column === 'key' && tab === 'time';
  const ordered = inTime ? (order.value.down ? [...rows].reverse() : rows) : sorted(rows, column, order.value.down, variant, rowName);
  const picked = state.value.pick?.dim === tab ? state.value.pick.key : null;
  const turn = (c) => {
    order.value = { column: c, down: column === c ? !order.value.down : false };
  };
  const head = (c) => html`<th
    key=${c}
    class=${c === 'key' || c === 'level' ? '' : 'r'}
    aria-sort=${column === c ? (order.value.down ? 'descending' : 'ascending') : undefined}
  >
    <button type="button" class="sort" onClick=${() => turn(c)}>
      ${c === 'key' ? t(`tab.${tab}`) : headOf(c, variant)}${column === c ? (order.value.down ? ' ▼' : ' ▲') : ''}
    </button>
  </th>`;
  const cells = (row, before) =>
    columns.map((c) => html`<${Cell} key=${c} row=${row} column=${c} variant=${variant} tab=${tab} before=${before} />`);
  return html`<table class="num figs" aria-busy=${busy}>
    <colgroup><col class="c-key" />${columns.map((c) => html`<col key=${c} class=${c === 'level' ? 'c-level' : 'c-num'} />`)}</colgroup>
    <thead><tr>${head('key')}${columns.map(head)}</tr></thead>
    <tbody>
      ${ordered.map((row) => html`<tr key=${row.key} data-row=${row.key} class=${picked === row.key ? 'hov' : ''}>
        <td class="cut"><b><${Foreign} text=${rowName(row)} limit=${24} /></b><${RowMark} row=${row} tab=${tab} /></td>
        ${cells(row, body.before?.rows[row.key])}
      </tr>`)}
    </tbody>
    <tfoot><tr>
      <td>${t('hist.total')}</td>
      ${cells({ key: null, figures: body.total }, body.before?.total)}
    </tr></tfoot>
  </table>`;
};

const Tabs = ({ tab, everybody }) => {
  const turn = (x) => {
    order.value = { column: null, down: false };
    ask({ tab: x, cols: [] }, { keep: state.value.pick?.dim === x });
  };
  return html`<span class="seg small">
    ${TABS.filter((x) => everybody || x !== 'team').map((x) => html`<button
      key=${x}
      type="button"
      data-tab=${x}
      class=${x === tab ? 'on' : ''}
      aria-pressed=${x === tab}
      onClick=${() => turn(x)}
    >
      ${t(`tab.${x}`)}
    </button>`)}
  </span>`;
};

const ICONS = { agent: 'user', team: 'users', time: 'clock', queue: 'list', line: 'phone' };

export const TablePanel = ({ everybody }) => {
  const { body, busy, failed } = table.value;
  const { tab } = state.value;
  const by = body?.by ?? step.value;
  const other = body && (tab === 'time' ? NAMED.includes(by) : by !== tab); // the answer to what was asked before
  const had = (r) => tab !== 'time' || r.figures.values.offered || r.figures.values.aside;
  const rows = body && !other ? body.rows.filter(had) : [];
  const rowName = (row) => (tab === 'time' ? nameOf(row.key, by, '').long : row.key === '' ? t('hist.noTeam') : labelOf(tab, row.key));
  const size = t(large.value ? 'hist.small' : 'hist.large');
  const tools = html`
    <${Columns} tab=${tab} reasons=${Object.keys(body?.total.pauses ?? {})} />
    <${Tabs} tab=${tab} everybody=${everybody} />
    <button
      type="button"
      class="btn s ico noprint"
      aria-pressed=${large.value}
      aria-label=${size}
      title=${size}
      onClick=${() => {
        large.value = !large.value;
      }}
    >
      <${Icon} n=${large.value ? 'shrink' : 'expand'} />
    </button>
  `;
  const inside = () => {
    if (failed) return html`<p class="say">${t('hist.failed')}</p>`;
    if (!body || other) return html`<${Loading} lines=${6} />`;
    if (rows.length === 0) return html`<p class="say">${t('hist.noCalls')}</p>`;
    return html`<${Figs} body=${body} rows=${rows} tab=${tab} busy=${busy} rowName=${rowName} />`;
  };
  return html`<${Panel}
    id="table"
    icon=${ICONS[tab]}
    title=${t('hist.by', { what: t(`tab.${tab}`) })}
    meta=${rows.length ? t('hist.rows', { n: rows.length }) : ''}
    tools=${tools}
  >
    <div class="scroll both">${inside()}</div>
  </${Panel}>`;
};
