// Every proof that was ever written: what was promised, on which labels, and what ended it. Nothing here can be altered.

import { h } from "/ui/shared/dom.js";
import { date, has, number, percent, t } from "/ui/shared/i18n.js";
import { topicText } from "/ui/shared/words.js";

export function proofList(certificates) {
  if (certificates.length === 0) return null;
  return h(
    "details",
    { class: "card slim", "data-testid": "proofs" },
    h("summary", {}, t("proofs.title", { n: certificates.length })),
    h("p", { class: "small soft" }, t("proofs.more")),
    h("ol", { role: "list", class: "proofs" }, certificates.map(proof)),
  );
}

function proof(each) {
  const kind = each.state === "in_force" ? "good" : "";
  const end = each.voided_why ? t(`voided.${each.voided_why}`) : t(`proof.${each.state}`);
  const scope = each.scope.startsWith("topic:") ? topicText(each.scope.slice(6)) : t("scope.shop");
  const rows = [
    ["proofs.labels", labels(each)],
    ["proofs.second", each.reviewer_error && t("proofs.second_text", second(each.reviewer_error))],
    ["proofs.by", each.annotators.join(" · ")],
    ["proofs.model", [each.fingerprint.model, each.fingerprint.prompts].join(" · ")],
    ["proofs.scorer", [each.fingerprint.scorer, each.fingerprint.retrieval].join(" · ")],
    ["proofs.epoch", each.index_epoch != null && number(each.index_epoch)],
    ["proofs.sends", t("n_of", { n: each.n_sent, all: each.max_sends })],
  ];
  return h(
    "li",
    {},
    h(
      "p",
      { class: "row" },
      h("strong", {}, scope),
      h("span", { class: `chip ${kind}` }, each.state === "in_force" ? t("in_force") : end),
      h(
        "span",
        { class: "small soft" },
        `${each.created_by ?? t("the_system")} · ${date(each.created_at_ms)} – ${date(each.voided_at_ms ?? each.expires_at_ms)}`,
      ),
    ),
    h("p", {}, t("proofs.text", words(each))),
    each.note && h("p", { class: "soft" }, noteText(each)),
    h(
      "details",
      {},
      h("summary", { class: "small" }, t("proofs.details")),
      h(
        "dl",
        { class: "pairs small" },
        rows
          .filter(([, value]) => value)
          .map(([name, value]) => [h("dt", { class: "soft" }, t(name)), h("dd", {}, value)]),
      ),
    ),
  );
}

/** What the server itself notes is a code. */
const noteText = (each) =>
  !each.created_by && has(`proof_note.${each.note}`) ? t(`proof_note.${each.note}`) : each.note;

const words = (each) => ({
  target: percent(each.target_error, 1),
  certainty: percent(each.certainty, 1),
  bar: percent(each.bar, 1),
  share: percent(each.coverage),
  n: each.n,
  k: each.k,
  bound: percent(each.bound, 1),
});

const labels = (each) =>
  t("proofs.labels_text", {
    all: each.n_labels,
    fit: each.n_fit,
    certify: each.n_certify,
    same: each.n_collapsed,
  });

const second = ({ n, k, upper }) => ({ n, k, upper: percent(upper, 1) });
