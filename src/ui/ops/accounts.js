// The people of the shop: invite, change the role, give a new link, bar the way.

import { get, patch, post } from "/ui/shared/api.js";
import { copyBox } from "/ui/shared/copy.js";
import { confirmDialog, field, formDialog, openDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { roleText } from "/ui/shared/words.js";

const ROLES = ["agent", "staff", "ops", "owner"];

export function drawAccounts(box, { me }) {
  const rule = h("section", { class: "card stack" });
  const table = h("div", {}, h("p", { class: "empty" }, t("loading")));
  const roles = ROLES.filter((role) => role !== "owner" || me.role === "owner");
  show(
    box,
    h(
      "div",
      { class: "page-head" },
      h("div", {}, h("h1", {}, t("nav.accounts")), h("p", { class: "soft" }, t("accounts_more"))),
      h(
        "button",
        { class: "button primary", type: "button", "data-testid": "invite", onclick: invite },
        icon("person"),
        t("invite"),
      ),
    ),
    h("div", { class: "stack" }, table, rule),
  );

  async function load() {
    try {
      const [{ accounts }, signIn] = await Promise.all([get("/v1/ops/accounts"), get("/v1/ops/sign-in")]);
      drawRule(signIn);
      const head = ["col.name", "col.role", "col.state", "col.actions"].map((key) =>
        h("th", { scope: "col" }, t(key)),
      );
      show(
        table,
        h(
          "div",
          { class: "table-box" },
          h(
            "table",
            { class: "cards", "data-testid": "accounts" },
            h("thead", {}, h("tr", {}, head)),
            h("tbody", {}, accounts.map(row)),
          ),
        ),
      );
    } catch (problem) {
      show(table, sorry(problem, load));
    }
  }

  /** Whether those who set the rules must have a second factor. */
  function drawRule({ needs_second_factor: needs, n_without: n }) {
    const box = h("input", {
      type: "checkbox",
      checked: needs,
      "data-testid": "needs-factor",
      onchange: () => demand(box.checked),
    });
    show(
      rule,
      h("h2", {}, t("factor_rule")),
      h("label", { class: "row" }, box, t("factor_rule_label")),
      h("p", { class: n ? "note" : "soft", "data-testid": "without-factor" }, t(n ? "factor_rule_without" : "factor_rule_all", { n })),
    );
  }

  async function demand(needs) {
    try {
      await post("/v1/ops/sign-in", { needs_second_factor: needs });
      toast(t("saved"));
    } catch (problem) {
      toastProblem(problem);
    }
    load();
  }

  function row(account) {
    const isMe = account.id === me.id;
    const isOutOfReach = isMe || (account.role === "owner" && me.role !== "owner");
    const role = isOutOfReach
      ? h("span", {}, roleText(account.role))
      : h(
          "select",
          {
            "aria-label": t("role_of", { name: account.name }),
            "data-testid": "role",
            onchange: () => change(account, { role: role.value }),
          },
          roles.map((each) => h("option", { value: each, selected: each === account.role }, roleText(each))),
        );
    return h(
      "tr",
      { "data-testid": "account", "data-account": account.id },
      h(
        "th",
        { scope: "row" },
        h("span", { class: "block ink" }, account.name, isMe && ` (${t("you")})`),
        h("span", { class: "small soft" }, account.email),
      ),
      h("td", {}, role),
      h(
        "td",
        {},
        h(
          "span",
          { class: `chip ${account.disabled ? "bad" : "good"}` },
          t(account.disabled ? "disabled" : "enabled"),
        ),
      ),
      h(
        "td",
        {},
        !isOutOfReach &&
          h(
            "div",
            { class: "row" },
            h(
              "button",
              {
                class: "button compact",
                type: "button",
                "data-testid": "reset-password",
                onclick: () => reset(account),
              },
              t("reset_password"),
            ),
            h(
              "button",
              {
                class: `button compact ${account.disabled ? "" : "danger"}`,
                type: "button",
                "data-testid": "disable",
                onclick: () => toggle(account),
              },
              t(account.disabled ? "enable" : "disable"),
            ),
          ),
      ),
    );
  }

  async function change(account, body) {
    try {
      await patch(`/v1/ops/accounts/${account.id}`, body);
      toast(t("saved"));
    } catch (problem) {
      toastProblem(problem);
    }
    load();
  }

  async function toggle(account) {
    const isSure =
      account.disabled ||
      (await confirmDialog({
        title: t("disable_title", { name: account.name }),
        text: t("disable_text"),
        yes: t("disable"),
        danger: true,
      }));
    if (isSure) change(account, { disabled: !account.disabled });
  }

  async function reset(account) {
    const isSure = await confirmDialog({
      title: t("reset_title", { name: account.name }),
      text: t("reset_text"),
      yes: t("reset_password"),
    });
    if (!isSure) return;
    try {
      const { reset_url: url } = await post(`/v1/ops/accounts/${account.id}/reset-password`);
      showLink(account, url);
    } catch (problem) {
      toastProblem(problem);
    }
  }

  async function invite() {
    const made = await formDialog({
      title: t("invite"),
      testid: "invite-dialog",
      yes: t("invite"),
      fields: [
        field(
          "invite-name",
          t("col.name"),
          h("input", {
            type: "text",
            name: "name",
            required: true,
            autocomplete: "off",
            autofocus: true,
            "data-testid": "invite-name",
          }),
        ),
        field(
          "invite-email",
          t("email"),
          h("input", {
            type: "email",
            name: "email",
            required: true,
            autocomplete: "off",
            "data-testid": "invite-email",
          }),
        ),
        field(
          "invite-role",
          t("col.role"),
          h(
            "select",
            { name: "role", "data-testid": "invite-role" },
            roles.map((each) => h("option", { value: each }, `${roleText(each)}: ${t(`role_more.${each}`)}`)),
          ),
        ),
      ],
      save: (data) =>
        post("/v1/ops/accounts", {
          name: data.get("name").trim(),
          email: data.get("email").trim(),
          role: data.get("role"),
        }),
    });
    if (!made) return;
    load();
    showLink(made.account, made.invite_url);
  }

  load();
}

/** The server sends no mail: the link is handed over by whoever asked for it. */
const showLink = (account, url) =>
  openDialog({
    title: t("link_title", { name: account.name }),
    testid: "link-dialog",
    build: () => [h("p", {}, t("link_text")), copyBox(url, t("link"), { testid: "invite-link", rows: 2 })],
  });
