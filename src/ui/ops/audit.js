// What was done, by whom. Read only.

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { dateTime, has, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";

const actionText = (code) => (has(`action.${code}`) ? t(`action.${code}`) : code);
/** The fields of a detail, one after the other. */
function detailText(detail) {
  if (detail === null || detail === undefined) return "";
  if (typeof detail !== "object") return String(detail);
  const text = (value) =>
    value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
  return Object.entries(detail)
    .map(([key, value]) => `${key}: ${text(value)}`)
    .join(" · ");
}

export function drawAudit(box) {
  const table = h("div", {}, h("p", { class: "empty" }, t("loading")));
  show(
    box,
    h(
      "div",
      { class: "page-head" },
      h("div", {}, h("h1", {}, t("nav.audit")), h("p", { class: "soft" }, t("audit_more"))),
    ),
    table,
  );

  async function load() {
    try {
      const { entries } = await get("/v1/ops/audit?limit=200");
      if (entries.length === 0)
        return show(table, h("div", { class: "empty card" }, icon("doc"), h("p", {}, t("audit_none"))));
      const head = ["col.when", "col.who", "col.action", "col.subject", "col.detail"].map((key) =>
        h("th", { scope: "col" }, t(key)),
      );
      show(
        table,
        h(
          "div",
          { class: "table-box" },
          h(
            "table",
            { class: "cards", "data-testid": "audit" },
            h("thead", {}, h("tr", {}, head)),
            h(
              "tbody",
              {},
              entries.map((e) =>
                h(
                  "tr",
                  {},
                  h("td", { class: "nowrap small soft" }, dateTime(e.at_ms)),
                  h("td", {}, e.account ?? t("the_system")),
                  h("td", {}, actionText(e.action)),
                  h("td", {}, e.subject),
                  h("td", { class: "small" }, detailText(e.detail)),
                ),
              ),
            ),
          ),
        ),
      );
    } catch (problem) {
      show(table, sorry(problem, load));
    }
  }

  load();
}
