// Tasks, as the console and their own page show them.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { duration, t } from "./i18n.js";

export const TASK_KINDS = ["ship_date", "address", "remark", "invoice", "urge_shipping", "cancel", "return", "other"];
export const DEPARTMENTS = ["warehouse", "finance", "service"];

export const taskKind = (kind) => t(`task_kind.${kind}`);
export const stateText = (state) => t(`task_state.${state}`);

/** How long there is left, in words and in color. */
export function dueChip(task) {
  const left = task.due_at_ms - Date.now();
  return left < 0
    ? h("span", { class: "chip bad" }, t("task.late", { time: duration(-left) }))
    : h("span", { class: `chip ${left < 3_600_000 ? "warn" : ""}` }, t("task.left", { time: duration(left) }));
}

/** Asks what shows that it was done. Resolves to the evidence, or null. */
export function settleDialog(task, isDropped = false) {
  return openDialog({
    title: `${t(isDropped ? "task.drop" : "task.done")}: ${taskKind(task.kind)}`,
    testid: "settle-dialog",
    build: (close) => {
      const box = h("textarea", { id: "evidence", rows: "3", required: true, maxlength: "1000", "data-testid": "evidence" });
      const form = h(
        "form",
        { class: "stack" },
        h("p", { class: "pre" }, task.asked),
        h("div", { class: "field" }, h("label", { for: "evidence" }, t(isDropped ? "task.why" : "task.evidence")), box),
        h("div", { class: "dialog-foot" }, h("button", { class: "button primary", type: "submit", "data-testid": "settle" }, t("task.settle"))),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (box.value.trim()) close(box.value.trim());
      });
      return form;
    },
  });
}
