// The dial: "at most 5 % wrong, 95 % certain". Turned here, tried on the curve at once, in force only with a reason.

import { put } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { toast } from "/ui/shared/toast.js";

const CERTAINTIES = [0.9, 0.95, 0.99];
export const FIRST = { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };

/** The fewest reviews, all clean, that can prove a promise with a `share` of its doubt. */
const leastReviews = ({ target_error: target, certainty }, share) =>
  Math.ceil(Math.log((1 - certainty) * share) / Math.log(1 - target) - 1e-9);

/**
 * The share of the doubt that a try of another promise would have: all promises of the shop share it, and all tries of
 * one. After k tries one part in k + 1 is left, and the next has one part in (k + 1)(k + 2).
 */
function shareOfDoubt({ tries, last_attempt: attempt, isInherited }) {
  if (isInherited) return 1 / 2 / (attempt.n_promises + 1);
  const part = tries.is_repeat ? tries.left ** 2 / (1 + tries.left) : tries.next;
  return part / attempt.n_promises;
}

const isSame = (a, b) =>
  a !== null &&
  a.target_error === b.target_error &&
  a.certainty === b.certainty &&
  a.audit_rate === b.audit_rate;

/**
 * `view`: a scope as the server sees it. `turned(dial)` is called with each choice; `done(answer)` with the server's
 * answer once a choice is in force, or with null when it was dropped; `stale()` when somebody else was faster; `trial` is
 * where the page says what the choice would give.
 */
export function promiseCard(view, { targets, number, mayChange, trial, turned, done, stale }) {
  const chosen = { ...(view.dial ?? FIRST) };
  const isShop = view.scope === "shop";
  const words = h("p", { class: "promise-words", "data-testid": "promise" });
  const cost = h("p", { class: "small soft" });
  const actions = h("div", { class: "row" });

  const pick = (name, value) => {
    chosen[name] = value;
    draw();
    turned(isSame(view.dial, chosen) ? null : { ...chosen });
  };

  function draw() {
    const params = { target: percent(chosen.target_error, 1), certainty: percent(chosen.certainty, 1) };
    show(words, t("promise.words", params));
    show(cost, t("promise.cost", { n: leastReviews(chosen, shareOfDoubt(view)) }));
    if (!mayChange) return;
    const isTurned = !isSame(view.dial, chosen);
    show(
      actions,
      isTurned &&
        h(
          "button",
          { class: "button primary", type: "button", "data-testid": "promise-set", onclick: set },
          t(view.dial ? "promise.change" : "promise.make"),
        ),
      view.dial &&
        isTurned &&
        h(
          "button",
          { class: "button", type: "button", onclick: () => (turned(null), done(null)) },
          t("discard"),
        ),
      view.dial &&
        !isTurned &&
        h(
          "button",
          { class: "button", type: "button", "data-testid": "promise-off", onclick: off },
          t(isShop ? "promise.off" : "promise.off_topic"),
        ),
    );
  }

  const send = (dial, note) =>
    put("/v1/ops/dial", { scope: view.scope, dial, note, based_on: number }).catch((problem) => {
      if (problem.code === "policy_changed") stale();
      throw problem;
    });

  async function ask(dial, { title, text, yes, danger, said }) {
    let answer = null;
    const isDone = await formDialog({
      title,
      yes,
      danger,
      testid: "promise-dialog",
      fields: [h("p", {}, text), whyField()],
      save: async (data) => {
        answer = await send(dial, data.get("promise-note").trim());
      },
    });
    if (!isDone || !answer) return;
    toast(said);
    done(answer);
  }

  const set = () =>
    ask(chosen, {
      title: t(view.dial ? "promise.change" : "promise.make"),
      yes: t("promise.yes"),
      text: [
        t(view.state === "certified" ? "promise.anew" : "promise.first"),
        !isShop && !view.dial && [" ", t("promise.shares")],
      ],
      said: t("promise.set"),
    });

  const off = () =>
    ask(null, {
      title: t(isShop ? "promise.off" : "promise.off_topic"),
      yes: t("promise.off_yes"),
      text: isShop
        ? t("promise.off_text", { bar: percent(view.bar_by_hand, 1) })
        : t("promise.off_topic_text"),
      danger: isShop,
      said: t(isShop ? "promise.is_off" : "promise.is_off_topic"),
    });

  const card = h(
    "section",
    { class: "card stack promise", "aria-labelledby": "promise-title" },
    h("h2", { id: "promise-title" }, t(view.dial ? "promise.title" : "promise.title_none")),
    words,
    choice("target_error", targets, chosen, { mayChange, pick, legend: t("promise.target") }),
    choice("certainty", CERTAINTIES, chosen, { mayChange, pick, legend: t("promise.certainty") }),
    auditRate(chosen, { mayChange, pick }),
    cost,
    trial,
    actions,
    !mayChange && h("p", { class: "small row soft" }, icon("info"), t("read_only")),
  );
  draw();
  return card;
}

const whyField = () =>
  field(
    "promise-note",
    t("note"),
    h("input", {
      type: "text",
      maxlength: "500",
      autofocus: true,
      required: true,
      placeholder: t("promise.note_example"),
      "data-testid": "promise-note",
    }),
  );

/** One row of values to choose from; a value that is not among them stands there too. */
function choice(name, values, chosen, { mayChange, pick, legend }) {
  const all = [...new Set([...values, chosen[name]])].sort((a, b) => a - b);
  return h(
    "fieldset",
    { class: "choice", disabled: !mayChange },
    h("legend", { class: "small" }, legend),
    all.map((value) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name,
          value,
          checked: chosen[name] === value,
          "data-testid": `${name}-${value}`,
          onchange: () => pick(name, value),
        }),
        h("span", {}, percent(value, 1)),
      ),
    ),
  );
}

function auditRate(chosen, { mayChange, pick }) {
  const input = h("input", {
    type: "number",
    id: "dial-audit",
    min: "2",
    max: "100",
    step: "1",
    value: Math.round(chosen.audit_rate * 100),
    disabled: !mayChange,
    "aria-describedby": "dial-audit-hint",
  });
  input.addEventListener(
    "change",
    () => input.value !== "" && input.validity.valid && pick("audit_rate", Number(input.value) / 100),
  );
  return h(
    "div",
    { class: "field" },
    h("label", { class: "small", for: "dial-audit" }, t("promise.audit")),
    h("span", { class: "row exact" }, input, "%"),
    h("span", { class: "hint", id: "dial-audit-hint" }, t("promise.audit_hint")),
  );
}
