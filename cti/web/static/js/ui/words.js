// Sentences about calls that several parts of the desk say the same way.
import { t, has } from '../i18n.js';
import { callerLine, clean, mmss, dayTime, shortDate } from '../format.js';

export const dayWords = () => ({ today: t('day.today'), yesterday: t('day.yesterday') });
export const when = (at, now) => dayTime(at, now, dayWords());
export const dateOnly = (at, now) => shortDate(at, now);

/** A caller's number as it is shown; nothing for a withheld one, whatever words the service has for it. */
export const shownNumber = (caller) => (caller?.number ? clean(caller.display || caller.number) : '');

export const callerWords = (pop) => callerLine(pop, t('caller.hidden'));

/** Who called, in a list of past calls: the service may know the customer or only the number. */
export const pastCaller = (c) => callerLine({ party: c.party, caller: { number: c.number ?? c.caller } }, t('caller.hidden'));

/** How a call went, short: 等 00:23 · 谈 04:10. */
export function callStory(c) {
  const parts = [];
  if (c.outcome === 'answered' || c.talk_s) {
    if (c.wait_s !== null && c.wait_s !== undefined && c.direction === 'inbound')
      parts.push(t('call.waited', { time: mmss(c.wait_s) }));
    if (c.talk_s !== null && c.talk_s !== undefined) parts.push(t('call.talked', { time: mmss(c.talk_s) }));
  } else if (c.outcome === 'abandoned') {
    parts.push(
      c.wait_s === null || c.wait_s === undefined ? t('outcome.abandoned') : t('call.gaveUp', { time: mmss(c.wait_s) }),
    );
  } else parts.push(outcomeWord(outcomeOf(c, Date.now() / 1000)));
  return parts.join(' · ');
}

const LATELY_S = 900;
/** A call that has no outcome yet is under way, if it is a fresh one and nothing of it was lost. */
export const outcomeOf = (c, now) => (c.outcome === 'unknown' && !c.gap && now - c.at < LATELY_S ? 'open' : c.outcome);

export const outcomeWord = (outcome) =>
  has(`outcome.${outcome}`) ? t(`outcome.${outcome}`) : clean(outcome ?? t('outcome.unknown'), 20);
export const wasMissed = (c) => ['abandoned', 'missed', 'timeout', 'noanswer', 'no_answer'].includes(c.outcome);
export const callIcon = (c) => (wasMissed(c) ? 'miss' : c.direction === 'outbound' ? 'out' : 'in');

export const tierWord = (tier) => (tier && String(tier).length === 1 ? t('party.tier', { tier }) : clean(tier ?? '', 8));
