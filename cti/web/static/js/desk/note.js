// The note of this call. Typed words go to the draft every two seconds; saving asks the service, and two writers are shown
// both texts.
import { html, signal, useSignal, useRef } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Key, Icon } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clockTime, clean } from '../format.js';
import { api } from '../api.js';
import { draftOf } from '../drafts.js';
import { useKeys } from '../keys.js';
import { toast, whyNot } from '../toast.js';
import { cutOff } from '../session.js';

const MAX = 4000;
const saves = signal({}); // call -> {text, version, saved_at} as this page saved it last
const conflicts = signal({}); // call -> the note as somebody else saved it

const noteOf = (pop) => {
  const own = saves.value[pop.call];
  return own && (!pop.note || own.version >= pop.note.version) ? own : pop.note;
};

function remember(call, note) {
  const kept = Object.entries(saves.value).slice(-20); // a day at the desk must not pile them up
  saves.value = { ...Object.fromEntries(kept), [call]: note };
}

/** Save the note if it was changed. True when nothing is left to save. */
export async function saveNote(pop, { over = false } = {}) {
  const draft = draftOf(pop);
  const text = draft.get('note');
  if (text === undefined) return true;
  const base = over ? conflicts.value[pop.call] : noteOf(pop);
  const answer = await api.saveNote(pop.call, text, base?.version ?? 0);
  if (answer.ok) {
    remember(pop.call, { text, version: answer.body.version, saved_at: answer.body.saved_at });
    if (draft.get('note') === text) draft.set('note', undefined);
    const { [pop.call]: gone, ...rest } = conflicts.value;
    conflicts.value = rest;
    return draft.get('note') === undefined;
  }
  if (answer.status === 409 && answer.body) {
    conflicts.value = { ...conflicts.value, [pop.call]: answer.body.note ?? answer.body };
    return false;
  }
  toast(whyNot(answer), { bad: true });
  return false;
}

const Clash = ({ pop, theirs }) => {
  const draft = draftOf(pop);
  const merge = () => {
    remember(pop.call, theirs);
    draft.set('note', `${theirs.text}\n${draft.get('note') ?? ''}`.slice(0, MAX));
    const { [pop.call]: gone, ...rest } = conflicts.value;
    conflicts.value = rest;
  };
  return html`<div class="clash" role="alert">
    <p>
      <${Icon} n="alert" />
      <b>${t('note.clash')}</b>
    </p>
    <p class="theirs">${clean(theirs.text, 300)}</p>
    <p class="clash-acts">
      <button type="button" class="btn s" onClick=${merge}>
        ${t('clash.merge')}
      </button>
      <button type="button" class="btn s" onClick=${() => saveNote(pop, { over: true })}>
        ${t('clash.mine')}
      </button>
    </p>
  </div>`;
};

export function NotePanel({ pop }) {
  const draft = draftOf(pop);
  const typed = draft.values.value.note;
  const saved = noteOf(pop);
  const busy = useSignal(false);
  const box = useRef(null);
  const offline = cutOff.value;
  const save = async () => {
    if (busy.value) return;
    busy.value = true;
    await saveNote(pop);
    busy.value = false;
  };
  const toCustomer = async () => {
    const text = (draft.get('note') ?? saved?.text ?? '').trim();
    if (!text || !pop.party) return;
    const answer = await api.addNote(pop.party.id, text, pop.call);
    toast(answer.ok ? t('note.toCustomerDone') : whyNot(answer), { bad: !answer.ok });
  };
  useKeys({
    n: () => {
      if (!box.current) return false;
      box.current.focus();
      return true;
    },
    'Ctrl+Enter': (e) => {
      if (e.target !== box.current) return false;
      save();
      return true;
    },
  });
  const meta =
    typed !== undefined
      ? draft.failed.value
        ? t('draft.failed')
        : draft.savedAt.value
          ? t('draft.saved', { time: clockTime(draft.savedAt.value, true) })
          : ''
      : saved?.saved_at
        ? t('note.saved', { time: clockTime(saved.saved_at, true) })
        : '';
  const clash = conflicts.value[pop.call];
  return html`<${Panel} id="note" icon="note" title=${t('note.title')} meta=${meta} tools=${html`<${Key}>N</${Key}>`} class="note-panel">
    ${clash ? html`<${Clash} pop=${pop} theirs=${clash} />` : null}
    <textarea
      class="field area note"
      ref=${box}
      aria-label=${t('note.title')}
      placeholder=${t('note.hint')}
      maxlength=${MAX}
      spellcheck=${false}
      value=${typed ?? saved?.text ?? ''}
      onInput=${(e) => draft.set('note', e.currentTarget.value)}
    ></textarea>
    <div class="note-acts">
      <button
        type="button"
        class=${`btn s${typed !== undefined ? ' primary' : ''}`}
        disabled=${typed === undefined || busy.value}
        onClick=${save}
      >
        ${offline ? t('note.saveLater') : t('note.save')}
      </button>
      ${pop.party ? html`<button
        type="button"
        class="btn s"
        disabled=${!(typed ?? saved?.text)}
        title=${t('note.toCustomerSay')}
        onClick=${toCustomer}
      >
        ${t('note.toCustomer')}
      </button>` : null}
    </div>
  </${Panel}>`;
}
