// The curve behind the promise: the more is sent by itself, the more of it is wrong, and how much of that is proven.

import { h, show, svg } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { figure, key } from "./figure.js";
import { band, frame, hatch, level, line, roundTicks, upright } from "./plot.js";

/** Of fewer reviews no share is worth a verdict. */
const FEW = 10;

/** What is known of one bar: proven, not proven yet, or more wrong among the reviewed than promised. */
export const zoneOf = (point, target) =>
  point.n >= FEW && point.wrong / point.n > target
    ? "broken"
    : point.bound !== null && point.bound <= target
      ? "proven"
      : "open";

const share = (point) => (point.n > 0 ? point.wrong / point.n : null);

/** The loosest point that is no looser than `bar`. */
const atBar = (points, bar) =>
  bar === null ? null : (points.findLast((point) => point.bar >= bar - 1e-9) ?? null);

/**
 * `points`: `{bar, share, n, wrong, bound}`, the highest bar first; `bar`: the bar in force or null; `summary`: what
 * the curve is made of.
 */
export function riskFigure({ points, target, bar, summary }) {
  const start = Math.max(0, points.indexOf(atBar(points, bar)));
  let looked = start;
  const words = h("output", { class: "reading", for: "look", "data-testid": "reading" });
  const look = h("input", {
    type: "range",
    id: "look",
    min: "0",
    max: String(points.length - 1),
    step: "1",
    value: start,
    "data-testid": "look",
  });
  const read = () => {
    const text = reading(points[looked], target);
    look.setAttribute("aria-valuetext", text.join(" "));
    show(
      words,
      h("strong", {}, text[0]),
      text.slice(1).map((sentence) => h("span", {}, sentence)),
    );
  };
  const below = h(
    "div",
    { class: "look" },
    h("label", { class: "small", for: "look" }, t("risk.look")),
    look,
    words,
  );
  const plot = figure({
    id: "risk",
    title: t("risk.title"),
    more: `${t("risk.more")} ${summary}`,
    legend: legend(),
    draw: (width) => drawRisk(width, { points, target, bar, looked: points[looked] }),
    table: table(points, target),
    below,
  });
  look.addEventListener("input", () => ((looked = Number(look.value)), read(), plot.redraw()));
  read();
  return plot.node;
}

function legend() {
  const [open, broken] = [hatch("warn"), hatch("bad", { crossed: true })];
  return [
    key("line", "seen", t("risk.seen")),
    key("area", "bound", t("risk.bound")),
    key("line", "target", t("risk.target")),
    key("area", "zone-proven", t("zone.proven")),
    key("area", "zone-open", t("zone.open"), open),
    key("area", "zone-broken", t("zone.broken"), broken),
  ];
}

function drawRisk(width, { points, target, bar, looked }) {
  const top = Math.min(1, Math.max(target * 3, 0.06));
  const widest = Math.max(...points.map((point) => point.share), 0.1);
  const xMax = Math.min(1, Math.ceil(widest * 10) / 10);
  const plot = frame({
    width,
    height: width < 520 ? 300 : 340,
    pad: { top: 42 },
    x: { domain: [0, xMax], ticks: roundTicks(xMax, 5), text: percent, label: t("risk.x") },
    y: {
      domain: [0, top],
      ticks: roundTicks(top),
      text: (tick) => percent(tick, top < 0.1 ? 1 : 0),
      label: t("risk.y"),
    },
  });
  const patterns = { open: hatch("warn"), broken: hatch("bad", { crossed: true }) };
  const seen = points.filter((point) => point.n > 0);
  const bounded = seen.filter((point) => point.bound !== null);
  const low = bounded.map((point) => [plot.x(point.share), plot.y(share(point))]);
  const high = bounded.map((point) => [plot.x(point.share), plot.y(Math.min(1, point.bound))]);
  const near = atBar(points, bar);
  const current = near && { ...near, bar };
  return plot.draw(alt(points, target, current), {
    defs: Object.values(patterns).map((pattern) => pattern.node),
    inside: [
      zones(points, target, plot, patterns),
      band("bound", high, low),
      line("edge", high),
      line(
        "seen",
        seen.map((point) => [plot.x(point.share), plot.y(share(point))]),
      ),
    ],
    over: [
      level("target", plot, plot.y(target), t("risk.level", { target: percent(target, 1) })),
      current && upright(plot, plot.x(current.share), t("risk.bar", { bar: percent(bar, 1) })),
      looked && pointer(plot, looked, top),
    ],
  });
}

/** The ground, coloured and hatched by what is known of the bars above it, with the zone's name where there is room. */
function zones(points, target, plot, patterns) {
  const runs = [];
  for (const point of points) {
    const zone = zoneOf(point, target);
    const last = runs.at(-1);
    const from = last ? last.to : 0;
    if (last?.zone === zone) last.to = point.share;
    else runs.push({ zone, from, to: point.share });
  }
  return runs.map(({ zone, from, to }) => {
    const [x1, x2] = [plot.x(from), plot.x(to)];
    const area = svg("rect", {
      class: `area zone-${zone}`,
      x: x1,
      y: plot.box.top,
      width: Math.max(0, x2 - x1),
      height: plot.box.bottom - plot.box.top,
    });
    if (patterns[zone]) area.setAttribute("fill", patterns[zone].fill);
    const name = t(`zone.${zone}_short`);
    const hasRoom = x2 - x1 > 16 + [...name].reduce((sum, c) => sum + (c > "ÿ" ? 12 : 6.6), 0);
    return [
      area,
      hasRoom && svg("text", { class: `zone-name ${zone}`, x: x1 + 8, y: plot.box.top + 16 }, name),
    ];
  });
}

function pointer(plot, point, top) {
  const seen = share(point);
  const y = seen === null ? plot.box.bottom : plot.y(Math.min(top, seen));
  return svg("circle", { class: "pointer", cx: plot.x(point.share), cy: y, r: 6 });
}

/** A bar in sentences: what would go out, what is known of it, what that means for a thousand answers. */
function reading(point, target) {
  const out = [
    t("reading.bar", { bar: percent(point.bar, 1) }),
    t("reading.share", { share: percent(point.share) }),
  ];
  if (point.n === 0) return [...out, t("reading.unseen")];
  const wrong = share(point);
  out.push(t("reading.seen", { n: point.n, wrong: point.wrong, share: percent(wrong, 1) }));
  if (point.bound !== null)
    out.push(
      t(`reading.${zoneOf(point, target)}`, { bound: percent(point.bound, 1), target: percent(target, 1) }),
      point.n >= FEW &&
        t("reading.thousand", { n: Math.round(wrong * 1000), most: Math.ceil(point.bound * 1000) }),
    );
  return out.filter(Boolean);
}

function alt(points, target, current) {
  const last = points.filter((point) => zoneOf(point, target) === "proven").at(-1);
  return [
    t("risk.alt", { target: percent(target, 1) }),
    last
      ? t("risk.alt_proven", { bar: percent(last.bar, 1), share: percent(last.share) })
      : t("risk.alt_none"),
    current && t("risk.alt_bar", { bar: percent(current.bar, 1), share: percent(current.share) }),
    t("alt_table"),
  ]
    .filter(Boolean)
    .join(" ");
}

const table = (points, target) => ({
  head: ["bar", "risk.x", "labelled", "wrong", "risk.seen", "risk.bound", "zone"].map((name) => t(name)),
  rows: points.map((point) => [
    percent(point.bar, 1),
    percent(point.share),
    number(point.n),
    number(point.wrong),
    point.n > 0 ? percent(share(point), 1) : "–",
    point.bound === null ? "–" : percent(point.bound, 1),
    t(`zone.${zoneOf(point, target)}_short`),
  ]),
});
