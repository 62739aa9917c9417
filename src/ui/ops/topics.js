// Rules of single topics: how much a topic may do by itself, and a bar of its own.

import { h } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { modeText, topicText } from "/ui/shared/words.js";
import { rightText } from "./facts.js";

export const MODES = ["shadow", "assist", "auto"];

/** Changes `policy.topics` in place and calls `changed`. */
export function topicTable(policy, seen, { mayChange, changed }) {
  const counts = new Map(seen.map((each) => [each.topic, each]));
  const names = [...new Set([...counts.keys(), ...Object.keys(policy.topics)])].sort(
    (a, b) => (counts.get(b)?.n_turns ?? 0) - (counts.get(a)?.n_turns ?? 0),
  );
  if (names.length === 0) return null;

  /** A topic without a mode and bar of its own follows the shop, and has no rule. */
  function set(topic, change) {
    const rule = { mode: policy.mode, bar: null, ...policy.topics[topic], ...change };
    if (change.mode === "") delete policy.topics[topic];
    else policy.topics[topic] = rule;
    changed();
  }

  function row(topic) {
    const rule = policy.topics[topic];
    const count = counts.get(topic);
    const name = topicText(topic);
    const bar = h("input", {
      type: "number",
      min: "0",
      max: "100",
      step: "0.5",
      value: rule?.bar != null ? +(rule.bar * 100).toFixed(1) : "",
      placeholder: number(policy.bar * 100, 1),
      disabled: !mayChange || !rule || Boolean(rule.dial),
      "aria-label": t("bar_of", { topic: name }),
      "data-testid": `topic-bar-${topic}`,
    });
    bar.addEventListener(
      "change",
      () => bar.validity.valid && set(topic, { bar: bar.value === "" ? null : Number(bar.value) / 100 }),
    );
    const mode = h(
      "select",
      {
        disabled: !mayChange,
        "aria-label": t("mode_of", { topic: name }),
        "data-testid": `topic-mode-${topic}`,
      },
      h("option", { value: "", selected: !rule }, t("as_shop", { mode: modeText(policy.mode) })),
      MODES.map((each) => h("option", { value: each, selected: rule?.mode === each }, modeText(each))),
    );
    mode.addEventListener("change", () => {
      bar.disabled = mode.value === "";
      if (mode.value === "") bar.value = "";
      set(topic, { mode: mode.value });
    });
    return h(
      "tr",
      { "data-testid": `topic-${topic}` },
      h("th", { scope: "row" }, name),
      h("td", { "data-name": t("col.mode") }, mode),
      h("td", { "data-name": t("col.bar") }, h("span", { class: "row exact" }, bar, "%")),
      h("td", { class: "number", "data-name": t("col.turns") }, number(count?.n_turns ?? 0)),
      h(
        "td",
        { class: "number", "data-name": t("curve.sent") },
        count?.n_turns ? percent(count.n_auto_sent / count.n_turns) : "–",
      ),
      h("td", { class: "number", "data-name": t("curve.right") }, count ? rightText(count) : "–"),
    );
  }

  const head = [
    ["col.topic"],
    ["col.mode"],
    ["col.bar"],
    ["col.turns", "number"],
    ["curve.sent", "number"],
    ["curve.right", "number"],
  ];
  return [
    h("h2", { class: "section" }, t("topics")),
    h("p", { class: "small soft" }, t("topics_more")),
    h(
      "div",
      { class: "table-box" },
      h(
        "table",
        { class: "cards topics" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            head.map(([key, kind]) => h("th", { scope: "col", class: kind }, t(key))),
          ),
        ),
        h("tbody", {}, names.map(row)),
      ),
    ),
  ];
}
