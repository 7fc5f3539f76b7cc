// An enquiry taken or a quote made: lane, containers, charges per container type, and what it comes to. Every letter stands
// in the draft (a call's, or a page's) until it is saved.
import { html, useSignal, useEffect, useRef } from '../lib.js';
import { Icon, Key } from '../ui/marks.js';
import { usePaused } from '../ui/field.js';
import { Menu, Item } from '../ui/menu.js';
import { t, pick } from '../i18n.js';
import { clean, shortDate } from '../format.js';
import { minute, cutOff } from '../session.js';
import { useKeys } from '../keys.js';
import { toast, whyNot } from '../toast.js';
import { quotes } from '../api-customers.js';
import { newKey } from '../api-messages.js';
import { PortField } from './portfield.js';
import { choices, chargeName, readChoices, sums } from './choices.js';
import { bodyOf, chargesOf, emptyOffer, inDays, isBlank, perBox, wrongIn, endOfDay } from './offer.js';

const COUNT_MS = 200;
const BASES = ['container', 'bl', 'shipment', 'cbm', 'ton', 'wm'];
const STATES = ['open', 'sent', 'won', 'lost'];

/** Open the form: empty, or with what is given. What was being typed stays. */
export function openOffer(draft, given) {
  if (!draft.get('quote') || given) draft.set('quote', { key: newKey(), ...(given ?? emptyOffer()) });
  requestAnimationFrame(() => document.querySelector('.offer-form input')?.focus());
}

/** The offer in one sentence, for a text message. */
const inWords = (typed, told) => {
  const each = (told?.total?.containers ?? []).map((box) => {
    const ocean = box.parts.find(([part]) => part === 'ocean')?.[1];
    return `${box.container}×${box.count} ${t('offer.freightOf', { sum: sums(ocean) })}${t('comma2')}${t('offer.allInOf', { sum: sums(box.each) })}`;
  });
  const until = endOfDay(typed.valid_until);
  const more = [
    typed.carrier,
    typed.schedule,
    typed.transit_days ? t('quote.transit', { n: typed.transit_days }) : null,
    until ? t('offer.untilOf', { date: shortDate(until, minute.value) }) : null,
  ].filter(Boolean);
  return `${clean(typed.pol, 20)}→${clean(typed.pod, 20)} ${[...each, ...more].map((x) => clean(x, 80)).join(t('comma2'))}`;
};

const Cell = ({ value, wrong, label, onInput }) => html`<input
  class=${`field inline num r${wrong ? ' wrong' : ''}`}
  inputmode="decimal"
  maxlength="14"
  autocomplete="off"
  aria-label=${label}
  aria-invalid=${wrong || undefined}
  value=${value ?? ''}
  onInput=${(e) => onInput(e.currentTarget.value)}
/>`;

/** The charges as a sheet: a row each, a column for every container type, what it comes to below. */
function Sheet({ typed, set, boxes, total, wrong }) {
  const rows = typed.rows ?? [];
  const change = (i, values) => set({ rows: rows.map((row, at) => (at === i ? { ...row, ...values } : row)) });
  const hasShared = rows.some((row) => !perBox(row));
  const shown = boxes.length ? boxes : [['', 0]];
  const coins = choices.value.currencies.slice(0, 8);
  const used = new Set(rows.map((row) => row.code));
  const more = choices.value.charges.filter((c) => !used.has(c.code)).slice(0, 60);
  return html`<table class="num offer-sheet">
    <thead>
      <tr>
        <th>${t('offer.charge')}</th>
        <th class="coin">${t('offer.currency')}</th>
        <th class="basis">${t('offer.basis')}</th>
        ${shown.map(([box, n]) => html`<th key=${box} class="r">
          ${box ? `${clean(box, 8)}×${n}` : t('offer.noBoxes')}
        </th>`)}
        ${hasShared ? html`<th class="r">${t('offer.shared')}</th>` : null}
        <th class="x"></th>
      </tr>
    </thead>
    <tbody>
      ${rows.map((row, i) => html`<tr key=${i}>
        <td class="cut" title=${chargeName(row)}>
          ${chargeName(row)} <span class="mut">${clean(row.code, 6)}</span>
        </td>
        <td>
          <select
            class="field inline"
            aria-label=${t('offer.currency')}
            value=${row.currency}
            onChange=${(e) => change(i, { currency: e.currentTarget.value })}
          >
            ${[...new Set([row.currency, ...coins.map((c) => c.code)])].map((c) => html`<option key=${c} value=${c} selected=${c === row.currency}>
              ${c}
            </option>`)}
          </select>
        </td>
        <td>
          <select
            class="field inline"
            aria-label=${t('offer.basis')}
            value=${row.basis}
            onChange=${(e) => change(i, { basis: e.currentTarget.value })}
          >
            ${[...new Set([row.basis || 'container', ...BASES])].map((b) => html`<option key=${b} value=${b} selected=${b === row.basis}>
              ${t(`basis.${b}`)}
            </option>`)}
          </select>
        </td>
        ${shown.map(([box]) => html`<td key=${box} class="r">
          ${perBox(row) && box ? html`<${Cell}
            value=${row.prices?.[box]}
            wrong=${wrong.includes(`${i}/${box}`)}
            label=${`${chargeName(row)} ${box}`}
            onInput=${(text) => change(i, { prices: { ...(row.prices ?? {}), [box]: text } })}
          />` : html`<span class="mut">–</span>`}
        </td>`)}
        ${hasShared ? html`<td class="r">
          ${perBox(row) ? html`<span class="mut">–</span>` : html`<${Cell}
            value=${row.price}
            wrong=${wrong.includes(`${i}/`)}
            label=${chargeName(row)}
            onInput=${(text) => change(i, { price: text })}
          />`}
        </td>` : null}
        <td class="x">
          <button
            type="button"
            class="btn s ghost ico"
            aria-label=${t('offer.dropRow', { name: chargeName(row) })}
            onClick=${() => set({ rows: rows.filter((_, at) => at !== i) })}
          >
            <${Icon} n="x" />
          </button>
        </td>
      </tr>`)}
    </tbody>
    <tfoot>
      <tr>
        <td colspan="3">
          <${Menu}
            label=${t('offer.addRow')}
            class="btn s"
            button=${
              html`
                <${Icon} n="plus" /> ${t('offer.addRow')}
              `
            }
          >
            ${more.map((c) => html`<${Item}
              key=${c.code}
              onClick=${() =>
                set({
                  rows: [
                    ...rows,
                    {
                      code: c.code,
                      currency: c.part === 'local' ? 'CNY' : typed.currency,
                      basis: c.basis,
                      part: c.part,
                      prices: {},
                    },
                  ],
                })
              }
            >
              <b class="code">${c.code}</b> ${clean(pick(c.name, c.name_en), 24)}
            </${Item}>`)}
          </${Menu}>
          <span class="mut offer-each">${t('offer.each')}</span>
        </td>
        ${shown.map(([box]) => html`<td key=${box} class="r">
          <b>${sums(total?.containers.find((x) => x.container === box)?.each)}</b>
        </td>`)}
        ${hasShared ? html`<td class="r">
          <b>${sums(total?.shared)}</b>
        </td>` : null}
        <td class="x"></td>
      </tr>
    </tfoot>
  </table>`;
}

/** Somebody else changed the quote meanwhile: both stand side by side, nothing is overwritten. */
const Clash = ({ onMine, onTheirs }) => html`<div class="notice" role="alert">
  <${Icon} n="alert" />
  <b>${t('offer.clash')}</b>
  <span class="grow"></span>
  <button type="button" class="btn s" onClick=${onMine}>
    ${t('clash.mine')}
  </button>
  <button type="button" class="btn s ghost" onClick=${onTheirs}>
    ${t('clash.theirs')}
  </button>
</div>`;

/** `party` is the customer's id; `onWords(text)` takes the offer in one sentence, where there is somewhere to put it. */
export function OfferForm({ draft, party, often, onWords, onSaved }) {
  const typed = draft.values.value.quote ?? emptyOffer();
  const told = useSignal(null); // {containers: [[type, n]], total} as the service counted last
  const busy = useSignal(false);
  const said = useSignal('');
  const clash = useSignal(null);
  const asked = useRef(0);
  const set = (values) => {
    said.value = '';
    draft.set('quote', { ...(draft.get('quote') ?? {}), ...values });
  };
  const boxes = told.value?.containers ?? [];
  const kinds = boxes.map(([box]) => box);
  const wrong = wrongIn(typed, kinds);
  useEffect(() => {
    readChoices();
  }, []);
  usePaused(JSON.stringify([typed.containers, typed.rows]), COUNT_MS, async () => {
    asked.current += 1;
    const mine = asked.current;
    let answer = await quotes.totals(typed.containers ?? '', chargesOf(typed, kinds));
    // Types that have just been understood may already have prices: count once more with them.
    if (answer.ok && JSON.stringify(answer.body.containers) !== JSON.stringify(boxes) && mine === asked.current) {
      const now = draft.get('quote') ?? typed;
      answer = await quotes.totals(
        now.containers ?? '',
        chargesOf(
          now,
          answer.body.containers.map(([box]) => box),
        ),
      );
    }
    if (answer.ok && mine === asked.current) told.value = answer.body;
  });
  const close = () => draft.set('quote', undefined);
  const priced = chargesOf(typed, kinds).length > 0;
  const lane = { ...typed };

  const save = async ({ message = false, version } = {}) => {
    if (busy.value) return;
    const now = draft.get('quote') ?? {};
    if (isBlank(now)) {
      said.value = t('biz.emptySay');
      return;
    }
    if (wrongIn(now, kinds).length) {
      said.value = t('offer.wrong');
      document.querySelector('.offer-form .wrong')?.focus();
      return;
    }
    busy.value = true;
    const body = bodyOf(now, kinds);
    const answer = now.id
      ? await quotes.save(party, now.id, { ...body, version: version ?? now.version })
      : await quotes.add(party, { ...body, key: now.key });
    busy.value = false;
    if (answer.ok) {
      const words = inWords(now, told.value);
      if (JSON.stringify(draft.get('quote')) === JSON.stringify(now)) close();
      toast(t(priced ? 'offer.saved' : 'offer.enquirySaved', { number: clean(answer.body?.quote?.number ?? '', 20) }));
      onSaved?.();
      if (message) onWords(words);
      return;
    }
    if (answer.status === 409 && answer.body?.version) {
      clash.value = answer.body;
      return;
    }
    said.value = answer.body?.problems?.map((p) => clean(pick(p.text, p.text_en), 80)).join(t('comma')) || whyNot(answer);
  };
  useKeys({
    'Ctrl+Enter': (e) => {
      if (!e.target.closest?.('.offer-form')) return false;
      save();
      return true;
    },
    Escape: (e) => {
      if (!e.target.closest?.('.offer-form') || !isBlank(typed)) return false;
      close();
      return true;
    },
  });
  const text = (key, width, extra = {}) => html`<div class=${`fieldset c${width}`}>
    <label class="lab" for=${`offer-${key}`}>
      ${t(`offer.${key}`)}
    </label>
    <input
      class=${`field${wrong.includes(key) ? ' wrong' : ''}`}
      id=${`offer-${key}`}
      name=${key}
      maxlength="80"
      autocomplete="off"
      spellcheck=${false}
      value=${typed[key] ?? ''}
      onInput=${(e) => set({ [key]: e.currentTarget.value })}
      ...${extra}
    />
  </div>`;
  return html`<div class="offer-form">
    ${clash.value ? html`<${Clash}
      onMine=${() => {
        const { version } = clash.value;
        clash.value = null;
        set({ version });
        save({ version });
      }}
      onTheirs=${() => {
        clash.value = null;
        close();
      }}
    />` : null}
    <div class="form eight">
      <div class="fieldset c3" role="group" aria-label=${t('biz.route')}>
        <span class="lab">${t('biz.route')}</span>
        <span class="pair">
          <${PortField} name="pol" label=${t('biz.pol')} value=${lane.pol} often=${often} onInput=${(x) => set({ pol: x })} />
          <span aria-hidden="true">→</span>
          <${PortField} name="pod" label=${t('biz.pod')} value=${lane.pod} often=${often} onInput=${(x) => set({ pod: x })} />
        </span>
      </div>
      ${text('containers', 3, { placeholder: '20GP*1+40HQ*2', maxlength: 120 })}
      ${text('carrier', 2)}
      ${text('transit_days', 1, { inputmode: 'numeric', maxlength: 3 })}
      ${text('schedule', 2, { placeholder: t('offer.scheduleSay') })}
      <div class="fieldset c3">
        <label class="lab" for="offer-until">
          ${t('quote.until')}
        </label>
        <span class="pair">
          <input
            class=${`field num${wrong.includes('valid_until') ? ' wrong' : ''}`}
            id="offer-until"
            name="valid_until"
            maxlength="10"
            autocomplete="off"
            placeholder=${t('field.date')}
            value=${typed.valid_until ?? ''}
            onInput=${(e) => set({ valid_until: e.currentTarget.value })}
          />
          ${[0, 3, 7].map((n) => html`<button
            type="button"
            key=${n}
            class="btn s"
            tabindex="-1"
            onClick=${() => set({ valid_until: inDays(minute.value, n) })}
          >
            ${n ? t('offer.inDays', { n }) : t('day.today')}
          </button>`)}
        </span>
      </div>
      <div class="fieldset c2">
        <label class="lab" for="offer-status">
          ${t('quote.status')}
        </label>
        <span class="select">
          <select
            id="offer-status"
            class="field"
            value=${typed.status ?? 'open'}
            onChange=${(e) => set({ status: e.currentTarget.value })}
          >
            ${STATES.map((s) => html`<option key=${s} value=${s} selected=${s === (typed.status ?? 'open')}>
              ${t(`quote.${s}`)}
            </option>`)}
          </select>
          <${Icon} n="down" />
        </span>
      </div>
    </div>
    <div class="scroll">
      <${Sheet} typed=${typed} set=${set} boxes=${boxes} total=${told.value?.total} wrong=${wrong} />
    </div>
    <div class="offer-note">
      <textarea
        class="field area"
        name="note"
        rows="1"
        maxlength="2000"
        aria-label=${t('offer.note')}
        placeholder=${t('offer.note')}
        value=${typed.note ?? ''}
        onInput=${(e) => set({ note: e.currentTarget.value })}
      ></textarea>
    </div>
    <div class="form-acts">
      ${said.value ? html`<span class="bad cut" role="alert" title=${said.value}>
        ${said.value}
      </span>` : html`<span class="num cut">
        ${priced ? html`
          ${t('offer.total')} <b>${sums(told.value?.total?.total)}</b>
        ` : html`<span class="mut">${t('offer.noPrice')}</span>`}
        ${priced && told.value?.total?.unpriced?.length ? html`
          ${' '}
          <span class="warn">${t('offer.unpriced', { what: told.value.total.unpriced.join(t('comma')) })}</span>
        ` : null}
      </span>`}
      <span class="grow"></span>
      <button type="button" class="btn s" onClick=${close}>
        ${t('cancel')}
      </button>
      ${priced && onWords ? html`<button type="button" class="btn s" disabled=${busy.value} onClick=${() => save({ message: true })}>
        ${t('offer.saveWrite')}
      </button>` : null}
      <button type="button" class="btn s primary" disabled=${busy.value} onClick=${() => save()}>
        ${cutOff.value ? t('note.saveLater') : t(typed.id ? 'save' : priced ? 'offer.save' : 'offer.saveEnquiry')}
        <${Key}>Ctrl ↵</${Key}>
      </button>
    </div>
  </div>`;
}
