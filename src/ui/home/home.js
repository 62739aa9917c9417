// The front door: who are you, and where do you want to go?

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { addTexts, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { publicBar } from "/ui/shared/public.js";
import en from "./en.js";
import zh from "./zh.js";

addTexts({ zh, en });
document.title = t("title");

const DOORS = [
  { id: "shop", href: "/shop", icon: "person" },
  { id: "console", href: "/console", icon: "chat" },
  { id: "knowledge", href: "/knowledge", icon: "doc" },
  { id: "ops", href: "/ops", icon: "queue" },
];

const door = ({ id, href, icon: name }) =>
  h(
    "li",
    {},
    h(
      "a",
      { class: "door", href, "data-testid": `door-${id}` },
      icon(name),
      h("strong", {}, t(`door.${id}`)),
      h("span", { class: "soft" }, t(`door.${id}_more`)),
    ),
  );

// The buyers' door is there only if the demo shop is. Asked first, so that no door moves under the pointer.
const hasDemo = await get("/v1/demo").then(
  () => true,
  () => false,
);
const open = DOORS.filter(({ id }) => hasDemo || id !== "shop");
const doors = h("ul", { role: "list", class: "doors" }, open.map(door));
const links = h("p", { class: "row soft" }, h("a", { href: "/docs" }, t("docs")));

show(
  document.body,
  publicBar(
    h("a", { class: "button quiet compact", href: "/login", "data-testid": "login-link" }, t("login")),
  ),
  h(
    "main",
    { class: "home" },
    h("h1", {}, t("headline")),
    h("p", { class: "lead" }, t("lead")),
    doors,
    links,
  ),
);
