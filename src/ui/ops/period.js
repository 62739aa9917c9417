// Which part of the past the time machine goes through: the last days, or any two dates.

import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";

const DAYS = [7, 14, 30, 90];
const DAY_MS = 86_400_000;

const asDate = (ms) => {
  const day = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
};

/** `changed(period)` with `{days}` or `{from_ms, until_ms}`, as the server takes it; the last day counts in full. */
export function periodPicker(days, changed) {
  const today = Date.now();
  const from = dateInput("period-from", t("period.from"), today - 30 * DAY_MS);
  const until = dateInput("period-until", t("period.until"), today);
  const dates = h("span", { class: "row", hidden: true }, from.node, until.node);
  const select = h(
    "select",
    { "aria-label": t("period"), "data-testid": "preview-days" },
    DAYS.map((n) => h("option", { value: n, selected: n === days }, t("last_days", { n }))),
    h("option", { value: "own" }, t("period.own")),
  );
  const note = h("span", { class: "small bad", role: "alert" });

  function tell() {
    const isOwn = select.value === "own";
    dates.hidden = !isOwn;
    show(note);
    if (!isOwn) return changed({ days: Number(select.value) });
    const [start, end] = [from.read(), until.read()];
    if (!(start <= end)) return show(note, t("period.wrong"));
    changed({ from_ms: start, until_ms: end + DAY_MS });
  }

  for (const each of [select, from.input, until.input]) each.addEventListener("change", tell);
  return h("div", { class: "row period" }, select, dates, note);
}

function dateInput(id, label, ms) {
  const input = h("input", {
    type: "date",
    id,
    value: asDate(ms),
    max: asDate(Date.now()),
    "data-testid": id,
  });
  return {
    input,
    node: h("label", { class: "row small", for: id }, label, input),
    read: () => new Date(`${input.value}T00:00`).getTime(),
  };
}
