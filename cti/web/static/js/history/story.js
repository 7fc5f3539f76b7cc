// A call step by step: what its caller waited for, who let it ring and how long, who talked, held and handed on.
import { html, useEffect, useSignal } from '../lib.js';
import { Foreign } from '../ui/marks.js';
import { t, has } from '../i18n.js';
import { call, part } from '../api.js';
import { clean, mmss, phoneLabel } from '../format.js';
import { labelOf } from './load.js';
import { clockOf } from './zone.js';
import { CAUSES } from './split.js';

const who = (agents) => agents.map((name) => clean(name.includes('/') ? phoneLabel(name) : name, 12)).join(t('comma'));
const about = (step) => {
  switch (step.doing) {
    case 'entered':
      return labelOf('queue', step.queue);
    case 'left':
      return has(`outcome.${step.outcome}`) ? t(`outcome.${step.outcome}`) : step.outcome;
    case 'refused':
      return labelOf('queue', step.queue);
    case 'transfer':
      return `${who(step.agents)} → ${phoneLabel(step.to) || '–'}`;
    default:
      return '';
  }
};
/** Seconds of a wait to the tenth, of a talk in minutes. */
const long = (step) => {
  if (step.seconds === null) return '';
  return CAUSES.includes(step.doing) || step.doing === 'missed' ? t('call.exact', { s: step.seconds.toFixed(1) }) : mmss(step.seconds);
};

export function StoryOf({ id }) {
  const told = useSignal(null);
  useEffect(() => {
    told.value = null;
    call('GET', `/history/calls/${part(id)}`).then((answer) => {
      told.value = answer.ok ? answer.body : { steps: [] };
    });
  }, [id]);
  const steps = told.value?.steps ?? [];
  if (!steps.length) return null;
  return html`<section class="story num">
    <h3>${t('story.title')}</h3>
    <ol>
      ${steps.map((step, i) => html`<li key=${i} data-doing=${step.doing}>
        <time>${clockOf(step.at)}</time>
        <i class=${`s-${step.doing}`}></i>
        <span>${t(`story.${step.doing}`)}</span>
        <span class="cut"><${Foreign} text=${about(step) || who(step.agents)} limit=${60} /></span>
        <b class="r">${long(step)}</b>
      </li>`)}
    </ol>
  </section>`;
}
