// Is what the page shows true now? Pure: socket, PBX link and browser network in, one verdict out.

/**
 * After this many seconds without a live link the page says so all over; before it only the dot does. Pages look once a
 * second: so it stands within 3 s of the word that the link is lost, and within 6 s of the moment the cable was cut.
 */
export const STALE_AFTER_S = 2;

/**
 * `socket`: {open, lostAt, attempt, retryAt} (PBX clock), `link`: the `link` of the last frame or null, `online`: the
 * browser's own word, `ready`: a first snapshot came. Returns {level: live|late|stale|starting, cause, since}.
 */
export function verdict({ socket, link, online, ready, now }) {
  if (!ready) return { level: 'starting', cause: null, since: null };
  let cause = null;
  let since = null;
  if (!socket.open) {
    cause = online ? 'service' : 'offline';
    since = socket.lostAt;
  } else if (link && link.state !== 'live') {
    cause = link.state === 'refused' ? 'refused' : 'pbx';
    since = link.since;
  }
  if (cause === null) return { level: 'live', cause, since };
  const age = now - (since ?? now);
  return { level: age > STALE_AFTER_S ? 'stale' : age > 1 ? 'late' : 'live', cause, since: since ?? now };
}
