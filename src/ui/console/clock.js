// Waits as clocks: how long, and what that means for the shop's promise, in colour and in words.

import { h } from "/ui/shared/dom.js";
import { duration, t } from "/ui/shared/i18n.js";

let skewMs = 0;

/** What the server's clock is ahead of this machine's: all screens then say the same. */
export const setSkew = (ms) => (skewMs = ms);

/** A clock that `tick` keeps going. `clock`: `{kind, amber_at_ms, due_at_ms}`. */
export function slaClock(since, clock) {
  const node = h("span", {
    class: "wait number",
    "data-testid": "sla",
    "data-since": since,
    "data-amber": clock?.amber_at_ms,
    "data-due": clock?.due_at_ms,
    title: clock && t(`sla.${clock.kind}`, { time: duration(clock.due_at_ms - since) }),
  });
  tickOne(node);
  return node;
}

function tickOne(node) {
  const now = Date.now() + skewMs;
  const { since, amber, due } = node.dataset;
  const seconds = (ms) => duration(Math.max(0, Math.floor(ms / 1000)) * 1000);
  const state = due && now >= Number(due) ? "late" : amber && now >= Number(amber) ? "amber" : "ok";
  const time = { late: now - Number(due), amber: Number(due) - now, ok: now - Number(since) }[state];
  const text = t(`sla.${state}`, { time: seconds(time) });
  if (node.textContent === text) return;
  node.textContent = text;
  node.dataset.state = state;
  node.classList.toggle("warn", state === "amber");
  node.classList.toggle("bad", state === "late");
}

export const tick = () => document.querySelectorAll("[data-since]").forEach(tickOne);
