// What the rehearsal comes to, in words: a promise that is proven, or the one thing to do next.

import { histogramFigure } from "/ui/ops/histogram.js";
import { LOSSES, RIGHT } from "/ui/ops/outcomes.js";
import { h, show } from "/ui/shared/dom.js";
import { percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";

const JUDGES = ["agent", "staff", "owner"];
const BRINGERS = ["staff", "ops", "owner"];

/** `found`: what the server says; `me`: who reads it. */
export function drawResult(box, found, { me, isUnderWay }) {
  const { tally, chosen, certainty } = found;
  if (chosen.step.kind === "begin" && isUnderWay)
    return show(box, h("p", { class: "card note info" }, t("rehearsal.reading")));
  show(
    box,
    h(
      "div",
      { class: "card stack verdict", "data-testid": "verdict", "data-step": chosen.step.kind },
      verdict(chosen, { certainty, me, tally, others: found.others }),
      tally.n_answered + tally.n_waiting > 0 && facts(tally),
    ),
    tally.n_answered > 0 &&
      h(
        "details",
        { class: "card details" },
        h("summary", {}, t("rehearsal.details")),
        prospects(found),
        tally.n_sendable > 0 &&
          histogramFigure({ bins: found.histogram.map(column), bar: chosen.assessment.bar }),
      ),
    found.wrong.length > 0 && wrongAnswers(found.wrong),
  );
}

function verdict({ target_error: target, step, share, assessment }, { certainty, me, tally, others }) {
  const proven = others.find((one) => one.assessment.can_certify); // The strictest comes first.
  const looser = proven && { target: percent(proven.target_error), share: percent(proven.share ?? 0) };
  const promise = { target: percent(target), certainty: percent(certainty) };
  const { n_clean_now: clean, min_clean: least, k_now: wrong } = assessment.needed ?? {};
  const words = {
    ...promise,
    ...step,
    rest: (assessment.needed?.n_more ?? 0) - (step.n ?? 0), // Right answers that are missing even then.
    clean,
    least,
    answered: tally.n_answered,
    waiting: tally.n_waiting,
    share: share === null ? "" : percent(share),
    bound: assessment.bound === null ? "" : percent(assessment.bound, 1),
    bar: assessment.bar === null ? "" : percent(assessment.bar, 1),
  };
  const isProven = step.kind === "promise";
  const needs = !isProven && step.kind !== "begin" && assessment.needed !== null;
  return [
    h(
      "div",
      { class: "row" },
      h(
        "span",
        { class: `chip ${isProven ? "good" : "warn"}` },
        t(isProven ? "rehearsal.proven" : "rehearsal.not_proven"),
      ),
      h("span", { class: "small soft" }, t("rehearsal.promise", promise)),
    ),
    h("h2", {}, t(`step.${step.kind}`, words)),
    h("p", {}, t(`step.${step.kind}${more(step, words)}`, words)),
    needs &&
      h(
        "div",
        {},
        h(
          "p",
          { class: "small soft" },
          t("rehearsal.needed", { clean, least, wrong, target: promise.target }),
        ),
        h("progress", {
          max: least,
          value: Math.min(clean, least),
          "aria-label": t("rehearsal.needed", { clean, least, wrong, target: promise.target }),
        }),
      ),
    !isProven && looser && h("p", {}, t("rehearsal.looser", looser)),
    nextButton(step, me),
  ];
}

/** Which of the sentences below the step is true. */
function more(step, { rest, waiting }) {
  if (step.kind === "bring" && step.n_questions === null) return "_blind";
  if (step.kind !== "judge" || rest <= 0) return "_more";
  return waiting > 0 ? "_meanwhile" : "_short";
}

function nextButton(step, me) {
  const link = (href, text, name) =>
    h("p", {}, h("a", { class: "button primary", href, "data-testid": "next-step" }, icon(name), text));
  if (step.kind === "judge" && JUDGES.includes(me.role))
    return link("#/rehearsal/judge", t("step.judge_do"), "check");
  if (step.kind === "promise" && ["ops", "owner"].includes(me.role))
    return link("/ops#/", t("step.promise_do"), "spark");
  if (step.kind === "promise") return h("p", { class: "note info" }, icon("info"), t("step.promise_ask"));
  if (["bring", "begin"].includes(step.kind) && BRINGERS.includes(me.role))
    return h(
      "p",
      {},
      h(
        "button",
        {
          class: "button primary",
          type: "button",
          "data-testid": "next-step",
          onclick: () => document.querySelector("[data-testid=rehearsal-input]")?.click(),
        },
        icon("upload"),
        t("rehearsal.pick"),
      ),
    );
  if (["mend", "teach"].includes(step.kind)) return link("#/", t("step.mend_do"), "doc");
  return null;
}

const fact = (n, name) =>
  h(
    "div",
    {},
    h("dt", { class: "small soft" }, t(`rehearsal.fact.${name}`)),
    h("dd", { class: "number" }, n),
  );

const facts = (tally) =>
  h(
    "dl",
    { class: "tally", "data-testid": "tally" },
    fact(tally.n_answered + tally.n_waiting, "asked"),
    fact(tally.n_answered, "answered"),
    fact(tally.n_sendable, "sendable"),
    fact(tally.n_judged, "judged"),
    fact(tally.n_wrong, "wrong"),
  );

/** What other promises would take. */
function prospects({ chosen, others }) {
  const all = [chosen, ...others].sort((a, b) => a.target_error - b.target_error);
  const takes = ({ assessment, step }) =>
    assessment.can_certify
      ? t("rehearsal.is_proven")
      : t("rehearsal.takes", { n: assessment.needed?.n_more ?? step.n ?? 0 });
  return h(
    "table",
    { class: "prospects" },
    h("caption", { class: "small soft" }, t("rehearsal.prospects")),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["target", "least", "state", "share"].map((name) =>
          h("th", { scope: "col" }, t(`rehearsal.col.${name}`)),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      all.map((one) =>
        h(
          "tr",
          { class: one === chosen ? "chosen-row" : null },
          h("th", { scope: "row" }, percent(one.target_error)),
          h("td", { class: "number" }, one.assessment.needed?.min_clean ?? one.assessment.n),
          h("td", {}, takes(one)),
          h("td", { class: "number" }, one.share === null ? "–" : percent(one.share)),
        ),
      ),
    ),
  );
}

const wrongAnswers = (list) =>
  h(
    "section",
    { class: "card stack tight", "data-testid": "wrong-answers" },
    h("h2", {}, t("rehearsal.wrong")),
    h("p", { class: "small soft" }, t("rehearsal.wrong_more")),
    h(
      "ul",
      { role: "list", class: "wrong-list" },
      list.map((one) =>
        h(
          "li",
          { class: "row apart" },
          h("span", { class: "grow" }, one.question),
          h("span", { class: "chip bad" }, t(`outcome.${one.outcome}`)),
          one.document_ids
            .slice(0, 1)
            .map((id) => h("a", { href: `#/d/${id}` }, t("rehearsal.open_document"))),
        ),
      ),
    ),
  );

const sum = (bin, names) => names.reduce((total, name) => total + (bin[name] ?? 0), 0);

const column = (bin) => ({
  from: bin.from,
  to: bin.until,
  right: sum(bin, RIGHT),
  wrong: sum(bin, LOSSES),
  unseen: bin.unlabelled,
  outcomes: [...RIGHT, ...LOSSES].map((name) => [name, bin[name] ?? 0]),
});
