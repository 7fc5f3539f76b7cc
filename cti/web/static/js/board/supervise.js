// What a board knows beside its numbers: alerts, silences, actions and overflow rules, from frames alone. Pure.

const KEPT = 60; // alerts that are over and still shown
const ACTIONS = 200;

export const initial = () => ({ told: false, at: 0, alerts: {}, silences: [], fresh: [], actions: [], rules: {} });

const byId = (list) => Object.fromEntries((list ?? []).map((x) => [x.id, x]));

/** Open ones all, of those that are over the newest. */
function kept(alerts) {
  const over = Object.values(alerts).filter((a) => a.cleared_at);
  if (over.length <= KEPT) return alerts;
  const gone = new Set(over.sort((a, b) => b.at - a.at).slice(KEPT).map((a) => a.id));
  return Object.fromEntries(Object.entries(alerts).filter(([id]) => !gone.has(id)));
}

/** An action by its id: in its place if it is known, else in front. What is settled is not asked again. */
export function withAction(actions, action) {
  const at = actions.findIndex((a) => a.id === action.id);
  if (at < 0) return [action, ...actions].slice(0, ACTIONS);
  if (actions[at].state === 'confirmed' && action.state === 'asked') return actions;
  return actions.map((a, i) => (i === at ? action : a));
}

/** The next state. `fresh` holds the alerts that this frame raised: they may sound; after a reconnect only unseen ones. */
export function reduce(s, frame) {
  const now = frame.now ?? s.at;
  switch (frame.type) {
    case 'snapshot': {
      const open = frame.alerts?.open ?? [];
      const over = Object.values(s.alerts).filter((a) => a.cleared_at);
      const fresh = s.told ? open.filter((a) => !s.alerts[a.id] && a.at > s.at) : [];
      return { ...initial(), told: true, at: now, alerts: { ...byId(over), ...byId(open) }, silences: frame.alerts?.silences ?? [], fresh };
    }
    case 'alerts': {
      const raised = frame.raised ?? [];
      const alerts = { ...s.alerts, ...byId(raised) };
      for (const { id, cleared_at: at } of frame.cleared ?? []) if (alerts[id]) alerts[id] = { ...alerts[id], cleared_at: at };
      return { ...s, at: now, alerts: kept(alerts), fresh: raised };
    }
    case 'silences':
      return { ...s, at: now, silences: frame.silences ?? [], fresh: [] };
    case 'control':
      return { ...s, at: now, actions: frame.actions ?? [], rules: byId(frame.rules), fresh: [] };
    case 'action':
      return { ...s, at: now, actions: withAction(s.actions, frame.action), fresh: [] };
    case 'rule':
      return { ...s, at: now, rules: { ...s.rules, [frame.rule.id]: frame.rule }, fresh: [] };
    case 'rule_gone': {
      const { [frame.rule]: gone, ...rules } = s.rules;
      return gone ? { ...s, at: now, rules, fresh: [] } : s;
    }
    default:
      return s;
  }
}

/** Whether a silence in force covers an alert. */
export const silenced = (alert, silences, now) =>
  silences.some(
    (x) =>
      now < x.until &&
      [['alert', 'id'], ['kind', 'kind'], ['queue', 'queue'], ['interface', 'interface']].every(
        ([mine, its]) => x[mine] === null || x[mine] === undefined || x[mine] === alert[its],
      ),
  );

const URGENT = { late: 0, no_agents: 1, level: 2, warn: 3, missed: 4, paused: 5 };

/** The list: open ones first, the newest on top; of one wait only its worst; then what is over. */
export function listed(alerts) {
  const worst = new Map();
  for (const a of Object.values(alerts)) {
    const key = a.visit ? `visit:${a.visit}` : a.id;
    const known = worst.get(key);
    if (!known || (known.cleared_at && !a.cleared_at) || (Boolean(known.cleared_at) === Boolean(a.cleared_at) && URGENT[a.kind] < URGENT[known.kind]))
      worst.set(key, a);
  }
  return [...worst.values()].sort((a, b) => Boolean(a.cleared_at) - Boolean(b.cleared_at) || b.at - a.at || (a.id < b.id ? -1 : 1));
}

/** What is being asked of the PBX about somebody now. */
export const pending = (actions, what) =>
  actions.find((a) => a.state === 'asked' && ((what.visit && a.visit === what.visit) || (what.interface && a.interface === what.interface)));

/** The last thing that was done to an agent, and stands. */
export const lastDone = (actions, name) => actions.find((a) => a.interface === name && a.state === 'confirmed' && !a.undone_by && !a.undoes);

/** Rules that do something now, or would. */
export const working = (rules) => Object.values(rules).filter((r) => r.mode !== 'off' && r.state !== 'idle');
