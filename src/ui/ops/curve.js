// The plot behind the dial: for every bar, how much would be sent and how much of it was right.

import { h, show, svg } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { atLeast } from "./facts.js";

const [W, H, LEFT, BOTTOM, TOP, RIGHT] = [640, 300, 48, 40, 14, 24];
const x = (bar) => LEFT + bar * (W - LEFT - RIGHT);
const y = (share) => TOP + (1 - share) * (H - TOP - BOTTOM);
const points = (list) => list.map(([bar, share]) => `${x(bar).toFixed(1)},${y(share).toFixed(1)}`).join(" ");

/** Draws `curve` into `box`, with a line at `bar` and one at the bar in force. */
export function drawCurve(box, { curve, n_turns: all }, bar, currentBar) {
  const sent = curve.map((p) => [p.bar, all > 0 ? p.n_sent / all : 0]);
  const labelled = curve.filter((p) => p.n_right + p.n_wrong > 0);
  const right = labelled.map((p) => [p.bar, p.n_right / (p.n_right + p.n_wrong)]);
  const floor = labelled.map((p) => [p.bar, atLeast(p.n_right, p.n_right + p.n_wrong)]);
  show(
    box,
    h(
      "ul",
      { role: "list", class: "legend small" },
      ["sent", "right", "floor"].map((key) => h("li", { class: `key-${key}` }, t(`curve.${key}`))),
    ),
    svg(
      "svg",
      {
        class: "curve",
        viewBox: `0 0 ${W} ${H}`,
        role: "img",
        "aria-label": t("curve.alt", { bar: percent(bar) }),
        "data-testid": "curve",
      },
      grid(),
      right.length > 1 &&
        svg("polygon", { class: "band", points: `${points(right)} ${points([...floor].reverse())}` }),
      svg("polyline", { class: "line sent", points: points(sent) }),
      svg("polyline", { class: "line right", points: points(right) }),
      right.map(([at, share]) => svg("circle", { class: "dot", cx: x(at), cy: y(share), r: 3 })),
      svg("line", { class: "current", x1: x(currentBar), x2: x(currentBar), y1: TOP, y2: H - BOTTOM }),
      svg("line", { class: "chosen", x1: x(bar), x2: x(bar), y1: TOP, y2: H - BOTTOM }),
      svg(
        "text",
        {
          class: "chosen-text",
          x: x(bar) + (bar > 0.8 ? -6 : 6),
          y: H - BOTTOM - 8,
          "text-anchor": bar > 0.8 ? "end" : "start",
        },
        percent(bar),
      ),
    ),
    table(curve, all),
  );
}

function grid() {
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  return [
    ticks.map((at) => [
      svg("line", { class: "grid", x1: LEFT, x2: W - RIGHT, y1: y(at), y2: y(at) }),
      svg("text", { class: "tick", x: LEFT - 8, y: y(at) + 4, "text-anchor": "end" }, percent(at)),
    ]),
    ticks.map((at) =>
      svg("text", { class: "tick", x: x(at), y: H - BOTTOM + 18, "text-anchor": "middle" }, percent(at)),
    ),
    svg("text", { class: "tick", x: (LEFT + W - RIGHT) / 2, y: H - 4, "text-anchor": "middle" }, t("bar")),
  ];
}

function table(curve, all) {
  const head = ["bar", "curve.sent", "curve.right", "labelled"].map((key) =>
    h("th", { scope: "col", class: "number" }, t(key)),
  );
  return h(
    "details",
    { "data-testid": "curve-table" },
    h("summary", { class: "small" }, t("as_table")),
    h(
      "div",
      { class: "table-box scroll", role: "region", tabindex: "0", "aria-label": t("curve.title") },
      h(
        "table",
        { class: "dense" },
        h("thead", {}, h("tr", {}, head)),
        h(
          "tbody",
          {},
          curve.map((p) => {
            const n = p.n_right + p.n_wrong;
            return h(
              "tr",
              {},
              h("th", { scope: "row", class: "number" }, percent(p.bar)),
              h("td", { class: "number" }, all > 0 ? percent(p.n_sent / all) : "–"),
              h("td", { class: "number" }, n > 0 ? percent(p.n_right / n) : "–"),
              h("td", { class: "number" }, number(n)),
            );
          }),
        ),
      ),
    ),
  );
}
