// 客户资料: the fields of the customer, changed in place. Enter or a click opens one, Tab saves and goes on, Esc restores.
// Two people at one field: both values are shown, nothing is overwritten silently.
import { html, signal, useSignal, useRef, useLayoutEffect } from '../lib.js';
import { Panel, SectionBody, SectionFlag, sectionMeta } from '../ui/panel.js';
import { Icon, Foreign } from '../ui/marks.js';
import { YES_NO, optionPairs, shownValue } from '../ui/field.js';
import { t, pick, has } from '../i18n.js';
import { clean, clockTime } from '../format.js';
import { api } from '../api.js';
import { pbxNow } from '../clock.js';
import { me, minute } from '../session.js';
import { draftOf } from '../drafts.js';
import { toast, whyNot } from '../toast.js';
import { when } from '../ui/words.js';

const own = signal({}); // party id -> the profile as the service gave it back to this page
const ticks = signal({}); // `party/field` -> when it was saved, for three seconds

export const rememberProfile = (profile) => {
  const kept = Object.entries(own.value).slice(-20);
  own.value = { ...Object.fromEntries(kept), [profile.party.id]: profile };
};

/** The newer of what the section brought and what a save gave back. */
export function profileOf(pop) {
  const given = pop.sections.profile.items[0] ?? null;
  const mine = own.value[pop.party?.id ?? given?.party?.id];
  if (!mine) return given;
  return given && given.party.version > mine.party.version ? given : mine;
}

const labelOf = (f) => clean(pick(f.label, f.label_en), 12);

function Editor({ field, text, onText, onSave, onStop }) {
  const ref = useRef(null);
  useLayoutEffect(() => {
    ref.current.focus();
    ref.current.select?.();
  }, []);
  const onKeyDown = (e) => {
    if (e.isComposing || e.keyCode === 229) return;
    if (e.key === 'Escape') {
      e.preventDefault();
      e.stopPropagation();
      onStop();
    }
    if (e.key === 'Enter' || e.key === 'Tab') {
      e.preventDefault();
      e.stopPropagation();
      onSave(e.key === 'Tab' ? (e.shiftKey ? -1 : 1) : 0, true);
    }
  };
  const props = { ref, class: 'field inline', 'aria-label': labelOf(field), onKeyDown, onBlur: () => onSave(0, false) };
  if (field.kind === 'choice' || field.kind === 'bool') {
    const options = field.kind === 'bool' ? YES_NO() : optionPairs(field.options);
    return html`<select ...${props} onChange=${(e) => onText(e.currentTarget.value)}>
      <option value=""></option>
      ${options.map(([k, w]) => html`<option key=${k} value=${k} selected=${k === text}>
        ${w}
      </option>`)}
    </select>`;
  }
  return html`<input
    ...${props}
    value=${text}
    maxlength="500"
    autocomplete="off"
    spellcheck=${false}
    onInput=${(e) => onText(e.currentTarget.value)}
  />`;
}

const Clash = ({ field, theirs, mine, onMerge, onMine, onTheirs }) => html`<div class="clash" role="alert">
  <p>
    <${Icon} n="alert" />
    <b>${t('clash.field', { field: labelOf(field) })}</b>
  </p>
  <p class="two">
    <span class="mut">${t('clash.now')}</span>
    <span class="theirs">${clean(theirs, 120) || '–'}</span>
  </p>
  <p class="two">
    <span class="mut">${t('clash.yours')}</span>
    <span class="theirs">${clean(mine, 120) || '–'}</span>
  </p>
  <p class="clash-acts">
    ${field.kind === 'text' || field.kind === 'long' ? html`<button type="button" class="btn s" onClick=${onMerge}>
      ${t('clash.merge')}
    </button>` : null}
    <button type="button" class="btn s" onClick=${onMine}>
      ${t('clash.mine')}
    </button>
    <button type="button" class="btn s ghost" onClick=${onTheirs}>
      ${t('clash.theirs')}
    </button>
  </p>
</div>`;

function Fields({ pop, profile, mayEdit }) {
  const draft = draftOf(pop);
  const typed = draft.values.value.profile ?? {};
  const editing = useSignal(null);
  const saving = useRef(new Set());
  const clash = useSignal(null); // {key, theirs, mine, version}
  const fields = profile.fields.filter((f) => f.show_in_pop !== false || typed[f.key] !== undefined);

  const type = (key, text) => {
    const next = { ...(draft.get('profile') ?? {}) };
    if (text === undefined) delete next[key];
    else next[key] = text;
    draft.set('profile', Object.keys(next).length ? next : undefined);
  };
  const textOf = (f) => (f.value === null || f.value === undefined ? '' : String(f.value));

  const open = (key) => {
    const f = profile.fields.find((x) => x.key === key);
    if (!f || !mayEdit || f.readonly) return;
    if ((draft.get('profile') ?? {})[key] === undefined) type(key, textOf(f));
    editing.value = key;
  };
  const stop = (key) => {
    type(key, undefined);
    if (editing.value === key) editing.value = null;
    if (clash.value?.key === key) clash.value = null;
  };

  const send = async (key, text, version) => {
    saving.current.add(key);
    const answer = await api.saveFields(profile.party.id, { [key]: text }, version);
    saving.current.delete(key);
    if (answer.ok) {
      rememberProfile(answer.body.profile);
      if ((draft.get('profile') ?? {})[key] === text && editing.value !== key) type(key, undefined);
      clash.value = clash.value?.key === key ? null : clash.value;
      const mark = `${profile.party.id}/${key}`;
      ticks.value = { ...ticks.value, [mark]: pbxNow() };
      setTimeout(() => {
        const { [mark]: gone, ...rest } = ticks.value;
        ticks.value = rest;
      }, 3000);
      return;
    }
    if (answer.status === 409 && answer.body?.profile) {
      const theirs = answer.body.profile.fields.find((f) => f.key === key);
      rememberProfile(answer.body.profile);
      const was = profile.fields.find((f) => f.key === key);
      // Somebody changed another field: ours does not clash, it only needs the new version.
      if (theirs && was && textOf(theirs) === textOf(was)) {
        await send(key, text, answer.body.profile.party.version);
        return;
      }
      if (theirs && textOf(theirs) === text) {
        type(key, undefined);
        return;
      }
      clash.value = { key, theirs: theirs ? textOf(theirs) : '', mine: text, version: answer.body.profile.party.version };
      return;
    }
    toast(whyNot(answer), { bad: true });
  };

  const backTo = (key) =>
    requestAnimationFrame(() => document.querySelector(`#sec-profile [data-field="${CSS.escape(key)}"]`)?.focus());
  const save = (key, step, byKey) => {
    if (editing.value !== key) return;
    const f = profile.fields.find((x) => x.key === key);
    const text = (draft.get('profile') ?? {})[key];
    const at = fields.findIndex((x) => x.key === key);
    editing.value = null;
    let to = at + step;
    while (step && fields[to]?.readonly) to += step;
    const next = step ? fields[to] : null;
    if (next) open(next.key);
    else if (byKey) backTo(key);
    if (text === undefined || saving.current.has(key)) return;
    if (text === textOf(f)) {
      type(key, undefined);
      return;
    }
    send(key, text, profileOf(pop).party.version);
  };

  const clashField = clash.value && profile.fields.find((f) => f.key === clash.value.key);
  return html`
    ${clashField ? html`<${Clash}
      field=${clashField}
      theirs=${clash.value.theirs}
      mine=${clash.value.mine}
      onMine=${() => send(clash.value.key, clash.value.mine, clash.value.version)}
      onTheirs=${() => stop(clash.value.key)}
      onMerge=${() => {
        const { key, theirs, mine } = clash.value;
        clash.value = null;
        type(key, theirs && mine ? `${theirs}；${mine}` : theirs || mine);
        editing.value = key;
      }}
    />` : null}
    <dl class="kv num">
      ${fields.map((f) => {
        const wide = f.kind === 'long';
        const mine = typed[f.key];
        const saved = ticks.value[`${profile.party.id}/${f.key}`];
        return html`
          <dt key=${`${f.key}-t`} class=${wide ? 'wt' : ''} title=${labelOf(f)}>
            ${labelOf(f)}
          </dt>
          <dd key=${f.key} class=${`${wide ? 'w' : ''}${mayEdit && !f.readonly ? ' ed' : ''}`}>
            ${editing.value === f.key ? html`<${Editor}
              field=${f}
              text=${mine ?? ''}
              onText=${(x) => type(f.key, x)}
              onSave=${(step, byKey) => save(f.key, step, byKey)}
              onStop=${() => {
                stop(f.key);
                backTo(f.key);
              }}
            />` : mayEdit && !f.readonly ? html`<button
              type="button"
              class=${`ed-btn cut${mine !== undefined ? ' unsaved' : ''}`}
              data-field=${f.key}
              title=${shownValue(f)}
              onClick=${() => open(f.key)}
            >
              ${mine !== undefined ? clean(mine, 120) : shownValue(f)}
              ${saved ? html`<span class="good"> ✓ ${clockTime(saved)}</span>` : null}
            </button>` : html`<span class="cut" title=${shownValue(f)}>
              ${shownValue(f)}
            </span>`}
          </dd>
        `;
      })}
    </dl>
  `;
}

export function ProfilePanel({ pop }) {
  const section = pop.sections.profile;
  const profile = profileOf(pop);
  const shown = profile && section.items.length === 0 ? { ...section, items: [profile] } : section;
  const mayEdit = (me.value?.rights ?? []).includes('edit');
  const meta = sectionMeta(shown, () => (section.as_of ? t('profile.asOf', { time: clockTime(section.as_of, true) }) : ''));
  const editFirst = () => document.querySelector('#sec-profile .ed-btn')?.click();
  const tools = html`
    <${SectionFlag} section=${section} pop=${pop} />
    ${mayEdit && profile ? html`<button type="button" class="btn s" onClick=${editFirst}>
      <${Icon} n="edit" />
      ${t('profile.edit')}
    </button>` : null}
  `;
  return html`<${Panel} id="sec-profile" icon="user" title=${t('sec.profile')} meta=${meta} k="3" class="profile" tools=${tools}>
    <div class="scroll rows">
      <div class="snap">
        <${SectionBody} section=${shown} lines=${4} empty=${t('profile.empty')}>
          ${profile ? html`
            <${Fields} key=${`${pop.id}/${profile.party.id}`} pop=${pop} profile=${profile} mayEdit=${mayEdit} />
            ${(profile.notes ?? []).length ? html`<ul class="cust-notes">
              ${profile.notes.slice(0, 5).map((n) => html`<li key=${n.id}>
                <span class="mut num">
                  ${when(n.at, minute.value)} <${Foreign} text=${n.by} limit=${8} />
                </span>${' '}
                <${Foreign} text=${n.text} limit=${160} />
              </li>`)}
            </ul>` : null}
            ${(profile.contact_points ?? []).length ? html`<ul class="points num">
              ${profile.contact_points.slice(0, 8).map((c, i) => html`<li key=${i}>
                <span class="mut">${has(`point.${c.kind}`) ? t(`point.${c.kind}`) : clean(c.kind, 8)}</span>${' '}
                <${Foreign} text=${c.value} limit=${40} />
                ${c.label ? html`
                  ${' '}
                  <span class="mut">
                    <${Foreign} text=${c.label} limit=${10} />
                  </span>
                ` : null}
              </li>`)}
            </ul>` : null}
          ` : null}
        </${SectionBody}>
      </div>
    </div>
  </${Panel}>`;
}
