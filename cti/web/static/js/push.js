// The push channel: one socket, a first snapshot, then numbered frames. Reconnects by itself; tells its owner what happened.
import { pbxNow } from './clock.js';

const BEAT_MS = 10_000; // ours to the service, and its to us
const SILENT_MS = 13_000; // one beat and three seconds: after that the line is dead
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;

/**
 * openPush({url, page, onFrame, onState, onDenied}). `onFrame(frame)` returns false when the numbering jumped: the socket
 * is made anew for a snapshot. `onState({open, lostAt, attempt, retryAt})` on every change. `onDenied(code)` for 4001, 4003.
 */
export function openPush({ url, page, onFrame, onState, onDenied }) {
  let socket = null;
  let lastSeq = 0;
  let heard = 0;
  let attempt = 0;
  let retry = 0;
  let ended = false;
  let state = { open: false, lostAt: pbxNow(), attempt: 0, retryAt: null };

  const tell = (next) => {
    state = { ...state, ...next };
    onState(state);
  };
  const send = (frame) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };

  function connect() {
    clearTimeout(retry);
    const mine = new WebSocket(url);
    socket = mine;
    heard = performance.now();
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
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame === null || typeof frame !== 'object' || typeof frame.seq !== 'number') return;
    if (onFrame(frame) === false) {
      drop(1012);
      return;
    }
    lastSeq = frame.seq;
    if (!state.open && frame.type === 'snapshot') {
      attempt = 0;
      tell({ open: true, lostAt: null, attempt: 0 });
    }
  }

  function lost(code) {
    socket = null;
    if (ended) return;
    if (code === 4001 || code === 4003) {
      ended = true;
      onDenied(code);
      return;
    }
    attempt += 1;
    // Too slow or restarting: come back at once. Else wait longer each time, with jitter so that a room full of desks
    // does not come back in one instant.
    const quick = (code === 4008 || code === 1012) && attempt <= 3;
    const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempt - 1));
    const wait = quick ? 50 + Math.random() * 250 : ceiling / 2 + Math.random() * (ceiling / 2);
    tell({ open: false, lostAt: state.open ? pbxNow() : (state.lostAt ?? pbxNow()), attempt, retryAt: pbxNow() + wait / 1000 });
    retry = setTimeout(connect, wait);
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

  function check() {
    if (ended) return;
    if (socket === null) {
      clearTimeout(retry);
      connect();
      return;
    }
    if (performance.now() - heard > SILENT_MS) drop(1006);
  }

  const beats = setInterval(() => send({ type: 'beat' }), BEAT_MS);
  const watch = setInterval(() => {
    if (socket && performance.now() - heard > SILENT_MS) drop(1006);
  }, 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) check();
  });
  window.addEventListener('online', check);
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

  connect();
  return {
    send,
    now: check,
    end() {
      ended = true;
      clearInterval(beats);
      clearInterval(watch);
      clearTimeout(retry);
      socket?.close();
    },
  };
}
