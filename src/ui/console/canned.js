// Canned replies in the composer: `/` finds them, places are filled, and a dialog keeps them.

import { remove as erase, get, post, put } from "/ui/shared/api.js";
import { confirmDialog, field, formDialog, openDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { toastProblem } from "/ui/shared/toast.js";

const PLACE = /\{(?:buyer|order|agent)\}/;
const MAX_SHOWN = 8;

/**
 * The menu over the composer's `box`. `known()` says what the places stand for: `{buyer, order, agent}`, null where it
 * is not known. Returns `{node, button, hasPlace}`; `hasPlace()` goes to a place that nobody has filled yet.
 */
export function cannedMenu(box, { me, known }) {
  const list = h("ul", { id: "canned-list", role: "listbox", "aria-label": t("canned"), class: "canned-list" });
  const node = h("div", { class: "canned", hidden: true, "data-testid": "canned" }, list);
  const button = h(
    "button",
    {
      class: "button quiet compact",
      type: "button",
      "data-testid": "canned-open",
      onclick: () => keep(me, reload),
    },
    icon("queue"),
    t("canned"),
  );
  let replies = null;
  let found = [];
  let at = 0;

  async function reload() {
    try {
      ({ replies } = await get("/v1/canned"));
      if (document.activeElement === box) search();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  /** What follows a `/` at the beginning of the text or of a line, up to the caret. */
  function asked() {
    const before = box.value.slice(0, box.selectionStart);
    return /(?:^|\n)\/([^\n/]*)$/.exec(before)?.[1] ?? null;
  }

  function search() {
    const query = asked();
    if (query === null) return close();
    if (!replies) return void reload();
    const wanted = query.trim().toLowerCase();
    found = replies.filter((one) => `${one.title} ${one.body}`.toLowerCase().includes(wanted)).slice(0, MAX_SHOWN);
    at = Math.min(at, Math.max(0, found.length - 1));
    node.hidden = false;
    draw();
  }

  function draw() {
    show(
      list,
      found.length === 0 && h("li", { class: "soft small", role: "presentation" }, t("canned.none")),
      found.map((one, i) =>
        h(
          "li",
          {
            id: `canned-${i}`,
            role: "option",
            "aria-selected": String(i === at),
            "data-testid": "canned-option",
            onmousedown: (event) => (event.preventDefault(), choose(one)),
          },
          h("strong", {}, one.title),
          one.is_shared && h("span", { class: "chip" }, t("canned.shared")),
          h("span", { class: "canned-body" }, one.body),
        ),
      ),
    );
    box.setAttribute("aria-expanded", "true");
    if (found.length > 0) box.setAttribute("aria-activedescendant", `canned-${at}`);
    else box.removeAttribute("aria-activedescendant");
  }

  function close() {
    node.hidden = true;
    at = 0;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  }

  /** Puts the reply in the place of `/` and what follows; a place that is not known is selected to be written over. */
  function choose(one) {
    const start = box.selectionStart - asked().length - 1;
    const text = fill(one.body, known());
    box.setRangeText(text, start, box.selectionStart, "end");
    close();
    box.dispatchEvent(new Event("input"));
    box.focus();
    hasPlace();
  }

  function hasPlace() {
    const place = PLACE.exec(box.value);
    if (!place) return false;
    box.focus();
    box.setSelectionRange(place.index, place.index + place[0].length);
    return true;
  }

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", "canned-list");
  box.setAttribute("aria-expanded", "false");
  box.addEventListener("input", search);
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (node.hidden || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length > 0) {
      at = (at + step + found.length) % found.length;
      draw();
    } else if (event.key === "Escape") close();
    else if (["Enter", "Tab"].includes(event.key) && found[at] && !event.ctrlKey && !event.metaKey) choose(found[at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { node, button, hasPlace };
}

/** The text with its places filled; what is not known stays, to be seen. */
export const fill = (body, known) => body.replace(/\{(buyer|order|agent)\}/g, (whole, name) => known[name] || whole);

/** The dialog in which people keep their replies; only those who may change them see the shop's with buttons. */
function keep(me, changed) {
  const maySetShops = me.role === "owner";
  return openDialog({
    title: t("canned"),
    wide: true,
    testid: "canned-dialog",
    build: () => {
      const box = h("div", { class: "stack" }, h("p", { class: "soft" }, t("loading")));
      const load = async () => {
        try {
          const { replies } = await get("/v1/canned");
          show(box, h("p", { class: "soft" }, t("canned.how")), rows(replies), addButton());
        } catch (problem) {
          show(box, h("p", { class: "note bad", role: "alert" }, problem.message));
        }
      };
      const again = async () => {
        await load();
        changed();
      };
      const addButton = () =>
        h(
          "button",
          {
            class: "button primary",
            type: "button",
            "data-testid": "canned-add",
            onclick: async () => (await write(null, maySetShops)) && again(),
          },
          t("canned.add"),
        );
      const rows = (replies) =>
        h(
          "ul",
          { role: "list", class: "canned-kept" },
          replies.map((one) => {
            const mayChange = !one.is_shared || maySetShops;
            return h(
              "li",
              { class: "row apart", "data-testid": "canned-kept" },
              h(
                "div",
                { class: "grow" },
                h("strong", {}, one.title),
                one.is_shared && h("span", { class: "chip" }, t("canned.shared")),
                h("p", { class: "pre small" }, one.body),
              ),
              mayChange && [
                iconButton("edit", t("edit"), async () => (await write(one, maySetShops)) && again()),
                iconButton("trash", t("canned.remove"), async () => (await remove(one)) && again()),
              ],
            );
          }),
        );
      load();
      return box;
    },
  });
}

const iconButton = (name, label, run) =>
  h("button", { class: "icon-button", type: "button", "aria-label": label, title: label, onclick: run }, icon(name));

const pathOf = (one) => `/v1/canned${one.is_shared ? "/shop" : ""}/${one.id}`;

function write(one, maySetShops) {
  const title = h("input", { type: "text", maxlength: "60", required: true, value: one?.title ?? "", "data-testid": "canned-title" });
  const body = h("textarea", { rows: "5", maxlength: "2000", required: true, value: one?.body ?? "", "data-testid": "canned-text" });
  const shared = h("input", { type: "checkbox", id: "canned-shared", name: "shared" });
  return formDialog({
    title: t(one ? "canned.change" : "canned.add"),
    testid: "canned-form",
    yes: t("save"),
    fields: [
      field("title", t("canned.title"), title),
      field("body", t("canned.body"), body, t("canned.how")),
      !one && maySetShops && h("div", { class: "row" }, shared, h("label", { for: "canned-shared" }, t("canned.for_shop"))),
    ],
    save: async (data) => {
      const form = { title: data.get("title"), body: data.get("body") };
      if (one) await put(pathOf(one), form);
      else await post(data.get("shared") ? "/v1/canned/shop" : "/v1/canned", form);
    },
  });
}

async function remove(one) {
  const isSure = await confirmDialog({ title: t("canned.remove"), text: one.title, yes: t("canned.remove"), danger: true });
  if (!isSure) return false;
  try {
    await erase(pathOf(one));
    return true;
  } catch (problem) {
    toastProblem(problem);
    return false;
  }
}
