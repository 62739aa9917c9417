// Draws one message: who says it, the text with its sources, and what a buyer may do with it.

import { h, show } from "/ui/shared/dom.js";
import { withTables } from "/ui/shared/facts.js";
import { clock, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { orderCard } from "/ui/shared/order-card.js";
import { marked, withCitations } from "/ui/shared/spans.js";

/** A message of the server. `chat` is needed for sources and thumbs. */
export function bubble(message, chat) {
  if (message.author === "notice") return notice(message);
  const isMine = message.author === "buyer";
  const sources = h("div", { class: "sources" });
  const opened = new Map();
  const toggle = (n) => toggleSource(n, message, chat, sources, opened);
  const known = new Set((message.citations ?? []).map((c) => c.number));
  const cite = (n) =>
    known.has(n)
      ? h(
          "button",
          {
            class: "cite",
            type: "button",
            "aria-label": t("source_n", { n }),
            onclick: () => toggle(n),
          },
          `${n}`,
        )
      : null;
  const inline = (part) => withCitations(part, cite);
  return h(
    "div",
    {
      class: `message ${isMine ? "mine" : "theirs"}`,
      "data-testid": `message-${message.author}`,
      "data-seq": message.seq,
    },
    byline(message),
    !message.card?.is_whole &&
      h(
        "div",
        { class: "bubble pre", dir: "auto" },
        h("span", { class: "hidden-text" }, isMine ? t("you_said") : null),
        isMine ? inline(message.text) : withTables(message.text, inline),
      ),
    message.card && orderCard(message.card),
    known.size > 0 && sourceList(message, toggle, sources),
    !isMine && message.author !== "agent" && thumbs(message, chat),
  );
}

function byline(message) {
  const chip = { assistant: "ai_made", reviewed: "ai_reviewed" }[message.author];
  const name = message.author === "agent" ? message.author_name || t("agent") : null;
  return h(
    "div",
    { class: "byline" },
    chip && h("span", { class: "chip", "data-testid": "author-chip" }, t(chip)),
    name && h("span", { class: "name" }, name),
    h("time", { datetime: new Date(message.created_at_ms).toISOString() }, clock(message.created_at_ms)),
  );
}

function sourceList(message, toggle, sources) {
  return h(
    "div",
    { class: "citations" },
    h("span", { class: "label" }, t("sources")),
    message.citations.map((c) =>
      h(
        "button",
        {
          class: "source",
          type: "button",
          "data-number": c.number,
          "aria-expanded": "false",
          "data-testid": "citation",
          onclick: () => toggle(c.number),
        },
        h("span", { class: "n" }, c.number),
        h("span", {}, c.document),
      ),
    ),
    sources,
  );
}

async function toggleSource(n, message, chat, sources, opened) {
  const button = sources.parentNode.querySelector(`[data-number="${n}"]`);
  const isOpen = opened.has(n);
  button.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) {
    opened.get(n).remove();
    opened.delete(n);
    return;
  }
  const citation = message.citations.find((c) => c.number === n);
  const place = [...(citation.heading_path ?? []), citation.page ? t("page", { n: citation.page }) : null];
  const text = h("div", { class: "passage pre" }, h("mark", {}, citation.quote));
  const box = h(
    "div",
    { class: "opened", "data-testid": "source-passage" },
    h(
      "div",
      { class: "place" },
      h("strong", {}, `${n} · ${citation.document}`),
      h("span", {}, place.filter(Boolean).join(" › ")),
    ),
    text,
  );
  opened.set(n, box);
  sources.append(box);
  try {
    const source = await chat.source(message, n);
    show(text, marked(source.text, source.marks));
    text.querySelector("mark")?.scrollIntoView({ block: "nearest" });
    box.scrollIntoView({ block: "nearest" });
  } catch {
    // The quote is already there; its neighbourhood is a bonus.
  }
}

function thumbs(message, chat) {
  let chosen = message.thumbs ?? null;
  const make = (value, name, label) =>
    h(
      "button",
      {
        class: "thumb",
        type: "button",
        "aria-label": t(label),
        title: t(label),
        "aria-pressed": String(chosen === value),
        "data-testid": `thumb-${name}`,
        onclick: () => choose(value),
      },
      icon(name),
    );
  const buttons = { 1: make(1, "up", "helpful"), [-1]: make(-1, "down", "not_helpful") };
  const thanks = h("span", { class: "thanks", role: "status" });
  async function choose(value) {
    const before = chosen;
    draw(chosen === value ? null : value);
    try {
      await chat.thumbs(message, chosen);
      thanks.textContent = chosen === null ? "" : t("thanks");
    } catch (problem) {
      draw(before);
      thanks.textContent = problem.message;
    }
  }
  function draw(value) {
    chosen = value;
    for (const [key, button] of Object.entries(buttons))
      button.setAttribute("aria-pressed", String(Number(key) === value));
  }
  return h("div", { class: "thumbs" }, buttons[1], buttons[-1], thanks);
}

function notice(message) {
  const { code, hours, contact } = message.notice ?? { code: message.text };
  return h(
    "div",
    { class: "notice", "data-testid": `notice-${code}` },
    h("p", {}, t(`notice.${code}`)),
    code === "person_will_answer" && hours && h("p", {}, t("hours", { hours })),
    code === "person_will_answer" && contact && h("p", {}, t("contact", { contact })),
  );
}

/** A message that is on its way, or could not be sent. */
export function pendingBubble(item, chat, onDrop) {
  const isStuck = item.state !== "sending";
  return h(
    "div",
    { class: `message mine pending ${item.state}`, "data-testid": `pending-${item.state}` },
    h("div", { class: "bubble pre", dir: "auto" }, item.text),
    h(
      "div",
      { class: "byline" },
      isStuck && icon("warn"),
      h("span", {}, item.state === "refused" ? item.why : t(item.state)),
      item.state === "failed" &&
        h(
          "button",
          { class: "link", type: "button", "data-testid": "retry", onclick: () => chat.again(item) },
          t("retry"),
        ),
      isStuck && h("button", { class: "link", type: "button", onclick: () => onDrop(item) }, t("discard")),
    ),
  );
}
