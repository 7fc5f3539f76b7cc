// How long a text message is, counted as networks count (pure): the page shows it while one types; the service decides.

const GSM =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const ONE = new Set(GSM);
const TWO = new Set('|^€{}[]~\\\f'); // an escape stands before each

/** Segments of units, `one` of which fit alone and `each` where there are several; no letter is cut in two. */
function split(sizes, one, each) {
  const units = sizes.reduce((a, b) => a + b, 0);
  if (units <= one) return { units, segments: units ? 1 : 0, left: one - units };
  let segments = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > each) {
      segments += 1;
      used = 0;
    }
    used += size;
  }
  return { units, segments, left: each - used };
}

/**
 * {characters, segments, left, encoding} of a text with its signature; `left` still fit into the last segment.
 * Domestic (China): every UTF-16 unit is one, 70 alone and 67 each. Elsewhere: GSM-7 160 and 153 where every letter is in
 * its alphabet, else 70 and 67.
 */
export function count(text, { signature = '', domestic = true } = {}) {
  const whole = signature + text;
  const letters = Array.from(whole);
  const gsm = !domestic && letters.every((x) => ONE.has(x) || TWO.has(x));
  const sizes = gsm
    ? letters.map((x) => (TWO.has(x) ? 2 : 1))
    : domestic
      ? Array.from({ length: whole.length }, () => 1)
      : letters.map((x) => x.length);
  const { units, segments, left } = gsm ? split(sizes, 160, 153) : split(sizes, 70, 67);
  return { characters: units, segments, left, encoding: gsm ? 'gsm7' : 'ucs2' };
}
