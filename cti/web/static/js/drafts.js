// What was typed and not saved, per call. Kept in memory, sent to the service every two seconds and when the page goes away,
// never in the browser's own storage: these are a customer's words. A frame never writes over what was typed on this page;
// what a page says as it leaves fills its successor, which may have been there first.
import { signal } from './lib.js';
import { api } from './api.js';

export const DRAFT_EVERY_MS = 2000;
const LIMIT_BYTES = 60_000; // what a browser sends while a page closes; the service takes 16 KiB

const drafts = new Map(); // call id -> Draft

class Draft {
  constructor(call, given) {
    this.call = call;
    this.values = signal(given && typeof given === 'object' && !Array.isArray(given) ? { ...given } : {});
    this.savedAt = signal(null);
    this.failed = signal(false);
    this.touched = false;
    this.unsent = false;
    this.timer = 0;
    this.sending = null;
  }

  /** What another page of this user left, unless something was typed here. */
  takeOver(given) {
    if (!this.touched && given && typeof given === 'object' && !Array.isArray(given)) this.values.value = { ...given };
  }

  get(key) {
    return this.values.value[key];
  }

  /** Remember what was typed; undefined forgets the key (it was saved, or given up). */
  set(key, value) {
    const next = { ...this.values.value };
    if (value === undefined) delete next[key];
    else next[key] = value;
    this.values.value = next;
    this.touched = true;
    this.unsent = true;
    if (!this.timer) this.timer = setTimeout(() => this.send(), DRAFT_EVERY_MS);
  }

  get empty() {
    return Object.keys(this.values.value).length === 0;
  }

  async send({ keepalive = false } = {}) {
    clearTimeout(this.timer);
    this.timer = 0;
    // While the page closes, what is on its way may be cut off: it is sent again, by a request that outlives the page.
    if (!this.unsent && !(keepalive && this.sending)) return;
    if (this.sending && !keepalive) await this.sending;
    const body = this.values.value;
    this.unsent = false;
    const useKeepalive = keepalive && JSON.stringify(body).length < LIMIT_BYTES;
    this.sending = api.saveDraft(this.call, body, { keepalive: useKeepalive, leaving: keepalive });
    const answer = await this.sending;
    this.sending = null;
    this.failed.value = !answer.ok;
    if (answer.ok) this.savedAt.value = Date.now() / 1000;
    else {
      this.unsent = true;
      // Too large stays too large until something is taken out: the next letter tries again.
      if (!this.timer && answer.status !== 413) this.timer = setTimeout(() => this.send(), DRAFT_EVERY_MS);
    }
  }
}

/** The draft of a pop's call. Only the first pop frame of this page brings what was typed elsewhere. */
export function draftOf(pop) {
  let draft = drafts.get(pop.call);
  if (!draft) {
    draft = new Draft(pop.call, pop.draft);
    drafts.set(pop.call, draft);
  }
  return draft;
}

/** Another page of this user went away with these words. */
export const leftBehind = (frame) => drafts.get(frame.call)?.takeOver(frame.draft);

/** Does this call hold words that are not saved? */
export function hasUnsaved(pop) {
  const draft = drafts.get(pop.call);
  return draft !== undefined && !draft.empty;
}

const others = new Set();
/** Another part of the page that may hold unsaved words: `fn()` says whether it does. */
export const alsoUnsaved = (fn) => others.add(fn);

/** Does any call, or any other part of the page? */
export const anyUnsaved = () => [...drafts.values()].some((draft) => !draft.empty) || [...others].some((fn) => fn());

/** Throw away what was typed for a call (its pop was dismissed). */
export function forgetDraft(call) {
  const draft = drafts.get(call);
  if (!draft) return;
  clearTimeout(draft.timer);
  drafts.delete(call);
}

/** Drop drafts of calls that are over and saved, so that a day at the desk does not pile them up. */
export function pruneDrafts(openCalls) {
  for (const [call, draft] of drafts) if (!openCalls.has(call) && draft.empty && !draft.unsent) drafts.delete(call);
}

export const flushDrafts = (options) => Promise.all([...drafts.values()].map((d) => d.send(options)));

window.addEventListener('pagehide', () => flushDrafts({ keepalive: true }));
document.addEventListener('visibilitychange', () => {
  if (document.hidden) flushDrafts({ keepalive: true });
});
