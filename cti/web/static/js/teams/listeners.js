// Whose recordings a user may hear: his own team's unless it says otherwise here.
import { html, useEffect, useSignal } from '../lib.js';
import { Panel } from '../ui/panel.js';
import { Foreign, Icon } from '../ui/marks.js';
import { Check, Menu } from '../ui/menu.js';
import { t } from '../i18n.js';
import { call, part } from '../api.js';
import { clean } from '../format.js';
import { toast, whyNot } from '../toast.js';

export function Listeners({ teams }) {
  const rights = useSignal([]);
  const read = async () => {
    const answer = await call('GET', '/recordings/rights');
    if (answer.ok) rights.value = answer.body.rights;
  };
  useEffect(() => {
    read();
  }, []);
  const set = async (x, next) => {
    const answer = await call('PUT', `/recordings/rights/${part(x.login)}`, { teams: next });
    if (!answer.ok) toast(whyNot(answer), { bad: true });
    read();
  };
  const flip = (x, team) => set(x, x.teams.includes(team) ? x.teams.filter((y) => y !== team) : [...x.teams.filter((y) => y !== '*'), team]);
  const words = (x) => (x.teams.includes('*') ? t('rec.allTeams') : x.teams.map((y) => clean(y, 12)).join('、') || t('rec.noTeams'));
  return html`<${Panel} id="listeners" icon="hidden" title=${t('rec.rights')}>
    <div class="scroll"><table><tbody>${rights.value.map((x) => html`<tr key=${x.login}>
      <td class="cut"><b><${Foreign} text=${x.name || x.login} limit=${20} /></b></td>
      <td class="r"><${Menu} float align="right" label=${t('rec.rights')} class="btn s" button=${html`${words(x)}<${Icon} n="down" />`}>
        <${Check} on=${x.teams.includes('*')} onClick=${() => set(x, x.teams.includes('*') ? [] : ['*'])}>${t('rec.allTeams')}</${Check}>
        ${teams.map((team) => html`<${Check} key=${team} on=${x.teams.includes(team)} onClick=${() => flip(x, team)}><${Foreign} text=${team} limit=${20} /></${Check}>`)}
      </${Menu}></td>
    </tr>`)}</tbody></table></div>
  </${Panel}>`;
}
