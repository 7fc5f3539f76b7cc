// Addresses of wallboards: made once, shown once, taken away at once.
import { html, useEffect, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Foreign, Icon } from '../ui/marks.js';
import { t } from '../i18n.js';
import { call, part } from '../api.js';
import { toast, whyNot } from '../toast.js';

export function Walls({ moment }) {
  const tokens = useSignal([]);
  const label = useSignal('');
  const made = useSignal(null);
  const read = async () => {
    const answer = await call('GET', '/wallboard/tokens');
    if (answer.ok) tokens.value = answer.body.tokens;
  };
  useEffect(() => {
    read();
  }, []);
  const make = async (event) => {
    event.preventDefault();
    const answer = await call('POST', '/wallboard/tokens', { label: label.value.trim(), days: null });
    if (!answer.ok) {
      toast(whyNot(answer), { bad: true });
      return;
    }
    made.value = location.origin + answer.body.path;
    label.value = '';
    read();
  };
  const drop = async (x) => {
    const answer = await call('DELETE', `/wallboard/tokens/${part(x.id)}`);
    if (!answer.ok) toast(whyNot(answer), { bad: true });
    read();
  };
  return html`<${Panel} id="walls" icon="desk" title=${t('wall.addresses')}>
    <form class="tools" onSubmit=${make}>
      <input class="field label" maxlength="80" placeholder=${t('wall.label')} value=${label.value} onInput=${(e) => { label.value = e.currentTarget.value; }} />
      <button class="btn" disabled=${!label.value.trim()}><${Icon} n="plus" /> ${t('wall.make')}</button>
    </form>
    ${made.value ? html`<p class="made"><b>${t('wall.once')}</b><input class="field num" readonly value=${made.value} onFocus=${(e) => e.currentTarget.select()} /></p>` : null}
    <div class="scroll"><table class="num"><tbody>${tokens.value.map((x) => html`<tr key=${x.id}>
      <td class="cut"><${Foreign} text=${x.label} limit=${30} /></td>
      <td class="cut mut">${x.used_at ? t('wall.used', { time: moment(x.used_at) }) : t('wall.unused')}</td>
      <td class="r"><button type="button" class="btn s" onClick=${() => drop(x)}>${t('wall.drop')}</button></td>
    </tr>`)}</tbody></table></div>
  </${Panel}>`;
}
