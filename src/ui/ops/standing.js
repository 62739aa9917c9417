// Where the promise stands, in one look: proven or not, what that rests on, and what to do next.

import { h } from "/ui/shared/dom.js";
import { date, number, percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { modeText } from "/ui/shared/words.js";
import { actions } from "./acts.js";
import { lastCheck } from "./checks.js";
import { probationPart } from "./probation.js";
import { signalsPart } from "./signals.js";

const LOOK = {
  certified: { icon: "check", kind: "good" },
  not_certified: { icon: "queue", kind: "warn" },
  probation: { icon: "retry", kind: "warn" },
  fallen_back: { icon: "stop", kind: "bad" },
  by_hand: { icon: "edit", kind: "plain" },
};

/** The state of a scope as a chip; its colour only repeats what the word says. */
export function standingChip(state) {
  const { icon: name, kind } = LOOK[state] ?? LOOK.by_hand;
  return h("span", { class: `chip ${kind}`, "data-state": state }, icon(name), t(`standing.${state}`));
}

/**
 * `number`: the policy in force; `mayChange`, `mayLabel`: what this person may do; `done(answer)` is called with the dial
 * as the server answers it.
 */
export function standingCard(view, { number: policyNumber, mayChange, mayLabel, done }) {
  const { icon: name, kind } = LOOK[view.state] ?? LOOK.by_hand;
  const acts = actions(view, policyNumber, done);
  return h(
    "section",
    {
      class: `card stack standing ${kind}`,
      "aria-labelledby": "standing-title",
      "data-testid": "standing",
      "data-state": view.state,
    },
    h(
      "div",
      { class: "standing-head" },
      h("span", { class: "badge" }, icon(name)),
      h(
        "div",
        {},
        h("h2", { id: "standing-title", tabindex: "-1" }, t(`standing.${view.state}_title`)),
        h("p", { class: "soft" }, t(`standing.${view.state}_more`)),
      ),
    ),
    view.isInherited && h("p", { class: "note" }, icon("info"), h("span", {}, t("standing.inherited"))),
    figures(view),
    restsOn(view),
    lastCheck(view.last_check),
    shared(view),
    triesSoFar(view),
    probationPart(view.probation),
    signalsPart(view.watch),
    view.isInherited
      ? h("p", {}, link("#/", t("standing.shop")))
      : nextSteps(view, { mayChange, mayLabel, acts }),
    whatCounts(view.last_attempt),
  );
}

function figures(view) {
  const proof = view.state === "certified" ? view.certificate : null;
  const tile = (testid, label, value, more) =>
    h(
      "div",
      { class: "tile", "data-testid": testid },
      h("dt", { class: "small soft" }, label),
      h("dd", {}, h("strong", { class: "number" }, value), more && h("span", { class: "small soft" }, more)),
    );
  const tiles = [];
  if (view.bar !== null)
    tiles.push(
      tile(
        "standing-bar",
        t("standing.bar"),
        percent(view.bar, 1),
        view.mode !== "auto"
          ? t("standing.bar_none")
          : t(proof ? "standing.bar_proven" : "standing.bar_hand"),
      ),
    );
  if (proof)
    tiles.push(
      tile("standing-coverage", t("curve.sent"), percent(proof.coverage), t("standing.coverage_more")),
      tile(
        "standing-bound",
        t("standing.bound"),
        percent(proof.bound, 1),
        t("standing.bound_more", { certainty: percent(proof.certainty, 1) }),
      ),
    );
  if (view.watch)
    tiles.push(
      tile(
        "standing-audit",
        t("standing.audit"),
        `${number(view.watch.n_wrong)} / ${number(view.watch.n_audited)}`,
        t(`watch.${view.watch.state}`),
      ),
    );
  return tiles.length > 0 && h("dl", { class: "tiles many" }, tiles);
}

/** The evidence, in a sentence. */
function restsOn({ state, certificate: proof }) {
  if (!proof) return null;
  const params = {
    n: proof.n,
    k: proof.k,
    bound: percent(proof.bound, 1),
    bar: percent(proof.bar, 1),
    certainty: percent(proof.certainty, 1),
    date: date(proof.created_at_ms),
    until: date(proof.expires_at_ms),
    sent: proof.n_sent,
    sends: proof.max_sends,
  };
  if (state === "certified")
    return h("p", { class: "small" }, t("proof.in_force", params), " ", t("proof.until", params));
  const why = t(whyNot(proof, state));
  return h("p", { class: "small" }, t("proof.former", { ...params, why }));
}

/** Why the newest proof does not count: something ended it, or it is about something else than what runs now. */
function whyNot(proof, state) {
  if (proof.voided_why) return `voided.${proof.voided_why}`;
  if (proof.state !== "in_force") return `proof.${proof.state}`;
  return state === "probation" ? "voided.pipeline_changed" : "proof.other";
}

/** Promises that are made together are proven together: what each gives up for the others. */
function shared({ dial, last_attempt: attempt, isInherited }) {
  if (!dial || isInherited || !attempt || attempt.n_promises < 2) return null;
  const certainty = 1 - (1 - dial.certainty) * attempt.share_of_doubt;
  return h(
    "p",
    { class: "small soft", "data-testid": "shared" },
    t("standing.shared", { n: attempt.n_promises, all: percent(dial.certainty, 1), own: percent(certainty, 2) }),
  );
}

/** How often the promise was tried, and what another try costs: all tries share the doubt. */
function triesSoFar({ dial, tries, isInherited }) {
  if (!dial || isInherited || !tries) return null;
  const params = {
    n: tries.n_made,
    date: tries.last_at_ms !== null && date(tries.last_at_ms),
    came: t(tries.last_proven ? "tries.proven" : "tries.not_proven"),
    next: percent(tries.next, 1),
    needs: tries.next_needs,
  };
  const next = tries.is_repeat ? "tries.repeat" : tries.n_made > 0 ? "tries.next" : "tries.first";
  return h(
    "p",
    { class: "small soft", "data-testid": "tries" },
    t(tries.n_made > 0 ? "tries.made" : "tries.none", params),
    " ",
    t(next, params),
  );
}

const LEFT_OUT = ["other_pipeline", "not_equal_chance", "same_conversation", "changed_document"];

/** Why a hundred reviews are not a hundred pieces of evidence. */
function whatCounts(attempt) {
  if (!attempt || attempt.n_fit + attempt.n_certify === 0) return null;
  const left = LEFT_OUT.filter((name) => attempt.n_left_out[name] > 0);
  const row = (name, n) => [h("dt", { class: "soft" }, t(name)), h("dd", { class: "number" }, number(n))];
  return h(
    "details",
    { "data-testid": "what-counts" },
    h("summary", { class: "small" }, t("counts.title")),
    h(
      "dl",
      { class: "pairs small" },
      row("counts.certify", attempt.n_certify),
      row("counts.fit", attempt.n_fit),
      attempt.n_collapsed > 0 && row("counts.collapsed", attempt.n_collapsed),
      left.map((name) => row(`counts.${name}`, attempt.n_left_out[name])),
    ),
  );
}

/** What somebody can do now, the most useful first. */
function nextSteps(view, { mayChange, mayLabel, acts }) {
  const { last_attempt: attempt, watch, mode, state } = view;
  const steps = [];
  if (attempt?.needed && state !== "by_hand") steps.push(reviewStep(attempt, mayLabel));
  if (attempt?.can_certify && ["not_certified", "probation", "fallen_back"].includes(state))
    steps.push(
      step(
        t("step.can_prove", { bar: percent(attempt.bar, 1), share: percent(attempt.coverage) }),
        mayChange && button("certify", t("step.prove"), acts.certify, "primary"),
      ),
    );
  if (state === "certified" && attempt?.can_certify && attempt.bar < view.bar - 0.005)
    steps.push(
      step(
        t("step.lower", { bar: percent(attempt.bar, 1), share: percent(attempt.coverage) }),
        mayChange && button("certify", t("step.prove_anew"), acts.certify),
      ),
    );
  if (watch?.n_open > 0)
    steps.push(
      step(
        [t("step.audit", { n: watch.n_open }), !mayLabel && [" ", t("step.audit_where")]],
        mayLabel && link("/console#/audits", t("step.audit_go")),
      ),
    );
  if (watch?.state === "warned") steps.push(step(t("step.warned")));
  for (const doc of view.changed_documents ?? [])
    steps.push(
      step(
        t("step.document", { name: doc.name, date: date(doc.changed_at_ms) }),
        mayChange && button(`verified-${doc.document_id}`, t("step.verified"), () => acts.verified(doc)),
      ),
    );
  if (view.dial && mode !== "auto")
    steps.push(
      step(
        t("step.mode", { mode: modeText(mode) }),
        mayChange && button("mode-auto", t("step.auto"), acts.toAuto),
      ),
    );
  if (state === "by_hand")
    steps.push(
      step(t("step.promise")),
      step(t("step.evidence"), link("/console#/score", t(mayLabel ? "step.review_go" : "step.review_look"))),
      step(t("step.try"), link("#/machine", t("nav.machine"))),
    );
  if (state === "certified")
    steps.push(mayChange && step(t("step.void"), button("void", t("step.void_go"), acts.voidIt, "quiet")));
  const shown = steps.filter(Boolean);
  return shown.length > 0 && [h("h3", {}, t("step.title")), h("ul", { role: "list", class: "steps" }, shown)];
}

function reviewStep({ needed }, mayLabel) {
  const { n_more: more, above, n_clean_now: clean, k_now: wrong } = needed;
  const gauge = h("progress", { max: clean + more, value: clean, "aria-label": t("step.progress") });
  return step(
    [
      above > 0 ? t("step.review", { n: more, above: percent(above, 1) }) : t("step.review_any", { n: more }),
      h(
        "span",
        { class: "gauge" },
        gauge,
        h("span", { class: "small number" }, `${clean} / ${clean + more}`),
      ),
      wrong > 0 && h("span", { class: "small soft block" }, t("step.review_wrong", { n: wrong })),
    ],
    mayLabel
      ? link("/console#/score", t("step.review_go"), "primary")
      : link("/console#/score", t("step.review_look")),
  );
}

const step = (text, act) => h("li", {}, h("div", { class: "grow" }, text), act);
const link = (href, text, kind = "") => h("a", { class: `button ${kind}`, href }, text);
const button = (id, text, onclick, kind = "") =>
  h("button", { class: `button ${kind}`, type: "button", "data-testid": id, onclick }, text);
