// 询价报价: the lane's price over the weeks, then what we offered.
import { html } from '../lib.js';
import { Panel, SectionBody, SectionFlag, sectionMeta } from '../ui/panel.js';
import { Tag, Foreign } from '../ui/marks.js';
import { Lane } from '../ui/charts.js';
import { t } from '../i18n.js';
import { clean, clockTime, currencySign, daysAgo, money, shortDate, toEpoch } from '../format.js';
import { minute } from '../session.js';

const LOOK = { open: ['warn'], sent: ['info'], won: ['good', 'check'], lost: [''], expired: [''] };
const isClosed = (q) => ['won', 'lost', 'expired'].includes(q.status);

const Until = ({ q, now }) => {
  const until = toEpoch(q.valid_until);
  if (until === null) return '–';
  if (isClosed(q)) return shortDate(until, now);
  const days = -daysAgo(until, now);
  if (days < 0)
    return html`<span class="mut">
      ${shortDate(until, now)} ${t('quote.over')}
    </span>`;
  if (days === 0) {
    const d = new Date(until * 1000);
    const atTime = d.getHours() + d.getMinutes() > 0;
    return html`<span class="warn">
      <b>
        ${t('day.today')}
        ${atTime ? ` ${clockTime(until)}` : ''}
      </b>${' '}
      ${atTime && until > now ? t('quote.hours', { n: Math.ceil((until - now) / 3600) }) : t('quote.lastDay')}
    </span>`;
  }
  return html`
    ${shortDate(until, now)} <span class=${days <= 3 ? 'warn' : 'mut'}>${t('quote.days', { n: days })}</span>
  `;
};

const Row = ({ q, now }) => {
  const lines = q.lines ?? [];
  const first = lines[0] ?? {};
  const boxes = lines.map((l) => `${clean(l.container, 8)}${l.count ? `×${l.count}` : ''}`).join(' ');
  const [kind, icon] = LOOK[q.status] ?? [''];
  const facts = [
    q.carrier && clean(q.carrier, 14),
    q.transit_days ? t('quote.transit', { n: q.transit_days }) : null,
    q.schedule && clean(q.schedule, 10),
  ]
    .filter(Boolean)
    .join(' · ');
  const due = toEpoch(q.valid_until);
  const strong = !isClosed(q) && due !== null && daysAgo(due, now) === 0; // something to do today
  const sign = q.currency && q.currency !== 'USD' ? currencySign(q.currency) : '';
  return html`<tr class=${isClosed(q) ? 'closed' : ''}>
    <td title=${clean(q.number ?? '', 40)}>
      <span class=${strong ? 'strong' : ''}>
        <${Foreign} text=${`${q.pol ?? '–'}→${q.pod ?? '–'}`} limit=${18} />
      </span>
    </td>
    <td class="cut" title=${boxes}>
      ${boxes || '–'}
    </td>
    <td class="r">
      ${strong ? html`<b>
        ${sign}
        ${money(first.freight)}
      </b>` : (
        `${sign}${money(first.freight)}`
      )}
    </td>
    <td class="r">
      ${sign}
      ${money(first.all_in)}
    </td>
    <td class="cut" title=${facts}>
      ${facts || '–'}
    </td>
    <td>
      <${Until} q=${q} now=${now} />
    </td>
    <td>
      <${Tag} kind=${kind} icon=${icon}>
        ${t(`quote.${q.status}`)}
      </${Tag}>
    </td>
  </tr>`;
};

const Head = ({ trend }) => {
  const sign = currencySign(trend.currency) || '';
  return html`<dl>
    <div>
      <dt>
        <${Foreign} text=${`${trend.pol}→${trend.pod} ${trend.container}`} limit=${24} />
      </dt>
      <dd class="mut">
        ${sign}/${t('quote.box')}
      </dd>
    </div>
    <div>
      <dt>${t('quote.ours')}</dt>
      <dd class="big">${money(trend.ours)}</dd>
    </div>
    <div>
      <dt>
        ${t('quote.lastDeal')} ${trend.last ? shortDate(trend.last.at, minute.value) : ''}
      </dt>
      <dd>${trend.last ? money(trend.last.price) : '–'}</dd>
    </div>
    <div>
      <dt>
        ${t('quote.median')} <span class="num">n=${trend.n}</span>
      </dt>
      <dd>
        ${money(trend.median)}${' '}
        ${Math.abs(trend.change ?? 0) >= 0.005 ? html`<span class=${trend.change > 0 ? 'warn' : 'good'}>
          ${trend.change > 0 ? '+' : '−'}
          ${Math.abs(trend.change * 100).toFixed(1)}%
        </span>` : null}
      </dd>
    </div>
  </dl>`;
};

/** At most one row a quote: what is still open first, then by date. */
export const sortQuotes = (items) =>
  [...items].sort((a, b) => (isClosed(a) ? 1 : 0) - (isClosed(b) ? 1 : 0) || (toEpoch(b.at) ?? 0) - (toEpoch(a.at) ?? 0));

export function QuotesPanel({ pop, section }) {
  const now = minute.value;
  const rows = sortQuotes(section.items);
  const open = rows.filter((q) => !isClosed(q));
  const ends = open.filter((q) => toEpoch(q.valid_until) !== null && daysAgo(toEpoch(q.valid_until), now) === 0).length;
  const meta = sectionMeta(section, () =>
    [t('quote.count', { n: open.length }), ends ? t('quote.ends', { n: ends }) : null].filter(Boolean).join(' · '),
  );
  const trend = section.trend && section.trend.n >= 3 && section.trend.points?.length > 1 ? section.trend : null;
  const loading = section.state === 'loading' && rows.length === 0;
  return html`<${Panel}
    id="sec-quotes"
    icon="tag"
    title=${t('sec.quotes')}
    meta=${meta}
    k="1"
    class="quotes"
    tools=${html`<${SectionFlag} section=${section} pop=${pop} />`}
  >
    <div class="lanehd">
      ${trend ? html`
        <${Head} trend=${trend} />
        <${Lane}
          trend=${trend}
          label=${t('quote.chart', { lane: `${clean(trend.pol)}→${clean(trend.pod)} ${clean(trend.container)}` })}
          words=${{ month: (m) => t('month', { m }), ours: t('quote.ours'), last: t('quote.lastDeal') }}
        />
      ` : loading ? null : html`<p class="say center">${section.state === 'ready' || section.state === 'empty' ? t('quote.few') : ''}</p>`}
    </div>
    <div class="scroll">
      <${SectionBody} section=${section} lines=${3} empty=${t('quote.empty')}>
        <table class="num quote-table">
          <thead>
            <tr>
              <th>${t('quote.lane')}</th>
              <th>${t('quote.boxes')}</th>
              <th class="r">${t('quote.freight')}</th>
              <th class="r">${t('quote.allIn')}</th>
              <th>${t('quote.carrier')}</th>
              <th>${t('quote.until')}</th>
              <th>${t('quote.status')}</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map((q, i) => html`<${Row} key=${q.id ?? i} q=${q} now=${now} />`)}
          </tbody>
        </table>
      </${SectionBody}>
    </div>
  </${Panel}>`;
}
