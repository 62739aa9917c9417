// Inquiries and response time by the hour: bars on the left axis, a line on the right one, and both as a table.

import { figure, key } from "/ui/ops/figure.js";
import { frame, line, linear, roundTicks } from "/ui/ops/plot.js";
import { svg } from "/ui/shared/dom.js";
import { duration, number, t } from "/ui/shared/i18n.js";

const HEIGHT = 280;
const HOURS = [...Array(24).keys()];

export function hourPlot(hours) {
  const most = Math.max(4, ...hours.map((hour) => hour.n_inquiries));
  const slowest = Math.max(60_000, ...hours.map((hour) => hour.response_ms ?? 0));
  const words = (ms) => (ms === null ? "–" : duration(ms));
  const plot = figure({
    id: "hours",
    title: t("hours.title"),
    more: t("hours.more"),
    legend: [key("area", "right", t("col.inquiries")), key("line", "sent", t("col.response"))],
    draw: (width) => draw(width, { hours, most, slowest }),
    table: {
      head: [t("hour"), t("col.inquiries"), t("col.lost"), t("col.first"), t("col.response")],
      rows: hours
        .filter((hour) => hour.n_inquiries > 0 || hour.n_rounds > 0)
        .map((hour) => [
          `${hour.key}:00`,
          number(hour.n_inquiries),
          number(hour.n_lost),
          words(hour.first_ms),
          words(hour.response_ms),
        ]),
    },
  });
  return plot.node;
}

function draw(width, { hours, most, slowest }) {
  const ticks = roundTicks(most).filter((tick) => Number.isInteger(tick));
  const { x, y, box, draw: drawn } = frame({
    width,
    height: HEIGHT,
    x: { domain: [-0.6, 23.6], ticks: HOURS, text: (hour) => `${hour}`, label: t("hour"), room: 34 },
    y: { domain: [0, ticks.at(-1) || most], ticks, text: (n) => number(n), label: t("col.inquiries") },
    pad: { right: 62 },
  });
  const minutes = roundTicks(slowest / 60_000, 3);
  const slow = linear([0, minutes.at(-1) * 60_000], [box.bottom, box.top]);
  const wide = Math.max(4, ((box.right - box.left) / 24) * 0.62);
  const bars = hours.map((hour, i) =>
    svg(
      "rect",
      { class: "area right", x: x(i) - wide / 2, y: y(hour.n_inquiries), width: wide, height: box.bottom - y(hour.n_inquiries), rx: 2 },
      svg("title", {}, `${hour.key}:00 · ${number(hour.n_inquiries)}`),
    ),
  );
  const known = hours.map((hour, i) => [i, hour.response_ms]).filter(([, ms]) => ms !== null);
  const points = known.map(([i, ms]) => [x(i), slow(ms)]);
  const dots = known.map(([i, ms]) =>
    svg(
      "circle",
      { class: "response-dot", cx: x(i), cy: slow(ms), r: 4 },
      svg("title", {}, `${i}:00 · ${duration(ms)}`),
    ),
  );
  const right = minutes.map((n) =>
    svg("text", { class: "tick", x: box.right + 8, y: slow(n * 60_000) + 4 }, t("minutes", { n: number(n, n % 1 ? 1 : 0) })),
  );
  return drawn(t("hours.alt", { n: number(hours.reduce((sum, hour) => sum + hour.n_inquiries, 0)) }), {
    inside: [bars],
    over: [line("sent", points), dots, right],
  });
}
