// Overflow rules that do something now, one sentence each, with the way to take it back at once.
import { html } from '../lib.js';
import { Icon, Tag } from '../ui/marks.js';
import { t, pick } from '../i18n.js';
import { call, part } from '../api.js';
import { clean } from '../format.js';
import { toast, whyNot } from '../toast.js';
import { frozen, may, watch } from './live.js';
import { working } from './supervise.js';

export async function withdraw(rule) {
  const answer = await call('POST', `/control/rules/${part(rule.id)}/withdraw`);
  if (!answer.ok) toast(whyNot(answer), { bad: true });
}

export const RuleLine = () => {
  const rules = working(watch.value.rules);
  if (!rules.length) return null;
  const rule = rules.find((r) => r.state === 'on' && r.mode === 'live') ?? rules[0];
  const says = clean(pick(rule.now, rule.now_en) || pick(rule.text, rule.text_en), 160);
  return html`<div class="rule" data-rule=${rule.id} data-mode=${rule.mode}>
    <${Tag} kind=${rule.mode === 'dry' ? 'warn' : 'info'}>${t(rule.mode === 'dry' ? 'rule.dryMark' : 'rule.mark', { n: rules.length })}</${Tag}>
    <span class="cut" title=${says}>${says}</span>
    <span class="grow"></span>
    ${may('rules') && rule.state === 'on' && rule.mode === 'live' ? html`<button type="button" class="btn s" disabled=${frozen.value} onClick=${() => withdraw(rule)}>
      <${Icon} n="again" /> ${t('rule.withdraw')}
    </button>` : null}
  </div>`;
};
