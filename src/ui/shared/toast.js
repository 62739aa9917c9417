// Short messages in a corner, spoken by screen readers.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";

const STAY_MS = 5000;
let box;

/** An open dialog covers and silences everything outside it, so the messages go inside. */
function place() {
  box ??= h("div", { class: "toasts", role: "status", "aria-live": "polite", "data-testid": "toasts" });
  const home = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  if (box.parentNode !== home) home.append(box);
  return box;
}

/** Says something. Errors stay until closed. */
export function toast(text, kind = "plain") {
  const close = () => item.remove();
  const item = h(
    "div",
    { class: `toast ${kind}`, "data-testid": "toast" },
    h("span", { class: "grow" }, text),
    h(
      "button",
      { class: "icon-button", type: "button", "aria-label": t("close"), onclick: close },
      icon("close"),
    ),
  );
  place()
    .querySelectorAll(".toast:not(.bad)")
    .forEach((old) => old.remove());
  box.append(item);
  while (box.children.length > 3) box.firstChild.remove();
  if (kind !== "bad") setTimeout(close, STAY_MS);
}

/** Says what went wrong, with the server's hint. */
export function toastProblem(problem) {
  toast(problem.text ?? problem.message, "bad");
}
