// The band under the strip: why somebody may be calling, each reason with what it rests on. In its place, while one types
// elsewhere, a call that has just come in.
import { html } from '../lib.js';
import { Icon, Ring, Key, Foreign, Tag, Waited } from '../ui/marks.js';
import { t, pick } from '../i18n.js';
import { clean, partyName, percent } from '../format.js';
import { agent, board } from '../session.js';
import { show } from './current.js';
import { callerWords } from '../ui/words.js';

/** What each kind of reason looks like beside its number. */
const GLYPH = { quote: 'tag', enquiry: 'help', shipment: 'ship', missed: 'miss', complaint: 'alert', message: 'chat', callback: 'phone' };

const Incoming = ({ pop }) => {
  const { main, firm } = partyName(pop.party);
  const ringing = pop.state === 'ringing';
  return html`<div class="band incoming" role="alert">
    ${ringing && pop.waiting_since
      ? html`<${Ring} since=${pop.waiting_since} target=${pop.queue?.target_s ?? 13} size=${44} width=${5} />`
      : html`<span class="st st-busy big"><${Icon} n="phone" /></span>`}
    <div class="grow">
      <b class="cut">
        ${main ? html`
          <${Foreign} text=${main} />
          ${firm ? html`
            ${' '}
            <span class="sub">
              <${Foreign} text=${firm} />
            </span>
          ` : null}
        ` : (
          callerWords(pop)
        )}
      </b>
      <p class="cut">
        ${ringing ? t('incoming.say') : t('incoming.talking')}
        ${pop.queue ? ` · ${clean(pop.queue.label || pop.queue.id, 16)}` : ''}
      </p>
    </div>
    <button type="button" class="btn l primary" onClick=${() => show(pop.id)}>
      ${t('incoming.open')}
      <${Key}>F2</${Key}>
    </button>
  </div>`;
};

export const Band = ({ pop, other }) => {
  if (other) return html`<${Incoming} pop=${other} />`;
  const reasons = (pop.intents ?? []).slice(0, 3).map((x) => ({
    text: clean(pick(x.text, x.text_en), 60),
    evidence: clean(pick(x.evidence, x.evidence_en), 120),
    today: Boolean(x.today),
    kind: x.kind,
  }));
  if (pop.came_from) {
    reasons.unshift({
      text: t('band.from', { who: clean(pop.came_from.agent ?? '', 16) }),
      evidence: clean(pop.came_from.note || t('band.noNote'), 200),
      today: true,
      from: true,
    });
    reasons.length = Math.min(reasons.length, 3);
  }
  if (pop.match?.level === 'several' && !pop.party && reasons.length < 3)
    reasons.push({ text: t('band.later'), evidence: t('band.laterSay'), open: true });
  const pending = pop.match?.level === 'pending';
  return html`<div class="band">
    <h2>${t('band.title')}</h2>
    ${reasons.length === 0 ? html`<p class="none">${pending ? t('band.looking') : t('band.none')}</p>` : html`<ol>
      ${reasons.map((r, i) => html`<li key=${i} class=${i === 0 && r.today ? 'first' : ''} data-kind=${r.kind}>
        <b title=${r.text}>
          ${r.open ? null : html`<span class="rank">${r.from ? html`<${Icon} n="in" />` : i + 1}</span>`}
          ${GLYPH[r.kind] ? html`<${Icon} n=${GLYPH[r.kind]} class=${r.kind === 'complaint' || r.kind === 'missed' ? 'bad' : 'mut'} />` : null}
          <span class=${r.open ? 'cut mut' : 'cut'}>${r.text}</span>
        </b>
        <p class="cut" title=${r.evidence}>
          ${r.evidence}
        </p>
      </li>`)}
    </ol>`}
  </div>`;
};

/** Between calls: my queues, with what the board knows of them. */
export const IdleBand = () => {
  const queues = agent.value?.queues ?? [];
  const known = board.value?.queues ?? {};
  return html`<div class="band">
    <h2>${t('band.queues')}</h2>
    ${queues.length === 0 ? html`<p class="none">${t('band.noQueues')}</p>` : html`<ol>
      ${queues.slice(0, 4).map((q) => {
        const live = known[q.queue];
        const longest = live?.waiting ? live.longest_since : null;
        return html`<li key=${q.queue}>
          <b>
            <span class="cut">
              <${Foreign} text=${q.label || q.queue} limit=${16} />
            </span>
            ${live ? html`
              <span class="num">${percent(live.service_level)}</span>
              <span class="mut">${board.value.variant}</span>
            ` : null}
            ${q.paused ? html`<${Tag} kind="warn" icon="pause">
              ${t('phase.paused')}
            </${Tag}>` : null}
          </b>
          <p class="cut num">
            ${live ? html`
              ${t('band.waiting', { n: live.waiting ?? 0 })}
              ${longest ? html`
                ${' '}
                <${Waited} since=${longest} target=${live.target_s ?? 13} />
              ` : null}${' '}
              · ${t('band.free', { idle: live.idle ?? 0, all: live.logged_in ?? 0 })}
            ` : q.paused ? (
              t('band.pausedSay')
            ) : (
              t('band.readySay')
            )}
          </p>
        </li>`;
      })}
    </ol>`}
  </div>`;
};
