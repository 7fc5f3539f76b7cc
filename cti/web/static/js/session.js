// One page's session: who I am, the push channel, and the state everything is drawn from.
import { signal, computed } from './lib.js';
import { api, onLoggedOut } from './api.js';
import { openPush } from './push.js';
import { initial, reduce, without } from './store.js';
import { verdict } from './linkview.js';
import { syncClock, pbxNow, tick, repaint, startClock } from './clock.js';
import { anyUnsaved, hasUnsaved, pruneDrafts, forgetDraft, flushDrafts, leftBehind } from './drafts.js';
import { setLang } from './i18n.js';

export const state = signal(initial());
export const socket = signal({ open: false, lostAt: pbxNow(), attempt: 0, retryAt: null });
export const online = signal(navigator.onLine);
export const unreachable = signal(false); // the page's own service did not answer the first question
export const plainHttp = signal(false);
/** The session ended while words were unsaved: the page waits for another login. */
export const expired = signal(false);

export const me = computed(() => state.value.me);
export const agent = computed(() => state.value.agent);
export const today = computed(() => state.value.today);
export const pops = computed(() => state.value.pops);
export const board = computed(() => state.value.board);
export const phones = computed(() => state.value.phones);
export const link = computed(() => state.value.link);
export const closed = computed(() => state.value.closed);
export const ready = computed(() => state.value.ready);

const view = computed(() =>
  verdict({
    socket: socket.value,
    link: link.value,
    online: online.value,
    ready: ready.value,
    now: tick.value,
  }),
);
/** starting, live, late (1 to 2 s without a live link) or stale. */
export const level = computed(() => view.value.level);
export const lostCause = computed(() => view.value.cause);
export const lostSince = computed(() => view.value.since);
/** The service itself cannot be reached: nothing can be saved until it is back. */
export const cutOff = computed(() => level.value === 'stale' && ['service', 'offline'].includes(lostCause.value));
/** Now, for everything that counts; stands still while the link is lost. */
export const shownNow = computed(() => (level.value === 'stale' ? lostSince.value : tick.value));

/** The same by the minute, for what says 今天 or 昨天: it is drawn again once a minute, not every second. */
export const minute = computed(() => Math.floor(shownNow.value / 60) * 60);
/** Now as it really runs, also while the page stands still (for how long the link is away). */
export const wallTick = tick;

let push = null;
let closedTimer = 0;
const CLOSED_SHOWN_MS = { answered_elsewhere: 2000, caller_gone: 4000 };
const listeners = new Set();

/** Hear every frame after it was taken: fn(frame, before, after). */
export const onFrame = (fn) => {
  listeners.add(fn);
  return () => listeners.delete(fn);
};

function take(frame) {
  const before = state.value;
  const next = reduce(before, frame, hasUnsaved);
  if (next.gap) return false;
  if (typeof frame.now === 'number') syncClock(frame.now, frame.type === 'snapshot');
  state.value = next;
  if (next.closed && next.closed !== before.closed) {
    clearTimeout(closedTimer);
    closedTimer = setTimeout(() => {
      state.value = { ...state.value, closed: null };
    }, CLOSED_SHOWN_MS[next.closed.reason] ?? 2500);
  }
  if (frame.type === 'draft') leftBehind(frame);
  if (next.pops !== before.pops) pruneDrafts(new Set(Object.values(next.pops).map((p) => p.call)));
  if (frame.type !== 'beat') repaint();
  for (const fn of listeners) fn(frame, before, next);
  return true;
}

/** Take a pop away here and for good. What was typed into it is thrown away: ask before. */
export async function dismiss(pop) {
  forgetDraft(pop.call);
  state.value = without(state.value, pop.id);
  if (pop.kept) {
    await api.saveDraft(pop.call, {});
    return true;
  }
  const answer = await api.dismiss(pop.id);
  return answer.ok || answer.status === 404;
}

export const sayToPush = (frame) => push?.send(frame);
export const reconnectNow = () => push?.now();

export async function logOut() {
  await flushDrafts();
  push?.end();
  await api.logout();
  location.assign('/login');
}

/** The session has ended. A page that holds unsaved words stays, and says so; any other goes to the login. */
function loggedOut() {
  push?.end();
  if (anyUnsaved()) expired.value = true;
  else location.assign('/login');
}
onLoggedOut(loggedOut);

/** After logging in again in another tab: go on where one was. Somebody else's login takes the page over. */
export async function goOn() {
  const answer = await api.me();
  if (!answer.ok) return;
  if (answer.body.me.user !== me.value?.user) {
    location.assign('/');
    return;
  }
  expired.value = false;
  connect(answer.body.push_url);
  await flushDrafts();
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && expired.value) goOn();
});

let shownPage = 'desk';
function connect(url) {
  push = openPush({
    url,
    page: shownPage,
    onFrame: take,
    onState: (next) => {
      socket.value = next;
    },
    onDenied: (code) => (code === 4001 ? loggedOut() : location.assign('/')),
  });
}

/** Read who I am and open the push channel; comes back by itself while the service is away. */
export async function start(page) {
  shownPage = page;
  startClock();
  window.addEventListener('online', () => {
    online.value = true;
  });
  window.addEventListener('offline', () => {
    online.value = false;
  });
  for (let wait = 500; ; wait = Math.min(10_000, wait * 2)) {
    const answer = await api.me();
    if (answer.ok) {
      unreachable.value = false;
      const { me: who, push_url: url, warn_plain_http: plain } = answer.body;
      state.value = { ...state.value, me: who };
      plainHttp.value = Boolean(plain);
      if (!window.thirteenLooks.read('lang') && who.language) setLang(who.language);
      connect(url);
      return;
    }
    if (answer.status === 401) {
      location.assign('/login');
      return;
    }
    unreachable.value = true;
    await new Promise((resolve) => {
      setTimeout(resolve, wait);
    });
  }
}
