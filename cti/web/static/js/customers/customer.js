// One customer: profile and numbers, changed in a form; quotes, business and chats beside it.
import { html, useSignal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Key, Tag, Foreign } from '../ui/marks.js';
import { Described, shownValue } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, partyName } from '../format.js';
import { cutOff, minute } from '../session.js';
import { tierWord, when } from '../ui/words.js';
import { may } from '../ui/page.js';
import { api } from '../api.js';
import { customers } from '../api-customers.js';
import { toast, whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { typed, keep, keptUnder } from '../unsaved.js';
import { Contacts } from './contacts.js';
import { Records } from './records.js';

const problemsOf = (answer) =>
  Object.fromEntries((answer.body?.problems ?? []).map((p) => [p.key, clean(pick(p.text, p.text_en), 80)]));

/** The fields in a form. What is typed is kept until it is saved, also while one looks at another customer. */
function Fields({ profile, onSaved }) {
  const place = `party/${profile.party.id}/fields`;
  const changed = typed(place) ?? {};
  const busy = useSignal(false);
  const wrong = useSignal({});
  const clash = useSignal(null);
  const count = Object.keys(changed).length;
  const set = (field, text) => {
    const { [field.key]: _, ...rest } = changed;
    const next = text === (field.value ?? '') ? rest : { ...rest, [field.key]: text };
    wrong.value = {};
    keep(place, Object.keys(next).length ? next : undefined);
  };
  const save = async (version) => {
    if (busy.value || !count) return;
    busy.value = true;
    const sent = { ...changed };
    const answer = await api.saveFields(profile.party.id, sent, version ?? profile.party.version);
    busy.value = false;
    if (answer.ok) {
      clash.value = null;
      const left = Object.fromEntries(Object.entries(typed(place) ?? {}).filter(([k, v]) => sent[k] !== v));
      keep(place, Object.keys(left).length ? left : undefined);
      toast(t('cust.saved'));
      onSaved(answer.body.profile);
    } else if (answer.status === 409 && answer.body?.profile) {
      const now = answer.body.profile;
      const both = now.fields.filter(
        (f) => sent[f.key] !== undefined && f.value !== profile.fields.find((x) => x.key === f.key)?.value,
      );
      // Somebody changed other fields: ours do not clash, they only need the new version.
      if (!both.length) {
        onSaved(now);
        await save(now.party.version);
      } else clash.value = { now, both };
    } else if (answer.body?.problems) wrong.value = problemsOf(answer);
    else toast(whyNot(answer), { bad: true });
  };
  useKeys({
    'Ctrl+Enter': (e) => {
      if (!count || e.target.closest?.('.offer-form, .biz-form')) return false;
      save();
      return true;
    },
  });
  // Numbers have a part of their own below; a company is in no company.
  const elsewhere = ['phone', 'qq', 'wechat', 'email', 'contacts', ...(profile.party.kind === 'company' ? ['company', 'role'] : [])];
  const fields = profile.fields.filter((f) => !elsewhere.includes(f.key));
  return html`<div class="cust-fields">
    ${clash.value ? html`<div class="clash" role="alert">
      <p>
        <${Icon} n="alert" /> <b>${t('cust.clash')}</b>
      </p>
      ${clash.value.both.map((f) => html`<p key=${f.key} class="two">
        <span class="mut cut">${clean(pick(f.label, f.label_en), 12)}</span>
        <span class="theirs">
          ${shownValue(f)} ← ${clean(changed[f.key] ?? '', 120)}
        </span>
      </p>`)}
      <p class="clash-acts">
        <button
          type="button"
          class="btn s"
          onClick=${() => {
            onSaved(clash.value.now);
            save(clash.value.now.party.version);
          }}
        >
          ${t('clash.mine')}
        </button>
        <button
          type="button"
          class="btn s"
          onClick=${() => {
            for (const f of clash.value.both) set(f, f.value);
            const drop = new Set(clash.value.both.map((f) => f.key));
            const rest = Object.fromEntries(Object.entries(changed).filter(([k]) => !drop.has(k)));
            keep(place, Object.keys(rest).length ? rest : undefined);
            onSaved(clash.value.now);
            clash.value = null;
          }}
        >
          ${t('clash.theirs')}
        </button>
      </p>
    </div>` : null}
    <div class="form six">
      ${fields.map((f) =>
        may('edit') && !f.readonly ? html`<${Described}
          key=${f.key}
          field=${f}
          value=${changed[f.key] ?? f.value}
          error=${wrong.value[f.key]}
          onInput=${(text) => set(f, text)}
        />` : html`<div key=${f.key} class=${`fieldset c${f.kind === 'long' ? 6 : 2}`}>
          <span class="lab">${clean(pick(f.label, f.label_en), 24)}</span>
          <span class="field readonly cut" title=${shownValue(f)}>
            ${shownValue(f)}
          </span>
        </div>`,
      )}
    </div>
    ${may('edit') ? html`<div class="form-acts">
      <button type="button" class="btn primary" disabled=${!count || busy.value || cutOff.value} onClick=${() => save()}>
        ${cutOff.value ? t('note.saveLater') : t('save')} <${Key}>Ctrl ↵</${Key}>
      </button>
      ${count ? html`
        <button type="button" class="btn ghost" onClick=${() => keep(place, undefined)}>
          ${t('kb.giveUp')}
        </button>
        <span class="warn">${t('cust.changed', { n: count })}</span>
      ` : null}
    </div>` : null}
  </div>`;
}

/** Remarks of colleagues, and a new one. */
function Notes({ profile, onSaved }) {
  const place = `party/${profile.party.id}/note`;
  const text = typed(place) ?? '';
  const busy = useSignal(false);
  const save = async () => {
    if (busy.value || !text.trim()) return;
    busy.value = true;
    const answer = await api.addNote(profile.party.id, text.trim(), null);
    busy.value = false;
    if (!answer.ok) {
      toast(whyNot(answer), { bad: true });
      return;
    }
    keep(place, undefined);
    onSaved({ ...profile, notes: [answer.body.note, ...profile.notes] });
  };
  return html`<section class="cust-part" aria-label=${t('cust.notes')}>
    <h3>${t('cust.notes')}</h3>
    ${may('edit') ? html`<div class="note-line">
      <input
        class="field"
        name="note"
        maxlength="1000"
        autocomplete="off"
        aria-label=${t('cust.addNote')}
        placeholder=${t('cust.addNote')}
        value=${text}
        onInput=${(e) => keep(place, e.currentTarget.value || undefined)}
        onKeyDown=${(e) => {
          if (e.key === 'Enter' && !e.isComposing && e.keyCode !== 229) save();
        }}
      />
      <button type="button" class="btn" disabled=${busy.value || !text.trim()} onClick=${save}>
        ${t('save')}
      </button>
    </div>` : null}
    <ul class="notes">
      ${profile.notes.slice(0, 30).map((n) => html`<li key=${n.id}>
        <span class="mut num">
          ${when(n.at, minute.value)} <${Foreign} text=${n.by} limit=${10} />
        </span>
        <bdi>${clean(n.text, 600)}</bdi>
      </li>`)}
      ${profile.notes.length === 0 ? html`<li class="mut">${t('cust.noNotes')}</li>` : null}
    </ul>
  </section>`;
}

export function Customer({ id }) {
  const profile = useSignal(null);
  const why = useSignal('');
  const load = async () => {
    const answer = await customers.profile(id);
    if (answer.ok) profile.value = answer.body.profile;
    else why.value = whyNot(answer);
  };
  useEffect(() => {
    load();
  }, [id]);
  const p = profile.value;
  if (!p) return html`<${Panel} class="cust-none">${why.value ? html`<p class="say center">${why.value}</p>` : html`<${Loading} lines=${8} />`}</${Panel}>`;
  const { main, firm } = partyName(p.party);
  const take = (next) => {
    profile.value = next;
  };
  return html`
    <${Panel}
      icon=${p.party.kind === 'company' ? 'ship' : 'user'}
      title=${html`<${Foreign} text=${main} limit=${24} />`}
      label=${clean(main)}
      meta=${firm}
      class="cust-profile"
      tools=${
        html`
          ${keptUnder(`party/${id}`) ? html`<${Tag} kind="warn">${t('left.unsaved')}</${Tag}>` : null}
          ${p.party.tier ? html`<${Tag} kind="vip">${tierWord(p.party.tier)}</${Tag}>` : null}
          <${Tag}>
            <${Foreign} text=${pick(p.party.category_label, p.party.category_label_en)} limit=${16} />
          </${Tag}>
          ${p.party.owner_name ? html`<${Tag} kind="line">
            ${t('party.owner')} <${Foreign} text=${p.party.owner_name} limit=${10} />
          </${Tag}>` : null}
        `
      }
    >
      <div class="scroll">
        <${Fields} profile=${p} onSaved=${take} />
        <${Contacts} profile=${p} onSaved=${take} />
        <${Notes} profile=${p} onSaved=${take} />
      </div>
    </${Panel}>
    <${Records} key=${id} id=${id} />
  `;
}
