// Times as the site's clocks show them, wherever this browser is.
import { signal } from '../lib.js';

export const zone = signal(undefined);

let known = null;
let format = null;
function parts(epoch) {
  if (known !== (zone.value ?? '')) {
    known = zone.value ?? '';
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone.value, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit',
      minute: '2-digit', second: '2-digit', weekday: 'short',
    });
  }
  return Object.fromEntries(format.formatToParts(epoch * 1000).map((p) => [p.type, p.value]));
}

/** 2026-11-16 */
export const dayOf = (epoch) => {
  const p = parts(epoch);
  return `${p.year}-${p.month}-${p.day}`;
};

/** 09:14:22 */
export const clockOf = (epoch, seconds = true) => {
  const p = parts(epoch);
  return `${p.hour}:${p.minute}${seconds ? `:${p.second}` : ''}`;
};

/** 11-16 09:14:22, with the year in front where it is not this one. */
export function momentOf(epoch, now, seconds = true) {
  const day = dayOf(epoch);
  const shown = now && day.slice(0, 4) !== dayOf(now).slice(0, 4) ? day : day.slice(5);
  return `${shown} ${clockOf(epoch, seconds)}`;
}

/** Days as people write a period: 11-01 至 11-20; one day alone is one day. */
export function daysText(from, to, word) {
  const short = (d, other) => (d.slice(0, 4) === other.slice(0, 4) ? d.slice(5) : d);
  return from === to ? from.slice(5) : `${short(from, to)} ${word} ${short(to, from)}`;
}
