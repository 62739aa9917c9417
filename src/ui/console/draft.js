// The right pane: the draft, how far it can be trusted, why it was held, and what to do with it.

import { h, show } from "/ui/shared/dom.js";
import { duration, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { keycaps } from "/ui/shared/keys.js";
import { moodChip, soothing } from "/ui/shared/mood.js";
import { topicText } from "/ui/shared/words.js";
import { citations, confidence, reading, reasons } from "./card.js";
import { kindChoice, rejectChoice } from "./choices.js";
import { draftEditor } from "./editor.js";
import { stateChip, waitClock } from "./list.js";

/**
 * `acts`: `accept()`, `edit(text, kind)`, `editKind(turn, text)`, `reject(reason, note)`, `saveGolden(turn)`,
 * `begin(text)`, `next()`, `back()`, `isBusy()`, `keep(text)`, `kept()`.
 */
export function draftPane(desk, acts) {
  const body = h("div", { class: "draft-body", "data-testid": "draft-card" });
  const title = h("h2", { class: "hidden-text" }, t("draft"));
  const node = h("section", { class: "pane draft", "aria-label": t("draft") }, title, body);
  const stream = h("div", { class: "draft-text pre", "aria-live": "off", "data-testid": "draft-stream" });
  let mode = "read"; // "read" | "edit" | "kind" | "reject"
  let shown = "";
  const begun = new Map(); // Turn → an edit that was begun; moving about must not lose it.
  let editor = null;
  let note = null;
  let proposal = null; // What the server makes of the edit `proposal.text`.

  function draw() {
    const turn = desk.turn;
    const key = turn ? JSON.stringify(turn) : "";
    if (turn && turn.state === "asked") drawStream();
    // While somebody edits, the card stays as it is; only a turn that is gone takes it away.
    if (mode !== "read" && turn?.state === "review" && shown && JSON.parse(shown).id === turn.id) return;
    if (key === shown && turn) return;
    if (["edit", "kind"].includes(mode) && !acts.isBusy() && rescue()) acts.kept();
    mode = "read";
    shown = key;
    redraw();
  }

  function redraw() {
    const turn = desk.turn;
    show(
      body,
      h(
        "div",
        { class: "only-small" },
        h(
          "button",
          { class: "button compact", type: "button", onclick: acts.back },
          icon("back"),
          t("conversation"),
        ),
      ),
      turn ? card(turn) : blank(),
    );
  }

  const blank = () =>
    h(
      "div",
      { class: "empty" },
      icon("spark"),
      h("p", {}, desk.selected && desk.detail ? t("no_turn") : t("no_draft")),
    );

  function card(turn) {
    return [
      h(
        "div",
        { class: "row apart" },
        h(
          "div",
          { class: "row" },
          stateChip(turn),
          h("span", { class: "chip" }, topicText(turn.topic)),
          h("span", { class: "chip" }, t(`lang.${turn.lang}`)),
          moodChip(turn.mood),
          turn.golden && h("span", { class: "chip good", "data-testid": "golden-chip" }, t("golden_chip")),
        ),
        desk.isTurnOpen && waitClock(turn.created_at_ms),
      ),
      h(
        "div",
        {},
        h("h3", { class: "label" }, t("question")),
        h("p", { class: "question pre" }, turn.question),
      ),
      turn.state === "asked" ? writing() : decided(turn),
    ];
  }

  function writing() {
    drawStream();
    return h(
      "div",
      { class: "stack tight" },
      h("p", { class: "soft row" }, h("span", { class: "spinner", "aria-hidden": "true" }), t("writing")),
      stream,
    );
  }

  function drawStream() {
    const text = desk.streams.get(desk.turn?.id) ?? "";
    show(stream, text, h("span", { class: "caret", "aria-hidden": "true" }));
    stream.hidden = text === "";
  }

  function decided(turn) {
    const isReview = turn.state === "review" && desk.mayAct && turn.draft;
    return [
      turn.draft && confidence(turn),
      turn.golden &&
        h(
          "p",
          { class: "note" },
          icon("spark"),
          h("span", {}, t("golden_met", { question: turn.golden.question })),
        ),
      reasons(turn),
      turn.state === "rejected" &&
        h("p", { class: "note warn" }, icon("edit"), h("span", {}, t("rejected_hint"))),
      turn.state === "superseded" &&
        h("p", { class: "note" }, icon("info"), h("span", {}, t("superseded_hint"))),
      turn.draft
        ? mode === "edit" && isReview
          ? editing(turn).node
          : mode === "kind" && isReview
            ? h("div", {}, h("h3", { class: "label" }, t("changes")), editor.changes)
            : reading(turn)
        : ["review", "escalated"].includes(turn.state) &&
          h("p", { class: "note" }, icon("person"), h("span", {}, t("no_draft_escalated"))),
      isReview && mode === "kind" && kinds(),
      citations(turn),
      desk.isTurnOpen &&
        desk.mayAct &&
        mode === "read" &&
        soothing(turn, (sentence) => acts.begin(`${sentence}\n${turn.draft ?? ""}`.trim())),
      isReview && mode === "read" && actions(),
      isReview && mode === "reject" && rejecting(),
      !isReview && desk.mayAct && after(turn),
      turn.ms?.total > 0 &&
        h("p", { class: "soft small" }, t("took", { time: duration(turn.ms.total), version: turn.version })),
    ];
  }

  function after(turn) {
    const next = desk.nextWaiting();
    return h(
      "div",
      { class: "row" },
      turn.state === "replied" &&
        h(
          "button",
          {
            class: "button",
            type: "button",
            "data-testid": "save-golden",
            onclick: () => acts.saveGolden(turn),
          },
          icon("spark"),
          t("save_golden"),
          keycaps("g"),
        ),
      turn.draft &&
        ["escalated", "rejected"].includes(turn.state) &&
        h(
          "button",
          {
            class: "button",
            type: "button",
            "data-testid": "use-draft",
            onclick: () => acts.begin(turn.draft),
          },
          icon("edit"),
          t("use_draft"),
        ),
      next &&
        h(
          "button",
          { class: "button", type: "button", "data-testid": "next", onclick: acts.next },
          t("next"),
          keycaps("n"),
        ),
    );
  }

  function actions() {
    const button = (kind, id, run, label, combo) =>
      h(
        "button",
        { class: `button ${kind}`, type: "button", "data-testid": id, onclick: run },
        label,
        keycaps(combo),
      );
    return h(
      "div",
      { class: "row actions" },
      button("primary", "accept", acts.accept, t("accept"), "mod+enter"),
      button("", "edit", startEdit, t("edit"), "e"),
      button("danger", "reject", startReject, t("reject"), "r"),
    );
  }

  function rejecting() {
    const choice = rejectChoice({ reject: acts.reject, leave });
    note = choice.note;
    return choice.node;
  }

  /** The edit is written; what kind it was is asked before it goes. */
  const kinds = () =>
    kindChoice(proposal?.text === editor.read() ? proposal : null, {
      send: (kind) => acts.edit(editor.read(), kind),
      back: startEdit,
    });

  function editing(turn) {
    editor = draftEditor(turn.draft, begun.get(turn.id) ?? turn.draft, {
      typed: (text) => (text === turn.draft ? begun.delete(turn.id) : begun.set(turn.id, text)),
      propose: (text) => propose(turn, text),
      send: askKind,
      leave: () => (begun.delete(turn.id), leave()),
    });
    if (proposal?.text === editor.read()) editor.say(proposal);
    return editor;
  }

  /** Saves an edit whose turn somebody else has settled: it moves to the field for own words. */
  function rescue() {
    const id = shown && JSON.parse(shown).id;
    const text = begun.get(id);
    begun.delete(id);
    if (!text) return false;
    acts.keep(text);
    return true;
  }

  const canAct = () => desk.turn?.state === "review" && desk.mayAct && desk.turn.draft;
  function startEdit() {
    if (!canAct()) return false;
    mode = "edit";
    redraw();
    editor.box.focus();
  }
  function startReject() {
    if (!canAct()) return false;
    mode = "reject";
    redraw();
    body.querySelector(".choice")?.focus();
  }
  async function propose(turn, text) {
    try {
      const { kind, because } = await acts.editKind(turn, text);
      proposal = { text, kind, because };
    } catch {
      proposal = null; // Without a proposal people choose by themselves.
    }
    if (editor?.read() !== text) return;
    if (mode === "edit") editor.say(proposal);
    else if (mode === "kind" && proposal) redraw();
  }
  /** An unchanged draft is accepted; a changed one is asked about. */
  function askKind() {
    const text = editor.read();
    if (!text) return false;
    if (text === desk.turn.draft) return acts.accept();
    if (proposal?.text !== text) propose(desk.turn, text);
    mode = "kind";
    redraw();
    (body.querySelector(".choice.primary") ?? body.querySelector(".choice"))?.focus();
  }
  function leave() {
    if (mode === "kind") return startEdit();
    if (mode === "read") return false;
    mode = "read";
    redraw();
    body.querySelector("[data-testid=accept]")?.focus();
  }
  function toggleDiff() {
    if (mode !== "edit") return false;
    editor.toggleDiff();
  }

  return {
    node,
    draw,
    drawStream,
    startEdit,
    startReject,
    leave,
    toggleDiff,
    askKind,
    rescue,
    /** Before another conversation, or after a decision: back to reading. */
    reset: () => ((mode = "read"), (shown = "")),
    /** The draft is settled: forget the edit. */
    settle: (turn) => begun.delete(turn?.id),
    get mode() {
      return mode;
    },
    get edited() {
      return editor?.read() ?? "";
    },
    get proposed() {
      return proposal?.text === editor?.read() ? proposal.kind : undefined;
    },
    get note() {
      return note?.value.trim() ?? "";
    },
  };
}
