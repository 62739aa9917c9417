// The editor of a draft: a field, and below it what changed against the draft.

import { diff } from "/ui/shared/diff.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { keycaps } from "/ui/shared/keys.js";
import { proposalText } from "./choices.js";

const PROPOSE_AFTER_MS = 300;

/**
 * `acts`: `typed(text)`, `propose(text)` once typing rests, `send()`, `leave()`. Returns `{node, box, changes, read,
 * say, toggleDiff}`; `say(proposal)` shows what kind of edit it looks like.
 */
export function draftEditor(draft, text, acts) {
  let isDiffShown = true;
  const box = h("textarea", {
    id: "edit",
    class: "edit",
    rows: "7",
    value: text,
    "data-testid": "edit-text",
  });
  const changes = h("div", {
    class: "changes pre",
    "data-testid": "diff",
    role: "group",
    "aria-label": t("changes"),
  });
  const looks = h("div", { role: "status" });
  const toggle = h("button", {
    class: "button quiet compact",
    type: "button",
    "data-testid": "diff-toggle",
    onclick: toggleDiff,
  });
  const send = h(
    "button",
    {
      class: "button primary",
      type: "button",
      "data-testid": "edit-send",
      onclick: () => acts.send(),
    },
    t("go_on"),
    keycaps("mod+enter"),
  );
  const read = () => box.value.trim();

  function update() {
    changes.hidden = !isDiffShown;
    toggle.setAttribute("aria-pressed", String(isDiffShown));
    show(toggle, t(isDiffShown ? "hide_changes" : "show_changes"), " ", keycaps("alt+d"));
    send.disabled = read() === "";
    show(changes, differences(draft, box.value));
  }

  function toggleDiff() {
    isDiffShown = !isDiffShown;
    update();
  }

  const propose = debounce(() => read() && read() !== draft && acts.propose(read()), PROPOSE_AFTER_MS);
  box.addEventListener("input", () => {
    acts.typed(box.value);
    show(looks);
    update();
    propose();
  });
  const node = h(
    "div",
    { class: "stack tight" },
    h("div", { class: "row apart" }, h("label", { class: "label", for: "edit" }, t("editing")), toggle),
    box,
    changes,
    looks,
    h(
      "div",
      { class: "row actions" },
      send,
      h("button", { class: "button", type: "button", onclick: acts.leave }, t("cancel"), keycaps("escape")),
    ),
  );
  update();
  return { node, box, changes, read, say: (proposal) => show(looks, proposalText(proposal)), toggleDiff };
}

function differences(draft, text) {
  const parts = diff(draft, text);
  if (parts.every((part) => part.kind === "same")) return h("span", { class: "soft" }, t("no_changes"));
  return parts.map((part) =>
    part.kind === "same" ? part.text : h(part.kind === "added" ? "ins" : "del", { class: "diff" }, part.text),
  );
}
