// A customer's numbers and accounts: added, changed, taken out; past calls of a new number become his.
import { html, useSignal } from '../lib.js';
import { Icon } from '../ui/marks.js';
import { t, has, pick } from '../i18n.js';
import { clean } from '../format.js';
import { may } from '../ui/page.js';
import { customers } from '../api-customers.js';
import { toast, whyNot } from '../toast.js';
import { typed, keep } from '../unsaved.js';

const KINDS = ['phone', 'qq', 'wechat', 'wecom', 'wangwang', 'email', 'msn', 'fax'];
const kindWord = (kind) => (has(`point.${kind}`) ? t(`point.${kind}`) : clean(kind, 10));
const MASKED = /\*\*|••/;

export function Contacts({ profile, onSaved }) {
  const place = `party/${profile.party.id}/contacts`;
  const points = typed(place) ?? profile.contact_points;
  const changed = typed(place) !== undefined;
  const busy = useSignal(false);
  const said = useSignal('');
  // A number that the role may read only in part cannot be sent back: then none of them can be changed here.
  const masked = profile.contact_points.some((p) => MASKED.test(p.value));
  const mayEdit = may('edit') && !masked;
  const set = (i, values) =>
    keep(
      place,
      points.map((p, at) => (at === i ? { ...p, ...values } : p)),
    );
  const save = async () => {
    if (busy.value) return;
    busy.value = true;
    const filled = points.filter((p) => p.value.trim()).map((p) => ({ ...p, value: p.value.trim() }));
    const answer = await customers.contacts(profile.party.id, filled, profile.party.version);
    busy.value = false;
    if (answer.ok) {
      keep(place, undefined);
      said.value = '';
      toast(t('cust.contactsSaved'));
      onSaved(answer.body.profile);
    } else if (answer.status === 409 && answer.body?.profile) {
      onSaved(answer.body.profile);
      said.value = t('cust.contactsClash');
    } else
      said.value =
        (answer.body?.problems ?? []).map((p) => clean(pick(p.text, p.text_en), 80)).join(t('comma')) || whyNot(answer);
  };
  return html`<section class="cust-part" aria-label=${t('cust.contacts')}>
    <h3>
      ${t('cust.contacts')}
      ${masked ? html`
        ${' '}
        <span class="mut">${t('cust.masked')}</span>
      ` : null}
    </h3>
    <ul class="contact-rows num">
      ${points.map((p, i) => html`<li key=${i}>
        ${mayEdit ? html`
          <select
            class="field"
            aria-label=${t('cust.contactKind')}
            value=${p.kind}
            onChange=${(e) => set(i, { kind: e.currentTarget.value })}
          >
            ${[...new Set([p.kind, ...KINDS])].map((k) => html`<option key=${k} value=${k} selected=${k === p.kind}>
              ${kindWord(k)}
            </option>`)}
          </select>
          <input
            class="field"
            aria-label=${kindWord(p.kind)}
            maxlength="120"
            autocomplete="off"
            value=${p.value}
            onInput=${(e) => set(i, { value: e.currentTarget.value })}
          />
          <input
            class="field"
            aria-label=${t('cust.contactLabel')}
            placeholder=${t('cust.contactLabel')}
            maxlength="30"
            autocomplete="off"
            value=${p.label}
            onInput=${(e) => set(i, { label: e.currentTarget.value })}
          />
          <button
            type="button"
            class="btn ghost ico"
            aria-label=${t('cust.dropContact', { value: clean(p.value, 20) })}
            onClick=${() =>
              keep(
                place,
                points.filter((_, at) => at !== i),
              )
            }
          >
            <${Icon} n="x" />
          </button>
        ` : html`
          <span class="mut">${kindWord(p.kind)}</span>
          <bdi>${clean(p.value, 60)}</bdi>
          <span class="mut">${clean(p.label, 20)}</span>
          <span></span>
        `}
      </li>`)}
      ${points.length === 0 ? html`<li class="mut">${t('cust.noContacts')}</li>` : null}
    </ul>
    ${mayEdit ? html`<p class="contact-acts">
      <button type="button" class="btn s" onClick=${() => keep(place, [...points, { kind: 'phone', value: '', label: '' }])}>
        <${Icon} n="plus" /> ${t('cust.addContact')}
      </button>
      ${changed ? html`
        <button type="button" class="btn s primary" disabled=${busy.value} onClick=${save}>
          ${t('cust.saveContacts')}
        </button>
        <button
          type="button"
          class="btn s ghost"
          onClick=${() => {
            keep(place, undefined);
            said.value = '';
          }}
        >
          ${t('kb.giveUp')}
        </button>
      ` : null}
      ${said.value ? html`<span class="bad" role="alert">
        ${said.value}
      </span>` : null}
    </p>` : null}
  </section>`;
}
