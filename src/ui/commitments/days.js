// How each day ended, counted that night.

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { number, t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";

const COUNTS = ["made", "kept", "kept_late", "dismissed", "overdue", "open"];

export async function showDays(box) {
  try {
    const { days } = await get("/v1/commitments/days");
    show(box, h("h2", {}, t("days.title")), days.length > 0 ? table(days) : h("p", { class: "soft" }, t("days.none")));
  } catch (problem) {
    show(box, sorry(problem, () => showDays(box)));
  }
}

const table = (days) =>
  h(
    "div",
    { class: "table-box", tabindex: "0", role: "region", "aria-label": t("days.title") },
    h(
      "table",
      { class: "cards" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("days.day")), COUNTS.map((each) => h("th", { scope: "col", class: "number" }, t(`days.${each}`))))),
      h(
        "tbody",
        {},
        days.map((day) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, day.day),
            COUNTS.map((each) => h("td", { class: "number", "data-name": t(`days.${each}`) }, each === "overdue" && day[each] > 0 ? h("span", { class: "chip bad" }, number(day[each])) : number(day[each]))),
          ),
        ),
      ),
    ),
  );
