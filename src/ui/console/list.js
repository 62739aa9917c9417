// The left pane: tabs, search, and who waits how long.

import { h, show, showKeepingFocus } from "/ui/shared/dom.js";
import { duration, t, when } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { confidenceChip, reasonText, topicText } from "/ui/shared/words.js";
import { isSoundOn, setSound } from "./alerts.js";

const LATE_MS = [2 * 60_000, 5 * 60_000];

export function listPane(desk, open, keysButton) {
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("inbox") });
  const search = h("input", {
    type: "search",
    "aria-label": t("search"),
    placeholder: t("search"),
    "data-testid": "search",
  });
  const items = h("ul", { role: "list", class: "items", "data-testid": "items" });
  search.addEventListener("input", () => {
    desk.query = search.value.trim();
    desk.refreshList();
  });
  const sort = h(
    "select",
    {
      "aria-label": t("sort"),
      "data-testid": "sort",
      onchange: () => ((desk.sort = sort.value), draw()),
    },
    ["wait", "score"].map((name) => h("option", { value: name }, t(`sort.${name}`))),
  );
  const node = h(
    "section",
    { class: "pane list", "aria-label": t("inbox") },
    h(
      "div",
      { class: "list-head" },
      tabs,
      h("div", { class: "row" }, h("div", { class: "grow" }, search), soundButton(), keysButton),
      sort,
    ),
    items,
  );

  function draw() {
    const counts = {
      review: (desk.counts.review ?? 0) + (desk.counts.escalated ?? 0),
      audit: desk.counts.audit,
      open: desk.counts.open,
      mine: desk.counts.mine,
    };
    showKeepingFocus(
      tabs,
      desk.tabs.map((tab) =>
        h(
          "button",
          {
            class: "tab",
            type: "button",
            "aria-pressed": String(desk.tab === tab),
            "data-key": tab,
            "data-testid": `tab-${tab}`,
            onclick: () => desk.setTab(tab),
          },
          t(`tab.${tab}`),
          counts[tab] ? h("span", { class: "count" }, counts[tab]) : null,
        ),
      ),
    );
    sort.hidden = desk.tab !== "review";
    sort.value = desk.sort;
    const focused = document.activeElement?.closest?.(".item")?.dataset.key;
    show(items, rows());
    if (focused) [...items.querySelectorAll(".item")].find((item) => item.dataset.key === focused)?.focus();
  }

  function rows() {
    if (desk.problem && !desk.conversations) return empty("warn", desk.problem.message, "");
    if (!desk.conversations || !desk.queue) return h("li", { class: "empty" }, t("loading"));
    if (desk.tab === "audit" && desk.auditProblem) return empty("warn", desk.auditProblem.message, "");
    const list =
      {
        review: () => desk.waiting.map(waitingItem),
        audit: () => desk.checks.map(auditItem),
      }[desk.tab]?.() ?? desk.conversations.map(conversationItem);
    if (list.length > 0) return list;
    if (desk.query) return empty("search", t("empty.search"), t("empty.search_more"));
    return empty(
      ["review", "audit"].includes(desk.tab) ? "check" : "chat",
      t(`empty.${desk.tab}`),
      t(`empty.${desk.tab}_more`),
    );
  }

  const item = (id, key, attributes, ...children) =>
    h(
      "li",
      {},
      h(
        "button",
        {
          class: "item",
          type: "button",
          "data-key": key,
          "aria-current": (desk.tab === "audit" ? desk.auditId : desk.selected) === id ? "true" : null,
          onclick: () => open(id),
          ...attributes,
        },
        children,
      ),
    );

  function waitingItem(turn) {
    const isWriting = turn.state === "asked";
    return item(
      turn.conversation_id,
      turn.id,
      { "data-testid": "queue-item", "data-turn": turn.id, "data-state": turn.state },
      h("span", { class: "line" }, stateChip(turn), h("span", { class: "grow" }), waitClock(turn.since)),
      h("span", { class: "what" }, turn.question),
      h(
        "span",
        { class: "line" },
        confidenceChip(turn.confidence),
        h(
          "span",
          { class: "why" },
          isWriting
            ? topicText(turn.topic)
            : turn.reasons[0]
              ? reasonText(turn.reasons[0])
              : topicText(turn.topic),
        ),
      ),
    );
  }

  /** Blind: nothing here tells how sure the assistant was. */
  const auditItem = (audit) =>
    item(
      audit.id,
      audit.id,
      { "data-testid": "audit-item", "data-audit": audit.id },
      h("span", { class: "what" }, audit.question),
      h(
        "span",
        { class: "line" },
        h("span", { class: "why grow" }, topicText(audit.topic)),
        h("span", { class: "time" }, when(audit.asked_at_ms)),
      ),
    );

  function conversationItem(c) {
    const last = c.last_message;
    return item(
      c.id,
      c.id,
      { "data-testid": "conversation-item", "data-conversation": c.id },
      h(
        "span",
        { class: "line" },
        c.newest_turn && stateChip(c.newest_turn),
        c.closed && h("span", { class: "chip" }, t("closed")),
        c.simulated && h("span", { class: "chip", "data-testid": "simulated" }, t("simulated")),
        h("span", { class: "grow" }),
        c.waiting_since_ms
          ? waitClock(c.waiting_since_ms)
          : h("span", { class: "time" }, when(c.updated_at_ms)),
      ),
      h(
        "span",
        { class: "what" },
        last ? `${t(`author.${last.author}`)}: ${noticeText(last)}` : t("no_messages"),
      ),
      h(
        "span",
        { class: "line" },
        confidenceChip(c.newest_turn?.confidence),
        h("span", { class: "why" }, c.agent ? t("with", { name: c.agent.name }) : t("with_assistant")),
      ),
    );
  }

  return { node, draw, focusSearch: () => search.focus() };
}

const noticeText = (message) => (message.author === "notice" ? t(`notice.${message.text}`) : message.text);

const empty = (name, title, more) =>
  h(
    "li",
    { class: "empty", "data-testid": "empty" },
    icon(name),
    h("strong", {}, title),
    more && h("p", {}, more),
  );

/** The state of a turn as a chip. */
export function stateChip(turn) {
  const kind = {
    asked: "info",
    review: "warn",
    escalated: "bad",
    replied: "good",
    rejected: "bad",
    superseded: "",
  }[turn.state];
  return h("span", { class: `chip ${kind}` }, t(`state.${turn.state}`));
}

/** A clock that `tick` keeps going. */
export function waitClock(since) {
  const node = h("span", { class: "wait number", "data-since": since, title: t("waits") });
  tickOne(node);
  return node;
}

function tickOne(node) {
  const waited = Date.now() - Number(node.dataset.since);
  node.textContent = duration(Math.floor(waited / 1000) * 1000);
  node.classList.toggle("warn", waited >= LATE_MS[0] && waited < LATE_MS[1]);
  node.classList.toggle("bad", waited >= LATE_MS[1]);
}

export const tick = () => document.querySelectorAll("[data-since]").forEach(tickOne);

function soundButton() {
  const button = h("button", {
    class: "icon-button",
    type: "button",
    "data-testid": "sound",
    onclick: () => (setSound(!isSoundOn()), draw()),
  });
  function draw() {
    const on = isSoundOn();
    button.setAttribute("aria-pressed", String(on));
    button.setAttribute("aria-label", t("sound"));
    button.title = t(on ? "sound_on" : "sound_off");
    show(button, icon(on ? "bell" : "mute"));
  }
  draw();
  return button;
}
