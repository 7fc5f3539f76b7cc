// A small menu that hangs from its button: opens by click or Enter, arrows move, Esc and a click beside it close it and give
// the focus back.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../lib.js';
import { t } from '../i18n.js';

const EDGE = 8; // pixels kept free at the edges of the window

/** Where a floating box goes: under its button, above it where there is no room. */
function place(box, opener, align) {
  const at = opener.getBoundingClientRect();
  const { offsetWidth: w, offsetHeight: h } = box;
  const left = align === 'right' ? at.right - w : at.left;
  const below = at.bottom + 6 + h <= window.innerHeight - EDGE;
  box.style.left = `${Math.max(EDGE, Math.min(left, window.innerWidth - w - EDGE))}px`;
  box.style.top = `${below ? at.bottom + 6 : Math.max(EDGE, at.top - 6 - h)}px`;
}

/**
 * `float`: over everything, for menus inside boxes that cut what hangs out of them. `form`: fields stand in it, it stays
 * while one works in them. Items with `data-stay` leave it open. `onOpen(open)` hears of both.
 */
export function Menu({ label, button, class: extra, align = 'left', float, form, disabled, title, onOpen, children }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  const opener = useRef(null);
  const turn = (next) => {
    setOpen(next);
    onOpen?.(next);
  };
  const close = (back = true) => {
    turn(false);
    if (back) opener.current?.focus();
  };

  useLayoutEffect(() => {
    if (open && float) place(box.current, opener.current, align);
  });
  useEffect(() => {
    if (!open) return undefined;
    box.current.querySelector('[role^="menuitem"]:not([disabled]), input:not([disabled])')?.focus({ preventScroll: true });
    const outside = (event) => {
      if (!box.current?.contains(event.target) && !opener.current?.contains(event.target)) close(false);
    };
    document.addEventListener('pointerdown', outside, true);
    return () => document.removeEventListener('pointerdown', outside, true);
  }, [open]);

  const onKey = (event) => {
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
      return;
    }
    if (event.key === 'Tab' && !form) {
      close(false);
      return;
    }
    if ((event.key !== 'ArrowDown' && event.key !== 'ArrowUp') || event.target.matches('input, select')) return;
    event.preventDefault();
    const items = [...box.current.querySelectorAll('[role^="menuitem"]:not([disabled])')];
    const at = items.indexOf(document.activeElement);
    items[(at + (event.key === 'ArrowDown' ? 1 : items.length - 1)) % items.length]?.focus();
  };

  return html`<span class="menu-at">
    <button
      type="button"
      ref=${opener}
      class=${extra}
      aria-haspopup="menu"
      aria-expanded=${open}
      aria-label=${label}
      title=${title}
      disabled=${disabled}
      onClick=${() => (open ? close() : turn(true))}
    >
      ${button}
    </button>
    ${open ? html`<div
      class=${`pop menu ${float ? 'float' : align}`}
      role=${form ? 'dialog' : 'menu'}
      aria-label=${label}
      ref=${box}
      onKeyDown=${onKey}
      onClick=${(event) => {
        if (event.target.closest('[role^="menuitem"]:not([data-stay])')) close();
      }}
    >
      ${children}
    </div>` : null}
  </span>`;
}

export const Item = ({ onClick, chosen, disabled, title, k, children }) => html`<button
  type="button"
  title=${title}
  data-key=${k}
  class=${`opt${chosen ? ' sel' : ''}`}
  disabled=${disabled}
  role=${chosen === undefined ? 'menuitem' : 'menuitemradio'}
  aria-checked=${chosen}
  onClick=${onClick}
>
  ${children}
</button>`;

/** One of several that may hold together; the menu stays open. */
export const Check = ({ onClick, on, children }) => html`<button
  type="button"
  class=${`opt${on ? ' sel' : ''}`}
  role="menuitemcheckbox"
  aria-checked=${on}
  data-stay
  onClick=${onClick}
>
  <span class="tick" aria-hidden="true">${on ? '✓' : ''}</span>
  ${children}
</button>`;

/** A dialog over the page: traps the focus and gives it back. */
export function Dialog({ title, onClose, wide, children }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog
    ref=${box}
    class=${`dialog${wide ? ' wide' : ''}`}
    aria-label=${title}
    onCancel=${(e) => {
      e.preventDefault();
      onClose();
    }}
    onClick=${(e) => {
      if (e.target === box.current) onClose();
    }}
  >
    <div class="dialog-in">${children}</div>
  </dialog>`;
}

/** What a dialog ends with: what it was opened for, and leaving it. */
export const Acts = ({ yes, onYes, off, onNo }) => html`<p class="dialog-acts">
  <button type="button" class="btn primary" disabled=${off} onClick=${onYes}>
    ${yes}
  </button>
  <button type="button" class="btn" onClick=${onNo}>
    ${t('cancel')}
  </button>
</p>`;
