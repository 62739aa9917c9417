// How many machines a big day needs: the formula, with the numbers that were measured here.

import { get } from "/ui/shared/api.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { number, percent, t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";

const USUAL = 36_000;

export function showLoad(box) {
  const told = h("div", { role: "status", "data-testid": "load-plan" });
  const load = async (perHour) => {
    try {
      const { plan } = await get(`/v1/shifts/load-plan?per_hour=${perHour}`);
      show(told, plan ? formula(plan) : h("p", { class: "soft" }, t("load.none")));
    } catch (problem) {
      show(told, sorry(problem, () => load(perHour)));
    }
  };
  const later = debounce(load, 300);
  const wanted = h("input", {
    id: "per-hour",
    type: "number",
    min: "1",
    max: "100000000",
    value: USUAL,
    "data-testid": "per-hour",
    oninput: (event) => event.target.checkValidity() && event.target.value && later(event.target.value),
  });
  show(
    box,
    h("h2", {}, t("load.title")),
    h("p", { class: "soft" }, t("load.more")),
    h("div", { class: "field" }, h("label", { for: "per-hour" }, t("load.per_hour")), wanted),
    told,
  );
  load(USUAL);
}

const formula = (plan) => [
  h("p", {}, h("strong", {}, t("load.needs", { machines: plan.machines, cores: plan.cores, each: plan.cores_each, per_hour: plan.per_hour }))),
  h(
    "p",
    { class: "formula" },
    `⌈ ${number(plan.per_hour)} × ${number(plan.mean_seconds, 3)} s ÷ 3600 s ÷ ${percent(plan.greatest_load)} ⌉ = ${number(plan.machines)}`,
  ),
  h("p", { class: "soft small" }, t("load.measured", { n: plan.n_measured, mean: number(plan.mean_seconds, 2), p90: number(plan.p90_seconds, 2), each: plan.per_machine })),
  !plan.is_enough && h("p", { class: "note warn" }, t("load.few")),
];
