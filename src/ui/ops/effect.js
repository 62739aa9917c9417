// What a policy would have done with past turns.

import { h } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { confidenceChip, decisionText } from "/ui/shared/words.js";
import { isFew, rightText, shareSent, worthText } from "./facts.js";

const DAYS = [7, 14, 30, 90];

/** Tiles and a verdict. `setDays(n)` asks for another period. */
export function effect(seen, { days, setDays, isChanged }) {
  const period = h(
    "select",
    {
      "aria-label": t("period"),
      "data-testid": "preview-days",
      onchange: () => setDays(Number(period.value)),
    },
    DAYS.map((n) => h("option", { value: n, selected: n === days }, t("last_days", { n }))),
  );
  const head = h("div", { class: "row apart" }, h("h2", {}, t("effect")), h("div", {}, period));
  if (seen.n_turns === 0)
    return [head, h("p", { class: "soft", "data-testid": "preview-empty" }, t("effect_none"))];
  const now = seen.current;
  const tile = (testid, label, value, before, note, kind) =>
    h(
      "div",
      { class: "tile", "data-testid": testid },
      h("span", { class: "small soft" }, label),
      h("strong", { class: "number" }, value),
      before && h("span", { class: "small soft" }, t("now", { value: before })),
      note && h("span", { class: `small ${kind ?? "soft"}` }, note),
    );
  const labelled = seen.n_right + seen.n_wrong;
  return [
    head,
    h(
      "div",
      { class: "tiles" },
      tile(
        "share-sent",
        t("curve.sent"),
        percent(shareSent(seen)),
        isChanged && percent(shareSent(now)),
        t("n_of", { n: seen.n_auto_sent, all: seen.n_turns }),
      ),
      tile(
        "share-right",
        t("curve.right"),
        labelled > 0 ? percent(seen.n_right / labelled) : "–",
        isChanged && rightText(now),
        labelled > 0 ? t("right.count", { right: seen.n_right, n: labelled }) : null,
      ),
    ),
    h(
      "p",
      { class: `note ${isFew(seen) ? "warn" : ""}`, "data-testid": "worth" },
      icon(isFew(seen) ? "warn" : "info"),
      h("span", {}, worthText(seen)),
    ),
  ];
}

/** The past turns that would take another way. */
export function changesTable(list) {
  return [
    h("h2", { class: "section" }, t("changes")),
    list.length === 0
      ? h("p", { class: "soft" }, t("changes_none"))
      : h(
          "div",
          { class: "table-box scroll" },
          h(
            "table",
            { class: "cards", "data-testid": "changes" },
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                ["col.question", "col.confidence", "col.now", "col.then"].map((key) =>
                  h("th", { scope: "col" }, t(key)),
                ),
              ),
            ),
            h(
              "tbody",
              {},
              list.map((c) =>
                h(
                  "tr",
                  {},
                  h("td", {}, h("a", { href: `/console#/c/${c.conversation_id}` }, c.question)),
                  h("td", { "data-name": t("col.confidence") }, confidenceChip(c.confidence) ?? "–"),
                  h("td", { "data-name": t("col.now") }, decisionText(c.from)),
                  h("td", { "data-name": t("col.then") }, decisionText(c.to)),
                ),
              ),
            ),
          ),
        ),
    list.length >= 50 && h("p", { class: "small soft" }, t("changes_cut", { n: number(50) })),
  ];
}
