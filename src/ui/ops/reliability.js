// Does "90 %" mean right nine times in ten? Confidence against what people found, with its uncertainty.

import { svg } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { figure, key } from "./figure.js";
import { frame, whisker } from "./plot.js";

const FEW = 10;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** `bins`: `{confidence, n, right, low, high}`; `ece`: the mean gap, or null. */
export function reliabilityFigure({ bins, ece }) {
  const seen = bins.filter((bin) => bin.n > 0);
  return figure({
    id: "reliability",
    title: t("reliability.title"),
    more: ece === null ? t("reliability.more") : t("reliability.more_ece", { gap: percent(ece, 1) }),
    legend: [
      key("line", "diagonal", t("reliability.diagonal")),
      key("dot", "enough", t("reliability.dot")),
      key("dot", "few", t("reliability.few", { n: FEW })),
    ],
    draw: (width) => drawReliability(width, seen, ece),
    table: {
      head: ["reliability.x", "labelled", "reliability.y", "interval"].map((name) => t(name)),
      rows: seen.map((bin) => [
        percent(bin.confidence),
        number(bin.n),
        percent(bin.right / bin.n),
        `${percent(bin.low)} – ${percent(bin.high)}`,
      ]),
    },
  }).node;
}

function drawReliability(width, bins, ece) {
  const axis = { domain: [0, 1], ticks: TICKS, text: (tick) => percent(tick) };
  const plot = frame({
    width,
    height: Math.min(320, Math.max(260, width * 0.75)),
    x: { ...axis, label: t("reliability.x") },
    y: { ...axis, label: t("reliability.y") },
  });
  const most = Math.max(...bins.map((bin) => bin.n), 1);
  const dots = bins.map((bin) =>
    whisker(
      bin.n < FEW ? "few" : "enough",
      plot.x(bin.confidence),
      plot.y(bin.right / bin.n),
      [plot.y(bin.low), plot.y(bin.high)],
      {
        radius: 3 + 4 * Math.sqrt(bin.n / most),
        title: t("reliability.bin", {
          confidence: percent(bin.confidence),
          share: percent(bin.right / bin.n),
          n: bin.n,
        }),
      },
    ),
  );
  const diagonal = svg("line", {
    class: "line diagonal",
    x1: plot.x(0),
    y1: plot.y(0),
    x2: plot.x(1),
    y2: plot.y(1),
  });
  const words = [
    t("reliability.alt"),
    ece === null ? null : t("reliability.alt_ece", { gap: percent(ece, 1) }),
  ];
  return plot.draw([...words, t("alt_table")].filter(Boolean).join(" "), { inside: [diagonal], over: dots });
}
