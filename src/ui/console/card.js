// Parts of the draft card that only show: the draft with its doubts, the trust in it, reasons, sources.

import { claimList } from "/ui/shared/claims.js";
import { h } from "/ui/shared/dom.js";
import { percent, t } from "/ui/shared/i18n.js";
import { orderCard } from "/ui/shared/order-card.js";
import { openSource } from "/ui/shared/source.js";
import { marked, withCitations } from "/ui/shared/spans.js";
import { confidenceLevel, confidenceText, decisionText, placeText, reasonText } from "/ui/shared/words.js";

const source = (turn, n) => openSource(`/v1/console/sources/${turn.id}/${n}`, n);

/** The confidence in words, as a percentage and as a bar. */
export function confidence(turn) {
  const level = confidenceLevel(turn.confidence);
  const share = turn.confidence ?? 0;
  return h(
    "div",
    { class: "trust", "data-testid": "confidence" },
    h(
      "div",
      { class: "row apart" },
      h("span", {}, confidenceText(turn.confidence)),
      turn.confidence !== null && h("strong", { class: `number ${level}` }, percent(share)),
    ),
    h(
      "div",
      { class: "bar-box", "aria-hidden": "true" },
      h("progress", { class: level, max: "1", value: share }),
    ),
  );
}

/** Why it was held, the decisive reason first. */
export function reasons(turn) {
  if (!turn.reasons?.length)
    return turn.decision && h("p", { class: "soft small" }, decisionText(turn.decision));
  return h(
    "div",
    {},
    h("h3", { class: "label" }, t(turn.decision === "escalate" ? "why_person" : "why_held")),
    h(
      "ul",
      { class: "reasons", "data-testid": "reasons" },
      turn.reasons.map((code) => h("li", { "data-code": code }, reasonText(code))),
    ),
  );
}

/** The cited passages; each opens its source. */
export function citations(turn) {
  if (!turn.citations?.length) return null;
  return h(
    "div",
    {},
    h("h3", { class: "label" }, t("sources")),
    h(
      "ol",
      { role: "list", class: "sources" },
      turn.citations.map((c) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              class: "source",
              type: "button",
              "data-testid": "citation",
              onclick: () => source(turn, c.number),
            },
            h("span", { class: "n" }, c.number),
            h(
              "span",
              { class: "grow" },
              h("strong", {}, c.document),
              h("span", { class: "crumbs" }, placeText(c)),
              h("span", { class: "quote" }, c.quote),
            ),
          ),
          c.document_id &&
            h(
              "a",
              {
                class: "small fix",
                href: `/knowledge#/d/${c.document_id}/${c.chunk}`,
                target: "_blank",
                rel: "noopener",
                "data-testid": "fix-source",
              },
              t("fix_source"),
            ),
        ),
      ),
    ),
  );
}

/** The draft, with unsupported parts marked and citations to click. */
export function reading(turn) {
  const cite = (n) =>
    turn.citations.some((c) => c.number === n)
      ? h(
          "button",
          {
            class: "cite",
            type: "button",
            "aria-label": t("open_source", { n }),
            onclick: () => source(turn, n),
          },
          n,
        )
      : null;
  const withMarks = marked(turn.draft, turn.unsupported, (part) =>
    h("mark", { class: "unsupported", title: t("unsupported") }, withCitations(part, cite)),
  );
  const nodes = withMarks.map((part) => (typeof part === "string" ? withCitations(part, cite) : part));
  return h(
    "div",
    { class: "stack tight" },
    h("h3", { class: "label" }, t("draft")),
    !turn.card?.is_whole && h("div", { class: "draft-text pre", dir: "auto", "data-testid": "draft-text" }, nodes),
    turn.card && orderCard(turn.card),
    claimList(turn.unsupported),
  );
}
