// What ops can turn: the bar, the mode of the shop, and two more shares.

import { h } from "/ui/shared/dom.js";
import { percent, t } from "/ui/shared/i18n.js";
import { modeText } from "/ui/shared/words.js";
import { MODES } from "./topics.js";

/**
 * Bar, mode and further shares of `policy`, changed in place; each change calls `changed`. With a `dial` in force the
 * proof says where the bar is; a bar by hand can be tried, and leaves the promise.
 */
export function controls(policy, { mayChange, changed, dial }) {
  const slider = h("input", {
    type: "range",
    id: "bar",
    min: "0",
    max: "100",
    step: "1",
    value: Math.round(policy.bar * 100),
    disabled: !mayChange || Boolean(policy.dial),
    "data-testid": "bar-slider",
  });
  const exact = h("input", {
    type: "number",
    min: "0",
    max: "100",
    step: "0.5",
    value: +(policy.bar * 100).toFixed(1),
    disabled: !mayChange || Boolean(policy.dial),
    "aria-label": t("bar_exact"),
    "data-testid": "bar-number",
  });
  const set = (value, other) => {
    policy.bar = Math.min(1, Math.max(0, Number(value) / 100));
    other.value = +(policy.bar * 100).toFixed(1);
    slider.setAttribute("aria-valuetext", percent(policy.bar, 1));
    changed();
  };
  slider.addEventListener("input", () => set(slider.value, exact));
  exact.addEventListener(
    "input",
    () => exact.value !== "" && exact.validity.valid && set(exact.value, slider),
  );
  slider.setAttribute("aria-valuetext", percent(policy.bar, 1));
  return [
    dial && source(policy, { mayChange, changed, dial, controls: [slider, exact] }),
    h(
      "div",
      { class: "row apart" },
      h("label", { for: "bar" }, h("h2", {}, t("bar"))),
      h("span", { class: "row exact" }, exact, "%"),
    ),
    slider,
    h("div", { class: "row apart small soft" }, h("span", {}, t("bar_low")), h("span", {}, t("bar_high"))),
    h(
      "fieldset",
      { class: "modes", disabled: !mayChange },
      h("legend", {}, t("mode_legend")),
      MODES.map((mode) =>
        h(
          "label",
          { class: "mode" },
          h("input", {
            type: "radio",
            name: "mode",
            value: mode,
            checked: policy.mode === mode,
            "data-testid": `mode-${mode}`,
            onchange: () => ((policy.mode = mode), changed()),
          }),
          h(
            "span",
            {},
            h("strong", {}, modeText(mode)),
            h("span", { class: "small soft" }, t(`mode_more.${mode}`)),
          ),
        ),
      ),
    ),
    h(
      "details",
      {},
      h("summary", {}, t("more_rules")),
      h(
        "div",
        { class: "limit-fields" },
        ["min_grounded_share", "audit_rate"].map((name) => share(policy, name, { mayChange, changed })),
      ),
    ),
  ];
}

/** Whether the bar comes from the proof or from the hand. */
function source(policy, { mayChange, changed, dial, controls: inputs }) {
  const set = (next) => {
    policy.dial = next;
    for (const input of inputs) input.disabled = !mayChange || next !== null;
    changed();
  };
  const radio = (name, value) =>
    h(
      "label",
      { class: "mode" },
      h("input", {
        type: "radio",
        name: "bar-source",
        checked: Boolean(policy.dial) === Boolean(value),
        "data-testid": `source-${name}`,
        onchange: () => set(value),
      }),
      h(
        "span",
        {},
        h("strong", {}, t(`source.${name}`)),
        h("span", { class: "small soft" }, t(`source.${name}_more`)),
      ),
    );
  return h(
    "fieldset",
    { class: "modes", disabled: !mayChange },
    h("legend", {}, t("source")),
    radio("proven", dial),
    radio("hand", null),
  );
}

function share(policy, name, { mayChange, changed }) {
  const input = h("input", {
    type: "number",
    id: name,
    min: "0",
    max: "100",
    step: "1",
    value: Math.round(policy[name] * 100),
    disabled: !mayChange,
    "aria-describedby": `${name}-hint`,
  });
  input.addEventListener("input", () => {
    if (input.value === "" || !input.validity.valid) return;
    policy[name] = Number(input.value) / 100;
    changed();
  });
  return h(
    "div",
    { class: "field" },
    h("label", { for: name }, t(name)),
    h("span", { class: "row exact" }, input, "%"),
    h("span", { class: "hint", id: `${name}-hint` }, t(`${name}_hint`)),
  );
}
