// The right pane: the draft, how far it can be trusted, why it was held, and what to do with it.

import { h, show } from "/ui/shared/dom.js";
import { duration, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { keycaps } from "/ui/shared/keys.js";
import { topicText } from "/ui/shared/words.js";
import { citations, confidence, reading, reasons } from "./card.js";
import { draftEditor } from "./editor.js";
import { stateChip, waitClock } from "./list.js";

export const REJECT_REASONS = ["wrong", "should_not_answer", "tone", "other"];

/**
 * `acts`: `accept()`, `edit(text)`, `reject(reason, note)`, `begin(text)`, `next()`,
 * `saveGolden(turn)`, `back()`, `isBusy()`, `keep(text)`,
 * `kept()`.
 */
export function draftPane(desk, acts) {
  const body = h("div", { class: "draft-body", "data-testid": "draft-card" });
  const node = h("section", { class: "pane draft", "aria-label": t("draft") }, body);
  const stream = h("div", { class: "draft-text pre", "aria-live": "off", "data-testid": "draft-stream" });
  let mode = "read"; // "read" | "edit" | "reject"
  let shown = "";
  const begun = new Map(); // Turn → an edit that was begun; moving about must not lose it.
  let editor = null;
  let note = null;

  function draw() {
    const turn = desk.turn;
    const key = turn ? JSON.stringify(turn) : "";
    if (turn && turn.state === "asked") drawStream();
    // While somebody edits, the card stays as it is; only a turn that is gone takes it away.
    if (mode !== "read" && turn?.state === "review" && shown && JSON.parse(shown).id === turn.id) return;
    if (key === shown && turn) return;
    if (mode === "edit" && !acts.isBusy() && rescue()) acts.kept();
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
    const isReview = turn.state === "review" && desk.mayAct;
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
          : reading(turn)
        : turn.state === "escalated" &&
          h("p", { class: "note" }, icon("person"), h("span", {}, t("no_draft_escalated"))),
      citations(turn),
      isReview && mode === "read" && actions(),
      isReview && mode === "reject" && rejecting(),
      !isReview && desk.mayAct && after(turn),
      turn.ms?.total &&
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
    note = h("input", { type: "text", id: "reject-note", maxlength: "500", placeholder: t("reject_note") });
    return h(
      "div",
      { class: "rejecting stack tight", role: "group", "aria-label": t("reject_why") },
      h("h3", {}, t("reject_why")),
      h("label", { class: "hidden-text", for: "reject-note" }, t("reject_note")),
      REJECT_REASONS.map((reason, i) =>
        h(
          "button",
          {
            class: "button reason",
            type: "button",
            "data-testid": `reject-${reason}`,
            onclick: () => acts.reject(reason, note.value.trim()),
          },
          keycaps(String(i + 1)),
          t(`reject.${reason}`),
        ),
      ),
      note,
      h("button", { class: "button quiet", type: "button", onclick: leave }, t("cancel"), keycaps("escape")),
    );
  }

  function editing(turn) {
    editor = draftEditor(turn.draft, begun.get(turn.id) ?? turn.draft, {
      typed: (text) => (text === turn.draft ? begun.delete(turn.id) : begun.set(turn.id, text)),
      send: acts.edit,
      leave: () => (begun.delete(turn.id), leave()),
    });
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

  const canAct = () => desk.turn?.state === "review" && desk.mayAct;
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
    body.querySelector(".reason")?.focus();
  }
  function leave() {
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
    get note() {
      return note?.value.trim() ?? "";
    },
  };
}
