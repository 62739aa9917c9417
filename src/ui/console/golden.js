// "Save as golden answer": a reply becomes a proposal that staff approve.

import { post } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";

/** Opens the dialog for a settled turn and the reply it got. Resolves to what was saved, or null. */
export function saveGolden(turn, reply) {
  const area = (name, value, rows) =>
    h("textarea", { name, rows, value, required: true, "data-testid": `golden-${name}` });
  return formDialog({
    title: t("save_golden"),
    wide: true,
    testid: "golden-dialog",
    yes: t("propose"),
    fields: [
      h("p", { class: "soft" }, t("save_golden_hint")),
      field("golden-question", t("question"), area("question", turn.question, "2")),
      field("golden-answer", t("golden_answer"), area("answer", reply, "7")),
    ],
    save: (data) =>
      post(`/v1/console/turns/${turn.id}/golden`, {
        question: data.get("question"),
        answer: data.get("answer"),
      }),
  });
}
