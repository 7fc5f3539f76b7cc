// 业务记录 as a table with one record in full, and the form of a new one with its twelve fields.
import { html, useSignal } from '../lib.js';
import { Tag, Foreign, Key } from '../ui/marks.js';
import { Text, Segments } from '../ui/field.js';
import { t } from '../i18n.js';
import { clean, currencySign, money, shortDate } from '../format.js';
import { api } from '../api.js';
import { useKeys } from '../keys.js';
import { toast, whyNot } from '../toast.js';

const DAY_S = 86400;
const closedWord = (r) => (r.closed === 'won' || r.closed === 'lost' ? r.closed : null);
/** Days that the arrival has moved behind the first promise. */
const daysLate = (r) => (r.eta && r.eta_planned ? Math.round((r.eta - r.eta_planned) / DAY_S) : 0);
/** Under way, from the dates alone: the site's own words for a state are not ours to understand. */
export const underWay = (r, now) => r.closed !== 'lost' && Boolean(r.eta) && r.eta > now - DAY_S;

const Status = ({ r, now }) => {
  const late = daysLate(r) > 0 && underWay(r, now);
  const look = late ? 'bad' : underWay(r, now) ? 'info' : '';
  if (r.status)
    return html`<${Tag} kind=${look} icon=${late ? 'alert' : undefined}>
      <${Foreign} text=${r.status} limit=${8} />
    </${Tag}>`;
  if (late)
    return html`<${Tag} kind="bad" icon="alert">
      ${t('biz.late', { n: daysLate(r) })}
    </${Tag}>`;
  const won = closedWord(r);
  return won ? html`<${Tag} kind=${won === 'won' ? 'good' : ''} icon=${won === 'won' ? 'check' : undefined}>
    ${t(`biz.${won}`)}
  </${Tag}>` : html`<span class="mut">${t('biz.open')}</span>`;
};

const Eta = ({ r, now }) => {
  if (!r.eta) return '–';
  if (daysLate(r) <= 0 || !underWay(r, now)) return shortDate(r.eta, now);
  return html`
    <s class="mut">${shortDate(r.eta_planned, now)}</s> <b class="bad">${shortDate(r.eta, now)}</b>
  `;
};

const Row = ({ r, now, open, onOpen }) => {
  const lane = [r.pol, r.pod]
    .filter(Boolean)
    .map((x) => clean(x, 12))
    .join('→');
  const price =
    r.price === null || r.price === undefined || r.price === ''
      ? '–'
      : `${r.currency && r.currency !== 'USD' ? currencySign(r.currency) : ''}${money(r.price)}`;
  return html`<tr class=${`pick${underWay(r, now) || r.closed === 'open' ? '' : ' closed'}${open ? ' open' : ''}`} onClick=${onOpen}>
    <td>
      <button
        type="button"
        class="link"
        aria-expanded=${open}
        onClick=${(e) => {
          e.stopPropagation();
          onOpen();
        }}
      >
        ${r.bl_no ? html`<${Foreign} text=${r.bl_no} limit=${16} />` : html`<span class="num">${shortDate(r.at, now)}</span>`}
      </button>
    </td>
    <td class="cut" title=${`${lane} ${clean(r.container ?? '')}`}>
      ${lane || '–'} ${clean(r.container ?? '', 12)}
    </td>
    <td class="cut">${r.vessel ? html`<${Foreign} text=${r.vessel} limit=${18} />` : '–'}</td>
    <td>${r.etd ? shortDate(r.etd, now) : '–'}</td>
    <td>
      <${Eta} r=${r} now=${now} />
    </td>
    <td class="r">${price}</td>
    <td>
      <${Status} r=${r} now=${now} />
    </td>
  </tr>`;
};

const FACTS = [
  'route',
  'places',
  'container',
  'floor_price',
  'price',
  'supplier',
  'price_date',
  'cargo',
  'transit_days',
  'schedule',
  'closed',
  'details',
];
const factOf = (r, key, now) => {
  const pair = (a, b) => (a || b ? `${clean(a ?? '–', 14)}→${clean(b ?? '–', 14)}` : '–');
  switch (key) {
    case 'route':
      return pair(r.pol, r.pod);
    case 'places':
      return pair(r.origin, r.destination);
    case 'price':
    case 'floor_price':
      return r[key] === null || r[key] === undefined || r[key] === '' ? '–' : `${currencySign(r.currency)}${money(r[key])}`;
    case 'price_date':
      return r.price_date ? shortDate(r.price_date, now) : '–';
    case 'transit_days':
      return r.transit_days ? t('quote.transit', { n: clean(r.transit_days, 8) }) : '–';
    case 'closed':
      return closedWord(r) ? t(`biz.${closedWord(r)}`) : '–';
    default:
      return clean(r[key] ?? '', 200) || '–';
  }
};

const Facts = ({ r, now }) => html`<tr class="facts">
  <td colspan="7">
    <dl class="kv three">
      ${FACTS.map((key) => html`
        <dt key=${`${key}t`} class=${key === 'details' ? 'wt' : ''}>
          ${t(`biz.${key}`)}
        </dt>
        <dd key=${key} class=${key === 'details' ? 'w' : ''} title=${factOf(r, key, now)}>
          ${factOf(r, key, now)}
        </dd>
      `)}
    </dl>
  </td>
</tr>`;

/** The new record. Every letter stands in the draft until it is saved; a frame never touches it. */
export function BusinessForm({ draft, party, last, onSaved }) {
  const values = draft.values.value.business ?? {};
  const busy = useSignal(false);
  const wrong = useSignal('');
  const set = (key) => (text) => draft.set('business', { ...(draft.get('business') ?? {}), [key]: text });
  const text = (key, extra = {}) => html`<${Text}
    name=${key}
    label=${t(`biz.${key}`)}
    value=${values[key]}
    onInput=${set(key)}
    wide=${extra.wide ?? 2}
    max=${120}
    ...${extra}
  />`;
  const cancel = () => {
    draft.set('business', undefined);
  };
  const save = async () => {
    if (busy.value) return;
    const filled = Object.fromEntries(Object.entries(draft.get('business') ?? {}).filter(([, v]) => v !== ''));
    if (!Object.keys(filled).length) {
      wrong.value = t('biz.emptySay');
      return;
    }
    busy.value = true;
    const answer = await api.addBusiness(party, filled);
    busy.value = false;
    if (answer.ok) {
      draft.set('business', undefined);
      toast(t('biz.saved'));
      onSaved?.();
      return;
    }
    wrong.value = whyNot(answer);
  };
  const sameAsLast = () => {
    const copied = {};
    for (const key of [
      'pol',
      'pod',
      'origin',
      'destination',
      'container',
      'supplier',
      'cargo',
      'transit_days',
      'schedule',
      'currency',
    ])
      if (last[key]) copied[key] = String(last[key]);
    draft.set('business', { ...copied, ...(draft.get('business') ?? {}) });
  };
  useKeys({
    'Ctrl+Enter': (e) => {
      if (!e.target.closest?.('.biz-form')) return false;
      save();
      return true;
    },
    Escape: (e) => {
      if (!e.target.closest?.('.biz-form') || Object.values(values).some(Boolean)) return false;
      cancel();
      return true;
    },
  });
  const pair = (label, a, b) => html`<div class="fieldset c4" role="group" aria-label=${label}>
    <span class="lab">${label}</span>
    <span class="pair">
      <input
        class="field"
        name=${a}
        aria-label=${t(`biz.${a}`)}
        maxlength="60"
        autocomplete="off"
        value=${values[a] ?? ''}
        onInput=${(e) => set(a)(e.currentTarget.value)}
      />
      <span aria-hidden="true">→</span>
      <input
        class="field"
        name=${b}
        aria-label=${t(`biz.${b}`)}
        maxlength="60"
        autocomplete="off"
        value=${values[b] ?? ''}
        onInput=${(e) => set(b)(e.currentTarget.value)}
      />
    </span>
  </div>`;
  return html`<div class="biz-form">
    <div class="form eight">
      ${pair(t('biz.route'), 'pol', 'pod')}
      ${pair(t('biz.places'), 'origin', 'destination')}
      ${text('container')}
      ${text('floor_price', { numeric: true })}
      ${text('price', { numeric: true })}
      ${text('supplier')}
      ${text('price_date', { placeholder: t('field.date') })}
      ${text('cargo')}
      ${text('transit_days', { numeric: true })}
      ${text('schedule')}
      ${text('details', { wide: 6, max: 1000 })}
      <div class="fieldset c2">
        <span class="lab">${t('biz.closed')}</span>
        <${Segments}
          name="closed"
          label=${t('biz.closed')}
          value=${values.closed}
          options=${[
            ['won', t('biz.won')],
            ['lost', t('biz.lost')],
            ['open', t('biz.open')],
          ]}
          onInput=${set('closed')}
        />
      </div>
    </div>
    <div class="form-acts">
      ${wrong.value ? html`<span class="bad" role="alert">
        ${wrong.value}
      </span>` : html`<span class="mut">${t('biz.any')}</span>`}
      <span class="grow"></span>
      ${last ? html`<button type="button" class="btn s" onClick=${sameAsLast}>
        ${t('biz.likeLast')}
      </button>` : null}
      <button type="button" class="btn s" onClick=${cancel}>
        ${t('cancel')}
      </button>
      <button type="button" class="btn s primary" disabled=${busy.value} onClick=${save}>
        ${t('save')}
        <${Key}>Ctrl ↵</${Key}>
      </button>
    </div>
  </div>`;
}

export function BusinessTable({ rows, now }) {
  const opened = useSignal(null);
  return html`<table class="num biz-table">
    <thead>
      <tr>
        <th>${t('biz.bl')}</th>
        <th>${t('biz.lane')}</th>
        <th>${t('biz.vessel')}</th>
        <th>${t('biz.etd')}</th>
        <th>${t('biz.eta')}</th>
        <th class="r">${t('biz.price')}</th>
        <th>${t('quote.status')}</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map((r, i) => html`
        <${Row}
          key=${r.id ?? i}
          r=${r}
          now=${now}
          open=${opened.value === r.id}
          onOpen=${() => {
            opened.value = opened.value === r.id ? null : r.id;
          }}
        />
        ${opened.value === r.id ? html`<${Facts} key=${`f${r.id}`} r=${r} now=${now} />` : null}
      `)}
    </tbody>
  </table>`;
}
