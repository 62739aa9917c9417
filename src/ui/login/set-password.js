// The page behind an invitation or a reset link: choose a password.

import { post } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { field } from "/ui/shared/dialog.js";
import { addTexts, t } from "/ui/shared/i18n.js";
import { publicBar } from "/ui/shared/public.js";
import en from "./en.js";
import zh from "./zh.js";

addTexts({ zh, en });
document.title = `${t("set_password")} · kefu`;

const token = new URLSearchParams(location.search).get("token");

const make = (name) =>
  h("input", {
    type: "password",
    name,
    autocomplete: "new-password",
    required: true,
    minlength: "8",
    "data-testid": name,
  });
const [first, second] = [make("new-password"), make("repeat-password")];
const error = h("p", {
  class: "note bad",
  role: "alert",
  hidden: true,
  "data-testid": "password-error",
});
const button = h(
  "button",
  { class: "button primary", type: "submit", "data-testid": "save-password" },
  t("set_password"),
);
const form = h(
  "form",
  { class: "stack" },
  field("new", t("new_password"), first, t("password_hint")),
  field("repeat", t("repeat_password"), second),
  error,
  button,
);
const card = h("div", { class: "card stack" }, h("h1", {}, t("set_password")));

function refuse(text) {
  error.textContent = text;
  error.hidden = false;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.hidden = true;
  if (first.value !== second.value) return refuse(t("differ"));
  button.disabled = true;
  try {
    await post("/v1/password", { token, password: first.value });
    history.replaceState(null, "", location.pathname); // The used token need not stay in the history.
    show(
      card,
      h("h1", {}, t("password_set")),
      h("p", {}, t("password_set_more")),
      h("a", { class: "button primary", href: "/login", "data-testid": "to-login" }, t("sign_in")),
    );
  } catch (problem) {
    refuse(problem.text);
    button.disabled = false;
  }
});

card.append(token ? form : h("p", { class: "note warn", role: "alert" }, t("no_token")));
show(document.body, publicBar(), h("main", { class: "gate" }, card));
first.focus();
