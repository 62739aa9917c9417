// What opens the door to programs: keys of scripts, keys that sign buyers' identity, and sites that answers may lead to.

import { get, post, remove } from "/ui/shared/api.js";
import { copyBox } from "/ui/shared/copy.js";
import { confirmDialog, field, formDialog, openDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { dateTime, t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const SCOPES = {
  ops: ["read_drafts", "read_knowledge", "rehearse", "read_bars", "bars", "read_records", "records", "tasks"],
  owner: [
    "drafts",
    "read_drafts",
    "knowledge",
    "read_knowledge",
    "rehearse",
    "judge",
    "bars",
    "read_bars",
    "read_records",
    "records",
    "tasks",
  ],
};

export function drawKeys(box, { me }) {
  const tokens = h("section", { class: "card stack" }, h("p", { class: "empty" }, t("loading")));
  const buyerKeys = h("section", { class: "card stack" });
  const links = h("section", { class: "card stack" });
  show(box, h("div", { class: "page-head" }, h("h1", {}, t("nav.keys"))), h("div", { class: "stack" }, tokens, buyerKeys, links));

  const button = (testid, text, run, kind = "") =>
    h("button", { class: `button ${kind}`, type: "button", "data-testid": testid, onclick: () => act(run) }, text);

  async function load() {
    try {
      const [made, keys, hosts] = await Promise.all([
        get("/v1/ops/tokens"),
        get("/v1/ops/buyer-keys"),
        get("/v1/ops/link-hosts"),
      ]);
      drawTokens(made.tokens);
      drawBuyerKeys(keys.keys);
      drawLinks(hosts);
    } catch (problem) {
      show(tokens, sorry(problem, load));
    }
  }

  async function act(run) {
    try {
      await run();
    } catch (problem) {
      toastProblem(problem);
    }
    load();
  }

  /** A secret that is shown once. */
  const reveal = (title, text, secret) =>
    openDialog({
      title,
      wide: true,
      testid: "secret-dialog",
      build: () => [h("p", {}, text), copyBox(secret, title, { rows: 2, testid: "secret" })],
    });

  async function takeAway(path) {
    const sure = await confirmDialog({
      title: t("key_remove"),
      text: t("key_remove_text"),
      yes: t("key_remove"),
      danger: true,
    });
    if (sure) await remove(path);
  }

  const heading = (title, more, add) => [
    h("div", { class: "row apart" }, h("h2", {}, t(title)), add),
    h("p", { class: "soft" }, t(more)),
  ];

  function drawTokens(list) {
    show(
      tokens,
      heading("tokens", "tokens_more", button("new-token", t("token_new"), addToken)),
      list.map((token) =>
        h(
          "div",
          { class: "row apart", "data-testid": "token" },
          h(
            "div",
            {},
            h("strong", {}, token.name),
            h(
              "p",
              { class: "small soft" },
              [
                token.account,
                token.scopes.map((scope) => t(`scope.${scope}`)).join(", "),
                t("token_until", { time: dateTime(token.expires_at_ms) }),
                token.used_at_ms ? t("token_used", { time: dateTime(token.used_at_ms) }) : t("token_unused"),
              ].join(" · "),
            ),
          ),
          button("remove-token", t("key_remove"), () => takeAway(`/v1/ops/tokens/${token.id}`), "compact danger"),
        ),
      ),
    );
  }

  async function addToken() {
    const made = await formDialog({
      title: t("token_new"),
      testid: "token-dialog",
      yes: t("save"),
      fields: [
        field("token-name", t("token_name"), h("input", { type: "text", name: "name", required: true })),
        field(
          "token-days",
          t("token_days"),
          h("input", { type: "number", name: "days", min: "1", max: "366", value: "90", required: true }),
        ),
        h(
          "fieldset",
          { class: "stack" },
          h("legend", {}, t("token_scopes")),
          SCOPES[me.role].map((scope) =>
            h("label", { class: "row" }, h("input", { type: "checkbox", name: "scopes", value: scope }), t(`scope.${scope}`)),
          ),
        ),
      ],
      save: (data) =>
        post("/v1/ops/tokens", {
          name: data.get("name"),
          days: Number(data.get("days")),
          scopes: data.getAll("scopes"),
        }),
    });
    if (made) await reveal(t("token_new"), t("token_once"), made.secret);
  }

  function drawBuyerKeys(list) {
    show(
      buyerKeys,
      heading(
        "buyer_keys",
        "buyer_keys_more",
        list.length < 2 && button("new-buyer-key", t("buyer_key_new"), addBuyerKey),
      ),
      list.map((key) =>
        h(
          "div",
          { class: "row apart", "data-testid": "buyer-key" },
          h("span", {}, h("code", {}, key.id), h("span", { class: "small soft" }, ` ${dateTime(key.created_at_ms)}`)),
          button("remove-buyer-key", t("key_remove"), () => takeAway(`/v1/ops/buyer-keys/${key.id}`), "compact danger"),
        ),
      ),
    );
  }

  async function addBuyerKey() {
    const made = await post("/v1/ops/buyer-keys");
    await reveal(t("buyer_key_new"), t("buyer_key_once", { id: made.key.id }), made.secret);
  }

  function drawLinks({ hosts, allowed }) {
    const others = allowed.filter((host) => !hosts.includes(host));
    const area = h("textarea", { rows: "4", value: hosts.join("\n"), "data-testid": "link-hosts" });
    show(
      links,
      heading("links", "links_more"),
      others.length > 0 && h("p", { class: "small" }, t("links_widgets", { hosts: others.join(", ") })),
      field("link-hosts", t("links_label"), area, t("links_hint")),
      h(
        "div",
        { class: "row" },
        button("save-links", t("save"), async () => {
          const wanted = area.value.split(/\s+/).filter(Boolean);
          await post("/v1/ops/link-hosts", { hosts: wanted });
          toast(t("links_saved"));
        }),
      ),
    );
  }

  load();
}
