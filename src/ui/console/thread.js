// The middle pane: what was said, and a field to write freely.

import { h, randomKey, show, showKeepingFocus } from "/ui/shared/dom.js";
import { withTables } from "/ui/shared/facts.js";
import { clock, date, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { keycaps } from "/ui/shared/keys.js";
import { orderCard } from "/ui/shared/order-card.js";
import { openSource } from "/ui/shared/source.js";
import { withCitations } from "/ui/shared/spans.js";
import { confidenceChip } from "/ui/shared/words.js";
import { sorry } from "/ui/shared/shell.js";
import { toast } from "/ui/shared/toast.js";
import { briefBox, thereBox, transferNote } from "./brief.js";
import { cannedMenu } from "./canned.js";

/**
 * `acts`: `back()`, `showDraft()`, `conversation(verb)`, `assign(id)`, `escalate(id)`, `send(text, key)` → whether it was
 * sent, `known()` → what the places of a canned reply stand for.
 */
export function threadPane(desk, acts) {
  const head = h("div", { class: "thread-head" });
  const about = h("div", { class: "thread-about" });
  const log = h("div", {
    class: "messages",
    role: "log",
    "aria-label": t("conversation"),
    tabindex: "0",
    "data-testid": "thread",
  });
  const box = h("textarea", {
    id: "compose",
    rows: "2",
    placeholder: t("compose"),
    "data-testid": "compose",
  });
  const send = h(
    "button",
    { class: "button primary", type: "submit", "data-testid": "compose-send" },
    t("send"),
    h("span", { class: "caps" }, keycaps("mod+enter")),
  );
  const closed = h("p", { class: "soft small grow" });
  const canned = cannedMenu(box, { me: desk.me, known: acts.known });
  const form = h(
    "form",
    { class: "compose" },
    h("label", { class: "hidden-text", for: "compose" }, t("compose")),
    canned.node,
    box,
    h("div", { class: "row" }, canned.button, closed, send),
  );
  const node = h("section", { class: "pane thread", "aria-label": t("conversation") });
  const unsent = new Map(); // Conversation → {text, key}: what was begun is kept while other conversations are read.
  let shownId = null;
  let shownParts = []; // What the log holds, part by part.
  let isSending = false;

  form.addEventListener("submit", (event) => (event.preventDefault(), submit()));
  box.addEventListener("input", () =>
    keep({ text: box.value, key: unsent.get(desk.selected)?.key ?? randomKey() }),
  );

  const keep = (begun) => (begun.text ? unsent.set(desk.selected, begun) : unsent.delete(desk.selected));

  async function submit() {
    const begun = unsent.get(desk.selected);
    if (!begun?.text.trim() || isSending) return box.focus();
    if (canned.hasPlace()) return toast(t("canned.unfilled"));
    const id = desk.selected;
    isSending = send.disabled = true;
    const isSent = await acts.send(begun.text.trim(), begun.key);
    isSending = send.disabled = false;
    if (!isSent) return box.focus();
    unsent.delete(id);
    if (desk.selected === id) box.value = "";
  }

  function draw() {
    if (!desk.selected) {
      shownId = null;
      show(node, nothing());
      return;
    }
    if (!desk.detail) {
      shownId = null;
      show(
        node,
        desk.detailProblem
          ? sorry(desk.detailProblem, () => desk.loadDetail())
          : h("p", { class: "empty" }, t("loading")),
      );
      return;
    }
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 160;
    const isOther = shownId !== desk.selected;
    drawHead();
    drawAbout();
    drawLog();
    const c = desk.detail.conversation;
    box.disabled = send.disabled = c.closed || !desk.mayAct;
    closed.textContent = c.closed
      ? t("closed_hint")
      : desk.mayAct
        ? t(desk.isTurnOpen ? "compose_resolves" : "compose_free")
        : t("read_only");
    if (isOther) {
      show(node, head, about, log, form);
      box.value = unsent.get(desk.selected)?.text ?? "";
      shownId = desk.selected;
    }
    if (isOther || isAtEnd) log.scrollTop = log.scrollHeight;
  }

  let aboutPrint = null;
  /** Drawn anew only when something in it has changed: it may be open, or just being read. */
  function drawAbout() {
    const { brief, conversation: c } = desk.detail;
    const print = JSON.stringify([c.id, c.handler, c.agent, c.escalated, brief]);
    if (print !== aboutPrint) show(about, briefBox(desk.detail, desk.me), thereBox(desk));
    aboutPrint = print;
  }

  function drawThere() {
    const old = about.querySelector(".there");
    if (desk.selected && old) old.replaceWith(thereBox(desk));
  }

  function drawHead() {
    const c = desk.detail.conversation;
    const who =
      c.handler === "agent"
        ? t("handled_by", { name: c.agent?.name ?? t("author.agent") })
        : t("handled_by_assistant");
    const button = (key, verb, label) =>
      h(
        "button",
        {
          class: "button compact",
          type: "button",
          "data-key": key,
          "data-testid": verb,
          onclick: () => acts.conversation(verb),
        },
        label,
      );
    const act = (key, label, onclick) =>
      h("button", { class: "button compact", type: "button", "data-key": key, "data-testid": key, onclick }, label);
    showKeepingFocus(
      head,
      h(
        "button",
        {
          class: "icon-button only-small",
          type: "button",
          "aria-label": t("back"),
          "data-testid": "back",
          onclick: acts.back,
        },
        icon("back"),
      ),
      h(
        "div",
        { class: "grow" },
        h("h2", { class: "thread-title" }, t("conversation_n", { id: c.id.slice(-6) })),
        h(
          "p",
          { class: "soft small" },
          [who, c.assignee && t("assigned_to", { name: c.assignee.name }), t(`lang.${c.lang}`), c.closed ? t("closed") : null, c.simulated ? t(`simulated.${c.simulated}`) : null]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
      desk.mayAct && [
        !c.closed && act("assign", t(c.assignee ? "transfer" : "assign"), () => acts.assign(c.id)),
        !c.closed && !c.escalated && act("escalate", t("escalate"), () => acts.escalate(c.id)),
        !c.closed &&
          (c.handler === "agent"
            ? button("handler", "hand-back", t("hand_back"))
            : button("handler", "take-over", t("take_over"))),
        c.closed
          ? button("closed", "reopen", t("reopen"))
          : button("closed", "close", t("close_conversation")),
      ],
      h(
        "button",
        {
          class: `button compact only-small ${desk.turn?.state === "review" ? "primary" : ""}`,
          type: "button",
          "data-testid": "show-draft",
          onclick: acts.showDraft,
        },
        t("draft"),
      ),
    );
  }

  /** Leaves alone what stands there already: a screen reader reads out whatever is added to a log. */
  function drawLog() {
    const turns = new Map(desk.detail.turns.map((turn) => [turn.id, turn]));
    let day = null;
    const handed = (desk.detail.transfers ?? []).map((transfer) => ({ created_at_ms: transfer.created_at_ms, transfer }));
    const all = [...desk.detail.messages, ...handed].sort((a, b) => a.created_at_ms - b.created_at_ms);
    const parts = all.flatMap((m) => {
      const turn = turns.get(m.turn_id);
      const today = date(m.created_at_ms);
      const rule = today !== day && { key: today, make: () => dayRule(today) };
      day = today;
      const said = m.transfer
        ? { key: JSON.stringify(m), make: () => transferNote(m.transfer) }
        : { key: JSON.stringify([m, turn?.confidence]), make: () => message(m, turn) };
      return rule ? [rule, said] : [said];
    });
    const same = parts.findIndex(({ key }, i) => key !== shownParts[i]);
    const first = same < 0 ? parts.length : same;
    [...log.children].slice(first).forEach((node) => node.remove());
    log.append(...parts.slice(first).map(({ make }) => make()));
    shownParts = parts.map(({ key }) => key);
  }

  return {
    node,
    draw,
    drawThere,
    submit,
    box,
    /** Adds `text` to the field without going there. */
    keep(text) {
      box.value = [box.value.trim(), text].filter(Boolean).join("\n");
      box.dispatchEvent(new Event("input"));
    },
    /** Puts `text` into the field, as a start for own words. */
    begin(text) {
      box.value = text;
      box.dispatchEvent(new Event("input"));
      box.focus();
    },
  };
}

const dayRule = (day) => h("div", { class: "day" }, h("span", {}, day));

function message(m, turn) {
  if (m.author === "notice")
    return h(
      "div",
      { class: "notice", "data-testid": "notice" },
      h("span", {}, t(`notice.${m.notice?.code ?? m.text}`)),
      " ",
      h("time", { class: "time" }, clock(m.created_at_ms)),
    );
  const cite = (n) =>
    m.turn_id && (m.citations ?? []).some((c) => c.number === n)
      ? h(
          "button",
          {
            class: "cite",
            type: "button",
            "aria-label": t("open_source", { n }),
            onclick: () => openSource(`/v1/console/sources/${m.turn_id}/${n}`, n),
          },
          n,
        )
      : null;
  const isBuyer = m.author === "buyer";
  const thumb =
    m.thumbs &&
    h(
      "span",
      { class: `chip ${m.thumbs > 0 ? "good" : "bad"}` },
      icon(m.thumbs > 0 ? "up" : "down"),
      t(m.thumbs > 0 ? "thumb_up" : "thumb_down"),
    );
  return h(
    "div",
    { class: `said ${isBuyer ? "buyer" : "shop"}`, "data-testid": `said-${m.author}` },
    !m.card?.is_whole &&
      h(
        "div",
        { class: "bubble pre", dir: "auto" },
        isBuyer ? withCitations(m.text, cite) : withTables(m.text, (part) => withCitations(part, cite)),
      ),
    m.card && orderCard(m.card),
    h(
      "div",
      { class: "byline" },
      h(
        "span",
        {},
        m.author_name ? `${m.author_name} · ${t(`author.${m.author}`)}` : t(`author.${m.author}`),
      ),
      h("time", { datetime: new Date(m.created_at_ms).toISOString() }, clock(m.created_at_ms)),
      m.author === "assistant" && turn && confidenceChip(turn.confidence),
      thumb,
    ),
  );
}

function nothing() {
  return h(
    "div",
    { class: "empty" },
    icon("chat"),
    h("strong", {}, t("none_open")),
    h("p", {}, t("none_open_more")),
    h("p", { class: "small" }, keycaps("j"), " ", keycaps("k"), " ", t("none_open_keys"), " ", keycaps("?")),
  );
}
