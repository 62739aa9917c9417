// What people made of drafts and sent answers, and which of it counts as a mistake.

import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";

export const RIGHT = ["accept", "edit_style", "reject_tone"];
export const LOSSES = ["edit_fact", "reject_wrong", "reject_should_not_answer", "reject_other"];

/** What a person found, as a chip; the word says it, the colour repeats it. */
export function outcomeChip(outcome) {
  if (!outcome) return h("span", { class: "soft" }, t("outcome.none"));
  const isLoss = LOSSES.includes(outcome);
  return h("span", { class: `chip ${isLoss ? "bad" : "good"}` }, t(`outcome.${outcome}`));
}
