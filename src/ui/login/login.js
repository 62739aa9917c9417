// Signing in: email and password, then back to where one wanted to go.

import { post } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { field } from "/ui/shared/dialog.js";
import { addTexts, t } from "/ui/shared/i18n.js";
import { wanted } from "/ui/shared/next.js";
import { publicBar } from "/ui/shared/public.js";
import en from "./en.js";
import zh from "./zh.js";

addTexts({ zh, en });
document.title = `${t("sign_in")} · kefu`;

const HOMES = { agent: "/console", staff: "/knowledge", ops: "/ops", owner: "/console" };

const email = h("input", {
  type: "email",
  name: "email",
  autocomplete: "username",
  required: true,
  autofocus: true,
  "data-testid": "email",
});
const password = h("input", {
  type: "password",
  name: "password",
  autocomplete: "current-password",
  required: true,
  "data-testid": "password",
});
const code = h("input", {
  type: "text",
  name: "code",
  inputmode: "numeric",
  autocomplete: "one-time-code",
  "data-testid": "code",
});
const codeField = field("code", t("code"), code, t("code_hint"));
codeField.hidden = true;
const error = h("p", { class: "note bad", role: "alert", hidden: true, "data-testid": "login-error" });
const button = h(
  "button",
  { class: "button primary", type: "submit", "data-testid": "sign-in" },
  t("sign_in"),
);
const form = h(
  "form",
  { class: "stack" },
  field("email", t("email"), email),
  field("password", t("password"), password),
  codeField,
  error,
  button,
);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  error.hidden = true;
  try {
    const { account } = await post("/v1/login", {
      email: email.value.trim(),
      password: password.value,
      code: code.value.trim() || null,
    });
    const next = wanted() ?? HOMES[account.role] ?? "/";
    location.assign(account.must_set_up_second_factor ? `/account?next=${encodeURIComponent(next)}` : next);
  } catch (problem) {
    error.textContent = problem.text;
    error.hidden = false;
    button.disabled = false;
    // The password was right if the code is asked for.
    const asksForCode = problem.code?.startsWith("second_factor");
    codeField.hidden &&= !asksForCode;
    (asksForCode ? code : password).select();
  }
});

show(
  document.body,
  publicBar(),
  h(
    "main",
    { class: "gate" },
    h(
      "div",
      { class: "card stack" },
      h("div", {}, h("h1", {}, t("sign_in")), h("p", { class: "soft" }, t("sign_in_more"))),
      form,
    ),
    h("p", { class: "soft small" }, t("forgot")),
  ),
);
email.focus();
