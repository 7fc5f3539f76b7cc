// The agent's desk: one page, one call in front, always in the same places.
import { html, render, useEffect, useSignal, effect } from '../lib.js';
import { Top, StaleBar, Speech, spoken } from '../ui/top.js';
import { SectionFlag } from '../ui/panel.js';
import { ToMe } from '../ui/tome.js';
import { Toasts } from '../toast.js';
import { chime, notify } from '../ui/sound.js';
import { t, lang } from '../i18n.js';
import { clean, countdownStep, partyName } from '../format.js';
import { useKeys } from '../keys.js';
import { tick } from '../clock.js';
import { start, onFrame, sayToPush, level, ready } from '../session.js';
import { draftOf } from '../drafts.js';
import { current, incoming, justClosed, show } from './current.js';
import { Strip } from './strip.js';
import { Left } from './left.js';
import { QuotesPanel } from './quotes.js';
import { BusinessPanel } from './business.js';
import { ProfilePanel } from './profile.js';
import { CallsPanel, SmsPanel, ChatPanel } from './logs.js';
import { Matches, MatchesLater, Preview } from './matches.js';
import { NewCustomer, NumberPanel } from './unknown.js';
import { RecentCalls, CallFacts, PhonePanel } from './idle.js';
import { watchHistory } from './history.js';
import { KnowledgePanel, knowledgeOpen, openKnowledge } from './knowledge.js';
import { MessagesPanel, writeMessage, writingTo } from './message.js';
import { Questions } from '../messages/ask.js';
import { heardMessage } from '../messages/news.js';
import { MyState, MyDayLine } from './mystate.js';
import { callerWords } from '../ui/words.js';

const KEYS = [
  ['F2', 'key.open'],
  ['1 2 3 4 5 6', 'key.section'],
  ['N', 'key.note'],
  ['↑ ↓ ↵', 'key.choose'],
  ['/', 'key.knowledge'],
  ['Ctrl /', 'key.knowledgeAnywhere'],
  ['Ctrl ↵', 'key.save'],
  ['Esc', 'key.back'],
  ['?', 'key.help'],
];
const SECTION_KEYS = { 1: 'quotes', 2: 'business', 3: 'profile', 4: 'calls', 5: 'sms', 6: 'chat' };

/** Tell the service that a pop is on the screen: after the frame that shows it. */
function useSeen(pop) {
  useEffect(() => {
    if (!pop) return undefined;
    const say = () => sayToPush({ type: 'seen', pop: pop.id });
    if (document.hidden) {
      say();
      return undefined;
    }
    const frame = requestAnimationFrame(() => setTimeout(say, 0));
    return () => cancelAnimationFrame(frame);
  }, [pop?.id]);
}

/** 短信记录, folded as lines or opened for writing. */
const Sms = ({ pop, section }) => {
  if (writingTo.value === pop.id && section.state !== 'denied')
    return html`<${MessagesPanel} pop=${pop} section=${section} tools=${html`<${SectionFlag} section=${section} pop=${pop} />`} />`;
  return html`<${SmsPanel} pop=${pop} section=${section} onWrite=${() => writeMessage(pop)} />`;
};

function PopBody({ pop }) {
  const at = useSignal(0);
  const later = useSignal(false);
  const wantsNew = useSignal(false);
  const form = draftOf(pop).values.value.form !== undefined;
  const lvl = pop.match?.level;
  const s = pop.sections;
  // A form with words in it stays, whatever the look-up says later; a choice put off comes back when the call is over.
  const face =
    form || (!pop.party && (lvl === 'unknown' || lvl === 'withheld' || wantsNew.value))
      ? 'new'
      : !pop.party && lvl === 'several'
        ? later.value && pop.state !== 'ended'
          ? 'later'
          : 'several'
        : 'known';
  useKeys(
    face === 'several'
      ? {}
      : Object.fromEntries(
          Object.entries(SECTION_KEYS).map(([k, name]) => [
            k,
            () => {
              const el = document.getElementById(`sec-${name}`);
              if (!el) return false;
              // 短信 opens for writing: one presses its key to write, to read it is on the page already.
              if (name === 'sms' && s.sms.state !== 'denied') writeMessage(pop);
              else el.focus({ preventScroll: true });
              return true;
            },
          ]),
        ),
  );
  if (face === 'known') {
    return html`
      <div class=${`work${draftOf(pop).values.value.quote !== undefined && pop.party ? ' offering' : ''}`}>
        <${QuotesPanel} pop=${pop} section=${s.quotes} />
        <${BusinessPanel} key=${pop.id} pop=${pop} section=${s.business} />
      </div>
      <div class=${`rec${writingTo.value === pop.id ? ' composing' : ''}`}>
        <${ProfilePanel} pop=${pop} />
        <${CallsPanel} pop=${pop} section=${s.calls} />
        <${Sms} pop=${pop} section=${s.sms} />
        <${ChatPanel} pop=${pop} section=${s.chat} />
      </div>
    `;
  }
  const back =
    lvl === 'several'
      ? () => {
          wantsNew.value = false;
          draftOf(pop).set('form', undefined);
        }
      : null;
  return html`
    <div class="work">
      ${face === 'new' ? html`<${NewCustomer} pop=${pop} onBack=${back} />` : face === 'several' ? html`<${Matches}
        pop=${pop}
        at=${at}
        onNew=${() => {
          wantsNew.value = true;
        }}
        onLater=${() => {
          later.value = true;
        }}
      />` : html`<${MatchesLater}
        pop=${pop}
        onNow=${() => {
          later.value = false;
        }}
      />`}
    </div>
    <div class=${`rec who-is${writingTo.value === pop.id ? ' composing' : ''}`}>
      ${face === 'several' || face === 'later' ? html`<${Preview} pop=${pop} at=${at.value} />` : html`<${NumberPanel} pop=${pop} />`}
      <${CallsPanel} pop=${pop} section=${s.calls} title=${t('calls.ofNumber')} />
      <${Sms} pop=${pop} section=${s.sms} />
    </div>
  `;
}

function Desk() {
  const pop = current.value;
  const picked = useSignal(null);
  useSeen(pop);
  useKeys({
    '/': openKnowledge,
    'Ctrl+/': openKnowledge,
    F2: () => {
      const next = incoming.value;
      if (!next) return false;
      document.activeElement?.blur?.();
      show(next.id);
      return true;
    },
  });
  return html`
    <${Top} page="desk" keys=${KEYS}>
      <${MyState} />
      <span class="sep"></span>
      <${MyDayLine} />
      <${ToMe} />
    </${Top}>
    <${StaleBar} what="desk" />
    <main class="desk" data-stale=${level.value === 'stale' ? 'yes' : undefined}>
      <${Strip} pop=${pop} gone=${justClosed.value} other=${incoming.value} />
      <${Left} pop=${pop} />
      ${pop ? html`<${PopBody} key=${pop.id} pop=${pop} />` : html`
        <div class="work">
          <${RecentCalls} picked=${picked} />
        </div>
        <div class="rec idle">
          <${CallFacts} picked=${picked} />
          <${PhonePanel} />
        </div>
      `}
      ${knowledgeOpen.value ? html`<${KnowledgePanel} pop=${pop} />` : null}
    </main>
    <${Questions} />
    <${Toasts} />
    <${Speech} />
  `;
}

// What is heard and spoken: a new call at once, the steps of its countdown quietly, the sound softly.
onFrame((frame, before, after) => {
  if (frame.type !== 'pop' || before.pops[frame.pop.id] || frame.pop.state !== 'ringing') return;
  const pop = after.pops[frame.pop.id];
  chime();
  const who = callerWords(pop);
  spoken.value = { ...spoken.value, loud: t('say.call', { who, queue: clean(pop.queue?.label ?? '', 16) }) };
  notify(t('say.notify'), who, pop.id);
});
onFrame(heardMessage);
let spokenStep = '';
effect(() => {
  const now = tick.value;
  const pop = current.peek();
  if (pop?.state !== 'ringing' || !pop.waiting_since) {
    spokenStep = '';
    return;
  }
  const target = pop.queue?.target_s ?? 13;
  const step = `${pop.id} ${countdownStep(now - pop.waiting_since, target)}`;
  if (step === spokenStep) return;
  if (spokenStep && !step.endsWith('calm')) {
    if (step.endsWith('hot') || step.endsWith('over')) chime(true);
    spoken.value = { ...spoken.peek(), quiet: t(`say.${step.split(' ').pop()}`, { n: Math.floor(now - pop.waiting_since) }) };
  }
  spokenStep = step;
});
effect(() => {
  const pop = current.value;
  const where = lang.value && t('name');
  if (!pop) document.title = `${t('nav.desk')} · ${where}`;
  else {
    const who = partyName(pop.party).main || callerWords(pop);
    document.title = `${pop.state === 'ringing' ? `${t('phase.ringing')} · ` : ''}${who} · ${where}`;
  }
});

watchHistory();
render(html`<${Desk} />`, document.getElementById('app'));
start('desk');
effect(() => {
  document.documentElement.dataset.ready = ready.value ? 'yes' : 'no';
});
