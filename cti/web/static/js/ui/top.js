// The bar over every page: name of the product, the page's own part, the link's state, who I am.
import { html, signal, useSignal } from '../lib.js';
import { Icon, Logo, Foreign, Key } from './marks.js';
import { Menu, Item, Dialog } from './menu.js';
import { Nav, PageItems } from './nav.js';
import { t, lang, setLang, pick } from '../i18n.js';
import { clockTime, phoneLabel, mmss } from '../format.js';
import { api } from '../api.js';
import { useKeys } from '../keys.js';
import { toast } from '../toast.js';
import * as session from '../session.js';
import { soundOn, setSound, askNotify, notifyState } from './sound.js';

const looks = window.thirteenLooks;
const themeNow = signal(looks.read('theme') ?? 'system');
function setTheme(theme) {
  looks.keep('theme', theme === 'system' ? null : theme);
  looks.apply();
  themeNow.value = theme;
}

const LinkDot = ({ withClock }) => {
  const level = session.level.value;
  if (level === 'starting')
    return html`<span class="live wait" role="status">
      ${t('live.starting')}
    </span>`;
  if (level === 'stale')
    return html`<span class="live stale num">${t('live.stopped', { time: clockTime(session.lostSince.value, true) })}</span>`;
  if (level === 'late')
    return html`<span class="live late num">${t('live.late', { n: Math.floor(session.shownNow.value - session.lostSince.value) })}</span>`;
  return html`<span class="live num">
    ${t('live.now')}
    ${withClock ? html` · ${clockTime(session.shownNow.value, true)}` : null}
  </span>`;
};

/** What else is away: the CRM, the record store, TLS. Calls go on. */
const Away = () => {
  const link = session.link.value;
  const parts = [];
  if (link && link.crm_ok === false) parts.push([t('away.crm'), t('away.crmSay')]);
  if (link && link.store_ok === false) parts.push([t('away.store'), t('away.storeSay')]);
  if (session.plainHttp.value) parts.push([t('away.plain'), t('away.plainSay')]);
  return parts.map(([word, say]) => html`<span key=${word} class="tag warn" title=${say}>
    <${Icon} n="alert" />
    ${word}
  </span>`);
};

const takePhone = async (name) => {
  const answer = await api.takePhone(name);
  if (answer.ok) toast(t('phone.taken', { phone: phoneLabel(name) }));
  else toast(answer.status === 409 ? t('phone.busy', { phone: phoneLabel(name) }) : t('err.failed'), { bad: true });
};

const UserMenu = ({ page }) => {
  const me = session.me.value;
  if (!me) return null;
  const own = session.agent.value?.interface ?? me.interfaces?.[0];
  const button = html`
    <span class="ava" aria-hidden="true">
      ${Array.from(me.name || me.user)[0]}
    </span>
    <${Foreign} text=${me.name || me.user} limit=${16} />
    ${page === 'desk' ? html`<span class="mut num">${phoneLabel(own)}</span>` : html`<span class="mut">${t(`role.${me.role}`)}</span>`}
  `;
  return html`<${Menu} label=${t('me.menu')} class="btn ghost me-btn" align="right" button=${button}>
    <h4>${t('nav.pages')}</h4>
    <${PageItems} page=${page} />
    ${session.phones.value.length ? html`
      <h4>${t('phone.title')}</h4>
      ${session.phones.value.map((p) => html`<${Item}
        key=${p.interface}
        chosen=${p.interface === own}
        disabled=${Boolean(p.taken_by) && p.interface !== own}
        onClick=${() => takePhone(p.interface)}
      >
        <${Icon} n="phone" />
        <${Foreign} text=${p.label || phoneLabel(p.interface)} limit=${20} />
        ${p.taken_by && p.interface !== own ? html`<span class="end mut">
          <${Foreign} text=${p.taken_by} limit=${10} />
        </span>` : null}
      </${Item}>`)}
    ` : null}
    <h4>${t('set.theme')}</h4>
    ${['system', 'light', 'dark'].map((x) => html`<${Item} key=${x} chosen=${themeNow.value === x} onClick=${() => setTheme(x)}>
      ${t(`theme.${x}`)}
    </${Item}>`)}
    <h4>${t('set.language')}</h4>
    ${['zh', 'en'].map((x) => html`<${Item}
      key=${x}
      chosen=${lang.value === x}
      onClick=${() => {
        setLang(x);
        api.language(x);
      }}
    >
      ${x === 'zh' ? '中文' : 'English'}
    </${Item}>`)}
    ${page === 'desk' || page === 'board' ? html`
      <h4>${t(page === 'board' ? 'alert.title' : 'set.call')}</h4>
      <${Item} chosen=${soundOn.value} onClick=${() => setSound(!soundOn.value)}>
        <${Icon} n=${soundOn.value ? 'bell' : 'bellOff'} />
        ${soundOn.value ? t('sound.on') : t('sound.off')}
      </${Item}>
      ${notifyState.value === 'default' ? html`<${Item} onClick=${askNotify}>
        <${Icon} n="desk" />
        ${t('notify.ask')}
      </${Item}>` : null}
    ` : null}
    <h4></h4>
    <${Item} onClick=${session.logOut}>
      <${Icon} n="exit" />
      ${t('me.out')}
    </${Item}>
  </${Menu}>`;
};

const Help = ({ keys }) => {
  const open = useSignal(false);
  useKeys({
    '?': () => {
      open.value = true;
    },
  });
  return html`
    <button
      type="button"
      class="btn ghost ico"
      aria-label=${t('help.title')}
      title=${`${t('help.title')} ?`}
      onClick=${() => {
        open.value = true;
      }}
    >
      <${Icon} n="help" />
    </button>
    ${open.value ? html`<${Dialog}
      title=${t('help.title')}
      onClose=${() => {
        open.value = false;
      }}
    >
      <h2>${t('help.title')}</h2>
      <dl class="keys">
        ${keys.map(([k, what]) => html`<div key=${k}>
          <dt>
            ${k.split(' ').map((x) => html`<${Key}>${x}</${Key}>`)}
          </dt>
          <dd>${t(what)}</dd>
        </div>`)}
      </dl>
      <p class="mut">${t('help.ime')}</p>
      <p class="r">
        <button
          type="button"
          class="btn"
          onClick=${() => {
            open.value = false;
          }}
        >
          ${t('close')}
        </button>
      </p>
    </${Dialog}>` : null}
  `;
};

/** The desk keeps its bar for the agent's own state: there the pages stand in his menu.
 * Until the first snapshot there is nothing to say but the name: what comes then takes its place at once and stays in it. */
export const Top = ({ page, keys, withClock, quiet, children }) =>
  session.ready.value ? html`<header class="top" key="ready">
    <${Logo} />
    <span class="sep"></span>
    ${page === 'desk' ? null : html`<${Nav} page=${page} />`}
    ${children}
    <span class="grow"></span>
    <${Away} />
    ${quiet ? null : html`<${LinkDot} withClock=${withClock} />`}
    <${Help} keys=${keys} />
    <${UserMenu} page=${page} />
  </header>` : html`<header class="top" key="starting">
    <${Logo} />
    <span class="sep"></span>
    <span class="grow"></span>
    <${LinkDot} />
  </header>`;

/** The dark bar while the link is lost: since when, what still works, when the next try is. */
export const StaleBar = ({ what }) => {
  if (session.unreachable.value)
    return html`<div class="stalebar" role="alert">
      <${Icon} n="unlink" />
      <b>${t('stale.unreachable')}</b>
      <span>${t('stale.trying')}</span>
    </div>`;
  if (session.expired.value) {
    return html`<div class="stalebar" role="alert">
      <${Icon} n="unlink" /><b>${t('stale.expired')}</b><span>${t('stale.expiredSay')}</span><span class="grow"></span>
      <a class="btn s" href="/login" target="_blank">${t('stale.login')}</a>
      <button type="button" class="btn s" onClick=${session.goOn}>${t('stale.goOn')}</button>
    </div>`;
  }
  if (session.level.value !== 'stale') return null;
  const cause = session.lostCause.value;
  const since = session.lostSince.value;
  const now = session.wallTick.value;
  const { attempt, retryAt } = session.socket.value;
  const link = session.link.value;
  const text = (cause === 'refused' || cause === 'pbx') && link ? pick(link.text, link.text_en) : null;
  return html`<div class="stalebar" role="alert">
    <${Icon} n="unlink" />
    <b class="num">
      ${t(`stale.${cause}`)} ${mmss(now - since)}
    </b>
    <span class="num cut">
      ${t('stale.asOf', { time: clockTime(since, true) })}
      ${t(`stale.${what}`)}
    </span>
    <span class="grow"></span>
    ${text ? html`<span class="cut">
      <${Foreign} text=${text} limit=${80} />
    </span>` : null}
    ${cause === 'service' ? html`
      <span class="num">${t('stale.attempt', { n: attempt, s: Math.max(0, Math.ceil((retryAt ?? now) - now)) })}</span>
      <button type="button" class="btn s" onClick=${session.reconnectNow}>
        ${t('stale.now')}
      </button>
    ` : null}
  </div>`;
};

/** What a screen reader is told: new calls at once, steps of the countdown when it is quiet. */
export const spoken = signal({ loud: '', quiet: '' });
export const Speech = () => html`
  <div class="sr" aria-live="assertive" id="say-loud">
    ${spoken.value.loud}
  </div>
  <div class="sr" aria-live="polite" id="say-quiet">
    ${spoken.value.quiet}
  </div>
`;
