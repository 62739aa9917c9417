// Choices of one key each: why a draft is rejected, and whether an edit changed a fact or only the wording.

import { h } from "/ui/shared/dom.js";
import { lang, t } from "/ui/shared/i18n.js";
import { keycaps } from "/ui/shared/keys.js";

export const REJECT_REASONS = ["wrong", "should_not_answer", "tone", "other"];
/** The kinds of an edit, and the key for each; the same keys as in the check. */
export const KINDS = { s: "style", f: "fact" };

/** The reasons with a field for a note. `acts`: `reject(reason, note)`, `leave()`. Returns `{node, note}`. */
export function rejectChoice(acts) {
  const note = h("input", {
    type: "text",
    id: "reject-note",
    maxlength: "500",
    placeholder: t("reject_note"),
  });
  const node = h(
    "div",
    { class: "choices stack tight", role: "group", "aria-label": t("reject_why") },
    h("h3", {}, t("reject_why")),
    h("label", { class: "hidden-text", for: "reject-note" }, t("reject_note")),
    REJECT_REASONS.map((reason, i) =>
      h(
        "button",
        {
          class: "button choice",
          type: "button",
          "data-testid": `reject-${reason}`,
          onclick: () => acts.reject(reason, note.value.trim()),
        },
        keycaps(String(i + 1)),
        t(`reject.${reason}`),
      ),
    ),
    note,
    h(
      "button",
      { class: "button quiet", type: "button", onclick: acts.leave },
      t("cancel"),
      keycaps("escape"),
    ),
  );
  return { node, note };
}

/**
 * Style or fact, before an edit is sent; `proposal` is what the server makes of the changes, or null. `acts`:
 * `send(kind)`, `back()`.
 */
export function kindChoice(proposal, acts) {
  return h(
    "div",
    { class: "choices stack tight", role: "group", "aria-label": t("kind_what"), "data-testid": "kind" },
    h("h3", {}, t("kind_what")),
    proposalText(proposal),
    Object.entries(KINDS).map(([key, kind]) =>
      h(
        "button",
        {
          class: `button choice ${proposal?.kind === kind ? "primary" : ""}`,
          type: "button",
          "data-testid": `kind-${kind}`,
          onclick: () => acts.send(kind),
        },
        keycaps(key),
        h("span", { class: "grow" }, t(`kind.${kind}`)),
        proposal?.kind === kind && [h("span", { class: "small" }, t("kind_proposed")), keycaps("mod+enter")],
      ),
    ),
    h(
      "button",
      { class: "button quiet", type: "button", onclick: acts.back },
      t("kind_back"),
      keycaps("escape"),
    ),
  );
}

/** "Looks like a fact: number 7 天 → 14 天." */
export function proposalText(proposal) {
  if (!proposal) return null;
  const found = proposal.because.map(({ kind, before, after }) => {
    const [from, to] = [before, after].map((list) => list.join(lang === "zh" ? "、" : ", ") || t("nothing"));
    return h(
      "li",
      {},
      t(`changed.${kind}`),
      " ",
      h("del", { class: "diff" }, from),
      " → ",
      h("ins", { class: "diff" }, to),
    );
  });
  return h(
    "div",
    { class: "small soft", "data-testid": "proposal" },
    t(`looks.${proposal.kind}`),
    found.length > 0 && h("ul", { class: "reasons" }, found),
  );
}
