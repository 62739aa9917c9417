// How many answers have which confidence, and what people found of them: where the bar cuts the traffic.

import { svg } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { figure, key } from "./figure.js";
import { frame, hatch, roundTicks, upright } from "./plot.js";

const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** From the axis upwards; each with its own colour and its own hatching. */
const PARTS = [
  { name: "right" },
  { name: "wrong", pattern: () => hatch("bad", { crossed: true }) },
  { name: "unseen", pattern: () => hatch("plain") },
];

/**
 * `bins`: `{from, to, right, wrong, unseen}` in numbers of answers, and `outcomes`, `[name, n]` each, for the table;
 * `bar`: the bar in force, or null.
 */
export function histogramFigure({ bins, bar }) {
  return figure({
    id: "histogram",
    title: t("histogram.title"),
    more: t("histogram.more"),
    legend: PARTS.map(({ name, pattern }) => key("area", name, t(`histogram.${name}`), pattern?.())),
    draw: (width) => drawHistogram(width, bins, bar),
    table: {
      head: [
        t("confidence"),
        ...(bins[0]?.outcomes ?? []).map(([name]) => t(`outcome.${name}`)),
        t("histogram.unseen"),
      ],
      rows: bins.map((bin) => [
        `${percent(bin.from)} – ${percent(bin.to)}`,
        ...bin.outcomes.map(([, n]) => number(n)),
        number(bin.unseen),
      ]),
    },
  }).node;
}

function drawHistogram(width, bins, bar) {
  const total = (bin) => PARTS.reduce((sum, { name }) => sum + bin[name], 0);
  const top = Math.max(...bins.map(total), 4);
  const plot = frame({
    width,
    height: Math.min(320, Math.max(260, width * 0.75)),
    pad: { top: 36 },
    x: { domain: [0, 1], ticks: TICKS, text: (tick) => percent(tick), label: t("confidence") },
    y: {
      domain: [0, top * 1.05],
      ticks: roundTicks(top),
      text: (tick) => number(tick),
      label: t("histogram.y"),
    },
  });
  const patterns = PARTS.map(({ pattern }) => pattern?.() ?? null);
  const columns = bins.map((bin) => {
    let base = 0;
    return PARTS.map(({ name }, i) => {
      const [from, to] = [base, base + bin[name]];
      base = to;
      const rect = svg(
        "rect",
        {
          class: `area ${name}`,
          x: plot.x(bin.from) + 1,
          width: Math.max(1, plot.x(bin.to) - plot.x(bin.from) - 2),
          y: plot.y(to),
          height: Math.max(0, plot.y(from) - plot.y(to)),
          fill: patterns[i]?.fill,
        },
        svg(
          "title",
          {},
          `${percent(bin.from)} – ${percent(bin.to)} · ${t(`histogram.${name}`)}: ${bin[name]}`,
        ),
      );
      return bin[name] > 0 && rect;
    });
  });
  const all = bins.reduce((sum, bin) => sum + total(bin), 0);
  const above =
    bar === null ? 0 : bins.filter((bin) => bin.from >= bar - 1e-9).reduce((sum, bin) => sum + total(bin), 0);
  const words = [
    t("histogram.alt", { n: all }),
    bar !== null && t("histogram.alt_bar", { n: above, bar: percent(bar, 1) }),
  ];
  return plot.draw([...words, t("alt_table")].filter(Boolean).join(" "), {
    defs: patterns.filter(Boolean).map((pattern) => pattern.node),
    inside: columns,
    over: bar !== null && upright(plot, plot.x(bar), t("risk.bar", { bar: percent(bar, 1) })),
  });
}
