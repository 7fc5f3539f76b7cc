// A field for a port: found by Chinese name, alias, first letters of pinyin, English name or code; what was typed may stay.
import { html, useSignal, useRef } from '../lib.js';
import { Key, Foreign } from '../ui/marks.js';
import { usePaused } from '../ui/field.js';
import { t } from '../i18n.js';
import { clean } from '../format.js';
import { freight } from '../api-customers.js';

const TYPING_MS = 100;

/**
 * `value` is the port's name as typed; `onInput(text)`. `often`: {name: times} of ports this customer ships by, which come
 * first.
 */
export function PortField({ name, label, value, onInput, often = {}, placeholder, wrong }) {
  const found = useSignal(null);
  const at = useSignal(0);
  const looking = useSignal(false); // only while somebody types here
  const asked = useRef(0);
  const box = useRef(null);
  usePaused(value ?? '', TYPING_MS, async (q) => {
    if (!looking.value) return;
    asked.current += 1;
    const mine = asked.current;
    if (!q.trim()) {
      found.value = Object.keys(often).length ? Object.keys(often).map((n) => ({ name: n, code: '', name_en: '' })) : null;
      return;
    }
    const answer = await freight.ports(q.trim(), 8);
    if (mine !== asked.current || !looking.value) return;
    const list = answer.ok ? answer.body.ports : [];
    found.value = [...list].sort((a, b) => (often[b.name] ?? 0) - (often[a.name] ?? 0));
    at.value = 0;
  });
  const close = () => {
    looking.value = false;
    found.value = null;
    asked.current += 1;
  };
  const take = (port) => {
    close();
    onInput(port.name);
  };
  const list = found.value ?? [];
  const same = list.length === 1 && list[0].name === value;
  const open = looking.value && list.length > 0 && !same;
  const onKeyDown = (e) => {
    if (e.isComposing || e.keyCode === 229) return;
    if (!open) return;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      at.value = Math.max(0, Math.min(list.length, at.value + (e.key === 'ArrowDown' ? 1 : -1)));
    } else if (e.key === 'Enter' && !e.ctrlKey && !e.metaKey) {
      e.preventDefault();
      e.stopPropagation();
      if (list[at.value]) take(list[at.value]);
      else close();
    } else if (e.key === 'Escape') {
      e.preventDefault();
      e.stopPropagation();
      close();
    }
  };
  return html`<span class="port-field">
    <input
      class=${`field${wrong ? ' wrong' : ''}`}
      ref=${box}
      name=${name}
      aria-label=${label}
      placeholder=${placeholder}
      maxlength="60"
      autocomplete="off"
      spellcheck=${false}
      role="combobox"
      aria-expanded=${open}
      aria-controls=${`ports-${name}`}
      value=${value ?? ''}
      onInput=${(e) => {
        looking.value = true;
        onInput(e.currentTarget.value);
      }}
      onKeyDown=${onKeyDown}
      onBlur=${close}
    />
    ${open ? html`<ul class="pop ports" id=${`ports-${name}`} role="listbox">
      ${list.map((port, i) => html`<li
        key=${port.code || port.name}
        role="option"
        aria-selected=${i === at.value}
        class=${`opt${i === at.value ? ' sel' : ''}`}
        onPointerDown=${(e) => {
          e.preventDefault();
          take(port);
        }}
      >
        <b>
          <${Foreign} text=${port.name} limit=${14} />
        </b>
        <span class="mut cut">
          <${Foreign} text=${port.name_en} limit=${20} />
        </span>
        ${port.code ? html`<kbd>${clean(port.code, 8)}</kbd>` : null}
        ${often[port.name] ? html`<span class="end mut num">${t('port.often', { n: often[port.name] })}</span>` : null}
      </li>`)}
      <li
        role="option"
        aria-selected=${at.value === list.length}
        class=${`opt mut${at.value === list.length ? ' sel' : ''}`}
        onPointerDown=${(e) => {
          e.preventDefault();
          close();
        }}
      >
        ${t('port.asIs', { text: clean(value, 16) })}
        <span class="end">
          <${Key}>↑↓</${Key}> <${Key}>↵</${Key}>
        </span>
      </li>
    </ul>` : null}
  </span>`;
}
