// Keys of the page. Function keys and Ctrl work anywhere, single letters and digits only outside fields, nothing while an
// input method composes (it uses Enter, digits and Esc itself), nothing on a held-down key.
import { useLayoutEffect, useRef } from './lib.js';

const stack = []; // the last one mounted is asked first

export const isField = (el) =>
  el instanceof HTMLElement &&
  (el.isContentEditable ||
    el.tagName === 'TEXTAREA' ||
    el.tagName === 'SELECT' ||
    (el.tagName === 'INPUT' && !['button', 'checkbox', 'radio', 'submit'].includes(el.type)));

const nameOf = (event) =>
  `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.keyCode === 229 || event.repeat) return;
  const name = nameOf(event);
  if (isField(event.target) && event.key.length === 1 && !name.startsWith('Ctrl+')) return;
  for (let i = stack.length - 1; i >= 0; i -= 1) {
    const handler = stack[i].current[name];
    if (handler && handler(event) !== false) {
      event.preventDefault();
      return;
    }
  }
});

/**
 * Keys while this component stands: {'F2': fn, '1': fn, 'Ctrl+Enter': fn}. A handler that returns false passes it on. They
 * work from the moment it is drawn: an effect would come a tenth of a second later, and a quick hand lose its first key.
 */
export function useKeys(map) {
  const ref = useRef(map);
  ref.current = map;
  useLayoutEffect(() => {
    stack.push(ref);
    return () => {
      stack.splice(stack.indexOf(ref), 1);
    };
  }, []);
}
