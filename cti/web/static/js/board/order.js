// Order of rows that people point at. Pure, but for the small memory in `held`.

/** Queues: below their goal first, worst first; then by waiting; a queue without calls last; names settle ties. */
export function queueOrder(queues) {
  const level = (q) => (q.service_level === null || q.service_level === undefined ? 2 : q.service_level);
  return Object.values(queues)
    .sort((a, b) => level(a) - level(b) || (b.waiting ?? 0) - (a.waiting ?? 0) || (a.queue < b.queue ? -1 : 1))
    .map((q) => q.queue);
}

/** Callers: the longest wait first, by how much of the target is used. */
export function callerOrder(callers, now) {
  const used = (c) => (now - c.waiting_since) / (c.target_s || 13);
  return Object.values(callers)
    .sort((a, b) => used(b) - used(a) || (a.visit < b.visit ? -1 : 1))
    .map((c) => c.visit);
}

/** While somebody points at the list nothing moves: known rows keep their place, new ones go to the end, gone ones leave. */
export function heldOrder(before, next, hold) {
  if (!hold) return next;
  const there = new Set(next);
  const known = new Set(before);
  return [...before.filter((id) => there.has(id)), ...next.filter((id) => !known.has(id))];
}

/** Agents by group in fixed places: groups and people by name, never by state. */
export function agentGroups(agents, noGroup) {
  const groups = new Map();
  for (const a of Object.values(agents)) {
    const name = a.group || noGroup;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(a);
  }
  const byName = (a, b) =>
    String(a.agent ?? a.interface).localeCompare(String(b.agent ?? b.interface), 'zh-CN') ||
    (a.interface < b.interface ? -1 : 1);
  return [...groups]
    .sort(([a], [b]) => (a === noGroup ? 1 : b === noGroup ? -1 : a.localeCompare(b, 'zh-CN')))
    .map(([name, members]) => ({ name, members: members.sort(byName) }));
}

/** The queues' intervals added up: what the whole floor got, oldest first, with V2 of the sum. */
export function sumRecent(queues) {
  const at = new Map();
  for (const q of Object.values(queues)) {
    for (const r of q.recent ?? []) {
      const sum = at.get(r.at) ?? { at: r.at, offered: 0, late: 0, good: 0, all: 0 };
      at.set(r.at, {
        at: r.at,
        offered: sum.offered + r.offered,
        late: sum.late + r.late,
        good: sum.good + (r.in_target ?? 0),
        all: sum.all + (r.answered ?? 0) + (r.abandoned ?? 0),
      });
    }
  }
  return [...at.values()].sort((a, b) => a.at - b.at).map((r) => ({ ...r, level: r.all ? r.good / r.all : null }));
}
