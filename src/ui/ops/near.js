// Turns just above and just below the bar: the best reading for somebody who wonders whether the bar is right.

import { h } from "/ui/shared/dom.js";
import { percent, t, when } from "/ui/shared/i18n.js";
import { confidenceChip, decisionText, topicText } from "/ui/shared/words.js";
import { outcomeChip } from "./outcomes.js";

/** `seen`: the evidence with its turns; the list opens at the bar. */
export function nearTable({ near_bar: turns, bar }) {
  if (bar === null || turns.length === 0) return null;
  const sorted = [...turns].sort((a, b) => b.confidence - a.confidence);
  const cut = sorted.findIndex((turn) => turn.confidence < bar);
  const rows = sorted.map(row);
  const line = divider(bar);
  if (cut > 0) rows.splice(cut, 0, line);
  const box = h(
    "div",
    { class: "table-box scroll", role: "region", tabindex: "0", "aria-label": t("near.title") },
    table(rows),
  );
  requestAnimationFrame(() => (box.scrollTop = line.offsetTop - box.clientHeight / 2));
  return [
    h("h2", { class: "section" }, t("near.title")),
    h("p", { class: "small soft" }, t("near.more")),
    box,
  ];
}

const COLUMNS = ["col.question", "col.topic", "confidence", "col.found", "col.decision", "col.when"];

const table = (rows) =>
  h(
    "table",
    { class: "cards", "data-testid": "near" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        COLUMNS.map((name) => h("th", { scope: "col" }, t(name))),
      ),
    ),
    h("tbody", {}, rows),
  );

const divider = (bar) =>
  h(
    "tr",
    { class: "divider" },
    h("th", { colspan: COLUMNS.length, scope: "colgroup" }, t("near.bar", { bar: percent(bar, 1) })),
  );

const row = (turn) =>
  h(
    "tr",
    {},
    h("td", {}, h("a", { href: `/console#/c/${turn.conversation_id}` }, turn.question)),
    h("td", { "data-name": t("col.topic") }, topicText(turn.topic)),
    h("td", { "data-name": t("confidence") }, confidenceChip(turn.confidence, 1)),
    h("td", { "data-name": t("col.found") }, outcomeChip(turn.outcome)),
    h("td", { class: "nowrap", "data-name": t("col.decision") }, decisionText(turn.decision)),
    h("td", { class: "small soft nowrap", "data-name": t("col.when") }, when(turn.asked_at_ms)),
  );
