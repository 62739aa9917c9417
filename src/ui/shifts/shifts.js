// Who is on, what the last shift left, and whether all shifts answer alike.

import { get, post } from "/ui/shared/api.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { addTexts, clock, t, when } from "/ui/shared/i18n.js";
import { bindKeys, showKeys } from "/ui/shared/keys.js";
import { enter, sorry, toLogin } from "/ui/shared/shell.js";
import { listen } from "/ui/shared/sse.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import commitmentsEn from "../commitments/en.js";
import commitmentsZh from "../commitments/zh.js";
import { showAlike } from "./alike.js";
import en from "./en.js";
import { drawHandover } from "./handover.js";
import { showLoad } from "./load.js";
import { drawSchedule } from "./schedule.js";
import zh from "./zh.js";

addTexts({ zh: { ...commitmentsZh, ...zh }, en: { ...commitmentsEn, ...en } });

const room = await enter("shifts");
if (room) start(room);

function start({ me, main }) {
  const maySettle = ["ops", "owner"].includes(me.role);
  let shown = location.hash.slice(1);
  const onNow = h("section", { class: "stack no-print", "aria-label": t("shifts.now"), "data-testid": "on-now" });
  const paper = h("section", { class: "card handover", "aria-label": t("shifts.handover"), "data-testid": "handover" });
  const alike = h("section", { class: "stack no-print", "aria-label": t("alike.title"), "data-testid": "alike" });
  const load = h("section", { class: "card stack no-print", "aria-label": t("load.title"), "data-testid": "load" });
  const schedule = h("section", { class: "card stack no-print", "aria-label": t("schedule.title"), "data-testid": "schedule" });
  const note = h("textarea", { id: "note", rows: "2", maxlength: "2000", "data-testid": "note" });
  const past = h("select", { id: "past", "data-testid": "past", onchange: (event) => choose(event.target.value) });

  async function guarded(box, load) {
    try {
      await load();
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else show(box, sorry(problem, () => guarded(box, load)));
    }
  }

  const loadSchedule = () =>
    guarded(schedule, async () => {
      const found = await get("/v1/shifts");
      drawNow(found.shifts.filter((shift) => shift.now));
      drawSchedule(schedule, found, maySettle, loadSchedule);
    });

  function drawNow(on) {
    const one = (shift) =>
      h(
        "div",
        { class: "card", "data-testid": "shift-now" },
        h("strong", {}, shift.name),
        " ",
        h("span", { class: "soft" }, t("shifts.until", { time: clock(shift.now.ends_at_ms) })),
        h("p", {}, shift.agents.map((agent) => agent.name).join("、") || "—"),
      );
    show(onNow, h("h2", {}, t("shifts.now")), on.length > 0 ? h("div", { class: "on-now" }, on.map(one)) : h("p", { class: "soft" }, t("shifts.nobody")));
  }

  const loadPaper = () => guarded(paper, async () => drawHandover(paper, await get(shown ? `/v1/shifts/handovers/${shown}` : "/v1/shifts/now")));

  async function loadPast() {
    try {
      const { handovers } = await get("/v1/shifts/handovers");
      show(
        past,
        h("option", { value: "" }, t("shifts.live")),
        handovers.map((one) => h("option", { value: one.id }, `${one.shift_name} · ${when(one.ended_at_ms)} · ${one.author ?? t("shifts.by_server")}`)),
      );
      past.value = shown;
    } catch (problem) {
      toastProblem(problem);
    }
  }

  function choose(id) {
    shown = id;
    history.replaceState(null, "", id ? `#${id}` : location.pathname);
    past.value = id;
    return loadPaper();
  }

  async function leave() {
    try {
      const left = await post("/v1/shifts/handovers", { note: note.value.trim() });
      note.value = "";
      toast(t("shifts.left"));
      await loadPast();
      await choose(left.id);
    } catch (problem) {
      toastProblem(problem);
    }
  }

  /** Fetched with the page's language, so that the text speaks it. */
  async function exportText() {
    if (!shown) return toast(t("shifts.pick"));
    const response = await fetch(`/v1/shifts/handovers/${shown}/markdown`, { headers: { "Accept-Language": document.documentElement.lang } });
    if (!response.ok) return toast(t("problem.unknown"), "bad");
    const link = h("a", { href: URL.createObjectURL(await response.blob()), download: `handover-${shown}.md` });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  const keys = [
    { keys: ["p"], text: t("shifts.print"), run: () => window.print() },
    { keys: ["n"], text: t("shifts.note"), run: () => note.focus() },
    { keys: ["l"], text: t("shifts.live"), run: () => void choose("") },
  ];
  bindKeys(keys);
  const button = (testid, text, run, kind = "") => h("button", { class: `button ${kind}`, type: "button", "data-testid": testid, onclick: run }, text);
  main.className = "page";
  show(
    main,
    h(
      "div",
      { class: "page-head no-print" },
      h("div", {}, h("h1", {}, t("room.shifts")), h("p", { class: "soft" }, t("shifts.more"))),
      h("button", { class: "button compact", type: "button", onclick: () => showKeys(keys) }, t("keys.title")),
    ),
    onNow,
    h(
      "section",
      { class: "stack no-print" },
      h("h2", {}, t("shifts.handover")),
      h("div", { class: "field" }, h("label", { for: "note" }, t("shifts.note")), note),
      h("div", { class: "row" }, button("leave", t("shifts.leave"), leave, "primary"), button("print", t("shifts.print"), () => window.print()), button("markdown", t("shifts.markdown"), exportText)),
      h("div", { class: "field" }, h("label", { for: "past" }, t("shifts.past")), past),
    ),
    paper,
    alike,
    schedule,
    load,
  );
  const reload = debounce(() => !shown && loadPaper(), 1000);
  listen("/v1/console/events", {
    onEvent: (name) => {
      if (["handover", "resync"].includes(name)) loadPast();
      if (["queue", "commitment", "resync"].includes(name)) reload();
    },
    onState: (state, status) => state === "refused" && status === 401 && toLogin(),
  });
  loadSchedule();
  loadPaper();
  loadPast();
  showAlike(alike);
  showLoad(load);
}
