// Judging rehearsed answers: a question, a draft with its sources, what a person answered then, and one key for each
// finding. How sure the assistant was is not shown: one would look for what one expects.

import { api, get, remove } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { bindKeys, keycaps } from "/ui/shared/keys.js";
import { sorry } from "/ui/shared/shell.js";
import { openSource } from "/ui/shared/source.js";
import { withCitations } from "/ui/shared/spans.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { placeText } from "/ui/shared/words.js";

/** The same keys as in the console's check. */
export const FINDINGS = [
  { outcome: "accept", key: "a" },
  { outcome: "edit_style", key: "s" },
  { outcome: "edit_fact", key: "f" },
  { outcome: "reject_wrong", key: "1" },
  { outcome: "reject_should_not_answer", key: "2" },
  { outcome: "reject_tone", key: "3" },
];
const AHEAD = 10;

let current = null; // The view that keys go to; they are bound once for the room.

function bindOnce() {
  if (bindOnce.isDone) return;
  bindOnce.isDone = true;
  bindKeys([
    ...FINDINGS.map(({ outcome, key }) => ({
      keys: [key],
      text: t(`found.${outcome}`),
      run: () => (current ? void current.judge(outcome) : false),
    })),
    { keys: ["z"], text: t("judge.undo"), run: () => (current ? void current.undo() : false) },
  ]);
}

/** `mayJudge`: others may look, but not judge. */
export function drawJudge(box, { mayJudge }) {
  bindOnce();
  const goal = h("div", { class: "stack tight", role: "status", "data-testid": "judge-goal" });
  const card = h("div", { "data-testid": "judge-card" });
  show(
    box,
    h(
      "div",
      { class: "page-head row apart" },
      h("h1", {}, t("judge")),
      h("a", { class: "button compact", href: "#/rehearsal" }, icon("back"), t("judge.back")),
    ),
    goal,
    card,
  );
  let queue = [];
  const done = []; // What was judged here, the last one last: for undo.
  let [tally, step] = [null, null];
  let isBusy = false;

  async function load() {
    try {
      const [open, found] = await Promise.all([
        get(`/v1/knowledge/rehearsed?limit=${AHEAD}`),
        get("/v1/knowledge/rehearsal-result"),
      ]);
      queue = open.open;
      [tally, step] = [open.tally, found.chosen.step];
      draw();
    } catch (problem) {
      show(card, sorry(problem, load));
    }
  }

  function draw() {
    show(goal, progress(tally, step));
    show(card, queue[0] ? answer(queue[0]) : blank());
  }

  async function judge(outcome) {
    const item = queue[0];
    if (!mayJudge || isBusy || !item) return;
    isBusy = true;
    try {
      const path = `/v1/knowledge/rehearsed/${item.id}/label`;
      ({ tally } = await api("PUT", path, { outcome }));
      done.push({ item, outcome });
      queue.shift();
      // A wrong one moves the goal; an empty queue is read anew.
      if (queue.length === 0 || !RIGHT.has(outcome) || tally.n_judged % AHEAD === 0) await load();
      else draw();
      card.querySelector("[data-testid=judge-question]")?.focus();
    } catch (problem) {
      if (problem.code === "already_resolved") {
        toast(t("judge.taken"));
        await load();
      } else toastProblem(problem);
    } finally {
      isBusy = false;
    }
  }

  async function undo() {
    const last = done.at(-1);
    if (!last || isBusy) return;
    isBusy = true;
    try {
      ({ tally } = await remove(`/v1/knowledge/rehearsed/${last.item.id}/label`));
      done.pop();
      await load();
      toast(t("judge.undone", { was: t(`found.${last.outcome}`) }));
    } catch (problem) {
      toastProblem(problem);
    } finally {
      isBusy = false;
    }
  }

  const answer = (item) =>
    h(
      "article",
      { class: "judge-grid" },
      h(
        "div",
        { class: "card stack" },
        item.previous &&
          h(
            "div",
            {},
            h("h2", { class: "tag" }, t("judge.previous")),
            h("p", { class: "pre soft" }, item.previous),
          ),
        h(
          "div",
          {},
          h("h2", { class: "tag" }, t("judge.question")),
          h(
            "p",
            { class: "pre asked", tabindex: "-1", dir: "auto", "data-testid": "judge-question" },
            item.question,
          ),
        ),
        h(
          "div",
          {},
          h("h2", { class: "tag" }, t("judge.answer")),
          h(
            "div",
            { class: "passage pre", dir: "auto", "data-testid": "judge-answer" },
            withCitations(item.answer, cite(item)),
          ),
        ),
        item.citations.length > 0 && sources(item),
      ),
      h(
        "div",
        { class: "stack judge-side" },
        h(
          "section",
          { class: "card stack tight" },
          h("h2", { class: "tag" }, t("judge.person")),
          item.person_said
            ? h("p", { class: "pre", dir: "auto", "data-testid": "person-said" }, item.person_said)
            : h("p", { class: "soft" }, t("judge.nobody")),
        ),
        h(
          "section",
          { class: "card stack tight judge-keys", "aria-label": t("judge.ask") },
          h("h2", {}, t("judge.ask")),
          FINDINGS.map(({ outcome, key }) =>
            h(
              "button",
              {
                class: "button choice",
                type: "button",
                disabled: !mayJudge,
                "data-testid": `judge-${outcome}`,
                onclick: () => judge(outcome),
              },
              keycaps(key),
              t(`found.${outcome}`),
            ),
          ),
          h(
            "div",
            { class: "row apart" },
            h(
              "button",
              {
                class: "button compact",
                type: "button",
                disabled: done.length === 0,
                "data-testid": "judge-undo",
                onclick: undo,
              },
              keycaps("z"),
              t("judge.undo"),
            ),
            h("span", { class: "small soft" }, t("judge.doubt")),
          ),
        ),
      ),
    );

  const blank = () =>
    h(
      "div",
      { class: "empty", "data-testid": "judge-empty" },
      icon("check"),
      h("strong", {}, t(tally.n_waiting > 0 ? "judge.wait" : "judge.none")),
      h("p", {}, t(tally.n_waiting > 0 ? "judge.wait_more" : "judge.none_more")),
      h(
        "div",
        { class: "row" },
        h("a", { class: "button primary", href: "#/rehearsal" }, t("judge.result")),
        done.length > 0 &&
          h(
            "button",
            { class: "button", type: "button", "data-testid": "judge-undo", onclick: undo },
            keycaps("z"),
            t("judge.undo"),
          ),
      ),
    );

  current = { judge, undo };
  load();
  return () => (current = null);
}

const RIGHT = new Set(["accept", "edit_style", "reject_tone"]);

/** How far it is to the goal: the fewest judgements that could prove the promise. */
function progress(tally, step) {
  const { n_judged: judged, n_sendable: sendable } = tally;
  const goal = step.kind === "judge" ? Math.max(judged + step.n, judged) : sendable;
  const isProven = step.kind === "promise";
  return [
    h(
      "p",
      { class: "row apart small" },
      h(
        "span",
        { class: isProven ? "good" : null },
        t(isProven ? "judge.proven" : "judge.goal", { judged, goal }),
      ),
      h("span", { class: "soft" }, t("judge.open", { n: sendable - judged })),
    ),
    h("progress", {
      max: Math.max(goal, 1),
      value: Math.min(judged, goal),
      "aria-label": t("judge.goal", { judged, goal }),
    }),
  ];
}

const open = (item, n) => openSource(`/v1/knowledge/rehearsed/${item.id}/sources/${n}`, n);

const cite = (item) => (n) =>
  item.citations.some((each) => each.number === n)
    ? h(
        "button",
        {
          class: "cite",
          type: "button",
          "aria-label": t("judge.open_source", { n }),
          onclick: () => open(item, n),
        },
        n,
      )
    : null;

const sources = (item) =>
  h(
    "div",
    {},
    h("h2", { class: "tag" }, t("judge.sources")),
    h(
      "ol",
      { role: "list", class: "cited" },
      item.citations.map((one) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              class: "cited-source",
              type: "button",
              "data-testid": "citation",
              onclick: () => open(item, one.number),
            },
            h("strong", {}, `${one.number} · ${one.document}`),
            h("span", { class: "crumbs" }, placeText(one)),
            h("span", { class: "quote" }, one.quote),
          ),
        ),
      ),
    ),
  );
