// What the promise rests on: the reviewed answers, drawn three ways; and what another promise would give.

import { h } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { histogramFigure } from "./histogram.js";
import { LOSSES, RIGHT } from "./outcomes.js";
import { reliabilityFigure } from "./reliability.js";
import { riskFigure } from "./risk.js";

/** `seen`: the server's evidence for `tried`, the promise in force or, if `isTrial`, another one with another bar. */
export function evidenceCards(seen, tried, { days, isTrial }) {
  if (seen.n_labelled === 0 || seen.curve.length === 0) return nothing(seen, days);
  const bar = isTrial ? (seen.assessment?.bar ?? null) : seen.bar;
  return [
    h(
      "section",
      { class: "card" },
      riskFigure({
        points: seen.curve.map(point),
        target: tried.target_error,
        bar,
        summary: t("evidence.base", { n: seen.n_labelled, all: seen.n_turns, days }),
      }),
    ),
    h(
      "div",
      { class: "pair" },
      h(
        "section",
        { class: "card" },
        reliabilityFigure({ bins: seen.reliability.map(reliable), ece: seen.ece }),
      ),
      h("section", { class: "card" }, histogramFigure({ bins: seen.histogram.map(column), bar })),
    ),
    quality(seen),
  ];
}

const point = ({ bar, coverage, n, k, upper }) => ({
  bar,
  share: coverage,
  n,
  wrong: k,
  bound: n > 0 ? upper : null,
});

const reliable = (bin) => ({
  confidence: bin.mean_confidence ?? (bin.from + bin.until) / 2,
  n: bin.n,
  right: Math.round((bin.share_good ?? 0) * bin.n),
  low: bin.lower ?? 0,
  high: bin.upper ?? 1,
});

const sum = (bin, names) => names.reduce((total, name) => total + (bin[name] ?? 0), 0);
const column = (bin) => ({
  from: bin.from,
  to: bin.until,
  right: sum(bin, RIGHT),
  wrong: sum(bin, LOSSES),
  unseen: bin.unlabelled,
  outcomes: [...RIGHT, ...LOSSES].map((name) => [name, bin[name] ?? 0]),
});

/**
 * What a promise that is not in force would give today. `assessment` is the server's word on `tried`; without it only
 * the curve hints at the answer.
 */
export function trialNote(assessment, tried, seen) {
  const params = { target: percent(tried.target_error, 1), certainty: percent(tried.certainty, 1) };
  const isProven = Boolean(assessment?.can_certify);
  return h(
    "div",
    { class: `note ${isProven ? "good" : "warn"}`, "data-testid": "trial" },
    icon(isProven ? "check" : "info"),
    h("p", {}, assessment ? verdict(assessment, params) : hint(tried, seen, params), " ", t("trial.nothing")),
  );
}

function verdict(assessment, params) {
  if (assessment.can_certify)
    return t("trial.yes", {
      ...params,
      bar: percent(assessment.bar, 1),
      share: percent(assessment.coverage),
      bound: percent(assessment.bound, 1),
    });
  if (!assessment.needed) return t("trial.not_yet", params);
  const { n_more: n, above } = assessment.needed;
  return above > 0
    ? t("trial.no", { ...params, n, above: percent(above, 1) })
    : t("trial.no_any", { ...params, n });
}

function hint(tried, seen, params) {
  if (seen.certainty !== tried.certainty)
    return t("trial.other_certainty", { ...params, drawn: percent(seen.certainty, 1) });
  const able = seen.curve.filter(({ n, upper }) => n > 0 && upper <= tried.target_error);
  if (able.length === 0) return t("trial.unlikely", params);
  const { bar, coverage } = able.at(-1);
  return t("trial.likely", { ...params, bar: percent(bar, 1), share: percent(coverage) });
}

/** Three figures for those who know them, with what they mean for those who do not. */
function quality({ auroc, ece, brier }) {
  const rows = [
    ["auroc", auroc === null ? null : number(auroc, 2)],
    ["ece", ece === null ? null : percent(ece, 1)],
    ["brier", brier === null ? null : number(brier, 3)],
  ].filter(([, value]) => value !== null);
  return (
    rows.length > 0 &&
    h(
      "details",
      { class: "card slim" },
      h("summary", {}, t("quality.title")),
      h(
        "dl",
        { class: "quality" },
        rows.map(([name, value]) => [
          h("dt", {}, t(`quality.${name}`), " ", h("strong", { class: "number" }, value)),
          h("dd", { class: "small soft" }, t(`quality.${name}_more`)),
        ]),
      ),
    )
  );
}

const nothing = ({ n_turns: turns }, days) =>
  h(
    "div",
    { class: "empty card", "data-testid": "no-evidence" },
    icon("search"),
    h("strong", {}, t("evidence.none")),
    h("p", {}, turns > 0 ? t("evidence.none_more", { n: turns, days }) : t("evidence.no_turns")),
    turns > 0 && h("a", { class: "button primary", href: "/console#/score" }, t("step.review_go")),
  );
