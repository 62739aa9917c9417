// Keyboard: one table of shortcuts per room, and the `?` sheet that shows it.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { load, save } from "./store.js";

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

const LETTERS = "kefu_letter_keys"; // Single letters can be switched off: speech input would trip over them.

const isTyping = (node) =>
  node instanceof Element && node.closest("input, textarea, select, [contenteditable]");

/** "mod+enter", "alt+d", "e": the pressed combination. */
function combination(event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("mod");
  if (event.altKey) parts.push("alt");
  const key = event.altKey && event.code.startsWith("Key") ? event.code.slice(3) : event.key;
  parts.push(key.toLowerCase());
  return parts.join("+");
}

/**
 * Binds `[{keys: ["e"], text: "…", run(event)}]`. Single keys are silent while somebody types or a dialog is open;
 * `run` returns false to let the key do what it usually does.
 */
export function bindKeys(bindings) {
  const table = new Map(bindings.flatMap((b) => b.keys.map((key) => [key, b])));
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const pressed = combination(event);
    const isPlain = !/^(mod|alt)\+/.test(pressed);
    if (document.querySelector("dialog[open]")) return;
    if (isPlain && pressed !== "escape" && isTyping(event.target)) return;
    if (isPlain && pressed.length === 1 && !load(LETTERS, true)) return;
    if (pressed === "?") {
      event.preventDefault();
      showKeys(bindings);
      return;
    }
    const binding = table.get(pressed);
    if (binding && binding.run(event, pressed) !== false) event.preventDefault();
  });
}

const names = { mod: isMac ? "⌘" : "Ctrl", alt: isMac ? "⌥" : "Alt", enter: "Enter", escape: "Esc" };

/** A combination as keycaps. */
export function keycaps(combo) {
  return h(
    "span",
    { class: "keycaps" },
    combo.split("+").map((part) => h("kbd", {}, names[part] ?? part.toUpperCase())),
  );
}

/** The sheet of shortcuts. */
export function showKeys(bindings) {
  const shown = [...bindings.filter((b) => b.text), { keys: ["?"], text: t("keys.sheet") }];
  return openDialog({
    title: t("keys.title"),
    testid: "key-sheet",
    build: () => [
      h(
        "label",
        { class: "row" },
        h("input", {
          type: "checkbox",
          checked: load(LETTERS, true),
          "data-testid": "letter-keys",
          onchange: (event) => save(LETTERS, event.target.checked),
        }),
        t("keys.letters"),
      ),
      h("p", { class: "soft small" }, t("keys.when")),
      h(
        "table",
        {},
        h(
          "tbody",
          {},
          shown.map((b) =>
            h(
              "tr",
              {},
              h(
                "th",
                { scope: "row" },
                b.keys.map((k, i) => [i ? " / " : null, keycaps(k)]),
              ),
              h("td", {}, b.text),
            ),
          ),
        ),
      ),
    ],
  });
}
