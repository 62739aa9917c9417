// Conversations change hands, one or many: given to a colleague, passed to a lead, closed, marked, tagged.

import { headers, post } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { topicText } from "/ui/shared/words.js";

/** `later(text, ids, run)` from the undo bar. */
export function hands(desk, later) {
  const find = (id) =>
    desk.conversations?.find((c) => c.id === id) ??
    (desk.detail?.conversation.id === id ? desk.detail.conversation : null);

  /** What the keys are about: the picked lines, else the one line. */
  const targets = (here) => (desk.picks.size > 0 ? [...desk.picks.ids] : here ? [here] : []);

  /** Sent after five seconds, or by a page that is being left. */
  function act(text, ids, body) {
    desk.picks.clear();
    later(text, ids, async ({ keepalive } = {}) => {
      const request = { ids, act: body };
      if (keepalive) return void keepalivePost(request);
      try {
        const { refused } = await post("/v1/console/bulk", request);
        if (refused.length > 0)
          toast(t("bulk_refused", { n: refused.length, why: t(`refused.${refused[0].code}`) }), "bad");
      } catch (problem) {
        toastProblem(problem);
      }
    });
  }

  const n = (ids) => ({ n: ids.length });

  function close(here) {
    const ids = targets(here);
    if (ids.length === 0) return false;
    act(t("bulk_done.close", n(ids)), ids, { kind: "close" });
  }

  /** Takes the marks away if all are marked. */
  function mark(here) {
    const ids = targets(here);
    if (ids.length === 0) return false;
    const marked = !ids.every((id) => find(id)?.marked);
    act(t(marked ? "bulk_done.mark" : "bulk_done.unmark", n(ids)), ids, { kind: "mark", marked });
  }

  async function tag(here) {
    const ids = targets(here);
    if (ids.length === 0) return false;
    const there = new Set(ids.flatMap((id) => find(id)?.tags ?? []));
    const split = (text) => [...new Set(String(text).split(/[,，\s]+/).filter(Boolean))];
    const body = await formDialog({
      title: t("tag_title", n(ids)),
      testid: "tag-dialog",
      yes: t("save"),
      fields: [
        field(
          "tags",
          t("tags"),
          h("input", { type: "text", maxlength: "400", list: "known-tags", value: [...there].join(" ") }),
          t("tags_hint"),
        ),
        h("datalist", { id: "known-tags" }, desk.tags.map((one) => h("option", { value: one }))),
      ],
      save: (data) => {
        const wanted = split(data.get("tags"));
        return {
          kind: "tag",
          add: wanted.filter((one) => !there.has(one)),
          remove: [...there].filter((one) => !wanted.includes(one)),
        };
      },
    });
    if (!body || body.add.length + body.remove.length === 0) return;
    act(t("bulk_done.tag", n(ids)), ids, body);
  }

  const needsReason = (ids) => ids.some((id) => ![undefined, desk.me.id].includes(find(id)?.assignee?.id));

  /** By name, or whoever has time; with a reason where it is a colleague's. */
  async function assign(here) {
    const ids = targets(here);
    if (ids.length === 0) return false;
    await desk.loadPeople().catch(toastProblem);
    const body = await formDialog({
      title: t("assign_title", n(ids)),
      testid: "assign-dialog",
      yes: t("assign"),
      fields: [
        h("fieldset", { class: "people" }, h("legend", {}, t("assign_to")), person(null), desk.agents.map(person)),
        field(
          "reason",
          t("reason"),
          h("input", { type: "text", maxlength: "500", required: needsReason(ids) }),
          t("reason_hint"),
        ),
      ],
      save: (data) => ({ account_id: data.get("to") || null, reason: data.get("reason").trim() }),
    });
    if (!body) return;
    const name = desk.agents.find((agent) => agent.id === body.account_id)?.name ?? t("whoever");
    act(t("bulk_done.assign", { ...n(ids), name }), ids, { kind: "assign", ...body });
  }

  function person(agent) {
    const skills = agent && [...agent.langs.map((lang) => t(`lang.${lang}`)), ...agent.topics.map(topicText)];
    return h(
      "label",
      { class: "person" },
      h("input", { type: "radio", name: "to", value: agent?.id ?? "", checked: !agent }),
      h(
        "span",
        { class: "grow" },
        agent ? agent.name : t("whoever_long"),
        agent &&
          h(
            "span",
            { class: "soft small" },
            ` ${[t("load", { n: agent.n_waiting }), ...(skills.length ? skills : [])].join(" · ")}`,
          ),
      ),
      agent?.is_lead && h("span", { class: "chip" }, t("lead")),
      agent && h("span", { class: `chip ${agent.on_duty ? "good" : ""}` }, t(agent.on_duty ? "duty.on" : "duty.off")),
    );
  }

  /** To oneself, at once; a colleague's only with a reason. */
  async function mine(here) {
    const ids = targets(here);
    if (ids.length === 0) return false;
    let reason = "";
    if (needsReason(ids)) {
      reason = await askReason(t("mine_title"));
      if (reason === null) return;
    }
    act(t("bulk_done.mine", n(ids)), ids, { kind: "assign", account_id: desk.me.id, reason });
  }

  async function askReason(title) {
    const said = await formDialog({
      title,
      testid: "reason-dialog",
      yes: t("go_on"),
      fields: [
        field("reason", t("reason"), h("input", { type: "text", maxlength: "500", required: true }), t("reason_hint")),
      ],
      save: (data) => ({ reason: data.get("reason").trim() }),
    });
    return said ? said.reason : null;
  }

  /** One key: the lead sees it at the front of the line. */
  async function escalate(here) {
    if (!here) return false;
    try {
      const item = await post(`/v1/console/conversations/${here}/escalate`, {});
      toast(t("escalated_to", { name: item.assignee?.name ?? "" }));
    } catch (problem) {
      toastProblem(problem);
    }
  }

  return { close, mark, tag, assign, mine, escalate };
}

/** For a page that is being left: nobody reads the answer. */
function keepalivePost(body) {
  fetch("/v1/console/bulk", {
    method: "POST",
    credentials: "same-origin",
    keepalive: true,
    headers: headers(null, { "Content-Type": "application/json" }),
    body: JSON.stringify(body),
  }).catch(() => {});
}
