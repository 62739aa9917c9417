// Chunks that look as if they spoke to the assistant: why, and what staff make of it.

import { get, post } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { placeText } from "/ui/shared/words.js";

/** Why a chunk was held, with the two buttons; null for any other. `settled` gets the chunk as it is then. */
export function heldNote(chunk, { mayEdit, settled }) {
  if (!chunk.quarantine) return null;
  const settle = async (verb) => {
    try {
      settled(await post(`/v1/knowledge/chunks/${chunk.id}/${verb}`));
      toast(t(`quarantine.done.${verb}`));
    } catch (problem) {
      toastProblem(problem);
    }
  };
  const button = (verb, kind) =>
    h(
      "button",
      { class: `button compact ${kind}`, type: "button", "data-testid": `chunk-${verb}`, onclick: () => settle(verb) },
      t(`quarantine.${verb}`),
    );
  return h(
    "div",
    { class: "note warn", "data-testid": "held", "data-state": chunk.quarantine },
    icon("warn"),
    h(
      "div",
      { class: "stack" },
      h("strong", {}, t(`quarantine.state.${chunk.quarantine}`)),
      h(
        "ul",
        {},
        chunk.findings.map((finding) =>
          h("li", {}, finding.message, h("span", { class: "small soft" }, ` “${finding.quote}”`)),
        ),
      ),
      mayEdit &&
        h(
          "div",
          { class: "row" },
          chunk.quarantine !== "approved" && button("approve", "primary"),
          chunk.quarantine !== "kept_out" && button("keep-out", ""),
        ),
    ),
  );
}

/** A line above the documents while something waits. */
export async function waitingNote(box) {
  try {
    const { waiting } = await get("/v1/knowledge/quarantine");
    show(
      box,
      waiting.length > 0 &&
        h(
          "p",
          { class: "note warn", "data-testid": "quarantine-note" },
          icon("warn"),
          h("a", { href: "#/quarantine" }, t("quarantine.note", { n: waiting.length })),
        ),
    );
  } catch {
    show(box); // The list of documents says what is wrong.
  }
}

/** All that waits, document by document. */
export function drawQuarantine(box, { mayEdit, live }) {
  const list = h("div", { class: "stack" }, h("p", { class: "empty" }, t("loading")));
  show(box, h("h1", {}, t("quarantine.title")), h("p", { class: "soft" }, t("quarantine.more")), list);

  async function load() {
    try {
      const { waiting } = await get("/v1/knowledge/quarantine");
      if (waiting.length === 0)
        return show(list, h("div", { class: "empty card" }, icon("check"), h("p", {}, t("quarantine.none"))));
      show(list, waiting.map(card));
    } catch (problem) {
      show(list, sorry(problem, load));
    }
  }

  const card = ({ document_id: id, document_name: name, chunk }) =>
    h(
      "section",
      { class: "card stack", "data-testid": "waiting" },
      h(
        "div",
        { class: "row" },
        h("a", { href: `#/d/${id}` }, name),
        h("span", { class: "small soft" }, `#${chunk.ordinal + 1} ${placeText(chunk)}`),
      ),
      h("p", { class: "pre text" }, chunk.text),
      heldNote(chunk, { mayEdit, settled: load }),
    );

  const end = live((event) => !event && load());
  load();
  return end;
}
