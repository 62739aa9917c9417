// Below the card: what was brought last, and what came of it on each platform.

import { get } from "/ui/shared/api.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { t, when } from "/ui/shared/i18n.js";

const WEEK_MS = 7 * 86_400_000;

/** `acts`: `open(id)`. */
export function pastPane(acts) {
  const list = h("ul", { class: "past", role: "list", "data-testid": "past" });
  const figures = h("div", { "data-testid": "figures" });
  const node = h(
    "details",
    { class: "card past-card" },
    h("summary", {}, t("past")),
    h("div", { class: "stack" }, list, h("h2", {}, t("week")), figures),
  );

  const reload = debounce(async () => {
    try {
      const [{ drafts }, { platforms }] = await Promise.all([
        get("/v1/drafts?limit=10"),
        get(`/v1/drafts/figures?from_ms=${Date.now() - WEEK_MS}`),
      ]);
      show(list, drafts.length > 0 ? drafts.map(line) : h("li", { class: "soft" }, t("past_none")));
      show(figures, platforms.length > 0 ? table(platforms) : h("p", { class: "soft" }, t("past_none")));
    } catch {
      // The list is a convenience; what matters says by itself that the line is lost.
    }
  }, 200);

  const line = (draft) =>
    h(
      "li",
      {},
      h(
        "button",
        { class: "past-line", type: "button", onclick: () => acts.open(draft.id) },
        h("span", { class: "past-question" }, draft.question),
        h(
          "span",
          { class: "soft small" },
          [t(`platform.${draft.platform}`), draft.outcome ? t(`outcome.${draft.outcome}`) : t("outcome.none"), when(draft.created_at_ms)].join(" · "),
        ),
      ),
    );

  const table = (platforms) =>
    h(
      "table",
      { class: "facts" },
      h("thead", {}, h("tr", {}, ["platform", "n_asked", "n_used", "n_edited", "n_rejected"].map((key) => h("th", { scope: "col" }, t(`figure.${key}`))))),
      h(
        "tbody",
        {},
        platforms.map((each) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, t(`platform.${each.platform}`)),
            ["n_asked", "n_used", "n_edited", "n_rejected"].map((key) => h("td", { class: "number" }, each[key])),
          ),
        ),
      ),
    );

  return { node, reload };
}
