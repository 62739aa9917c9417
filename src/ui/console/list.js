// The left pane: tabs, search and filters, and who waits how long. Only what changed is drawn anew, and further lines
// are read as somebody scrolls to them: thousands of open conversations are no more work than fifty.

import { h, show, showKeepingFocus } from "/ui/shared/dom.js";
import { number, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { isSoundOn, setSound } from "./alerts.js";
import { filterBox } from "./filters.js";
import { rowMaker } from "./rows.js";

const COUNTED = 10_000; // The server counts no further.

/** `acts`: `open(id)`, `isPending(id)`, `duty()`, `bulk(verb)`. */
export function listPane(desk, acts, keysButton) {
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("inbox") });
  const search = h("input", {
    type: "search",
    "aria-label": t("search"),
    placeholder: t("search"),
    "data-testid": "search",
  });
  const items = h("ul", { role: "list", class: "items", "data-testid": "items" });
  const more = h("li", { class: "more", "aria-hidden": "true" });
  const bar = h("div", { class: "bulk-bar", role: "toolbar", "aria-label": t("bulk") });
  const note = h("p", { class: "soft small list-note", role: "status" });
  const duty = h("button", { class: "button compact duty", type: "button", "data-testid": "duty", onclick: acts.duty });
  const filters = filterBox(desk, (q) => (search.value = q));
  const rows = rowMaker(desk, acts);
  const shown = new Map(); // Key → {print, node}.
  let typing;

  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => desk.setFilter({ q: search.value.trim() }), 250);
  });
  new IntersectionObserver(([seen]) => seen.isIntersecting && desk.loadMore(), {
    root: items,
    rootMargin: "600px",
  }).observe(more);

  const sort = h(
    "select",
    {
      "aria-label": t("sort"),
      "data-testid": "sort",
      onchange: () => ((desk.sort = sort.value), desk.anew()),
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
      h("div", { class: "row tight" }, h("div", { class: "grow" }, search), soundButton(), keysButton),
      h("div", { class: "row tight" }, desk.mayAct && duty, h("div", { class: "grow" }, sort), filters.button),
      filters.node,
      bar,
      note,
    ),
    items,
  );

  function draw() {
    drawTabs();
    drawDuty();
    filters.draw();
    sort.hidden = desk.tab !== "review";
    sort.value = desk.sort;
    drawBar();
    note.textContent = desk.searched && desk.query ? t("searched", { n: desk.searched }) : "";
    drawRows();
  }

  function drawTabs() {
    const counted = (n) => (n >= COUNTED ? `${number(COUNTED)}+` : number(n));
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
          desk.counts[tab] ? h("span", { class: "count" }, counted(desk.counts[tab])) : null,
        ),
      ),
    );
  }

  function drawDuty() {
    const isOn = desk.self?.on_duty ?? false;
    duty.setAttribute("aria-pressed", String(isOn));
    duty.title = t(isOn ? "duty.on_more" : "duty.off_more");
    show(duty, h("span", { class: `dot ${isOn ? "on" : ""}`, "aria-hidden": "true" }), t(isOn ? "duty.on" : "duty.off"));
  }

  function drawBar() {
    bar.hidden = desk.picks.size === 0;
    if (bar.hidden) return;
    const button = (verb) =>
      h(
        "button",
        {
          class: "button compact",
          type: "button",
          "data-key": verb,
          "data-testid": `bulk-${verb}`,
          onclick: () => acts.bulk(verb),
        },
        t(`bulk.${verb}`),
      );
    showKeepingFocus(
      bar,
      h("strong", { class: "grow" }, t("picked", { n: desk.picks.size })),
      ["assign", "close", "mark", "tag"].map(button),
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "data-key": "none",
          "aria-label": t("pick_none"),
          "data-testid": "pick-none",
          onclick: () => desk.picks.clear(),
        },
        icon("close"),
      ),
    );
  }

  function drawRows() {
    const lines = list();
    const focused = document.activeElement?.closest?.(".item, .pick")?.parentNode;
    const key = [...shown].find(([, { node }]) => node === focused)?.[0];
    const wasPick = document.activeElement?.matches?.(".pick input");
    const keep = new Set(lines.map((line) => line.key));
    for (const [known, { node }] of shown)
      if (!keep.has(known)) {
        node.remove();
        shown.delete(known);
      }
    if (lines.length === 0) shown.clear();
    if (lines.length === 0 || shown.size === 0) show(items);
    let at = items.firstChild;
    for (const line of lines) {
      let one = shown.get(line.key);
      if (one?.print !== line.print) {
        const node = line.make();
        if (one) {
          if (at === one.node) at = one.node.nextSibling;
          one.node.remove();
        }
        one = { print: line.print, node };
        shown.set(line.key, one);
      }
      if (one.node === at) at = at.nextSibling;
      else items.insertBefore(one.node, at);
    }
    if (lines.length === 0) items.append(blank());
    items.append(more);
    more.hidden = !desk.nextPage || desk.tab === "audit" || desk.isBySurety;
    if (key && !focused.isConnected) shown.get(key)?.node.querySelector(wasPick ? ".pick input" : ".item")?.focus();
  }

  function list() {
    if (!desk.conversations || (desk.tab === "audit" && desk.auditProblem)) return [];
    if (desk.tab === "audit") return desk.checks.map(rows.auditLine);
    if (desk.isBySurety) return desk.bySurety.map(rows.draftLine);
    return desk.conversations.map(rows.conversationLine);
  }

  function blank() {
    const problem = desk.tab === "audit" ? desk.auditProblem : desk.problem;
    if (problem) return empty("warn", problem.message, "");
    if (!desk.conversations) return h("li", { class: "empty" }, t("loading"));
    if (filters.isOn() || desk.query) return empty("search", t("empty.search"), t("empty.search_more"));
    const name = desk.tab === "all" ? desk.filter.which : desk.tab;
    return empty(["review", "audit", "waiting"].includes(name) ? "check" : "chat", t(`empty.${name}`), t(`empty.${name}_more`));
  }

  return {
    node,
    draw,
    focusSearch: () => search.focus(),
    /** The line that keys are about: the one in focus, else the one that is open. */
    here: () => document.activeElement?.closest?.("li")?.querySelector(".item")?.dataset.id ?? desk.selected,
    reveal(id) {
      [...items.querySelectorAll(".item")].find((one) => one.dataset.id === id)?.scrollIntoView({ block: "nearest" });
    },
    toggleFilters: filters.toggle,
  };
}

const empty = (name, title, more) =>
  h(
    "li",
    { class: "empty", "data-testid": "empty" },
    icon(name),
    h("strong", {}, title),
    more && h("p", {}, more),
  );

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

export { slaClock as waitClock } from "./clock.js";
export { stateChip } from "./rows.js";
