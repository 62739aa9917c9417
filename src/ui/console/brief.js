// Three lines for whoever takes a conversation over, all quotes or facts of the record, and who else is there.

import { h } from "/ui/shared/dom.js";
import { dateTime, t, when } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { taskKind } from "/ui/shared/tasks.js";

/** Open by itself where the reader has just become the one who answers. */
export function briefBox(detail, me) {
  const { conversation: c, brief } = detail;
  if (brief.wants.length === 0) return null;
  const isTaken = c.handler === "agent" && c.agent?.id === me.id;
  return h(
    "details",
    { class: "brief", "data-testid": "brief", open: isTaken || c.escalated, "data-key": "brief" },
    h("summary", { "data-key": "brief-summary" }, t("brief")),
    h(
      "dl",
      {},
      line("wants", brief.wants.map(quote)),
      line("tried", [h("span", {}, tried(brief)), brief.last_reply && quote(brief.last_reply)]),
      line("promised", [
        ...brief.promised.map(quote),
        ...brief.tasks.map((task) =>
          h("span", {}, t("brief.task", { kind: taskKind(task.kind), time: dateTime(task.due_at_ms) })),
        ),
        brief.promised.length + brief.tasks.length === 0 && h("span", { class: "soft" }, t("brief.no_promise")),
      ]),
    ),
  );
}

const line = (name, content) => [h("dt", {}, t(`brief.${name}`)), h("dd", {}, content)];

const quote = ({ text, at_ms: at }) => h("q", { dir: "auto", title: when(at) }, text);

function tried({ n_by_assistant: auto, n_by_people: people, n_rejected: rejected }) {
  if (auto + people === 0) return t("brief.nothing");
  const parts = [
    auto > 0 && t("brief.by_assistant", { n: auto }),
    people > 0 && t("brief.by_people", { n: people }),
    rejected > 0 && t("brief.rejected", { n: rejected }),
  ];
  return parts.filter(Boolean).join(t("brief.and"));
}

/** "Li Wei is writing in this conversation." */
export function thereBox(desk) {
  return h(
    "p",
    { class: "there", role: "status", "data-testid": "there" },
    desk.watch.of(desk.selected).map((one) => [icon("person"), t(`there.${one.doing}`, { name: one.name }), " "]),
  );
}

/** That it changed hands: between the messages, for agents only. */
export const transferNote = (one) =>
  h(
    "div",
    { class: "notice inside", "data-testid": "transfer" },
    h(
      "span",
      {},
      t(one.by ? `transfer.${one.kind}` : "transfer.auto", { by: one.by ?? "", to: one.to }),
      one.reason && `${t("transfer.why")}${one.reason}`,
    ),
    " ",
    h("time", { class: "time" }, when(one.created_at_ms)),
    h("span", { class: "hidden-text" }, t("transfer.inside")),
  );
