// What a shift leaves, as a page that can be read, printed and handed on.

import { h, show } from "/ui/shared/dom.js";
import { dateTime, duration, number, t } from "/ui/shared/i18n.js";

const FIGURES = ["asked", "by_assistant", "by_people", "unanswered", "committed", "kept"];

export function drawHandover(box, one) {
  const chat = (id, text) => h("a", { href: `/console#/c/${id}` }, text);
  const part = (key, lines) => [
    h("h3", {}, t(`shifts.${key}`), " ", h("span", { class: "chip" }, number(lines.length))),
    lines.length > 0 ? h("ul", { "data-testid": key }, lines.map((line) => h("li", {}, line))) : h("p", { class: "soft" }, t("shifts.none")),
  ];
  const soft = (...texts) => h("span", { class: "soft small" }, " · ", texts.filter(Boolean).join(" · "));
  show(
    box,
    h("h2", {}, `${one.shift_name} · ${dateTime(one.began_at_ms)} – ${dateTime(one.ended_at_ms)}`),
    h("p", { class: "soft" }, one.id ? (one.author ?? t("shifts.by_server")) : t("shifts.live")),
    one.note && h("p", { class: "note" }, one.note),
    h("dl", { class: "figures", "aria-label": t("shifts.numbers") }, FIGURES.map((each) => h("div", {}, h("dt", {}, t(`shifts.${each}`)), h("dd", {}, number(one.numbers[each]))))),
    part(
      "waiting",
      one.waiting.map((each) => [chat(each.conversation_id, each.said), soft(t("shifts.since", { time: duration(one.ended_at_ms - each.since_ms) }), each.agent)]),
    ),
    part(
      "commitments",
      one.commitments.map((each) => [
        h("strong", {}, t(`commitment_kind.${each.kind}`), " "),
        chat(each.conversation_id, each.what),
        soft(t("shifts.due", { time: dateTime(each.due_at_ms) }), each.owner?.name, each.state !== "open" && t(`commitment_state.${each.state}`)),
      ]),
    ),
    part("angry", one.angry.map((each) => [chat(each.conversation_id, each.said), soft(t(`angry.${each.because}`))])),
    part("new_questions", one.new_questions.map((each) => [chat(each.conversation_id, each.question), soft(t("shifts.times", { n: each.n_asked }))])),
    part("changed", [
      ...one.documents.map((each) => h("a", { href: `/knowledge#/documents/${each.id}` }, each.name)),
      ...one.policies.map((each) => [t("shifts.policy", { n: each.number }), soft(each.note, each.author)]),
    ]),
    one.n_gone > 0 && h("p", { class: "soft small" }, t("shifts.gone", { n: one.n_gone })),
  );
}
