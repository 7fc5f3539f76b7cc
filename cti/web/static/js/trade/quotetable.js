// 询价报价 as a table: a row each, and one of them in full with its charges and what can be done with it.
import { html, useSignal, useEffect } from '../lib.js';
import { Loading } from '../ui/panel.js';
import { Tag, Foreign, Icon } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean, clockTime, currencySign, daysAgo, money, shortDate, toEpoch } from '../format.js';
import { toast, whyNot } from '../toast.js';
import { quotes } from '../api-customers.js';
import { typedFrom } from './offer.js';
import { chargeName, readChoices, sums } from './choices.js';
import { openOffer } from './offerform.js';

const LOOK = { open: ['warn'], sent: ['info'], won: ['good', 'check'], lost: [''], expired: [''] };
export const isClosed = (q) => ['won', 'lost', 'expired'].includes(q.status);

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

/** One offer in full: its charges per container type, what it comes to, and what can be done with it. */
function Facts({ party, draft, q, mayEdit, onChanged }) {
  const sheet = useSignal(null);
  useEffect(() => {
    readChoices();
    quotes.one(party, q.id).then((answer) => {
      sheet.value = answer.ok ? answer.body : { why: whyNot(answer) };
    });
  }, [q]);
  const told = sheet.value;
  const setStatus = async (status) => {
    const answer = await quotes.status(party, q.id, status, null);
    if (answer.ok) onChanged?.();
    else toast(whyNot(answer), { bad: true });
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
            <button type="button" class="btn s" onClick=${() => openOffer(draft, typedFrom(told, { asNew: true }))}>
              ${t('offer.again')}
            </button>
            <button type="button" class="btn s" onClick=${() => openOffer(draft, typedFrom(told))}>
              <${Icon} n="edit" /> ${t('profile.edit')}
            </button>
          ` : null}
        </p>
      `}
    </td>
  </tr>`;
}

/** At most one row a quote: what is still open first, then by date. */
export const sortQuotes = (items) =>
  [...items].sort((a, b) => (isClosed(a) ? 1 : 0) - (isClosed(b) ? 1 : 0) || (toEpoch(b.at) ?? 0) - (toEpoch(a.at) ?? 0));

/** `party` is the customer's id, null where nobody is chosen; `draft` takes an offer that is to be changed. */
export function QuoteTable({ rows, party, draft, mayEdit, now, onChanged }) {
  const opened = useSignal(null);
  return html`<table class="num quote-table">
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
            opened.value = opened.value === q.id || !party ? null : q.id;
          }}
        />
        ${opened.value === q.id && party ? html`<${Facts} key=${`f${q.id}`} party=${party} draft=${draft} q=${q} mayEdit=${mayEdit} onChanged=${onChanged} />` : null}
      `)}
    </tbody>
  </table>`;
}
