// The upper half: the platform, the buyer's message, and what is known beside it.

import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { keycaps } from "/ui/shared/keys.js";
import { save } from "/ui/shared/store.js";

const PLATFORMS = ["taobao", "tmall", "pdd", "jd", "douyin", "kuaishou", "vip", "own", "other"];
const MAX_CHARS = 2000;
const MAX_EARLIER = 50;

/** `acts`: `ask(body)` → whether it was taken. */
export function askForm(acts) {
  let earlier = []; // What was said with the buyer at hand.
  let last = null; // The message that was sent last.
  const platform = h(
    "select",
    { id: "platform", "data-testid": "platform", onchange: () => save("kefu_platform", platform.value) },
    PLATFORMS.map((each) => h("option", { value: each }, t(`platform.${each}`))),
  );
  const order = h("input", {
    type: "text",
    id: "order",
    maxlength: "64",
    autocomplete: "off",
    "data-testid": "order",
  });
  const box = h("textarea", {
    id: "message",
    rows: "3",
    maxlength: String(MAX_CHARS),
    placeholder: t("message_hint"),
    "data-testid": "message",
  });
  const same = h("input", { type: "checkbox", id: "same", "data-testid": "same" });
  const sameRow = h("div", { class: "row small", hidden: true }, same, h("label", { for: "same" }, t("same_buyer")), keycaps("s"));
  const send = h(
    "button",
    { class: "button primary", type: "submit", "data-testid": "ask" },
    t("ask"),
    h("span", { class: "caps" }, keycaps("mod+enter")),
  );
  const form = h(
    "form",
    { class: "card ask", "aria-label": t("message") },
    h(
      "div",
      { class: "pair" },
      h("div", { class: "field" }, h("label", { for: "platform" }, t("platform")), platform),
      h("div", { class: "field" }, h("label", { for: "order" }, t("order_number")), order),
    ),
    h("label", { for: "message" }, t("message")),
    box,
    sameRow,
    h("div", { class: "row apart" }, h("span", { class: "soft small paste-hint" }, t("paste_hint")), send),
  );
  form.addEventListener("submit", (event) => (event.preventDefault(), submit()));

  async function submit() {
    const text = box.value.trim();
    if (!text) return box.focus();
    if (!same.checked) earlier = [];
    send.disabled = true;
    const isTaken = await acts.ask({
      text,
      platform: platform.value,
      ...(order.value.trim() ? { order_number: order.value.trim() } : {}),
      earlier: earlier.slice(-MAX_EARLIER),
    });
    send.disabled = false;
    if (!isTaken) return box.focus();
    earlier.push({ author: "buyer", text });
    last = text;
    box.value = "";
    same.checked = false;
    sameRow.hidden = false;
    send.blur();
    box.blur(); // The keys of the card work at once.
  }

  return {
    node: form,
    submit,
    /** A pasted message is asked at once. */
    take(text) {
      box.value = text.slice(0, MAX_CHARS);
      submit();
    },
    /** What the shop answered: the next message of the same buyer may lean on it. */
    said(text) {
      if (last && text) earlier.push({ author: "shop", text: text.slice(0, MAX_CHARS) });
    },
    toggleSame() {
      if (sameRow.hidden) return false;
      same.checked = !same.checked;
      box.focus();
    },
    focus: () => box.focus(),
    focusPlatform: () => platform.focus(),
    setPlatform(code) {
      platform.value = PLATFORMS.includes(code) ? code : "other";
    },
    get platform() {
      return platform.value;
    },
    get isFocused() {
      return form.contains(document.activeElement);
    },
  };
}
