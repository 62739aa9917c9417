// Beside the chat: the buyer, their orders, what they looked at, and what people have to do for them.

import { get, patch, post } from "/ui/shared/api.js";
import { openDialog } from "/ui/shared/dialog.js";
import { debounce, h, show, showKeepingFocus } from "/ui/shared/dom.js";
import { dateTime, t, when } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";
import { TASK_KINDS, dueChip, settleDialog, stateText, taskKind } from "/ui/shared/tasks.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const CAUSES = ["changed_mind", "defect", "wrong_item"];

export function besidePane(desk) {
  const body = h("div", { class: "beside", "data-testid": "beside" });
  let shownFor = null;
  let known = null;

  async function load() {
    const id = desk.selected;
    if (!id) return;
    try {
      const found = await get(`/v1/console/conversations/${id}/beside`);
      if (id !== desk.selected) return;
      known = found;
      redraw();
    } catch (problem) {
      if (id === desk.selected) show(body, sorry(problem, load));
    }
  }
  const reload = debounce(load, 200);

  function draw() {
    if (desk.selected === shownFor) return;
    shownFor = desk.selected;
    known = null;
    show(body);
    load();
  }

  const section = (id, title, ...content) =>
    h("section", { "aria-label": title, "data-testid": id }, h("h3", { class: "label" }, title), content);

  function redraw() {
    const { buyer, orders, views, sku, product, tasks, past } = known;
    showKeepingFocus(
      body,
      section("beside-tasks", t("beside.tasks"), tasks.map(taskLine), desk.mayAct && addTask()),
      section(
        "beside-buyer",
        t("beside.buyer"),
        buyer
          ? h(
              "p",
              {},
              h("strong", {}, buyer.id),
              " ",
              h("span", { class: "soft small" }, t("beside.conversations", { n: buyer.n_conversations })),
            )
          : h("p", { class: "soft small" }, t("beside.anonymous")),
      ),
      (orders.length > 0 || buyer) &&
        section(
          "beside-orders",
          t("beside.orders"),
          orders.length > 0 ? orders.map(order) : h("p", { class: "soft small" }, t("beside.no_orders")),
        ),
      (product || sku) && section("beside-product", t("beside.product"), productLine(sku, product)),
      views.length > 0 &&
        section(
          "beside-views",
          t("beside.views"),
          views.map((view) => productLine(view.sku, view.product, view.viewed_at_ms)),
        ),
      past.length > 0 &&
        section(
          "beside-past",
          t("beside.past"),
          past.map((each) =>
            h("a", { class: "past-line", href: `#/c/${each.id}` }, h("span", {}, each.last), h("time", {}, when(each.updated_at_ms))),
          ),
        ),
    );
  }

  function productLine(sku, product, at) {
    return h(
      "p",
      { class: "product-line" },
      h("strong", {}, product?.title ?? sku),
      h(
        "span",
        { class: "soft small" },
        [product && sku, product?.price && `${(product.price.minor / 100).toFixed(2)} ${product.price.currency}`, at && when(at)]
          .filter(Boolean)
          .join(" · "),
      ),
    );
  }

  function order(o) {
    const last = o.nodes.at(-1);
    return h(
      "article",
      { class: "order-line", "data-testid": "beside-order" },
      h(
        "div",
        { class: "row apart" },
        h("strong", {}, o.number),
        h("span", { class: "chip" }, o.stage ? t(`stage.${o.stage}`) : t("stage.unknown")),
      ),
      h("p", { class: "small" }, o.lines.map((line) => `${line.title} ×${line.quantity}`).join(", ")),
      last && h("p", { class: "soft small" }, [last.place, last.text, when(last.at_ms)].filter(Boolean).join(" · ")),
      h(
        "p",
        { class: "soft small" },
        [
          t(`platform.${o.platform}`),
          o.parcel && [o.parcel.carrier, o.parcel.tracking].filter(Boolean).join(" "),
          o.promised_ship_at_ms && t("beside.promised", { day: dateTime(o.promised_ship_at_ms) }),
          t("beside.as_of", { time: when(o.as_of_ms) }),
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      desk.mayAct &&
        h(
          "button",
          { class: "button compact", type: "button", "data-key": `return-${o.id}`, "data-testid": "return", onclick: () => takeBack(o) },
          t("return.start"),
        ),
    );
  }

  /** Two taps: the desk rules at once for every cause; the second tap files one. */
  async function takeBack(o) {
    let rulings;
    try {
      rulings = await Promise.all(CAUSES.map((cause) => post(`/v1/records/orders/${o.id}/ruling`, { cause })));
    } catch (problem) {
      return toastProblem(problem);
    }
    const cause = await openDialog({
      title: t("return.title", { number: o.number }),
      testid: "return-dialog",
      build: (close) =>
        CAUSES.map((each, i) => {
          const { ruling } = rulings[i];
          return h(
            "div",
            { class: "ruling", "data-testid": `ruling-${each}` },
            h(
              "div",
              { class: "row apart" },
              h("strong", {}, t(`cause.${each}`)),
              h("span", { class: `chip ${{ due: "good", not_due: "bad", ask: "warn" }[ruling.verdict]}` }, t(`verdict.${ruling.verdict}`)),
            ),
            h(
              "p",
              { class: "small" },
              [
                ...ruling.reasons.map((reason) => t(`return_reason.${reason}`)),
                ruling.way && t(`way.${ruling.way}`),
                ruling.until_ms && t("return.until", { time: dateTime(ruling.until_ms) }),
                ruling.freight && t(`freight.${ruling.freight}`),
              ]
                .filter(Boolean)
                .join(" · "),
            ),
            h("button", { class: "button compact", type: "button", "data-testid": `file-${each}`, onclick: () => close(each) }, t("return.file")),
          );
        }),
    });
    if (!cause) return;
    try {
      await post(`/v1/records/orders/${o.id}/returns`, { cause, conversation_id: desk.selected });
      toast(t("return.filed"));
      load();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  function taskLine(task) {
    const isOver = ["done", "dropped"].includes(task.state);
    return h(
      "article",
      { class: "task-line", "data-testid": "beside-task" },
      h(
        "div",
        { class: "row apart" },
        h("strong", {}, taskKind(task.kind)),
        isOver ? h("span", { class: "chip good" }, stateText(task.state)) : dueChip(task),
      ),
      h("p", { class: "small" }, task.asked),
      h(
        "p",
        { class: "soft small" },
        [t(`department.${task.department}`), task.assignee?.name, task.evidence].filter(Boolean).join(" · "),
      ),
      desk.mayAct &&
        !isOver &&
        h(
          "button",
          {
            class: "button compact",
            type: "button",
            "data-key": `done-${task.id}`,
            onclick: async () => {
              const evidence = await settleDialog(task);
              if (!evidence) return;
              try {
                await patch(`/v1/tasks/${task.id}`, { version: task.version, state: "done", evidence });
                load();
              } catch (problem) {
                toastProblem(problem);
                load();
              }
            },
          },
          t("task.done"),
        ),
    );
  }

  function addTask() {
    const kind = h("select", { "aria-label": t("task.kind"), "data-testid": "task-kind" }, TASK_KINDS.map((each) => h("option", { value: each }, taskKind(each))));
    const asked = h("input", { type: "text", maxlength: "1000", required: true, "aria-label": t("task.asked"), placeholder: t("task.asked"), "data-testid": "task-asked" });
    const form = h(
      "form",
      { class: "add-task" },
      kind,
      asked,
      h("button", { class: "button compact", type: "submit", "data-testid": "task-add" }, t("task.add")),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await post("/v1/tasks", { kind: kind.value, asked: asked.value, conversation_id: desk.selected });
        load();
      } catch (problem) {
        toastProblem(problem);
      }
    });
    return form;
  }

  /** What is known for the places of a canned reply. */
  const places = () => ({ buyer: known?.buyer?.id ?? null, order: known?.orders[0]?.number ?? null });

  return { node: body, draw, reload, places };
}
