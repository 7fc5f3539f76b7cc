// My own state in the top bar. It is what the service says; a switch shows 正在切换… until the PBX has confirmed it.
import { html, signal, effect } from '../lib.js';
import { Icon, StateMark } from '../ui/marks.js';
import { Menu, Item } from '../ui/menu.js';
import { t, has } from '../i18n.js';
import { clean } from '../format.js';
import { agent, today, level } from '../session.js';
import { api } from '../api.js';
import { toast, whyNot } from '../toast.js';

const REASONS = ['lunch', 'rest', 'meeting', 'training', 'other'];
const CONFIRM_MS = 3000;

export const isPaused = (a) => Boolean(a) && (a.phase === 'paused' || (a.queues ?? []).some((q) => q.paused));
const reasonWord = (reason) => (reason && has(`pause.${reason}`) ? t(`pause.${reason}`) : clean(reason ?? '', 12));

const wanted = signal(null); // {paused, reason} asked for and not confirmed yet
let timer = 0;

async function ask(paused, reason) {
  wanted.value = { paused, reason };
  clearTimeout(timer);
  const answer = await api.pause(paused, reason);
  if (!answer.ok) {
    wanted.value = null;
    toast(whyNot(answer), { bad: true });
    return;
  }
  timer = setTimeout(() => {
    if (wanted.value) {
      wanted.value = null;
      toast(t('pause.unconfirmed'), { bad: true });
    }
  }, CONFIRM_MS);
}

effect(() => {
  const want = wanted.value;
  if (
    want &&
    agent.value &&
    isPaused(agent.value) === want.paused &&
    (!want.paused || agent.value.pause_reason === want.reason || want.reason === undefined || !agent.value.pause_reason)
  ) {
    clearTimeout(timer);
    wanted.value = null;
  }
});

export const MyState = () => {
  const mine = agent.value;
  if (!mine)
    return html`<span class="st st-offline big" role="status">
      <${Icon} n="off" />
      <b>${t('phase.none')}</b>
    </span>`;
  const paused = isPaused(mine);
  const onCall = ['ringing', 'busy', 'held'].includes(mine.phase);
  const want = wanted.value;
  const disabled = level.value === 'stale' || want !== null;
  const word =
    mine.phase === 'paused' && mine.pause_reason
      ? `${t('phase.paused')} · ${reasonWord(mine.pause_reason)}`
      : t(`phase.${mine.phase}`);
  return html`
    <span class="my-state" role="status">
      <${StateMark} phase=${mine.phase} word=${word} since=${mine.since} big />
    </span>
    <span class="mut nw next-word" key=${want ? 'want' : onCall}>
      ${want ? html`<span class="switching">${t('pause.switching')}</span>` : onCall ? t('pause.after') : t('pause.now')}
    </span>
    <span class="seg">
      <button
        type="button"
        class=${paused ? '' : 'on'}
        aria-pressed=${!paused}
        disabled=${disabled}
        onClick=${() => {
          if (paused) ask(false);
        }}
      >
        ${t('phase.idle')}
      </button>
      <${Menu}
        label=${t('pause.menu')}
        class=${`seg-btn${paused ? ' on' : ''}`}
        button=${
          html`
            ${t('phase.paused')}
            <${Icon} n="down" />
          `
        }
      >
        <h4>${t('pause.why')}</h4>
        ${REASONS.map((r) => html`<${Item} key=${r} chosen=${paused && mine.pause_reason === r} disabled=${disabled} onClick=${() => ask(true, r)}>
          ${t(`pause.${r}`)}
        </${Item}>`)}
      </${Menu}>
    </span>
  `;
};

export const MyDayLine = () => {
  const mine = agent.value;
  const d = today.value;
  const queues = (mine?.queues ?? []).map((q) => clean(q.label || q.queue, 12)).join(t('comma'));
  return html`<span class="me-line num">
    <span class="cut queues" title=${queues}>
      ${t('top.queues')} <b>${queues || '–'}</b>
    </span>
    <span>
      ${t('top.today')} <b>${d ? d.answered : '–'}</b>
    </span>
    <span>
      ${t('top.inTarget', { t: d?.target_s ?? 13 })} <b>${d ? d.in_target : '–'}</b>
    </span>
    <span>
      ${t('top.missed')} <b>${d ? d.missed : '–'}</b>
    </span>
  </span>`;
};
