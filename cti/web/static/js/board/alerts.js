// What a supervisor should look at, told from how the board changed. Pure: (memory, board, now) -> memory.
// Each alert is raised once for its cause; {id, at, kind, queue?, who?, n?}.

const KEEP = 40;

export const noAlerts = () => ({ list: [], over: {}, starved: {}, missed: {}, abandoned: null, paused: {} });

/** The next memory. Nothing is raised from the first board: what happened before this page is not news. */
export function watch(memory, board, now) {
  const first = memory.abandoned === null;
  const raised = [];
  const raise = (kind, id, more) => raised.push({ id: `${kind}:${id}`, at: now, kind, ...more });

  const over = {};
  const starved = {};
  for (const c of Object.values(board.callers)) {
    const waited = now - c.waiting_since;
    if (waited > c.target_s) {
      over[c.visit] = true;
      if (!memory.over[c.visit]) raise('over', c.visit, { queue: c.queue, caller: c });
    }
    const q = board.queues[c.queue];
    if (q && (q.idle ?? 0) === 0 && (q.ringing ?? 0) === 0 && waited >= Math.ceil(0.6 * c.target_s)) {
      if (!memory.starved[c.queue] && !starved[c.queue])
        raise('starved', `${c.queue}:${Math.floor(now)}`, { queue: c.queue, n: Math.floor(waited) });
      starved[c.queue] = true;
    }
  }
  const missed = {};
  for (const a of Object.values(board.agents)) {
    missed[a.interface] = a.missed ?? 0;
    if (!first && (a.missed ?? 0) >= 2 && (a.missed ?? 0) > (memory.missed[a.interface] ?? 0))
      raise('missed', `${a.interface}:${a.missed}`, { agent: a, n: a.missed });
  }
  const abandoned = {};
  for (const q of Object.values(board.queues)) {
    abandoned[q.queue] = q.abandoned ?? 0;
    const before = memory.abandoned?.[q.queue];
    if (before !== undefined && abandoned[q.queue] > before)
      raise('abandoned', `${q.queue}:${abandoned[q.queue]}`, { queue: q.queue, n: abandoned[q.queue] - before });
  }
  return {
    list: raised.length ? [...raised.reverse(), ...memory.list].slice(0, KEEP) : memory.list,
    over,
    starved,
    missed,
    abandoned,
  };
}

export const silence = (memory, id) => ({ ...memory, list: memory.list.filter((a) => a.id !== id) });
