// 询价报价: the lane's price over the weeks, then what we offered; the form of a new offer takes the list's place.
import { html, useSignal, useEffect } from '../lib.js';
import { Panel, SectionBody, SectionFlag, sectionMeta, Loading } from '../ui/panel.js';
import { Tag, Foreign, Icon } from '../ui/marks.js';
import { Lane } from '../ui/charts.js';
import { t } from '../i18n.js';
import { clean, clockTime, currencySign, daysAgo, money, shortDate, toEpoch } from '../format.js';
import { me, minute } from '../session.js';
import { draftOf } from '../drafts.js';
import { toast, whyNot } from '../toast.js';
import { quotes } from '../api-customers.js';
import { emptyOffer, typedFrom } from '../trade/offer.js';
import { chargeName, readChoices } from '../trade/choices.js';
import { OfferForm, openOffer } from './offer.js';

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

const Row = ({ q, now, open, onOpen }) => {
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
  return html`<tr class=${`pick${isClosed(q) ? ' closed' : ''}${open ? ' open' : ''}`} onClick=${onOpen}>
    <td title=${clean(q.number ?? '', 40)}>
      <button
        type="button"
        class=${`link plain${strong ? ' strong' : ''}`}
        aria-expanded=${open}
        onClick=${(e) => {
          e.stopPropagation();
          onOpen();
        }}
      >
        <${Foreign} text=${q.pol || q.pod ? `${q.pol || '–'}→${q.pod || '–'}` : q.number} limit=${18} />
      </button>
    </td>
    <td class="cut" title=${boxes || clean(q.note ?? '', 80)}>
      ${boxes || clean(q.note ?? '', 24) || '–'}
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

const sums = (list) => (list ?? []).map((m) => `${currencySign(m.currency)}${money(m.amount)}`).join(' + ') || '–';

/** One offer in full: its charges per container type, what it comes to, and what can be done with it. */
function Facts({ pop, q, mayEdit }) {
  const sheet = useSignal(null);
  useEffect(() => {
    readChoices();
    quotes.one(pop.party.id, q.id).then((answer) => {
      sheet.value = answer.ok ? answer.body : { why: whyNot(answer) };
    });
  }, [q]);
  const told = sheet.value;
  const setStatus = async (status) => {
    const answer = await quotes.status(pop.party.id, q.id, status, null);
    if (!answer.ok) toast(whyNot(answer), { bad: true });
  };
  return html`<tr class="facts">
    <td colspan="7">
      ${told === null ? html`<${Loading} lines=${2} />` : told.why ? html`<p class="mut">${told.why}</p>` : html`
        <dl class="offer-facts num">
          ${(told.total?.containers ?? []).map((box) => html`<div key=${box.container}>
            <dt>
              <b>
                ${clean(box.container, 8)}×${box.count}
              </b>${' '}
              ${t('offer.each')} ${sums(box.each)}
            </dt>
            <dd>
              ${told.charges
                .filter((c) => c.basis === 'container' && (!c.container || c.container === box.container))
                .map((c, i) => html`<span key=${i}>
                  ${chargeName(c)} ${currencySign(c.currency)}
                  ${money(c.price)}
                </span>`)}
            </dd>
          </div>`)}
          ${told.total?.shared?.length ? html`<div>
            <dt>
              ${t('offer.shared')} ${sums(told.total.shared)}
            </dt>
            <dd>
              ${told.charges
                .filter((c) => !['container', 'teu'].includes(c.basis))
                .map((c, i) => html`<span key=${i}>
                  ${chargeName(c)} ${currencySign(c.currency)}
                  ${money(c.price)}/${t(`basis.${c.basis}`)}
                </span>`)}
            </dd>
          </div>` : null}
        </dl>
        ${q.note ? html`<p class="offer-said">
          <${Foreign} text=${q.note} limit=${400} />
        </p>` : null}
        <p class="offer-acts">
          <span class="mut num">
            ${clean(q.number ?? '', 20)} · ${clean(q.by ?? '', 12)}
          </span>
          <span class="grow"></span>
          ${told.total ? html`<span class="num">
            ${t('offer.total')} <b>${sums(told.total.total)}</b>
          </span>` : null}
          ${mayEdit ? html`
            ${['sent', 'won', 'lost']
              .filter((x) => x !== q.status)
              .map((x) => html`<button type="button" key=${x} class="btn s" onClick=${() => setStatus(x)}>
                ${t(`offer.set.${x}`)}
              </button>`)}
            <button type="button" class="btn s" onClick=${() => openOffer(pop, typedFrom(told, { asNew: true }))}>
              ${t('offer.again')}
            </button>
            <button type="button" class="btn s" onClick=${() => openOffer(pop, typedFrom(told))}>
              <${Icon} n="edit" /> ${t('profile.edit')}
            </button>
          ` : null}
        </p>
      `}
    </td>
  </tr>`;
}

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
  const opened = useSignal(null);
  const writing = pop.party && draftOf(pop).values.value.quote !== undefined;
  const mayEdit = pop.party && (me.value?.rights ?? []).includes('edit');
  const often = {};
  for (const r of [...section.items, ...(pop.sections.business?.items ?? [])])
    for (const port of [r.pol, r.pod]) if (port) often[port] = (often[port] ?? 0) + 1;
  const likeLast = async () => {
    const answer = await quotes.one(pop.party.id, rows[0].id);
    if (answer.ok) openOffer(pop, typedFrom(answer.body, { asNew: true }));
    else toast(whyNot(answer), { bad: true });
  };
  const tools = html`
    <${SectionFlag} section=${section} pop=${pop} />
    ${mayEdit && !writing ? html`
      ${rows.length ? html`<button type="button" class="btn s" onClick=${likeLast}>
        ${t('offer.likeLast')}
      </button>` : null}
      <button type="button" class="btn s" onClick=${() => openOffer(pop)}>
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
    ${writing ? html`<${OfferForm} key=${pop.id} pop=${pop} often=${often} />` : html`<div class="scroll">
      <${SectionBody}
        section=${section}
        lines=${3}
        empty=${
          mayEdit ? html`
            ${t('quote.empty')}${' '}
            <button type="button" class="link" onClick=${() => openOffer(pop, emptyOffer())}>
              ${t('offer.first')}
            </button>
          ` : (
            t('quote.empty')
          )
        }
      >
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
            ${rows.map((q, i) => html`
              <${Row}
                key=${q.id ?? i}
                q=${q}
                now=${now}
                open=${opened.value === q.id}
                onOpen=${() => {
                  opened.value = opened.value === q.id || !pop.party ? null : q.id;
                }}
              />
              ${opened.value === q.id && pop.party ? html`<${Facts} key=${`f${q.id}`} pop=${pop} q=${q} mayEdit=${mayEdit} />` : null}
            `)}
          </tbody>
        </table>
      </${SectionBody}>
    </div>`}
  </${Panel}>`;
}
