// Claims of a draft that do not follow from its sources: what is wrong, in a sentence for each.

import { h } from "./dom.js";
import { has, t } from "./i18n.js";

/** "“14 天”: this number is in no cited passage. The source says “7 天”." */
export function claimText({ text, kind, source }) {
  const wrong = t(has(`claim.${kind}`) ? `claim.${kind}` : "claim.number", { text });
  return source ? `${wrong} ${t("claim.source", { source })}` : wrong;
}

/** One sentence a claim, or nothing. */
export function claimList(claims) {
  if (!claims?.length) return null;
  return h(
    "div",
    { class: "note bad claims", role: "group", "aria-label": t("claims"), "data-testid": "claims" },
    h(
      "ul",
      { role: "list" },
      claims.map((claim) => h("li", { "data-kind": claim.kind }, claimText(claim))),
    ),
  );
}
