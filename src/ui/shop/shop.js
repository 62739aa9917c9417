// A storefront that does not exist, to try the widget where it belongs: Mangosteen Digital.

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { addTexts, number, t } from "/ui/shared/i18n.js";
import { langSwitch } from "/ui/shared/shell.js";
import { drawing } from "./drawings.js";
import en from "./en.js";
import zh from "./zh.js";
import sharedEn from "/ui/shared/en.js";
import sharedZh from "/ui/shared/zh.js";

addTexts({ zh: sharedZh, en: sharedEn });
addTexts({ zh, en });
document.title = t("shop");

// The products that the demo's documents know.
const PRODUCTS = [
  { sku: "AF-500", price: 399, tint: "peach" },
  { sku: "HP-20", price: 599, tint: "sky" },
  { sku: "PB-10", price: 129, tint: "sand" },
];

const card = ({ sku, price, tint }) =>
  h(
    "li",
    { class: "product", "data-testid": `product-${sku}` },
    h("div", { class: `picture ${tint}` }, drawing(sku)),
    h(
      "div",
      { class: "about" },
      h("p", { class: "sku" }, sku),
      h("h3", {}, t(`${sku}.name`)),
      h("p", { class: "soft" }, t(`${sku}.about`)),
    ),
    h(
      "div",
      { class: "buy" },
      h("span", { class: "price" }, `¥${number(price)}`),
      h("button", { class: "ask", type: "button", onclick: () => window.kefu?.open?.() }, t("ask")),
    ),
  );

const promise = (key) =>
  h("li", {}, h("strong", {}, t(`promise.${key}`)), h("span", {}, t(`promise.${key}_more`)));
const missing = h(
  "p",
  { class: "missing", role: "status", hidden: true, "data-testid": "no-demo" },
  t("no_demo"),
);

show(
  document.body,
  h("aside", { class: "fiction", "aria-label": t("demo") }, t("fiction")),
  h(
    "header",
    { class: "shop-bar" },
    h("a", { class: "logo", href: "/shop" }, drawing("logo"), t("shop")),
    h(
      "nav",
      { "aria-label": t("nav") },
      h("a", { href: "#new" }, t("nav.new")),
      h("a", { href: "#service" }, t("nav.service")),
    ),
    langSwitch(),
  ),
  h(
    "main",
    {},
    missing,
    h(
      "section",
      { class: "hero" },
      h(
        "div",
        {},
        h("p", { class: "eyebrow" }, t("hero.eyebrow")),
        h("h1", {}, t("hero.title")),
        h("p", {}, t("hero.text")),
        h("a", { class: "cta", href: "#new" }, t("hero.cta")),
      ),
      h("div", { class: "picture" }, drawing("AF-500")),
    ),
    h(
      "section",
      { id: "new", class: "shelf" },
      h("h2", {}, t("nav.new")),
      h("ul", { role: "list", class: "products" }, PRODUCTS.map(card)),
    ),
    h(
      "section",
      { id: "service", class: "shelf" },
      h("h2", {}, t("nav.service")),
      h("ul", { role: "list", class: "promises" }, ["days", "ship", "care"].map(promise)),
    ),
  ),
  h("footer", { class: "shop-foot" }, h("p", {}, t("foot")), h("a", { href: "/" }, "kefu")),
);

/** Puts the same tag into the page that a shop would paste into its own. */
async function addWidget() {
  try {
    const { widget_id: id } = await get("/v1/demo");
    const tag = h("script", {
      async: true,
      src: "/widget.js",
      "data-widget-id": id,
      "data-locale": "auto",
    });
    document.body.append(tag);
  } catch (problem) {
    missing.textContent = problem.status === 404 ? t("no_demo") : problem.message;
    missing.hidden = false;
  }
}

addWidget();
