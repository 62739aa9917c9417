// The kill switch: one look tells whether anything is sent by itself, one click stops it.

import { get, post } from "/ui/shared/api.js";
import { field, formDialog } from "/ui/shared/dialog.js";
import { h } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { toast } from "/ui/shared/toast.js";

/** `sends`: whether anything can go out by itself; where it is not known, the modes say so. */
export function killSwitch({ policy }, { mayChange, done, sends }) {
  const isStopped = policy.kill_switch;
  const isAuto = policy.mode === "auto" || Object.values(policy.topics).some((rule) => rule.mode === "auto");
  const state = isStopped ? "stopped" : !isAuto ? "manual" : sends === false ? "unproven" : "on";
  return h(
    "section",
    { class: `kill ${state}`, "aria-label": t("kill"), "data-testid": "kill", "data-state": state },
    icon(isStopped ? "stop" : "check"),
    h(
      "div",
      { class: "grow" },
      h("strong", {}, t(`kill.${state}`)),
      h("p", { class: "small" }, t(`kill.${state}_more`)),
    ),
    mayChange &&
      h(
        "button",
        {
          class: `button ${isStopped ? "" : state === "on" ? "stop" : "danger"}`,
          type: "button",
          "data-testid": isStopped ? "kill-off" : "kill-on",
          onclick: () => turn(!isStopped, done),
        },
        !isStopped && icon("stop"),
        t(isStopped ? "kill_release" : "kill_stop"),
      ),
  );
}

async function turn(on, done) {
  const isDone = await formDialog({
    title: t(on ? "kill_stop" : "kill_release"),
    testid: "kill-dialog",
    danger: on,
    yes: t(on ? "kill_stop_yes" : "kill_release_yes"),
    fields: [
      h("p", {}, t(on ? "kill_stop_text" : "kill_release_text")),
      field(
        "kill-note",
        t("note"),
        h("input", {
          type: "text",
          name: "note",
          maxlength: "500",
          autofocus: true,
          required: !on,
          "data-testid": "kill-note",
        }),
      ),
    ],
    save: (data) => post("/v1/ops/kill-switch", { on, note: data.get("note").trim() }),
  });
  if (!isDone) return;
  done(await get("/v1/ops/policy"));
  toast(t(on ? "kill_stopped" : "kill_released"));
}
