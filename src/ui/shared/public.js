// Pages that need no sign-in share this: the shop's name, the language, and texts.

import { h } from "./dom.js";
import { addTexts } from "./i18n.js";
import en from "./en.js";
import zh from "./zh.js";
import { langSwitch } from "./shell.js";

addTexts({ zh, en });

/** A quiet bar with the brand and the language switch. */
export const publicBar = (...more) =>
  h(
    "header",
    { class: "topbar" },
    h("a", { class: "brand", href: "/" }, h("img", { src: "/ui/shared/icon.svg", alt: "" }), "kefu"),
    h("span", { class: "grow" }),
    more,
    langSwitch(),
  );
