// One document: its text beside its chunks, what was odd about it, and its revisions.

import { api, get, patch, post } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { bytes, dateTime, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { cut, fromBytes } from "/ui/shared/spans.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { placeText } from "/ui/shared/words.js";
import { editDetails } from "./details.js";
import { deleteDocument } from "./documents.js";
import { heldNote } from "./quarantine.js";
import { limits, progressOf, revisionChip, sizeText } from "./progress.js";

export function drawDocument(box, id, { mayEdit, live, chunk }) {
  const path = `/v1/knowledge/documents/${id}`;
  const head = h("div", { class: "stack" }, h("p", { class: "empty" }, t("loading")));
  const body = h("div", {});
  const foot = h("div", {});
  show(
    box,
    h("p", {}, h("a", { class: "row back", href: "#/" }, icon("back"), t("all_documents"))),
    head,
    body,
    foot,
  );
  const reload = debounce(load, 150);
  let shownRevision = null;

  async function load() {
    try {
      const { document, revisions } = await get(path);
      if (!document.newest) return show(head, h("h1", {}, document.name), h("p", {}, t("nothing_indexed")));
      drawHead(document);
      drawRevisions(document, revisions);
      if (document.active_revision && document.active_revision !== shownRevision) {
        const [{ text }, { chunks }] = await Promise.all([get(`${path}/text`), get(`${path}/chunks`)]);
        shownRevision = document.active_revision;
        show(body, sideBySide(text, chunks, { mayEdit, wanted: chunk }));
      } else if (!document.active_revision)
        show(body, h("div", { class: "empty card" }, icon("doc"), h("p", {}, t("nothing_indexed"))));
    } catch (problem) {
      show(head, sorry(problem, load));
    }
  }

  function drawHead(document) {
    const { newest } = document;
    const button = (name, testid, label, run, kind = "") =>
      h(
        "button",
        { class: `button ${kind}`, type: "button", "data-testid": testid, onclick: run },
        icon(name),
        label,
      );
    show(
      head,
      h(
        "div",
        {},
        h("h1", {}, document.name),
        h(
          "p",
          { class: "soft small" },
          [newest.file_name !== document.name && newest.file_name, sizeText(newest), bytes(newest.size_bytes)]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
      h("div", { class: "row" }, limits(document), progressOf(newest)),
      h(
        "div",
        { class: "row" },
        mayEdit &&
          button("edit", "edit-details", t("edit_details"), () =>
            editDetails(document).then((saved) => saved && load()),
          ),
        mayEdit && button("upload", "new-revision", t("new_revision"), replaceFile),
        h(
          "a",
          { class: "button", href: `${path}/file`, target: "_blank", rel: "noopener" },
          icon("doc"),
          t("open_file"),
        ),
        mayEdit &&
          newest.state === "failed" &&
          button("retry", "retry", t("retry"), () => act(() => post(`${path}/revisions/${newest.id}/retry`))),
        mayEdit &&
          button(
            "trash",
            "delete",
            t("delete"),
            () => deleteDocument(document).then((gone) => gone && location.assign("#/")),
            "danger",
          ),
      ),
      newest.warnings.map((w) =>
        h(
          "div",
          { class: "note warn", "data-testid": "warning", "data-code": w.code },
          icon("warn"),
          h(
            "div",
            {},
            h("p", {}, w.message),
            w.detail && w.detail !== w.message && h("p", { class: "small soft" }, `“${w.detail}”`),
          ),
        ),
      ),
    );
  }

  function replaceFile() {
    const input = h("input", { type: "file", hidden: true });
    input.addEventListener("change", () => {
      const form = new FormData();
      form.append("file", input.files[0], input.files[0].name);
      act(() => api("POST", `${path}/revisions`, form), t("revision_queued"));
    });
    input.click();
  }

  async function act(run, done) {
    try {
      const answer = await run();
      const result = answer?.results?.[0] ?? answer;
      if (result?.status === "refused") toast(result.error.message, "bad");
      else if (result?.status === "unchanged") toast(t("result.unchanged"));
      else if (done) toast(done);
      load();
    } catch (problem) {
      toastProblem(problem);
    }
  }

  function drawRevisions(document, revisions) {
    const columns = ["revision", "file", "state", "size", "updated"];
    show(
      foot,
      h("h2", { class: "section" }, t("revisions")),
      h(
        "div",
        { class: "table-box" },
        h(
          "table",
          { class: "cards", "data-testid": "revisions" },
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              columns.map((key) => h("th", { scope: "col" }, t(`col.${key}`))),
            ),
          ),
          h(
            "tbody",
            {},
            revisions.map((r) =>
              h(
                "tr",
                {},
                h(
                  "th",
                  { scope: "row" },
                  t("revision_n", { n: r.number }),
                  " ",
                  r.id === document.active_revision && h("span", { class: "chip accent" }, t("active")),
                ),
                h("td", {}, r.file_name),
                h("td", {}, revisionChip(r)),
                h("td", {}, bytes(r.size_bytes)),
                h("td", {}, dateTime(r.created_at_ms)),
              ),
            ),
          ),
        ),
      ),
    );
  }

  const end = live((event) => (!event || event.document_id === id) && reload());
  load();
  return end;
}

/** `wanted` is the chunk that somebody was sent to: a citation that is to be mended. */
function sideBySide(text, chunks, { mayEdit, wanted }) {
  const at = fromBytes(text);
  const source = h("div", {
    class: "source pre",
    tabindex: "0",
    "aria-label": t("source_text"),
    role: "region",
    "data-testid": "source-text",
  });
  const list = h("ol", { role: "list", class: "chunks", "data-testid": "chunks" });
  let selected = null;

  function select(chunk, isQuiet = false) {
    selected = chunk.id;
    const mark = { start: at(chunk.span.start), end: at(chunk.span.end) };
    show(
      source,
      cut(text, [mark], (part) => h("mark", { "data-testid": "chunk-mark" }, part)),
    );
    const node = source.querySelector("mark");
    if (node && !isQuiet) {
      source.scrollTo({ top: node.offsetTop - source.offsetTop - 60 });
      // On a narrow screen the text stands above the chunks, out of sight.
      if (source.getBoundingClientRect().bottom < 100) source.scrollIntoView();
    }
    list
      .querySelectorAll(".chunk")
      .forEach((each) => each.classList.toggle("selected", each.dataset.chunk === selected));
  }

  function goTo(chunk) {
    const node = list.querySelector(".selected");
    node?.scrollIntoView({ block: "center" });
    node?.querySelector("button")?.focus({ preventScroll: true });
    select(chunk);
  }

  function card(chunk) {
    const node = h(
      "li",
      {
        class: `chunk ${chunk.disabled ? "disabled" : ""} ${chunk.id === selected ? "selected" : ""}`,
        "data-chunk": chunk.id,
        "data-testid": "chunk",
      },
      h(
        "button",
        {
          class: "chunk-text",
          type: "button",
          title: t("show_chunk", { n: chunk.ordinal + 1 }),
          onclick: () => select(chunk),
        },
        h(
          "span",
          { class: "row small soft" },
          h("strong", {}, `#${chunk.ordinal + 1}`),
          h("span", {}, placeText(chunk)),
          h("span", {}, t("n_tokens", { n: chunk.n_tokens })),
          chunk.edited && h("span", { class: "chip info" }, t("edited")),
          chunk.disabled && h("span", { class: "chip warn" }, t("disabled")),
        ),
        h("span", { class: "pre text" }, chunk.text),
      ),
      heldNote(chunk, { mayEdit, settled: (next) => replace(next) }),
      mayEdit &&
        h(
          "div",
          { class: "row" },
          h(
            "button",
            { class: "button compact", type: "button", "data-testid": "chunk-edit", onclick: edit },
            t("edit"),
          ),
          !["waiting", "kept_out"].includes(chunk.quarantine) && h(
            "button",
            { class: "button compact", type: "button", "data-testid": "chunk-toggle", onclick: toggle },
            t(chunk.disabled ? "enable" : "disable"),
          ),
        ),
    );
    /** Draws the chunk anew and gives the focus back to what was used. */
    function replace(next, used = "chunk-edit") {
      Object.assign(chunk, next);
      const drawn = card(chunk);
      node.replaceWith(drawn);
      drawn.querySelector(`[data-testid=${used}]`).focus();
    }
    async function edit() {
      const area = h("textarea", {
        name: "text",
        rows: "10",
        required: true,
        value: chunk.text,
        "data-testid": "chunk-edit-text",
      });
      const saved = await formDialog({
        title: t("edit_chunk", { n: chunk.ordinal + 1 }),
        wide: true,
        yes: t("save"),
        fields: [field("chunk-text", t("chunk_text"), area, t("chunk_hint"))],
        save: (data) => patch(`/v1/knowledge/chunks/${chunk.id}`, { text: data.get("text") }),
      });
      if (saved) replace(saved);
    }
    async function toggle() {
      try {
        replace(
          await patch(`/v1/knowledge/chunks/${chunk.id}`, { disabled: !chunk.disabled }),
          "chunk-toggle",
        );
      } catch (problem) {
        toastProblem(problem);
      }
    }
    return node;
  }

  show(source, text);
  show(list, chunks.map(card));
  const sought = chunks.find((chunk) => chunk.id === wanted);
  if (chunks.length > 0) select(sought ?? chunks[0], true);
  if (sought) requestAnimationFrame(() => goTo(sought));
  return h(
    "div",
    { class: "beside" },
    h("section", {}, h("h2", { class: "section" }, t("source_text")), source),
    h("section", {}, h("h2", { class: "section" }, t("chunks_title", { n: chunks.length })), list),
  );
}
