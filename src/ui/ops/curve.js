// The plot of the time machine: for every bar, how much would be sent and how much of it was right.

import { svg } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { atLeast } from "./facts.js";
import { figure, key } from "./figure.js";
import { band, frame, line, upright } from "./plot.js";

const TICKS = [0, 0.25, 0.5, 0.75, 1];
const AXIS = { domain: [0, 1], ticks: TICKS, text: (tick) => percent(tick) };

/** The figure of `curve`, with a line at `bar` and one at the bar in force. */
export function curveFigure({ curve, n_turns: all }, bar, currentBar) {
  const sent = curve.map((p) => [p.bar, all > 0 ? p.n_sent / all : 0]);
  const labelled = curve.filter((p) => p.n_right + p.n_wrong > 0);
  const right = labelled.map((p) => [p.bar, p.n_right / (p.n_right + p.n_wrong)]);
  const floor = labelled.map((p) => [p.bar, atLeast(p.n_right, p.n_right + p.n_wrong)]);
  const draw = (width) => {
    const plot = frame({
      width,
      height: width < 520 ? 280 : 320,
      pad: { top: 36 },
      x: { ...AXIS, label: t("bar") },
      y: { ...AXIS, domain: [0, 1.03] },
    });
    const on = (points) => points.map(([x, y]) => [plot.x(x), plot.y(y)]);
    const now = plot.x(currentBar);
    return plot.draw(t("curve.alt", { bar: percent(bar) }), {
      inside: [
        band("bound", on(right), on(floor)),
        line("sent", on(sent)),
        line("seen", on(right)),
        on(right).map(([cx, cy]) => svg("circle", { class: "seen-dot", cx, cy, r: 2.5 })),
      ],
      over: [
        svg("line", { class: "line former", x1: now, x2: now, y1: plot.box.top, y2: plot.box.bottom }),
        upright(plot, plot.x(bar), percent(bar, 1)),
      ],
    });
  };
  return figure({
    id: "curve",
    title: t("curve.title"),
    more: t("curve.more"),
    legend: [
      key("line", "sent", t("curve.sent")),
      key("line", "seen", t("curve.right")),
      key("area", "bound", t("curve.floor")),
    ],
    draw,
    table: {
      head: ["bar", "curve.sent", "curve.right", "labelled"].map((name) => t(name)),
      rows: curve.map((p) => {
        const n = p.n_right + p.n_wrong;
        return [
          percent(p.bar),
          all > 0 ? percent(p.n_sent / all) : "–",
          n > 0 ? percent(p.n_right / n) : "–",
          number(n),
        ];
      }),
    },
  }).node;
}
