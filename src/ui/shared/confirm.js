// Before something dangerous the server asks for the password again; then the request is sent once more.

import { onPasswordNeeded, post } from "./api.js";
import { field, formDialog } from "./dialog.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";

/** Resolves to true if the password was given, to null if not. */
function askForPassword() {
  const password = h("input", {
    type: "password",
    name: "password",
    autocomplete: "current-password",
    required: true,
    "data-testid": "confirm-password",
  });
  const code = h("input", {
    type: "text",
    name: "code",
    autocomplete: "one-time-code",
    inputmode: "numeric",
    "data-testid": "confirm-code",
  });
  return formDialog({
    title: t("confirm.title"),
    testid: "confirm-dialog",
    yes: t("confirm.yes"),
    fields: [
      h("p", {}, t("confirm.text")),
      field("confirm-password", t("confirm.password"), password),
      field("confirm-code", t("confirm.code"), code, t("confirm.code_hint")),
    ],
    save: async (data) => {
      await post("/v1/me/confirm", { password: data.get("password"), code: data.get("code") || null });
      return true;
    },
  });
}

onPasswordNeeded(askForPassword);
