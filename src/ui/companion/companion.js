// The companion panel: a narrow window beside the desk of a marketplace. Paste a message, copy the answer back.

import { get, post } from "/ui/shared/api.js";
import { copyText } from "/ui/shared/copy.js";
import { h, show } from "/ui/shared/dom.js";
import { addTexts, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { bindKeys, keycaps, showKeys } from "/ui/shared/keys.js";
import { enter, sorry, toLogin } from "/ui/shared/shell.js";
import { listen } from "/ui/shared/sse.js";
import { load, save } from "/ui/shared/store.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import consoleEn from "/ui/console/en.js";
import consoleZh from "/ui/console/zh.js";
import { askForm } from "./ask.js";
import { draftCard, plain } from "./card.js";
import en from "./en.js";
import { pastPane } from "./past.js";
import zh from "./zh.js";

addTexts({ zh: consoleZh, en: consoleEn });
addTexts({ zh, en });

const room = await enter("companion");
if (room) start(room);

function start({ main, banner }) {
  let draft = null; // What is on the card.
  let written = ""; // What has been written of it so far.
  let isBusy = false;
  const form = askForm({ ask });
  const card = draftCard({ used, edited, rejected, copy });
  const past = pastPane({ open });
  main.className = "companion";
  show(
    main,
    h(
      "div",
      { class: "row apart" },
      h("h1", {}, t("room.companion")),
      h(
        "div",
        { class: "row" },
        h(
          "button",
          { class: "button quiet compact wide-only", type: "button", onclick: popOut, "data-testid": "pop-out" },
          t("pop_out"),
        ),
        h(
          "button",
          {
            class: "icon-button",
            type: "button",
            "aria-label": t("keys.title"),
            title: `${t("keys.title")} (?)`,
            onclick: () => showKeys(keys),
          },
          icon("keyboard"),
        ),
      ),
    ),
    form.node,
    card.node,
    past.node,
  );

  function draw() {
    card.draw(draft, written);
    const hash = draft ? `#/d/${draft.id}` : "#/";
    if (location.hash !== hash) history.replaceState(null, "", hash);
  }

  async function ask(body) {
    if (isBusy) return false;
    isBusy = true;
    try {
      written = "";
      draft = await post("/v1/drafts", body);
      draw();
      if (draft.state === "asked") open(draft.id); // It may be ready before its address was known here.
      card.node.scrollIntoView({ block: "nearest" });
      past.reload();
      return true;
    } catch (problem) {
      fail(problem);
      return false;
    } finally {
      isBusy = false;
    }
  }

  async function open(id) {
    try {
      written = "";
      draft = await get(`/v1/drafts/${id}`);
      draw();
      card.node.scrollIntoView({ block: "nearest" });
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else show(card.node, sorry(problem, () => open(id)));
    }
  }

  /** One outcome at a time; whoever was first is told by the server. */
  async function settle(body, done) {
    if (isBusy || !draft) return false;
    isBusy = true;
    try {
      draft = await post(`/v1/drafts/${draft.id}/outcome`, { version: draft.version, ...body });
      toast(done);
      draw();
      past.reload();
      if (body.text !== undefined || body.outcome === "used") form.said(body.text ?? plain(draft.draft));
      return true;
    } catch (problem) {
      if (problem.code === "already_resolved") await open(draft.id);
      fail(problem);
      return false;
    } finally {
      isBusy = false;
    }
  }

  async function copy(text) {
    await copyText(text);
    toast(t("copied_paste"));
  }
  async function used() {
    if (!card.mayUse) return false;
    await copyText(plain(draft.draft));
    return settle({ outcome: "used" }, t("done.used"));
  }
  async function edited(text) {
    if (!text) return false;
    await copyText(text);
    if (draft.draft && text === plain(draft.draft)) return settle({ outcome: "used" }, t("done.used"));
    return settle({ outcome: "edited", text }, t("done.edited"));
  }
  function rejected(reason, note) {
    return settle({ outcome: "rejected", reason, note }, t("done.rejected"));
  }

  function fail(problem) {
    if (problem.status === 401) toLogin();
    else toastProblem(problem);
  }

  /** The same page as a window of its own, as narrow as fits beside a desk. */
  function popOut() {
    window.open(location.href, "kefu-companion", "popup,width=380,height=800");
  }

  const keys = [
    { keys: ["mod+v"], text: t("keys.paste"), run: () => false },
    {
      keys: ["mod+enter"],
      text: t("keys.send"),
      run: () => (card.isEditing ? card.finish() : form.isFocused ? form.submit() : void used()),
    },
    { keys: ["c"], text: t("keys.copy"), run: () => (card.mayUse ? void copy(plain(draft.draft)) : false) },
    {
      keys: ["1", "2", "3", "4"],
      text: t("keys.outcome"),
      run: (_, key) => card.choose(Number(key)),
    },
    { keys: ["s"], text: t("keys.same"), run: () => form.toggleSame() },
    { keys: ["p"], text: t("keys.platform"), run: () => form.focusPlatform() },
    { keys: ["m", "w"], text: t("keys.message"), run: () => form.focus() },
    {
      keys: ["escape"],
      text: t("keys.leave"),
      run: () => (card.isOpen ? card.leave() : void document.activeElement?.blur()),
    },
  ];
  bindKeys(keys);

  // Pasting anywhere but in a field is asking.
  document.addEventListener("paste", (event) => {
    if (event.target instanceof Element && event.target.closest("input, textarea, select, dialog")) return;
    const text = event.clipboardData?.getData("text/plain")?.trim();
    if (!text) return;
    event.preventDefault();
    form.take(text);
  });

  listen("/v1/console/events", {
    onEvent: (name, data) => {
      if (name === "resync") past.reload();
      const isMine = draft && (data.turn_id === draft.id || name === "resync");
      if (!isMine || draft.state !== "asked") return;
      if (name === "draft") {
        written += data.text;
        card.stream(written);
      } else if (["queue", "resync"].includes(name)) open(draft.id);
    },
    onState: (state, status) => {
      if (state === "refused" && status === 401) toLogin();
      show(banner, state === "lost" && h("div", { class: "banner" }, icon("warn"), t("offline")));
    },
  });

  const wanted = /^#\/d\/([\w-]+)$/.exec(location.hash)?.[1];
  const platform = new URLSearchParams(location.search).get("platform") ?? load("kefu_platform", "taobao");
  form.setPlatform(platform);
  save("kefu_platform", form.platform);
  draw();
  past.reload();
  if (wanted) open(wanted);
  else form.focus();
}
