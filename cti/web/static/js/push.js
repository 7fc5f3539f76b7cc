// The push channel: one socket, a first snapshot, then numbered frames. Reconnects by itself; tells its owner what happened.
// It has no timers of its own: a worker's pulse carries it on while the page is hidden.
import { pbxNow } from './clock.js';

const BEAT_MS = 10_000; // ours to the service; its to us come every two seconds
const QUIET_MS = 4500; // two beats and a half missed: what stands on the page may be old
const DEAD_MS = 9000; // four missed: the line is made anew
const PROOF_MS = 3000; // who comes back to the page hears something within this, or the line is dead
const SPREAD_MS = 2000; // after a loss a whole room comes back: each at any moment of this
const LONGEST_WAIT_MS = 15_000;

/** Milliseconds to wait before try number `attempt` after a loss with this close code. */
export function waitBefore(attempt, code, chance = Math.random()) {
  if (code === 4008 && attempt === 1) return 50 + chance * 250; // this page alone
  return chance * Math.min(LONGEST_WAIT_MS, SPREAD_MS * 2 ** Math.max(0, attempt - 2));
}

/** Calls `fn` twice a second, hidden or not; returns what ends it. */
function pulses(fn) {
  let worker = null;
  let timer = 0;
  const alone = () => {
    timer = setInterval(fn, 500);
  };
  try {
    worker = new Worker(new URL('./pulse.js', import.meta.url));
    worker.onmessage = fn;
    worker.onerror = alone;
  } catch {
    alone();
  }
  return () => {
    worker?.terminate();
    clearInterval(timer);
  };
}

/**
 * openPush({url, page, onFrame, onState, onDenied}). `onFrame(frame)` returns false when the numbering jumped: the socket
 * is made anew for a snapshot. `onState({open, lostAt, attempt, retryAt})` on every change; `lostAt` is when something was
 * last heard (PBX clock). `onDenied(code)` for 4001, 4003.
 */
export function openPush({ url, page, onFrame, onState, onDenied }) {
  let socket = null;
  let greeted = false; // this socket's snapshot came
  let lastSeq = 0;
  let heard = 0;
  let beaten = 0;
  let proofBy = Infinity;
  let attempt = 0;
  let due = Infinity; // when the next try is, where there is no socket
  let awake = Date.now();
  let ended = false;
  let state = { open: false, lostAt: pbxNow(), attempt: 0, retryAt: null };

  const tell = (next) => {
    state = { ...state, ...next };
    onState(state);
  };
  const send = (frame) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };
  const lostNow = () => (state.open ? pbxNow() - (performance.now() - heard) / 1000 : (state.lostAt ?? pbxNow()));

  function connect() {
    const mine = new WebSocket(url);
    socket = mine;
    greeted = false;
    heard = performance.now();
    beaten = heard;
    proofBy = Infinity;
    tell({ attempt: attempt + 1, retryAt: null });
    mine.onopen = () => {
      if (mine === socket) send({ type: 'hello', v: 1, page, last_seq: lastSeq });
    };
    mine.onmessage = (event) => {
      if (mine === socket) take(event.data);
    };
    mine.onclose = (event) => {
      if (mine === socket) lost(event.code);
    };
  }

  function take(text) {
    heard = performance.now();
    proofBy = Infinity;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame === null || typeof frame !== 'object' || typeof frame.seq !== 'number') return;
    if (onFrame(frame) === false) {
      drop(4008);
      return;
    }
    lastSeq = frame.seq;
    greeted ||= frame.type === 'snapshot';
    if (!state.open && greeted) {
      attempt = 0;
      tell({ open: true, lostAt: null, attempt: 0 });
    }
  }

  function lost(code) {
    const lostAt = lostNow();
    socket = null;
    if (ended) return;
    if (code === 4001 || code === 4003) {
      end();
      onDenied(code);
      return;
    }
    attempt += 1;
    again(waitBefore(attempt, code), lostAt);
  }

  function again(wait, lostAt) {
    due = performance.now() + wait;
    tell({ open: false, lostAt, attempt, retryAt: pbxNow() + wait / 1000 });
  }

  function drop(code) {
    const old = socket;
    if (old) {
      old.onclose = null;
      old.onmessage = null;
      old.close();
    }
    lost(code);
  }

  function pulse() {
    if (ended) return;
    const now = performance.now();
    const slept = Date.now() - awake > DEAD_MS;
    awake = Date.now();
    if (socket === null) {
      if (now >= due) connect();
      return;
    }
    if (slept && greeted) proofBy = Math.min(proofBy, now + PROOF_MS);
    const silent = now - heard;
    if (silent > DEAD_MS || now > proofBy) drop(1006);
    else if (silent > QUIET_MS && state.open) tell({ open: false, lostAt: lostNow() });
    if (now - beaten >= BEAT_MS) {
      beaten = now;
      send({ type: 'beat' });
    }
  }

  /** Somebody looks at the page again: a line that is lost comes back at once, one that seems well must prove it. */
  function check() {
    if (ended) return;
    const now = performance.now();
    if (socket !== null && now - heard <= DEAD_MS) {
      if (greeted) proofBy = Math.min(proofBy, now + PROOF_MS);
      return;
    }
    if (socket !== null) drop(1006);
    connect();
  }

  const stop = pulses(pulse);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) check();
  });
  document.addEventListener('resume', check);
  window.addEventListener('online', () => {
    if (ended || socket !== null) return;
    again(Math.random() * SPREAD_MS, state.lostAt); // the others' network is back, too
  });
  window.addEventListener('offline', () => {
    if (socket) drop(1006);
  });
  window.addEventListener('pagehide', () => {
    ended = true;
    socket?.close();
  });
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });

  function end() {
    ended = true;
    stop();
    socket?.close();
  }

  connect();
  return { send, now: check, end };
}
