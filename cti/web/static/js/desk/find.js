// Search among the customers: type, arrows and Enter choose. Used where a call has to be put to a name.
import { html, useSignal, useRef, useEffect } from '../lib.js';
import { Foreign, Tag, Icon } from '../ui/marks.js';
import { usePaused } from '../ui/field.js';
import { t } from '../i18n.js';
import { api } from '../api.js';
import { partyName } from '../format.js';
import { tierWord } from '../ui/words.js';

export const PartyLine = ({ party }) => {
  const { main, firm } = partyName(party);
  return html`
    <b>
      <${Foreign} text=${main} limit=${24} />
    </b>
    ${firm ? html`<span class="mut cut">
      <${Foreign} text=${firm} limit=${24} />
    </span>` : null}
    ${party.tier ? html`<${Tag} kind="vip">${tierWord(party.tier)}</${Tag}>` : null}
    ${party.category_label ? html`<${Tag}>
      <${Foreign} text=${party.category_label} limit=${8} />
    </${Tag}>` : null}
    ${party.owner_name ? html`<span class="mut end">
      ${t('party.owner')} <${Foreign} text=${party.owner_name} limit=${8} />
    </span>` : null}
  `;
};

export function Finder({ onChoose, onClose, focus = true }) {
  const text = useSignal('');
  const found = useSignal(null);
  const at = useSignal(0);
  const box = useRef(null);
  const asked = useRef(0);
  useEffect(() => {
    if (focus) box.current.focus();
  }, []);
  usePaused(text.value, 250, async (q) => {
    if (q.trim().length < 2) {
      found.value = null;
      return;
    }
    asked.current += 1;
    const mine = asked.current;
    const answer = await api.search(q.trim());
    if (mine === asked.current) {
      found.value = answer.ok ? answer.body.parties : [];
      at.value = 0;
    }
  });
  const onKeyDown = (e) => {
    if (e.isComposing || e.keyCode === 229) return;
    const rows = found.value ?? [];
    if (e.key === 'Escape') {
      e.stopPropagation();
      onClose?.();
    }
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      at.value = Math.max(0, Math.min(rows.length - 1, at.value + (e.key === 'ArrowDown' ? 1 : -1)));
    }
    if (e.key === 'Enter' && rows[at.value]) {
      e.preventDefault();
      e.stopPropagation();
      onChoose(rows[at.value]);
    }
  };
  return html`<div class="finder">
    <span class="find-box">
      <${Icon} n="search" />
      <input
        class="field"
        ref=${box}
        type="text"
        autocomplete="off"
        maxlength="60"
        aria-label=${t('find.label')}
        placeholder=${t('find.label')}
        role="combobox"
        aria-expanded=${Boolean(found.value?.length)}
        aria-controls="found"
        value=${text.value}
        onInput=${(e) => {
          text.value = e.currentTarget.value;
        }}
        onKeyDown=${onKeyDown}
      />
    </span>
    ${found.value ? html`<ul class="pop found" id="found" role="listbox">
      ${found.value.length === 0 ? html`<li class="opt mut">${t('find.none')}</li>` : (
        found.value.map((p, i) => html`<li
          key=${p.id}
          role="option"
          aria-selected=${i === at.value}
          class=${`opt${i === at.value ? ' sel' : ''}`}
          onPointerDown=${(e) => {
            e.preventDefault();
            onChoose(p);
          }}
        >
          <${PartyLine} party=${p} />
        </li>`)
      )}
    </ul>` : null}
  </div>`;
}
