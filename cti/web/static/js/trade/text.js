// Long texts that staff write: shown with their line breaks, found words marked, copied by one click.
import { html } from '../lib.js';
import { clean } from '../format.js';

/** A text of several lines made safe to read: each line as `clean` leaves it. */
export const lines = (text, limit = 20_000) =>
  String(text ?? '')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => clean(line, limit))
    .join('\n');

// Letters that are invisible or turn the direction, but for line breaks and tabs, which the page folds itself.
const UNSEEN = /[\p{Cf}\p{Co}\p{Cs}]|(?![\n\t])\p{Cc}/gu;

/** A text with the words that were found in it: `marks` are [start, end) in characters, as the service counts them. */
export function Marked({ text, marks }) {
  const letters = Array.from(String(text ?? ''));
  const out = [];
  let at = 0;
  for (const [from, to] of marks ?? []) {
    if (from > at) out.push(letters.slice(at, from).join(''));
    out.push(html`<mark key=${from}>${letters.slice(from, to).join('').replace(UNSEEN, '')}</mark>`);
    at = to;
  }
  out.push(letters.slice(at).join(''));
  return html`<bdi>${out.map((part) => (typeof part === 'string' ? part.replace(UNSEEN, '') : part))}</bdi>`;
}

/** Put a text on the clipboard; false where the browser does not let us. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS there is no clipboard to write to, but a selected field can still be copied.
    const box = document.createElement('textarea');
    const before = document.activeElement;
    box.value = text;
    box.className = 'sr';
    document.body.append(box);
    box.select();
    const done = document.execCommand('copy');
    box.remove();
    before?.focus?.();
    return done;
  }
}
