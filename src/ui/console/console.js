// The agents' room: three panes, live, by keyboard.

import { h, show } from "/ui/shared/dom.js";
import { addTexts, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { bindKeys, showKeys } from "/ui/shared/keys.js";
import { enter, toLogin } from "/ui/shared/shell.js";
import { listen } from "/ui/shared/sse.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { alertFor } from "./alerts.js";
import { auditPane, FINDINGS } from "./audit.js";
import { besidePane } from "./beside.js";
import { KINDS, REJECT_REASONS } from "./choices.js";
import { draftPane } from "./draft.js";
import en from "./en.js";
import { saveGolden } from "./golden.js";
import { setSkew, tick } from "./clock.js";
import { hands } from "./hands.js";
import { listPane } from "./list.js";
import { Desk } from "./state.js";
import { threadPane } from "./thread.js";
import { undoBar } from "./undo.js";
import zh from "./zh.js";

addTexts({ zh, en });

const room = await enter("console", { fixed: true });
if (room) start(room);

function start({ me, main, banner }) {
  const desk = new Desk(me, redraw);
  const undo = undoBar(() => desk.loadAll());
  const hand = hands(desk, (...act) => {
    undo.later(...act);
    redraw("list");
  });
  const keys = shortcuts();
  let isBusy = false;
  const acts = { open, isPending: undo.isWaiting, duty, bulk: (verb) => hand[verb](null) };
  const list = listPane(desk, acts, keysButton());
  const thread = threadPane(desk, {
    back: () => open(null),
    showDraft: () => view("draft"),
    conversation,
    assign: hand.assign,
    escalate: hand.escalate,
    send,
    known: () => ({ ...beside.places(), agent: me.name }),
  });
  const draft = draftPane(desk, {
    accept,
    edit,
    editKind: (turn, text) => desk.editKind(turn, text),
    reject,
    next,
    saveGolden: golden,
    begin: (text) => (view("thread"), thread.begin(text)),
    back: () => view("thread"),
    isBusy: () => isBusy,
    keep: (text) => thread.keep(text),
    kept: () => toast(`${t("settled")} ${t("kept")}`),
  });
  const beside = besidePane(desk);
  draft.node.append(beside.node);
  const audit = auditPane(desk, {
    label: check,
    next: nextAudit,
    open: (id) => (desk.setTab("all"), open(id)),
    back: () => view("list"),
  });
  main.className = "desk";
  const title = h("h1", { class: "hidden-text" }, t("room.console"));
  show(main, title, list.node, thread.node, draft.node, audit.node, undo.node);
  if (desk.mayAct)
    main.addEventListener("input", (event) => event.target.matches("textarea") && desk.watch.type());

  function redraw(what) {
    if (what === "list") {
      setSkew(desk.skewMs);
      list.draw();
      showRoom();
      alertFor(desk);
    } else if (what === "watch") {
      list.draw();
      thread.drawThere();
    } else if (what === "audit") audit.draw();
    else if (what === "stream") draft.drawStream();
    else {
      thread.draw();
      draft.draw();
      beside.draw();
    }
  }

  const view = (name) => (main.dataset.view = name);

  const isAuditing = () => desk.tab === "audit";

  /** The check has a card of its own in place of the conversation, which would give away who sent the answer. */
  function showRoom() {
    main.classList.toggle("checking", isAuditing());
    if (isAuditing()) audit.draw();
  }

  function open(id) {
    const hash = !id ? "#/" : isAuditing() ? `#/a/${id}` : `#/c/${id}`;
    if (location.hash !== hash) location.hash = hash;
    else follow();
  }

  function follow() {
    const [, place = "", key = null] = /^#\/(\w*)(?:\/([\w-]+))?$/.exec(location.hash) ?? [];
    if (place === "score") desk.sort = "score";
    if (place === "score" && desk.tab !== "review") desk.setTab("review");
    if (["a", "audits"].includes(place) && desk.mayAct) return followAudit(key);
    if (isAuditing() && place === "c") desk.setTab("all");
    const id = place === "c" ? key : null;
    view(id ? "thread" : "list");
    if (id === desk.selected) return;
    draft.reset();
    desk.select(id);
  }

  function followAudit(id) {
    if (!isAuditing()) desk.setTab("audit");
    view(id ? "audit" : "list");
    desk.selectAudit(id);
  }

  function nextAudit() {
    const other = desk.checks.find((each) => each.id !== desk.auditId);
    if (other) open(other.id);
    else toast(t("audit.done"));
  }

  async function check(one, outcome, note) {
    try {
      const answer = await desk.label(one, outcome, note);
      toast(t("audit.saved"));
      return answer;
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else toastProblem(problem);
      return null;
    } finally {
      desk.loadList();
    }
  }

  async function next() {
    if (isAuditing()) return nextAudit();
    try {
      const waiting = await desk.nextWaiting();
      if (waiting) open(waiting);
      else toast(t("nothing_waits"));
    } catch (problem) {
      toastProblem(problem);
    }
  }

  async function duty() {
    try {
      await desk.setDuty(!desk.self?.on_duty);
      toast(t(desk.self?.on_duty ? "duty.on_more" : "duty.off_more"));
    } catch (problem) {
      toastProblem(problem);
    }
  }

  function move(step) {
    const ids = desk.shownIds;
    if (ids.length === 0) return;
    const at = ids.indexOf(isAuditing() ? desk.auditId : desk.selected);
    const to = ids[at < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, at + step))];
    open(to);
    list.reveal(to);
    if (ids.indexOf(to) > ids.length - 10) desk.loadMore();
  }

  /** Runs one decision at a time; a lost race is told kindly and the truth is read again. */
  async function act(run, done) {
    if (isBusy) return false;
    isBusy = true;
    try {
      const { turn } = desk;
      await run();
      draft.settle(turn);
      draft.reset();
      if (done) toast(done);
      return true;
    } catch (problem) {
      if (problem.status === 401) toLogin();
      else if (problem.code === "already_resolved") {
        const isKept = draft.rescue();
        draft.reset();
        const { by, state } = problem.errors[0] ?? {};
        const news = by
          ? t("collision_by", { by })
          : t("collision", { state: t(`state.${state ?? "replied"}`) });
        toast(isKept ? `${news} ${t("kept")}` : news);
      } else if (problem.code === "taken_by_other") {
        const isKept = draft.rescue();
        const news = t("taken_by", { by: problem.errors[0]?.by ?? t("author.agent") });
        toast(isKept ? `${news} ${t("kept")}` : news, "bad");
      } else toastProblem(problem);
      return false;
    } finally {
      isBusy = false;
      await desk.loadAll();
    }
  }

  const isReviewable = () => desk.turn?.state === "review" && desk.mayAct && desk.turn.draft;
  function accept() {
    if (!isReviewable()) return false;
    act(() => desk.turnAct(desk.turn, "accept"), t("sent"));
  }
  function edit(text, kind) {
    if (!isReviewable() || !text) return false;
    act(() => desk.turnAct(desk.turn, "edit", kind ? { text, kind } : { text }), t("sent"));
  }
  async function reject(reason, note) {
    if (!isReviewable()) return;
    const isDone = await act(
      () => desk.turnAct(desk.turn, "reject", note ? { reason, note } : { reason }),
      t("rejected"),
    );
    if (isDone) {
      view("thread");
      thread.box.focus();
    }
  }
  async function golden(turn) {
    const isReply = (m) => m.turn_id === turn.id && ["assistant", "reviewed", "agent"].includes(m.author);
    const reply = desk.detail?.messages.find(isReply)?.text;
    if (reply && (await saveGolden(turn, reply))) toast(t("golden_saved"));
  }
  function conversation(verb) {
    return act(() => desk.conversationAct(verb), t(`done.${verb}`));
  }
  function send(text, key) {
    return act(() => desk.write(text, key), null);
  }

  function finish() {
    if (isAuditing()) return audit.label("accept");
    if (document.activeElement === thread.box) return thread.submit();
    if (draft.mode === "edit") return draft.askKind();
    if (draft.mode === "kind") return edit(draft.edited, draft.proposed);
    return accept();
  }

  /** One key, one choice: a finding when checking, else whatever the card is asking. */
  function choose(key) {
    const found = FINDINGS.find((each) => each.key === key);
    if (isAuditing()) return found ? audit.label(found.outcome) : false;
    if (draft.mode === "kind" && KINDS[key]) return edit(draft.edited, KINDS[key]);
    if (draft.mode === "reject" && REJECT_REASONS[key - 1])
      return reject(REJECT_REASONS[key - 1], draft.note);
    if (key === "a" && draft.mode === "read") return accept();
    return false;
  }

  function shortcuts() {
    const bindings = [
      { keys: ["a"], text: t("keys.right"), run: (_, key) => choose(key) },
      { keys: ["mod+enter"], text: t("keys.accept"), run: finish },
      { keys: ["e"], text: t("keys.edit"), run: () => !isAuditing() && draft.startEdit() },
      { keys: ["r"], text: t("keys.reject"), run: () => !isAuditing() && draft.startReject() },
      {
        keys: ["1", "2", "3", "4"],
        text: t("keys.reasons"),
        run: (_, key) => choose(key),
      },
      { keys: ["s"], text: t("keys.style"), run: (_, key) => choose(key) },
      { keys: ["f"], text: t("keys.fact"), run: (_, key) => choose(key) },
      {
        keys: ["g"],
        text: t("keys.golden"),
        run: () =>
          desk.turn?.state === "replied" && desk.mayAct && !isAuditing() ? void golden(desk.turn) : false,
      },
      { keys: ["alt+d"], text: t("keys.diff"), run: () => draft.toggleDiff() },
      {
        keys: ["escape"],
        text: t("keys.escape"),
        run: () => (draft.mode !== "read" && !isAuditing() ? draft.leave() : document.activeElement?.blur()),
      },
      { keys: ["j", "alt+j"], text: t("keys.down"), run: () => move(1) },
      { keys: ["k", "alt+k"], text: t("keys.up"), run: () => move(-1) },
      { keys: ["n"], text: t("keys.next"), run: next },
      { keys: ["w", "alt+l"], text: t("keys.write"), run: () => thread.box.focus() },
      { keys: ["/"], text: t("keys.search"), run: () => list.focusSearch() },
      { keys: ["q"], text: t("keys.filters"), run: () => list.toggleFilters() },
      ...(desk.mayAct ? handKeys() : []),
    ];
    bindKeys(bindings);
    return bindings;
  }

  /** For the picked lines, else for the line in focus or the open conversation. */
  function handKeys() {
    const here = (run) => () => (isAuditing() ? false : run(list.here()));
    return [
      {
        keys: ["x"],
        text: t("keys.pick"),
        run: (event) => {
          const id = list.here();
          if (!id || isAuditing()) return false;
          return event.shiftKey ? desk.picks.reach(id, desk.shownIds) : desk.picks.toggle(id);
        },
      },
      { keys: ["i"], text: t("keys.assign"), run: here(hand.assign) },
      { keys: ["m"], text: t("keys.mine"), run: here(hand.mine) },
      { keys: ["u"], text: t("keys.escalate"), run: here(hand.escalate) },
      { keys: ["c"], text: t("keys.close"), run: here(hand.close) },
      { keys: ["v"], text: t("keys.mark"), run: here(hand.mark) },
      { keys: ["h"], text: t("keys.tag"), run: here(hand.tag) },
      { keys: ["z"], text: t("keys.undo"), run: () => undo.undo() },
      { keys: ["d"], text: t("keys.duty"), run: () => void duty() },
    ];
  }

  function keysButton() {
    return h(
      "button",
      {
        class: "icon-button keys-button",
        type: "button",
        "aria-label": t("keys.title"),
        title: `${t("keys.title")} (?)`,
        "data-testid": "keys",
        onclick: () => showKeys(keys),
      },
      icon("keyboard"),
    );
  }

  let wasLost = false;
  listen("/v1/console/events", {
    onEvent: (name, data) => {
      if (["task", "records", "queue", "resync"].includes(name)) beside.reload();
      // A question that came meanwhile must not be closed with the others.
      if (name === "queue" && data.state === "asked" && undo.isWaiting(data.conversation_id)) undo.undo();
      if (!["task", "records"].includes(name)) desk.hear(name, data);
    },
    onState: (state, status) => {
      if (state === "refused") return status === 401 && toLogin();
      if (state === "lost") {
        wasLost = true;
        show(banner, h("div", { class: "banner", "data-testid": "offline" }, icon("warn"), t("offline")));
        return;
      }
      show(banner);
      if (!wasLost) return;
      wasLost = false;
      desk.streams.clear();
      desk.loadAll().then(() => toast(t("caught_up")));
    },
  });

  addEventListener("hashchange", follow);
  setInterval(tick, 1000);
  list.draw();
  thread.draw();
  draft.draw();
  follow();
  desk.loadList();
  desk.loadPeople().catch(toastProblem);
  desk.loadViews().catch(toastProblem);
}
