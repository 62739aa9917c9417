// What the server found when it looked at the promise by itself: every night, and after many new reviews.

import { h } from "/ui/shared/dom.js";
import { number, percent, t, when } from "/ui/shared/i18n.js";

/** The last look, in a sentence. */
export function lastCheck(check) {
  if (!check) return null;
  return h(
    "p",
    { class: "small", "data-testid": "last-check", "data-finding": check.finding },
    t("check.last", { when: when(check.checked_at_ms), found: found(check) }),
  );
}

/** All looks, newest first. */
export function checkList(checks) {
  if (checks.length === 0) return null;
  return h(
    "details",
    { class: "card slim", "data-testid": "checks" },
    h("summary", {}, t("checks.title", { n: checks.length })),
    h("p", { class: "small soft" }, t("checks.more")),
    h("ol", { role: "list", class: "proofs" }, checks.map(line)),
  );
}

const KIND = { still_holds: "good", renewed: "good", proven: "good", lost: "bad", not_proven: "" };

function line(check) {
  const { finding, n_rows: rows, checked_at_ms: at } = check;
  return h(
    "li",
    {},
    h(
      "p",
      { class: "row" },
      h("span", { class: `chip ${KIND[finding] ?? ""}` }, t(`finding.${finding}`)),
      h(
        "span",
        { class: "small soft" },
        `${when(at)} · ${t("check.rows", { n: rows })} · ${t(occasion(check))}`,
      ),
    ),
    h("p", {}, sentence(check)),
  );
}

const occasion = (check) => (check.occasion.startsWith("night") ? "check.by_night" : "check.by_labels");

const WHY = {
  pipeline_changed: "voided.pipeline_changed",
  alarm: "voided.alarm",
  by_hand: "voided.by_hand",
  expired: "proof.expired",
  other_promise: "proof.other",
  not_proven_again: "voided.not_proven_again",
};

function found(check) {
  const { finding, bar_from: from, bar_to: to, because, n_more: n, above } = check;
  const bars = { from: from === null ? "–" : percent(from, 1), to: to === null ? "–" : percent(to, 1) };
  switch (finding) {
    case "still_holds":
      return t("check.still_holds", { ...bars, n: n ?? 0 });
    case "renewed":
      return t(bars.from === bars.to ? "check.renewed_same" : "check.renewed_moved", bars);
    case "proven":
      return t("check.proven", bars);
    case "lost":
      return t("check.lost", { why: t(WHY[because] ?? "proof.voided") });
    default:
      if (!n) return t("check.not_proven");
      return above > 0
        ? t("check.not_proven_above", { n, above: percent(above, 1) })
        : t("check.not_proven_more", { n: number(n) });
  }
}

/** As a sentence of its own. */
function sentence(check) {
  const text = found(check);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
