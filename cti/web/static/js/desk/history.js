// My own calls, newest first: read at the start, again when a call of mine ended, further back on demand.
import { signal } from '../lib.js';
import { api } from '../api.js';
import { onFrame } from '../session.js';

export const calls = signal([]);
export const more = signal(null); // the `before` of the next page, or null
export const loaded = signal('loading'); // loading, ready, error

const KEPT = 200; // rows; further back is what the history pages are for
let timer = 0;
let further = false; // somebody asked for more than the first page

async function read() {
  const answer = await api.calls();
  if (!answer.ok) {
    if (loaded.value === 'loading') loaded.value = 'error';
    return;
  }
  const fresh = answer.body.calls ?? [];
  if (further) {
    // Pages read before stay below the new first page.
    const known = new Set(fresh.map((c) => c.id));
    const oldest = fresh.at(-1)?.at ?? 0;
    calls.value = [...fresh, ...calls.value.filter((c) => !known.has(c.id) && c.at < oldest)].slice(0, KEPT);
  } else {
    // A page, whatever the day brings: a list that grows with every call makes the page slower by the evening.
    calls.value = fresh;
    more.value = answer.body.next ?? null;
  }
  loaded.value = 'ready';
}

const soon = (ms) => {
  clearTimeout(timer);
  timer = setTimeout(read, ms);
};

export async function readMore() {
  if (!more.value) return;
  const answer = await api.calls(more.value);
  if (!answer.ok) return;
  further = true;
  const known = new Set(calls.value.map((c) => c.id));
  calls.value = [...calls.value, ...(answer.body.calls ?? []).filter((c) => !known.has(c.id))].slice(0, KEPT);
  more.value = answer.body.next ?? null;
}

export function watchHistory() {
  onFrame((frame) => {
    if (['snapshot', 'pop_closed', 'today'].includes(frame.type) || (frame.type === 'pop' && frame.pop.state === 'ended'))
      soon(frame.type === 'snapshot' ? 0 : 400);
  });
}
