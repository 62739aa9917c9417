// The schedule: read by all, written by ops and owners, saved as a whole.

import { put } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { toast, toastProblem } from "/ui/shared/toast.js";

const DAYS = [0, 1, 2, 3, 4, 5, 6];

const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const minute = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

export function drawSchedule(box, found, maySettle, reload) {
  const offset = found.utc_offset_min / 60;
  const head = [h("h2", {}, t("schedule.title")), h("p", { class: "soft small" }, t("schedule.clock", { offset: offset < 0 ? String(offset) : `+${offset}` }))];
  if (!maySettle) return show(box, head, found.shifts.length > 0 ? readOnly(found.shifts) : h("p", { class: "soft" }, t("schedule.none")));
  const rows = h("div", {});
  const add = (shift) => rows.append(row(shift, found.people));
  found.shifts.forEach(add);
  const form = h(
    "form",
    { class: "stack" },
    rows,
    h(
      "div",
      { class: "row" },
      h("button", { class: "button", type: "button", "data-testid": "add-shift", onclick: () => (add(null), rows.lastChild.querySelector("input").focus()) }, t("schedule.add")),
      h("button", { class: "button primary", type: "submit", "data-testid": "save-schedule" }, t("schedule.save")),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await put("/v1/shifts", { shifts: [...rows.children].map(read) });
      toast(t("schedule.saved"));
      reload();
    } catch (problem) {
      toastProblem(problem);
    }
  });
  show(box, head, form);
}

const readOnly = (shifts) =>
  h(
    "ul",
    {},
    shifts.map((shift) =>
      h("li", {}, h("strong", {}, shift.name), ` ${clock(shift.from_min)}–${clock(shift.until_min)} · ${shift.weekdays.map((day) => t(`day.${day}`)).join(" ")} · ${shift.agents.map((agent) => agent.name).join("、") || "—"}`),
    ),
  );

let nth = 0;

function row(shift, people) {
  nth += 1;
  const field = (name, label, props) => {
    const id = `${name}-${nth}`;
    return h("div", { class: "field" }, h("label", { for: id }, label), h("input", { id, name, required: true, type: "text", ...props }));
  };
  const boxes = (name, choices, chosen) =>
    choices.map(([value, text]) => h("label", {}, h("input", { type: "checkbox", name, value: String(value), checked: chosen(value) }), text));
  const set = h(
    "fieldset",
    { class: "shift-row", "data-testid": "shift-row" },
    h("legend", {}, shift?.name ?? t("schedule.add")),
    h(
      "div",
      { class: "row" },
      field("name", t("schedule.name"), { value: shift?.name ?? "", maxlength: "40", "data-testid": "shift-name" }),
      field("from", t("schedule.from"), { type: "time", value: clock(shift?.from_min ?? 480) }),
      field("until", t("schedule.until"), { type: "time", value: clock(shift?.until_min ?? 960) }),
      h("button", { class: "button compact danger", type: "button", "aria-label": t("schedule.remove", { name: shift?.name ?? "" }), onclick: () => set.remove() }, "×"),
    ),
    h("div", { class: "row days", role: "group", "aria-label": t("schedule.days") }, boxes("day", DAYS.map((day) => [day, t(`day.${day}`)]), (day) => shift?.weekdays.includes(day) ?? true)),
    h("div", { class: "row agents", role: "group", "aria-label": t("schedule.agents") }, boxes("agent", people.map((person) => [person.id, person.name]), (id) => shift?.agents.some((agent) => agent.id === id) ?? false)),
  );
  return set;
}

function read(set) {
  const value = (name) => set.querySelector(`[name=${name}]`).value;
  const chosen = (name) => [...set.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
  return { name: value("name").trim(), weekdays: chosen("day").map(Number), from_min: minute(value("from")), until_min: minute(value("until")), agents: chosen("agent") };
}
