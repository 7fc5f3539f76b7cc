// The supervisor's board: the day's figure, queues, who waits, who can take a call.
import { html, render, effect, useSignal } from '../lib.js';
import { Top, StaleBar, Speech } from '../ui/top.js';
import { Loading } from '../ui/panel.js';
import { Toasts } from '../toast.js';
import { t, lang } from '../i18n.js';
import { board, level, ready, start } from '../session.js';
import { useKeys } from '../keys.js';
import { Dialog } from '../ui/menu.js';
import { callerKeys } from './callermenu.js';
import { Did, Log } from './did.js';
import { Rules } from './rules.js';
import { Figures } from './figures.js';
import { Queues } from './queues.js';
import { Waiting } from './waiting.js';
import { Agents } from './agents.js';
import { Side } from './side.js';

const KEYS = [
  ['T', 'key.take'],
  ['P', 'key.first'],
  ['M', 'key.menu'],
  ['Z', 'key.undo'],
  ['?', 'key.help'],
  ['Esc', 'key.back'],
];

const Slots = () => html`
  <section class="panel kpis"></section>
  ${['qs', 'ws', 'as'].map((c) => html`<section key=${c} class=${`panel ${c}`}>
    <header></header>
    <${Loading} lines=${4} />
  </section>`)}
  <div class="side">
    <section class="panel"></section>
    <section class="panel"></section>
  </div>
`;

function Board() {
  const open = useSignal(null); // rules, log
  const shut = () => {
    open.value = null;
  };
  useKeys(callerKeys());
  return html`
    <${Top} page="board" keys=${KEYS} withClock />
    <${StaleBar} what="board" />
    <main class="board" data-stale=${level.value === 'stale' ? 'yes' : undefined}>
      ${board.value ? html`
        <${Figures} />
        <${Queues} />
        <${Waiting} onRules=${() => { open.value = 'rules'; }} />
        <${Agents} onLog=${() => { open.value = 'log'; }} />
        <${Side} />
      ` : html`<${Slots} />`}
    </main>
    ${open.value === 'rules' ? html`<${Rules} onClose=${shut} />` : null}
    ${open.value === 'log' ? html`<${Dialog} title=${t('did.title')} onClose=${shut} wide><h2>${t('did.title')}</h2><${Log} /></${Dialog}>` : null}
    <${Did} />
    <${Toasts} />
    <${Speech} />
  `;
}

effect(() => {
  const n = board.value?.totals?.waiting;
  document.title = `${t('nav.board')}${n ? ` · ${t('title.waiting', { n })}` : ''} · ${lang.value && t('name')}`;
});
effect(() => {
  document.documentElement.dataset.ready = ready.value ? 'yes' : 'no';
});

render(html`<${Board} />`, document.getElementById('app'));
start('board');
