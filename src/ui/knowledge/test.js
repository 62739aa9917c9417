// "Ask a test question": what was found, what was drafted, and what would have been sent. No buyer sees it.

import { get, post } from "/ui/shared/api.js";
import { claimList } from "/ui/shared/claims.js";
import { h, show } from "/ui/shared/dom.js";
import { duration, t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";
import { marked } from "/ui/shared/spans.js";
import {
  confidenceText,
  confidenceChip,
  decisionText,
  placeText,
  reasonText,
  topicText,
} from "/ui/shared/words.js";

const POLL_MS = 700;
const LONGEST_MS = 5 * 60_000;

export function drawTest(box) {
  const question = h("textarea", {
    id: "question",
    rows: "2",
    required: true,
    maxlength: "2000",
    placeholder: t("question_example"),
    "data-testid": "test-question",
  });
  const ask = h("button", { class: "button primary", type: "submit", "data-testid": "test-ask" }, t("ask"));
  const form = h(
    "form",
    { class: "card stack tight" },
    h("label", { for: "question" }, t("question")),
    question,
    h("div", { class: "row" }, ask, h("span", { class: "small soft" }, t("test_hint"))),
  );
  const answer = h("div", { class: "stack answer", "aria-live": "polite", "data-testid": "test-answer" });
  let run = 0;
  show(box, h("div", { class: "page-head" }, h("h1", {}, t("test"))), form, answer);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = ++run;
    ask.disabled = true;
    try {
      show(answer, h("p", { class: "soft" }, t("searching")));
      const { turn_id: id } = await post("/v1/knowledge/test", { question: question.value.trim() });
      await follow(id, mine);
    } catch (problem) {
      if (mine === run)
        show(
          answer,
          sorry(problem, () => form.requestSubmit()),
        );
    } finally {
      ask.disabled = false;
    }
  });
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  async function follow(id, mine) {
    const begun = Date.now();
    let seen = "";
    while (mine === run && Date.now() - begun < LONGEST_MS) {
      const result = await get(`/v1/knowledge/test/${id}`);
      if (mine !== run) return;
      const now = JSON.stringify(result);
      if (now !== seen) show(answer, outcome(result), hits(result.hits));
      seen = now;
      if (result.would || result.turn.state !== "asked") return;
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
    if (mine === run) answer.prepend(h("p", { class: "note warn" }, t("test_slow")));
  }

  return () => void run++;
}

function outcome({ turn, would }) {
  if (!would)
    return h(
      "section",
      { class: "card stack tight" },
      h("h2", {}, t("draft")),
      turn.draft ? h("p", { class: "pre" }, turn.draft) : h("p", { class: "soft" }, t("writing")),
    );
  const kind = { auto_send: "good", review: "warn", escalate: "bad" }[would];
  return h(
    "section",
    { class: "card stack", "data-testid": "test-outcome", "data-would": would },
    h(
      "div",
      { class: "row" },
      h("h2", {}, t("would")),
      h("span", { class: `chip ${kind}` }, t(`would.${would}`)),
      h("span", { class: "chip" }, topicText(turn.topic)),
      confidenceChip(turn.confidence),
    ),
    turn.confidence !== null && h("p", {}, confidenceText(turn.confidence)),
    turn.reasons.length > 0 &&
      h(
        "ul",
        { class: "reasons" },
        turn.reasons.map((code) => h("li", {}, reasonText(code))),
      ),
    turn.draft
      ? h(
          "div",
          { class: "passage", dir: "auto", "data-testid": "test-draft" },
          marked(turn.draft, turn.unsupported, (part) =>
            h("mark", { class: "unsupported", title: t("unsupported") }, part),
          ),
        )
      : h("p", { class: "soft" }, t("no_draft")),
    claimList(turn.unsupported),
    turn.ms?.total > 0 &&
      h(
        "p",
        { class: "small soft" },
        t("timing", { retrieve: duration(turn.ms.retrieve ?? 0), total: duration(turn.ms.total) }),
      ),
  );
}

function hits(list) {
  if (!list?.length)
    return h(
      "section",
      { class: "card" },
      h("h2", {}, t("found")),
      h("p", { class: "soft" }, t("found_none")),
    );
  const score = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
  return h(
    "section",
    { class: "stack tight" },
    h("h2", {}, t("found")),
    h("p", { class: "small soft" }, t("scores_hint")),
    h(
      "ol",
      { role: "list", class: "hits" },
      list.map((hit) =>
        h(
          "li",
          { class: "card hit", "data-testid": "hit" },
          h(
            "div",
            { class: "row apart" },
            h(
              "div",
              {},
              h("strong", {}, `${hit.rank}. ${hit.document}`),
              h("p", { class: "crumbs" }, placeText(hit)),
            ),
            h(
              "div",
              { class: "row small" },
              h("span", { class: "chip number" }, `${t("similarity")} ${score(hit.similarity, 3)}`),
              h("span", { class: "chip number" }, `${t("lexical")} ${score(hit.lexical, 1)}`),
            ),
          ),
          h(
            "details",
            {},
            h("summary", { class: "small" }, hit.text.slice(0, 90), hit.text.length > 90 ? "…" : ""),
            h("div", { class: "passage" }, hit.text),
          ),
        ),
      ),
    ),
  );
}
