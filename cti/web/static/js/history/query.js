// What the history page asks. Its address is the whole of its state, so that a report can be sent to a colleague. Pure.

export const PERIODS = ['today', 'yesterday', 'week', 'month', 'lastMonth'];
export const TABS = ['queue', 'team', 'agent', 'line', 'time'];
export const STEPS = ['15m', '30m', 'hour', 'day', 'week', 'month'];
export const VARIANTS = ['V1', 'V2', 'V2b', 'V3', 'V4', 'V5', 'V6', 'V7', 'V8'];
export const NAMED = ['queue', 'line', 'agent', 'team'];
/** What a list can show (`which` of the service). */
export const LISTS = [
  'offered', 'answered', 'in_time', 'late', 'abandoned', 'short', 'abandoned_long', 'outflow', 'waiting', 'aside', 'unqueued',
  'transfers', 'gaps', 'backfilled', 'troubled', 'missed',
];

export const FIRST = Object.freeze({
  period: 'month', from: '', to: '', queue: [], line: [], agent: [], team: [], hours: '', days: '', variant: 'V2', target: '',
  short: '', whole: false, clock: 'queue', tab: 'agent', step: '', cell: '', cols: [], which: 'troubled', pick: null,
});

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const CHECKS = {
  period: (v) => PERIODS.includes(v) || v === 'own',
  from: (v) => DAY.test(v),
  to: (v) => DAY.test(v),
  hours: (v) => /^\d{2}:\d{2}-\d{2}:\d{2}$/.test(v),
  days: (v) => /^[0-6](,[0-6])*$/.test(v),
  variant: (v) => VARIANTS.includes(v),
  target: (v) => Number(v) >= 0 && Number(v) <= 86400,
  short: (v) => Number(v) >= 0 && Number(v) <= 86400,
  clock: (v) => v === 'queue' || v === 'arrival',
  tab: (v) => TABS.includes(v),
  step: (v) => STEPS.includes(v),
  cell: (v) => /^[0-6]-(\d|1\d|2[0-3])$/.test(v),
  which: (v) => LISTS.includes(v),
};

/** The state that an address names; what makes no sense in it is left out. */
export function fromAddress(search) {
  const given = new URLSearchParams(search);
  const state = { ...FIRST };
  for (const [key, fits] of Object.entries(CHECKS)) {
    const value = given.get(key);
    if (value && fits(value)) state[key] = value;
  }
  for (const key of NAMED) state[key] = given.getAll(key).filter(Boolean).slice(0, 50);
  state.whole = given.get('whole') === '1';
  state.cols = (given.get('cols') ?? '').split(',').filter((c) => /^[\w:.-]{1,60}$/.test(c));
  const [dim, key] = [given.get('dim'), given.get('row')];
  if (key !== null && [...NAMED, 'time'].includes(dim)) state.pick = { dim, key: key.slice(0, 120) };
  if (state.from && state.to && !given.get('period')) state.period = 'own';
  if (state.period === 'own' && !(state.from && state.to && state.from <= state.to)) state.period = FIRST.period;
  return state;
}

/** The address of a state: only what differs from the first sight. */
export function toAddress(state) {
  const out = new URLSearchParams();
  for (const key of Object.keys(CHECKS)) {
    const own = key === 'from' || key === 'to';
    if (own ? state.period === 'own' : state[key] !== FIRST[key]) out.set(key, state[key]);
  }
  for (const key of NAMED) for (const value of state[key]) out.append(key, value);
  if (state.whole) out.set('whole', '1');
  if (state.cols.length) out.set('cols', state.cols.join(','));
  if (state.pick) {
    out.set('dim', state.pick.dim);
    out.set('row', state.pick.key);
  }
  const text = out.toString();
  return text ? `?${text}` : '';
}

const asUtc = (day) => Date.UTC(+day.slice(0, 4), +day.slice(5, 7) - 1, +day.slice(8, 10));
const asDay = (utc) => new Date(utc).toISOString().slice(0, 10);
/** A day so many days later. */
export const later = (day, n) => asDay(asUtc(day) + n * 864e5);
/** Monday is 0. */
export const weekday = (day) => (new Date(asUtc(day)).getUTCDay() + 6) % 7;
export const daysIn = (from, to) => Math.round((asUtc(to) - asUtc(from)) / 864e5) + 1;

/** First and last day of the period, both included. `today` is the site's. */
export function daysOf(state, today) {
  switch (state.period) {
    case 'own':
      return [state.from, state.to];
    case 'today':
      return [today, today];
    case 'yesterday':
      return [later(today, -1), later(today, -1)];
    case 'week':
      return [later(today, -weekday(today)), today];
    case 'lastMonth': {
      const last = later(`${today.slice(0, 7)}-01`, -1);
      return [`${last.slice(0, 7)}-01`, last];
    }
    default:
      return [`${today.slice(0, 7)}-01`, today];
  }
}

const MOST_BARS = 800;
const A_DAY = { '15m': 96, '30m': 48, hour: 24, day: 1, week: 1 / 7, month: 1 / 30 };
/** Intervals that make sense for so many days. */
export const stepsFor = (days) => STEPS.filter((s) => A_DAY[s] * days <= MOST_BARS && (days > 1 || A_DAY[s] > 1));

/** The interval that is shown: the chosen one where it fits, else one that gives a readable chart. */
export function stepOf(state, days) {
  const fit = stepsFor(days);
  if (fit.includes(state.step)) return state.step;
  if (days <= 1) return '15m';
  if (days <= 3) return 'hour';
  if (days <= 62) return 'day';
  return days <= 240 ? 'week' : 'month';
}

const minutes = (text) => +text.slice(0, 2) * 60 + +text.slice(3, 5);
const two = (n) => String(n).padStart(2, '0');
const hhmm = (m) => `${two(Math.floor(m / 60))}:${two(m % 60)}`;

/** Working hours cut to one cell of the week; as they are where no cell is chosen. */
export function hoursOf(state, cell = state.cell) {
  if (!cell) return { days: state.days, hours: state.hours };
  const [day, hour] = cell.split('-').map(Number);
  let [from, to] = [hour * 60, hour * 60 + 60];
  if (state.hours) {
    const [a, b] = state.hours.split('-').map(minutes);
    if (a < b) [from, to] = [Math.max(from, a), Math.min(to, b)];
  }
  return { days: String(day), hours: from < to ? `${hhmm(from)}-${hhmm(to)}` : `${hhmm(hour * 60)}-${hhmm(hour * 60 + 60)}` };
}

/** Parameters of the service's questions as [[name, value]]; `more` adds to them or, with null, takes away. */
export function asked(state, [from, to], more = {}, cell = '') {
  const one = {
    from, to, ...hoursOf(state, cell), target: state.target, short: state.short,
    variant: state.variant === 'V2' ? '' : state.variant, whole: state.whole ? '1' : '',
    clock: state.clock === 'queue' ? '' : state.clock, ...more,
  };
  const out = [];
  for (const key of NAMED) {
    const given = more[key] === undefined ? state[key] : more[key];
    for (const value of given ?? []) out.push([key, value]);
    delete one[key];
  }
  for (const [key, value] of Object.entries(one)) if (value !== '' && value !== null && value !== undefined) out.push([key, value]);
  return out;
}

export const asQuery = (pairs) => `?${pairs.map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(v)}`).join('&')}`;

/** What a picked row adds to the question behind a list. A row of time is its begin; its end follows from the step. */
export function pickMore(pick, ends) {
  if (!pick) return {};
  if (pick.dim === 'time') return ends ? { from: ends[0], to: ends[1] } : {};
  return { [pick.dim]: [pick.key] };
}

/** `2026-11-16T09:15:00+08:00` as [day, clock]; the service's own local text, so no zone is needed. */
export const localParts = (key) => [key.slice(0, 10), key.slice(11, 16)];
