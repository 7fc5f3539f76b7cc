// The hours of the week: where it goes wrong again and again. A number in every cell, dark is bad, – is no call.
import { html, useRef } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { t } from '../i18n.js';
import { percent } from '../format.js';
import { ask, heat, state } from './load.js';

const BOUNDS = [0.95, 0.9, 0.8, 0.7];
/** 5 is good, 1 is bad, 0 is no call. */
export const heatStep = (level) => (level === null || level === undefined ? 0 : 5 - BOUNDS.filter((b) => level < b).length);

/** The hours of a day to draw: those that had calls, with what lies between; office hours where nothing was. */
export function hoursShown(rows) {
  const had = rows.filter((r) => r.figures.values.offered > 0).map((r) => Number(r.key.split('-')[1]));
  const asked = rows.map((r) => Number(r.key.split('-')[1]));
  if (!asked.length) return [];
  const [lo, hi] = had.length ? [Math.min(...had), Math.max(...had)] : [8, 19];
  const from = Math.max(Math.min(...asked), Math.min(lo, 9));
  const to = Math.min(Math.max(...asked), Math.max(hi, 17));
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

export const Heat = () => {
  const box = useRef(null);
  const { body, busy } = heat.value;
  const { variant, cell: chosen } = state.value;
  const rows = body?.rows ?? [];
  const hours = hoursShown(rows);
  const cells = new Map(rows.map((r) => [r.key, r.figures]));
  const flip = (key) => ask({ cell: chosen === key ? '' : key, step: '' });
  const onKey = (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -hours.length, ArrowDown: hours.length }[event.key];
    if (!move) return;
    event.preventDefault();
    const all = [...box.current.querySelectorAll('button')];
    all[all.indexOf(document.activeElement) + move]?.focus();
  };
  const first = chosen || `0-${hours[0]}`;
  const legend = html`<span class="hleg" aria-hidden="true">
    ${['≥95', '90', '80', '70', '<70'].map((word, i) => html`<i key=${word} class=${`h${5 - i}`}>${word}</i>`)}
  </span>`;
  return html`<${Panel} id="heat" icon="grid" title=${t('heat.title')} meta=${t('heat.meta', { v: variant })} tools=${legend}>
    ${!body && busy ? html`<${Loading} lines=${5} />` : html`<div class="heat num" style=${{ '--hours': hours.length }} ref=${box} onKeyDown=${onKey}
      role="group" aria-label=${t('heat.title')}>
      <span></span>
      ${hours.map((h) => html`<span key=${h} class="hh">${h}</span>`)}
      ${[0, 1, 2, 3, 4, 5, 6].map((d) => [
        html`<span key=${`d${d}`} class="hd">${t(`day.long.${d}`)}</span>`,
        ...hours.map((h) => {
          const key = `${d}-${h}`;
          const figures = cells.get(key);
          const level = figures?.levels[variant] ?? null;
          const say = t('heat.cell', { day: t(`day.long.${d}`), hour: h, v: variant, level: percent(level), n: figures?.values.offered ?? 0 });
          return html`<button key=${key} type="button" data-cell=${key} class=${`h h${heatStep(level)}${chosen === key ? ' sel' : ''}`}
            aria-pressed=${chosen === key} aria-label=${say} title=${say} tabindex=${key === first ? 0 : -1} disabled=${!figures?.values.offered}
            onClick=${() => flip(key)}>${level === null ? '–' : Math.round(level * 100)}</button>`;
        }),
      ])}
    </div>`}
  </${Panel}>`;
};
