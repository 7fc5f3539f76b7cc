// A television's page: read from six metres, nothing to press. It knows no numbers, and only the names the site allows.
import { html, render, effect, signal } from '../lib.js';
import { call } from '../api.js';
import { openPush } from '../push.js';
import { reduce } from '../store.js';
import { repaint, startClock, syncClock } from '../clock.js';
import { board, level, link, lostSince, online, ready, shownNow, socket, state } from '../session.js';
import { t, setLang } from '../i18n.js';
import { Bar, Foreign, Icon, Left, Logo, Waited, lookOf } from '../ui/marks.js';
import { clean, clockTime, countdownStep, mmss, percent } from '../format.js';
import { callerOrder, queueOrder, sumRecent } from '../board/order.js';
import { tierWord } from '../ui/words.js';

const asked = new URLSearchParams(location.search);
const only = asked.get('queues')?.split(',').filter(Boolean) ?? null;
if (asked.get('lang')) setLang(asked.get('lang'));
const site = signal('');
/** Why there is nothing to see: no right, or no service yet. */
const closed = signal(null);
const MOST = 5;
const PHASES = [['idle', 'check'], ['ringing', 'bell'], ['busy', 'phone'], ['wrapup', 'edit'], ['paused', 'pause'], ['unavailable', 'off']];

const shownQueues = (b) => Object.fromEntries(Object.entries(b.queues).filter(([name]) => !only || only.includes(name)));

const Head = () => {
  const now = new Date(shownNow.value * 1000);
  const stale = level.value === 'stale';
  return html`<header class="hd">
    <${Logo} size=${54} width=${9} bare />
    <h1>${site.value ? html`<${Foreign} text=${site.value} limit=${24} />` : t('name')}</h1>
    <span>${t('wall.date', { m: now.getMonth() + 1, d: now.getDate(), day: t(`day.long.${(now.getDay() + 6) % 7}`) })}</span>
    ${stale ? html`<span class="live stale num">${t('live.stopped', { time: clockTime(lostSince.value, true) })}</span>` : html`<span class="live">${t('live.now')}</span>`}
    <span class="clock num">${clockTime(shownNow.value, true)}</span>
  </header>`;
};

const Big = ({ b }) => {
  const x = b.totals;
  const base = (x.answered ?? 0) + (x.abandoned ?? 0);
  const goals = Object.values(b.queues).map((q) => q.goal ?? 0.9);
  const goal = goals.length ? Math.min(...goals) : 0.9;
  const share = x.service_level;
  const low = share !== null && share !== undefined && share < goal;
  const hour = sumRecent(b.queues).filter((r) => r.at > shownNow.value - 3600);
  const [good, all] = [hour.reduce((n, r) => n + r.good, 0), hour.reduce((n, r) => n + r.all, 0)];
  const [whole, rest] = share === null || share === undefined ? ['–', ''] : [percent(share).slice(0, -1), '%'];
  return html`<section class="big">
    <h2>${t('fig.level', { t: b.target_s })}</h2>
    <b class=${low ? 'low' : ''} data-figure="level">${whole}<small>${rest}</small></b>
    <div class=${`goal13${low ? ' low' : ''}`} style=${{ '--v': `${(share ?? 0) * 100}%`, '--goal': `${goal * 100}%` }} aria-hidden="true"></div>
    <p class="num">${t('queue.goal', { p: Math.round(goal * 100) })} · ${t('fig.of', { n: x.in_target ?? 0, of: base })}</p>
    <p><span class="vname">${b.variant} ${t(`variant.${b.variant}`)}</span></p>
    <dl class="trio4 num">
      <div><dt>${t('wall.hour')}</dt><dd>${percent(all ? good / all : null)}</dd></div>
      <div><dt>${t('fig.asa')}</dt><dd>${mmss(x.asa_s)}</dd></div>
      <div><dt>${t('fig.abandoned')}</dt><dd>${x.abandoned ?? 0}</dd></div>
      <div><dt>${t('wall.over', { t: b.target_s })}</dt><dd>${(x.answered ?? 0) - (x.in_target ?? 0)}</dd></div>
    </dl>
  </section>`;
};

const Waiting = ({ b, queues }) => {
  const callers = Object.fromEntries(
    Object.entries(b.callers)
      .filter(([, c]) => c.queue in queues)
      .map(([key, c]) => [key, { ...c, visit: key }]),
  );
  const order = callerOrder(callers, shownNow.value);
  const shown = order.length > MOST ? order.slice(0, MOST - 1) : order;
  return html`<section class="wt">
    <h2>${t('fig.waiting')} <b class="num">${order.length}</b></h2>
    <ol>
      ${shown.map((key) => {
        const c = callers[key];
        const step = level.value === 'stale' ? 'frozen' : countdownStep(Math.max(0, shownNow.value - c.waiting_since), c.target_s);
        const who = [c.name ? clean(c.name, 12) : c.new ? t('wait.new') : '', c.tier ? tierWord(c.tier) : ''].filter(Boolean).join(' · ');
        return html`<li key=${key} class=${`k-${step}`}>
          <span class="nm"><${Foreign} text=${queues[c.queue].label || c.queue} limit=${12} /><small><bdi>${who}</bdi></small></span>
          <span class="lf"><${Left} since=${c.waiting_since} target=${c.target_s} /></span>
          <${Bar} since=${c.waiting_since} target=${c.target_s} />
        </li>`;
      })}
      ${order.length > shown.length ? html`<li class="rest">${t('wall.rest', { n: order.length - shown.length })}</li>` : null}
      ${order.length === 0 ? html`<li class="rest">${t('wait.none')}</li>` : null}
    </ol>
  </section>`;
};

const Queues = ({ b, queues }) => html`<section class="wq">
  <h2>${t('queue.title')}</h2>
  <table class="num" style=${{ '--rows': Math.max(6, Object.keys(queues).length) }}>
    <thead><tr>
      <th>${t('wall.name')}</th>
      <th class="r">${t('wall.level', { t: b.target_s, v: b.variant })}</th>
      <th class="r">${t('queue.waiting')}</th>
      <th class="r">${t('queue.longest')}</th>
      <th class="r">${t('phase.idle')}</th>
    </tr></thead>
    <tbody>
      ${queueOrder(queues).map((name) => {
        const q = queues[name];
        const low = q.service_level !== null && q.service_level < (q.goal ?? 0.9);
        return html`<tr key=${name} data-queue=${name}>
          <td class="cut"><b><${Foreign} text=${q.label || name} limit=${12} /></b></td>
          <td class=${`r pc${low ? ' low' : ''}`}>${percent(q.service_level)}</td>
          <td class="r">${q.waiting ? html`<b>${q.waiting}</b>` : html`<span class="mut">0</span>`}</td>
          <td class="r">${q.waiting && q.longest_since ? html`<${Waited} since=${q.longest_since} target=${q.target_s ?? 13} />` : html`<span class="mut">–</span>`}</td>
          <td class=${`r${q.waiting && !q.idle ? ' bad' : ''}`}>${q.waiting && !q.idle ? html`<b>0</b>` : (q.idle ?? 0)}</td>
        </tr>`;
      })}
    </tbody>
  </table>
</section>`;

const Wall = () => {
  if (closed.value) return html`<main class="wall shut"><p>${t(closed.value)}</p></main>`;
  const b = board.value;
  if (!ready.value || !b) return html`<main class="wall shut"><p>${t('live.starting')}</p></main>`;
  const queues = shownQueues(b);
  return html`<main class="wall" data-stale=${level.value === 'stale' ? 'yes' : undefined}>
    <${Head} />
    <${Big} b=${b} />
    <${Waiting} b=${b} queues=${queues} />
    <${Queues} b=${b} queues=${queues} />
    <section class="wa num">
      ${PHASES.map(([phase, icon]) => html`<div key=${phase} class=${`st-${lookOf(phase)}`}>
        <${Icon} n=${icon} />${t(`phase.${phase}`)} <b>${b.totals[phase] ?? 0}</b>
      </div>`)}
    </section>
  </main>`;
};

/** The wall speaks of `wall` where a board speaks of `board`: the same state serves both. */
function take(frame) {
  const known = frame.type === 'wall' ? { ...frame, type: 'board' } : frame.type === 'snapshot' ? { ...frame, board: frame.wall } : frame;
  const next = reduce(state.value, known);
  if (next.gap) return false;
  if (typeof frame.now === 'number') syncClock(frame.now, frame.type === 'snapshot');
  state.value = next;
  if (frame.type !== 'beat') repaint();
  return true;
}

async function open() {
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, '', location.pathname + location.search); // the token stays in no history
    await call('POST', '/wallboard/enter', { token });
  }
  for (let wait = 1000; ; wait = Math.min(30_000, wait * 2)) {
    const answer = await call('GET', '/wallboard/here');
    if (answer.ok) {
      closed.value = null;
      site.value = answer.body.site || answer.body.label;
      openPush({
        url: answer.body.push_url,
        page: 'wallboard',
        onFrame: take,
        onState: (next) => {
          socket.value = next;
        },
        onDenied: () => {
          closed.value = 'wall.closed';
        },
      });
      return;
    }
    closed.value = answer.status === 401 || answer.status === 403 ? 'wall.closed' : 'err.service';
    if (closed.value === 'wall.closed') return;
    await new Promise((done) => {
      setTimeout(done, wait);
    });
  }
}

for (const [event, on] of [['online', true], ['offline', false]]) {
  window.addEventListener(event, () => {
    online.value = on;
  });
}
effect(() => {
  document.title = `${t('nav.wallboard')} · ${t('name')}`;
  document.documentElement.dataset.ready = ready.value && link.value ? 'yes' : 'no';
});
render(html`<${Wall} />`, document.getElementById('app'));
startClock();
open();
