// The grammar of the plots: scales, axes, lines and bands as plain SVG. Nothing here knows what it shows.

import { svg } from "/ui/shared/dom.js";

const PAD = { top: 22, right: 16, bottom: 44, left: 50 };

/** A linear scale from `domain` to `range`; values outside go on, the frame clips them. */
export function linear([from, to], [start, end]) {
  const step = to === from ? 0 : (end - start) / (to - from);
  return (value) => start + (value - from) * step;
}

/** A logarithmic scale; what is not above zero lies at the lower end. */
export function logarithmic([from, to], range) {
  const scale = linear([Math.log10(from), Math.log10(to)], range);
  return (value) => scale(Math.log10(Math.max(value, from)));
}

/** Round numbers from 0 to `max`, about `n` of them. */
export function roundTicks(max, n = 4) {
  const raw = max / n;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * unit).find((each) => each >= raw - 1e-12);
  const ticks = [];
  for (let at = 0; at <= max + step / 1e6; at += step) ticks.push(at);
  return ticks;
}

/** At most `n` of `list`, evenly, the last always among them. */
export function thinned(list, n) {
  const step = Math.max(1, Math.ceil(list.length / Math.max(1, n)));
  return list.filter((_, i) => (list.length - 1 - i) % step === 0);
}

const at = ([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`;

export const line = (kind, points) =>
  points.length > 1 && svg("polyline", { class: `line ${kind}`, points: points.map(at).join(" ") });

/** The area between two lines that run in the same direction. */
export const band = (kind, upper, lower) =>
  upper.length > 1 &&
  svg("polygon", { class: `band ${kind}`, points: [...upper, ...[...lower].reverse()].map(at).join(" ") });

/** A dot with a whisker from `low` to `high`; what it stands for pops up under the pointer. */
export const whisker = (kind, x, y, [low, high], { radius = 4, title } = {}) =>
  svg(
    "g",
    { class: `whisker ${kind}` },
    title && svg("title", {}, title),
    svg("line", { x1: x, x2: x, y1: low, y2: high }),
    svg("line", { x1: x - 4, x2: x + 4, y1: low, y2: low }),
    svg("line", { x1: x - 4, x2: x + 4, y1: high, y2: high }),
    svg("circle", { cx: x, cy: y, r: radius }),
  );

/** An upright line through the whole plot, named above it. */
export function upright({ box }, x, name) {
  const isRight = x > (box.left + box.right) / 2;
  return [
    svg("line", { class: "line bar", x1: x, x2: x, y1: box.top - 6, y2: box.bottom }),
    svg(
      "text",
      {
        class: "bar-name",
        x: x + (isRight ? 4 : -4),
        y: box.top - 10,
        "text-anchor": isRight ? "end" : "start",
      },
      name,
    ),
  ];
}

/** A level line through the whole plot, named at its right end. */
export const level = (kind, { box }, y, name) => [
  svg("line", { class: `line ${kind}`, x1: box.left, x2: box.right, y1: y, y2: y }),
  svg("text", { class: "level-name halo", x: box.right - 6, y: y - 6, "text-anchor": "end" }, name),
];

let ids = 0;

/** Hatching, so that no area is told apart by colour alone. Returns the definition and what to fill with. */
export function hatch(kind, { size = 7, crossed = false } = {}) {
  const id = `hatch-${++ids}`;
  const strokes = [`M0 ${size}L${size} 0`, crossed && `M0 0L${size} ${size}`].filter(Boolean).join("");
  const node = svg(
    "pattern",
    { id, width: size, height: size, patternUnits: "userSpaceOnUse", class: `hatch ${kind}` },
    svg("rect", { width: size, height: size }),
    svg("path", { d: strokes }),
  );
  return { node, fill: `url(#${id})` };
}

/**
 * The frame of a plot. `x`, `y`: `{domain, ticks, text(tick), label, log}`. Returns the scales `x` and `y`, the `box`
 * inside the axes, and `draw(alt, layers)`: what is `inside` is clipped by the axes, what is `over` is not.
 */
export function frame({ width, height, x, y, pad = {} }) {
  const space = { ...PAD, ...pad };
  const box = { left: space.left, right: width - space.right, top: space.top, bottom: height - space.bottom };
  const scale = (axis, range) => (axis.log ? logarithmic : linear)(axis.domain, range);
  const sx = scale(x, [box.left, box.right]);
  const sy = scale(y, [box.bottom, box.top]);
  const clip = `clip-${++ids}`;
  const clipped = svg("rect", {
    x: box.left,
    y: box.top,
    width: Math.max(0, box.right - box.left),
    height: Math.max(0, box.bottom - box.top),
  });
  const draw = (alt, { defs = [], inside = [], over = [] }) =>
    svg(
      "svg",
      { class: "plot", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": alt },
      svg("defs", {}, svg("clipPath", { id: clip }, clipped), defs),
      svg("g", { "clip-path": `url(#${clip})` }, inside),
      axes({ x, y, sx, sy, box, width, height }),
      over,
    );
  return { x: sx, y: sy, box, draw };
}

function axes({ x, y, sx, sy, box, width, height }) {
  const text = (attributes, words) => svg("text", { class: "tick", ...attributes }, words);
  const rows = y.ticks.map((tick) => [
    svg("line", { class: "grid", x1: box.left, x2: box.right, y1: sy(tick), y2: sy(tick) }),
    text({ x: box.left - 8, y: sy(tick) + 4, "text-anchor": "end" }, y.text(tick)),
  ]);
  const room = Math.floor((box.right - box.left) / (x.room ?? 52));
  const columns = thinned(x.ticks, room).map((tick) =>
    text({ x: sx(tick), y: box.bottom + 18, "text-anchor": "middle" }, x.text(tick)),
  );
  const base = svg("line", { class: "base", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom });
  const middle = (box.left + box.right) / 2;
  const names = [
    x.label && text({ x: Math.min(middle, width), y: height - 6, "text-anchor": "middle" }, x.label),
    y.label && text({ x: 4, y: 12 }, y.label),
  ];
  return svg("g", { class: "axes" }, rows, base, columns, names);
}
