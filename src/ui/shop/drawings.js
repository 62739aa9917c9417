// The products, drawn: no photograph has to be licensed or loaded.

import { svg } from "/ui/shared/dom.js";

const shape = (tag, attributes) => svg(tag, attributes);
const path = (d, fill, more = {}) => shape("path", { d, fill, ...more });
const box = (x, y, width, height, rx, fill) => shape("rect", { x, y, width, height, rx, fill });
const dot = (cx, cy, r, fill) => shape("circle", { cx, cy, r, fill });
const stroke = (d, color, width) =>
  path(d, "none", { stroke: color, "stroke-width": width, "stroke-linecap": "round" });

const DRAWINGS = {
  logo: () => [
    dot(100, 112, 66, "#6b2d5c"),
    path("M60 62q40-34 80 0-14 18-40 18T60 62Z", "#4c8b5a"),
    dot(100, 126, 26, "#f7e9f2"),
    stroke("M100 102v48M79 114l42 24M121 114l-42 24", "#d9b8cf", 4),
  ],
  "AF-500": () => [
    box(52, 30, 96, 140, 30, "#2f3437"),
    box(62, 40, 76, 46, 18, "#454c50"),
    dot(100, 63, 13, "#8ee0c8"),
    stroke("M100 63l7-7", "#20262a", 4),
    box(58, 98, 84, 60, 16, "#3a4145"),
    box(84, 118, 32, 34, 10, "#22272a"),
    box(90, 124, 20, 10, 5, "#596267"),
  ],
  "HP-20": () => [
    stroke("M48 118V96a52 52 0 0 1 104 0v22", "#2d3a52", 13),
    box(34, 104, 34, 58, 17, "#43567a"),
    box(132, 104, 34, 58, 17, "#43567a"),
    box(58, 108, 14, 50, 7, "#23304a"),
    box(128, 108, 14, 50, 7, "#23304a"),
    dot(149, 132, 5, "#a8d4ff"),
  ],
  "PB-10": () => [
    box(58, 28, 84, 144, 16, "#5d5240"),
    box(66, 36, 68, 128, 11, "#6f634f"),
    dot(82, 146, 4, "#c9f2b0"),
    dot(96, 146, 4, "#c9f2b0"),
    dot(110, 146, 4, "#c9f2b0"),
    dot(124, 146, 4, "#8a7d66"),
    path("M106 62 82 104h16l-6 32 26-44h-16Z", "#f2d88a"),
  ],
};

/** The picture of a product; decoration, the name stands beside it. */
export const drawing = (name) =>
  svg("svg", { viewBox: "0 0 200 200", "aria-hidden": "true" }, DRAWINGS[name]());
