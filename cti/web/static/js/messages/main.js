// 短信: what came in, what was promised, what went out; templates, rules, opt-outs, and how platforms deliver.
import { html, signal, effect } from '../lib.js';
import { openPage, may } from '../ui/page.js';
import { onFrame } from '../session.js';
import { t } from '../i18n.js';
import { Inbox, unread } from './inbox.js';
import { Sent } from './sent.js';
import { Templates } from './templates.js';
import { Rules } from './rules.js';
import { OptOuts } from './optouts.js';
import { Statistics } from './statistics.js';
import { Questions } from './ask.js';
import { heardMessage } from './news.js';

const TABS = [
  { key: 'inbox', right: 'desk', Face: Inbox },
  { key: 'sent', right: 'all_calls', Face: Sent },
  { key: 'templates', right: 'desk', Face: Templates, or: 'messages' },
  { key: 'rules', right: 'desk', Face: Rules, or: 'messages' },
  { key: 'optouts', right: 'messages', Face: OptOuts },
  { key: 'statistics', right: 'messages', Face: Statistics },
];
const tab = signal(new URLSearchParams(location.search).get('tab') ?? '');
effect(() => {
  history.replaceState(null, '', tab.value ? `?tab=${encodeURIComponent(tab.value)}` : location.pathname);
});

const Body = () => {
  const mine = TABS.filter((x) => may(x.right) || (x.or && may(x.or)));
  const here = mine.find((x) => x.key === tab.value) ?? mine[0];
  const Face = here?.Face;
  return html`
    <div class="tabs" role="tablist">
      ${mine.map((x) => html`<button
        type="button"
        key=${x.key}
        role="tab"
        aria-selected=${x === here}
        class=${x === here ? 'on' : ''}
        onClick=${() => {
          tab.value = x.key;
        }}
      >
        ${t(`msg.tab.${x.key}`)} ${x.key === 'inbox' && unread.value ? html`<span class="tag bad num">${unread.value}</span>` : null}
      </button>`)}
    </div>
    ${Face ? html`<${Face} key=${here.key} />` : null}
    <${Questions} />
  `;
};

onFrame(heardMessage);
openPage({
  page: 'messages',
  keys: [
    ['↑ ↓', 'kb.choose'],
    ['Ctrl ↵', 'key.save'],
    ['?', 'key.help'],
  ],
  Body,
});
