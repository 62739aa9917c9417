// The lines of the list.

import { h } from "/ui/shared/dom.js";
import { t, when } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { confidenceChip, reasonText, topicText } from "/ui/shared/words.js";
import { slaClock } from "./clock.js";

/** `acts`: `open(id)`, `isPending(id)`. Each line is `{key, print, make()}`: what did not change is not drawn anew. */
export function rowMaker(desk, acts) {
  const isHere = (id) => (desk.tab === "audit" ? desk.auditId : desk.selected) === id;

  const line = (id, key, facts, attributes, ...children) => ({
    key,
    print: JSON.stringify([facts, isHere(id), desk.picks.has(id), acts.isPending(id)]),
    make: () =>
      h(
        "li",
        { class: acts.isPending(id) ? "pending" : null },
        desk.mayAct && desk.tab !== "audit" && pick(id),
        h(
          "button",
          {
            class: "item",
            type: "button",
            "data-key": key,
            "data-id": id,
            "aria-current": isHere(id) ? "true" : null,
            onclick: () => acts.open(id),
            ...attributes,
          },
          children.map((child) => child()),
        ),
      ),
  });

  const pick = (id) =>
    h(
      "label",
      { class: "pick" },
      h("input", {
        type: "checkbox",
        checked: desk.picks.has(id),
        "aria-label": t("pick"),
        "data-testid": "pick",
        onclick: (event) => (event.shiftKey ? desk.picks.reach(id, desk.shownIds) : desk.picks.toggle(id)),
      }),
    );

  const span = (name, ...children) => h("span", { class: name }, children);

  /** A held draft, where they are sorted by how sure they are. */
  const draftLine = (turn) =>
    line(
      turn.conversation_id,
      turn.id,
      [turn.version, turn.since],
      { "data-testid": "queue-item", "data-turn": turn.id, "data-state": turn.state },
      () => span("line", stateChip(turn), span("grow"), slaClock(turn.since, null)),
      () => span("what", turn.question),
      () => span("line", confidenceChip(turn.confidence), span("why", whyText(turn))),
    );

  /** Blind: nothing here tells how sure the assistant was. */
  const auditLine = (audit) =>
    line(
      audit.id,
      audit.id,
      [audit.question],
      { "data-testid": "audit-item", "data-audit": audit.id },
      () => span("what", audit.question),
      () => span("line", span("why grow", topicText(audit.topic)), span("time", when(audit.asked_at_ms))),
    );

  function conversationLine(c) {
    const turn = c.newest_turn;
    const there = desk.watch.of(c.id);
    const isReview = desk.tab === "review";
    const name = isReview ? { "data-testid": "queue-item", "data-turn": turn?.id, "data-state": turn?.state } : {};
    return line(
      c.id,
      c.id,
      [c, there.map((one) => [one.name, one.doing])],
      { "data-testid": "conversation-item", "data-conversation": c.id, ...name },
      () =>
        span(
          "line",
          c.closed ? h("span", { class: "chip" }, t("closed")) : turn && stateChip(turn),
          c.simulated && h("span", { class: "chip", "data-testid": "simulated" }, t("simulated")),
          span("grow"),
          c.waiting_since_ms === null
            ? span("time", when(c.updated_at_ms))
            : slaClock(c.waiting_since_ms, c.clock),
        ),
      () => span("what", c.waiting_since_ms !== null && turn ? turn.question : lastText(c)),
      () =>
        span(
          "line",
          turn?.state === "review" && confidenceChip(turn.confidence),
          span("why", turn && !c.closed && turn.reasons.length ? whyText(turn) : topicText(turn?.topic)),
          span("grow"),
          c.marked && h("span", { class: "marked", role: "img", "aria-label": t("marked") }, "★"),
          span("whose", icon("person"), span("name", c.assignee ? c.assignee.name : t("nobodys"))),
        ),
      () =>
        (c.tags.length > 0 || there.length > 0 || c.escalated) &&
        span(
          "line tags",
          c.escalated && h("span", { class: "chip bad" }, t("escalated")),
          there.map((one) => h("span", { class: "chip info" }, t(`watch.${one.doing}`, { name: one.name }))),
          c.tags.map((tag) => h("span", { class: "chip" }, tag)),
        ),
    );
  }

  return { draftLine, auditLine, conversationLine };
}

const whyText = (turn) => (turn.reasons[0] && turn.state !== "asked" ? reasonText(turn.reasons[0]) : topicText(turn.topic));

function lastText(c) {
  const last = c.last_message;
  if (!last) return t("no_messages");
  return `${t(`author.${last.author}`)}: ${last.author === "notice" ? t(`notice.${last.text}`) : last.text}`;
}

/** The state of a turn as a chip. */
export function stateChip(turn) {
  const kind = {
    asked: "info",
    review: "warn",
    escalated: "bad",
    replied: "good",
    rejected: "bad",
    superseded: "",
  }[turn.state];
  return h("span", { class: `chip ${kind}` }, t(`state.${turn.state}`));
}
