// Golden answers: what staff approve to be said in so many words; proposals, sheets, one answer and its phrasings.

import { get, patch, post, remove } from "/ui/shared/api.js";
import { confirmDialog, field, formDialog } from "/ui/shared/dialog.js";
import { h, show } from "/ui/shared/dom.js";
import { dateTime, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { limitFields, limitsOf, limitValues } from "./details.js";
import { limits } from "./progress.js";

const FILTERS = ["any", "proposed", "approved", "off"];

export function drawGolden(box, { mayEdit }) {
  let answers = [];
  const chosen = new Set();
  const search = h("input", {
    type: "search",
    "aria-label": t("golden.search"),
    placeholder: t("golden.search"),
    "data-testid": "golden-search",
    oninput: () => drawTable(),
  });
  const filter = h(
    "select",
    { "aria-label": t("filter"), "data-testid": "golden-filter", onchange: () => drawTable() },
    FILTERS.map((f) => h("option", { value: f }, t(`golden.filter.${f}`))),
  );
  const sheets = h("div", { class: "stack tight" });
  const bulk = h("div", { class: "row", role: "group", "aria-label": t("golden.bulk") });
  const table = h("div", {}, h("p", { class: "empty" }, t("loading")));
  show(
    box,
    h(
      "div",
      { class: "page-head" },
      h("div", {}, h("h1", {}, t("golden")), h("p", { class: "soft" }, t("golden.hint"))),
      mayEdit &&
        h(
          "button",
          {
            class: "button primary",
            type: "button",
            "data-testid": "golden-new",
            onclick: () => edit(null),
          },
          icon("edit"),
          t("golden.new"),
        ),
    ),
    sheets,
    h("div", { class: "row filters" }, h("div", { class: "grow" }, search), h("div", {}, filter)),
    bulk,
    table,
  );

  async function load() {
    try {
      const [list, found] = await Promise.all([
        get("/v1/knowledge/golden"),
        get("/v1/knowledge/golden-sheets"),
      ]);
      answers = list.answers;
      const known = new Set(answers.map((each) => each.id));
      chosen.forEach((id) => known.has(id) || chosen.delete(id));
      show(sheets, mayEdit && found.sheets.map(sheetNote));
      drawTable();
    } catch (problem) {
      show(table, sorry(problem, load));
    }
  }

  async function act(run, done) {
    try {
      const answer = await run();
      toast(typeof done === "function" ? done(answer) : done);
      load();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  function sheetNote(sheet) {
    const path = `/v1/knowledge/documents/${sheet.document_id}/golden`;
    const told = (taken) =>
      t("golden.taken", { n: taken.n_proposed + taken.n_changed, kept: taken.n_kept, gone: taken.n_gone });
    return (
      !sheet.is_taken &&
      h(
        "div",
        { class: "note row apart", "data-testid": "golden-sheet" },
        h("span", {}, t("golden.sheet", { name: sheet.name, n: sheet.n_entries })),
        h(
          "button",
          {
            class: "button compact",
            type: "button",
            "data-testid": "golden-take",
            onclick: () => act(() => post(path), told),
          },
          t("golden.take"),
        ),
      )
    );
  }

  const isShown = (each) => {
    const wanted = search.value.trim().toLowerCase();
    const text = [each.question, each.answer, ...each.phrasings].join("\n").toLowerCase();
    return (filter.value === "any" || each.state === filter.value) && text.includes(wanted);
  };

  function drawBulk(shown) {
    const states = (state, label) =>
      h(
        "button",
        {
          class: "button compact",
          type: "button",
          disabled: chosen.size === 0,
          "data-testid": `golden-bulk-${state}`,
          onclick: () =>
            act(
              () => post("/v1/knowledge/golden/states", { ids: [...chosen], state }),
              ({ n_changed: n }) => (chosen.clear(), t("golden.changed", { n })),
            ),
        },
        label,
      );
    const all = h("input", {
      type: "checkbox",
      checked: shown.length > 0 && shown.every((each) => chosen.has(each.id)),
      "data-testid": "golden-all",
      onchange: (event) => {
        shown.forEach((each) => (event.target.checked ? chosen.add(each.id) : chosen.delete(each.id)));
        drawTable();
      },
    });
    show(
      bulk,
      mayEdit &&
        shown.length > 0 && [
          h("label", { class: "row" }, all, t("golden.all", { n: shown.length })),
          h("span", { class: "soft small", role: "status" }, t("golden.chosen", { n: chosen.size })),
          states("approved", t("golden.approve")),
          states("off", t("golden.switch_off")),
        ],
    );
  }

  function drawTable() {
    const shown = answers.filter(isShown);
    drawBulk(shown);
    if (answers.length === 0)
      return show(
        table,
        h(
          "div",
          { class: "empty card", "data-testid": "golden-empty" },
          icon("spark"),
          h("strong", {}, t("golden.empty")),
          h("p", {}, t("golden.empty_more")),
        ),
      );
    if (shown.length === 0)
      return show(table, h("div", { class: "empty" }, icon("search"), h("strong", {}, t("no_match"))));
    const head = ["question", "answer", "state", "updated", "actions"].map((key) =>
      h("th", { scope: "col" }, t(`golden.col.${key}`)),
    );
    show(
      table,
      h(
        "div",
        { class: "table-box" },
        h(
          "table",
          { class: "cards golden", "data-testid": "golden" },
          h("thead", {}, h("tr", {}, mayEdit && h("td", {}), head)),
          h("tbody", {}, shown.map(row)),
        ),
      ),
    );
  }

  function row(each) {
    const kind = { proposed: "warn", approved: "good", off: "" }[each.state];
    const tool = (name, id, label, run) =>
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": `${label}: ${each.question}`,
          title: label,
          "data-testid": id,
          onclick: run,
        },
        icon(name),
      );
    const isOn = each.state === "approved";
    return h(
      "tr",
      { "data-testid": "golden-row", "data-state": each.state },
      mayEdit &&
        h(
          "td",
          {},
          h("input", {
            type: "checkbox",
            checked: chosen.has(each.id),
            "aria-label": t("golden.choose", { question: each.question }),
            "data-testid": "golden-choose",
            onchange: (event) => {
              if (event.target.checked) chosen.add(each.id);
              else chosen.delete(each.id);
              drawBulk(answers.filter(isShown));
            },
          }),
        ),
      h(
        "th",
        { scope: "row" },
        each.question,
        each.phrasings.length > 0 &&
          h("span", { class: "small soft file" }, t("golden.more_phrasings", { n: each.phrasings.length })),
        h("span", { class: "row" }, limits(each)),
      ),
      h("td", { class: "pre" }, each.answer),
      h(
        "td",
        {},
        h("span", { class: `chip ${kind}` }, t(`golden.state.${each.state}`)),
        h("br"),
        h("span", { class: "small soft" }, t(`golden.origin.${each.origin}`)),
      ),
      h("td", { class: "small soft" }, dateTime(each.updated_at_ms)),
      h(
        "td",
        {},
        mayEdit &&
          h(
            "div",
            { class: "tools" },
            h(
              "button",
              {
                class: "button compact",
                type: "button",
                "data-testid": "golden-toggle",
                onclick: () =>
                  act(
                    () => patch(`/v1/knowledge/golden/${each.id}`, { state: isOn ? "off" : "approved" }),
                    t("golden.changed", { n: 1 }),
                  ),
              },
              t(isOn ? "golden.switch_off" : "golden.approve"),
            ),
            tool("edit", "golden-edit", t("edit"), () => edit(each)),
            tool("trash", "golden-delete", t("delete"), () => forget(each)),
          ),
      ),
    );
  }

  async function edit(each) {
    const area = (name, value, rows, more = {}) =>
      h("textarea", { name, rows, value, "data-testid": `golden-${name}`, ...more });
    const saved = await formDialog({
      title: t(each ? "golden.edit" : "golden.new"),
      wide: true,
      testid: "golden-dialog",
      yes: t("save"),
      fields: [
        field(
          "golden-question",
          t("golden.question"),
          area("question", each?.question ?? "", "2", { required: true }),
        ),
        field(
          "golden-phrasings",
          t("golden.phrasings"),
          area("phrasings", (each?.phrasings ?? []).join("\n"), "3"),
          t("golden.phrasings_hint"),
        ),
        field(
          "golden-answer",
          t("golden.answer"),
          area("answer", each?.answer ?? "", "6", { required: true }),
          t("golden.answer_hint"),
        ),
        limitFields("golden", each ? limitValues(each) : {}),
      ],
      save: (data) => {
        const body = {
          question: data.get("question"),
          phrasings: data.get("phrasings").split("\n"),
          answer: data.get("answer"),
          ...limitsOf(data),
        };
        return each
          ? patch(`/v1/knowledge/golden/${each.id}`, body)
          : post("/v1/knowledge/golden", body);
      },
    });
    if (saved) load();
  }

  async function forget(each) {
    const isSure = await confirmDialog({
      title: t("golden.delete_title"),
      text: each.question,
      yes: t("delete"),
      danger: true,
      testid: "golden-delete-dialog",
    });
    if (isSure) act(() => remove(`/v1/knowledge/golden/${each.id}`), t("golden.deleted"));
  }

  load();
}
