// Which orders are shown: by number, status, platform, product; kept under a name, exported, and written about.

import { get, post, put, remove } from "/ui/shared/api.js";
import { openDialog } from "/ui/shared/dialog.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const STAGES = ["created", "paid", "shipped", "signed", "cancelled", "refunded"];
const PLATFORMS = ["own", "taobao", "tmall", "pdd", "jd", "douyin", "kuaishou", "vip", "other"];
const FIELDS = ["number", "stage", "platform", "sku", "buyer"];

/** `{node, query()}`; `changed()` is called whenever other orders are asked for. */
export function orderFilter({ me, changed }) {
  const mayWrite = ["agent", "owner"].includes(me.role);
  const saved = h("div", { class: "row", "data-testid": "saved-filters" });
  const typed = debounce(changed, 250);
  const text = (id) => h("input", { id, type: "search", "data-testid": `order-${id}`, oninput: typed });
  const choice = (id, values, word) =>
    h(
      "select",
      { id, "data-testid": `order-${id}`, onchange: changed },
      h("option", { value: "" }, t("records.any")),
      values.map((each) => h("option", { value: each }, t(`${word}.${each}`))),
    );
  const inputs = {
    number: text("number"),
    stage: choice("stage", STAGES, "stage"),
    platform: choice("platform", PLATFORMS, "platform"),
    sku: text("sku"),
    buyer: text("buyer"),
  };

  /** What is asked for, without what does not matter. */
  const value = () =>
    Object.fromEntries(FIELDS.map((id) => [id, inputs[id].value.trim()]).filter(([, text]) => text !== ""));
  const query = () => new URLSearchParams(value()).toString();

  function use(filter) {
    for (const id of FIELDS) inputs[id].value = filter[id] ?? "";
    changed();
  }

  async function act(run) {
    try {
      return await run();
    } catch (problem) {
      toastProblem(problem);
      return null;
    }
  }

  const load = () =>
    act(async () => {
      const { filters } = await get("/v1/records/filters");
      show(
        saved,
        filters.map(({ name, filter }) =>
          h(
            "span",
            { class: "saved" },
            h("button", { class: "button compact", type: "button", onclick: () => use(filter) }, name),
            h(
              "button",
              { class: "button compact quiet", type: "button", "aria-label": t("records.forget_filter", { name }), onclick: () => act(() => remove(`/v1/records/filters/${encodeURIComponent(name)}`)).then(load) },
              "×",
            ),
          ),
        ),
      );
    });

  async function keep() {
    const name = await openDialog({
      title: t("records.save_filter"),
      build: (close) => {
        const input = h("input", { id: "filter-name", required: true, maxlength: 40, autofocus: true });
        const form = h("form", { class: "stack" }, h("div", { class: "field" }, h("label", { for: "filter-name" }, t("records.filter_name")), input), h("button", { class: "button primary", type: "submit" }, t("save")));
        form.addEventListener("submit", (event) => (event.preventDefault(), close(input.value.trim())));
        return [form];
      },
    });
    if (!name) return;
    await act(() => put(`/v1/records/filters/${encodeURIComponent(name)}`, value()));
    load();
  }

  /** Fetched with the page's language, so that the sheet speaks it. */
  async function sheet() {
    const response = await fetch(`/v1/records/orders/sheet?${query()}`, { headers: { "Accept-Language": document.documentElement.lang } });
    if (!response.ok) return toast(t("records.no_report"), "bad");
    const link = h("a", { href: URL.createObjectURL(await response.blob()), download: "orders.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  async function write() {
    const filter = value();
    if (Object.keys(filter).length === 0) return toast(t("records.filter_first"), "bad");
    const reach = await act(() => post("/v1/records/messages/preview", { filter }));
    if (!reach) return;
    const words = await openDialog({
      title: t("records.write_all"),
      testid: "write-all",
      build: (close) => {
        const input = h("textarea", { id: "all-text", rows: 4, required: true, maxlength: 2000, autofocus: true });
        const form = h(
          "form",
          { class: "stack" },
          h("p", {}, t("records.reach", { orders: reach.n_orders, buyers: reach.n_buyers, n: reach.n_conversations })),
          h("p", { class: "soft small" }, t("records.reach_more", { left: reach.n_left })),
          h("div", { class: "field" }, h("label", { for: "all-text" }, t("records.all_text")), input),
          h("button", { class: "button primary", type: "submit", disabled: reach.n_conversations === 0 || reach.n_conversations > reach.n_left }, t("records.send_all", { n: reach.n_conversations })),
        );
        form.addEventListener("submit", (event) => (event.preventDefault(), close(input.value)));
        return [form];
      },
    });
    if (!words) return;
    const sent = await act(() => post("/v1/records/messages", { filter, text: words, n_conversations: reach.n_conversations }));
    if (sent) toast(t("records.sent_all", { n: sent.n_conversations }), "good");
  }

  const field = (id) => h("div", { class: "field" }, h("label", { for: id }, t(`records.by_${id}`)), inputs[id]);
  const button = (id, text, onclick) => h("button", { class: "button", type: "button", "data-testid": id, onclick }, text);
  const node = h(
    "div",
    { class: "stack tight" },
    h("div", { class: "order-filter" }, FIELDS.map(field)),
    saved,
    h("div", { class: "row" }, button("save-filter", t("records.save_filter"), keep), button("export-orders", t("records.export"), sheet), mayWrite && button("write-all", t("records.write_all"), write)),
  );
  load();
  return { node, query };
}
