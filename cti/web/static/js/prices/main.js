// 运价: how the price of a lane went over closed deals, as a chart and as a table; which lanes there are.
import { html, signal, effect, useEffect } from '../lib.js';
import { openPage } from '../ui/page.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Foreign, Tag } from '../ui/marks.js';
import { Pick, Segments } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean, currencySign, money, shortDate } from '../format.js';
import { minute } from '../session.js';
import { freight } from '../api-customers.js';
import { whyNot } from '../toast.js';
import { useKeys } from '../keys.js';
import { PortField } from '../trade/portfield.js';
import { Course, periodName } from './course.js';

const PERIODS = { week: [13, 26, 52, 104], month: [6, 12, 24, 36] };
const given = new URLSearchParams(location.search);
const word = (key) => clean(given.get(key) ?? '', 60);

/** What is asked for: it stands in the address. */
const asked = signal({
  pol: word('pol'),
  pod: word('pod'),
  container: word('container'),
  currency: word('currency'),
  per: given.get('per') === 'month' ? 'month' : 'week',
  periods: Number(given.get('periods')) || (given.get('per') === 'month' ? 12 : 26),
});
const told = signal(null); // {of, prices, kinds, text, text_en, why}
const lanes = signal(null);
const pointed = signal(null); // the period under the pointer, in chart and table alike
let serial = 0;

const ask = (values) => {
  const next = { ...asked.value, ...values };
  if (values.per && values.per !== asked.value.per) [, next.periods] = PERIODS[values.per];
  if (values.pol !== undefined || values.pod !== undefined) next.container = next.currency = '';
  asked.value = next;
};

async function read(q) {
  serial += 1;
  const mine = serial;
  if (!q.pol.trim() || !q.pod.trim()) {
    told.value = null;
    return;
  }
  const answer = await freight.prices(q);
  if (mine !== serial) return;
  pointed.value = null;
  told.value = answer.ok ? answer.body : { prices: null, kinds: [], why: whyNot(answer) };
}

let timer = 0;
effect(() => {
  const q = asked.value;
  const shown = Object.entries(q).filter(([, v]) => v);
  history.replaceState(null, '', shown.length ? `?${new URLSearchParams(shown)}` : location.pathname);
  clearTimeout(timer);
  timer = setTimeout(() => read(q), told.peek() ? 250 : 0);
});

async function readLanes() {
  const answer = await freight.lanes(365, 100);
  lanes.value = answer.ok ? answer.body.lanes : [];
  const first = lanes.value[0];
  if (first && !asked.value.pol && !asked.value.pod) ask({ pol: first.pol, pod: first.pod });
}

const Tools = () => {
  const q = asked.value;
  const kinds = told.value?.kinds ?? [];
  const shown = told.value?.prices;
  const container = q.container || shown?.container || '';
  const currency = q.currency || shown?.currency || '';
  const boxes = [...new Map(kinds.map((k) => [k.container, k])).keys()];
  const coins = kinds.filter((k) => k.container === container);
  return html`<section class="panel ask" aria-label=${t('price.ask')}>
    <${PortField} name="pol" label=${t('biz.pol')} placeholder=${t('biz.pol')} value=${q.pol} onInput=${(x) => ask({ pol: x })} />
    <button
      type="button"
      class="btn ghost ico"
      aria-label=${t('price.swap')}
      title=${t('price.swap')}
      onClick=${() => ask({ pol: q.pod, pod: q.pol })}
    >
      <${Icon} n="swap" />
    </button>
    <${PortField} name="pod" label=${t('biz.pod')} placeholder=${t('biz.pod')} value=${q.pod} onInput=${(x) => ask({ pod: x })} />
    <span class="sep"></span>
    ${boxes.length > 6 ? html`<${Pick}
      label=${t('quote.boxes')}
      value=${container}
      options=${boxes.map((b) => [b, clean(b, 10)])}
      onInput=${(x) => ask({ container: x, currency: '' })}
    />` : html`<${Segments}
      name="container"
      label=${t('quote.boxes')}
      value=${container}
      options=${boxes.map((b) => [b, clean(b, 10)])}
      onInput=${(x) => ask({ container: x, currency: '' })}
    />`}
    ${coins.length > 1 ? html`<${Segments}
      name="currency"
      label=${t('offer.currency')}
      value=${currency}
      options=${coins.map((k) => [k.currency, `${k.currency} ${k.n}`])}
      onInput=${(x) => ask({ container, currency: x })}
    />` : null}
    <span class="grow"></span>
    <${Segments}
      name="per"
      label=${t('price.per')}
      value=${q.per}
      options=${['week', 'month'].map((x) => [x, t(`price.per.${x}`)])}
      onInput=${(x) => ask({ per: x })}
    />
    <${Pick}
      label=${t('price.periods')}
      value=${String(q.periods)}
      options=${PERIODS[q.per].map((n) => [String(n), t(`price.last.${q.per}`, { n })])}
      onInput=${(x) => ask({ periods: Number(x) })}
    />
  </section>`;
};

const Lanes = () => {
  useEffect(() => {
    readLanes();
  }, []);
  const list = lanes.value;
  const same = (lane) => lane.pol === asked.value.pol && lane.pod === asked.value.pod;
  return html`<${Panel} icon="ship" title=${t('price.lanes')} meta=${t('price.lanesSay')}>
    <ul class="scroll">
      ${list === null ? html`<${Loading} lines=${6} />` : list.length === 0 ? html`<li class="say">${t('price.noLanes')}</li>` : (
        list.map((lane) => html`<li key=${`${lane.pol}→${lane.pod}`}>
          <button
            type="button"
            class=${`lane-row${same(lane) ? ' sel' : ''}`}
            aria-current=${same(lane) ? 'true' : undefined}
            onClick=${() => ask({ pol: lane.pol, pod: lane.pod })}
          >
            <span class="cut">
              <${Foreign} text=${`${lane.pol}→${lane.pod}`} limit=${24} />
            </span>
            <span class="num mut">${t('price.deals', { n: lane.n })}</span>
          </button>
        </li>`)
      )}
    </ul>
  </${Panel}>`;
};

const Change = ({ value }) =>
  value === null || value === undefined ? html`<dd class="mut">–</dd>` : html`<dd class=${Math.abs(value) < 0.005 ? '' : value > 0 ? 'warn' : 'good'}>
    ${value > 0 ? '+' : value < 0 ? '−' : ''}
    ${Math.abs(value * 100).toFixed(1)}%
  </dd>`;

const Figures = ({ p }) => {
  const sign = currencySign(p.currency);
  const one = (key, value, extra) => html`<div key=${key} class=${extra ?? ''}>
    <dt>${t(`price.${key}`)}</dt>
    <dd>${value}</dd>
  </div>`;
  return html`<dl class="price-figures num">
    ${one('median', `${sign}${money(p.median)}`, 'main')}
    ${one('n', p.n)}
    ${one('min', money(p.min))}
    ${one('p25', money(p.p25))}
    ${one('p75', money(p.p75))}
    ${one('max', money(p.max))}
    <div>
      <dt>
        ${t('price.last')} ${shortDate(p.last_at, minute.value)}
      </dt>
      <dd>${money(p.last)}</dd>
    </div>
    <div>
      <dt>${t(`price.change.${p.per}`)}</dt>
      <${Change} value=${p.change} />
    </div>
    <div>
      <dt>${t('price.year')}</dt>
      <${Change} value=${p.year} />
    </div>
  </dl>`;
};

/** What was left out, and why: nobody has to guess whether a figure is whole. */
const LeftOut = ({ p }) => html`<p class="left-out num">
  <span class=${p.cut ? 'warn' : 'mut'}>${p.cut ? t('price.cut', { n: p.cut }) : t('price.noCut')}</span>
  ${p.other_currency ? html`<span>${t('price.other', { n: p.other_currency })}</span>` : null}
  ${p.mixed ? html`<span>${t('price.mixed', { n: p.mixed })}</span>` : null}
  <span class="grow"></span>
  <span class="mut">${t('price.rule')}</span>
</p>`;

const COLUMNS = ['n', 'min', 'p25', 'median', 'p75', 'max', 'last', 'moving', 'spread'];
const Table = ({ p }) => {
  const spread = p.periods.some((x) => x.spread !== null);
  const columns = COLUMNS.filter((c) => c !== 'spread' || spread);
  return html`<div class="scroll">
    <table class="num price-table">
      <thead>
        <tr>
          <th>${t(`price.period.${p.per}`)}</th>
          ${columns.map((c) => html`<th key=${c} class="r" title=${t(`price.${c}.say`)}>
            ${t(`price.${c}`)}
          </th>`)}
        </tr>
      </thead>
      <tbody>
        ${[...p.periods].reverse().map((x) => html`<tr
          key=${x.at}
          class=${pointed.value === x.at ? 'sel' : ''}
          onPointerEnter=${() => {
            pointed.value = x.at;
          }}
          onPointerLeave=${() => {
            pointed.value = null;
          }}
        >
          <td>${periodName(x.at, p.per)}</td>
          ${columns.map((c) => html`<td key=${c} class="r">
            ${c === 'median' ? html`<b>${money(x.median)}</b>` : c === 'n' ? x.n : money(x[c])}
          </td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`;
};

const Shown = () => {
  const answer = told.value;
  const p = answer?.prices;
  const q = asked.value;
  const title = p ? `${clean(p.pol, 20)}→${clean(p.pod, 20)} ${clean(p.container, 8)}` : t('nav.prices');
  if (!p) {
    const say =
      !q.pol || !q.pod ? t('price.pick') : answer === null ? null : answer.why || clean(pick(answer.text, answer.text_en), 120);
    return html`<${Panel} icon="chart" title=${title} class="price-none">
      ${say === null ? html`<${Loading} lines=${5} />` : html`<p class="say center">${say}</p>`}
    </${Panel}>`;
  }
  return html`
    <${Panel}
      icon="chart"
      title=${title}
      meta=${`${currencySign(p.currency)}/${t('quote.box')}`}
      tools=${
        html`<span class="legend">
          <span>
            <i class="lg-band"></i>
            ${t('price.legend.band')}
          </span>
          <span>
            <i class="lg-line"></i>
            ${t('price.median')}
          </span>
          <span>
            <i class="lg-moving"></i>
            ${t('price.moving')}
          </span>
          <span>
            <i class="lg-range"></i>
            ${t('price.legend.range')}
          </span>
        </span>`
      }
    >
      <${Figures} p=${p} />
      <${Course} p=${p} pointed=${pointed} label=${t('quote.chart', { lane: title })} />
      <${LeftOut} p=${p} />
    </${Panel}>
    <${Panel}
      icon="list"
      title=${t('price.table')}
      meta=${t('price.tableSay')}
      tools=${p.periods.length < q.periods ? html`<${Tag}>${t('price.hidden', { n: q.periods - p.periods.length })}</${Tag}>` : null}
    >
      ${p.periods.length ? html`<${Table} p=${p} />` : html`<p class="say">${t('price.noPeriods')}</p>`}
    </${Panel}>
  `;
};

const Body = () => {
  useKeys({
    '/': () => document.querySelector('.ask input')?.select(),
  });
  return html`
    <${Tools} />
    <${Lanes} />
    <div class="col price-cols">
      <${Shown} />
    </div>
  `;
};

openPage({
  page: 'prices',
  keys: [
    ['/', 'price.pick'],
    ['↑ ↓ ↵', 'kb.choose'],
    ['?', 'key.help'],
  ],
  Body,
});
