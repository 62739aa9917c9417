// The entries to the chat: where each may stand, what it says, and the tag to paste.

import { get, patch, post, remove } from "/ui/shared/api.js";
import { copyBox } from "/ui/shared/copy.js";
import { confirmDialog, field, formDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const lines = (text) =>
  String(text)
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

export function drawWidgets(box) {
  const list = h("div", { class: "stack" }, h("p", { class: "empty" }, t("loading")));
  show(
    box,
    h(
      "div",
      { class: "page-head" },
      h("div", {}, h("h1", {}, t("nav.widgets")), h("p", { class: "soft" }, t("widgets_more"))),
      h(
        "button",
        {
          class: "button primary",
          type: "button",
          "data-testid": "new-widget",
          onclick: () => edit(null),
        },
        t("new_widget"),
      ),
    ),
    list,
  );

  async function load() {
    try {
      const { widgets } = await get("/v1/ops/widgets");
      show(
        list,
        widgets.length > 0
          ? widgets.map(card)
          : h(
              "div",
              { class: "empty card" },
              icon("chat"),
              h("strong", {}, t("widgets_none")),
              h("p", {}, t("widgets_none_more")),
            ),
      );
    } catch (problem) {
      show(list, sorry(problem, load));
    }
  }

  function card(widget) {
    const origins = widget.allowed_origins;
    return h(
      "section",
      { class: "card stack", "data-testid": "widget", "data-widget": widget.id },
      h(
        "div",
        { class: "row apart" },
        h("h2", {}, widget.name),
        h(
          "div",
          { class: "row" },
          h(
            "button",
            {
              class: "button compact",
              type: "button",
              "data-testid": "edit-widget",
              onclick: () => edit(widget),
            },
            t("edit"),
          ),
          h(
            "button",
            {
              class: "button compact danger",
              type: "button",
              "data-testid": "delete-widget",
              onclick: () => erase(widget),
            },
            t("delete"),
          ),
        ),
      ),
      h(
        "div",
        {},
        h("h3", { class: "label" }, t("origins")),
        origins.length > 0
          ? h(
              "ul",
              { role: "list", class: "row" },
              origins.map((origin) => h("li", {}, h("code", { class: "chip" }, origin))),
            )
          : h("p", { class: "small soft" }, t("origins_none")),
      ),
      h(
        "div",
        {},
        h("h3", { class: "label" }, t("snippet")),
        copyBox(widget.snippet, t("snippet"), { rows: 2, testid: "snippet" }),
      ),
    );
  }

  async function edit(widget) {
    const settings = widget?.settings ?? {};
    const text = (name, attributes = {}) =>
      h("input", { type: "text", name, value: settings[name] ?? "", ...attributes });
    const area = (name, value, rows) => h("textarea", { name, rows, value });
    const saved = await formDialog({
      title: widget ? t("edit_widget", { name: widget.name }) : t("new_widget"),
      wide: true,
      testid: "widget-dialog",
      yes: t("save"),
      fields: [
        field(
          "w-name",
          t("col.name"),
          h("input", {
            type: "text",
            name: "name",
            required: true,
            value: widget?.name ?? "",
            "data-testid": "widget-name",
          }),
        ),
        field(
          "w-origins",
          t("origins"),
          area("allowed_origins", (widget?.allowed_origins ?? []).join("\n"), 2),
          t("origins_hint"),
        ),
        h(
          "div",
          { class: "limit-fields" },
          field("w-welcome-zh", t("welcome_zh"), area("welcome_zh", settings.welcome_zh ?? "", 3)),
          field("w-welcome-en", t("welcome_en"), area("welcome_en", settings.welcome_en ?? "", 3)),
        ),
        h(
          "div",
          { class: "limit-fields" },
          field(
            "w-sugg-zh",
            t("suggestions_zh"),
            area("suggestions_zh", (settings.suggestions_zh ?? []).join("\n"), 3),
            t("one_a_line"),
          ),
          field(
            "w-sugg-en",
            t("suggestions_en"),
            area("suggestions_en", (settings.suggestions_en ?? []).join("\n"), 3),
            t("one_a_line"),
          ),
        ),
        h(
          "div",
          { class: "limit-fields" },
          field("w-hours", t("hours"), text("hours"), t("hours_hint")),
          field("w-contact", t("contact"), text("contact"), t("contact_hint")),
        ),
        field(
          "w-forget",
          t("forget_after"),
          h("input", {
            type: "number",
            name: "forget_after_minutes",
            min: "5",
            max: "525600",
            value: settings.forget_after_minutes || "",
            placeholder: "43200",
            "data-testid": "widget-forget",
          }),
          t("forget_after_hint"),
        ),
        h(
          "label",
          { class: "check" },
          h("input", { type: "checkbox", name: "require_identity", checked: settings.require_identity === true }),
          h("span", {}, t("require_identity")),
        ),
      ],
      save: (data) => {
        const body = {
          name: data.get("name").trim(),
          allowed_origins: lines(data.get("allowed_origins")),
          settings: {},
        };
        body.settings.forget_after_minutes = Number(data.get("forget_after_minutes"));
        body.settings.require_identity = data.get("require_identity") !== null;
        for (const name of ["welcome_zh", "welcome_en", "hours", "contact"])
          body.settings[name] = data.get(name).trim();
        for (const name of ["suggestions_zh", "suggestions_en"]) body.settings[name] = lines(data.get(name));
        return widget ? patch(`/v1/ops/widgets/${widget.id}`, body) : post("/v1/ops/widgets", body);
      },
    });
    if (!saved) return;
    toast(t("saved"));
    load();
  }

  async function erase(widget) {
    const isSure = await confirmDialog({
      title: t("delete_widget", { name: widget.name }),
      text: t("delete_widget_text"),
      yes: t("delete"),
      danger: true,
    });
    if (!isSure) return;
    try {
      await remove(`/v1/ops/widgets/${widget.id}`);
      load();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  load();
}
