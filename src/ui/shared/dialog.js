// Modal dialogs on the native element: it traps the focus, closes on Escape and gives the focus back.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

/** Opens a dialog; `build(close)` returns the body. `close(value)` ends it and resolves. */
export function openDialog({ title, build, wide = false, testid }) {
  return new Promise((resolve) => {
    let answer = null;
    const close = (value = null) => {
      answer = value;
      dialog.close();
    };
    const dialog = h(
      "dialog",
      { class: wide ? "wide" : "", "aria-labelledby": "dialog-title", "data-testid": testid },
      h(
        "div",
        { class: "dialog-head" },
        h("h2", { id: "dialog-title" }, title),
        h(
          "button",
          { class: "icon-button", type: "button", "aria-label": t("close"), onclick: () => close() },
          icon("close"),
        ),
      ),
      h("div", { class: "dialog-body" }, build(close)),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    const first =
      dialog.querySelector("[autofocus]") ??
      dialog.querySelector(".dialog-body :is(input, textarea, select):not([readonly])");
    first?.focus();
  });
}

/** Asks before something that cannot be taken back. Resolves to true or null. */
export function confirmDialog({ title, text, yes, danger = false, testid }) {
  return openDialog({
    title,
    testid,
    build: (close) => [
      h("p", {}, text),
      h(
        "div",
        { class: "dialog-foot" },
        h(
          "button",
          { class: "button", type: "button", autofocus: true, onclick: () => close() },
          t("cancel"),
        ),
        h(
          "button",
          {
            class: `button ${danger ? "stop" : "primary"}`,
            type: "button",
            "data-testid": "confirm-yes",
            onclick: () => close(true),
          },
          yes,
        ),
      ),
    ],
  });
}

/** A dialog around a form. `save(form, data)` may throw a `Problem`, which is shown in place. */
export function formDialog({ title, fields, yes, save, wide = false, danger = false, testid }) {
  return openDialog({
    title,
    wide,
    testid,
    build: (close) => {
      const error = h("p", { class: "note bad", role: "alert", hidden: true });
      const submit = h(
        "button",
        { class: `button ${danger ? "stop" : "primary"}`, type: "submit", "data-testid": "form-save" },
        yes,
      );
      const form = h(
        "form",
        { class: "stack" },
        fields,
        error,
        h(
          "div",
          { class: "dialog-foot" },
          h("button", { class: "button", type: "button", onclick: () => close() }, t("cancel")),
          submit,
        ),
      );
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        submit.disabled = true;
        try {
          close((await save(new FormData(form))) ?? true);
        } catch (problem) {
          error.textContent = problem.text ?? problem.message;
          error.hidden = false;
        } finally {
          submit.disabled = false;
        }
      });
      return form;
    },
  });
}

/** A labelled control. */
export function field(id, label, control, hint) {
  control.id = id;
  if (!control.name) control.name = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    control,
    hint && h("span", { class: "hint", id: `${id}-hint` }, hint),
  );
}
