// What every number means: made from the list that the computation itself is made from.
import { html, signal, useEffect } from '../lib.js';
import { openPage } from '../ui/page.js';
import { Panel, Loading } from '../ui/panel.js';
import { t, pick } from '../i18n.js';
import { call } from '../api.js';
import { clean, percent } from '../format.js';

const told = signal(null);
call('GET', '/history/definitions').then((answer) => {
  told.value = answer.ok ? answer.body : { definitions: [], failed: true };
});

const UNITS = { share: 'def.share', count: 'def.count', seconds: 'def.seconds' };
const isLevel = (d) => /^V\d/.test(d.name) || d.name.startsWith('live_');

const Line = ({ d }) => html`<tr id=${d.name} class=${location.hash === `#${d.name}` ? 'hov' : ''}>
  <td><b>${d.name}</b></td>
  <td>${clean(pick(d.label, d.label_en), 80)}</td>
  <td class="formula">${clean(d.formula, 200)}</td>
  ${isLevel(d) ? html`<td class="r">
    <b>${percent(d.example)}</b>${d.working ? html` <span class="mut">${clean(d.working, 120)}</span>` : null}
  </td>` : html`<td>${t(UNITS[d.unit] ?? 'def.count')}</td>`}
</tr>`;

const Table = ({ rows, last }) => html`<table class="num defs">
  <thead><tr>
    ${['def.name', 'def.what', 'def.formula', last].map((k) => html`<th key=${k} class=${k === 'def.example' ? 'r' : ''}>${t(k)}</th>`)}
  </tr></thead>
  <tbody>${rows.map((d) => html`<${Line} key=${d.name} d=${d} />`)}</tbody>
</table>`;

function Definitions() {
  const known = told.value;
  useEffect(() => {
    if (known) document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: 'center' });
  }, [known]);
  if (!known) return html`<${Loading} lines=${8} />`;
  if (known.failed) return html`<p class="say center">${t('hist.failed')}</p>`;
  return html`<div class="scroll defs-page">
    <${Panel} icon="note" title=${t('def.levels')} meta=${t('def.worked', { t: known.target_s, s: known.short_s })}>
      <${Table} rows=${known.definitions.filter(isLevel)} last=${'def.example'} />
      <p class="say">${t('def.letters')}</p>
    </${Panel}>
    <${Panel} icon="list" title=${t('def.figures')} meta=${t('def.none')}>
      <${Table} rows=${known.definitions.filter((d) => !isLevel(d))} last=${'def.unit'} />
    </${Panel}>
  </div>`;
}

openPage({ page: 'definitions', keys: [['?', 'key.help']], Body: Definitions });
