// A page beside desk and board: the bar with its way to the others, what went wrong with the link, and a call that rings
// for me meanwhile.
import { html, render, effect } from '../lib.js';
import { Top, StaleBar, Speech } from './top.js';
import { Icon, Tag, Waited } from './marks.js';
import { Toasts } from '../toast.js';
import { t, lang } from '../i18n.js';
import { level, me, pops, ready, start } from '../session.js';
import { callerWords } from './words.js';

/** Whether I may do something. */
export const may = (right) => (me.value?.rights ?? []).includes(right);

/** A call that rings while one reads here: who it is, and the way to the desk. */
const CallBar = () => {
  const ringing = Object.values(pops.value).find((pop) => pop.state === 'ringing');
  return html`<div class="callbar" role="status" aria-live="assertive">
    ${ringing ? html`<a class="callbar-in" href="/desk">
      <${Tag} kind="info" icon="bell">
        ${t('phase.ringing')}
      </${Tag}>
      <b class="cut">${callerWords(ringing)}</b>
      ${ringing.waiting_since ? html`<${Waited} since=${ringing.waiting_since} target=${ringing.queue?.target_s ?? 13} />` : null}
      <span>${t('nav.toDesk')}</span>
      <${Icon} n="right" />
    </a>` : null}
  </div>`;
};

/** Draw a page: `page` is its key, `keys` its list of [key, word], `Body` what stands under the bar. */
export function openPage({ page, keys, Body }) {
  const Whole = () => html`
    <${Top} page=${page} keys=${keys} />
    <${StaleBar} what="page" />
    <main class=${`page ${page}`} data-stale=${level.value === 'stale' ? 'yes' : undefined}>
      ${ready.value ? html`<${Body} />` : null}
    </main>
    <${CallBar} />
    <${Toasts} />
    <${Speech} />
  `;
  effect(() => {
    document.title = `${t(`nav.${page}`)} · ${lang.value && t('name')}`;
  });
  effect(() => {
    document.documentElement.dataset.ready = ready.value ? 'yes' : 'no';
  });
  render(html`<${Whole} />`, document.getElementById('app'));
  start('plain');
}
