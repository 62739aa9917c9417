// What buyers were told that we would do: one list by due time, live, by keyboard.

import { get, patch, post } from "/ui/shared/api.js";
import { debounce, h, randomKey, show, showKeepingFocus } from "/ui/shared/dom.js";
import { addTexts, t, when } from "/ui/shared/i18n.js";
import { bindKeys, showKeys } from "/ui/shared/keys.js";
import { enter, sorry, toLogin } from "/ui/shared/shell.js";
import { listen } from "/ui/shared/sse.js";
import { dueChip } from "/ui/shared/tasks.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { editDialog, keepDialog, tellDialog } from "./dialogs.js";
import { showDays } from "./days.js";
import en from "./en.js";
import { showRules } from "./rules.js";
import zh from "./zh.js";

addTexts({ zh, en });

const TABS = ["today", "overdue", "mine", "all", "over"];
const SOON_MS = 3_600_000;

const room = await enter("commitments");
if (room) start(room);

function start({ me, main, banner }) {
  const maySend = ["agent", "owner"].includes(me.role);
  const maySettle = ["ops", "owner"].includes(me.role);
  let tab = TABS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "today";
  let found = [];
  let people = [];
  const list = h("div", { class: "stack", role: "region", "aria-label": t("commitments.list"), "data-testid": "commitments" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("commitments.list") });
  const days = h("section", { class: "stack", "data-testid": "days" });
  const rules = h("section", { class: "card stack", "data-testid": "rules" });

  async function load() {
    try {
      const answer = await get(`/v1/commitments?show=${tab}`);
      found = answer.commitments;
      people = answer.people;
      drawTabs(answer.counts);
      draw();
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else show(list, sorry(problem, load));
    }
  }
  const reload = debounce(load, 200);

  function drawTabs(counts) {
    const count = { today: counts.today, overdue: counts.overdue, mine: counts.mine, all: counts.open };
    showKeepingFocus(
      tabs,
      TABS.map((each) =>
        h(
          "button",
          { class: "button compact", type: "button", "aria-pressed": String(each === tab), "data-key": `tab-${each}`, "data-testid": `tab-${each}`, onclick: () => choose(each) },
          t(`commitments.${each}`),
          each in count && h("span", { class: `chip ${each === "overdue" && count[each] > 0 ? "bad" : ""}` }, String(count[each])),
        ),
      ),
    );
  }

  function choose(next) {
    tab = next;
    history.replaceState(null, "", `#${tab}`);
    return load();
  }

  function draw() {
    if (found.length > 0) return showKeepingFocus(list, found.map(card));
    show(list, h("div", { class: "empty card" }, h("strong", {}, t("commitments.none")), h("p", { class: "soft" }, t("commitments.none_more"))));
  }

  function card(one) {
    const isOpen = one.state === "open";
    const left = one.due_at_ms - Date.now();
    const button = (key, text, run, kind = "") =>
      h("button", { class: `button compact ${kind}`, type: "button", "data-key": `${key}-${one.id}`, "data-testid": `commitment-${key}`, onclick: run }, text);
    const urgency = !isOpen ? "" : left < 0 ? "late" : left < SOON_MS ? "soon" : "";
    return h(
      "article",
      { class: `card commitment ${urgency}`, tabindex: "0", "data-id": one.id, "data-key": one.id, "data-testid": "commitment" },
      h(
        "div",
        { class: "row apart" },
        h(
          "div",
          { class: "row" },
          h("h2", {}, t(`commitment_kind.${one.kind}`)),
          h("span", { class: "chip" }, t(`department.${one.department}`)),
          one.escalated_at_ms && isOpen && h("span", { class: "chip bad" }, one.escalated_to ? t("commitment.escalated", { name: one.escalated_to.name }) : t("commitment.escalated_nobody")),
        ),
        isOpen ? dueChip(one) : h("span", { class: `chip ${one.state === "kept" ? "good" : ""}` }, t(`commitment_state.${one.state}`)),
      ),
      h("blockquote", {}, one.what),
      h(
        "p",
        { class: "soft small" },
        [
          when(one.due_at_ms) + (one.due_was_said ? "" : ` (${t("commitment.usual")})`),
          t("commitment.said_by", { name: one.author ?? t("commitment.by_assistant") }),
          when(one.created_at_ms),
          one.order_id && t("commitment.order", { number: one.order_number ?? "" }),
        ]
          .filter(Boolean)
          .join(" · "),
        " · ",
        h("a", { href: `/console#/c/${one.conversation_id}` }, t("commitment.open")),
      ),
      isOpen && one.proposed && proposal(one, button),
      one.evidence && h("p", { class: "note" }, evidenceText(one)),
      isOpen ? actions(one, button) : h("div", { class: "row" }, button("reopen", t("commitment.reopen"), () => change(one, { state: "open" }))),
    );
  }

  function proposal(one, button) {
    const isOrder = one.proposed.kind === "order";
    return h(
      "div",
      { class: "note row", "data-testid": "proposed" },
      h("span", { class: "grow" }, isOrder ? t("commitment.proposed_order", stageWords(one, one.proposed)) : t("commitment.proposed_task")),
      isOrder && button("confirm", t("commitment.confirm"), () => keep(one, one.proposed), "primary"),
      isOrder && button("refuse", t("commitment.refuse"), () => change(one, { refuse_proposed: true })),
    );
  }

  const stageWords = (one, evidence) => ({ number: one.order_number ?? "", stage: t(`stage.${evidence.stage}`), time: when(evidence.at_ms) });

  function evidenceText(one) {
    if (one.evidence.kind === "note") return one.evidence.text;
    return t(`commitment.evidence_${one.evidence.kind}`, one.evidence.kind === "order" ? stageWords(one, one.evidence) : {});
  }

  function actions(one, button) {
    return h(
      "div",
      { class: "row" },
      button("keep", t("commitment.keep"), () => keepBy(one), "primary"),
      maySend && button("tell", t("commitment.tell"), () => tell(one)),
      button("edit", t("commitment.edit"), () => edit(one)),
      button("dismiss", t("commitment.dismiss"), () => dismiss(one)),
      h(
        "label",
        { class: "owner" },
        t("commitment.owner"),
        h(
          "select",
          { "data-key": `owner-${one.id}`, "data-testid": "commitment-owner", onchange: (event) => event.target.value && change(one, { owner_id: event.target.value }) },
          h("option", { value: "" }, one.owner?.name ?? t("commitment.nobody")),
          people.filter((person) => person.id !== one.owner?.id).map((person) => h("option", { value: person.id }, person.name)),
        ),
      ),
    );
  }

  /** True if it was changed. */
  async function change(one, what) {
    try {
      await patch(`/v1/commitments/${one.id}`, { version: one.version, ...what });
      await load();
      return true;
    } catch (problem) {
      toastProblem(problem);
      await load();
      return false;
    }
  }

  async function keep(one, evidence) {
    if (await change(one, { state: "kept", evidence })) toast(t("commitment.kept"));
  }

  async function keepBy(one) {
    const text = await keepDialog(one);
    if (text) await keep(one, { kind: "note", text });
  }

  async function dismiss(one) {
    if (await change(one, { state: "dismissed" })) toast(t("commitment.dismissed"));
  }

  async function edit(one) {
    const what = await editDialog(one);
    if (what) await change(one, what);
  }

  async function tell(one) {
    const wanted = await tellDialog(one);
    if (!wanted) return;
    try {
      const path = `/v1/console/conversations/${one.conversation_id}/messages`;
      const { message } = await post(path, { text: wanted.text, client_key: randomKey() });
      toast(t("commitment.sent"));
      if (wanted.isKept) await keep(one, { kind: "message", conversation: one.conversation_id, message: message.id });
    } catch (problem) {
      toastProblem(problem);
    }
  }

  const cards = () => [...list.querySelectorAll(".commitment")];
  const focused = () => cards().findIndex((each) => each.contains(document.activeElement));
  const move = (step) => {
    const all = cards();
    all[Math.min(all.length - 1, Math.max(0, focused() + step))]?.focus();
  };
  /** After one is gone, the one that took its place has the focus. */
  const here = (run, isAllowed = true) => () => {
    const at = focused();
    const one = found[at];
    if (!one || one.state !== "open" || !isAllowed) return false;
    run(one).then(() => cards()[Math.min(at, cards().length - 1)]?.focus());
  };
  const keys = [
    { keys: ["j"], text: t("commitment.down"), run: () => move(1) },
    { keys: ["k"], text: t("commitment.up"), run: () => move(-1) },
    { keys: ["d"], text: t("commitment.keep"), run: here(keepBy) },
    { keys: ["w"], text: t("commitment.tell"), run: here(tell, maySend) },
    { keys: ["e"], text: t("commitment.edit"), run: here(edit) },
    { keys: ["x"], text: t("commitment.dismiss"), run: here(dismiss) },
    { keys: ["m"], text: t("commitment.take"), run: here((one) => change(one, { owner_id: me.id })) },
    ...TABS.map((each, nth) => ({ keys: [String(nth + 1)], text: t(`commitments.${each}`), run: () => void choose(each) })),
  ];
  bindKeys(keys);

  main.className = "page";
  show(
    main,
    h(
      "div",
      { class: "page-head" },
      h("div", {}, h("h1", {}, t("room.commitments")), h("p", { class: "soft" }, t("commitments.more"))),
      h("button", { class: "button compact", type: "button", onclick: () => showKeys(keys) }, t("keys.title")),
    ),
    tabs,
    list,
    days,
    rules,
  );
  show(list, h("p", { class: "empty" }, t("loading")));
  listen("/v1/console/events", {
    onEvent: (name) => {
      if (["commitment", "records", "resync"].includes(name)) reload();
      if (["day", "resync"].includes(name)) showDays(days);
    },
    onState: (state, status) => {
      if (state === "refused" && status === 401) toLogin();
      show(banner, state === "lost" && h("div", { class: "banner" }, t("commitments.offline")));
    },
  });
  load().then(() => showRules(rules, { people: () => people, maySettle }));
  showDays(days);
}
