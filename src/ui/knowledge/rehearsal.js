// The first day: past questions are brought, answered to nobody, and judged; the page says what that proves.

import { api, get, post } from "/ui/shared/api.js";
import { confirmDialog } from "/ui/shared/dialog.js";
import { h, show, showKeepingFocus } from "/ui/shared/dom.js";
import { duration, lang, t, when } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { droppedFiles } from "./drop.js";
import { drawResult } from "./rehearsal-result.js";

const KINDS = {
  reading: "info",
  answering: "info",
  paused: "warn",
  cancelled: "",
  answered: "good",
  failed: "bad",
};
const ENDS = ".csv,.tsv,.xlsx,.json,.jsonl,.ndjson,.txt";
const CALM_MS = 600; // Between two readings while answers come in.

/** `{me, live}`: who looks, and how to hear that something moved on. */
export function drawRehearsal(box, { me, live }) {
  const mayBring = ["staff", "ops", "owner"].includes(me.role);
  const result = h("section", { "aria-live": "polite", "data-testid": "rehearsal-result" });
  const files = h("div", { class: "stack", "data-testid": "rehearsals" });
  show(
    box,
    h(
      "div",
      { class: "page-head" },
      h("h1", {}, t("rehearsal")),
      h("p", { class: "soft" }, t("rehearsal.more")),
    ),
    result,
    mayBring && bringPanel(load),
    files,
    settingsPanel(me),
  );

  async function load() {
    try {
      const [{ rehearsals }, found] = await Promise.all([
        get("/v1/knowledge/rehearsals"),
        get("/v1/knowledge/rehearsal-result"),
      ]);
      showKeepingFocus(
        files,
        rehearsals.length > 0 && h("h2", {}, t("rehearsal.files")),
        rehearsals.map((each) => fileCard(each, { mayBring, onDone: load })),
      );
      drawResult(result, found, { me, isUnderWay: rehearsals.some((each) => each.state === "reading") });
    } catch (problem) {
      show(result, sorry(problem, load));
    }
  }

  load();
  return live(calmly(load));
}

/** Runs `fn` a little after the first of many calls: answers that keep coming must not put it off for ever. */
function calmly(fn) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      fn();
    }, CALM_MS);
  };
}

function bringPanel(onDone) {
  const input = h("input", { type: "file", accept: ENDS, hidden: true, "data-testid": "rehearsal-input" });
  const pick = h(
    "button",
    { class: "button", type: "button", "data-testid": "pick-rehearsal", onclick: () => input.click() },
    icon("doc"),
    t("rehearsal.pick"),
  );
  const zone = h(
    "section",
    { class: "drop", "aria-label": t("rehearsal.bring"), "data-testid": "rehearsal-drop" },
    icon("upload"),
    h(
      "p",
      {},
      h("strong", {}, t("rehearsal.drop")),
      h("br"),
      h("span", { class: "small soft" }, t("rehearsal.formats")),
    ),
    pick,
    input,
    h(
      "details",
      { class: "wide-row" },
      h("summary", { class: "small" }, t("rehearsal.shape")),
      h("p", { class: "small" }, t("rehearsal.shape_sheet")),
      h("pre", { class: "sample", tabindex: "0" }, t("rehearsal.sample_sheet")),
      h("p", { class: "small" }, t("rehearsal.shape_chat")),
      h("pre", { class: "sample", tabindex: "0" }, t("rehearsal.sample_chat")),
    ),
  );
  for (const name of ["dragenter", "dragover"])
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  zone.addEventListener("dragleave", (event) => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove("over");
  });
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const [first] = await droppedFiles(event.dataTransfer);
    if (first) send(first.file);
  });
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = "";
    if (file) send(file);
  });

  async function send(file) {
    pick.disabled = true;
    const form = new FormData();
    form.append("file", file, file.name);
    try {
      await api("POST", "/v1/knowledge/rehearsals", form);
      toast(t("rehearsal.brought", { name: file.name }), "good");
      await onDone();
    } catch (problem) {
      toastProblem(problem);
    } finally {
      pick.disabled = false;
    }
  }
  return zone;
}

/** A file with how far it has come, and what can be done about that. */
function fileCard(one, { mayBring, onDone }) {
  const done = one.n_answered + one.n_failed;
  const isOpen = ["reading", "answering", "paused"].includes(one.state);
  return h(
    "article",
    { class: "card stack tight", "data-testid": "rehearsal", "data-state": one.state },
    h(
      "div",
      { class: "row apart" },
      h(
        "div",
        { class: "row grow" },
        h("span", { class: `chip ${KINDS[one.state]}` }, t(`rehearsal.state.${one.state}`)),
        h("strong", { class: "name" }, one.file_name),
      ),
      h("span", { class: "small soft" }, `${one.brought_by} · ${when(one.created_at_ms)}`),
    ),
    one.problem && h("p", { class: "error" }, one.problem.message),
    one.n_questions > 0 &&
      h(
        "div",
        {},
        h(
          "p",
          { class: "small soft number" },
          t("rehearsal.count", { done, total: one.n_questions, judged: one.n_judged }),
          one.eta_ms ? ` · ${t("eta", { time: duration(one.eta_ms) })}` : null,
        ),
        isOpen &&
          h("progress", { max: one.n_questions, value: done, "aria-label": t("rehearsal.state.answering") }),
      ),
    h(
      "div",
      { class: "row" },
      mayBring && isOpen && steering(one, onDone),
      one.n_refused > 0 &&
        h(
          "a",
          {
            class: "button compact",
            href: `/v1/knowledge/rehearsals/${one.id}/refused?lang=${lang}`,
            download: true,
            "data-testid": "refused",
            "data-key": `refused-${one.id}`,
          },
          t("rehearsal.refused", { n: one.n_refused }),
        ),
      one.n_skipped > 0 && h("span", { class: "small soft" }, t("rehearsal.skipped", { n: one.n_skipped })),
      one.n_failed > 0 && h("span", { class: "chip warn" }, t("rehearsal.failed", { n: one.n_failed })),
    ),
  );
}

function steering(one, onDone) {
  const act = async (verb) => {
    try {
      await post(`/v1/knowledge/rehearsals/${one.id}/${verb}`);
    } catch (problem) {
      toastProblem(problem);
    }
    await onDone();
  };
  const button = (verb, onclick) =>
    h(
      "button",
      {
        class: "button compact",
        type: "button",
        "data-testid": verb,
        "data-key": `${verb}-${one.id}`,
        onclick,
      },
      t(`rehearsal.${verb}`),
    );
  const cancel = async () => {
    const isSure = await confirmDialog({
      title: t("rehearsal.cancel_title"),
      text: t("rehearsal.cancel_text"),
      yes: t("rehearsal.cancel"),
      danger: true,
      testid: "cancel-dialog",
    });
    if (isSure) await act("cancel");
  };
  return [
    one.state === "answering" && button("pause", () => act("pause")),
    one.state === "paused" && button("resume", () => act("resume")),
    button("cancel", cancel),
  ];
}

/** Whether personal data is masked; owners may change it. */
function settingsPanel(me) {
  const box = h("section", { class: "small soft masking" });
  const path = "/v1/knowledge/rehearsal-settings";
  const draw = ({ mask_personal_data: masks }) =>
    show(
      box,
      h("span", {}, t(masks ? "rehearsal.masked" : "rehearsal.unmasked")),
      " ",
      me.role === "owner" &&
        h(
          "button",
          {
            class: "button compact",
            type: "button",
            "data-testid": "masking",
            onclick: async () => {
              try {
                draw(await api("PUT", path, { mask_personal_data: !masks }));
              } catch (problem) {
                toastProblem(problem);
              }
            },
          },
          t(masks ? "rehearsal.unmask" : "rehearsal.mask"),
        ),
    );
  get(path).then(draw, () => show(box));
  return box;
}
