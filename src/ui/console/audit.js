// The check: an answer that has gone out, read blind. How sure the assistant was, and who sent it, comes after the label.

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { t, when } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { keycaps } from "/ui/shared/keys.js";
import { withCitations } from "/ui/shared/spans.js";
import { confidenceChip, confidenceText, topicText } from "/ui/shared/words.js";
import { citations } from "./card.js";

/** What a checker can say, and the key for it. */
export const FINDINGS = [
  { outcome: "accept", key: "a" },
  { outcome: "edit_style", key: "s" },
  { outcome: "edit_fact", key: "f" },
  { outcome: "reject_wrong", key: "1" },
  { outcome: "reject_should_not_answer", key: "2" },
  { outcome: "reject_tone", key: "3" },
];

/** `acts`: `label(audit, outcome, note)` → what the server says to it, or null; `next()`, `open(id)`, `back()`. */
export function auditPane(desk, acts) {
  const body = h("div", { class: "audit-body", "data-testid": "audit-card" });
  const node = h("section", { class: "pane audit", "aria-label": t("tab.audit") }, body);
  const note = h("input", {
    type: "text",
    id: "audit-note",
    maxlength: "500",
    placeholder: t("reject_note"),
  });
  let shown = null; // The audit on the card.
  let found = null; // What came back for it, with what was hidden until then.

  function draw() {
    const { audit } = desk;
    if (audit === shown && body.hasChildNodes()) return;
    // A labelled answer stays on the card until somebody moves on.
    if (found && audit === null) return;
    [shown, found] = [audit, null];
    note.value = "";
    redraw();
  }

  function redraw() {
    show(
      body,
      h(
        "div",
        { class: "only-small" },
        h("button", { class: "button compact", type: "button", onclick: acts.back }, icon("back"), t("back")),
      ),
      shown ? card() : blank(),
    );
  }

  const blank = () =>
    h(
      "div",
      { class: "empty" },
      icon("check"),
      h("strong", {}, t(desk.checks.length ? "audit.pick" : "empty.audit")),
      h("p", {}, t(desk.checks.length ? "audit.pick_more" : "empty.audit_more")),
    );

  const card = () => [
    h(
      "div",
      { class: "row apart" },
      h(
        "div",
        { class: "row" },
        h("span", { class: "chip info" }, t("audit.chip")),
        h("span", { class: "chip" }, topicText(shown.topic)),
        h("span", { class: "chip" }, t(`lang.${shown.lang}`)),
      ),
      h("span", { class: "time" }, when(shown.asked_at_ms)),
    ),
    h(
      "div",
      {},
      h("h2", { class: "label" }, t("question")),
      h("p", { class: "question pre" }, shown.question),
    ),
    h(
      "div",
      {},
      h("h2", { class: "label" }, t("audit.answer")),
      h(
        "div",
        { class: "draft-text pre", dir: "auto", "data-testid": "audit-answer" },
        withCitations(shown.answer, () => null),
      ),
    ),
    citations({ id: shown.turn_id, citations: shown.citations }),
    found ? result() : asking(),
  ];

  const asking = () =>
    h(
      "div",
      { class: "stack tight", role: "group", "aria-label": t("audit.ask") },
      h("h2", { class: "ask" }, t("audit.ask")),
      h("p", { class: "small soft" }, t("audit.blind")),
      h(
        "div",
        { class: "findings" },
        FINDINGS.map(({ outcome, key }) =>
          h(
            "button",
            {
              class: "button choice",
              type: "button",
              disabled: !desk.mayAct,
              "data-testid": `found-${outcome}`,
              onclick: () => label(outcome),
            },
            keycaps(key),
            t(`found.${outcome}`),
          ),
        ),
      ),
      h("label", { class: "hidden-text", for: "audit-note" }, t("reject_note")),
      note,
    );

  function result() {
    const isBad = found.is_loss && found.was_auto_sent;
    return h(
      "div",
      { class: "stack tight", role: "status", "data-testid": "audit-result" },
      h(
        "p",
        { class: `note ${found.is_loss ? "bad" : "good"}` },
        icon(found.is_loss ? "warn" : "check"),
        h(
          "span",
          {},
          h("strong", { class: "block" }, t(`found.${found.outcome}`)),
          t(found.was_auto_sent ? "audit.was_sent" : "audit.was_accepted"),
        ),
      ),
      found.confidence !== null &&
        h("p", { class: "row" }, confidenceText(found.confidence), confidenceChip(found.confidence)),
      found.watch &&
        found.watch !== "calm" &&
        h("p", { class: "note warn" }, icon("warn"), t(`watch.${found.watch}`)),
      h(
        "div",
        { class: "row" },
        isBad &&
          h(
            "button",
            {
              class: "button primary",
              type: "button",
              "data-testid": "tell-buyer",
              onclick: () => acts.open(found.conversation_id),
            },
            icon("edit"),
            t("audit.tell"),
          ),
        found.n_open > 0
          ? h(
              "button",
              {
                class: isBad ? "button" : "button primary",
                type: "button",
                "data-testid": "audit-next",
                onclick: acts.next,
              },
              t("audit.next", { n: found.n_open }),
              keycaps("n"),
            )
          : h("span", { class: "soft" }, t("audit.done")),
      ),
    );
  }

  async function label(outcome) {
    if (!shown || found || !desk.mayAct) return false;
    const audit = shown;
    const answer = await acts.label(audit, outcome, note.value.trim());
    if (!answer || shown !== audit) return;
    found = { ...answer, confidence: null };
    redraw();
    body.querySelector("[data-testid=tell-buyer], [data-testid=audit-next]")?.focus();
    found.confidence = await confidenceOf(audit, answer.conversation_id);
    if (shown === audit) redraw();
  }

  return { node, draw, label };
}

/** How sure the assistant had been; only asked for once the label is written. */
async function confidenceOf(audit, conversation) {
  try {
    const { turns } = await get(`/v1/console/conversations/${conversation}`);
    return turns.find((turn) => turn.id === audit.turn_id)?.confidence ?? null;
  } catch {
    return null; // The label is safe; only the curiosity goes unanswered.
  }
}
