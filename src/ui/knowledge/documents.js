// The table of all documents, live, with the upload above it.

import { get, post, remove } from "/ui/shared/api.js";
import { confirmDialog } from "/ui/shared/dialog.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { bytes, dateTime, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { editDetails } from "./details.js";
import { isUnderWay, limits, progressOf, sizeText } from "./progress.js";
import { waitingNote } from "./quarantine.js";
import { uploadPanel } from "./upload.js";

const FILTERS = ["any", "indexed", "under_way", "failed", "warned"];

export function drawDocuments(box, { mayEdit, live }) {
  const documents = new Map();
  const rows = new Map();
  const summary = h("p", { class: "soft", role: "status", "data-testid": "summary" });
  const search = h("input", {
    type: "search",
    "aria-label": t("search"),
    placeholder: t("search"),
    "data-testid": "search",
    oninput: () => drawTable(),
  });
  const filter = h(
    "select",
    { "aria-label": t("filter"), "data-testid": "filter", onchange: () => drawTable() },
    FILTERS.map((f) => h("option", { value: f }, t(`filter.${f}`))),
  );
  const table = h("div", {}, h("p", { class: "empty" }, t("loading")));
  const held = h("div", {});
  const reload = debounce(load, 150);
  show(
    box,
    h("div", { class: "page-head" }, h("div", {}, h("h1", {}, t("documents")), summary)),
    held,
    mayEdit
      ? uploadPanel({ onDone: reload })
      : h("p", { class: "note" }, icon("info"), h("span", {}, t("read_only"))),
    h("div", { class: "row filters" }, h("div", { class: "grow" }, search), h("div", {}, filter)),
    table,
  );

  async function load() {
    waitingNote(held);
    try {
      const list = await get("/v1/knowledge/documents");
      documents.clear();
      // A document without a revision is one whose first upload is not through yet.
      list.documents.filter((each) => each.newest).forEach((each) => documents.set(each.id, each));
      drawTable();
    } catch (problem) {
      show(table, sorry(problem, load));
    }
  }

  function isShown(each) {
    const wanted = search.value.trim().toLowerCase();
    const text = `${each.name} ${each.newest.file_name} ${each.sku ?? ""}`.toLowerCase();
    if (wanted && !text.includes(wanted)) return false;
    const { newest } = each;
    return {
      any: true,
      indexed: newest.state === "indexed",
      under_way: isUnderWay(newest),
      failed: newest.state === "failed",
      warned: newest.warnings.length > 0,
    }[filter.value];
  }

  function drawTable() {
    const all = [...documents.values()];
    const count = (is) => all.filter((each) => is(each.newest)).length;
    summary.textContent =
      all.length === 0
        ? ""
        : t("summary", {
            n: all.length,
            busy: count(isUnderWay),
            failed: count((r) => r.state === "failed"),
          });
    if (all.length === 0) return show(table, nothing(mayEdit));
    const shown = all.filter(isShown).sort((a, b) => b.newest.created_at_ms - a.newest.created_at_ms);
    if (shown.length === 0)
      return show(table, h("div", { class: "empty" }, icon("search"), h("strong", {}, t("no_match"))));
    rows.clear();
    shown.forEach((each) => rows.set(each.id, row(each)));
    const head = ["name", "state", "size", "updated", "actions"].map((key) =>
      h("th", { scope: "col" }, t(`col.${key}`)),
    );
    show(
      table,
      h(
        "div",
        { class: "table-box" },
        h(
          "table",
          { class: "cards documents", "data-testid": "documents" },
          h("thead", {}, h("tr", {}, head)),
          h("tbody", {}, [...rows.values()]),
        ),
      ),
    );
  }

  function row(each) {
    const { newest } = each;
    const tool = (name, id, label, run) =>
      h(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": `${label}: ${each.name}`,
          title: label,
          "data-testid": id,
          onclick: run,
        },
        icon(name),
      );
    return h(
      "tr",
      { "data-testid": "document-row", "data-document": each.id },
      h(
        "th",
        { scope: "row" },
        h("a", { class: "name", href: `#/d/${each.id}` }, each.name),
        newest.file_name !== each.name && h("span", { class: "small soft file" }, newest.file_name),
        h("span", { class: "row" }, limits(each)),
      ),
      h("td", { class: "state" }, progressOf(newest)),
      h(
        "td",
        { class: "small facts" },
        h("span", {}, sizeText(newest)),
        h("span", { class: "soft" }, bytes(newest.size_bytes)),
      ),
      h(
        "td",
        { class: "small soft facts" },
        h("span", {}, dateTime(newest.indexed_at_ms ?? newest.created_at_ms)),
        newest.number > 1 && h("span", {}, t("revision_n", { n: newest.number })),
      ),
      h(
        "td",
        {},
        h(
          "div",
          { class: "tools" },
          mayEdit && newest.state === "failed" && tool("retry", "retry", t("retry"), () => retry(each)),
          mayEdit &&
            tool("edit", "edit-details", t("edit_details"), () =>
              editDetails(each).then((saved) => saved && load()),
            ),
          mayEdit &&
            tool("trash", "delete", t("delete"), () => deleteDocument(each).then((gone) => gone && load())),
        ),
      ),
    );
  }

  async function retry(each) {
    try {
      await post(`/v1/knowledge/documents/${each.id}/revisions/${each.newest.id}/retry`);
      load();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  const end = live((event) => {
    const known = event && documents.get(event.document_id);
    if (!known) return reload();
    const before = known.newest;
    if (event.revision.number < before.number) return;
    known.newest = event.revision;
    if (before.state !== event.revision.state && !isUnderWay(event.revision)) return drawTable();
    const old = rows.get(known.id);
    if (!old?.isConnected || old.contains(document.activeElement)) {
      old?.querySelector(".state")?.replaceChildren(progressOf(known.newest));
      return;
    }
    const next = row(known);
    old.replaceWith(next);
    rows.set(known.id, next);
  });
  load();
  return end;
}

/** Asks, deletes, says so. Resolves to whether it is gone. */
export async function deleteDocument(each) {
  const isSure = await confirmDialog({
    title: t("delete_title"),
    text: t("delete_text", { name: each.name }),
    yes: t("delete"),
    danger: true,
    testid: "delete-dialog",
  });
  if (!isSure) return false;
  try {
    await remove(`/v1/knowledge/documents/${each.id}`);
    toast(t("deleted", { name: each.name }));
    return true;
  } catch (problem) {
    toastProblem(problem);
    return false;
  }
}

const nothing = (mayEdit) =>
  h(
    "div",
    { class: "empty card", "data-testid": "empty" },
    icon("doc"),
    h("strong", {}, t("empty")),
    h("p", {}, t(mayEdit ? "empty_more" : "empty_reader")),
  );
