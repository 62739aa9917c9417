// How fast buyers are to be answered, and who answers: leads, what people know, how much waits for each at once.

import { get, put } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { t, when } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";
import { toast } from "/ui/shared/toast.js";
import { topicText } from "/ui/shared/words.js";

const TOPICS = ["returns", "delivery", "payment", "size", "account", "product", "order_status", "order_request"];
const LANGS = ["zh", "en"];

export function drawInbox(box, { mayChange }) {
  const rules = h("section", { class: "card stack" }, h("p", { class: "empty" }, t("loading")));
  const people = h("div", {});
  show(
    box,
    h("div", { class: "page-head" }, h("div", {}, h("h1", {}, t("nav.inbox")), h("p", { class: "soft" }, t("inbox_more")))),
    h("div", { class: "stack" }, rules, people),
  );

  async function load() {
    try {
      const [settled, { agents }] = await Promise.all([get("/v1/console/rules"), get("/v1/console/agents")]);
      drawRules(settled);
      drawPeople(agents);
    } catch (problem) {
      show(rules, sorry(problem, load));
    }
  }

  function drawRules(settled) {
    const number = (name, min, max) =>
      field(`i-${name}`, t(`inbox.${name}`), h("input", { type: "number", name, min, max, required: true, value: settled[name], disabled: !mayChange, "data-testid": name }));
    const error = h("p", { class: "note bad", role: "alert", hidden: true });
    const form = h(
      "form",
      { class: "stack", "data-testid": "inbox-rules" },
      h("h2", {}, t("inbox.rules")),
      h(
        "div",
        { class: "limit-fields" },
        number("first_reply_s", 5, 86400),
        number("next_reply_s", 5, 86400),
        number("amber_percent", 10, 95),
      ),
      h(
        "label",
        { class: "switch-line" },
        h("input", { type: "checkbox", name: "assigns", checked: settled.assigns, disabled: !mayChange, "data-testid": "assigns" }),
        t("inbox.assigns"),
      ),
      error,
      mayChange && h("div", {}, h("button", { class: "button primary", type: "submit", "data-testid": "rules-save" }, t("save"))),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const data = new FormData(form);
      const body = { assigns: data.has("assigns") };
      for (const name of ["first_reply_s", "next_reply_s", "amber_percent"]) body[name] = Number(data.get(name));
      try {
        drawRules(await put("/v1/ops/inbox", body));
        toast(t("saved"));
      } catch (problem) {
        error.textContent = problem.text;
        error.hidden = false;
      }
    });
    show(rules, form);
  }

  function drawPeople(agents) {
    const head = ["col.name", "inbox.duty", "inbox.knows", "inbox.load", "col.actions"].map((key) => h("th", { scope: "col" }, t(key)));
    show(
      people,
      h(
        "div",
        { class: "table-box" },
        h(
          "table",
          { class: "cards", "data-testid": "inbox-agents" },
          h("thead", {}, h("tr", {}, head)),
          h("tbody", {}, agents.map(row)),
        ),
      ),
    );
  }

  function row(agent) {
    const cell = (key, ...content) => h("td", { "data-label": t(key) }, content);
    const knows = [...agent.langs.map((lang) => t(`inbox.lang.${lang}`)), ...agent.topics.map(topicText)];
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, agent.name, " ", agent.is_lead && h("span", { class: "chip accent" }, t("inbox.lead"))),
      cell(
        "inbox.duty",
        h("span", { class: `chip ${agent.on_duty ? "good" : ""}` }, t(agent.on_duty ? "inbox.on" : "inbox.off")),
        agent.since_ms && h("span", { class: "soft small" }, ` ${t("inbox.since", { time: when(agent.since_ms) })}`),
      ),
      cell("inbox.knows", knows.length > 0 ? knows.join(" · ") : t("inbox.everything")),
      cell("inbox.load", t("inbox.load_of", { n: agent.n_waiting, max: agent.max_waiting })),
      cell(
        "col.actions",
        mayChange && h("button", { class: "button compact", type: "button", "data-testid": "edit-agent", onclick: () => edit(agent) }, t("edit")),
      ),
    );
  }

  async function edit(agent) {
    const box = (name, value, text, known) =>
      h("label", { class: "row" }, h("input", { type: "checkbox", name, value, checked: known.includes(value) }), text);
    const saved = await formDialog({
      title: t("inbox.edit", { name: agent.name }),
      testid: "agent-dialog",
      yes: t("save"),
      fields: [
        box("is_lead", "yes", t("inbox.is_lead"), agent.is_lead ? ["yes"] : []),
        h("fieldset", { class: "stack tight" }, h("legend", { class: "label" }, t("inbox.langs")), LANGS.map((lang) => box("langs", lang, t(`inbox.lang.${lang}`), agent.langs))),
        h("fieldset", { class: "stack tight" }, h("legend", { class: "label" }, t("inbox.topics")), TOPICS.map((topic) => box("topics", topic, topicText(topic), agent.topics))),
        h("p", { class: "small soft" }, t("inbox.none_is_all")),
        field("max_waiting", t("inbox.max_waiting"), h("input", { type: "number", min: 1, max: 200, required: true, value: agent.max_waiting })),
      ],
      save: (data) =>
        put(`/v1/ops/agents/${agent.id}`, {
          is_lead: data.has("is_lead"),
          langs: data.getAll("langs"),
          topics: data.getAll("topics"),
          max_waiting: Number(data.get("max_waiting")),
        }),
    });
    if (!saved) return;
    toast(t("saved"));
    load();
  }

  load();
}
