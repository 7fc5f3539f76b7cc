// A panel and the faces every section has: loading, empty, late, error, no right, offline.
import { html, useEffect, useState } from '../lib.js';
import { Icon, Tag, Key } from './marks.js';
import { t, pick } from '../i18n.js';
import { api } from '../api.js';
import { clean, clockTime } from '../format.js';

/** A white box with a heading: its count, what stands beside the title, its tools, and its key. */
export const Panel = ({ id, icon, title, count, meta, tools, k, class: extra, children, label }) => html`<section
  id=${id}
  class=${`panel${extra ? ` ${extra}` : ''}`}
  aria-label=${label ?? title}
  tabindex=${k ? -1 : undefined}
>
  <header>
    ${icon ? html`<${Icon} n=${icon} />` : null}
    <h2>${title}</h2>
    ${count !== undefined ? html`<span class="tag num count">${count}</span>` : null}
    ${meta ? html`<span class="asof num cut">${meta}</span>` : null}
    <span class="grow"></span>
    ${tools}
    ${k ? html`<${Key}>${k}</${Key}>` : null}
  </header>
  ${children}
</section>`;

/** Grey lines in the slot, only after 150 ms: a quick answer does not flash. */
/** Somebody else saved the same meanwhile: his text, and whose shall stand. */
export const Clash = ({ words, onMine, onTheirs, children }) => html`<div class="clash" role="alert">
  <p>
    <${Icon} n="alert" /> <b>${words}</b>
  </p>
  <p class="theirs">${children}</p>
  <p class="clash-acts">
    <button type="button" class="btn s" onClick=${onMine}>
      ${t('clash.mine')}
    </button>
    <button type="button" class="btn s" onClick=${onTheirs}>
      ${t('clash.theirs')}
    </button>
  </p>
</div>`;

export function Loading({ lines = 3 }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return html`<div class="skels" aria-hidden="true">
    ${late ? Array.from({ length: lines }, (_, i) => html`<span key=${i} class=${`skel w${i % 4}`}></span>`) : null}
  </div>`;
}

/** What stands beside a section's title: its count, or why it is not current. */
export function sectionMeta(section, counted) {
  switch (section.state) {
    case 'loading':
      return section.items.length ? counted() : t('sec.loading');
    case 'ready':
      return counted();
    case 'late':
    case 'error':
      return section.as_of && section.items.length ? t('sec.copy', { time: clockTime(section.as_of) }) : '';
    default:
      return '';
  }
}

/** Beside a title: that the section is late or could not be read, and another try. */
export const SectionFlag = ({ section, pop }) => {
  if (section.state !== 'late' && section.state !== 'error') return null;
  return html`
    <${Tag} kind="warn" icon="alert">
      ${t(section.state === 'late' ? 'sec.late' : 'sec.error')}
    </${Tag}>
    ${pop ? html`<button type="button" class="btn s" onClick=${() => api.refresh(pop.id, section.name)}>
      ${t('sec.retry')}
    </button>` : null}
  `;
};

const words = (section) => clean(pick(section.text, section.text_en) ?? '', 120);

/** The body of a section: what it has, or one sentence that says why there is nothing. */
export function SectionBody({ section, empty, lines, children }) {
  if (section.items.length > 0 && section.state !== 'denied') return children;
  switch (section.state) {
    case 'loading':
      return html`<${Loading} lines=${lines} />`;
    case 'late':
      return html`<p class="say">${words(section) || t('sec.lateSay')}</p>`;
    case 'error':
      return html`<p class="say">${words(section) || t('sec.errorSay')}</p>`;
    case 'denied':
      return html`<p class="say">
        <${Icon} n="hidden" /> ${words(section) || t('sec.denied')}
      </p>`;
    default:
      return html`<p class="say">${empty}</p>`;
  }
}
