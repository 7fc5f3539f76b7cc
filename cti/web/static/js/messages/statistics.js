// How messages are delivered: over days, by platform, by template, and with which errors they fail.
import { html, signal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Tag } from '../ui/marks.js';
import { Segments } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, clockTime, currencySign, mmss, money, percent } from '../format.js';
import { minute } from '../session.js';
import { when } from '../ui/words.js';
import { messages } from '../api-messages.js';
import { whyNot } from '../toast.js';

const DAYS = [1, 7, 30, 90];
const days = signal(30);
const told = signal(null); // Statistics or {why}
const status = signal(null);

async function read() {
  const to = minute.peek() + 60;
  const [answer, state] = await Promise.all([messages.statistics(to - days.value * 86400, to), messages.status()]);
  told.value = answer.ok ? answer.body : { why: whyNot(answer) };
  status.value = state.ok ? state.body : null;
}

const share = (x) => (x.delivered + x.failed ? x.delivered / (x.delivered + x.failed) : null);

const Figures = ({ all, currency }) => html`<dl class="price-figures num">
  ${[
    ['main', t('stat.delivered'), percent(share(all))],
    ['', t('stat.messages'), all.messages],
    ['', t('stat.segments'), all.segments],
    ['', t('sms.delivered'), all.delivered],
    [all.failed ? 'bad' : '', t('sms.failed'), all.failed],
    ['', t('stat.open'), all.open],
    ['', t('stat.replies'), all.replies],
    ['', t('stat.median'), mmss(all.median_s)],
    ['', t('stat.cost'), `${currencySign(currency)}${money(Math.round(all.cost * 100) / 100)}`],
  ].map(([look, name, value]) => html`<div key=${name} class=${look === 'main' ? 'main' : ''}>
    <dt>${name}</dt>
    <dd class=${look === 'bad' ? 'bad' : ''}>${value}</dd>
  </div>`)}
</dl>`;

const Tallies = ({ title, icon, rows, first }) => html`<${Panel} icon=${icon} title=${title}>
  <div class="scroll">
    <table class="num tally-table">
      <thead>
        <tr>
          <th>${first}</th>
          ${[
            'stat.messages',
            'stat.segments',
            'sms.delivered',
            'sms.failed',
            'stat.open',
            'stat.delivered',
            'stat.median',
          ].map((k) => html`<th key=${k} class="r">
            ${t(k)}
          </th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((x) => html`<tr key=${x.key}>
          <td class="cut" title=${clean(x.label || x.key, 60)}>
            ${clean(x.label || x.key, 30) || '–'}
          </td>
          <td class="r">${x.messages}</td>
          <td class="r">${x.segments}</td>
          <td class="r">${x.delivered}</td>
          <td class=${`r${x.failed ? ' bad' : ''}`}>${x.failed}</td>
          <td class="r">${x.open}</td>
          <td class="r">
            <b>${percent(share(x))}</b>
          </td>
          <td class="r">${mmss(x.median_s)}</td>
        </tr>`)}
      </tbody>
    </table>
    ${rows.length === 0 ? html`<p class="say">${t('stat.none')}</p>` : null}
  </div>
</${Panel}>`;

/** Every day from the first to the last, those without messages too: a gap is a fact. */
function everyDay(list) {
  const known = new Map(list.map((x) => [x.key, x]));
  const out = [];
  const [first, last] = [list[0].key, list.at(-1).key];
  for (let at = new Date(`${first}T12:00:00Z`); out.length < 400; at = new Date(at.getTime() + 864e5)) {
    const key = at.toISOString().slice(0, 10);
    out.push(known.get(key) ?? { key, messages: 0, delivered: 0, failed: 0, open: 0 });
    if (key >= last) break;
  }
  return out;
}

/** A bar a day: delivered, open, failed. */
const Days = ({ list }) => {
  const most = Math.max(1, ...list.map((x) => x.messages));
  return html`<div class="day-bars" role="img" aria-label=${t('stat.days')}>
    ${list.map((x) => html`<div
      key=${x.key}
      class="day-bar"
      title=${`${x.key} · ${t('stat.messages')} ${x.messages} · ${t('sms.failed')} ${x.failed}`}
    >
      <span class="stack">
        <i class="f" style=${{ height: `${(x.failed / most) * 100}%` }}></i>
        <i class="o" style=${{ height: `${(x.open / most) * 100}%` }}></i>
        <i class="d" style=${{ height: `${(x.delivered / most) * 100}%` }}></i>
      </span>
      <small class="num">${list.length <= 16 || x.key.endsWith('-01') || x.key.endsWith('-15') ? x.key.slice(5) : ''}</small>
    </div>`)}
  </div>`;
};

const Platforms = ({ s }) => html`<${Panel} icon="send" title=${t('stat.platforms')} meta=${s.orphans ? t('stat.orphans', { n: s.orphans }) : ''}>
  <ul class="scroll kb-rows">
    ${s.platforms.map((p) => html`<li key=${p.name} class="callback">
      <p class="kb-title">
        <b>${clean(p.name, 20)}</b> <span class="mut">${clean(p.kind, 16)}</span>
        <span class="grow"></span>
        <${Tag} kind=${p.ok ? 'good' : 'bad'} icon=${p.ok ? 'check' : 'alert'}>
          ${t(p.ok ? 'stat.ok' : 'stat.away')}
        </${Tag}>
      </p>
      <p class="kb-facts num">
        ${t('stat.waiting', { n: p.waiting })} · ${t('stat.unsure', { n: p.unsure })} ·${' '}
        ${p.last_callback ? t('stat.lastCallback', { time: when(p.last_callback, minute.value) }) : t('stat.noCallback')}
      </p>
      ${p.ok ? null : html`<p class="bad">${clean(pick(p.text, p.text_en), 120)}</p>`}
    </li>`)}
    ${s.platforms.length === 0 ? html`<li class="say">${t('stat.noPlatforms')}</li>` : null}
  </ul>
</${Panel}>`;

export function Statistics() {
  useEffect(() => {
    read();
  }, [days.value]);
  const s = told.value;
  if (s === null)
    return html`<${Panel}>
      <${Loading} lines=${6} />
    </${Panel}>`;
  if (s.why)
    return html`<${Panel}>
      <p class="say center">${s.why}</p>
    </${Panel}>`;
  return html`<div class="stats">
    <${Panel}
      icon="chart"
      title=${t('msg.tab.statistics')}
      meta=${t('stat.asOf', { time: clockTime(s.until) })}
      class="stat-all"
      tools=${
        html`
          <span class="legend">
            <span>
              <i class="lg-d"></i>
              ${t('sms.delivered')}
            </span>
            <span>
              <i class="lg-o"></i>
              ${t('stat.open')}
            </span>
            <span>
              <i class="lg-f"></i>
              ${t('sms.failed')}
            </span>
          </span>
          <${Segments}
            name="days"
            label=${t('price.periods')}
            value=${days.value}
            options=${DAYS.map((n) => [n, n === 1 ? t('stat.day') : t('stat.lastDays', { n })])}
            onInput=${(n) => {
              days.value = n;
            }}
          />
          <button type="button" class="btn s ico" aria-label=${t('msg.again')} title=${t('msg.again')} onClick=${read}>
            <${Icon} n="history" />
          </button>
        `
      }
    >
      <${Figures} all=${s.total} currency=${status.value?.currency ?? 'CNY'} />
      ${s.days.length ? html`<${Days} list=${everyDay(s.days)} />` : html`<p class="say">${t('stat.none')}</p>`}
    </${Panel}>
    <${Tallies} title=${t('stat.byPlatform')} icon="send" rows=${s.platforms} first=${t('msg.platform')} />
    <${Tallies} title=${t('stat.byTemplate')} icon="note" rows=${s.templates} first=${t('msg.template')} />
    <${Panel} icon="alert" title=${t('stat.errors')}>
      <div class="scroll">
        <table class="num">
          <thead>
            <tr>
              <th>${t('msg.platform')}</th>
              <th>${t('stat.code')}</th>
              <th>${t('stat.meaning')}</th>
              <th class="r">${t('stat.messages')}</th>
            </tr>
          </thead>
          <tbody>
            ${s.errors.map((e) => html`<tr key=${`${e.platform} ${e.code}`}>
              <td>${clean(e.platform, 16)}</td>
              <td class="cut" title=${clean(e.code, 80)}>
                ${clean(e.code, 30)}
              </td>
              <td class="cut" title=${clean(pick(e.text, e.text_en), 200)}>
                ${clean(pick(e.text, e.text_en), 60)}
              </td>
              <td class="r">${e.messages}</td>
            </tr>`)}
          </tbody>
        </table>
        ${s.errors.length === 0 ? html`<p class="say">${t('stat.noErrors')}</p>` : null}
      </div>
    </${Panel}>
    ${status.value ? html`<${Platforms} s=${status.value} />` : null}
  </div>`;
}
