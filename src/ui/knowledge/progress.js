// Where a revision stands, in words and as a bar.

import { h } from "/ui/shared/dom.js";
import { duration, t, utcDate } from "/ui/shared/i18n.js";

const KINDS = { queued: "info", parsing: "info", embedding: "info", indexed: "good", failed: "bad" };

export const isUnderWay = (revision) => ["queued", "parsing", "embedding"].includes(revision.state);

export const revisionChip = (revision) =>
  h(
    "span",
    {
      class: `chip ${KINDS[revision.state] ?? ""}`,
      "data-testid": "revision-state",
      "data-state": revision.state,
    },
    t(`state.${revision.state}`),
  );

/** The chip, and while work is under way the bar with counts and the time left. */
export function progressOf(revision) {
  const { stage_done: done, stage_total: total, eta_ms: eta } = revision;
  const isKnown = isUnderWay(revision) && revision.state !== "queued" && total > 0;
  return h(
    "div",
    { class: "progress" },
    h(
      "div",
      { class: "row" },
      revisionChip(revision),
      isKnown &&
        h(
          "span",
          { class: "small soft number" },
          t(`count.${revision.state}`, { done, total }),
          eta ? ` · ${t("eta", { time: duration(eta) })}` : null,
        ),
    ),
    isKnown && h("progress", { max: total, value: done, "aria-label": t(`state.${revision.state}`) }),
    revision.state === "failed" && revision.error && h("p", { class: "small error" }, revision.error.message),
    revision.state === "indexed" &&
      revision.warnings.length > 0 &&
      h("span", { class: "chip warn" }, t("n_warnings", { n: revision.warnings.length })),
  );
}

/** What limits a document: product, readers, dates. */
export function limits(document) {
  const { effective_from_ms: from, effective_until_ms: until } = document;
  const now = Date.now();
  const isOut = (from && from > now) || (until && until <= now);
  // `until` is the first moment after the last day.
  const [first, last] = [from && utcDate(from), until && utcDate(until - 1)];
  const dates =
    first && last
      ? t("from_until", { from: first, until: last })
      : first
        ? t("from", { from: first })
        : last && t("until", { until: last });
  return [
    document.sku && h("span", { class: "chip" }, document.sku),
    document.platforms.length > 0 &&
      h(
        "span",
        { class: "chip info", "data-testid": "platforms-chip" },
        t("platforms_on", { names: document.platforms.map((each) => t(`platform.${each}`)).join(" · ") }),
      ),
    document.audience === "agents" && h("span", { class: "chip warn" }, t("agents_only")),
    dates &&
      h("span", { class: `chip ${isOut ? "bad" : ""}` }, isOut ? `${t("not_in_force")} · ${dates}` : dates),
  ];
}

/** "23 chunks · 14 pages". */
export const sizeText = (revision) =>
  [
    revision.n_chunks !== null && t("n_chunks", { n: revision.n_chunks }),
    revision.n_pages !== null && t("n_pages", { n: revision.n_pages }),
  ]
    .filter(Boolean)
    .join(" · ") || "–";
