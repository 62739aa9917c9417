// Codes of the server in words: reasons, states, topics, confidence.

import { h } from "./dom.js";
import { has, percent, t } from "./i18n.js";

const word = (prefix, code) => (has(`${prefix}.${code}`) ? t(`${prefix}.${code}`) : code);

export const reasonText = (code) => word("reason", code);
export const topicText = (code) => word("topic", code ?? "other");
export const decisionText = (code) => word("decision", code ?? "none");
export const modeText = (code) => word("mode", code);
export const roleText = (code) => word("role", code);

/** "About 92 of 100 such answers were right." */
export function confidenceText(confidence) {
  if (confidence === null || confidence === undefined) return t("confidence.none");
  return t("confidence.words", { n: Math.round(confidence * 100) });
}

export function confidenceLevel(confidence) {
  if (confidence === null || confidence === undefined) return "";
  return confidence >= 0.85 ? "good" : confidence >= 0.6 ? "warn" : "bad";
}

/** The percentage as a chip. */
export function confidenceChip(confidence, digits = 0) {
  if (confidence === null || confidence === undefined) return null;
  return h(
    "span",
    { class: `chip number ${confidenceLevel(confidence)}`, title: confidenceText(confidence) },
    percent(confidence, digits),
  );
}

/** Heading path and page of a place in a document. */
export function placeText({ heading_path: path, page }) {
  return [...(path ?? []), page ? t("page", { n: page }) : null].filter(Boolean).join(" › ");
}
