// Numbers, times and foreign text as they are shown. Pure: no DOM, no clock, no language (words come from i18n).

// Letters that are invisible, turn the direction of the text or break the line. They are how a caller's name attacks a page.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029\u115f\u1160\u3164\uffa0]/gu;
const STACKED = /(\p{M}{2})\p{M}+/gu;

/** Foreign text made safe to read: hidden letters out, white space folded, stacked marks cut, at most `limit` letters. */
export function clean(text, limit = 40) {
  if (text === null || text === undefined) return '';
  const flat = String(text)
    .replace(/[\t-\r\p{Z}]+/gu, ' ')
    .replace(HIDDEN, '')
    .replace(STACKED, '$1')
    .trim();
  const letters = Array.from(flat);
  return letters.length > limit ? letters.slice(0, limit - 1).join('') + '…' : flat;
}

const two = (n) => String(n).padStart(2, '0');

/** Seconds as mm:ss, from an hour h:mm:ss; nothing known is –. */
export function mmss(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return '–';
  const s = Math.max(0, Math.floor(seconds));
  const m = Math.floor(s / 60);
  return m < 60 ? `${two(m)}:${two(s % 60)}` : `${Math.floor(m / 60)}:${two(m % 60)}:${two(s % 60)}`;
}

const asDate = (epoch) => new Date(epoch * 1000);

/** Clock time of an epoch second: 10:42, with seconds 10:42:21. */
export function clockTime(epoch, seconds = false) {
  if (!epoch) return '–';
  const d = asDate(epoch);
  return `${two(d.getHours())}:${two(d.getMinutes())}` + (seconds ? `:${two(d.getSeconds())}` : '');
}

/** Epoch of something the service sends as a time: a number stays, an ISO date is read as local, anything else is null. */
export function toEpoch(value) {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const plain = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  const at = plain ? new Date(+plain[1], +plain[2] - 1, +plain[3]) : new Date(value);
  return Number.isNaN(at.getTime()) ? null : at.getTime() / 1000;
}

/** Which day, seen from now: 0 today, 1 yesterday, ... negative ahead. */
export function daysAgo(epoch, now) {
  const day = (e) => {
    const d = asDate(e);
    return Math.round(Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) / 864e5);
  };
  return day(now) - day(epoch);
}

const HALF_YEAR_S = 183 * 86400;

/** Date alone: 11-12, with the year in front where it is more than half a year away. */
export function shortDate(value, now) {
  const epoch = toEpoch(value);
  if (epoch === null) return '–';
  const d = asDate(epoch);
  const md = `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return Math.abs(epoch - now) < HALF_YEAR_S ? md : `${d.getFullYear()}-${md}`;
}

/** Date and time: `words.today` 10:42, `words.yesterday` 10:42, 11-12 10:42, half a year away the date alone. */
export function dayTime(value, now, words) {
  const epoch = toEpoch(value);
  if (epoch === null) return '–';
  const ago = daysAgo(epoch, now);
  if (ago === 0) return `${words.today} ${clockTime(epoch)}`;
  if (ago === 1) return `${words.yesterday} ${clockTime(epoch)}`;
  const date = shortDate(epoch, now);
  return date.length > 5 ? date : `${date} ${clockTime(epoch)}`;
}

/** Amount with thousands; numbers and decimal texts alike; a true minus; nothing is –. */
export function money(value) {
  if (value === null || value === undefined || value === '') return '–';
  const n = typeof value === 'number' ? value : Number(String(value).replace(/,/g, ''));
  if (!Number.isFinite(n)) return clean(value, 16);
  const body = Math.abs(n).toLocaleString('en-US', { maximumFractionDigits: 2 });
  return n < 0 ? `−${body}` : body;
}

const SIGNS = { USD: 'US$', CNY: '¥', RMB: '¥', EUR: '€', HKD: 'HK$', GBP: '£' };
/** The sign in front of an amount of this currency. */
export const currencySign = (code) => SIGNS[code] ?? (code ? `${clean(code, 4)} ` : '');

/** A share 0..1 in per cent with one place; null is –. */
export const percent = (share) => (share === null || share === undefined ? '–' : `${(share * 100).toFixed(1)}%`);

/** Step of the countdown by the queue's own target T: calm, warn from 0.6 T, hot from 0.8 T (rounded up), over past T. */
export function countdownStep(waited, target) {
  if (waited > target) return 'over';
  const s = Math.floor(waited);
  if (s >= Math.ceil(0.8 * target)) return 'hot';
  return s >= Math.ceil(0.6 * target) ? 'warn' : 'calm';
}

/** Segments of bar and ring: one a second up to a target of 20 s, above it thirteen of T/13 s. `filled` grows with the wait. */
export function segments(waited, target) {
  const total = target <= 20 ? Math.max(1, Math.ceil(target)) : 13;
  const each = target <= 20 ? 1 : target / 13;
  return { total, filled: waited > target ? total : Math.min(total, Math.floor(Math.max(0, waited) / each)) };
}

/** Name to show for a party: a person's own with the firm's beside it, a firm's alone. */
export function partyName(party) {
  if (!party) return { main: '', firm: '' };
  const name = clean(party.name);
  const firm = clean(party.company ?? '');
  if (party.kind === 'company' || !name) return { main: name || firm, firm: '' };
  return { main: name, firm: firm === name ? '' : firm };
}

/** A caller in one line, for lists: person and firm, else number, else the words for a hidden number. */
export function callerLine(head, hidden) {
  const { main, firm } = partyName(head.party);
  if (main) return firm ? `${main} · ${firm}` : main;
  const { caller = {} } = head;
  return (caller.number && clean(caller.display || groupNumber(caller.number))) || clean(caller.name) || hidden;
}

/** A Chinese number as people write it: mobiles in groups of 3, 4 and 4, landlines behind their area code; others as they are. */
export function groupNumber(number) {
  const plain = clean(number, 24);
  const mobile = /^(?:\+?86|0)?(1[3-9]\d)(\d{4})(\d{4})$/.exec(plain);
  if (mobile) return `${mobile[1]} ${mobile[2]} ${mobile[3]}`;
  const fixed = /^(?:\+?86|0)(10|2\d|[3-9]\d\d)(\d{3,4})(\d{4})$/.exec(plain);
  return fixed ? `0${fixed[1]}-${fixed[2]} ${fixed[3]}` : plain;
}

/** Interface as people say it: PJSIP/8012 is 8012. */
export const phoneLabel = (interfaceName) =>
  clean(
    String(interfaceName ?? '')
      .replace(/^[A-Za-z0-9]+\//, '')
      .replace(/@.*$/, ''),
    24,
  );
