// Orders as the shop's other systems tell them: sheets go in here, wrong rows come out, and orders can be looked up.

import { api, get, post, remove } from "/ui/shared/api.js";
import { openDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { t, when } from "/ui/shared/i18n.js";
import { enter, sorry, toLogin } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { orderFilter } from "./filter.js";
import { mappings } from "./mappings.js";
import { drawRules } from "./rules.js";

const LOOK_AGAIN_MS = 1500; // While a sheet is being read.

const room = await enter("records");
if (room) start(room);

function start({ me, main }) {
  const mayTell = ["staff", "ops", "owner"].includes(me.role);
  const mayKeys = ["ops", "owner"].includes(me.role);
  const imports = h("div", { "data-testid": "imports" });
  const orders = h("div", { "data-testid": "orders" });
  const keys = h("div", { "data-testid": "hook-keys" });
  const rules = h("div", {});
  const filter = orderFilter({ me, changed: () => loadOrders() });

  async function guarded(box, load) {
    try {
      await load();
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else show(box, sorry(problem, () => guarded(box, load)));
    }
  }

  const loadImports = () =>
    guarded(imports, async () => {
      const found = (await get("/v1/records/imports")).imports;
      show(imports, found.length > 0 ? table(["file", "kind", "rows", "state"], found.map(importRow)) : h("p", { class: "soft" }, t("records.no_imports")));
      if (found.some((each) => each.state === "queued")) setTimeout(loadImports, LOOK_AGAIN_MS);
      else loadOrders();
    });

  const loadOrders = () =>
    guarded(orders, async () => {
      const found = (await get(`/v1/records/orders?${filter.query()}`)).orders;
      show(orders, found.length > 0 ? table(["number", "platform", "stage", "items", "as_of"], found.map(orderRow)) : h("p", { class: "soft" }, t("records.no_orders")));
    });

  const table = (heads, rows) =>
    h(
      "div",
      { class: "table-box", tabindex: "0", role: "region", "aria-label": t("room.records") },
      h("table", {}, h("thead", {}, h("tr", {}, heads.map((each) => h("th", { scope: "col" }, t(`records.${each}`))))), h("tbody", {}, rows)),
    );

  const importRow = (each) =>
    h(
      "tr",
      {},
      h("td", {}, each.file_name, h("br"), h("span", { class: "soft small" }, `${each.by} · ${when(each.created_at_ms)}`)),
      h("td", {}, t(`records.kind_${each.kind}`)),
      h("td", {}, each.state === "done" ? t("records.counts", { taken: each.n_taken, rows: each.n_rows }) : "—"),
      h(
        "td",
        {},
        h("span", { class: `chip ${{ queued: "", done: "good", failed: "bad" }[each.state]}` }, t(`records.state_${each.state}`)),
        each.error && h("p", { class: "small" }, each.error === "columns_unknown" ? t("records.columns_unknown") : t("records.unreadable", { code: each.error })),
        each.n_refused > 0 && h("p", {}, h("button", { class: "button compact", type: "button", "data-testid": "report", onclick: () => report(each) }, t("records.report", { n: each.n_refused }))),
      ),
    );

  const orderRow = (order) =>
    h(
      "tr",
      {},
      h("td", {}, order.number),
      h("td", {}, t(`platform.${order.platform}`)),
      h("td", {}, h("span", { class: "chip" }, t(`stage.${order.stage ?? "unknown"}`))),
      h("td", {}, order.lines.map((line) => `${line.title} ×${line.quantity}`).join(", ") || "—"),
      h("td", {}, when(order.as_of_ms)),
    );

  /** Fetched with the page's language, so that the sheet speaks it. */
  async function report(each) {
    const response = await fetch(`/v1/records/imports/${each.id}/report`, { headers: { "Accept-Language": document.documentElement.lang } });
    if (!response.ok) return toast(t("records.no_report"), "bad");
    const link = h("a", { href: URL.createObjectURL(await response.blob()), download: `${each.file_name}-refused.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function upload() {
    const kind = h("select", { id: "kind", "data-testid": "import-kind" }, ["orders", "products"].map((each) => h("option", { value: each }, t(`records.kind_${each}`))));
    const file = h("input", { type: "file", accept: ".csv,.xlsx,.txt", hidden: true, "data-testid": "import-file" });
    const chosen = h("span", { class: "small soft", "aria-live": "polite" }, t("records.no_file"));
    const send = h("button", { class: "button primary", type: "submit", disabled: true, "data-testid": "import" }, t("records.upload"));
    const choose = h("button", { class: "button", type: "button", onclick: () => file.click() }, t("records.choose"));
    const name = () => {
      chosen.textContent = file.files[0]?.name ?? t("records.no_file");
      send.disabled = !file.files.length;
    };
    file.addEventListener("change", name);
    const form = h(
      "form",
      { class: "card stack" },
      h("h2", {}, t("records.import")),
      h("p", { class: "soft" }, t("records.import_more")),
      h("div", { class: "row" }, h("div", { class: "field" }, h("label", { for: "kind" }, t("records.kind")), kind), h("div", { class: "field" }, h("span", { class: "label" }, t("records.file")), h("div", { class: "row" }, choose, chosen, file))),
      send,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const data = new FormData();
      data.append("kind", kind.value);
      data.append("file", file.files[0]);
      try {
        await api("POST", "/v1/records/imports", data);
        form.reset();
        name();
        loadImports();
      } catch (problem) {
        toastProblem(problem);
      }
    });
    return form;
  }

  const loadKeys = () =>
    guarded(keys, async () => {
      const found = await get("/v1/records/keys");
      show(
        keys,
        h("p", {}, h("code", {}, `${location.origin}/v1/hooks/${found.shop_id}`)),
        found.keys.map((key) =>
          h(
            "p",
            { class: "row" },
            h("span", {}, when(key.created_at_ms)),
            h("button", { class: "button compact danger", type: "button", onclick: () => act(() => remove(`/v1/records/keys/${key.id}`)) }, t("records.remove_key")),
          ),
        ),
        found.keys.length < 2 && h("button", { class: "button", type: "button", "data-testid": "add-key", onclick: addKey }, t("records.add_key")),
      );
    });

  async function act(run) {
    try {
      return await run();
    } catch (problem) {
      toastProblem(problem);
    } finally {
      loadKeys();
    }
  }

  async function addKey() {
    const made = await act(() => post("/v1/records/keys"));
    if (!made) return;
    await openDialog({
      title: t("records.key_made"),
      build: () => [h("p", {}, t("records.key_once")), h("p", {}, h("code", { class: "wrap" }, made.secret))],
    });
  }

  main.className = "page";
  show(
    main,
    h("div", { class: "page-head" }, h("div", {}, h("h1", {}, t("room.records")), h("p", { class: "soft" }, t("records.more")))),
    mayTell && upload(),
    h("section", { class: "stack", "aria-label": t("records.imports") }, h("h2", {}, t("records.imports")), imports),
    h("section", { class: "stack", "aria-label": t("records.orders") }, h("h2", {}, t("records.orders")), filter.node, orders),
    h("section", { class: "card stack", "aria-label": t("rules.title") }, h("h2", {}, t("rules.title")), h("p", { class: "soft" }, t("rules.more")), rules),
    mayKeys && h("section", { class: "card stack", "aria-label": t("records.hooks") }, h("h2", {}, t("records.hooks")), h("p", { class: "soft" }, t("records.hooks_more")), keys, mappings()),
  );
  loadImports();
  loadOrders();
  drawRules(rules, mayKeys);
  if (mayKeys) loadKeys();
}
