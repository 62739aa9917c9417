// An order as a card, for buyers and agents. Built of elements alone: what a record says is text, never markup.

import { h } from "./dom.js";
import { when } from "./i18n.js";

const WORDS = {
  zh: {
    order: "订单",
    created: "已下单，待付款",
    paid: "已付款，待发货",
    shipped: "已发货，运输中",
    signed: "已签收",
    cancelled: "已取消",
    refunded: "已退款",
    last: "最新物流",
    parcel: "快递",
    promised: "最晚发货日（订单记录）",
    next: "下一步",
    payment: "付款",
    shipping: "发货",
    delivery: "派送签收",
    more: "另有 {n} 件商品",
    as_of: "记录时间",
  },
  en: {
    order: "Order",
    created: "Placed, waiting for payment",
    paid: "Paid, waiting to be shipped",
    shipped: "Shipped, on its way",
    signed: "Delivered",
    cancelled: "Cancelled",
    refunded: "Refunded",
    last: "Last seen",
    parcel: "Carrier",
    promised: "To be shipped by (as the order says)",
    next: "Next",
    payment: "Payment",
    shipping: "Shipping",
    delivery: "Delivery",
    more: "and {n} more",
    as_of: "As of",
  },
};

const STEPS = ["created", "paid", "shipped", "signed"];

/** The card; its words are in the language that the answer is in, whatever the page speaks. */
export function orderCard(card) {
  const words = WORDS[card.lang] ?? WORDS.en;
  const at = STEPS.indexOf(card.stage);
  const fact = (label, ...value) => [h("dt", {}, label), h("dd", {}, value)];
  const time = (ms) => h("time", { datetime: new Date(ms).toISOString() }, when(ms));
  return h(
    "section",
    {
      class: "order-card",
      lang: card.lang === "zh" ? "zh-CN" : "en",
      "aria-label": `${words.order} ${card.number}: ${words[card.stage]}`,
      "data-testid": "order-card",
    },
    h("p", { class: "order-number" }, `${words.order} ${card.number}`),
    h("p", { class: "order-stage" }, words[card.stage]),
    at >= 0 &&
      h(
        "div",
        { class: "order-steps", "aria-hidden": "true" },
        STEPS.map((_, i) => h("i", { class: i <= at ? "done" : "" })),
      ),
    card.items.length > 0 &&
      h(
        "ul",
        { class: "order-items", role: "list" },
        card.items.map((item) => h("li", {}, `${item.title} ×${item.quantity}`)),
        card.n_more_items > 0 && h("li", {}, words.more.replace("{n}", card.n_more_items)),
      ),
    h(
      "dl",
      {},
      card.last &&
        fact(words.last, card.last.text, h("br"), card.last.place && `${card.last.place} · `, time(card.last.at_ms)),
      (card.carrier || card.tracking) && fact(words.parcel, [card.carrier, card.tracking].filter(Boolean).join(" ")),
      card.promised_ship_at_ms && fact(words.promised, time(card.promised_ship_at_ms)),
      card.next !== "nothing" && fact(words.next, words[card.next]),
      fact(words.as_of, time(card.as_of_ms)),
    ),
  );
}
