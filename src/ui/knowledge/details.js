// What staff say about a document: name, product, readers, dates.

import { patch } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";

const DAY_MS = 86_400_000;

/** The day of `ms`, as a date field wants it; the server keeps days in UTC. */
const toDay = (ms) => (ms ? new Date(ms).toISOString().slice(0, 10) : "");

const fromDay = (day) => (day ? Date.parse(`${day}T00:00:00Z`) : null);

const audienceSelect = (value) =>
  h(
    "select",
    { name: "audience", value, "data-testid": "audience" },
    ["buyers", "agents"].map((each) =>
      h("option", { value: each, selected: each === value }, t(`audience.${each}`)),
    ),
  );

export const PLATFORMS = ["taobao", "tmall", "pdd", "jd", "douyin", "kuaishou", "vip", "own", "other"];

const platformBoxes = (prefix, chosen) =>
  h(
    "fieldset",
    { class: "field platforms", "data-testid": "platforms" },
    h("legend", {}, t("platforms")),
    h("span", { class: "hint" }, t("platforms_hint")),
    h(
      "div",
      { class: "row" },
      PLATFORMS.map((each) =>
        h(
          "span",
          { class: "row small" },
          h("input", {
            type: "checkbox",
            id: `${prefix}-on-${each}`,
            name: "platforms",
            value: each,
            checked: chosen.includes(each),
          }),
          h("label", { for: `${prefix}-on-${each}` }, t(`platform.${each}`)),
        ),
      ),
    ),
  );

/** The fields that an upload and the dialog share. */
export function limitFields(prefix, { sku = "", audience = "buyers", platforms = [], from = "", until = "" } = {}) {
  return h(
    "div",
    { class: "limit-fields" },
    field(
      `${prefix}-sku`,
      t("sku"),
      h("input", {
        type: "text",
        name: "sku",
        value: sku,
        autocomplete: "off",
        "data-testid": "sku",
      }),
      t("sku_hint"),
    ),
    field(`${prefix}-audience`, t("audience"), audienceSelect(audience), t("audience_hint")),
    field(
      `${prefix}-from`,
      t("effective_from"),
      h("input", { type: "date", name: "effective_from", value: from }),
    ),
    field(
      `${prefix}-until`,
      t("effective_until"),
      h("input", { type: "date", name: "effective_until", value: until }),
    ),
    platformBoxes(prefix, platforms),
  );
}

/** What `limitFields` shows of a document or a golden answer. */
export const limitValues = (each) => ({
  sku: each.sku ?? "",
  audience: each.audience,
  platforms: each.platforms,
  from: toDay(each.effective_from_ms),
  until: toDay(each.effective_until_ms && each.effective_until_ms - 1),
});

/** What was entered in `limitFields`, as the server wants it. */
export function limitsOf(data) {
  const until = fromDay(data.get("effective_until")); // The last day it is in force.
  return {
    sku: data.get("sku").trim() || null,
    audience: data.get("audience"),
    platforms: data.getAll("platforms"),
    effective_from_ms: fromDay(data.get("effective_from")),
    effective_until_ms: until === null ? null : until + DAY_MS,
  };
}

/** Opens the dialog. Resolves to the saved document, or null. */
export function editDetails(document) {
  const name = h("input", {
    type: "text",
    name: "name",
    value: document.name,
    required: true,
    "data-testid": "name",
  });
  return formDialog({
    title: t("edit_details"),
    wide: true,
    testid: "details-dialog",
    yes: t("save"),
    fields: [field("details-name", t("name"), name), limitFields("details", limitValues(document))],
    save: (data) =>
      patch(`/v1/knowledge/documents/${document.id}`, {
        name: data.get("name").trim(),
        ...limitsOf(data),
      }),
  });
}
