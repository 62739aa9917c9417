// The numbers of the day and of the days before, and the latest decisions.

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { duration, lang, number, percent, t, when } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { confidenceChip, decisionText, reasonText, topicText } from "/ui/shared/words.js";

const SPANS = [7, 14, 30];

export function drawNumbers(box) {
  let span = 7;
  const period = h(
    "select",
    {
      "aria-label": t("period"),
      "data-testid": "numbers-days",
      onchange: () => ((span = Number(period.value)), load()),
    },
    SPANS.map((n) => h("option", { value: n }, t("last_days", { n }))),
  );
  const numbers = h("div", { class: "stack" }, h("p", { class: "empty" }, t("loading")));
  const turns = h("section", { class: "stack tight" });
  show(
    box,
    h("div", { class: "page-head" }, h("h1", {}, t("nav.numbers")), h("div", {}, period)),
    numbers,
    turns,
  );

  async function load() {
    try {
      const { days } = await get(`/v1/ops/numbers?days=${span}`);
      show(
        numbers,
        days.some((day) => day.n_turns > 0) ? [tiles(days.at(-1)), chart(days), table(days)] : nothing(),
      );
    } catch (problem) {
      show(numbers, sorry(problem, load));
    }
  }

  async function loadTurns() {
    try {
      const list = await get("/v1/ops/turns?limit=30");
      show(
        turns,
        list.turns.length > 0 && [h("h2", { class: "section" }, t("latest")), turnTable(list.turns)],
      );
    } catch (problem) {
      show(turns, sorry(problem, loadTurns));
    }
  }

  load();
  loadTurns();
}

const nothing = () =>
  h(
    "div",
    { class: "empty card", "data-testid": "empty" },
    icon("chat"),
    h("strong", {}, t("numbers_none")),
    h("p", {}, t("numbers_none_more")),
  );
const share = (n, all) => (all > 0 ? percent(n / all) : "–");

function tiles(day) {
  const reviewed = day.n_accepted + day.n_edited + day.n_rejected;
  const thumbs = day.n_thumbs_up + day.n_thumbs_down;
  const tile = (key, value, more) =>
    h(
      "div",
      { class: "tile card", "data-testid": `tile-${key}` },
      h("span", { class: "small soft" }, t(`tile.${key}`)),
      h("strong", { class: "number" }, value),
      h("span", { class: "small soft" }, more),
    );
  return h(
    "section",
    { "aria-label": t("today") },
    h("h2", { class: "section" }, `${t("today")} · ${dayText(day.day)}`),
    h(
      "div",
      { class: "tiles many" },
      tile(
        "turns",
        number(day.n_turns),
        t("tile.turns_more", { review: day.n_review, escalated: day.n_escalated }),
      ),
      tile("sent", share(day.n_auto_sent, day.n_turns), t("n_of", { n: day.n_auto_sent, all: day.n_turns })),
      tile(
        "accepted",
        share(day.n_accepted, reviewed),
        t("tile.accepted_more", { edited: day.n_edited, rejected: day.n_rejected }),
      ),
      tile("thumbs", share(day.n_thumbs_up, thumbs), t("n_of", { n: day.n_thumbs_up, all: thumbs })),
      tile("reply", day.reply_ms_median === null ? "–" : duration(day.reply_ms_median), t("tile.reply_more")),
    ),
  );
}

const PARTS = ["n_auto_sent", "n_review", "n_escalated"];

/** One bar a day; the table below says the same in figures. */
function chart(days) {
  const most = Math.max(...days.map((day) => day.n_turns), 1);
  const bar = (day) => {
    const parts = PARTS.map((part) => {
      const piece = h("i", { class: part });
      piece.style.height = `${(day[part] / most) * 100}%`;
      return piece;
    });
    return h(
      "div",
      { class: "day", title: `${dayText(day.day)}: ${day.n_turns}` },
      h("div", { class: "pile" }, parts.reverse()),
      h("span", {}, day.day.slice(8)),
    );
  };
  return h(
    "section",
    { class: "card stack tight", "aria-hidden": "true" },
    h(
      "ul",
      { role: "list", class: "legend small" },
      PARTS.map((part) => h("li", { class: `key-${part}` }, t(`col.${part}`))),
    ),
    h("div", { class: "days" }, days.map(bar)),
  );
}

function table(days) {
  const columns = [
    "n_turns",
    "n_auto_sent",
    "n_review",
    "n_escalated",
    "n_accepted",
    "n_edited",
    "n_rejected",
    "n_thumbs_up",
    "n_thumbs_down",
  ];
  return h(
    "div",
    { class: "table-box", role: "region", tabindex: "0", "aria-label": t("by_day") },
    h(
      "table",
      { class: "dense", "data-testid": "numbers-table" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, t("col.day")),
          columns.map((key) => h("th", { scope: "col", class: "number" }, t(`col.${key}`))),
          h("th", { scope: "col", class: "number" }, t("tile.reply")),
        ),
      ),
      h(
        "tbody",
        {},
        [...days].reverse().map((day) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, dayText(day.day)),
            columns.map((key) => h("td", { class: "number" }, number(day[key]))),
            h("td", { class: "number" }, day.reply_ms_median === null ? "–" : duration(day.reply_ms_median)),
          ),
        ),
      ),
    ),
  );
}

/** The day as the server counted it: no time zone may shift it. */
const dayText = (day) =>
  new Intl.DateTimeFormat(lang === "zh" ? "zh-CN" : "en", {
    month: "short",
    day: "numeric",
    weekday: "short",
    timeZone: "UTC",
  }).format(new Date(`${day}T00:00:00Z`));

function turnTable(list) {
  const head = ["col.question", "col.topic", "col.confidence", "col.decision", "col.when"].map((key) =>
    h("th", { scope: "col" }, t(key)),
  );
  return h(
    "div",
    { class: "table-box" },
    h(
      "table",
      { class: "cards", "data-testid": "latest" },
      h("thead", {}, h("tr", {}, head)),
      h(
        "tbody",
        {},
        list.map((turn) =>
          h(
            "tr",
            {},
            h("td", {}, h("a", { href: `/console#/c/${turn.conversation_id}` }, turn.question)),
            h("td", { "data-name": t("col.topic") }, topicText(turn.topic)),
            h("td", { "data-name": t("col.confidence") }, confidenceChip(turn.confidence) ?? "–"),
            h(
              "td",
              {},
              decisionText(turn.decision),
              turn.reasons.length > 0 &&
                h(
                  "span",
                  { class: "small soft block" },
                  turn.reasons.map(reasonText).join(lang === "zh" ? "；" : "; "),
                ),
            ),
            h("td", { class: "small soft nowrap" }, when(turn.created_at_ms)),
          ),
        ),
      ),
    ),
  );
}
