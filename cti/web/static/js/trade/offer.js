// An enquiry or quote as it is typed, and as the service takes it (pure). A row is one charge: a price for each container
// type, or one for the whole shipment.

const PER_BOX = ['container', 'teu'];
export const perBox = (row) => PER_BOX.includes(row.basis || 'container');

const day = (epoch) => {
  if (!epoch) return '';
  const d = new Date(epoch * 1000);
  return `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, '0')}-${String(d.getDate()).padStart(2, '0')}`;
};

/** The last second of a day written YYYY-MM-DD; null for nothing, undefined for what is no day. */
export function endOfDay(text) {
  if (!text?.trim()) return null;
  const m = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text.trim());
  const at = m && new Date(+m[1], +m[2] - 1, +m[3], 23, 59, 59);
  return at && at.getMonth() === +m[2] - 1 ? at.getTime() / 1000 : undefined;
}

/** So many days from `now` as YYYY-MM-DD. */
export const inDays = (now, n) => day(now + n * 86400);

/** A typed amount as the service reads it: digits and a point; '' for none, null for what is no number. */
export function amount(text) {
  const plain = String(text ?? '')
    .replace(/[\s,，]/g, '')
    .replace('。', '.');
  if (!plain) return '';
  return /^-?\d{1,10}(\.\d{1,4})?$/.test(plain) ? plain : null;
}

export const emptyOffer = (currency = 'USD') => ({
  currency,
  rows: [{ code: 'OF', currency, basis: 'container', prices: {} }],
});

/** What is typed, out of a saved quote and its charges. */
export function typedFrom({ quote, charges, version }, { asNew = false } = {}) {
  const boxes = quote.lines.map((l) => l.container);
  const rows = [];
  const given = charges.length
    ? charges
    : quote.lines.flatMap((l) => [
        { code: 'OF', currency: quote.currency, price: l.freight, basis: 'container', part: 'ocean', container: l.container },
        ...(l.all_in && l.all_in !== l.freight
          ? [
              {
                code: 'SUR',
              name: '附加费',
                currency: quote.currency,
                price: l.all_in - l.freight,
                basis: 'container',
                part: 'surcharge',
                container: l.container,
              },
            ]
          : []),
      ]);
  for (const c of given) {
    let row = rows.find(
      (r) => r.code === c.code && r.currency === c.currency && r.basis === c.basis && r.name === (c.name ?? ''),
    );
    if (!row) {
      row = { code: c.code, name: c.name ?? '', currency: c.currency, basis: c.basis, part: c.part, prices: {} };
      if (c.minimum) row.minimum = String(c.minimum);
      rows.push(row);
    }
    if (!perBox(row)) row.price = String(c.price);
    else for (const box of c.container ? [c.container] : boxes) row.prices[box] = String(c.price);
  }
  return {
    ...(asNew ? {} : { id: quote.id, number: quote.number, version, status: quote.status }),
    pol: quote.pol,
    pod: quote.pod,
    containers: quote.lines.map((l) => `${l.container}*${l.count}`).join('+'),
    carrier: quote.carrier,
    transit_days: quote.transit_days ? String(quote.transit_days) : '',
    schedule: quote.schedule,
    currency: quote.currency,
    valid_until: asNew ? '' : day(quote.valid_until),
    note: asNew ? '' : quote.note,
    rows: rows.length ? rows : emptyOffer(quote.currency).rows,
  };
}

/** The charges of what is typed for these container types; prices that are no numbers are left out. */
export function chargesOf(typed, boxes) {
  const out = [];
  for (const row of typed.rows ?? []) {
    const base = { code: row.code, currency: row.currency || typed.currency, basis: row.basis || null, name: row.name || '' };
    if (row.part) base.part = row.part;
    if (row.minimum) base.minimum = row.minimum;
    if (perBox(row)) {
      for (const box of boxes)
        if (amount(row.prices?.[box])) out.push({ ...base, container: box, price: amount(row.prices[box]) });
    } else if (amount(row.price)) out.push({ ...base, price: amount(row.price) });
  }
  return out;
}

/** Keys of what cannot be sent as it is typed: prices, days, the date. */
export function wrongIn(typed, boxes) {
  const wrong = [];
  (typed.rows ?? []).forEach((row, i) => {
    if (perBox(row)) for (const box of boxes) if (amount(row.prices?.[box]) === null) wrong.push(`${i}/${box}`);
    if (!perBox(row) && amount(row.price) === null) wrong.push(`${i}/`);
  });
  if (typed.transit_days && !/^\d{1,3}$/.test(typed.transit_days.trim())) wrong.push('transit_days');
  if (endOfDay(typed.valid_until) === undefined) wrong.push('valid_until');
  return wrong;
}

/** The body of a quote for the service. */
export const bodyOf = (typed, boxes) => ({
  pol: typed.pol?.trim() ?? '',
  pod: typed.pod?.trim() ?? '',
  containers: typed.containers?.trim() ?? '',
  charges: chargesOf(typed, boxes),
  currency: typed.currency || 'USD',
  carrier: typed.carrier?.trim() ?? '',
  transit_days: typed.transit_days ? Number(typed.transit_days) : null,
  schedule: typed.schedule?.trim() ?? '',
  valid_until: endOfDay(typed.valid_until) ?? null,
  status: typed.status ?? 'open',
  note: typed.note?.trim() ?? '',
});

/** Whether anything was typed into it: an offer that was only opened is none. */
export const isBlank = (typed) =>
  !['pol', 'pod', 'containers', 'carrier', 'transit_days', 'schedule', 'valid_until', 'note'].some((k) => typed[k]?.trim()) &&
  !(typed.rows ?? []).some((row) => row.price || Object.values(row.prices ?? {}).some(Boolean));
