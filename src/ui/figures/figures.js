// What service came to: by agent, topic and hour. Every figure opens its conversations, and says how it is counted.

import { get, put } from "/ui/shared/api.js";
import { openDialog } from "/ui/shared/dialog.js";
import { debounce, h, show, showKeepingFocus } from "/ui/shared/dom.js";
import { addTexts, number, t, when } from "/ui/shared/i18n.js";
import { enter, sorry, toLogin } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { topicText } from "/ui/shared/words.js";
import { COLUMNS, TILES } from "./columns.js";
import en from "./en.js";
import { hourPlot } from "./hours.js";
import zh from "./zh.js";

addTexts({ zh, en });

const GROUPS = ["agent", "answered", "platform", "topic", "hour", "day"];
const PLACES = ["own", "simulated"];
const TOPICS = ["product", "delivery", "returns", "payment", "size", "account", "order_status", "other"];

const room = await enter("figures");
if (room) start(room);

function start({ me, main }) {
  const params = new URLSearchParams(location.search);
  const maySettle = ["ops", "owner"].includes(me.role);
  const found = h("div", { class: "figures", "data-testid": "figures" }, h("p", { class: "empty" }, t("loading")));
  const form = filters();
  main.className = "page";
  show(
    main,
    h(
      "div",
      { class: "page-head" },
      h("div", {}, h("h1", {}, t("room.figures")), h("p", { class: "soft" }, t("more"))),
      h("button", { class: "button", type: "button", "data-testid": "sheet", onclick: sheet }, t("sheet")),
    ),
    form.node,
    found,
  );
  load();

  /** Only what is asked for in particular: a link that is kept follows the days. */
  function asked(more = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of [...params, ...Object.entries(more)]) if (value !== "") query.set(name, value);
    return query;
  }

  async function load() {
    const query = asked();
    history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}`);
    try {
      const answer = await get(`/v1/figures?${query}`);
      form.fill(answer);
      showKeepingFocus(found, view(answer));
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else show(found, sorry(problem, load));
    }
  }

  function filters() {
    const set = (name, value) => (value === "" ? params.delete(name) : params.set(name, value), load());
    const later = debounce(set, 400);
    const field = (id, input) => h("div", { class: "field" }, h("label", { for: id }, t(`filter.${id}`)), input);
    const day = (id) => h("input", { id, type: "date", "data-testid": id, onchange: (e) => set(id, e.target.value) });
    const choice = (id, values, text, any) =>
      h(
        "select",
        { id, "data-testid": id, onchange: (e) => set(id, e.target.value) },
        any && h("option", { value: "" }, any),
        values.map((each) => h("option", { value: each, selected: params.get(id) === each }, text(each))),
      );
    const window = (id) =>
      h("input", {
        id,
        type: "number",
        min: 1,
        max: 3600,
        "data-testid": id,
        oninput: (e) => e.target.checkValidity() && later(id, e.target.value),
      });
    const [from, until, short, long] = [day("from"), day("until"), window("short_s"), window("long_s")];
    const automatic = h("input", {
      id: "automatic",
      type: "checkbox",
      "data-testid": "automatic",
      onchange: (e) => set("automatic", String(e.target.checked)),
    });
    const node = h(
      "form",
      { class: "filters", "aria-label": t("filters"), onsubmit: (e) => e.preventDefault() },
      field("from", from),
      field("until", until),
      field("by", choice("by", GROUPS, (each) => t(`group.${each}`))),
      field("topic", choice("topic", TOPICS, topicText, t("any_topic"))),
      field("place", choice("place", PLACES, (each) => t(`place.${each}`), t("any_place"))),
      field("short_s", short),
      field("long_s", long),
      h("div", { class: "check" }, automatic, h("label", { for: "automatic" }, t("filter.automatic"))),
    );
    const fill = ({ counted, from: first, until: last }) => {
      const keep = (input, value) => document.activeElement !== input && (input.value = value);
      [keep(from, first), keep(until, last), keep(short, counted.short_s), keep(long, counted.long_s)];
      automatic.checked = counted.counts_automatic;
    };
    return { node, fill };
  }

  function view(answer) {
    const by = params.get("by") ?? "agent";
    const parts = [answer.n_simulated > 0 && h("p", { class: "note warn", "data-testid": "simulated" }, t("simulated_note", { n: number(answer.n_simulated), all: number(answer.total.n_inquiries) }))];
    if (answer.total.n_inquiries === 0) {
      parts.push(h("div", { class: "empty card" }, h("strong", {}, t("none")), h("p", {}, t("none_more"))));
    } else {
      parts.push(tiles(answer), table(answer, by), h("section", {}, hourPlot(answer.hours)), drafts(answer.drafts));
    }
    parts.push(formulas(answer.counted), maySettle && settle(answer.settled));
    return parts;
  }

  const head = (column, counted) => t(`col.${column.id}`, { short: counted.short_s, long: counted.long_s });

  const tiles = ({ total, counted }) =>
    h(
      "div",
      { class: "tiles" },
      TILES.map((id) => COLUMNS.find((column) => column.id === id)).map((column) =>
        h(
          "button",
          { class: "tile card", type: "button", "data-testid": `tile-${column.id}`, onclick: () => behind(column, counted) },
          h("span", { class: "small soft" }, head(column, counted)),
          h("strong", { class: "number" }, column.text(total)),
        ),
      ),
    );

  function rowName(row, by) {
    if (by === "topic") return topicText(row.key);
    if (by === "answered") return t(`by.${row.key}`);
    if (by === "platform") return t(`place.${row.key}`);
    if (by === "hour") return `${row.key}:00`;
    return row.name ?? row.key;
  }

  function table({ rows, total, counted }, by) {
    const cell = (column, row, key) =>
      h(
        "td",
        {},
        h(
          "button",
          {
            class: "open",
            type: "button",
            "aria-label": `${key === null ? t("team") : rowName(row, by)}, ${head(column, counted)}: ${column.text(row)}`,
            onclick: () => behind(column, counted, key),
          },
          column.text(row),
        ),
      );
    const line = (name, row, key) =>
      h("tr", { "data-row": key ?? "team" }, h("th", { scope: "row" }, name), COLUMNS.map((column) => cell(column, row, key)));
    return h(
      "section",
      { class: "stack", "aria-labelledby": "by-title" },
      h("h2", { id: "by-title" }, t(`title.${by}`)),
      by === "agent" && me.role === "agent" && h("p", { class: "soft small" }, t("own_only")),
      h(
        "div",
        { class: "table-box", tabindex: "0", role: "region", "aria-label": t(`title.${by}`) },
        h(
          "table",
          { class: "figures-table", "data-testid": "figures-table" },
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t(`group.${by}`)), COLUMNS.map((column) => h("th", { scope: "col" }, head(column, counted))))),
          h("tbody", {}, rows.map((row) => line(rowName(row, by), row, row.key))),
          h("tfoot", {}, line(t("team"), total, null)),
        ),
      ),
    );
  }

  async function behind(column, counted, row = null) {
    const query = asked({ figure: column.behind, ...(row === null ? {} : { row }) });
    let answer;
    try {
      answer = await get(`/v1/figures/conversations?${query}`);
    } catch (problem) {
      return toastProblem(problem);
    }
    const list = answer.conversations.map((each) =>
      h("li", {}, h("a", { href: `/console#/c/${each.conversation_id}` }, h("span", {}, t("conversation", { id: each.conversation_id.slice(-6) })), h("span", { class: "soft" }, when(each.at_ms)))),
    );
    await openDialog({
      title: t(`behind.${column.behind}`, { short: counted.short_s, long: counted.long_s }),
      testid: "behind",
      build: () => [
        list.length === 0 ? h("p", { class: "soft" }, t("behind_none")) : h("ul", { role: "list", class: "behind" }, list),
        answer.has_more && h("p", { class: "soft small" }, t("behind_more")),
      ],
    });
  }

  const drafts = (rows) =>
    h(
      "section",
      { class: "stack", "aria-labelledby": "drafts-title" },
      h("h2", { id: "drafts-title" }, t("drafts.title")),
      h("p", { class: "soft small" }, t("drafts.more")),
      rows.length === 0
        ? h("p", { class: "soft" }, t("drafts.none"))
        : h(
            "div",
            { class: "table-box", tabindex: "0", role: "region", "aria-label": t("drafts.title") },
            h(
              "table",
              { "data-testid": "drafts-table" },
              h("thead", {}, h("tr", {}, ["topic", "as_is", "light", "heavy", "rejected"].map((each, i) => h("th", { scope: "col", class: i > 0 ? "number" : "" }, t(`drafts.${each}`))))),
              h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, topicText(row.topic)), ["n_as_is", "n_light", "n_heavy", "n_rejected"].map((each) => h("td", { class: "number" }, number(row[each])))))),
            ),
          ),
    );

  const formulas = (counted) =>
    h(
      "details",
      { class: "card", "data-testid": "formulas" },
      h("summary", {}, t("formulas")),
      h("p", { class: "small" }, t("formula.inquiry")),
      h("dl", { class: "formulas small" }, COLUMNS.map((column) => [h("dt", {}, head(column, counted)), h("dd", {}, t(`formula.${column.id}`, { short: counted.short_s, long: counted.long_s }))])),
    );

  function settle(settled) {
    const box = (name) => h("input", { id: `settle-${name}`, name, type: "checkbox", checked: settled[name] });
    const seconds = (name) => h("input", { id: `settle-${name}`, name, type: "number", min: 1, max: 3600, required: true, value: settled[name] });
    const check = (name) => h("div", { class: "row" }, box(name), h("label", { for: `settle-${name}` }, t(`settle.${name}`)));
    const field = (name) => h("div", { class: "field" }, h("label", { for: `settle-${name}` }, t(`settle.${name}`)), seconds(name));
    const node = h(
      "form",
      { class: "card stack", "aria-labelledby": "settle-title", "data-testid": "settle" },
      h("h2", { id: "settle-title" }, t("settle.title")),
      h("div", { class: "settle" }, field("short_s"), field("long_s")),
      check("counts_automatic"),
      check("agents_see_own"),
      h("div", {}, h("button", { class: "button primary", type: "submit" }, t("save"))),
    );
    node.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { short_s, long_s, counts_automatic, agents_see_own } = node.elements;
      try {
        await put("/v1/figures/rules", {
          short_s: Number(short_s.value),
          long_s: Number(long_s.value),
          counts_automatic: counts_automatic.checked,
          agents_see_own: agents_see_own.checked,
        });
        toast(t("settle.done"), "good");
        load();
      } catch (problem) {
        toastProblem(problem);
      }
    });
    return node;
  }

  /** Fetched with the page's language, so that the sheet speaks it. */
  async function sheet() {
    const response = await fetch(`/v1/figures/sheet?${asked()}`, { headers: { "Accept-Language": document.documentElement.lang } });
    if (!response.ok) return toast(t("sheet_failed"), "bad");
    const link = h("a", { href: URL.createObjectURL(await response.blob()), download: `figures-${params.get("by") ?? "agent"}.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }
}
