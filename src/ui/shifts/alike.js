// The share of equal questions that were answered alike on every shift: a bar a week, and what differed last.

import { get } from "/ui/shared/api.js";
import { h, show, svg } from "/ui/shared/dom.js";
import { percent, t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";

const [HEIGHT, BAR, STEP] = [120, 36, 72];

export async function showAlike(box) {
  try {
    const { weeks, differing } = await get("/v1/shifts/alike");
    show(
      box,
      h("h2", {}, t("alike.title")),
      h("p", { class: "soft" }, t("alike.more")),
      weeks.length > 0 ? plot(weeks) : h("p", { class: "soft" }, t("alike.none")),
      differing.length > 0 && differences(differing),
    );
  } catch (problem) {
    show(box, sorry(problem, () => showAlike(box)));
  }
}

const told = (week) => t("alike.week", { week: week.week, n: week.n_compared, alike: week.n_alike, share: percent(week.n_alike / week.n_compared) });

/** Read aloud as a list of its weeks. */
function plot(weeks) {
  const bar = (week, nth) => {
    const x = nth * STEP + (STEP - BAR) / 2;
    const part = (week.n_alike / week.n_compared) * HEIGHT;
    return svg(
      "g",
      {},
      svg("title", {}, told(week)),
      svg("rect", { x, y: 20, width: BAR, height: HEIGHT }),
      svg("rect", { class: "alike-part", x, y: 20 + HEIGHT - part, width: BAR, height: part }),
      svg("text", { x: x + BAR / 2, y: 14 }, percent(week.n_alike / week.n_compared)),
      svg("text", { x: x + BAR / 2, y: HEIGHT + 36 }, week.week.slice(5)),
    );
  };
  return svg("svg", { class: "alike", viewBox: `0 0 ${Math.max(4, weeks.length) * STEP} ${HEIGHT + 44}`, role: "img", "aria-label": weeks.map(told).join("; ") }, weeks.map(bar));
}

const differences = (differing) => [
  h("h3", {}, t("alike.differing")),
  h(
    "dl",
    { class: "differing" },
    differing.map((one) => [h("dt", {}, one.question), one.answers.map((answer) => h("dd", {}, h("span", { class: "chip" }, answer.shift), " ", answer.text))]),
  ),
];
