// The course of a lane's price: median as a line, p25 to p75 as a band, min to max as a thin stroke, the customer's own deals
// as dots. Each period can be pointed at; its numbers stand beside it and in the table.
import { html, useLayoutEffect, useRef, useState } from '../lib.js';
import { axis } from '../ui/charts.js';
import { t } from '../i18n.js';
import { money } from '../format.js';

const two = (n) => String(n).padStart(2, '0');

/** A period as people name it: the week's Monday, or the month. */
export function periodName(at, per) {
  const d = new Date(at * 1000);
  return per === 'month'
    ? `${d.getFullYear()}-${two(d.getMonth() + 1)}`
    : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

const path = (points) => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

export function Course({ p, pointed, label }) {
  const box = useRef(null);
  const [{ w, h }, setBox] = useState({ w: 800, h: 240 });
  useLayoutEffect(() => {
    const take = () => {
      const { clientWidth, clientHeight } = box.current;
      if (clientWidth && clientHeight)
        setBox((old) => (old.w === clientWidth && old.h === clientHeight ? old : { w: clientWidth, h: clientHeight }));
    };
    take();
    const watch = new ResizeObserver(take);
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const list = p.periods;
  if (!list.length)
    return html`<div class="course" ref=${box}>
      <p class="say center">${t('price.noPeriods')}</p>
    </div>`;
  const [L, R, T, B] = [52, 16, 10, 24];
  const from = list[0].at;
  const to = Math.max(list.at(-1).at, from + 1);
  const low = Math.min(...list.map((x) => x.min), ...p.ours.map(([, v]) => v));
  const high = Math.max(...list.map((x) => x.max), ...p.ours.map(([, v]) => v));
  const pad = Math.max((high - low) * 0.08, high * 0.01);
  const x = (at) => (list.length === 1 ? (L + w - R) / 2 : L + ((at - from) / (to - from)) * (w - L - R));
  const y = (v) => T + ((high + pad - v) / (high - low + 2 * pad)) * (h - T - B);
  const half =
    list.length > 1 ? Math.max(4, (w - L - R) / Math.max(1, (to - from) / (p.per === 'month' ? 2_629_800 : 604_800)) / 2) : 40;
  // A period that was left out is a gap in the line: nothing is drawn where nothing is known.
  const gap = (p.per === 'month' ? 32 : 7.5) * 86400;
  const runs = [];
  for (const one of list) {
    const last = runs.at(-1);
    if (last && one.at - last.at(-1).at <= gap) last.push(one);
    else runs.push([one]);
  }
  const marks = list.filter((one, i) => i === 0 || i === list.length - 1 || x(one.at) - x(list[0].at) > 40);
  const every = Math.ceil(marks.length / Math.max(2, Math.floor((w - L - R) / 84)));
  const at = list.find((one) => one.at === pointed.value);
  const side = at && x(at.at) > w - 190;
  return html`<div class="course" ref=${box}>
    <svg class="lane" viewBox=${`0 0 ${w} ${h}`} width=${w} height=${h} role="img" aria-label=${label}>
      ${axis(low - pad, high + pad, h > 220 ? 6 : 4).map((v) => html`
        <path key=${`g${v}`} class="gr" d=${`M${L} ${y(v).toFixed(1)}H${w - R}`} />
        <text key=${`t${v}`} x=${L - 8} y=${y(v) + 4} text-anchor="end">
          ${money(v)}
        </text>
      `)}
      ${marks
        .filter((_, i) => i % every === 0)
        .map((one) => html`<text key=${one.at} x=${x(one.at)} y=${h - 6} text-anchor="middle">
          ${periodName(one.at, p.per).slice(p.per === 'month' ? 2 : 5)}
        </text>`)}
      ${list.map((one) => html`<path key=${one.at} class="range" d=${`M${x(one.at).toFixed(1)} ${y(one.max).toFixed(1)}V${y(one.min).toFixed(1)}`} />`)}
      ${runs.map((run, i) => html`
        <path
          key=${`b${i}`}
          class="band"
          d=${`${path(run.map((o) => [x(o.at), y(o.p75)]))}${path(run.map((o) => [x(o.at), y(o.p25)]).reverse()).replace('M', 'L')}Z`}
        />
        <path key=${`m${i}`} class="moving" d=${path(run.map((o) => [x(o.at), y(o.moving)]))} />
        <path key=${`l${i}`} class="ln" d=${path(run.map((o) => [x(o.at), y(o.median)]))} />
      `)}
      ${list.map((one) => html`<circle key=${one.at} class="dot" cx=${x(one.at)} cy=${y(one.median)} r=${one === at ? 4.5 : 2.5} />`)}
      ${p.ours.map(([when, v], i) => html`<circle key=${`o${i}`} class="deal" cx=${x(Math.min(Math.max(when, from), to))} cy=${y(v)} r="3.5" />`)}
      ${list.map((one) => html`<rect
        key=${one.at}
        class="hit"
        x=${x(one.at) - half}
        y=${T}
        width=${half * 2}
        height=${h - T - B}
        onPointerEnter=${() => {
          pointed.value = one.at;
        }}
        onPointerLeave=${() => {
          pointed.value = null;
        }}
      />`)}
    </svg>
    ${at ? html`<dl class="course-tip num" style=${{ left: `${x(at.at) + (side ? -166 : 12)}px`, top: `${T}px` }}>
      <dt>${periodName(at.at, p.per)}</dt>
      <dd>${t('price.nOf', { n: at.n })}</dd>
      ${['max', 'p75', 'median', 'p25', 'min', 'last'].map((key) => html`
        <dt key=${`${key}t`}>${t(`price.${key}`)}</dt>
        <dd key=${key}>${money(at[key])}</dd>
      `)}
    </dl>` : null}
  </div>`;
}
