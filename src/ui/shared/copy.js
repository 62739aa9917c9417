// Copies a text; on an intranet without HTTPS the clipboard interface is missing, so the text is selected too.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { toast } from "./toast.js";

/** Copies a text that stands in no field. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = h("textarea", { value: text, class: "hidden-text", "aria-hidden": "true", tabindex: "-1" });
    const { activeElement } = document;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
    activeElement?.focus?.();
  }
}

/** A read-only text with a button that copies it. */
export function copyBox(text, label, { rows = 1, testid } = {}) {
  const box = h("textarea", {
    readonly: true,
    rows,
    "aria-label": label,
    class: "copy-text",
    spellcheck: "false",
    "data-testid": testid,
    value: text,
    onfocus: () => box.select(),
  });
  const copy = async () => {
    box.focus();
    box.select();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      document.execCommand("copy");
    }
    toast(t("copied"));
  };
  return h(
    "div",
    { class: "copy-box" },
    box,
    h("button", { class: "button", type: "button", onclick: copy }, icon("copy"), t("copy")),
  );
}
