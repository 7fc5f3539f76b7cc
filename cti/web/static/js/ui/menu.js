// A small menu that hangs from its button: opens by click or Enter, arrows move, Esc and a click beside it close it and give
// the focus back.
import { html, useEffect, useRef, useState } from '../lib.js';

export function Menu({ label, button, class: extra, align = 'left', children }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  const opener = useRef(null);
  const close = (back = true) => {
    setOpen(false);
    if (back) opener.current?.focus();
  };

  useEffect(() => {
    if (!open) return undefined;
    box.current.querySelector('[role^="menuitem"]:not([disabled])')?.focus();
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
    if (event.key === 'Tab') {
      close(false);
      return;
    }
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
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
      onClick=${() => (open ? close() : setOpen(true))}
    >
      ${button}
    </button>
    ${open ? html`<div
      class=${`pop menu ${align}`}
      role="menu"
      aria-label=${label}
      ref=${box}
      onKeyDown=${onKey}
      onClick=${(event) => {
        if (event.target.closest('[role^="menuitem"]')) close();
      }}
    >
      ${children}
    </div>` : null}
  </span>`;
}

export const Item = ({ onClick, chosen, disabled, children }) => html`<button
  type="button"
  class=${`opt${chosen ? ' sel' : ''}`}
  disabled=${disabled}
  role=${chosen === undefined ? 'menuitem' : 'menuitemradio'}
  aria-checked=${chosen}
  onClick=${onClick}
>
  ${children}
</button>`;

/** A dialog over the page: traps the focus and gives it back. */
export function Dialog({ title, onClose, children }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog
    ref=${box}
    class="dialog"
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
