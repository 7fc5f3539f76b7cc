// What the page knows, from the frames it got. Pure: (state, frame) -> state. Untouched parts keep their identity, so that
// only what changed is drawn again. Shapes: docs/reference/push.md.

export const SECTIONS = ['profile', 'business', 'calls', 'sms', 'chat', 'quotes'];

export const initial = () => ({
  ready: false,
  seq: null,
  gap: false,
  me: null,
  link: null,
  agent: null,
  pops: {},
  today: null,
  board: null,
  phones: [],
  closed: null,
});

const LOADING = Object.freeze({ state: 'loading', as_of: null, total: 0, items: [], text: '' });

const sectionsOf = (head) => {
  const given = head.sections;
  const list = Array.isArray(given) ? given : Object.entries(given ?? {}).map(([name, s]) => ({ name, ...s }));
  const out = {};
  for (const name of SECTIONS) out[name] = LOADING;
  for (const s of list) if (SECTIONS.includes(s.name)) out[s.name] = s;
  return out;
};

const withHead = (known, head) => {
  const { sections, ...rest } = head;
  // A head for another customer makes the first one's sections wrong: they go, the new ones follow.
  const swapped = known?.party && head.party && known.party.id !== head.party.id;
  const fresh = sections !== undefined || !known || swapped ? sectionsOf(head) : known.sections;
  return { ...rest, sections: fresh };
};

/** A section while it is being fetched again keeps what it showed: nothing under a reader's eyes is emptied. */
const withSection = (pop, frame) => {
  const before = pop.sections[frame.name] ?? LOADING;
  const { v, type, seq, now, pop: id, section, ...rest } = frame;
  const next = { ...rest, items: rest.items ?? [] };
  const kept = next.items.length === 0 && before.items.length > 0 && ['loading', 'late', 'error'].includes(next.state);
  if (kept)
    Object.assign(next, { items: before.items, total: before.total, as_of: before.as_of, trend: next.trend ?? before.trend });
  return { ...pop, sections: { ...pop.sections, [frame.name]: next } };
};

const patched = (known, changes) => {
  if (!changes) return known;
  const out = { ...known };
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete out[key];
    else out[key] = value;
  }
  return out;
};

const withBoard = (board, changes) =>
  board && {
    ...board,
    totals: changes.totals ?? board.totals,
    queues: patched(board.queues, changes.queues),
    callers: patched(board.callers, changes.callers),
    agents: patched(board.agents, changes.agents),
  };

/** A pop that must go but holds unsaved words stays, ended, until they are saved or thrown away. */
const keptPop = (pop, reason, by, now) => ({
  ...pop,
  state: 'ended',
  ended_at: pop.ended_at ?? now,
  kept: { reason, by: by ?? null },
});

function snapshot(state, f, keeps) {
  const pops = {};
  for (const head of f.pops ?? []) pops[head.id] = withHead(null, head);
  for (const [id, pop] of Object.entries(state.pops)) {
    if (!pops[id] && keeps(pop)) pops[id] = pop.kept ? pop : keptPop(pop, 'gone', null, f.now);
  }
  return {
    ...state,
    ready: true,
    gap: false,
    seq: f.seq,
    pops,
    closed: null,
    me: f.me ?? state.me,
    link: f.link ?? state.link,
    agent: f.agent ?? null,
    today: f.today ?? null,
    board: f.board ?? null,
    phones: f.phones ?? [],
  };
}

function popClosed(state, f, keeps) {
  const pop = state.pops[f.pop];
  if (!pop) return state;
  const pops = { ...state.pops };
  const closed = { id: f.pop, pop, reason: f.reason, by: f.by ?? null, at: f.now };
  if (f.reason !== 'dismissed' && keeps(pop)) {
    pops[f.pop] = keptPop(pop, f.reason, f.by, f.now);
    return { ...state, pops, closed: null };
  }
  delete pops[f.pop];
  return { ...state, pops, closed: f.reason === 'dismissed' || f.reason === 'replaced' ? state.closed : closed };
}

/**
 * The next state. `keeps(pop)` says whether a pop holds words that are not saved. A jump in `seq` sets `gap`: the
 * connection is to be made again for a snapshot. Frames of unknown type change nothing but the number.
 */
export function reduce(state, frame, keeps = () => false) {
  if (frame.type === 'snapshot') return snapshot(state, frame, keeps);
  if (!state.ready) return state;
  if (frame.seq !== state.seq + 1) return { ...state, gap: true };
  const next = { ...state, seq: frame.seq };
  switch (frame.type) {
    case 'link':
      return { ...next, link: frame.link };
    case 'agent':
      return { ...next, agent: frame.agent };
    case 'today':
      return { ...next, today: frame.today };
    case 'pop': {
      const head = withHead(state.pops[frame.pop.id], frame.pop);
      return { ...next, pops: { ...state.pops, [head.id]: head }, closed: state.closed?.id === head.id ? null : state.closed };
    }
    case 'section': {
      const section = typeof frame.section === 'object' && frame.section !== null ? frame.section : frame;
      const pop = state.pops[frame.pop];
      if (!pop || !SECTIONS.includes(section.name)) return next;
      return { ...next, pops: { ...state.pops, [frame.pop]: withSection(pop, section) } };
    }
    case 'pop_closed':
      return popClosed(next, frame, keeps);
    case 'board':
      return { ...next, board: withBoard(state.board, frame.changes ?? {}) };
    default:
      return next;
  }
}

/** Take a pop away on this page at once (the service is told beside it). */
export function without(state, id) {
  if (!state.pops[id]) return state;
  const pops = { ...state.pops };
  delete pops[id];
  return { ...state, pops };
}

const RANK = { talking: 0, held: 0, waiting_choice: 0, ringing: 1, ended: 2 };

/** Order of the open pops: the call one is in, then the one that rings longest, then ended ones, newest first. */
export function inOrder(pops) {
  const when = (p) =>
    p.state === 'ended' ? -(p.ended_at ?? 0) : p.state === 'ringing' ? (p.ringing_since ?? 0) : -(p.answered_at ?? 0);
  return Object.values(pops).sort(
    (a, b) => (RANK[a.state] ?? 1) - (RANK[b.state] ?? 1) || when(a) - when(b) || (a.id < b.id ? -1 : 1),
  );
}

/** The pop on the desk: the pinned one (chosen, or being typed in) while it exists, else the first in order. */
export function currentPop(pops, pinned) {
  return (pinned && pops[pinned]) || inOrder(pops)[0] || null;
}
