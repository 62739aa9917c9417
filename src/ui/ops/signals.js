// Signs that something has changed since the proof: they raise the share that is checked, and here is why.

import { h } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";

/** `watch`: of the proof in force. */
export function signalsPart(watch) {
  const { unhappy, drifts } = watch?.signals ?? { unhappy: null, drifts: [] };
  if (!unhappy && drifts.length === 0) return null;
  const why = [unhappy?.is_raised && unhappyText(unhappy), ...drifts.filter((each) => each.is_raised).map(driftText)];
  return [
    watch.is_raised &&
      h(
        "div",
        { class: "note", role: "status", "data-testid": "signals-raised" },
        icon("warn"),
        h(
          "div",
          {},
          h("p", {}, t("signal.raised", { rate: percent(watch.audit_rate) })),
          h(
            "ul",
            {},
            why.filter(Boolean).map((text) => h("li", {}, text)),
          ),
        ),
      ),
    h(
      "details",
      { "data-testid": "signals" },
      h("summary", { class: "small" }, t("signal.title")),
      h("p", { class: "small soft" }, t("signal.more")),
      h(
        "dl",
        { class: "pairs small" },
        unhappy && row(t("signal.unhappy"), reactions(unhappy)),
        drifts.map((each) =>
          row(t(`signal.${each.what}`), t("signal.psi", { psi: number(each.psi, 2), limit: number(each.limit, 2) })),
        ),
      ),
    ),
  ];
}

const row = (name, value) => [h("dt", { class: "soft" }, name), h("dd", {}, value)];

const reactions = (each) =>
  t("signal.reactions", {
    now: each.k_newest,
    n: each.n_newest,
    first: each.k_first,
    of: each.n_first,
  });

const unhappyText = (each) =>
  t("signal.unhappy_why", {
    now: each.k_newest,
    n: each.n_newest,
    first: each.k_first,
    of: each.n_first,
    down: each.n_thumbs_down,
    again: each.n_asked_again,
    person: each.n_asked_for_person,
  });

const driftText = (each) => t(`signal.${each.what}_why`);
