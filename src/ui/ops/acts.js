// What can be done about a promise: prove it, end its proof, let a changed document count again, switch to automatic.

import { post, put } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

/** The acts on the scope `view`; after each, `done(answer)` is called with the dial as the server answers it. */
export function actions(view, policyNumber, done) {
  async function run(ask, said) {
    try {
      const answer = await ask();
      if (answer === null) return;
      toast(said(answer));
      done(answer);
    } catch (problem) {
      toastProblem(problem);
    }
  }
  const mine = (answer) => answer.scopes.find((each) => each.scope === view.scope);
  return {
    certify: () =>
      run(
        () => post("/v1/ops/dial/certify", { scope: view.scope, note: "", based_on: policyNumber }),
        (answer) => {
          const now = mine(answer);
          if (now?.state !== "certified") return t("said.not_proven");
          return t(now.certificate.id === view.certificate?.id ? "said.unchanged" : "said.proven");
        },
      ),
    verified: (doc) =>
      run(
        () => post(`/v1/ops/documents/${doc.document_id}/verified`, { note: "" }),
        () => t("said.verified", { name: doc.name }),
      ),
    toAuto: () =>
      run(
        () =>
          withNote(t("step.auto"), t("step.auto_text"), (note) =>
            put("/v1/ops/dial", {
              scope: view.scope,
              dial: view.dial,
              mode: "auto",
              note,
              based_on: policyNumber,
            }),
          ),
        () => t("saved"),
      ),
    voidIt: () =>
      run(
        () =>
          withNote(t("step.void_go"), t("step.void_text"), (note) =>
            post(`/v1/ops/certificates/${view.certificate.id}/void`, { note }),
          ),
        () => t("said.void"),
      ),
  };
}

/** Asks for a reason, then does it. Resolves to the answer, or null if it was called off. */
async function withNote(title, text, save) {
  let answer = null;
  await formDialog({
    title,
    yes: title,
    testid: "reason-dialog",
    fields: [
      h("p", {}, text),
      field(
        "reason",
        t("note"),
        h("input", { type: "text", maxlength: "500", required: true, autofocus: true }),
      ),
    ],
    save: async (data) => {
      answer = await save(data.get("reason").trim());
    },
  });
  return answer;
}
