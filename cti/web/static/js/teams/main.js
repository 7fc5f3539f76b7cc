// Who is in which team since when; whoever is moved keeps his past where it was. For admins also: walls, and who may listen.
import { html, signal, useSignal, useEffect } from '../lib.js';
import { openPage, may } from '../ui/page.js';
import { Panel, Loading } from '../ui/panel.js';
import { Foreign, Tag } from '../ui/marks.js';
import { t } from '../i18n.js';
import { call, part } from '../api.js';
import { clean, dayTime, phoneLabel } from '../format.js';
import { pbxNow } from '../clock.js';
import { dayWords } from '../ui/words.js';
import { toast, whyNot } from '../toast.js';
import { Walls } from './walls.js';
import { Listeners } from './listeners.js';

const teams = signal(null);
const chosen = signal(null);
const read = async () => {
  const answer = await call('GET', '/teams');
  teams.value = answer.ok ? answer.body.teams : [];
  if (!answer.ok) toast(whyNot(answer), { bad: true });
};
const moment = (at) => (at === null ? t('team.always') : dayTime(at, pbxNow(), dayWords()));

const Member = ({ m }) => html`<tr class=${`row-btn${chosen.value?.login === m.login ? ' hov' : ''}`} tabindex="0" data-login=${m.login}
  onClick=${() => { chosen.value = m; }} onKeyDown=${(e) => { if (e.key === 'Enter') chosen.value = m; }}>
  <td class="cut"><b><${Foreign} text=${m.name || m.login} limit=${20} /></b></td>
  <td class="cut mut">${t(`role.${m.role}`)}</td>
  <td class="cut num">${m.interfaces.map(phoneLabel).join('、') || '–'}</td>
  <td class="cut num">${m.since === null ? html`<span class="mut">${t('team.notNoted')}</span>` : moment(m.since)}</td>
</tr>`;

function Move({ m, onMoved }) {
  const team = useSignal(m.team);
  const since = useSignal('');
  const names = (teams.value ?? []).map((x) => x.name).filter(Boolean);
  const save = async (event) => {
    event.preventDefault();
    const from = since.value ? new Date(since.value).getTime() / 1000 : null;
    const answer = await call('PUT', `/teams/${part(m.login)}`, { team: team.value.trim(), since: from });
    if (!answer.ok) {
      toast(whyNot(answer), { bad: true });
      return;
    }
    toast(t('team.moved', { who: clean(m.name || m.login, 16), team: clean(team.value, 20) || t('agent.noGroup') }));
    chosen.value = answer.body.member;
    since.value = '';
    onMoved();
  };
  return html`<form class="form six" onSubmit=${save}>
    <label class="c3"><span class="lab">${t('team.team')}</span>
      <input class="field" list="teams" maxlength="80" value=${team.value} name="team" onInput=${(e) => { team.value = e.currentTarget.value; }} />
      <datalist id="teams">${names.map((n) => html`<option key=${n} value=${n}></option>`)}</datalist>
    </label>
    <label class="c3"><span class="lab">${t('team.since')}</span>
      <input class="field num" type="datetime-local" value=${since.value} name="since" onInput=${(e) => { since.value = e.currentTarget.value; }} />
    </label>
    <p class="c6 mut">${t('team.say')}</p>
    <p class="c6"><button class="btn primary" disabled=${team.value.trim() === m.team && !since.value}>${t('team.move')}</button></p>
  </form>`;
}

function Person() {
  const m = chosen.value;
  const steps = useSignal(null);
  const again = useSignal(0);
  useEffect(() => {
    if (!m) return;
    steps.value = null;
    call('GET', `/teams/${part(m.login)}/history`).then((answer) => {
      steps.value = answer.ok ? answer.body.steps : [];
    });
  }, [m?.login, again.value]);
  if (!m) return html`<${Panel} icon="user" title=${t('team.person')}><p class="say">${t('team.pick')}</p></${Panel}>`;
  const moved = () => {
    again.value += 1;
    read();
  };
  return html`<${Panel} id="person" icon="user" title=${clean(m.name || m.login, 24)} meta=${clean(m.team, 24) || t('agent.noGroup')}>
    <${Move} key=${m.login} m=${m} onMoved=${moved} />
    <div class="scroll">
      <table class="num">
        <thead><tr><th>${t('team.team')}</th><th>${t('phone.title')}</th><th>${t('hist.from')}</th><th>${t('hist.to')}</th></tr></thead>
        <tbody>${(steps.value ?? []).map((s) => html`<tr key=${`${s.interface}${s.since}`}>
          <td class="cut"><${Foreign} text=${s.team || t('agent.noGroup')} limit=${24} /></td>
          <td>${phoneLabel(s.interface)}</td>
          <td>${moment(s.since)}</td>
          <td>${s.until === null ? html`<${Tag} kind="good">${t('team.now')}</${Tag}>` : moment(s.until)}</td>
        </tr>`)}</tbody>
      </table>
      ${steps.value?.length === 0 ? html`<p class="say">${t('team.noSteps')}</p>` : null}
    </div>
  </${Panel}>`;
}

const Teams = () => html`
  <${Panel} id="teams-list" icon="users" title=${t('nav.teams')} meta=${t('team.meta')}>
    <div class="scroll">
      ${teams.value === null ? html`<${Loading} lines=${8} />` : teams.value.map((team) => html`<section key=${team.name} class="team">
        <h3><${Foreign} text=${team.name || t('agent.noGroup')} limit=${24} /> <span class="mut num">${team.members.length}</span></h3>
        <table><tbody>${team.members.map((m) => html`<${Member} key=${m.login} m=${m} />`)}</tbody></table>
      </section>`)}
    </div>
  </${Panel}>
  <div class="col">
    <${Person} />
    ${may('wallboards') ? html`<${Walls} moment=${moment} />` : null}
    ${may('users') ? html`<${Listeners} teams=${(teams.value ?? []).map((x) => x.name).filter(Boolean)} />` : null}
  </div>
`;

openPage({ page: 'teams', keys: [['?', 'key.help']], Body: Teams });
read();
