// What was typed on a page beside the desk and not saved yet: kept in memory by key while one looks elsewhere on the page,
// never in the browser's own storage. Leaving with unsaved words asks first.
import { signal } from './lib.js';
import { alsoUnsaved } from './drafts.js';

const kept = signal({});

/** What was typed under this key, or undefined. */
export const typed = (key) => kept.value[key];

/** Remember what was typed; undefined forgets it (it was saved, or given up). */
export function keep(key, value) {
  const next = { ...kept.value };
  if (value === undefined) delete next[key];
  else next[key] = value;
  kept.value = next;
}

export const anyKept = () => Object.keys(kept.peek()).length > 0;
alsoUnsaved(anyKept);

window.addEventListener('beforeunload', (event) => {
  if (anyKept()) event.preventDefault();
});

/** The same with keys below one key, as a call's draft has them: for forms that both know. */
export const draftAt = (place) => ({
  get values() {
    return { value: kept.value[place] ?? {} };
  },
  get: (key) => kept.value[place]?.[key],
  set(key, value) {
    const next = { ...(kept.value[place] ?? {}), [key]: value };
    if (value === undefined) delete next[key];
    keep(place, Object.keys(next).length ? next : undefined);
  },
});

/** Whether anything is kept under this key or below it. */
export const keptUnder = (place) => Object.keys(kept.value).some((key) => key === place || key.startsWith(`${place}/`));
