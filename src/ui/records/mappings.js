// The tables by which the events of shop platforms become ours: JSON, as developers write it.

import { get, put, remove } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

/** The list and a form. */
export function mappings() {
  const list = h("div", { class: "stack tight", "data-testid": "mappings" });
  const name = h("input", { id: "mapping-name", required: true, pattern: "[a-z0-9\\-]{1,32}" });
  const table = h("textarea", { id: "mapping-table", rows: 8, required: true, spellcheck: "false", class: "code" });
  const form = h(
    "form",
    { class: "stack tight" },
    h("div", { class: "field" }, h("label", { for: "mapping-name" }, t("records.mapping_name")), name),
    h("div", { class: "field" }, h("label", { for: "mapping-table" }, t("records.mapping_table")), table, h("a", { class: "small", href: "/docs" }, t("records.mapping_docs"))),
    h("div", {}, h("button", { class: "button", type: "submit", "data-testid": "save-mapping" }, t("save"))),
  );

  async function load() {
    const { mappings: found } = await get("/v1/records/mappings");
    show(
      list,
      found.map((each) =>
        h(
          "div",
          { class: "row" },
          h("code", {}, each.name),
          h("span", { class: "grow" }, t(`platform.${each.table.platform}`)),
          h("button", { class: "button compact", type: "button", onclick: () => ((name.value = each.name), (table.value = JSON.stringify(each.table, null, 2))) }, t("records.mapping_edit")),
          h("button", { class: "button compact danger", type: "button", onclick: () => act(() => remove(`/v1/records/mappings/${each.name}`)) }, t("records.remove_key")),
        ),
      ),
    );
  }

  async function act(run) {
    try {
      await run();
      await load();
      return true;
    } catch (problem) {
      toastProblem(problem);
      return false;
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let body;
    try {
      body = JSON.parse(table.value);
    } catch {
      return toast(t("records.mapping_no_json"), "bad");
    }
    if (await act(() => put(`/v1/records/mappings/${encodeURIComponent(name.value)}`, body))) form.reset();
  });
  act(async () => {});
  return h("details", {}, h("summary", {}, t("records.mappings")), h("div", { class: "stack tight" }, h("p", { class: "soft small" }, t("records.mappings_more")), list, form));
}
