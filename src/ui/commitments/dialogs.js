// What is asked before a commitment is closed, corrected, or told of to its buyer.

import { openDialog } from "/ui/shared/dialog.js";
import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";

const KINDS = ["ship", "deliver", "resend", "refund", "compensate", "invoice", "change", "urge", "check", "reply", "other"];

/** A form in a dialog; `read` gives what it resolves to, or null to stay. */
const formOf = (title, testid, yes, build) =>
  openDialog({
    title,
    testid,
    build: (close) => {
      const { body, read } = build();
      const form = h(
        "form",
        { class: "stack" },
        body,
        h("div", { class: "dialog-foot" }, h("button", { class: "button primary", type: "submit", "data-testid": "dialog-yes" }, yes)),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const value = read();
        if (value) close(value);
      });
      return form;
    },
  });

const labelled = (id, text, control) => {
  control.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, text), control);
};

/** Resolves to the evidence in words, or null. */
export function keepDialog(one) {
  return formOf(t("commitment.keep"), "keep-dialog", t("commitment.save"), () => {
    const box = h("textarea", { rows: "3", required: true, maxlength: "500", "data-testid": "evidence" });
    return { body: [h("p", { class: "pre" }, one.what), labelled("evidence", t("commitment.evidence"), box)], read: () => box.value.trim() };
  });
}

/** Resolves to `{text, isKept}`, or null. Nothing is sent here. */
export function tellDialog(one) {
  return formOf(t("commitment.tell"), "tell-dialog", t("commitment.send"), () => {
    const box = h("textarea", { rows: "6", required: true, maxlength: "5000", value: one.message, "data-testid": "tell-text" });
    const close = h("input", { type: "checkbox", "data-testid": "close-with" });
    return {
      body: [labelled("tell", t("commitment.text"), box), h("label", { class: "row" }, close, t("commitment.close_with"))],
      read: () => box.value.trim() && { text: box.value.trim(), isKept: close.checked },
    };
  });
}

/** A time as a control of the browser's own zone shows it. */
function localTime(ms) {
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 16);
}

/** Resolves to what is to be changed, or null. */
export function editDialog(one) {
  return formOf(t("commitment.edit"), "edit-dialog", t("commitment.save"), () => {
    const what = h("textarea", { rows: "3", required: true, maxlength: "500", value: one.what });
    const kind = h("select", {}, KINDS.map((each) => h("option", { value: each, selected: each === one.kind }, t(`commitment_kind.${each}`))));
    const due = h("input", { type: "datetime-local", required: true, value: localTime(one.due_at_ms), "data-testid": "edit-due" });
    return {
      body: [labelled("what", t("commitment.what"), what), labelled("kind", t("commitment.kind"), kind), labelled("due", t("commitment.due"), due)],
      read: () => {
        const at = new Date(due.value).getTime();
        const dueAt = due.value === localTime(one.due_at_ms) ? one.due_at_ms : at;
        return what.value.trim() && Number.isFinite(at) && { what: what.value.trim(), kind: kind.value, due_at_ms: dueAt };
      },
    };
  });
}
