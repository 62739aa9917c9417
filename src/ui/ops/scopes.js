// Topics: which are covered by the shop's proof, which have their own, which wait for people, and which go wrong.

import { h } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { modeText, topicText } from "/ui/shared/words.js";
import { standingChip } from "./standing.js";

export function scopeTable(topics) {
  const head = [
    ["col.topic"],
    ["col.mode"],
    ["col.standing"],
    ["bar", "number"],
    ["col.turns", "number"],
    ["curve.sent", "number"],
    ["wrong_reviewed", "number"],
    ["wrong_between", "number"],
  ];
  return [
    h("h2", { class: "section" }, t("topics")),
    h("p", { class: "small soft" }, t("scopes.more")),
    topics.length === 0
      ? h("p", { class: "soft" }, t("scopes.none"))
      : h(
          "div",
          { class: "table-box" },
          h(
            "table",
            { class: "cards topics", "data-testid": "topics" },
            h(
              "thead",
              {},
              h(
                "tr",
                {},
                head.map(([name, kind]) => h("th", { scope: "col", class: kind }, t(name))),
              ),
            ),
            h("tbody", {}, [...topics].sort((a, b) => b.n_turns - a.n_turns).map(row)),
          ),
        ),
  ];
}

function row(each) {
  const cell = (name, ...content) => h("td", { class: "number", "data-name": t(name) }, content);
  const seen = each.n_labelled;
  return h(
    "tr",
    { "data-testid": `topic-${each.topic}` },
    h(
      "th",
      { scope: "row" },
      h("a", { href: `#/topic/${encodeURIComponent(each.topic)}` }, topicText(each.topic)),
      each.is_failing &&
        h("span", { class: "chip bad", title: t("scopes.failing_more") }, icon("warn"), t("scopes.failing")),
    ),
    h("td", { "data-name": t("col.mode") }, modeText(each.mode)),
    h(
      "td",
      { "data-name": t("col.standing") },
      h(
        "span",
        { class: "standing-cell" },
        standingChip(each.state),
        h("span", { class: "small soft" }, t(`covered.${each.covered_by}`)),
      ),
    ),
    cell("bar", each.bar === null || each.mode !== "auto" ? "–" : percent(each.bar, 1)),
    cell("col.turns", number(each.n_turns)),
    cell("curve.sent", each.n_turns > 0 ? percent(each.n_auto_sent / each.n_turns) : "–"),
    cell(
      "wrong_reviewed",
      seen > 0 ? `${percent(each.error, 1)} (${number(each.n_wrong)} / ${number(seen)})` : t("right.none"),
    ),
    cell("wrong_between", seen > 0 ? `${percent(each.lower, 1)} – ${percent(each.upper, 1)}` : "–"),
  );
}
