// The past: figures, hours of the week, the course, the table, and why calls were late.
import { html } from '../lib.js';
import { openPage, may } from '../ui/page.js';
import { Loading } from '../ui/panel.js';
import { t, pick } from '../i18n.js';
import { clean } from '../format.js';
import { sentence } from '../api.js';
import { useKeys } from '../keys.js';
import { again, ask, days, open, state, total } from './load.js';
import { TABS } from './query.js';
import { Filters } from './filters.js';
import { Figures } from './figures.js';
import { Heat } from './heat.js';
import { CoursePanel } from './course.js';
import { TablePanel, large } from './table.js';
import { CallsPanel } from './calls.js';
import { CallDialog, opened } from './call.js';

const KEYS = [
  ['1 – 5', 'key.tabs'],
  ['R', 'key.again'],
  ['Esc', 'key.back'],
  ['?', 'key.help'],
];

const Failed = ({ answer }) => {
  const said = sentence(answer);
  return html`<p class="say center">
    ${said ? clean(pick(said.text, said.text_en), 160) : t('hist.failed')} <button type="button" class="btn" onClick=${again}>${t('sec.retry')}</button>
  </p>`;
};

function History() {
  const everybody = may('board');
  useKeys({
    ...Object.fromEntries(TABS.map((tab, i) => [String(i + 1), () => ask({ tab, cols: [] })])),
    r: again,
    Escape: () => {
      const { pick: row, cell, which } = state.value;
      if (opened.value || (!row && !cell && which === 'troubled')) return false; // a dialog closes by itself
      ask({ pick: null, cell: '', which: 'troubled' });
      return true;
    },
  });
  if (!days.value) return total.value.failed ? html`<${Failed} answer=${total.value.failed} />` : html`<${Loading} lines=${6} />`;
  return html`
    <${Filters} everybody=${everybody} />
    ${total.value.failed ? html`<${Failed} answer=${total.value.failed} />` : html`
      <${Figures} />
      <div class=${`hgrid${large.value ? ' large' : ''}`}>
        <${Heat} />
        <${CoursePanel} />
        <${TablePanel} everybody=${everybody} />
        <${CallsPanel} />
      </div>
    `}
    <${CallDialog} />
  `;
}

openPage({ page: 'history', keys: KEYS, Body: History });
open();
