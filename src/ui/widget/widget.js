// The shop's one tag: draws a launcher and, when asked, a sandboxed frame with the chat.
// <script async src="https://…/widget.js" data-widget-id="…" data-locale="auto"></script>
(() => {
  "use strict";
  const script = document.currentScript;
  const id = script?.dataset.widgetId;
  if (!id || document.getElementById("kefu-launcher")) return;
  const origin = new URL(script.src).origin;
  const MEMORY = "kefu_widget_open";
  let frame = null;
  let isOpen = false;
  let sign = null; // Asks the shop's server for a token, if the page has told us how.
  let identity = null; // Null until the page says something; empty for a buyer who signed out.

  const lang = () => {
    const asked = script.dataset.locale || "auto";
    const tag = asked === "auto" ? document.documentElement.lang || navigator.language : asked;
    return tag.toLowerCase().startsWith("zh") ? "zh" : "en";
  };
  const words = {
    zh: { open: "打开客服对话", close: "关闭客服对话", frame: "客服对话" },
    en: { open: "Open the help chat", close: "Close the help chat", frame: "Help chat" },
  };
  // Styles are set through the object model: the host page's CSP need not allow inline styles.
  const style = (node, rules) => {
    for (const [name, value] of Object.entries(rules)) node.style.setProperty(name, value, "important");
  };
  const remember = (open) => {
    try {
      sessionStorage.setItem(MEMORY, open ? "1" : "0");
    } catch {
      // Storage is forbidden here; the chat then starts closed on the next page.
    }
  };

  const launcher = document.createElement("button");
  launcher.id = "kefu-launcher";
  launcher.type = "button";
  launcher.setAttribute("data-testid", "widget-launcher");
  launcher.setAttribute("aria-expanded", "false");
  launcher.setAttribute("aria-label", words[lang()].open);
  style(launcher, {
    all: "initial",
    position: "fixed",
    right: "20px",
    bottom: "20px",
    width: "58px",
    height: "58px",
    "border-radius": "50%",
    background: "#0b6a5d",
    cursor: "pointer",
    "z-index": "2147483000",
    display: "grid",
    "place-items": "center",
    "box-shadow": "0 6px 24px rgba(0,0,0,.25)",
  });
  const SVG = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24",
    width: "28",
    height: "28",
    "aria-hidden": "true",
    fill: "none",
    stroke: "#fff",
    "stroke-width": "1.8",
    "stroke-linejoin": "round",
    "stroke-linecap": "round",
  }))
    picture.setAttribute(name, value);
  const line = document.createElementNS(SVG, "path");
  const shapes = {
    closed: "M4 5h16v11h-9l-4 4v-4H4zM8.500 9.500h7M8.500 12.500h4",
    open: "M6 6l12 12M18 6 6 18",
  };
  line.setAttribute("d", shapes.closed);
  picture.append(line);
  launcher.append(picture);
  launcher.addEventListener(
    "focus",
    () =>
      launcher.matches(":focus-visible") &&
      style(launcher, { outline: "3px solid #1c5fd1", "outline-offset": "3px" }),
  );
  launcher.addEventListener("blur", () => style(launcher, { outline: "none" }));
  launcher.addEventListener("click", () => (isOpen ? close() : open()));

  function makeFrame() {
    const address = new URL("/widget/frame", origin);
    address.searchParams.set("id", id);
    address.searchParams.set("locale", lang());
    address.searchParams.set("host", location.origin);
    if (script.dataset.sku) address.searchParams.set("sku", script.dataset.sku);
    frame = document.createElement("iframe");
    frame.id = "kefu-frame";
    frame.title = words[lang()].frame;
    // The frame is of our own origin, not the shop's; without `allow-same-origin` it could keep no conversation.
    frame.setAttribute(
      "sandbox",
      "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox",
    );
    frame.src = address.href;
    frame.addEventListener("load", () => {
      if (identity !== null) tell("identity", identity);
      if (isOpen) tell("opened");
    });
    document.body.append(frame);
    fit();
  }

  function fit() {
    if (!frame) return;
    const small = window.innerWidth <= 480;
    style(frame, {
      all: "initial",
      position: "fixed",
      "z-index": "2147483001",
      background: "Canvas",
      display: isOpen ? "block" : "none",
      right: small ? "0" : "20px",
      bottom: small ? "0" : "90px",
      width: small ? "100%" : "392px",
      height: small ? "100%" : "min(640px, calc(100% - 110px))",
      "border-radius": small ? "0" : "14px",
      "box-shadow": "0 10px 50px rgba(0,0,0,.28)",
      "color-scheme": "normal",
    });
  }

  const tell = (word, token) => frame?.contentWindow?.postMessage({ kefu: word, token }, origin);

  function show(next) {
    isOpen = next;
    remember(next);
    launcher.setAttribute("aria-expanded", String(next));
    launcher.setAttribute("aria-label", words[lang()][next ? "close" : "open"]);
    line.setAttribute("d", shapes[next ? "open" : "closed"]);
    fit();
  }

  function open() {
    if (isOpen) return;
    show(true);
    if (!frame) makeFrame();
    frame.focus();
    tell("opened");
  }

  function close() {
    if (!isOpen) return;
    show(false);
    tell("closed");
    launcher.focus();
  }

  window.addEventListener("message", (event) => {
    if (event.origin !== origin || event.source !== frame?.contentWindow) return;
    if (event.data?.kefu === "close") close();
    if (event.data?.kefu === "renew") renew();
  });
  window.addEventListener("resize", fit);

  // Who the buyer is: a token that the shop's server signed, good for an hour at most. It never stands in an address.
  // Nothing means that the buyer has signed out.
  function identify(token) {
    if (!token) sign = null; // Signed out: nobody is asked for.
    identity = typeof token === "string" ? token : "";
    tell("identity", identity);
  }

  // The same with a function that fetches a token: it is called now, and whenever the last one is about to run out.
  function identifyWith(fetchToken) {
    sign = typeof fetchToken === "function" ? fetchToken : null;
    return renew();
  }

  async function renew() {
    if (!sign) return;
    const asked = sign;
    try {
      const token = await asked();
      if (sign === asked) identify(token);
    } catch {
      // The chat asks again while it lasts; until then it goes on without the shop's word.
    }
  }

  // Calls made before this script came: window.kefu = [["identify", "eyJ…"], ["open"]].
  const calls = { open, close, identify, identifyWith };
  const waiting = Array.isArray(window.kefu) ? window.kefu : [];
  window.kefu = { ...calls, push: ([name, ...args]) => calls[name]?.(...args) };

  const start = () => {
    document.body.append(launcher);
    try {
      if (sessionStorage.getItem(MEMORY) === "1" && window.innerWidth > 480) {
        show(true);
        makeFrame();
      }
    } catch {
      // Storage is forbidden here.
    }
    waiting.forEach(window.kefu.push);
  };
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
