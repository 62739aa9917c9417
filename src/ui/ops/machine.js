// The time machine: turn the rules, see on any part of the past what they would have done, then apply them with a reason.

import { get, post } from "/ui/shared/api.js";
import { debounce, h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { controls } from "./controls.js";
import { curveFigure } from "./curve.js";
import { changesTable, effect } from "./effect.js";
import { killSwitch } from "./kill.js";
import { periodPicker } from "./period.js";
import { topicTable } from "./topics.js";

const MAX_CHANGES = 200;

const copy = (policy) => structuredClone(policy);

export function drawMachine(box, { mayChange }) {
  let current = null; // The version in force, as the server gave it.
  let policy = null; // What is being tried.
  let period = { days: 30 };
  let asked = 0;
  const page = {
    kill: h("div", { class: "in-reach" }),
    dial: h("section", { class: "card stack" }),
    effect: h("section", { class: "card stack", "aria-live": "polite", "data-testid": "preview" }),
    curve: h("section", { class: "card stack" }),
    topics: h("section", { class: "stack tight" }),
    changes: h("section", { class: "stack tight" }),
    apply: h("div", {}),
  };
  const picker = periodPicker(period.days, (next) => ((period = next), preview()));
  const tryOut = debounce(preview, 200);

  async function load() {
    try {
      take(await get("/v1/ops/policy"));
    } catch (problem) {
      show(box, sorry(problem, load));
    }
  }

  function take(version) {
    current = version;
    policy = copy(version.policy);
    show(
      box,
      h(
        "div",
        { class: "page-head" },
        h("div", {}, h("h1", {}, t("machine.title")), h("p", { class: "soft" }, t("machine.more"))),
        picker,
      ),
      page.kill,
      h("div", { class: "two" }, page.dial, h("div", { class: "stack" }, page.effect, page.curve)),
      page.topics,
      page.apply,
      page.changes,
    );
    show(page.kill, killSwitch(version, { mayChange, done: take }));
    show(page.dial, controls(policy, { mayChange, changed, dial: current.policy.dial ?? null }));
    drawApply();
    show(page.changes);
    preview();
  }

  const isChanged = () => JSON.stringify(policy) !== JSON.stringify(current.policy);

  function changed() {
    page.effect.setAttribute("aria-busy", "true");
    drawApply();
    tryOut();
  }

  async function preview() {
    const mine = ++asked;
    try {
      const seen = await post("/v1/ops/preview", { policy, ...period, max_changes: MAX_CHANGES });
      if (mine !== asked) return;
      show(page.effect, effect(seen, { isChanged: isChanged() }));
      show(
        page.curve,
        seen.n_turns > 0
          ? curveFigure(seen, policy.bar, current.policy.bar)
          : h("p", { class: "empty" }, t("effect_none")),
      );
      if (!page.topics.contains(document.activeElement) || document.activeElement.tagName === "BUTTON")
        show(page.topics, topicTable(policy, seen.topics, { mayChange, changed }));
      show(page.changes, isChanged() && changesTable(seen));
    } catch (problem) {
      if (mine === asked) show(page.effect, sorry(problem, preview));
    } finally {
      if (mine === asked) page.effect.setAttribute("aria-busy", "false");
    }
  }

  function drawApply() {
    if (!mayChange)
      return show(page.apply, h("p", { class: "note" }, icon("info"), h("span", {}, t("read_only"))));
    if (!isChanged()) return show(page.apply);
    if (page.apply.querySelector("form")) return;
    const note = h("input", {
      type: "text",
      id: "note",
      required: true,
      maxlength: "500",
      placeholder: t("note_example"),
      "data-testid": "policy-note",
    });
    const form = h(
      "form",
      { class: "card apply" },
      h("div", { class: "field grow" }, h("label", { for: "note" }, t("note")), note),
      h("button", { class: "button primary", type: "submit", "data-testid": "policy-apply" }, t("apply")),
      h(
        "button",
        {
          class: "button",
          type: "button",
          "data-testid": "policy-reset",
          onclick: () => take(current),
        },
        t("discard"),
      ),
    );
    form.addEventListener("submit", (event) => (event.preventDefault(), save(policy, note.value.trim())));
    show(page.apply, form);
  }

  async function save(next, note) {
    try {
      await post("/v1/ops/policy", { policy: next, note, based_on: current.number });
      take(await get("/v1/ops/policy"));
      toast(t("applied", { n: current.number }));
    } catch (problem) {
      toastProblem(problem);
      if (problem.code !== "policy_changed") return;
      const mine = copy(next);
      take(await get("/v1/ops/policy"));
      policy = { ...mine, kill_switch: current.policy.kill_switch };
      show(page.dial, controls(policy, { mayChange, changed, dial: current.policy.dial ?? null }));
      changed();
    }
  }

  load();
}
