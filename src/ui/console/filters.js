// What narrows the list down, and the views that an agent has kept: a name for a tab with its search and filters.

import { post, remove } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h, show, showKeepingFocus } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { NO_FILTER } from "./state.js";

const WHICH = ["all", "open", "closed", "auto"];

/** `setSearch(text)` puts the words of a view into the search field. */
export function filterBox(desk, setSearch) {
  let isOpen = false;
  const node = h("div", { class: "filters", id: "filters", role: "group", "aria-label": t("filters") });
  const button = h(
    "button",
    {
      class: "button compact",
      type: "button",
      "aria-expanded": "false",
      "aria-controls": "filters",
      "data-testid": "filters",
      onclick: toggle,
    },
    t("filters"),
  );

  function toggle() {
    isOpen = !isOpen;
    draw();
    if (isOpen) node.querySelector("select, button")?.focus();
  }

  const isOn = () => {
    const { tag, marked, lang, whose } = desk.filter;
    return Boolean(tag || marked || lang || whose);
  };

  const choice = (name, options) =>
    h(
      "label",
      { class: "filter" },
      h("span", { class: "small soft" }, t(`filter.${name}`)),
      h(
        "select",
        {
          "data-key": name,
          "data-testid": `filter-${name}`,
          onchange: (event) => desk.setFilter({ [name]: event.target.value }),
        },
        options.map(([value, text]) => h("option", { value, selected: desk.filter[name] === value }, text)),
      ),
    );

  function draw() {
    button.setAttribute("aria-expanded", String(isOpen));
    button.classList.toggle("on", isOn());
    show(button, t("filters"), isOn() && h("span", { class: "dot on", "aria-label": t("filters_on") }));
    node.hidden = !isOpen;
    if (!isOpen) return;
    const people = desk.agents.map((agent) => [agent.id, agent.name]);
    showKeepingFocus(
      node,
      desk.tab === "all" && choice("which", WHICH.map((name) => [name, t(`which.${name}`)])),
      choice("whose", [["", t("any")], ["nobody", t("nobodys")], ...people]),
      choice("lang", [["", t("any")], ...["zh", "en"].map((lang) => [lang, t(`lang.${lang}`)])]),
      choice("tag", [["", t("any")], ...desk.tags.map((tag) => [tag, tag])]),
      h(
        "label",
        { class: "row tight small" },
        h("input", {
          type: "checkbox",
          checked: desk.filter.marked,
          "data-key": "marked",
          "data-testid": "filter-marked",
          onchange: (event) => desk.setFilter({ marked: event.target.checked }),
        }),
        t("only_marked"),
      ),
      views(),
    );
  }

  const views = () =>
    h(
      "div",
      { class: "views" },
      h("span", { class: "small soft" }, t("views")),
      desk.views.map((view) =>
        h(
          "span",
          { class: "view" },
          h(
            "button",
            {
              class: "button compact",
              type: "button",
              "data-key": `view-${view.id}`,
              "data-testid": "view",
              onclick: () => use(view),
            },
            view.name,
          ),
          h(
            "button",
            {
              class: "icon-button",
              type: "button",
              "aria-label": t("view_forget", { name: view.name }),
              "data-testid": "view-forget",
              onclick: () => forget(view),
            },
            icon("close"),
          ),
        ),
      ),
      h(
        "button",
        {
          class: "button compact",
          type: "button",
          "data-key": "keep",
          "data-testid": "view-keep",
          onclick: keep,
        },
        t("view_keep"),
      ),
    );

  /** The server knows the parts of "all" as tabs of their own. */
  function use({ filter: { tab, ...filter } }) {
    const isPart = WHICH.includes(tab);
    desk.filter = { ...NO_FILTER, ...filter, lang: filter.lang ?? "", which: isPart ? tab : "all" };
    setSearch(desk.filter.q);
    desk.setTab(isPart ? "all" : tab);
  }

  async function keep() {
    const { which, ...filter } = desk.filter;
    const tab = desk.tab === "all" ? which : desk.tab === "audit" ? "review" : desk.tab;
    const isKept = await formDialog({
      title: t("view_keep"),
      testid: "view-dialog",
      yes: t("view_keep"),
      fields: [
        field("view-name", t("view_name"), h("input", { type: "text", required: true, maxlength: "40" }), t("view_hint")),
      ],
      save: (data) =>
        post("/v1/console/views", {
          name: data.get("view-name").trim(),
          filter: { ...filter, tab, lang: filter.lang || null },
        }),
    });
    if (!isKept) return;
    toast(t("view_kept"));
    desk.loadViews();
  }

  async function forget(view) {
    try {
      await remove(`/v1/console/views/${view.id}`);
      await desk.loadViews();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  return { node, button, draw, isOn, toggle };
}
