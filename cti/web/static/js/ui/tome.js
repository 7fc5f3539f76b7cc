// What supervisors do to me, on my desk: that somebody listens, and each change with who did it and why. From frames alone.
import { html, signal } from '../lib.js';
import { Foreign, Tag } from './marks.js';
import { t, pick } from '../i18n.js';
import { clean, clockTime } from '../format.js';
import { me, onFrame } from '../session.js';
import { toast } from '../toast.js';
import { initial, reduce } from '../board/supervise.js';

const state = signal(initial());
onFrame((frame) => {
  const before = state.value;
  const next = reduce(before, frame);
  if (next === before) return;
  state.value = next;
  const a = frame.type === 'action' ? frame.action : null;
  if (!a || a.state !== 'confirmed' || a.by === me.value?.user || a.kind === 'listen') return;
  if (before.actions.find((x) => x.id === a.id)?.state === 'confirmed') return; // told already
  const who = clean(a.by_name || t('did.byRule'), 12);
  toast(t('tome.done', { who, what: clean(pick(a.text, a.text_en), 100), why: clean(a.reason, 60) || '–' }));
});

/** In the bar: somebody listens now; else the last thing that was done, for as long as it stands. */
export const ToMe = () => {
  const { actions } = state.value;
  const heard = actions.find((a) => a.kind === 'listen' && a.state === 'confirmed' && !a.ended_at);
  if (heard) {
    return html`<${Tag} kind="warn" icon="bell" title=${t('tome.since', { time: clockTime(heard.at, true) })}>
      ${t('tome.listens', { who: clean(heard.by_name, 10) })}
    </${Tag}>`;
  }
  const last = actions.find((a) => a.state === 'confirmed' && a.kind !== 'listen' && !a.undone_by && a.by !== me.value?.user);
  if (!last) return null;
  const say = t('agent.by', {
    who: clean(last.by_name || t('did.byRule'), 12),
    time: clockTime(last.at),
    what: clean(pick(last.text, last.text_en), 80),
    why: clean(last.reason, 60) || '–',
  });
  return html`<span class="tag line tome" title=${say}><${Foreign} text=${say} limit=${28} /></span>`;
};
