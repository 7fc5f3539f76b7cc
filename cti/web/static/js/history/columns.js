// The columns of the table: which numbers there are, how each is written, and which list stands behind it. Pure.
import { mmss, percent } from '../format.js';
import { VARIANTS } from './query.js';

/** Columns at first sight, by what the rows are. */
export const USUAL = {
  queue: ['offered', 'answered', 'level', 'abandoned', 'outflow', 'asa_s', 'longest_s', 'aht_s'],
  line: ['offered', 'answered', 'level', 'abandoned', 'outflow', 'asa_s', 'longest_s', 'aht_s'],
  team: ['answered', 'level', 'asa_s', 'aht_s', 'missed', 'occupancy', 'paused_s'],
  agent: ['answered', 'level', 'asa_s', 'aht_s', 'missed', 'occupancy', 'paused_s'],
  time: ['offered', 'answered', 'level', 'abandoned', 'asa_s', 'longest_s', 'aht_s'],
};
export const MARKS = [3, 5, 10, 13, 15, 20];

const BEHIND = {
  level: 'troubled', connect_rate: 'answered', abandon_rate: 'abandoned', abandon_rate_long: 'abandoned_long', asa_s: 'answered',
  ata_s: 'abandoned', longest_s: 'offered', aht_s: 'answered', talk_s: 'answered', hold_s: 'answered', wrapup_s: 'answered',
  missed_ring_s: 'missed',
};
const LISTED = [
  'offered', 'answered', 'late', 'in_time', 'abandoned', 'short', 'abandoned_long', 'outflow', 'waiting', 'aside', 'unqueued',
  'transfers', 'missed', 'gaps', 'backfilled',
];

/** The list behind a number; null for what is no calls (agents' time). */
export const behind = (name) =>
  LISTED.includes(name) ? name : VARIANTS.includes(name) || /^m\d+$/.test(name) ? 'answered' : (BEHIND[name] ?? null);

/** Calls that an agent let ring or lost are nobody's: in rows of agents and teams the level is that of their answers. */
export const variantOf = (state, tab) => (tab === 'agent' || tab === 'team' ? 'V1' : state.variant);

/** The value of a column in a row: a number or null. */
export function valueOf(figures, column, variant) {
  if (column === 'level') return figures.levels[variant];
  if (VARIANTS.includes(column)) return figures.levels[column];
  if (/^m\d+$/.test(column)) return figures.marks[column.slice(1)] ?? null;
  if (column.startsWith('p:')) return figures.values.paused_s === null ? null : (figures.pauses[column.slice(2)] ?? 0);
  return figures.values[column] ?? null;
}

const SHARES = new Set(['connect_rate', 'abandon_rate', 'abandon_rate_long', 'occupancy', 'utilisation']);
export const unitOf = (column) =>
  column === 'level' || VARIANTS.includes(column) || /^m\d+$/.test(column) || SHARES.has(column)
    ? 'share'
    : column.startsWith('p:') || column.endsWith('_s')
      ? 'seconds'
      : 'count';

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
/** A number as people read it; nothing known is –. */
export function written(value, unit) {
  if (value === null || value === undefined) return '–';
  if (unit === 'share') return percent(value);
  return unit === 'seconds' ? mmss(Math.round(value)) : whole.format(value);
}

/** Up is good (1), down is good (-1), or neither: how a change is coloured. */
export const better = (column) =>
  ({ level: 1, answered: 0, offered: 0, abandoned: -1, abandon_rate: -1, asa_s: -1, missed: -1, late: -1 })[column] ?? 0;

/** What changed since the period before: {text parts, direction, good}. Shares in points, seconds as such, counts in per cent. */
export function changed(now, before, column) {
  if (now === null || before === null || now === undefined || before === undefined) return null;
  const unit = unitOf(column);
  if (unit === 'count' && !before) return null; // nothing to compare with
  const by = now - before;
  const size = unit === 'share' ? Math.round(Math.abs(by) * 1000) / 10 : unit === 'seconds' ? Math.round(Math.abs(by)) : Math.abs(by);
  const way = size === 0 ? 0 : Math.sign(by);
  return { unit, size, way, rate: unit === 'count' ? by / before : null, good: way * better(column) };
}

/** Rows in order of a column; unknown values stand last, names settle ties. */
export function sorted(rows, column, down, variant, nameOf) {
  const value = (row) => (column === 'key' ? nameOf(row) : valueOf(row.figures, column, variant));
  const by = (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === y) return nameOf(a).localeCompare(nameOf(b), 'zh-CN');
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    const order = typeof x === 'string' ? x.localeCompare(y, 'zh-CN') : x - y;
    return down ? -order : order;
  };
  return [...rows].sort(by);
}
