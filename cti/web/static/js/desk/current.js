// Which call is on the desk. A call that comes in never takes the place of one in whose fields somebody is typing.
import { signal, computed } from '../lib.js';
import { pops, closed } from '../session.js';
import { currentPop, inOrder } from '../store.js';
import { isField } from '../keys.js';

/** The pop somebody chose to look at, or is typing in. */
export const pinned = signal(null);

export const current = computed(() => currentPop(pops.value, pinned.value));
export const ordered = computed(() => inOrder(pops.value));

/** A live call that is not the one on the desk: it shows over the band and waits for F2. */
export const incoming = computed(() => {
  const shown = current.value;
  if (!shown) return null;
  return ordered.value.find((p) => p.id !== shown.id && p.state !== 'ended') ?? null;
});

/** What the strip shows for a moment after a ringing pop went: who took it, or that the caller hung up. */
export const justClosed = computed(() => (current.value ? null : closed.value));

export const show = (id) => {
  pinned.value = id;
};

// Typing pins the pop whose field it is in; leaving the field lets the order decide again, unless it was chosen.
let pinnedByTyping = false;
export function onFocusIn(event) {
  if (!isField(event.target) || !current.value) return;
  if (pinned.value !== current.value.id) {
    pinned.value = current.value.id;
    pinnedByTyping = true;
  }
}
export function onFocusOut(event) {
  if (!pinnedByTyping || isField(event.relatedTarget)) return;
  pinnedByTyping = false;
  pinned.value = null;
}
