// The lower half: how far the draft is, the draft with its sources, and what became of it.

import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { keycaps } from "/ui/shared/keys.js";
import { moodChip, soothing } from "/ui/shared/mood.js";
import { topicText } from "/ui/shared/words.js";
import { citations, confidence, reading, reasons } from "/ui/console/card.js";
import { REJECT_REASONS, rejectChoice } from "/ui/console/choices.js";

/** The draft as it is pasted elsewhere: marks of citations lead nowhere there. */
export const plain = (text) => (text ?? "").replace(/ ?\[\d{1,2}\]/g, "").trim();

const STAGES = ["received", "searching", "writing", "checked"];

/** `acts`: `used()`, `edited(text)`, `rejected(reason, note)`, `copy(text)`. */
export function draftCard(acts) {
  const node = h("section", { class: "card draft-card", "aria-label": t("draft"), "data-testid": "draft", hidden: true });
  const stages = h("ol", { class: "stages", role: "list", "aria-label": t("progress"), "data-testid": "stages" });
  const spoken = h("p", { class: "hidden-text", role: "status" });
  const stream = h("div", { class: "draft-text pre", hidden: true, "data-testid": "stream" });
  let draft = null;
  let mode = "read"; // "read" | "edit" | "reject"
  let box = null;
  let note = null;

  function draw(next, written = "") {
    if (next?.id !== draft?.id || next?.version !== draft?.version) mode = "read";
    draft = next;
    node.hidden = !draft;
    if (!draft) return;
    const isWaiting = draft.state === "asked";
    drawStages(isWaiting ? (written ? 2 : 1) : 4);
    show(
      node,
      spoken,
      isWaiting && stages,
      h("p", { class: "question pre", "data-testid": "question" }, draft.question),
      isWaiting ? waiting(written) : decided(),
    );
    spoken.textContent = isWaiting ? t("stage.writing_now") : draft.draft ? t("stage.ready") : t("no_draft_here");
  }

  function drawStages(n_done) {
    show(
      stages,
      STAGES.map((stage, at) =>
        h(
          "li",
          { class: at < n_done ? "done" : at === n_done ? "now" : "", "aria-current": at === n_done ? "step" : null },
          t(`stage.${stage}`),
        ),
      ),
    );
  }

  const waiting = (written) => {
    fillStream(written);
    return [
      h(
        "p",
        { class: "soft row" },
        h("span", { class: "spinner", "aria-hidden": "true" }),
        draft.n_before > 0 ? t("before", { n: draft.n_before }) : t("stage.writing_now"),
      ),
      stream,
    ];
  };

  function fillStream(text) {
    stream.hidden = !text;
    show(stream, text, h("span", { class: "caret", "aria-hidden": "true" }));
  }

  const isOpen = () => draft && ["review", "escalated"].includes(draft.state);

  function decided() {
    // That an agent copies it goes without saying here.
    const doubts = draft.reasons.filter((code) => code !== "copied_by_hand");
    return [
      h(
        "div",
        { class: "row" },
        h("span", { class: "chip accent" }, t(`platform.${draft.platform}`)),
        h("span", { class: "chip" }, topicText(draft.topic)),
        moodChip(draft.mood),
        draft.outcome && h("span", { class: "chip good", "data-testid": "outcome" }, t(`outcome.${draft.outcome}`)),
      ),
      isOpen() && soothing(draft, (sentence) => startEdit(`${sentence}\n${plain(draft.draft)}`.trim())),
      draft.draft
        ? [mode === "edit" ? editing() : reading(draft), confidence(draft), mode === "read" && isOpen() && actions()]
        : [
            h("p", { class: "note warn" }, icon("person"), h("span", {}, t("no_draft_here"))),
            isOpen() && (mode === "edit" ? editing() : ownWords()),
          ],
      mode === "reject" && isOpen() && rejecting(),
      doubts.length > 0 && h("div", { class: "small" }, reasons({ ...draft, reasons: doubts })),
      citations(draft),
    ];
  }

  const button = (kind, id, run, label, key) =>
    h(
      "button",
      { class: `button ${kind}`, type: "button", "data-testid": id, onclick: run },
      h("span", {}, label),
      h("span", { class: "caps" }, keycaps(key)),
    );

  const actions = () =>
    h(
      "div",
      { class: "acts" },
      button("primary", "use", acts.used, t("use"), "1"),
      button("", "change", startEdit, t("change"), "2"),
      button("danger", "refuse", startReject, t("refuse"), "3"),
      button("quiet", "copy", () => acts.copy(plain(draft.draft)), t("copy"), "c"),
    );

  const ownWords = () => h("div", { class: "acts" }, button("", "change", startEdit, t("own_words"), "2"));

  function editing() {
    return h(
      "div",
      { class: "stack tight" },
      h("label", { class: "label", for: "edit" }, t("edit_hint")),
      box,
      h(
        "div",
        { class: "acts two" },
        button("primary", "edit-done", finish, t("edit_done"), "mod+enter"),
        button("", "edit-leave", leave, t("cancel"), "escape"),
      ),
    );
  }

  function startEdit(text) {
    if (!isOpen()) return false;
    const begun = typeof text === "string" ? text : plain(draft.draft);
    box = h("textarea", { id: "edit", class: "edit", rows: "6", value: begun, "data-testid": "edit-text" });
    mode = "edit";
    redraw();
    box.focus();
  }

  function startReject() {
    if (!isOpen() || !draft.draft) return false;
    mode = "reject";
    redraw();
    node.querySelector(".choice")?.focus();
  }

  function rejecting() {
    const choice = rejectChoice({ reject: acts.rejected, leave });
    note = choice.note;
    return choice.node;
  }

  const finish = () => void acts.edited(box.value.trim());
  const redraw = () => draw(draft);
  function leave() {
    if (mode === "read") return false;
    mode = "read";
    redraw();
    node.querySelector(".acts .button")?.focus();
  }

  return {
    node,
    draw,
    stream(text) {
      drawStages(2);
      fillStream(text);
    },
    leave,
    finish,
    /** One key, one outcome; while refusing, one key, one reason. */
    choose(n) {
      if (mode === "reject") return REJECT_REASONS[n - 1] ? void acts.rejected(REJECT_REASONS[n - 1], note.value.trim()) : false;
      if (mode !== "read" || !isOpen()) return false;
      if (n === 1) return draft.draft ? void acts.used() : false;
      if (n === 2) return startEdit();
      return n === 3 ? startReject() : false;
    },
    get mayUse() {
      return Boolean(draft?.draft && isOpen());
    },
    get isEditing() {
      return mode === "edit";
    },
    get isOpen() {
      return mode !== "read";
    },
  };
}
