// The strip: who calls, from where, since when. The same place and size in every state.
import { html, useSignal } from '../lib.js';
import { Icon, Ring, Since, StateMark, Tag, Foreign, Key, Waited } from '../ui/marks.js';
import { Dialog } from '../ui/menu.js';
import { t, pick } from '../i18n.js';
import { clean, clockTime, mmss, partyName, phoneLabel } from '../format.js';
import { agent, dismiss } from '../session.js';
import { draftOf, hasUnsaved } from '../drafts.js';
import { saveNote } from './note.js';
import { Band, IdleBand } from './band.js';
import { useKeys } from '../keys.js';
import { toast } from '../toast.js';
import { callerWords, shownNumber, tierWord } from '../ui/words.js';

const Face = ({ pop }) => {
  const target = pop.queue?.target_s ?? 13;
  if (pop.state === 'ended') {
    const talk = pop.answered_at && pop.ended_at ? mmss(pop.ended_at - pop.answered_at) : '–';
    return html`<span class="talk over">
      <b class="num">${talk}</b>
      <small>${t('strip.ended')}</small>
    </span>`;
  }
  if (pop.state === 'ringing' || !pop.answered_at) {
    const since = pop.waiting_since ?? pop.ringing_since;
    if (pop.direction === 'outbound' || !since)
      return html`<span class="talk ring-out">
        <b>
          <${Since} at=${pop.ringing_since} />
        </b>
        <small>${t('strip.calling')}</small>
      </span>`;
    return html`<${Ring} since=${since} target=${target} />`;
  }
  const late = pop.wait_s !== null && pop.wait_s !== undefined && pop.wait_s > target;
  return html`<span class=${`talk${pop.state === 'held' ? ' held' : ''}`}>
    <${Since} at=${pop.answered_at} />
    <small class=${late ? 'late' : ''}>
      ${pop.state === 'held'
        ? t('strip.held')
        : pop.wait_s !== null && pop.wait_s !== undefined
          ? t('strip.waited', { time: mmss(pop.wait_s) })
          : t('phase.busy')}
    </small>
  </span>`;
};

const Who = ({ pop }) => {
  const { party, caller, match } = pop;
  if (party) {
    const { main, firm } = partyName(party);
    return html`<div class="name">
      <b>
        <${Foreign} text=${main} />
      </b>
      ${party.role ? html`<span class="sub">
        <${Foreign} text=${party.role} limit=${12} />
      </span>` : null}
      ${firm ? html`<span class="co cut">
        <${Foreign} text=${firm} />
      </span>` : null}
      ${party.tier ? html`<${Tag} kind="vip">${tierWord(party.tier)}</${Tag}>` : null}
      ${party.category_label ? html`<${Tag}>
        <${Foreign} text=${party.category_label} limit=${12} />
      </${Tag}>` : null}
      ${party.owner_name ? html`<${Tag} kind="line">
        ${t('party.owner')} <${Foreign} text=${party.owner_name} limit=${10} />
      </${Tag}>` : null}
      ${party.owner_phase ? html`<${StateMark} phase=${party.owner_phase} plain />` : null}
      ${(pop.flags ?? []).slice(0, 2).map((f) => html`<${Tag} key=${f.kind} kind=${f.kind === 'overdue' ? 'bad' : 'info'} icon=${f.kind === 'overdue' ? 'alert' : undefined}>
        ${clean(pick(f.text, f.text_en), 18)}
      </${Tag}>`)}
    </div>`;
  }
  const number = shownNumber(caller);
  const said =
    match?.level === 'several'
      ? t('match.several', { n: match.candidates?.length ?? 0 })
      : match?.level === 'pending'
        ? t('match.pending')
        : match?.level === 'unknown'
          ? t('match.new')
          : match?.level === 'withheld'
            ? t('match.withheld')
            : '';
  return html`<div class="name">
    <b class="num">${number ? html`<${Foreign} text=${number} />` : t('caller.hidden')}</b>
    <span class="co">${said}</span>
    ${caller?.name ? html`<span class="sub cut" title=${t('caller.netName')}>
      ${t('caller.says')} <${Foreign} text=${caller.name} />
    </span>` : null}
    ${match?.level === 'several' ? html`<${Tag} kind="warn" icon="alert">
      ${t('match.notSure')}
    </${Tag}>` : null}
    ${match?.level === 'unknown' ? html`<${Tag} kind="line">${t('match.notInCrm')}</${Tag}>` : null}
    ${match?.level === 'down' ? html`<${Tag} kind="warn" icon="unlink">
      ${t('match.down')}
    </${Tag}>` : null}
  </div>`;
};

const How = ({ pop }) => {
  const { caller, party, match, line, choice, queue } = pop;
  const target = queue?.target_s ?? 13;
  const number = shownNumber(caller);
  const kind = [number ? pick(caller?.class_label, caller?.class_label_en) : null, pick(caller?.region, caller?.region_en)]
    .filter(Boolean)
    .map((x) => clean(x, 10))
    .join(' · ');
  const how = match?.candidates?.find((c) => c.party?.id === match.chosen) ?? match?.candidates?.[0];
  const path = [];
  if (line) path.push(`${clean(line.number ?? '', 20)} ${clean(line.label ?? '', 16)}`.trim());
  if (choice) path.push(t('strip.choice', { key: clean(choice.key, 6), label: clean(choice.label, 16) }));
  const since = pop.waiting_since;
  return html`<div class="meta">
    <${Icon} n=${pop.direction === 'outbound' ? 'out' : 'phone'} />
    ${party ? html`<b class="num">${number ? html`<${Foreign} text=${number} limit=${22} />` : t('caller.hidden')}</b>` : null}
    ${kind ? html`<span>${kind}</span>` : null}
    ${party && match?.level === 'exact' ? html`<${Tag}
      kind=${how && how.level !== 'exact' ? '' : 'good'}
      icon="check"
      title=${how ? clean(pick(how.reason, how.reason_en), 200) : undefined}
    >
      ${how && how.level !== 'exact' ? t(`level.${how.level}`) : t('level.exact')}
    </${Tag}>` : null}
    ${path.length || queue ? html`
      ${kind || party ? html`<span class="sep"></span>` : null}
      <span class="path num">
        ${path.map((x, i) => html`
          <span key=${i}>${x}</span>
          <${Icon} n="right" />
        `)}
        ${queue ? html`<b>
          <${Foreign} text=${queue.label || queue.id} limit=${16} />
        </b>` : null}
      </span>
    ` : null}
    ${pop.state === 'ringing' && since ? html`
      <span class="sep"></span>
      <span>
        ${t('strip.queued')} <${Waited} since=${since} target=${target} quiet /> <span class="num">/ ${mmss(target)}</span>
      </span>
    ` : null}
    ${pop.state === 'ended' && pop.ended_at ? html`
      <span class="sep"></span>
      <span class="num">${t('strip.endedAt', { time: clockTime(pop.ended_at, true) })}</span>
    ` : null}
  </div>`;
};

/** What is asked when a pop with unsaved words is to go. */
const Leave = ({ pop, onStay }) => {
  const draft = draftOf(pop).values.value;
  const parts = ['note', 'form', 'business', 'quote', 'sms', 'profile'].filter((k) => draft[k] !== undefined).map((k) => t(`draft.${k}`));
  const saveAndGo = async () => {
    if (await saveNote(pop)) {
      if (hasUnsaved(pop)) onStay();
      else dismiss(pop);
    } else onStay();
  };
  return html`<${Dialog} title=${t('leave.title')} onClose=${onStay}>
    <h2>${t('leave.title')}</h2>
    <p>${t('leave.what', { what: parts.join(t('comma')) })}</p>
    <p class="dialog-acts">
      ${draft.note !== undefined && parts.length === 1 ? html`<button type="button" class="btn primary" onClick=${saveAndGo}>
        ${t('leave.save')}
      </button>` : null}
      <button type="button" class="btn" onClick=${onStay}>
        ${t('leave.stay')}
      </button>
      <span class="grow"></span>
      <button type="button" class="btn ghost bad" onClick=${() => dismiss(pop)}>
        ${t('leave.discard')}
      </button>
    </p>
  </${Dialog}>`;
};

const Acts = ({ pop }) => {
  const asking = useSignal(false);
  const away = () => {
    if (hasUnsaved(pop)) asking.value = true;
    else dismiss(pop);
  };
  const finish = async () => {
    if (!(await saveNote(pop))) return;
    if (hasUnsaved(pop)) {
      asking.value = true;
      return;
    }
    if (!(await dismiss(pop))) toast(t('err.failed'), { bad: true });
  };
  useKeys(
    pop.state === 'ended'
      ? {
          'Ctrl+Enter': () => {
            finish();
          },
        }
      : {},
  );
  const others = (pop.with ?? [])
    .filter((w) => w.interface !== pop.interface)
    .map((w) => clean(w.agent || phoneLabel(w.interface), 10));
  const open = pop.match?.level === 'several' && !pop.party; // the page's one primary button is the choice then
  return html`<div class="acts">
    ${pop.state === 'ringing' && pop.direction !== 'outbound' ? html`<span class="hint-answer">
      <span class="st st-ringing big">
        <${Icon} n="bell" class="ringing-bell" />
        <b>${t('strip.pickUp', { phone: phoneLabel(pop.interface) })}</b>
      </span>
      ${others.length ? html`<small class="mut cut">
        ${t('strip.alsoRinging', { who: others.slice(0, 3).join(t('comma')) })}
        ${others.length > 3 ? t('strip.more', { n: others.length }) : ''}
      </small>` : null}
    </span>` : null}
    ${pop.state === 'ended' ? html`
      ${pop.kept ? html`<span class="mut">${t(`kept.${pop.kept.reason}`, { who: clean(pop.kept.by ?? '', 10) })}</span>` : null}
      <button type="button" class=${`btn l${open ? '' : ' primary'}`} onClick=${finish}>
        <${Icon} n="check" />
        ${hasUnsaved(pop) ? t('strip.saveClose') : t('strip.close')}
        <${Key}>Ctrl ↵</${Key}>
      </button>
    ` : null}
    <button type="button" class="btn l ghost ico" aria-label=${t('strip.dismiss')} title=${t('strip.dismiss')} onClick=${away}>
      <${Icon} n="x" />
    </button>
    ${asking.value ? html`<${Leave}
      pop=${pop}
      onStay=${() => {
        asking.value = false;
      }}
    />` : null}
  </div>`;
};

const IdleFace = () => {
  const mine = agent.value;
  const look = mine ? mine.phase : 'unknown';
  return html`<span
    key=${look}
    class=${`talk st-face st-${look === 'unavailable' || look === 'unknown' ? 'offline' : look === 'wrapup' ? 'wrap' : look === 'held' ? 'busy' : look}`}
  >
    ${mine?.since ? html`<${Since} at=${mine.since} />` : html`<b>–</b>`}
    <small>${mine ? t(`phase.${look}`) : t('phase.none')}</small>
  </span>`;
};

const IdleStrip = () => {
  const mine = agent.value;
  const phone = mine?.interface ? phoneLabel(mine.interface) : null;
  const say = !phone
    ? t('idle.noPhone')
    : mine.phase === 'unavailable'
      ? t('idle.phoneAway', { phone })
      : t('idle.phoneReady', { phone });
  const head = !mine
    ? t('idle.none')
    : mine.phase === 'paused'
      ? t('idle.paused')
      : mine.phase === 'wrapup'
        ? t('idle.wrapup')
        : mine.phase === 'unavailable'
          ? t('idle.away')
          : t('idle.title');
  return html`<section class="strip" aria-label=${t('idle.title')}>
    <div class="who">
      <${IdleFace} />
      <div class="grow" key=${`${head} ${say}`}>
        <div class="name">
          <b>${head}</b>
        </div>
        <div class="meta">
          <span>${say}</span>
          <span class="sep"></span>
          <span>${t('idle.say')}</span>
        </div>
      </div>
    </div>
    <${IdleBand} />
  </section>`;
};

/** For two seconds after a ringing pop went: who has it now. */
const ClosedStrip = ({ gone }) => {
  const { pop, reason, by } = gone;
  const waited = pop.waiting_since ? mmss(gone.at - pop.waiting_since) : null;
  const text =
    reason === 'answered_elsewhere'
      ? t('closed.answered', { who: clean(by || t('closed.colleague'), 16) })
      : reason === 'caller_gone'
        ? waited
          ? t('closed.gone', { time: waited })
          : t('closed.goneShort')
        : t(`closed.${reason === 'missed' ? 'missed' : 'cancelled'}`);
  return html`<section class="strip closing" aria-label=${text} data-closed=${reason}>
    <div class="who">
      <span class="talk over">
        <${Icon} n=${reason === 'answered_elsewhere' ? 'check' : 'miss'} />
      </span>
      <div class="grow">
        <div class="name">
          <b>${text}</b>
          <span class="co cut">${callerWords(pop)}</span>
        </div>
        <div class="meta">
          <span class="num">${shownNumber(pop.caller)}</span>
        </div>
      </div>
    </div>
    <div class="band"></div>
  </section>`;
};

export const Strip = ({ pop, gone, other }) => {
  if (!pop) return gone ? html`<${ClosedStrip} gone=${gone} />` : html`<${IdleStrip} />`;
  return html`<section
    class=${`strip${pop.state === 'ringing' ? ' ring-on' : ''}`}
    aria-label=${t('strip.label')}
    data-pop=${pop.id}
    data-state=${pop.state}
  >
    <div class="who">
      <${Face} key=${`${pop.id} ${pop.state} ${pop.wait_s}`} pop=${pop} />
      <div class="grow" key=${`${pop.id} ${pop.state} ${pop.match?.level} ${pop.party?.id}`}>
        <${Who} pop=${pop} />
        <${How} pop=${pop} />
      </div>
      <${Acts} key=${`acts ${pop.id}`} pop=${pop} />
    </div>
    <${Band} pop=${pop} other=${other} />
  </section>`;
};
