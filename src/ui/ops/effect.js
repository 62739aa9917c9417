// What a policy would have done with past turns: how much goes out, how much of it is wrong, how long agents work.

import { h } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { confidenceChip, decisionText, topicText } from "/ui/shared/words.js";
import { isFew, shareSent, worthText } from "./facts.js";
import { outcomeChip } from "./outcomes.js";

/** Tiles and a verdict. */
export function effect(seen, { isChanged }) {
  const head = h("h2", {}, t("effect"));
  if (seen.n_turns === 0)
    return [head, h("p", { class: "soft", "data-testid": "preview-empty" }, t("effect_none"))];
  const now = seen.current;
  return [
    head,
    h(
      "div",
      { class: "tiles many" },
      tile("share-sent", t("curve.sent"), percent(shareSent(seen)), [
        isChanged && t("now", { value: percent(shareSent(now)) }),
        t("n_of", { n: seen.n_auto_sent, all: seen.n_turns }),
      ]),
      tile("share-wrong", t("wrong_among"), seen.wrong ? percent(seen.wrong.share, 1) : "–", [
        isChanged && now.wrong && t("now", { value: percent(now.wrong.share, 1) }),
        seen.wrong && t("between", { low: percent(seen.wrong.lower, 1), high: percent(seen.wrong.upper, 1) }),
        t("wrong_count", { wrong: seen.n_wrong, n: seen.n_right + seen.n_wrong }),
      ]),
      seen.agent_minutes && minutesTile(seen.agent_minutes, isChanged),
    ),
    h(
      "p",
      { class: `note ${isFew(seen) ? "warn" : ""}`, "data-testid": "worth" },
      icon(isFew(seen) ? "warn" : "info"),
      h("span", {}, worthText(seen)),
    ),
  ];
}

const tile = (testid, label, value, notes) =>
  h(
    "div",
    { class: "tile", "data-testid": testid },
    h("span", { class: "small soft" }, label),
    h("strong", { class: "number" }, value),
    notes.filter(Boolean).map((note) => h("span", { class: "small soft" }, note)),
  );

function minutesTile({ current, proposed, minutes_per_turn: each }, isChanged) {
  const saved = Math.round(current - proposed);
  const hours = (minutes) =>
    t(minutes < 60 ? "minutes.short" : "minutes.hours", {
      n: number(minutes < 60 ? minutes : minutes / 60, 1),
    });
  const difference =
    saved === 0 ? null : t(saved > 0 ? "minutes.saved" : "minutes.more", { time: hours(Math.abs(saved)) });
  return tile("minutes", t("minutes"), hours(proposed), [
    isChanged && t("now", { value: hours(current) }),
    isChanged && difference,
    t("minutes.assumed", { n: number(each, 1) }),
  ]);
}

/** The past turns that would take another way. */
export function changesTable({ changes, n_changes: all = changes.length }) {
  if (changes.length === 0)
    return [h("h2", { class: "section" }, t("changes")), h("p", { class: "soft" }, t("changes_none"))];
  const head = ["col.question", "col.topic", "confidence", "col.found", "col.now", "col.then"];
  return [
    h("h2", { class: "section" }, t("changes"), " ", h("span", { class: "count-chip number" }, number(all))),
    h("p", { class: "small soft" }, t("changes_more")),
    h(
      "div",
      { class: "table-box scroll", role: "region", tabindex: "0", "aria-label": t("changes") },
      h(
        "table",
        { class: "cards", "data-testid": "changes" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            head.map((name) => h("th", { scope: "col" }, t(name))),
          ),
        ),
        h("tbody", {}, changes.map(changeRow)),
      ),
    ),
    all > changes.length && h("p", { class: "small soft" }, t("changes_cut", { n: changes.length, all })),
  ];
}

const changeRow = (c) =>
  h(
    "tr",
    {},
    h("td", {}, h("a", { href: `/console#/c/${c.conversation_id}` }, c.question)),
    h("td", { "data-name": t("col.topic") }, topicText(c.topic)),
    h("td", { "data-name": t("confidence") }, confidenceChip(c.confidence) ?? "–"),
    h("td", { "data-name": t("col.found") }, outcomeChip(c.outcome)),
    h("td", { "data-name": t("col.now") }, decisionText(c.from)),
    h("td", { "data-name": t("col.then") }, decisionText(c.to)),
  );
