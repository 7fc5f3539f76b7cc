// Any past minute of the board: the same panels, driven by the journal instead of the push channel.
import { html, render, effect, signal, useEffect } from '../lib.js';
import { api, call, onLoggedOut } from '../api.js';
import { tick } from '../clock.js';
import { useKeys } from '../keys.js';
import { Toasts } from '../toast.js';
import { t, lang, setLang } from '../i18n.js';
import { clockTime } from '../format.js';
import { board, ready, socket, state } from '../session.js';
import { initial, reduce } from '../store.js';
import { Top } from '../ui/top.js';
import { Icon, Tag } from '../ui/marks.js';
import { Figures } from '../board/figures.js';
import { Queues } from '../board/queues.js';
import { Waiting } from '../board/waiting.js';
import { Agents } from '../board/agents.js';
import { Side } from '../board/side.js';
import { past, watch } from '../board/live.js';
import { initial as nothing } from '../board/supervise.js';
import { Reel, dayStart } from './reel.js';

const SPEEDS = [1, 2, 5, 10, 30];
const WINDOW_S = 300;

const range = signal(null);
const at = signal(null); // the moment that is shown, epoch seconds
const playing = signal(false);
const speed = signal(1);
const failed = signal(null);
past.value = true;

/** Put a moment of the reel on the board. */
function show(reel, moment) {
  const { board: shown, link, alerts } = reel.upTo(moment, reduce);
  tick.value = moment;
  const then = { state: link === 'live' ? 'live' : 'lost', since: reel.lostAt ?? moment, store_ok: true, crm_ok: true };
  state.value = { ...state.value, ready: true, seq: 0, board: shown, link: then };
  watch.value = Object.assign(nothing(), { told: true, alerts });
  at.value = moment;
}

let reel = null;
let turn = 0;
async function load(moment) {
  turn += 1;
  const mine = turn;
  const answer = await call('GET', `/replay?at=${moment}&seconds=${WINDOW_S}`);
  if (mine !== turn) return;
  if (!answer.ok) {
    playing.value = false;
    failed.value = answer.body?.error?.code === 'no_journal' ? 'replay.nothing' : 'hist.failed';
    return;
  }
  failed.value = null;
  reel = new Reel(answer.body, initial());
  show(reel, moment);
}

/** The next window is fetched before this one is at its end; it takes over where it begins. */
async function ahead() {
  if (!reel || reel.next === null || reel.asked || at.value < reel.until - 20 * speed.value) return;
  reel.asked = true;
  const from = reel;
  const answer = await call('GET', `/replay?at=${reel.next}&seconds=${WINDOW_S}`);
  if (answer.ok && reel === from) from.follower = answer.body;
}

const STEP_MS = 200;
setInterval(() => {
  if (!playing.value || !reel) return;
  const moment = at.value + (STEP_MS / 1000) * speed.value;
  ahead();
  if (moment >= reel.until) {
    if (reel.follower) reel = new Reel(reel.follower, initial());
    else if (reel.next === null) {
      playing.value = false;
      return;
    } else return; // wait for what follows
  }
  show(reel, Math.min(moment, range.value.to));
}, STEP_MS);

const jump = (moment) => {
  const { from, to } = range.value;
  const there = Math.max(from, Math.min(to, moment));
  at.value = there;
  load(there);
};
const local = (epoch) => new Date(epoch * 1000 - new Date(epoch * 1000).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

const Bar = () => {
  const { from, to, gaps } = range.value;
  const now = at.value;
  const [begin, end] = [Math.max(from, dayStart(now)), Math.min(to, dayStart(now) + 86_400)];
  const gap = gaps.find(([a, b]) => now >= a && now < b);
  const shift = (s) => jump(at.value + s);
  useKeys({
    ' ': () => {
      playing.value = !playing.value;
    },
    ArrowLeft: () => shift(-10),
    ArrowRight: () => shift(10),
  });
  return html`<div class="reel panel">
    <button type="button" class="btn ico" aria-label=${t('replay.back')} title=${t('replay.back')} onClick=${() => shift(-60)}>−1′</button>
    <button
      type="button"
      class="btn primary"
      aria-pressed=${playing.value}
      onClick=${() => {
        playing.value = !playing.value;
      }}
    >
      <${Icon} n=${playing.value ? 'pause' : 'play'} /> ${t(playing.value ? 'rec.pause' : 'rec.play')}
    </button>
    <button type="button" class="btn ico" aria-label=${t('replay.on')} title=${t('replay.on')} onClick=${() => shift(60)}>+1′</button>
    <span class="seg" role="group" aria-label=${t('rec.speed')}>
      ${SPEEDS.map((s) => html`<button
        key=${s}
        type="button"
        class=${`num${speed.value === s ? ' on' : ''}`}
        aria-pressed=${speed.value === s}
        onClick=${() => {
          speed.value = s;
        }}
      >${s}×</button>`)}
    </span>
    <input class="field num when" type="datetime-local" step="1" aria-label=${t('replay.at')} value=${local(now)} min=${local(from)} max=${local(to)}
      onChange=${(e) => e.currentTarget.value && jump(new Date(e.currentTarget.value).getTime() / 1000)} />
    <input class="scrub" type="range" min=${Math.floor(begin)} max=${Math.ceil(end)} step="5" value=${now} aria-label=${t('replay.day')}
      onChange=${(e) => jump(Number(e.currentTarget.value))} />
    <span class="num mut">${clockTime(begin)}–${clockTime(end)}</span>
    ${gap ? html`<${Tag} kind="warn" icon="alert">${t('replay.gap')}</${Tag}>` : null}
    ${failed.value ? html`<${Tag} kind="bad" icon="alert">${t(failed.value)}</${Tag}>` : null}
  </div>`;
};

const Page = () => {
  useEffect(() => {
    document.title = `${t('nav.replay')} · ${lang.value && t('name')}`;
  });
  const lost = state.value.link?.state === 'lost';
  return html`
    <${Top} page="replay" keys=${[['Space', 'replay.space'], ['← →', 'replay.arrows'], ['?', 'key.help']]} quiet>
      <span class="grow"></span>
      ${at.value ? html`<${Tag} kind="warn" icon="history"><b class="num">${t('replay.now', { time: clockTime(at.value, true) })}</b></${Tag}>` : null}
    </${Top}>
    ${range.value?.from ? html`<${Bar} />` : null}
    <main class="board past" data-stale=${lost ? 'yes' : undefined}>
      ${board.value ? html`<${Figures} /><${Queues} /><${Waiting} /><${Agents} /><${Side} />` : html`<p class="say center">
        ${t(failed.value ?? (range.value ? 'replay.nothing' : 'live.starting'))}
      </p>`}
    </main>
    <${Toasts} />
  `;
};

effect(() => {
  document.documentElement.dataset.ready = ready.value ? 'yes' : 'no';
});
onLoggedOut(() => location.assign('/login'));
async function open() {
  const who = await api.me();
  if (!who.ok) {
    location.assign('/login');
    return;
  }
  if (!window.thirteenLooks.read('lang') && who.body.me.language) setLang(who.body.me.language);
  socket.value = { open: true, lostAt: null, attempt: 0, retryAt: null };
  state.value = { ...initial(), ready: true, me: who.body.me, link: { state: 'live', store_ok: true, crm_ok: true } };
  const answer = await call('GET', '/replay/range');
  range.value = answer.ok ? answer.body : { from: null, to: null, gaps: [] };
  const asked = Number(new URLSearchParams(location.search).get('at'));
  if (range.value.from) jump(asked || Math.max(range.value.from, range.value.to - 600));
}
render(html`<${Page} />`, document.getElementById('app'));
open();
