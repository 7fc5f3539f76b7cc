// Which call is on the desk. A call that comes in never takes the place of one that somebody is working in.
import { signal, computed } from '../lib.js';
import { pops, closed, onFrame } from '../session.js';
import { currentPop, inOrder } from '../store.js';
import { isField } from '../keys.js';

/** The pop that somebody chose to look at, or was working in when another one came. */
const pinned = signal(null);

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

// Somebody is at work while a field has the focus, and for a moment after each key or click: between leaving a field and
// reaching its button nothing may change under the hand.
const AT_WORK_MS = 2000;
let touched = -AT_WORK_MS;
for (const kind of ['pointerdown', 'keydown', 'compositionstart']) {
  document.addEventListener(kind, () => { touched = performance.now(); }, true);
}
const atWork = () => isField(document.activeElement) || performance.now() - touched < AT_WORK_MS;

// The place on the desk is given away only when a call comes, is answered or ends, and never from under somebody's hands.
onFrame((frame, before) => {
  if (frame.type !== 'pop' || before.pops[frame.pop.id]?.state === frame.pop.state) return;
  const shown = currentPop(before.pops, pinned.value);
  pinned.value = shown && atWork() ? shown.id : null;
});
