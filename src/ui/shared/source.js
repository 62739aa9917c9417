// Opens a cited source: the passage in its neighbourhood, the quoted words highlighted.

import { get } from "./api.js";
import { openDialog } from "./dialog.js";
import { h, show } from "./dom.js";
import { t } from "./i18n.js";
import { marked } from "./spans.js";
import { placeText } from "./words.js";

/** Reads `path` (a source route) and shows it. */
export function openSource(path, number) {
  return openDialog({
    title: t("source.title", { n: number }),
    wide: true,
    testid: "source-dialog",
    build: () => {
      const box = h(
        "div",
        { class: "stack", "aria-live": "polite" },
        h("p", { class: "soft" }, t("loading")),
      );
      fill(box, path);
      return box;
    },
  });
}

async function fill(box, path) {
  try {
    const source = await get(path);
    const text = h(
      "div",
      { class: "passage", tabindex: "0", "data-testid": "source-text" },
      marked(source.text, source.marks),
    );
    show(
      box,
      h("div", {}, h("h3", {}, source.document), h("p", { class: "crumbs" }, placeText(source))),
      text,
      h(
        "div",
        { class: "row" },
        source.file_url &&
          h(
            "a",
            { class: "button", href: source.file_url, target: "_blank", rel: "noopener" },
            source.page ? t("source.file", { n: source.page }) : t("source.whole"),
          ),
        source.document_id &&
          h("a", { class: "button", href: `/knowledge#/d/${source.document_id}` }, t("source.document")),
      ),
    );
    text.querySelector("mark")?.scrollIntoView({ block: "center" });
  } catch (problem) {
    show(box, h("p", { class: "note bad", role: "alert" }, problem.message));
  }
}
