// One call of a list: what its wait went to, and what can be heard and said of it.
import { html, signal } from '../lib.js';
import { Icon, Foreign, Tag } from '../ui/marks.js';
import { Dialog } from '../ui/menu.js';
import { pastCaller } from '../ui/words.js';
import { t } from '../i18n.js';
import { groupNumber, mmss, phoneLabel } from '../format.js';
import { labelOf } from './load.js';
import { clockOf, dayOf } from './zone.js';
import { Recordings } from '../recordings/player.js';
import { Sheet } from '../recordings/sheet.js';
import { may } from '../ui/page.js';
import { StoryOf } from './story.js';
import { CAUSES, Result, Split, reach } from './split.js';

export const opened = signal(null);
const close = () => {
  opened.value = null;
};

const seconds = (s) => (s === null || s === undefined ? '–' : t('call.exact', { s: s.toFixed(1) }));

export const CallDialog = () => {
  const row = opened.value;
  if (!row) return null;
  const facts = [
    ['col.queue', html`<${Foreign} text=${labelOf('queue', row.queue)} />`],
    ['call.line', row.line ? html`<span class="num">${labelOf('line', row.line)}</span>` : '–'],
    ['col.result', html`<${Result} row=${row} />`],
    ['col.agent', row.agent ? html`<${Foreign} text=${row.agent} /> <span class="mut num">${phoneLabel(row.interface)}</span>` : '–'],
    ['call.lead', seconds(row.lead_s)],
    ['col.wait', html`<b class=${row.wait_s > row.target_s ? 'bad' : ''}>${seconds(row.wait_s)}</b> <span class="mut">${t('hist.targetAs', { t: row.target_s })}</span>`],
    ['col.talk', mmss(row.talk_s)],
  ];
  return html`<${Dialog} title=${t('idle.call')} onClose=${close} wide>
    <h2 class="num">
      ${row.party ? html`<${Foreign} text=${pastCaller(row)} limit=${40} />` : null}
      ${row.caller ? groupNumber(row.caller) : t('caller.hidden')}
      <small class="mut">${dayOf(row.at)} ${clockOf(row.at)}</small>
      ${row.quality ? html`<${Tag} kind="warn" icon="alert">${t('quality.row')}</${Tag}>` : null}
      <span class="grow"></span>
      <button type="button" class="btn ghost ico" aria-label=${t('close')} onClick=${close}><${Icon} n="x" /></button>
    </h2>
    <dl class="kv num">${facts.map(([k, v]) => html`<dt key=${k}>${t(k)}</dt><dd>${v}</dd>`)}</dl>
    <div class="wait-of">
      <h3>${t('call.where')}</h3>
      <${Split} row=${row} upTo=${reach([row], row.target_s)} />
      <ul class="num">
        ${CAUSES.filter((c) => row.split[c] > 0).map((c) => html`<li key=${c}>
          <i class=${`s-${c}`}></i>${t(`cause.${c}`)} <b>${seconds(row.split[c])}</b>
          ${row.cause === c ? html` <span class="mut">${t('call.main')}</span>` : null}
        </li>`)}
        ${CAUSES.every((c) => !row.split[c]) ? html`<li class="mut">${t('call.noSplit')}</li>` : null}
      </ul>
    </div>
    <${StoryOf} id=${row.call} />
    ${may('recordings') ? html`<${Recordings} id=${row.call}>
      ${(told) => (told.may_listen || told.scores.length ? html`<${Sheet} id=${row.call} told=${told} />` : null)}
    </${Recordings}>` : null}
  </${Dialog}>`;
};
