// The one door to the vendored libraries.
import { h, render, Fragment, createContext } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

export { render, Fragment, createContext };
export { useEffect, useLayoutEffect, useMemo, useRef, useState, useContext, useCallback } from '../vendor/preact-hooks.js';
export { signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect } from '../vendor/signals.js';
// htm would keep each piece of a template that never changes, and with it the whole tree that piece was first drawn in,
// long after that call was put away. 3 says: every piece may change.
export const html = htm.bind(function piece(...given) {
  this[0] = 3;
  return h(...given);
});
