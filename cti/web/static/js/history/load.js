// What the page shows and where it stands: asks the service anew whenever the question changes, and never by itself.
import { signal, computed, effect, batch, untracked } from '../lib.js';
import { call } from '../api.js';
import { pbxNow } from '../clock.js';
import { asQuery, asked, daysIn, daysOf, fromAddress, pickMore, stepOf, toAddress } from './query.js';
import { dayOf, zone } from './zone.js';

export const state = signal(fromAddress(location.search));
export const site = signal(null); // {zone, queues, lines, goals}
export const choices = signal({ queues: [], lines: [], agents: [], teams: [] });
export const figures = signal([]); // definitions of all numbers

const nothing = { busy: true, body: null, failed: null };
export const total = signal(nothing);
export const heat = signal(nothing);
export const course = signal(nothing);
export const table = signal(nothing);
export const causes = signal(nothing);
export const list = signal(nothing);
export const readAt = signal(null);
const round = signal(0); // rises when the same is asked again

/** Change the question; the address follows. A filter that changes lets go of what was picked in the old answer. */
export function ask(changes, { keep = false } = {}) {
  const next = { ...state.value, ...(keep ? {} : { pick: null }), ...changes };
  state.value = next;
  const address = location.pathname + toAddress(next);
  if (address !== location.pathname + location.search) history.pushState(null, '', address);
}
window.addEventListener('popstate', () => {
  state.value = fromAddress(location.search);
});
export const again = () => {
  round.value += 1;
};

export const today = computed(() => (site.value ? dayOf(pbxNow()) : null));
export const days = computed(() => (today.value ? daysOf(state.value, today.value) : null));
/** The chart's interval: of a chosen cell of the week its hour on each of its days, or its quarters of an hour. */
export const step = computed(() => {
  if (!days.value) return 'day';
  const n = daysIn(...days.value);
  if (state.value.cell) return n <= 7 ? '15m' : 'day';
  return stepOf(state.value, n);
});

/** Answers come as they come; an older one never stands in the place of a newer. */
function asking(target, path) {
  let turn = 0;
  return async (pairs) => {
    turn += 1;
    const mine = turn;
    target.value = { ...target.value, busy: true };
    const answer = await call('GET', path + asQuery(pairs));
    if (mine !== turn) return null;
    target.value = answer.ok ? { busy: false, body: answer.body, failed: null } : { busy: false, body: null, failed: answer };
    if (answer.ok) readAt.value = pbxNow();
    return answer.ok ? answer.body : null;
  };
}
const askTotal = asking(total, '/history/report');
const askHeat = asking(heat, '/history/report');
const askCourse = asking(course, '/history/report');
const askTable = asking(table, '/history/report');
const askCauses = asking(causes, '/history/causes');
const askList = asking(list, '/history/calls');

/** The parameters of the list that stands open. */
export function listPairs() {
  const { pick, which, cell } = state.value;
  const row = pick?.dim === 'time' ? rowOf(pick.key) : null;
  const ends = row ? [row.key, endOf(row)] : null;
  return asked(state.value, days.value, Object.assign(pickMore(pick, ends), { which }), cell);
}
const rowOf = (key) => [table.value.body, course.value.body].flatMap((r) => r?.rows ?? []).find((r) => r.key === key) ?? null;
const endOf = (row) => new Date(row.end * 1000).toISOString();

const tablePairs = () => {
  const { tab, cols } = state.value;
  const marks = cols.filter((c) => /^m\d+$/.test(c)).map((c) => c.slice(1));
  return asked(
    state.value,
    days.value,
    { by: tab === 'time' ? step.value : tab, compare: tab === 'time' ? '' : '1', marks: marks.join(',') },
    state.value.cell,
  );
};
export const exportPairs = (format) => tablePairs().concat([['format', format]]);

const has = (part) => JSON.stringify(part);
/** Re-runs only when what it depends on reads differently. */
function when(watch, run) {
  const key = computed(() => (days.value ? has(watch()) : null));
  effect(() => {
    if (key.value !== null) untracked(run);
  });
}
const filters = () => {
  const { tab, step: s, cell, cols, which, pick, period, ...rest } = state.value;
  return [rest, days.value, round.value];
};

export function open() {
  call('GET', '/history/definitions').then((answer) => {
    if (answer.ok) figures.value = answer.body.definitions;
  });
  call('GET', '/history/choices').then((answer) => {
    if (!answer.ok) {
      total.value = { busy: false, body: null, failed: answer };
      return;
    }
    batch(() => {
      zone.value = answer.body.site.zone;
      site.value = answer.body.site;
    });
  });
  when(
    () => days.value,
    () => {
      const [from, to] = days.value;
      call('GET', `/history/choices${asQuery([['from', from], ['to', to]])}`).then((answer) => {
        if (answer.ok) choices.value = answer.body;
      });
    },
  );
  when(filters, () => {
    askTotal(asked(state.value, days.value, { by: 'total', compare: '1' }));
    askHeat(asked(state.value, days.value, { by: 'heat' }));
  });
  const coursePairs = () => asked(state.value, days.value, { by: step.value }, state.value.cell);
  when(
    () => [coursePairs(), round.value],
    () => askCourse(coursePairs()),
  );
  when(
    () => [tablePairs(), round.value],
    () => askTable(tablePairs()),
  );
  // Behind a row of time the list waits until that row is known: its end stands there.
  const rowKnown = () => state.value.pick?.dim !== 'time' || rowOf(state.value.pick.key) !== null;
  when(
    () => (rowKnown() ? [listPairs().filter(([name]) => name !== 'which'), round.value] : 'later'),
    () => rowKnown() && askCauses(listPairs().filter(([name]) => name !== 'which')),
  );
  when(
    () => (rowKnown() ? [listPairs(), round.value] : 'later'),
    () => rowKnown() && askList(listPairs()),
  );
}

/** The next page of the list, behind what stands there. */
export async function more() {
  const before = list.value;
  if (!before.body?.next || before.busy) return;
  list.value = { ...before, busy: true };
  const answer = await call('GET', `/history/calls${asQuery(listPairs().concat([['skip', before.body.next]]))}`);
  if (list.value.body !== before.body) return; // another list stands there now
  list.value = answer.ok
    ? { busy: false, failed: null, body: { ...answer.body, rows: [...before.body.rows, ...answer.body.rows] } }
    : { ...before, busy: false };
}

export const labelOf = (dim, key) => {
  const names = dim === 'queue' ? site.value?.queues : dim === 'line' ? site.value?.lines : null;
  return names?.[key] ?? key;
};

/** The goal of the queues that are shown, where they agree. */
export const goal = computed(() => {
  const goals = site.value?.goals ?? {};
  const shown = state.value.queue.length ? state.value.queue : Object.keys(goals);
  const found = new Set(shown.map((q) => goals[q] ?? 0.9));
  return found.size === 1 ? [...found][0] : null;
});
