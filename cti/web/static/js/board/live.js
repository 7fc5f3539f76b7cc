// The board's second state, and what a supervisor may ask for. Whatever is asked stands as asked until the PBX's own event
// says what became of it.
import { signal, computed } from '../lib.js';
import { call, part } from '../api.js';
import { pick } from '../i18n.js';
import { board, level, me, onFrame, shownNow } from '../session.js';
import { whyNot } from '../toast.js';
import { initial, reduce, withAction } from './supervise.js';

export const watch = signal(initial());
onFrame((frame) => {
  const next = reduce(watch.value, frame);
  if (next !== watch.value) watch.value = next;
  // A PBX that is back may permit other things than before.
  if (frame.type === 'snapshot' || (frame.type === 'link' && frame.link.state === 'live')) readView();
});

/** What is shown is past: nothing can be done about it. */
export const past = signal(false);
export const may = (right) => !past.value && (me.value?.rights ?? []).includes(right);
/** What can be done here at all; null until it is known. */
export const view = signal(null);
async function readView() {
  if (!may('route')) return;
  const answer = await call('GET', '/control');
  if (answer.ok) view.value = answer.body;
}

/** Nothing can be asked while the link is lost. */
export const frozen = computed(() => past.value || level.value === 'stale');
export const able = (what) => !frozen.value && may('route') && view.value !== null && view.value.able[what];
export const whyUnable = () => (view.value && pick(view.value.able.text, view.value.able.text_en)) || '';

/** Only this queue's callers and agents are shown; null: all. */
export const only = signal(null);
/** The row under the pointer or the focus: what single letters act on. */
export const atRow = signal(null);

/** The actions of this page that are shown at its foot: [{id, failed?: sentence}]. */
export const mine = signal([]);
const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, '0')).join('');

async function ask(path, body) {
  const id = body.id ?? newId();
  mine.value = [...mine.value.slice(-2), { id, at: shownNow.value }];
  const answer = await call('POST', path, path.endsWith('/undo') || path.endsWith('/end') ? body.body : { ...body, id });
  if (answer.ok) {
    const action = answer.body;
    mine.value = mine.value.map((m) => (m.id === id ? { ...m, id: action.id } : m));
    if (!watch.value.actions.some((a) => a.id === action.id))
      watch.value = { ...watch.value, actions: withAction(watch.value.actions, action), fresh: [] };
  } else mine.value = mine.value.map((m) => (m.id === id ? { ...m, failed: whyNot(answer), changed: answer.body?.error?.code } : m));
  return answer;
}

export const wish = (kind, fields, reason = '') => ask('/control/actions', { kind, ...fields, reason });
export const listen = (fields) => ask('/control/listen', fields);
export const undo = (action) => ask(`/control/actions/${part(action.id)}/undo`, { body: {} });
export const endListening = (action) => ask(`/control/actions/${part(action.id)}/end`, { body: {} });
export const forget = (id) => {
  mine.value = mine.value.filter((m) => m.id !== id);
};

export const canUndo = (a) => a.state === 'confirmed' && a.undo && a.undo.until > shownNow.value && !a.undone_by && !a.ended_at;
/** What Z takes back: the last of one's own that can be. */
export const lastOwn = () => watch.value.actions.find((a) => a.by === me.value?.user && canUndo(a));

export const queueLabel = (name) => board.value?.queues[name]?.label ?? name;
export const myPhones = computed(() => view.value?.phones ?? me.value?.interfaces ?? []);
