// Upload: files and folders, picked or dropped; options; what became of each file.

import { api } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { bytes, number, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { limitFields } from "./details.js";
import { droppedFiles } from "./drop.js";

const BATCH_BYTES = 60 * 1024 * 1024;
const BATCH_FILES = 20;
const KINDS = { queued: "good", unchanged: "", refused: "bad", failed: "bad" };

export function uploadPanel({ onDone }) {
  let chosen = []; // {file, path}
  const pick = (attributes, testid) => {
    const input = h("input", {
      type: "file",
      multiple: true,
      hidden: true,
      "data-testid": testid,
      ...attributes,
    });
    input.addEventListener("change", () => {
      add([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      input.value = "";
    });
    return input;
  };
  const files = pick({}, "file-input");
  const folder = pick({ webkitdirectory: true }, "folder-input");
  const options = h("form", { class: "stack", hidden: true, "data-testid": "upload-form" });
  const results = h("div", { role: "status", "data-testid": "upload-results" });
  const zone = h(
    "div",
    { class: "drop", "data-testid": "drop-zone" },
    icon("upload"),
    h("p", {}, h("strong", {}, t("drop_here")), h("br"), h("span", { class: "small soft" }, t("formats"))),
    h(
      "div",
      { class: "row" },
      h(
        "button",
        {
          class: "button primary",
          type: "button",
          "data-testid": "pick-files",
          onclick: () => files.click(),
        },
        icon("doc"),
        t("pick_files"),
      ),
      h(
        "button",
        {
          class: "button",
          type: "button",
          "data-testid": "pick-folder",
          onclick: () => folder.click(),
        },
        icon("folder"),
        t("pick_folder"),
      ),
    ),
    files,
    folder,
  );

  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener(
    "dragleave",
    (event) => zone.contains(event.relatedTarget) || zone.classList.remove("over"),
  );
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    add(await droppedFiles(event.dataTransfer));
  });

  function add(more) {
    // A folder brings hidden files of the system along; nobody means those.
    const meant = more.filter(
      ({ path }) => !path.split("/").some((part) => part.startsWith(".") || part === "Thumbs.db"),
    );
    if (meant.length === 0) return;
    chosen = [...chosen, ...meant];
    show(results);
    drawOptions();
  }

  function drawOptions() {
    const size = chosen.reduce((sum, { file }) => sum + file.size, 0);
    const begin = h(
      "button",
      { class: "button primary", type: "submit", "data-testid": "upload" },
      t("upload_n", { n: chosen.length }),
    );
    options.hidden = false;
    show(
      options,
      h("h2", {}, t("chosen", { n: chosen.length, size: bytes(size) })),
      h(
        "ul",
        { class: "chosen small" },
        chosen.slice(0, 8).map(({ path }) => h("li", {}, path)),
        chosen.length > 8 && h("li", { class: "soft" }, t("and_more", { n: chosen.length - 8 })),
      ),
      limitFields("upload"),
      h(
        "div",
        { class: "row" },
        begin,
        h("button", { class: "button", type: "button", onclick: clear }, t("cancel")),
      ),
    );
    begin.focus();
  }

  function clear() {
    chosen = [];
    options.hidden = true;
    show(options);
  }

  options.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new FormData(options);
    const sending = chosen;
    clear();
    await send(sending, data);
    onDone();
  });

  async function send(list, data) {
    const said = [];
    for (const batch of batches(list)) {
      drawResults(said, list.length);
      said.push(...(await sendBatch(batch, data)));
      onDone();
    }
    drawResults(said, list.length);
  }

  function drawResults(said, total) {
    const isOver = said.length >= total;
    const counts = Object.keys(KINDS).map((status) => [
      status,
      said.filter((r) => r.status === status).length,
    ]);
    show(
      results,
      h(
        "div",
        { class: "results stack tight" },
        h(
          "div",
          { class: "row apart" },
          h("strong", {}, isOver ? t("upload_done") : t("uploading", { done: said.length, total })),
          h(
            "span",
            { class: "row" },
            counts.map(
              ([status, n]) =>
                n > 0 &&
                h("span", { class: `chip ${KINDS[status]}` }, `${t(`result.${status}`)} ${number(n)}`),
            ),
          ),
          isOver &&
            h(
              "button",
              {
                class: "icon-button",
                type: "button",
                "aria-label": t("close"),
                onclick: () => show(results),
              },
              icon("close"),
            ),
        ),
        !isOver &&
          h("progress", {
            max: total,
            value: said.length,
            "aria-label": t("uploading", { done: said.length, total }),
          }),
        h(
          "ul",
          { role: "list" },
          said.map((r) =>
            h(
              "li",
              { "data-testid": "upload-result", "data-status": r.status },
              h("span", { class: `chip ${KINDS[r.status]}` }, t(`result.${r.status}`)),
              h(
                "span",
                { class: "grow" },
                r.file_name,
                r.error && h("span", { class: "small error" }, r.error.message),
              ),
            ),
          ),
        ),
      ),
    );
  }

  return h("section", { class: "upload stack", "aria-label": t("upload") }, zone, options, results);
}

function batches(list) {
  const out = [];
  let size = Infinity;
  for (const each of list) {
    if (size + each.file.size > BATCH_BYTES || out.at(-1).length >= BATCH_FILES) {
      out.push([]);
      size = 0;
    }
    out.at(-1).push(each);
    size += each.file.size;
  }
  return out;
}

async function sendBatch(batch, data) {
  const form = new FormData();
  for (const name of ["sku", "audience", "effective_from", "effective_until"]) {
    const value = String(data.get(name) ?? "").trim();
    if (value) form.append(name, value);
  }
  const platforms = data.getAll("platforms").join(",");
  if (platforms) form.append("platforms", platforms);
  batch.forEach(({ file, path }) => form.append("file", file, path));
  try {
    return (await api("POST", "/v1/knowledge/documents", form)).results;
  } catch (problem) {
    return batch.map(({ path }) => ({
      file_name: path,
      status: "failed",
      error: { message: problem.message },
    }));
  }
}
