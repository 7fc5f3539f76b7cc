// What the report is about: one row of choices, all of them in the address.
import { html, useSignal } from '../lib.js';
import { Icon, Foreign } from '../ui/marks.js';
import { Check, Item, Menu } from '../ui/menu.js';
import { t } from '../i18n.js';
import { clean } from '../format.js';
import { VARIANTS, asQuery, daysIn } from './query.js';
import { again, ask, choices, days, exportPairs, labelOf, state, total } from './load.js';
import { dayOf, daysText } from './zone.js';

const Down = () => html`<${Icon} n="down" />`;

const Period = () => {
  const [from, to] = days.value;
  const own = useSignal(null);
  const shown = own.value ?? { from, to };
  const wrong = !(shown.from && shown.to && shown.from <= shown.to) || daysIn(shown.from, shown.to) > 1100;
  const take = () => {
    if (!wrong) ask({ period: 'own', ...shown, cell: '', step: '' });
  };
  return html`
    <${Menu} form label=${t('hist.period')} class="btn" onOpen=${() => { own.value = null; }}
      button=${html`<${Icon} n="clock" /><span class="num">${daysText(from, to, t('hist.to'))}</span><${Down} />`}>
      <div class="pick-days">
        ${['from', 'to'].map((k) => html`<label key=${k}>
          <span class="lab">${t(`hist.${k}`)}</span>
          <input class="field" type="date" value=${shown[k]} onInput=${(e) => { own.value = { ...shown, [k]: e.currentTarget.value }; }} />
        </label>`)}
        <button type="button" role="menuitem" class="btn primary" disabled=${wrong} onClick=${take}>${t('hist.show')}</button>
      </div>
    </${Menu}>
    <span class="seg">
      ${['today', 'yesterday', 'week', 'month', 'lastMonth'].map((p) => html`<button key=${p} type="button"
        class=${state.value.period === p ? 'on' : ''} aria-pressed=${state.value.period === p}
        onClick=${() => ask({ period: p, cell: '', step: '' })}>${t(`period.${p}`)}</button>`)}
    </span>
  `;
};

/** Some of several names; none chosen means all. */
const Names = ({ dim, names, all }) => {
  const chosen = state.value[dim];
  const known = [...new Set([...names, ...chosen])];
  const flip = (name) => ask({ [dim]: chosen.includes(name) ? chosen.filter((x) => x !== name) : [...chosen, name] });
  const word = chosen.length === 0 ? t(all) : chosen.length === 1 ? clean(labelOf(dim, chosen[0]), 12) : t('hist.some', { n: chosen.length, what: t(`dim.${dim}`) });
  return html`<${Menu} label=${t(all)} class=${`btn${chosen.length ? ' chosen' : ''}`} button=${html`<span class="cut">${word}</span><${Down} />`}>
    <${Check} on=${chosen.length === 0} onClick=${() => ask({ [dim]: [] })}>${t(all)}</${Check}>
    ${known.map((name) => html`<${Check} key=${name} on=${chosen.includes(name)} onClick=${() => flip(name)}>
      <${Foreign} text=${labelOf(dim, name)} limit=${24} />
    </${Check}>`)}
    ${known.length === 0 ? html`<p class="say">${t('hist.noNames')}</p>` : null}
  </${Menu}>`;
};

const DAYS = [0, 1, 2, 3, 4, 5, 6];
const Hours = () => {
  const { hours, days: week } = state.value;
  const on = new Set(week ? week.split(',').map(Number) : DAYS);
  const [from, to] = hours ? hours.split('-') : ['08:00', '20:00'];
  const flip = (d) => {
    const next = DAYS.filter((x) => (x === d ? !on.has(x) : on.has(x)));
    ask({ days: next.length === 7 || next.length === 0 ? '' : next.join(','), cell: '' });
  };
  const set = (a, b) => {
    if (a && b && a !== b) ask({ hours: `${a}-${b}`, cell: '' });
  };
  const word = [week ? DAYS.filter((d) => on.has(d)).map((d) => t(`day.short.${d}`)).join('') : '', hours].filter(Boolean).join(' ');
  return html`<${Menu} form label=${t('hist.hours')} class=${`btn${word ? ' chosen' : ''}`}
    button=${html`<span class="num cut">${word ? t('hist.hoursOf', { hours: word }) : t('hist.allHours')}</span><${Down} />`}>
    <div class="pick-hours">
      <button type="button" class=${`btn${hours ? '' : ' chosen'}`} onClick=${() => ask({ hours: '', days: '', cell: '' })}>${t('hist.allHours')}</button>
      <button type="button" class="btn" onClick=${() => ask({ hours: '08:00-20:00', days: '', cell: '' })}>08:00–20:00</button>
      <span class="row">
        <input class="field" type="time" step="900" value=${from} aria-label=${t('hist.from')} onChange=${(e) => set(quarter(e.currentTarget.value), to)} />
        –
        <input class="field" type="time" step="900" value=${to} aria-label=${t('hist.to')} onChange=${(e) => set(from, quarter(e.currentTarget.value))} />
      </span>
      <span class="seg small">
        ${DAYS.map((d) => html`<button key=${d} type="button" class=${on.has(d) ? 'on' : ''} aria-pressed=${on.has(d)} onClick=${() => flip(d)}>${t(`day.short.${d}`)}</button>`)}
      </span>
      <p class="mut">${t('hist.hoursSay')}</p>
    </div>
  </${Menu}>`;
};
/** The service knows quarters of an hour. */
function quarter(text) {
  const [h, m] = text.split(':');
  return m === undefined ? '' : `${h}:${String(Math.floor(+m / 15) * 15).padStart(2, '0')}`;
}

const Formula = () => {
  const { variant, target, whole, clock } = state.value;
  const own = useSignal(null);
  const shown = target ? t('hist.targetAs', { t: target }) : t('hist.targetThen');
  const seconds = own.value ?? target;
  const wrong = seconds !== '' && !(Number(seconds) > 0 && Number(seconds) <= 3600);
  return html`<${Menu} form label=${t('hist.formula')} class=${`btn${target || whole || clock !== 'queue' ? ' chosen' : ''}`} onOpen=${() => { own.value = null; }}
    button=${html`<span class="num">${variant} · ${shown}</span><${Down} />`}>
    <h4>${t('hist.variant')}</h4>
    ${VARIANTS.map((v) => html`<${Item} key=${v} chosen=${v === variant} onClick=${() => ask({ variant: v }, { keep: true })}>
      <b class="vno">${v}</b> ${t(`level.of.${v}`)}
    </${Item}>`)}
    <h4>${t('hist.recompute')}</h4>
    <form class="pick-target" onSubmit=${(e) => { e.preventDefault(); if (!wrong) ask({ target: seconds === '' ? '' : String(Number(seconds)) }); }}>
      <input class=${`field num${wrong ? ' wrong' : ''}`} inputmode="decimal" value=${seconds} placeholder=${t('hist.targetThen')} aria-label=${t('hist.recompute')}
        onInput=${(e) => { own.value = e.currentTarget.value.trim(); }} />
      <span>${t('hist.seconds')}</span>
      <button class="btn" disabled=${wrong}>${t('hist.recomputeGo')}</button>
      ${target ? html`<button type="button" class="btn ghost" onClick=${() => { own.value = null; ask({ target: '' }); }}>${t('hist.targetThen')}</button>` : null}
    </form>
    <h4>${t('hist.clock')}</h4>
    <${Check} on=${clock === 'arrival'} onClick=${() => ask({ clock: clock === 'arrival' ? 'queue' : 'arrival' })}>${t('hist.arrival')}</${Check}>
    <${Check} on=${whole} onClick=${() => ask({ whole: !whole })}>${t('hist.whole')}</${Check}>
    <h4></h4>
    <a role="menuitem" class="opt" href="/definitions"><${Icon} n="note" /> ${t('hist.definitions')}</a>
  </${Menu}>`;
};

const Out = () => html`<${Menu} label=${t('hist.export')} class="btn" align="right" button=${html`<${Icon} n="dl" />${t('hist.export')}<${Down} />`}>
  <h4>${t('hist.exportTable', { what: t(`tab.${state.value.tab}`) })}</h4>
  ${['xlsx', 'csv'].map((format) => html`<a key=${format} role="menuitem" class="opt" download href=${`/api/v1/history/export${asQuery(exportPairs(format))}`}>
    <${Icon} n="dl" /> ${format.toUpperCase()}
  </a>`)}
  <h4></h4>
  <${Item} onClick=${() => window.print()}><${Icon} n="print" /> ${t('hist.print')}</${Item}>
</${Menu}>`;

export const Filters = ({ everybody }) => {
  const before = total.value.body?.before;
  const names = choices.value;
  return html`<div class="filters">
    <${Period} />
    <${Names} dim="queue" names=${names.queues} all="hist.allQueues" />
    <${Names} dim="line" names=${names.lines} all="hist.allLines" />
    ${everybody ? html`
      <${Names} dim="team" names=${names.teams} all="hist.allTeams" />
      <${Names} dim="agent" names=${names.agents} all="hist.allAgents" />
    ` : html`<span class="tag info">${t('hist.onlyMine')}</span>`}
    <${Hours} />
    <${Formula} />
    <span class="mut num cut against">${before ? t('hist.against', { days: daysText(dayOf(before.since), dayOf(before.until - 1), t('hist.to')) }) : ''}</span>
    <span class="grow"></span>
    <button type="button" class="btn ico" aria-label=${t('hist.again')} title=${t('hist.again')} onClick=${again}><${Icon} n="again" /></button>
    <${Out} />
  </div>`;
};
