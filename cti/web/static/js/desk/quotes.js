// 询价报价: the lane's price over the weeks, then what we offered; the form of a new offer takes the list's place.
import { html } from '../lib.js';
import { Panel, SectionBody, SectionFlag, sectionMeta } from '../ui/panel.js';
import { Foreign, Icon } from '../ui/marks.js';
import { Lane } from '../ui/charts.js';
import { t } from '../i18n.js';
import { clean, currencySign, daysAgo, money, shortDate, toEpoch } from '../format.js';
import { me, minute } from '../session.js';
import { draftOf } from '../drafts.js';
import { toast, whyNot } from '../toast.js';
import { quotes } from '../api-customers.js';
import { emptyOffer, typedFrom } from '../trade/offer.js';
import { OfferForm, openOffer } from '../trade/offerform.js';
import { QuoteTable, isClosed, sortQuotes } from '../trade/quotetable.js';
import { intoMessage } from './message.js';

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
  const writing = pop.party && draftOf(pop).values.value.quote !== undefined;
  const mayEdit = pop.party && (me.value?.rights ?? []).includes('edit');
  const often = {};
  for (const r of [...section.items, ...(pop.sections.business?.items ?? [])])
    for (const port of [r.pol, r.pod]) if (port) often[port] = (often[port] ?? 0) + 1;
  const likeLast = async () => {
    const answer = await quotes.one(pop.party.id, rows[0].id);
    if (answer.ok) openOffer(draftOf(pop), typedFrom(answer.body, { asNew: true }));
    else toast(whyNot(answer), { bad: true });
  };
  const tools = html`
    <${SectionFlag} section=${section} pop=${pop} />
    ${mayEdit && !writing ? html`
      ${rows.length ? html`<button type="button" class="btn s" onClick=${likeLast}>
        ${t('offer.likeLast')}
      </button>` : null}
      <button type="button" class="btn s" onClick=${() => openOffer(draftOf(pop))}>
        <${Icon} n="plus" />
        ${t('offer.new')}
      </button>
    ` : null}
  `;
  const number = writing ? draftOf(pop).values.value.quote.number : null;
  return html`<${Panel}
    id="sec-quotes"
    icon="tag"
    title=${t('sec.quotes')}
    meta=${writing ? (number ? clean(number, 20) : t('offer.newSay')) : meta}
    k="1"
    class=${`quotes${writing ? ' writing' : ''}`}
    tools=${tools}
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
    ${writing ? html`<${OfferForm}
      key=${pop.id}
      draft=${draftOf(pop)}
      party=${pop.party.id}
      often=${often}
      onWords=${(text) => intoMessage(pop, text)}
    />` : html`<div class="scroll">
      <${SectionBody}
        section=${section}
        lines=${3}
        empty=${
          mayEdit ? html`
            ${t('quote.empty')}${' '}
            <button type="button" class="link" onClick=${() => openOffer(draftOf(pop), emptyOffer())}>
              ${t('offer.first')}
            </button>
          ` : (
            t('quote.empty')
          )
        }
      >
        <${QuoteTable} rows=${rows} party=${pop.party?.id ?? null} draft=${draftOf(pop)} mayEdit=${mayEdit} now=${now} />
      </${SectionBody}>
    </div>`}
  </${Panel}>`;
}
