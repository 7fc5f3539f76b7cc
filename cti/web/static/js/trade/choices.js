// What freight forms offer: container types, charges, currencies. Read once.
import { signal } from '../lib.js';
import { pick } from '../i18n.js';
import { clean, currencySign, money } from '../format.js';
import { freight } from '../api-customers.js';

export const choices = signal({ containers: [], charges: [], currencies: [] });
let asked = null;

/** Read what forms offer, unless it was read. */
export function readChoices() {
  asked ??= freight.choices().then((answer) => {
    if (answer.ok) choices.value = answer.body;
    else asked = null;
  });
  return asked;
}

/** What a charge is called: its own name, else the usual one of its code. */
export const chargeName = (row) => {
  const known = choices.value.charges.find((c) => c.code === row.code);
  return clean(row.name || (known ? pick(known.name, known.name_en) : row.code), 24);
};

/** Sums of several currencies in a line, never added up: what goes to the carrier first, yuan last. */
export const sums = (list) =>
  [...(list ?? [])]
    .sort((a, b) => (a.currency === 'CNY') - (b.currency === 'CNY'))
    .map((m) => `${currencySign(m.currency)}${money(m.amount)}`)
    .join(' + ') || '–';
