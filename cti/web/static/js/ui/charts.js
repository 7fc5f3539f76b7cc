// The drawings of the pages, as plain SVG in the size of their box.
import { html, useLayoutEffect, useRef, useState } from '../lib.js';
import { money } from '../format.js';

/** Width and height of a box, followed as it changes. */
function useBox(fallback) {
  const ref = useRef(null);
  const [box, setBox] = useState(fallback);
  useLayoutEffect(() => {
    const take = () => {
      const { clientWidth: w, clientHeight: h } = ref.current;
      if (w && h) setBox((old) => (old.w === w && old.h === h ? old : { w, h }));
    };
    take();
    const watch = new ResizeObserver(take);
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, []);
  return [ref, box];
}

const line = (points) => points.map(([x, y], i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

/** Round steps for an axis: at most `most` lines between lo and hi. */
export function axis(lo, hi, most) {
  const span = Math.max(hi - lo, 1e-9);
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((s) => span / s <= most) ?? power * 10;
  const out = [];
  for (let y = Math.ceil(lo / step) * step; y <= hi + step * 1e-6; y += step) out.push(Math.round(y * 1e6) / 1e6);
  return out;
}

/** Level over the last hours as a thread with its goal: values 0..1 or null. */
export function Spark({ values, goal = 0.9, width = 52, height = 18 }) {
  const known = values.filter((v) => v !== null);
  if (known.length < 2)
    return html`<svg class="spark" width=${width} height=${height} aria-hidden="true">
      <path class="ref" d=${`M0 ${height / 2}H${width}`} />
    </svg>`;
  const lo = Math.min(0.6, ...known);
  const y = (v) => 3 + ((1 - v) / (1 - lo)) * (height - 6);
  const x = (i) => 3 + (i * (width - 6)) / (values.length - 1);
  const points = values.map((v, i) => (v === null ? null : [x(i), y(v)])).filter(Boolean);
  const [ex, ey] = points.at(-1);
  return html`<svg class="spark" width=${width} height=${height} aria-hidden="true">
    <path class="ref" d=${`M0 ${y(goal).toFixed(1)}H${width}`} />
    <path d=${line(points)} />
    <circle cx=${ex} cy=${ey} r="2" />
  </svg>`;
}

/** Lane price: weekly median as a line, p25 to p75 as a band, the last deal as a dot, our open quote as a dashed level. */
export function Lane({ trend, words, label }) {
  const [ref, { w, h }] = useBox({ w: 440, h: 96 });
  const pts = trend.points;
  const all = pts.flatMap((p) => [p.p25 ?? p.median, p.p75 ?? p.median, p.median]);
  if (trend.ours) all.push(trend.ours);
  if (trend.last) all.push(trend.last.price);
  const lo0 = Math.min(...all);
  const hi0 = Math.max(...all);
  const pad = Math.max((hi0 - lo0) * 0.18, hi0 * 0.02);
  const lo = lo0 - pad;
  const hi = hi0 + pad;
  const [L, R, T, B] = [38, 8, 4, 16];
  const t0 = pts[0].at;
  const t1 = Math.max(pts.at(-1).at, t0 + 1);
  const x = (at) => L + ((Math.min(Math.max(at, t0), t1) - t0) / (t1 - t0)) * (w - L - R);
  const y = (v) => T + ((hi - v) / (hi - lo)) * (h - T - B);
  const months = [];
  for (const p of pts) {
    const m = new Date(p.at * 1000).getMonth() + 1;
    if (months.at(-1)?.m !== m) months.push({ m, from: x(p.at), x: x(p.at) });
    else months.at(-1).x = (months.at(-1).from + x(p.at)) / 2; // a month's name stands under its middle
  }
  const shownMonths = months.filter((m, i) => m.x > L + 6 && m.x < w - R - 6 && (i === 0 || m.x - months[i - 1].x > 36));
  const band =
    line(pts.map((p) => [x(p.at), y(p.p75 ?? p.median)])) +
    line(pts.map((p) => [x(p.at), y(p.p25 ?? p.median)]).reverse()).replace('M', 'L') +
    'Z';
  const qx = x(t0 + (t1 - t0) * 0.86);
  const near = trend.ours && trend.last && Math.abs(y(trend.ours) - y(trend.last.price)) < 16;
  const dx = trend.last ? x(trend.last.at) : 0;
  const dealRight = dx < w - 120;
  return html`<div class="lane-box" ref=${ref}>
    <svg class="lane" viewBox=${`0 0 ${w} ${h}`} width=${w} height=${h} role="img" aria-label=${label}>
      ${axis(lo, hi, h > 120 ? 5 : 4).map((v) => html`
        <path class="gr" d=${`M${L} ${y(v).toFixed(1)}H${w - R}`} />
        <text x=${L - 6} y=${y(v) + 4} text-anchor="end">
          ${money(v)}
        </text>
      `)}
      ${shownMonths.map((m) => html`<text x=${m.x} y=${h - 3} text-anchor="middle">
        ${words.month(m.m)}
      </text>`)}
      <path class="band" d=${band} />
      <path class="ln" d=${line(pts.map((p) => [x(p.at), y(p.median)]))} />
      ${trend.ours ? html`
        <path class="qt" d=${`M${qx} ${y(trend.ours).toFixed(1)}H${w - R}`} />
        <text class="qt-t halo" x=${qx - 5} y=${y(trend.ours) + 4} text-anchor="end">
          ${words.ours} ${money(trend.ours)}
        </text>
      ` : null}
      ${trend.last ? html`
        <circle class="deal" cx=${dx} cy=${y(trend.last.price)} r="3.5" />
        <text
          class="deal-t halo"
          x=${dealRight ? dx + 7 : dx - 7}
          y=${y(trend.last.price) + (near || y(trend.last.price) < h - 40 ? 15 : -7)}
          text-anchor=${dealRight ? 'start' : 'end'}
        >
          ${words.last} ${money(trend.last.price)}
        </text>
      ` : null}
    </svg>
  </div>`;
}

/** The next round number of calls above n whose half is whole. */
export function roundTop(n) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(n)));
  return [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].map((k) => Math.ceil((k * power) / 2) * 2).find((x) => x >= n) ?? power * 10;
}

/** Which buckets get their name under the axis: round ones first, as many as there is room for. */
export function namedBuckets(buckets, width, room) {
  const every = Math.max(1, Math.ceil(room / width));
  const round = buckets.some((b) => b.whole);
  const out = [];
  buckets.forEach((b, i) => {
    if ((!round || b.whole) && b.name && (out.length === 0 || i - out.at(-1) >= every)) out.push(i);
  });
  return out;
}

/**
 * Calls per interval as bars with their late part, and the level as a line with its goal. A bucket is {key, offered, late,
 * level (0..1 or null), name (under the axis), whole (a round moment), say (on hover), marked (not certain)}. `onPick(key)`.
 */
export function Course({ buckets, goal, label, onPick, picked, room = 44 }) {
  const [ref, { w, h }] = useBox({ w: 320, h: 106 });
  const [L, R, T, B] = [32, 40, 8, 18];
  const ph = Math.max(1, h - T - B);
  const top = roundTop(Math.max(4, ...buckets.map((b) => b.offered)));
  const known = buckets.map((b) => b.level).filter((v) => v !== null && v !== undefined);
  const floor = Math.min(0.6, Math.floor(Math.min(1, ...known) * 5) / 5);
  const bw = (w - L - R) / Math.max(1, buckets.length);
  const y = (v) => T + ((1 - v) / (1 - floor)) * ph;
  const mid = (i) => L + i * bw + bw / 2;
  const bar = Math.max(1, bw * 0.64);
  // Where nobody called there is no level, and no line that pretends one.
  const runs = [];
  buckets.forEach((b, i) => {
    if (b.level === null || b.level === undefined) runs.push([]);
    else (runs.at(-1) ?? (runs[0] = [])).push([mid(i), y(b.level), b]);
  });
  const points = runs.flat();
  const named = new Set(namedBuckets(buckets, bw, room));
  const dots = points.length <= 120;
  return html`<div class="trend-box" ref=${ref}>
    <svg class=${`trend${onPick ? ' pick' : ''}`} viewBox=${`0 0 ${w} ${h}`} width=${w} height=${h} role="img" aria-label=${label}>
      ${[0, 0.5, 1].map((k) => html`
        <path key=${k} class="gr" d=${`M${L} ${T + ph * k}H${w - R}`} />
        <text x=${L - 6} y=${T + ph * k + 4} text-anchor="end">${Math.round(top * (1 - k))}</text>
        <text x=${w - R + 6} y=${T + ph * k + 4}>${Math.round(100 - (100 - floor * 100) * k)}%</text>
      `)}
      ${buckets.map((b, i) => {
        const bh = (b.offered / top) * ph;
        const lh = (Math.min(b.late, b.offered) / top) * ph;
        return html`<g key=${b.key}>
          ${picked === b.key ? html`<rect class="at" x=${L + i * bw} y=${T} width=${bw} height=${ph} />` : null}
          <rect class=${`b1${b.marked ? ' unsure' : ''}`} x=${mid(i) - bar / 2} y=${T + ph - bh} width=${bar} height=${bh} rx=${bw > 6 ? 1.5 : 0} />
          <rect class="b2" x=${mid(i) - bar / 2} y=${T + ph - lh} width=${bar} height=${lh} />
          ${named.has(i) ? html`<text x=${mid(i)} y=${h - 4} text-anchor="middle">${b.name}</text>` : null}
        </g>`;
      })}
      ${goal === null || goal === undefined ? null : html`<path class="goal" d=${`M${L} ${y(goal)}H${w - R}`} />`}
      <path class="ln" d=${runs.map(line).join('')} />
      ${dots ? points.map(([px, py, b]) => {
        const low = b.level < (goal ?? 0);
        return html`<circle key=${b.key} cx=${px} cy=${py} r=${low ? 3 : 2} class=${low ? 'low' : 'ok'} />`;
      }) : null}
      ${buckets.map((b, i) => html`<rect
        key=${b.key}
        class="hit"
        data-bucket=${b.key}
        x=${L + i * bw}
        y=${T}
        width=${bw}
        height=${ph + B}
        onClick=${onPick && (() => onPick(b.key))}
      >
        <title>${b.say}</title>
      </rect>`)}
    </svg>
  </div>`;
}
