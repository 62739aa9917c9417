// Acts that can be taken back for five seconds: nothing is sent before they are over. Closing tells the buyer so, which
// no second request could unsay.

import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { keycaps } from "/ui/shared/keys.js";

export const UNDO_MS = 5_000;

/** `settled()` is called when an act was done, or taken back. */
export function undoBar(settled) {
  const node = h("div", { class: "undo-bar", role: "status", "aria-live": "polite", "data-testid": "undo-bar" });
  let waiting = null;

  /** Does `run` after five seconds; `run({ keepalive })` at once if the page is left or another act comes. */
  function later(text, ids, run) {
    finish();
    const timer = setTimeout(finish, UNDO_MS);
    waiting = { ids: new Set(ids), run, timer };
    show(
      node,
      h("span", { class: "grow" }, text),
      h(
        "button",
        { class: "button compact", type: "button", "data-testid": "undo", onclick: undo },
        t("undo"),
        h("span", { class: "caps" }, keycaps("z")),
      ),
    );
  }

  async function finish(options = {}) {
    if (!waiting) return;
    const { run } = take();
    await run(options);
    settled();
  }

  function take() {
    const taken = waiting;
    clearTimeout(taken.timer);
    waiting = null;
    show(node);
    return taken;
  }

  function undo() {
    if (!waiting) return false;
    take();
    settled();
    return true;
  }

  addEventListener("pagehide", () => finish({ keepalive: true }));
  return { node, later, undo, isWaiting: (id) => waiting?.ids.has(id) ?? false };
}
