// When commitments are reminded of, escalated and summed up: read by all, settled by ops and owners.

import { get, put } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const minute = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

export async function showRules(box, { people, maySettle }) {
  try {
    draw(box, await get("/v1/commitments/rules"), { people, maySettle });
  } catch (problem) {
    show(box, sorry(problem, () => showRules(box, { people, maySettle })));
  }
}

function draw(box, rules, { people, maySettle }) {
  const field = (id, label, control) => {
    control.id = id;
    control.disabled = !maySettle;
    return h("div", { class: "field" }, h("label", { for: id }, label), control);
  };
  const minutes = (value) => h("input", { type: "number", min: "0", max: "2880", required: true, value });
  const remind = minutes(rules.remind_before_min);
  const escalate = minutes(rules.escalate_after_min);
  const nightly = h("input", { type: "time", required: true, value: clock(rules.nightly_at_min) });
  const ends = h("input", { type: "time", required: true, min: "01:00", value: clock(rules.day_ends_min) });
  const lead = h(
    "select",
    {},
    h("option", { value: "" }, t("rules.lead_owner")),
    people().map((person) => h("option", { value: person.id, selected: person.id === rules.lead }, person.name)),
  );
  const words = (value) => h("textarea", { rows: "2", maxlength: "500", value: value ?? "" });
  const [zh, en] = [words(rules.message_zh), words(rules.message_en)];
  const form = h(
    "form",
    { class: "stack" },
    h("h2", {}, t("rules.title")),
    h(
      "div",
      { class: "times" },
      field("remind", t("rules.remind_before_min"), remind),
      field("escalate", t("rules.escalate_after_min"), escalate),
      field("nightly", t("rules.nightly_at"), nightly),
      field("ends", t("rules.day_ends"), ends),
      field("lead", t("rules.lead"), lead),
    ),
    h("h3", {}, t("rules.message")),
    h("p", { class: "soft small" }, t("rules.message_more")),
    field("message-zh", t("rules.message_zh"), zh),
    field("message-en", t("rules.message_en"), en),
    maySettle && h("div", { class: "row" }, h("button", { class: "button primary", type: "submit", "data-testid": "save-rules" }, t("save"))),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = {
      ...rules,
      remind_before_min: Number(remind.value),
      escalate_after_min: Number(escalate.value),
      nightly_at_min: minute(nightly.value),
      day_ends_min: minute(ends.value),
      lead: lead.value || null,
      message_zh: zh.value.trim() || null,
      message_en: en.value.trim() || null,
    };
    try {
      rules = await put("/v1/commitments/rules", wanted);
      toast(t("rules.saved"));
    } catch (problem) {
      toastProblem(problem);
    }
  });
  show(box, form);
}
