// The way from page to page: every page, what it needs, and who sees it.
import { html } from '../lib.js';
import { Icon } from './marks.js';
import { t } from '../i18n.js';
import { me } from '../session.js';

/** Every page in its order: its address is its key, its word is nav.<key>. `right`: what one must have (one of several). */
export const PAGES = [
  { key: 'desk', icon: 'desk', right: ['desk'] },
  { key: 'board', icon: 'list', right: ['board'] },
  { key: 'history', icon: 'history', right: ['history'] },
  { key: 'replay', icon: 'again', right: ['board'] },
  { key: 'staffing', icon: 'grid', right: ['board'] },
  { key: 'teams', icon: 'users', right: ['teams'] },
  { key: 'customers', icon: 'users', right: ['customers', 'catalogue'] },
  { key: 'conversations', icon: 'chat', right: ['customers', 'upkeep'] },
  { key: 'knowledge', icon: 'book', right: ['desk', 'knowledge'] },
  { key: 'prices', icon: 'chart', right: ['customers'] },
  { key: 'messages', icon: 'msg', right: ['messages', 'desk'] },
];

/** The pages that I may open. */
export const myPages = () => {
  const rights = me.value?.rights ?? [];
  return PAGES.filter((page) => page.right.some((right) => rights.includes(right)));
};

/** The row of pages in the top bar. */
export const Nav = ({ page }) => html`<nav class="nav" aria-label=${t('nav.pages')}>
  ${myPages().map(({ key }) => html`<a key=${key} href=${`/${key}`} aria-current=${key === page ? 'page' : undefined}>
    ${t(`nav.${key}`)}
  </a>`)}
</nav>`;

/** The same as entries of a menu. From the desk they open beside it: a call must find the desk where it was. */
export const PageItems = ({ page }) =>
  myPages().map(({ key, icon }) => html`<a
    key=${key}
    role="menuitem"
    class=${`opt${key === page ? ' sel' : ''}`}
    href=${`/${key}`}
    target=${page === 'desk' && key !== 'desk' ? `thirteen-${key}` : undefined}
  >
    <${Icon} n=${icon} />
    ${t(`nav.${key}`)}
  </a>`);
