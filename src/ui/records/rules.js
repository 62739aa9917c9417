// What the shop has settled about its records: what may be returned, who does what until when, how old an order may be.
// Everybody reads it; ops and owners change it.

import { get, put } from "/ui/shared/api.js";
import { field } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const DEPARTMENTS = ["warehouse", "finance", "service"];
// As `RecordRules::task` has it, for kinds that the shop has not settled.
const KINDS = ["ship_date", "address", "urge_shipping", "cancel", "invoice", "remark", "return", "other"];

export function drawRules(box, mayChange) {
  async function load() {
    try {
      draw(await get("/v1/records/rules"));
    } catch (problem) {
      show(box, sorry(problem, load));
    }
  }

  const number = (name, value, [min, max], label, hint) =>
    field(
      `rule-${name}`,
      label,
      h("input", { type: "number", name, value, min, max, required: true, disabled: !mayChange, "data-testid": `rule-${name}` }),
      hint,
    );

  const choice = (name, value, values, words) =>
    h(
      "select",
      { name, disabled: !mayChange, "data-testid": `rule-${name}` },
      values.map((each) => h("option", { value: each, selected: each === value }, words(each))),
    );

  function draw(rules) {
    const { returns } = rules;
    const form = h(
      "form",
      { class: "stack", "data-testid": "rules" },
      h(
        "fieldset",
        { class: "stack" },
        h("legend", {}, t("rules.returns")),
        h(
          "div",
          { class: "rule-fields" },
          number("days", returns.days, [1, 365], t("rules.days"), t("rules.days_more")),
          number("defect_days", returns.defect_days, [1, 365], t("rules.defect_days"), t("rules.defect_days_more")),
          field("rule-freight", t("rules.freight"), choice("freight", returns.freight, ["buyer", "shop"], (who) => t(`rules.freight_${who}`))),
        ),
        h(
          "label",
          { class: "row" },
          h("input", { type: "checkbox", name: "must_be_unopened", checked: returns.must_be_unopened, disabled: !mayChange, "data-testid": "rule-unopened" }),
          h("span", {}, t("rules.unopened")),
        ),
        field(
          "rule-excluded",
          t("rules.excluded"),
          h("textarea", { name: "excluded_categories", rows: 4, value: returns.excluded_categories.join("\n"), disabled: !mayChange, "data-testid": "rule-excluded" }),
          t("rules.excluded_more"),
        ),
      ),
      h("fieldset", { class: "stack" }, h("legend", {}, t("rules.tasks")), h("p", { class: "soft" }, t("rules.tasks_more")), taskTable(rules)),
      h(
        "fieldset",
        { class: "stack" },
        h("legend", {}, t("rules.orders")),
        h(
          "div",
          { class: "rule-fields" },
          number("stale_after_hours", rules.stale_after_hours, [1, 2160], t("rules.stale"), t("rules.stale_more")),
          number("utc_offset_min", rules.utc_offset_min, [-720, 840], t("rules.offset"), t("rules.offset_more")),
        ),
      ),
      mayChange
        ? h("button", { class: "button primary", type: "submit", "data-testid": "save-rules" }, t("rules.save"))
        : h("p", { class: "soft" }, t("rules.read_only")),
    );
    form.addEventListener("submit", (event) => (event.preventDefault(), save(form)));
    show(box, form);
  }

  const taskTable = (rules) =>
    h(
      "div",
      { class: "table-box", tabindex: "0", role: "region", "aria-label": t("rules.tasks") },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ["kind", "department", "hours"].map((head) => h("th", { scope: "col" }, t(`rules.${head}`))))),
        h("tbody", {}, KINDS.map((kind) => taskRow(kind, rules.tasks[kind]))),
      ),
    );

  /** Left empty, a kind has its usual rule. */
  function taskRow(kind, rule) {
    const name = t(`task_kind.${kind}`);
    const who = choice(`department.${kind}`, rule?.department ?? "", ["", ...DEPARTMENTS], (each) => t(each ? `department.${each}` : "rules.usual"));
    who.setAttribute("aria-label", `${name}: ${t("rules.department")}`);
    const hours = h("input", { type: "number", name: `hours.${kind}`, value: rule?.due_hours ?? "", min: 1, max: 720, disabled: !mayChange, "aria-label": `${name}: ${t("rules.hours")}` });
    const settle = () => {
      hours.required = who.value !== "";
      hours.disabled = !mayChange || who.value === "";
      if (who.value === "") hours.value = "";
    };
    who.addEventListener("change", settle);
    settle();
    return h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, who), h("td", {}, hours));
  }

  async function save(form) {
    const data = new FormData(form);
    const count = (name) => Number(data.get(name));
    const settled = KINDS.filter((kind) => data.get(`department.${kind}`));
    const lines = data.get("excluded_categories").split("\n");
    const rules = {
      utc_offset_min: count("utc_offset_min"),
      stale_after_hours: count("stale_after_hours"),
      tasks: Object.fromEntries(settled.map((kind) => [kind, { department: data.get(`department.${kind}`), due_hours: count(`hours.${kind}`) }])),
      returns: {
        days: count("days"),
        defect_days: count("defect_days"),
        freight: data.get("freight"),
        must_be_unopened: data.get("must_be_unopened") !== null,
        excluded_categories: lines.map((line) => line.trim()).filter(Boolean),
      },
    };
    try {
      await put("/v1/records/rules", rules);
      toast(t("rules.saved"));
    } catch (problem) {
      toastProblem(problem);
    }
  }

  load();
}
