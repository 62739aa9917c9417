// A plot as people meet it: title, what to see in it, legend, the drawing, and the same as a table.

import { h, show, svg } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";

const SLIM = 120; // Narrower than this there is no layout yet.

const SWATCH = {
  line: (kind) => svg("line", { class: `line ${kind}`, x1: 0, x2: 22, y1: 6, y2: 6 }),
  area: (kind) => svg("rect", { class: `area ${kind}`, width: 22, height: 12, rx: 2 }),
  dot: (kind) => svg("g", { class: `whisker ${kind}` }, svg("circle", { cx: 11, cy: 6, r: 4 })),
};

/** One entry of a legend: `shape` is "line", "area" or "dot"; `fill` overrides an area's colour with a pattern. */
export function key(shape, kind, text, pattern) {
  const drawn = SWATCH[shape](kind);
  if (pattern) drawn.setAttribute("fill", pattern.fill);
  return h(
    "li",
    {},
    svg(
      "svg",
      { class: "swatch", width: 22, height: 12, "aria-hidden": "true" },
      pattern && svg("defs", {}, pattern.node),
      drawn,
    ),
    text,
  );
}

/**
 * `draw(width)` gives the SVG and is called again whenever the width changes, so that letters keep their size on a
 * phone. `table`: `{head: [text], rows: [[text]]}`; the first cell of a row is its name.
 */
export function figure({ id, title, more, legend = [], draw, table, below, isHead = true }) {
  const box = h("div", { class: "plot-box", "data-testid": `plot-${id}` });
  let width = 0;
  const fit = () => {
    const now = Math.floor(box.clientWidth);
    if (now > SLIM && now !== width) show(box, draw((width = now)));
  };
  new ResizeObserver(fit).observe(box);
  const node = h(
    "figure",
    { class: "figure", "aria-labelledby": `${id}-title` },
    h(
      "figcaption",
      {},
      h(isHead ? "h2" : "h3", { id: `${id}-title` }, title),
      more && h("p", { class: "small soft" }, more),
    ),
    legend.length > 0 && h("ul", { role: "list", class: "legend small" }, legend),
    box,
    below,
    asTable(id, title, table),
  );
  return { node, redraw: () => ((width = 0), fit()) };
}

function asTable(id, title, { head, rows }) {
  return h(
    "details",
    { class: "as-table", "data-testid": `table-${id}` },
    h("summary", { class: "small" }, t("as_table")),
    h(
      "div",
      { class: "table-box scroll", role: "region", tabindex: "0", "aria-label": title },
      h(
        "table",
        { class: "dense" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            head.map((text) => h("th", { scope: "col", class: "number" }, text)),
          ),
        ),
        h(
          "tbody",
          {},
          rows.map(([name, ...cells]) =>
            h(
              "tr",
              {},
              h("th", { scope: "row", class: "number" }, name),
              cells.map((text) => h("td", { class: "number" }, text)),
            ),
          ),
        ),
      ),
    ),
  );
}
