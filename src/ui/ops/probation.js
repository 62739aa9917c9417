// After a change of the assistant: the questions of the last proof are asked again, and what differs is there to be read.

import { h } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { confidenceChip } from "/ui/shared/words.js";

/** How far it has come, what it found, and what only new reviews can bring. */
export function probationPart(probation) {
  if (!probation) return null;
  const { n_questions: all, n_asked: asked } = probation;
  return h(
    "div",
    { class: "stack tight", "data-testid": "probation" },
    h("h3", {}, t("probation.title")),
    h("p", { class: "small soft" }, t("probation.more")),
    h(
      "span",
      { class: "gauge" },
      h("progress", { max: Math.max(all, 1), value: asked, "aria-label": t("probation.title") }),
      h("span", { class: "small number" }, `${number(asked)} / ${number(all)}`),
    ),
    asked > 0 && results(probation),
    h("p", {}, lacking(probation)),
    differing(probation.to_read),
  );
}

function results(probation) {
  const row = (name, n) => [h("dt", { class: "soft" }, t(name)), h("dd", { class: "number" }, number(n))];
  return h(
    "dl",
    { class: "pairs small" },
    row("probation.still_right", probation.n_still_right),
    row("probation.still_wrong", probation.n_still_wrong),
    row("probation.unjudged", probation.n_unjudged),
    row("probation.no_answer", probation.n_no_answer),
  );
}

/** What is missing, in words. */
function lacking({ n_questions: all, n_asked: asked, n_sent: n, bar, at_worst: worst }) {
  if (asked < all) return t("probation.asking", { n: all - asked });
  if (!worst) return t("probation.none", { bar: percent(bar, 1) });
  return t("probation.asked", {
    n,
    bar: percent(bar, 1),
    share: percent(worst.share, 1),
    upper: percent(worst.upper, 1),
  });
}

function differing(turns) {
  if (turns.length === 0) return null;
  return h(
    "details",
    { "data-testid": "to-read" },
    h("summary", { class: "small" }, t("probation.to_read", { n: turns.length })),
    h(
      "ol",
      { role: "list", class: "proofs" },
      turns.map((each) =>
        h(
          "li",
          {},
          h(
            "p",
            { class: "row" },
            h("a", { href: `/console#/c/${each.conversation_id}` }, each.question),
            each.now !== null && confidenceChip(each.confidence, 1),
          ),
          h("p", { class: "small" }, t(each.was_right ? "probation.was_right" : "probation.was_wrong"), " ", each.before),
          h("p", { class: "small" }, t("probation.now"), " ", each.now ?? t("probation.no_answer")),
        ),
      ),
    ),
  );
}
