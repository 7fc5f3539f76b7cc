// The one door to the vendored libraries.
import { h, render, Fragment, createContext } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

export { render, Fragment, createContext };
export { useEffect, useLayoutEffect, useMemo, useRef, useState, useContext, useCallback } from '../vendor/preact-hooks.js';
export { signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect } from '../vendor/signals.js';
export const html = htm.bind(h);
