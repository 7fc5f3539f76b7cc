// The PBX's clock as this page knows it, and the one tick a second for everything that counts.
import { signal } from './lib.js';

const mono = () => performance.now() / 1000;
const DRIFT_S = 60; // a better reading is believed this long: crystals drift, laptops sleep
let offset = null; // PBX epoch minus this page's monotonic clock
let measured = 0;

/** Take a frame's `now`. Transit only ever makes it late, so the largest difference seen lately is the truest. */
export function syncClock(now, fresh = false) {
  const seen = now - mono();
  if (offset === null || fresh || seen > offset || mono() - measured > DRIFT_S) {
    offset = seen;
    measured = mono();
  }
}

/** Now on the PBX's clock, epoch seconds. Before the first frame: this computer's clock. */
export const pbxNow = () => (offset === null ? Date.now() / 1000 : mono() + offset);

/** Now as of the last tick: what countdowns draw from. */
export const tick = signal(pbxNow());

let timer = 0;
const beat = () => {
  clearTimeout(timer);
  requestAnimationFrame(() => {
    tick.value = pbxNow();
  });
  timer = setTimeout(beat, Math.max(20, 1005 - ((pbxNow() * 1000) % 1000)));
};

/** Repaint everything that counts now: a frame changed what is counted, or the tab came back. */
export const repaint = () => {
  tick.value = pbxNow();
};

/** Start the tick: on the PBX clock's whole seconds, on an animation frame, none while the tab is hidden. */
export function startClock() {
  beat();
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (!document.hidden) {
      repaint();
      beat();
    }
  });
}
