// Every room for people of the shop starts here: who is it, may they enter, the top bar around it.

import { get, post } from "./api.js";
import "./confirm.js";
import { h, show } from "./dom.js";
import { watchDue } from "./due.js";
import { addTexts, duration, lang, setLang, t } from "./i18n.js";
import { icon } from "./icons.js";
import en from "./en.js";
import ordersEn from "./orders.en.js";
import ordersZh from "./orders.zh.js";
import zh from "./zh.js";
import { toastProblem } from "./toast.js";
import { roleText } from "./words.js";

addTexts({ zh, en });
addTexts({ zh: ordersZh, en: ordersEn });

const ROOMS = [
  { id: "console", roles: ["agent", "ops", "owner"] },
  { id: "companion", roles: ["agent", "owner"] },
  { id: "tasks", roles: ["agent", "ops", "owner"] },
  { id: "commitments", roles: ["agent", "ops", "owner"] },
  { id: "shifts", roles: ["agent", "ops", "owner"] },
  { id: "records", roles: ["agent", "staff", "ops", "owner"] },
  { id: "knowledge", roles: ["agent", "staff", "ops", "owner"] },
  { id: "figures", roles: ["agent", "ops", "owner"] },
  { id: "ops", roles: ["agent", "ops", "owner"] },
];

/** The other language, named in itself. */
export function langSwitch() {
  const other = lang === "zh" ? "en" : "zh";
  return h(
    "button",
    {
      class: "button quiet compact",
      type: "button",
      lang: other === "zh" ? "zh-CN" : "en",
      "data-testid": "lang-switch",
      onclick: () => setLang(other),
    },
    other === "zh" ? "中文" : "English",
  );
}

export const toLogin = () =>
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.hash)}`);

/** Draws the room `id` and returns `{me, main, banner}`, or null if the person was sent away. */
export async function enter(id, { fixed = false } = {}) {
  document.title = `${t(`room.${id}`)} · kefu`;
  let me;
  try {
    me = await get("/v1/me");
  } catch (problem) {
    if (problem.status === 401) toLogin();
    else show(document.body, h("main", { class: "page" }, sorry(problem)));
    return null;
  }
  if (me.must_set_up_second_factor && id !== "account") {
    location.assign(`/account?next=${encodeURIComponent(location.pathname + location.hash)}`);
    return null;
  }
  const main = h("main", { id: "main", tabindex: "-1" });
  const banner = h("div", { role: "status", "data-testid": "banner" });
  const top = topbar(id, me);
  show(
    document.body,
    h("a", { class: "skip", href: "#main", onclick: (e) => (e.preventDefault(), main.focus()) }, t("skip")),
    h("div", { class: fixed ? "shell fixed" : "shell" }, top, banner, main),
  );
  watchStatus(top.querySelector(".status"));
  showCurrent(top.querySelector(".rooms"));
  const due = top.querySelector('[data-testid="room-commitments"]');
  if (due) watchDue(due);
  const here = ROOMS.find((room) => room.id === id);
  if (here && !here.roles.includes(me.role)) {
    show(main, notYours(me));
    return null;
  }
  return { me, main, banner };
}

/** More rooms than fit: the one that is open is in sight. */
function showCurrent(rooms) {
  const current = rooms.querySelector('[aria-current="page"]');
  if (current) rooms.scrollLeft = current.offsetLeft - rooms.offsetLeft - (rooms.clientWidth - current.offsetWidth) / 2;
}

function topbar(id, me) {
  const mine = ROOMS.filter((room) => room.roles.includes(me.role));
  return h(
    "header",
    { class: "topbar" },
    h(
      "a",
      { class: "brand", href: "/" },
      h("img", { src: "/ui/shared/icon.svg", alt: "" }),
      h("span", {}, me.shop_name),
    ),
    h(
      "nav",
      { class: "rooms", "aria-label": t("rooms") },
      mine.map((room) =>
        h(
          "a",
          {
            href: `/${room.id}`,
            "aria-current": room.id === id ? "page" : null,
            "data-testid": `room-${room.id}`,
          },
          t(`room.${room.id}`),
        ),
      ),
    ),
    h("span", { class: "gap" }),
    h("span", { class: "status", "data-testid": "system-status" }),
    langSwitch(),
    h(
      "a",
      { class: "who", href: "/account", title: t("room.account"), "data-testid": "to-account" },
      icon("person"),
      h("span", {}, me.name),
      h("span", { class: "soft" }, roleText(me.role)),
    ),
    h(
      "button",
      {
        class: "icon-button",
        type: "button",
        "aria-label": t("sign_out"),
        title: t("sign_out"),
        "data-testid": "sign-out",
        onclick: signOut,
      },
      icon("out"),
    ),
  );
}

async function signOut() {
  try {
    await post("/v1/logout");
    location.assign("/login");
  } catch (problem) {
    toastProblem(problem);
  }
}

async function watchStatus(box) {
  const look = async () => {
    try {
      const status = await get("/v1/status");
      const states = [status.embedder.state, status.generator.state];
      const state = states.includes("failed") ? "failed" : states.includes("loading") ? "loading" : "ready";
      const detail = [status.generator, status.embedder].find((part) => part.state === state)?.detail;
      const median = status.answer_ms_median;
      const speed =
        state === "ready" && median !== null ? t("status.speed", { time: duration(median) }) : null;
      box.title = [t(`status.${state}`), detail, status.generator.id, `kefu ${status.version}`]
        .filter(Boolean)
        .join(" · ");
      show(
        box,
        h("span", { class: `status-dot ${state}` }),
        h("span", {}, t(`status.${state}`), speed ? ` · ${speed}` : null),
      );
      box.dataset.state = state;
    } catch {
      box.dataset.state = "failed";
      show(box, h("span", { class: "status-dot failed" }), h("span", {}, t("status.unreachable")));
    }
  };
  await look();
  setInterval(look, 30_000);
}

function notYours(me) {
  const mine = ROOMS.filter((room) => room.roles.includes(me.role));
  return h(
    "div",
    { class: "empty", "data-testid": "forbidden" },
    icon("info"),
    h("strong", {}, t("forbidden.title")),
    h("p", {}, t("forbidden.text", { role: roleText(me.role) })),
    h(
      "div",
      { class: "row" },
      mine.map((room) => h("a", { class: "button", href: `/${room.id}` }, t(`room.${room.id}`))),
    ),
  );
}

/** A problem in place of the content that it kept away. */
export function sorry(problem, again = () => location.reload()) {
  return h(
    "div",
    { class: "empty", role: "alert", "data-testid": "problem" },
    icon("warn"),
    h("strong", {}, problem.message),
    problem.advice && h("p", {}, problem.advice),
    problem.requestId && h("p", { class: "small" }, t("problem.id", { id: problem.requestId })),
    h("button", { class: "button", type: "button", onclick: again }, t("try_again")),
  );
}
