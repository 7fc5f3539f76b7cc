// How many people it takes: for the rest of this interval, and for a day to come, half-hour by half-hour.
import { html, signal, effect, computed, untracked } from '../lib.js';
import { openPage } from '../ui/page.js';
import { Panel, Loading } from '../ui/panel.js';
import { Choice } from '../ui/field.js';
import { Icon } from '../ui/marks.js';
import { t, pick } from '../i18n.js';
import { call, query, sentence } from '../api.js';
import { clean, clockTime, mmss, percent } from '../format.js';
import { ready } from '../session.js';

const queues = signal([]);
const asked = signal({ queue: '', day: '', goal: '90', target: '', until: '' });
const now = signal(null);
const plan = signal(null);

/** What a question brought: its answer, or why there is none in words. */
const told = (answer) => {
  if (answer.ok) return answer.body;
  const said = sentence(answer);
  return { failed: said ? clean(pick(said.text, said.text_en), 200) : t('hist.failed') };
};

async function choose() {
  const answer = await call('GET', '/history/choices');
  const names = answer.ok ? answer.body.site.queues : {};
  queues.value = Object.entries(names).map(([key, label]) => [key, clean(label || key, 24)]);
  if (queues.value.length && !asked.value.queue) asked.value = { ...asked.value, queue: queues.value[0][0] };
}
const key = computed(() => (ready.value && asked.value.queue ? JSON.stringify(asked.value) : null));
effect(() => {
  if (!key.value) return;
  untracked(() => {
    const { queue, day, goal, target, until } = asked.value;
    const share = Number(goal) / 100;
    now.value = null;
    plan.value = null;
    call('GET', `/whatif${query({ queue, until })}`).then((a) => {
      now.value = told(a);
    });
    call('GET', `/staffing${query({ queue, day, goal: share > 0 && share < 1 ? share : '', target })}`).then((a) => {
      plan.value = told(a);
    });
  });
});

const Assumed = ({ from }) => html`<details class="assumed">
  <summary>${t('staff.assumed', { model: clean(pick(from.model, from.model_en), 60) })}</summary>
  <ul>${from.assumptions.map((a) => html`<li key=${a.text}>${clean(pick(a.text, a.text_en), 300)}</li>`)}</ul>
</details>`;

const Measured = ({ m }) => html`<p class="facts num">
  <span>${t('staff.calls', { n: m.calls, rate: Math.round(m.per_hour) })}</span>
  <span>${t('staff.aht', { time: mmss(Math.round(m.aht_s)), n: m.aht_calls })}</span>
  <span>${m.patience_s === null ? t('staff.noPatience') : t('staff.patience', { time: mmss(Math.round(m.patience_s)), n: m.abandoned })}</span>
  <span>${t('staff.agents', { n: m.agents })}</span>
</p>`;

const WhatIf = () => {
  const w = now.value;
  const inside = !w ? html`<${Loading} lines=${5} />` : w.failed ? html`<p class="say">${w.failed}</p>` : html`
    <p class="verdict">${clean(pick(w.text, w.text_en), 200)}</p>
    <${Measured} m=${w.measured} />
    <table class="num">
      <thead><tr>
        <th>${t('staff.people')}</th>
        <th>${t('staff.level', { t: w.target_s })}</th>
        <th class="r">${t('fig.asa')}</th>
        <th class="r">${t('staff.lost')}</th>
        <th class="r">${t('fig.of.occupancy')}</th>
      </tr></thead>
      <tbody>${w.options.map((o) => html`<tr key=${o.agents} data-change=${o.change} class=${o.change === 0 ? 'hov' : ''}>
        <td><b>${o.agents}</b> <span class="mut">${o.change === 0 ? t('staff.now') : o.change > 0 ? `+${o.change}` : `−${-o.change}`}</span></td>
        <td>${o.level === null ? '–' : html`<span class=${`pb${o.goal_met ? '' : ' low'}`}><b>${percent(o.level)}</b><i style=${{ '--v': `${o.level * 100}%` }}></i></span>`}</td>
        <td class="r">${o.asa_s === null ? '–' : mmss(Math.round(o.asa_s))}</td>
        <td class="r">${percent(o.abandon)}</td>
        <td class="r">${percent(o.occupancy)}</td>
      </tr>`)}</tbody>
    </table>
    <${Assumed} from=${w} />
  `;
  return html`<${Panel} id="whatif" icon="chart" title=${t('staff.whatif')} meta=${w?.until ? t('staff.until', { time: clockTime(w.until) }) : ''}>
    <div class="scroll">${inside}</div>
  </${Panel}>`;
};

const Plan = () => {
  const p = plan.value;
  const most = Math.max(1, ...(p?.rows ?? []).map((r) => r.agents ?? 0));
  const set = (name) => (e) => {
    asked.value = { ...asked.value, [name]: e.currentTarget.value };
  };
  const tools = html`
    <input class="field num day" type="date" aria-label=${t('staff.day')} value=${asked.value.day || p?.day || ''} onChange=${set('day')} />
    <label class="mut">${t('staff.goal')} <input class="field num goal" inputmode="numeric" value=${asked.value.goal} onChange=${set('goal')} /> %</label>
    <button type="button" class="btn s noprint" onClick=${() => window.print()}><${Icon} n="print" /> ${t('hist.print')}</button>
  `;
  const inside = !p ? html`<${Loading} lines=${8} />` : p.failed ? html`<p class="say">${p.failed}</p>` : p.rows.length === 0 ? html`<p class="say">${t('staff.noPast')}</p>` : html`
    <table class="num">
      <thead><tr>
        <th>${t('tab.time')}</th>
        <th class="r">${t('staff.expected')}</th>
        <th class="r">${t('staff.between')}</th>
        <th>${t('staff.need')}</th>
        <th class="r">${t('staff.level', { t: p.target_s })}</th>
        <th class="r">${t('fig.of.occupancy')}</th>
      </tr></thead>
      <tbody>${p.rows.map((r) => html`<tr key=${r.start}>
        <td>${clockTime(r.start)}–${clockTime(r.end)}</td>
        <td class="r"><b>${r.calls.toFixed(1)}</b></td>
        <td class="r mut">${r.low.toFixed(0)}–${r.high.toFixed(0)} <span title=${t('staff.samples', { n: r.samples })}>·${r.samples}</span></td>
        <td>${r.agents === null ? '–' : html`<span class="people"><b>${r.agents}</b><i style=${{ width: `${(r.agents / most) * 100}%` }}></i></span>`}</td>
        <td class="r">${percent(r.level)}</td>
        <td class="r">${percent(r.occupancy)}</td>
      </tr>`)}</tbody>
    </table>
    <${Assumed} from=${p} />
  `;
  return html`<${Panel} id="plan" icon="grid" title=${t('staff.plan')} meta=${p?.weeks ? t('staff.weeks', { n: p.weeks }) : ''} tools=${tools}>
    <div class="scroll">${inside}</div>
  </${Panel}>`;
};

const Staffing = () => html`
  <div class="filters">
    <${Choice} label=${t('queue.title')} value=${asked.value.queue} options=${queues.value} onInput=${(queue) => { if (queue) asked.value = { ...asked.value, queue }; }} name="queue" />
  </div>
  <div class="two"><${WhatIf} /><${Plan} /></div>
`;

openPage({ page: 'staffing', keys: [['?', 'key.help']], Body: Staffing });
choose();
