// What people have to do for buyers: one list, by due time, live, by keyboard.

import { get, patch } from "/ui/shared/api.js";
import { debounce, h, show, showKeepingFocus } from "/ui/shared/dom.js";
import { t, when } from "/ui/shared/i18n.js";
import { bindKeys, showKeys } from "/ui/shared/keys.js";
import { enter, sorry, toLogin } from "/ui/shared/shell.js";
import { listen } from "/ui/shared/sse.js";
import { DEPARTMENTS, TASK_KINDS, dueChip, settleDialog, stateText, taskKind } from "/ui/shared/tasks.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const room = await enter("tasks");
if (room) start(room);

function start({ me, main, banner }) {
  const wanted = { over: "", department: "", kind: "", mine: "" };
  const list = h("div", { class: "stack", "data-testid": "tasks" }, h("p", { class: "empty" }, t("loading")));
  let tasks = [];
  let people = [];

  async function load() {
    const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
    try {
      ({ tasks, people } = await get(`/v1/tasks?${query}`));
      draw();
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else show(list, sorry(problem, load));
    }
  }
  const reload = debounce(load, 200);

  const choice = (name, label, options) =>
    h(
      "label",
      { class: "filter" },
      h("span", { class: "label" }, label),
      h(
        "select",
        { "data-testid": `filter-${name}`, onchange: (event) => ((wanted[name] = event.target.value), load()) },
        options.map(([value, text]) => h("option", { value }, text)),
      ),
    );
  const all = ["", t("task.all")];
  main.className = "page";
  show(
    main,
    h("div", { class: "page-head" }, h("div", {}, h("h1", {}, t("room.tasks")), h("p", { class: "soft" }, t("tasks.more")))),
    h(
      "div",
      { class: "row", role: "group", "aria-label": t("task.filter") },
      choice("over", t("task.state"), [["", t("task.open")], ["true", t("task.over")]]),
      choice("department", t("task.department"), [all, ...DEPARTMENTS.map((each) => [each, t(`department.${each}`)])]),
      choice("kind", t("task.kind"), [all, ...TASK_KINDS.map((each) => [each, taskKind(each)])]),
      choice("mine", t("task.assignee"), [all, ["true", t("task.mine")]]),
    ),
    list,
  );

  function draw() {
    if (tasks.length === 0) return show(list, h("div", { class: "empty card" }, h("strong", {}, t("tasks.none"))));
    showKeepingFocus(list, tasks.map(card));
  }

  function card(task) {
    const isOver = ["done", "dropped"].includes(task.state);
    const button = (key, text, run, kind = "") =>
      h("button", { class: `button compact ${kind}`, type: "button", "data-key": `${key}-${task.id}`, "data-testid": `task-${key}`, onclick: run }, text);
    return h(
      "article",
      { class: "card task-card", tabindex: "0", "data-id": task.id, "data-key": task.id, "data-testid": "task" },
      h(
        "div",
        { class: "row apart" },
        h("div", { class: "row" }, h("h2", {}, taskKind(task.kind)), h("span", { class: "chip" }, t(`department.${task.department}`)), h("span", { class: "chip" }, stateText(task.state))),
        !isOver && dueChip(task),
      ),
      h("p", { class: "pre" }, task.asked),
      task.ruling && h("p", { class: "small" }, [t(`verdict.${task.ruling.verdict}`), ...task.ruling.reasons.map((reason) => t(`return_reason.${reason}`))].join(" · ")),
      task.notes.map((note) => h("p", { class: "small" }, h("strong", {}, note.by), " ", note.text, " ", h("span", { class: "soft" }, when(note.at_ms)))),
      task.evidence && h("p", { class: "note" }, task.evidence),
      h(
        "p",
        { class: "soft small" },
        [task.order_number, task.assignee?.name ?? t("task.nobody"), when(task.created_at_ms)].filter(Boolean).join(" · "),
        task.conversation_id && [" · ", h("a", { href: `/console#/c/${task.conversation_id}` }, t("task.conversation"))],
      ),
      !isOver &&
        h(
          "div",
          { class: "row" },
          task.state === "open" && button("begin", t("task.begin"), () => change(task, { state: "doing" })),
          button("done", t("task.done"), () => settle(task, "done"), "primary"),
          button("drop", t("task.drop"), () => settle(task, "dropped")),
          h(
            "label",
            { class: "row small" },
            t("task.assign"),
            h(
              "select",
              { "data-key": `assign-${task.id}`, "data-testid": "task-assign", onchange: (event) => event.target.value && change(task, { assignee_id: event.target.value }) },
              h("option", { value: "" }, task.assignee?.name ?? t("task.nobody")),
              people.filter((person) => person.id !== task.assignee?.id).map((person) => h("option", { value: person.id }, person.name)),
            ),
          ),
        ),
    );
  }

  async function change(task, what) {
    try {
      await patch(`/v1/tasks/${task.id}`, { version: task.version, ...what });
    } catch (problem) {
      toastProblem(problem);
    }
    await load();
  }

  async function settle(task, state) {
    const evidence = await settleDialog(task, state === "dropped");
    if (!evidence) return;
    await change(task, { state, evidence });
    toast(stateText(state));
  }

  const cards = () => [...list.querySelectorAll(".task-card")];
  const focused = () => cards().findIndex((each) => each.contains(document.activeElement));
  const move = (step) => {
    const all = cards();
    all[Math.min(all.length - 1, Math.max(0, focused() + step))]?.focus();
  };
  const here = (run) => () => {
    const task = tasks[focused()];
    return task && !["done", "dropped"].includes(task.state) ? void run(task) : false;
  };
  const keys = [
    { keys: ["j"], text: t("tasks.down"), run: () => move(1) },
    { keys: ["k"], text: t("tasks.up"), run: () => move(-1) },
    { keys: ["b"], text: t("task.begin"), run: here((task) => change(task, { state: "doing" })) },
    { keys: ["d"], text: t("task.done"), run: here((task) => settle(task, "done")) },
    { keys: ["m"], text: t("tasks.take"), run: here((task) => change(task, { assignee_id: me.id })) },
  ];
  bindKeys(keys);
  main.querySelector(".page-head").append(
    h("button", { class: "button compact", type: "button", onclick: () => showKeys(keys) }, t("keys.title")),
  );

  listen("/v1/console/events", {
    onEvent: (name) => ["task", "resync"].includes(name) && reload(),
    onState: (state, status) => {
      if (state === "refused" && status === 401) toLogin();
      show(banner, state === "lost" && h("div", { class: "banner" }, t("tasks.offline")));
    },
  });
  load();
}
