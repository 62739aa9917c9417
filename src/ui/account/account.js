// One's own account: the second factor, and where one is signed in.

import { get, post, remove } from "/ui/shared/api.js";
import { copyBox } from "/ui/shared/copy.js";
import { confirmDialog, field, formDialog, openDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { addTexts, dateTime, t } from "/ui/shared/i18n.js";
import { enter, sorry } from "/ui/shared/shell.js";
import { wanted } from "/ui/shared/next.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import * as scopes from "/ui/shared/scopes.js";
import en from "./en.js";
import zh from "./zh.js";

addTexts(scopes);
addTexts({ zh, en });

const room = await enter("account");
if (room) start(room);

function start({ me, main }) {
  let mustSetUp = me.must_set_up_second_factor;
  const factor = h("section", { class: "card stack" });
  const sessions = h("section", { class: "stack" });
  const keys = h("section", { class: "stack", hidden: true });
  show(main, h("div", { class: "page stack" }, h("h1", {}, t("account")), factor, sessions, keys));

  async function load() {
    try {
      const [security, { tokens }] = await Promise.all([get("/v1/me/security"), get("/v1/me/tokens")]);
      drawFactor(security);
      drawSessions(security.sessions);
      drawKeys(tokens);
    } catch (problem) {
      show(sessions, sorry(problem, load));
    }
  }

  const button = (testid, text, run, kind = "") =>
    h("button", { class: `button ${kind}`, type: "button", "data-testid": testid, onclick: run }, text);

  function drawFactor({ has_second_factor: has, n_recovery_codes: n }) {
    show(
      factor,
      h("h2", {}, t("factor")),
      h("p", {}, t(has ? "factor_on" : "factor_off")),
      mustSetUp && !has && h("p", { class: "note warn", "data-testid": "factor-demanded" }, t("factor_demanded")),
      has && h("p", { class: n > 2 ? "soft" : "note warn", "data-testid": "codes-left" }, t("codes_left", { n })),
      h(
        "div",
        { class: "row" },
        has
          ? [
              button("renew-codes", t("codes_renew"), () => act(renew)),
              button("remove-factor", t("factor_remove"), () => act(takeAway), "danger"),
            ]
          : button("set-up-factor", t("factor_set_up"), () => act(setUp), "primary"),
      ),
    );
  }

  async function setUp() {
    const { secret, uri } = await post("/v1/me/second-factor");
    const code = h("input", {
      type: "text",
      name: "code",
      inputmode: "numeric",
      autocomplete: "one-time-code",
      required: true,
      "data-testid": "factor-code",
    });
    const done = await formDialog({
      title: t("factor_set_up"),
      wide: true,
      testid: "factor-dialog",
      yes: t("factor_prove"),
      fields: [
        h("p", {}, t("factor_how")),
        copyBox(secret.match(/.{1,4}/g).join(" "), t("factor_key"), { rows: 1, testid: "factor-key" }),
        h("p", {}, h("a", { href: uri }, t("factor_link"))),
        field("factor-code", t("factor_code"), code, t("factor_code_hint")),
      ],
      save: (data) => post("/v1/me/second-factor/enable", { code: data.get("code") }),
    });
    if (!done) return;
    await showCodes(done.recovery_codes);
    if (!mustSetUp) return;
    mustSetUp = false;
    location.assign(wanted() ?? "/");
  }

  async function renew() {
    const { recovery_codes: codes } = await post("/v1/me/recovery-codes");
    await showCodes(codes);
  }

  const showCodes = (codes) =>
    openDialog({
      title: t("codes"),
      testid: "codes-dialog",
      build: (close) => [
        h("p", {}, t("codes_text")),
        copyBox(codes.join("\n"), t("codes"), { rows: codes.length, testid: "codes" }),
        h("div", { class: "dialog-foot" }, button("codes-kept", t("codes_kept"), () => close(), "primary")),
      ],
    });

  async function takeAway() {
    const sure = await confirmDialog({
      title: t("factor_remove"),
      text: t("factor_remove_text"),
      yes: t("factor_remove"),
      danger: true,
    });
    if (sure) await remove("/v1/me/second-factor");
  }

  function drawSessions(list) {
    show(
      sessions,
      h(
        "div",
        { class: "row apart" },
        h("h2", {}, t("sessions")),
        h("div", { class: "row" }, changePassword(), list.length > 1 && endOthers()),
      ),
      h(
        "div",
        { class: "table-box" },
        h(
          "table",
          { class: "cards", "data-testid": "sessions" },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              ["agent", "address", "created", "seen", "end"].map((key) => h("th", { scope: "col" }, t(`col.${key}`))),
            ),
          ),
          h("tbody", {}, list.map(row)),
        ),
      ),
    );
  }

  const row = (session) =>
    h(
      "tr",
      {},
      h(
        "th",
        { scope: "row" },
        deviceName(session.agent) || t("agent_none"),
        " ",
        session.is_current && h("span", { class: "chip accent" }, t("current")),
      ),
      h("td", { "data-name": t("col.address") }, session.address),
      h("td", { "data-name": t("col.created") }, dateTime(session.created_at_ms)),
      h("td", { "data-name": t("col.seen") }, dateTime(session.seen_at_ms)),
      h(
        "td",
        {},
        session.id &&
          !session.is_current &&
          button("end-session", t("end"), () => act(() => remove(`/v1/me/sessions/${session.id}`), t("ended")), "compact"),
      ),
    );

  /** Keys of scripts that act as this person; whoever has none reads nothing of them. */
  function drawKeys(list) {
    keys.hidden = list.length === 0;
    show(
      keys,
      h("h2", {}, t("keys")),
      h("p", { class: "soft" }, t("keys_more")),
      h(
        "div",
        { class: "table-box" },
        h(
          "table",
          { class: "cards", "data-testid": "own-keys" },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              ["key", "scopes", "until", "seen", "end"].map((key) => h("th", { scope: "col" }, t(`col.${key}`))),
            ),
          ),
          h("tbody", {}, list.map(keyRow)),
        ),
      ),
    );
  }

  const keyRow = (key) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, key.name),
      h("td", {}, key.scopes.map((scope) => t(`scope.${scope}`)).join(", ")),
      h("td", {}, dateTime(key.expires_at_ms)),
      h("td", {}, key.used_at_ms ? dateTime(key.used_at_ms) : t("key_unused")),
      h(
        "td",
        {},
        button("remove-key", t("key_remove"), () => act(() => removeKey(key)), "compact danger"),
      ),
    );

  async function removeKey(key) {
    const sure = await confirmDialog({
      title: t("key_remove_title", { name: key.name }),
      text: t("key_remove_text"),
      yes: t("key_remove"),
      danger: true,
    });
    if (sure) await remove(`/v1/me/tokens/${key.id}`);
  }

  const changePassword = () =>
    button("change-password", t("password_change"), () =>
      act(async () => {
        const make = (name, autocomplete) =>
          h("input", { type: "password", name, autocomplete, required: true, "data-testid": name });
        const changed = await formDialog({
          title: t("password_change"),
          testid: "password-dialog",
          yes: t("password_change"),
          fields: [
            field("current", t("password_current"), make("current", "current-password")),
            field("new", t("password_new"), make("new", "new-password"), t("password_hint")),
          ],
          save: async (data) => {
            await post("/v1/me/password", { current: data.get("current"), new: data.get("new") });
            return true;
          },
        });
        if (changed) toast(t("password_changed"));
      }),
    );

  const endOthers = () =>
    button("end-others", t("end_others"), () => act(() => post("/v1/me/end-other-sessions"), t("ended")));

  async function act(run, done) {
    try {
      await run();
      if (done) toast(done);
    } catch (problem) {
      toastProblem(problem);
    }
    load();
  }

  load();
}

const BROWSERS = [
  [/MicroMessenger\//, "WeChat"],
  [/Edg(A|iOS)?\//, "Edge"],
  [/(OPR|Opera)\//, "Opera"],
  [/(Firefox|FxiOS)\//, "Firefox"],
  [/(Chrome|CriOS|HeadlessChrome)\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS = [
  [/iPhone|iPad/, "iOS"],
  [/HarmonyOS|OpenHarmony/, "HarmonyOS"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Macintosh/, "macOS"],
  [/Linux|X11/, "Linux"],
];

/** What a person calls the browser that says this of itself; the words of a program stay as they are. */
function deviceName(agent) {
  const of = (names) => names.find(([pattern]) => pattern.test(agent ?? ""))?.[1];
  const browser = of(BROWSERS);
  const system = of(SYSTEMS);
  return browser && system ? `${browser} · ${system}` : agent;
}
