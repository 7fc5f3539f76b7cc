// The left column. During a call: its note, then the open calls and what came before. Between calls: my day and my queues.
import { html } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Tag, StateMark, Foreign, Since } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean, mmss, percent } from '../format.js';
import { agent, minute, today, shownNow } from '../session.js';
import { hasUnsaved, draftOf } from '../drafts.js';
import { NotePanel } from './note.js';
import { ordered, show } from './current.js';
import { calls, loaded } from './history.js';
import { callStory, callerWords, pastCaller, when, wasMissed } from '../ui/words.js';

const PopTag = ({ pop }) => {
  if (pop.state === 'ringing') return html`<${StateMark} phase="ringing" />`;
  if (pop.state === 'ended')
    return html`<${Tag} kind=${hasUnsaved(pop) ? 'warn' : ''}>${hasUnsaved(pop) ? t('left.unsaved') : t('left.ended')}</${Tag}>`;
  return html`<${StateMark} phase=${pop.state === 'held' ? 'held' : 'busy'} />`;
};

const OpenPop = ({ pop, here }) => {
  draftOf(pop).values.value; // drawn again when something is typed or saved
  const at = pop.state === 'ringing' ? pop.ringing_since : pop.state === 'ended' ? null : pop.answered_at;
  return html`<li class=${here ? 'mine' : ''}>
    <button type="button" class="todo-btn" aria-current=${here ? 'true' : undefined} onClick=${() => show(pop.id)}>
      <span class="a">
        <b class="cut">
          <${Foreign} text=${callerWords(pop)} limit=${30} />
        </b>
        <span class="grow"></span>
        <${PopTag} pop=${pop} />
      </span>
      <span class="b num">
        ${pop.queue ? html`<${Foreign} text=${pop.queue.label || pop.queue.id} limit=${12} />` : t(`dir.${pop.direction}`)}
        ${at ? html`
          ${' '}
          · <${Since} at=${at} />
        ` : null}
        ${pop.wait_s !== null && pop.wait_s !== undefined ? ` · ${t('call.waited', { time: mmss(pop.wait_s) })}` : ''}
      </span>
    </button>
  </li>`;
};

const Past = ({ c }) => html`<li>
  <span class="a">
    <b class=${`cut${wasMissed(c) ? ' bad' : ''}`}>
      <${Foreign} text=${pastCaller(c)} limit=${30} />
    </b>
  </span>
  <span class="b num">
    <span>${when(c.at, minute.value)}</span>
    <span class=${`cut${wasMissed(c) ? ' bad' : ''}`}>${callStory(c)}</span>
  </span>
</li>`;

const Calls = ({ pop }) => {
  const open = ordered.value;
  const ids = new Set(open.map((p) => p.call));
  const past = calls.value.filter((c) => !ids.has(c.id));
  return html`<${Panel}
    icon="history"
    title=${t('left.calls')}
    class="grow1"
    tools=${open.length > 1 ? html`<${Tag} kind="info">${open.length}</${Tag}>` : null}
  >
    <div class="open-calls">
      <ul class="todo" key=${open.map((p) => p.id).join()}>
        ${open.map((p) => html`<${OpenPop} key=${p.id} pop=${p} here=${p.id === pop?.id} />`)}
      </ul>
      ${open.length < 2 ? html`<p class="say">${t('left.noOther')}</p>` : null}
    </div>
    <div class="scroll">
      <ul class="todo" key=${past[0]?.id}>
        ${past.slice(0, 30).map((c) => html`<${Past} key=${c.id} c=${c} />`)}
      </ul>
      ${loaded.value === 'loading' ? html`<${Loading} lines=${3} />` : past.length === 0 ? html`<p class="say">${t('left.none')}</p>` : null}
    </div>
  </${Panel}>`;
};

const MyDay = () => {
  const d = today.value;
  const rows = [
    ['day.answered', d ? d.answered : '–'],
    ['day.inTarget', d ? d.in_target : '–'],
    ['day.share', d && d.answered ? percent(d.in_target / d.answered) : '–'],
    ['day.missed', d ? d.missed : '–'],
  ];
  return html`<${Panel} icon="chart" title=${t('day.title')} class="my-day">
    <dl class="figures num">
      ${rows.map(([key, v]) => html`<div key=${key}>
        <dt>${t(key, { t: d?.target_s ?? 13 })}</dt>
        <dd>${v}</dd>
      </div>`)}
    </dl>
  </${Panel}>`;
};

const MyQueues = () => {
  const queues = agent.value?.queues ?? [];
  return html`<${Panel} icon="queue" title=${t('left.queues')} class="grow1">
    <div class="scroll">
      ${queues.length === 0 ? html`<p class="say">${t('band.noQueues')}</p>` : html`<ul class="todo">
        ${queues.map((q) => html`<li key=${q.queue}>
          <span class="a">
            <b class="cut">
              <${Foreign} text=${q.label || q.queue} limit=${16} />
            </b>
            <span class="grow"></span>
            <${StateMark}
              phase=${q.paused ? 'paused' : q.wrapup_until && q.wrapup_until > shownNow.value ? 'wrapup' : 'idle'}
              word=${
                q.paused
                  ? t('phase.paused')
                  : q.wrapup_until && q.wrapup_until > shownNow.value
                    ? t('phase.wrapup')
                    : t('left.inQueue')
              }
            />
          </span>
          <span class="b num">
            ${q.paused && q.reason ? clean(q.reason, 16) : t('left.penalty', { n: q.penalty ?? 0 })}
          </span>
        </li>`)}
      </ul>`}
    </div>
  </${Panel}>`;
};

export const Left = ({ pop }) =>
  pop ? html`<aside class="left">
    <${NotePanel} key=${pop.id} pop=${pop} />
    <${Calls} pop=${pop} />
  </aside>` : html`<aside class="left">
    <${MyDay} />
    <${MyQueues} />
  </aside>`;
