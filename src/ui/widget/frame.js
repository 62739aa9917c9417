// The chat inside the frame: puts header, messages and input together and talks to the loader outside.

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { addTexts, lang, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { bubble, pendingBubble } from "./bubble.js";
import { Chat } from "./chat.js";
import en from "./en.js";
import zh from "./zh.js";

addTexts({ zh, en });

const LONGEST = 2000; // The server cuts longer messages to this many characters.
const asked = new URLSearchParams(location.search);
const widgetId = asked.get("id");
const host = asked.get("host");
const drawn = new Map(); // Message id or client key → node, so that nothing is shown twice.

const log = h("div", {
  class: "log",
  role: "log",
  "aria-live": "polite",
  "aria-label": t("messages"),
  "aria-busy": "true",
  tabindex: "0",
  "data-testid": "log",
});
const typing = h("div", { class: "typing", role: "status", "data-testid": "typing" });
const line = h(
  "div",
  { class: "line", role: "status", hidden: true, "data-testid": "offline" },
  t("offline"),
);
const who = h("span", { class: "who", "data-testid": "who" });
const input = h("textarea", {
  id: "say",
  rows: "1",
  placeholder: t("placeholder"),
  autocomplete: "off",
  "data-testid": "input",
});
const counter = h("span", { class: "counter", role: "status" });
const person = h(
  "button",
  { class: "person", type: "button", "data-testid": "person", onclick: askForPerson },
  icon("person"),
  t("person"),
);
const anew = h(
  "button",
  {
    class: "person",
    type: "button",
    hidden: true,
    "data-testid": "new-conversation",
    onclick: startAnew,
  },
  icon("retry"),
  t("anew"),
);

const end = h(
  "button",
  {
    class: "person",
    type: "button",
    hidden: true,
    "data-testid": "end-chat",
    "aria-haspopup": "dialog",
    onclick: () => ((leaving.hidden = false), keep.focus()),
  },
  icon("close"),
  t("end"),
);
const keep = h(
  "button",
  { class: "person", type: "button", "data-testid": "end-no", onclick: stay },
  t("end_no"),
);
const leaving = h(
  "div",
  {
    class: "leaving",
    role: "alertdialog",
    "aria-labelledby": "leaving-what",
    "aria-describedby": "leaving-more",
    hidden: true,
    "data-testid": "leaving",
  },
  h("strong", { id: "leaving-what" }, t("end_sure")),
  h("p", { id: "leaving-more" }, t("end_more")),
  h(
    "div",
    { class: "row" },
    h("button", { class: "person strong", type: "button", "data-testid": "end-yes", onclick: endChat }, t("end_yes")),
    keep,
  ),
);

let shop = null;
let isOpened = false; // The loader may say so before there is an input to focus.
const chat = new Chat(widgetId, asked.get("sku"), {
  message: addMessage,
  pending: addPending,
  typing: (isTyping) => showTyping(isTyping),
  state: showState,
  line: (isUp) => (line.hidden = isUp),
  lost: () => clearLog(),
  renew: () => tellLoader("renew"),
});

const tellLoader = (word) => host && parent !== window && parent.postMessage({ kefu: word }, host);

addEventListener("message", (event) => {
  if (event.source !== parent || event.origin !== host) return;
  if (event.data?.kefu === "identity") {
    if (chat.identify(event.data.token) && shop) takeUp(); // Before the shop is known, `boot` does it.
    return;
  }
  isOpened = event.data?.kefu === "opened";
  chat.forgetStale();
  if (isOpened) input.focus();
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing) return;
  if (leaving.hidden) tellLoader("close");
  else stay();
});
for (const act of ["keydown", "pointerdown"]) addEventListener(act, () => chat.seen());
setInterval(() => chat.forgetStale(), 60_000);
addEventListener("visibilitychange", () => chat.forgetStale());

function draw() {
  const form = h(
    "form",
    { class: "say" },
    h("label", { class: "hidden-text", for: "say" }, t("placeholder")),
    input,
    h(
      "button",
      { class: "send", type: "submit", "aria-label": t("send"), "data-testid": "send" },
      icon("send"),
    ),
  );
  form.addEventListener("submit", (event) => (event.preventDefault(), submit()));
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) (event.preventDefault(), submit());
  });
  input.addEventListener("input", () => {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight + 2, 140)}px`;
    const over = [...input.value].length;
    counter.textContent = over > LONGEST - 200 ? t("counter", { n: over, most: LONGEST }) : "";
  });
  show(
    document.body,
    h(
      "header",
      {},
      h(
        "div",
        { class: "title" },
        h("h1", {}, shop.shop_name),
        h("div", { class: "row" }, h("span", { class: "ai", "data-testid": "ai-label" }, t("ai_label")), who),
      ),
      h(
        "button",
        {
          class: "close",
          type: "button",
          "aria-label": t("close"),
          "data-testid": "close",
          onclick: () => tellLoader("close"),
        },
        icon("close"),
      ),
    ),
    line,
    h("main", {}, log, typing),
    h(
      "footer",
      {},
      leaving,
      h("div", { class: "row apart" }, person, anew, end, counter),
      form,
      h("p", { class: "fine" }, t("fine_print")),
    ),
  );
}

function welcome() {
  return h(
    "div",
    { class: "welcome", "data-testid": "welcome" },
    h("div", { class: "bubble" }, shop.welcome?.[lang] || t("welcome", { shop: shop.shop_name })),
    h(
      "ul",
      { role: "list", class: "suggestions", "aria-label": t("suggestions") },
      (shop.suggestions?.[lang] ?? []).map((text) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              "data-testid": "suggestion",
              onclick: () => (chat.say(text), input.focus()),
            },
            text,
          ),
        ),
      ),
    ),
  );
}

function clearLog() {
  drawn.clear();
  if (!shop) return; // Nothing is drawn yet.
  show(log, welcome());
  showState({ handler: "assistant", closed: false });
  end.hidden = true;
  leaving.hidden = true;
  chat.unsent.forEach(addPending);
}

function submit() {
  const text = input.value.trim();
  if (!text) return input.focus();
  input.value = "";
  input.dispatchEvent(new Event("input"));
  chat.say(text);
  input.focus();
}

function put(key, node, before = null) {
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 120;
  const old = drawn.get(key);
  if (old) old.replaceWith(node);
  else log.insertBefore(node, before);
  drawn.set(key, node);
  if (isAtEnd || node.classList.contains("mine")) log.scrollTop = log.scrollHeight;
}

function addMessage(message) {
  if (drawn.has(message.id)) return;
  end.hidden = false;
  const node = bubble(message, chat);
  const pending = message.client_key && drawn.get(message.client_key);
  if (pending) {
    pending.remove();
    drawn.delete(message.client_key);
  }
  // Sent messages keep the server's order; what is unsent stays below them.
  const later = [...log.children].find(
    (child) => Number(child.dataset.seq) > message.seq || child.classList.contains("pending"),
  );
  put(message.id, node, later ?? null);
  if (message.author !== "buyer") showTyping(false);
}

function addPending(item) {
  put(
    item.client_key,
    pendingBubble(item, chat, (dropped) => {
      chat.drop(dropped);
      drawn.get(dropped.client_key)?.remove();
      drawn.delete(dropped.client_key);
      input.focus();
    }),
  );
}

let handler = "assistant";
function showState(state) {
  handler = state.handler;
  who.textContent = handler === "agent" && !state.closed ? t("person_here") : "";
  anew.hidden = !state.closed;
  person.hidden = false;
}

function showTyping(isTyping) {
  if (!isTyping) return show(typing);
  const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  show(typing, dots, h("span", {}, t(handler === "agent" ? "typing_agent" : "typing_ai")));
  log.scrollTop = log.scrollHeight;
}

async function askForPerson() {
  person.disabled = true;
  try {
    await chat.askForPerson();
  } catch (problem) {
    counter.textContent = problem.message;
  } finally {
    person.disabled = false;
    input.focus();
  }
}

function stay() {
  leaving.hidden = true;
  end.focus();
}

async function endChat() {
  const isTold = await chat.end();
  counter.textContent = t(isTold ? "ended" : "ended_offline");
  input.focus();
}

function startAnew() {
  chat.forget();
  input.focus();
}

function trouble(problem) {
  show(
    document.body,
    h(
      "main",
      { class: "trouble", role: "alert", "data-testid": "trouble" },
      h("p", {}, problem.message),
      h("button", { class: "person", type: "button", onclick: boot }, t("retry")),
      h("button", { class: "person", type: "button", onclick: () => tellLoader("close") }, t("close")),
    ),
  );
}

async function boot() {
  try {
    shop = await get(`/v1/widgets/${widgetId}`, { token: null });
  } catch (problem) {
    trouble(problem);
    return;
  }
  document.title = shop.shop_name;
  chat.forgetAfterMs = shop.forget_after_minutes * 60_000;
  chat.forgetStale();
  draw();
  show(log, welcome());
  if (isOpened) input.focus();
  await takeUp();
}

/** Tries until the server can be reached. */
async function takeUp() {
  while (!(await resumed())) await new Promise((done) => setTimeout(done, 3000 + Math.random() * 4000));
  log.scrollTop = log.scrollHeight;
  log.setAttribute("aria-busy", "false");
}

/** Whether the remembered conversation could be taken up. */
async function resumed() {
  try {
    await chat.resume();
    line.hidden = true;
    return true;
  } catch {
    line.hidden = false;
    return false;
  }
}

boot();
