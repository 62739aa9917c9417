// Who changed the rules, when and why, and the way back.

import { h } from "/ui/shared/dom.js";
import { dateTime, has, percent, t } from "/ui/shared/i18n.js";
import { modeText, topicText } from "/ui/shared/words.js";

export function historyList({ number: current, history }, { mayChange, revert }) {
  return [
    h("h2", { class: "section" }, t("history")),
    h(
      "ol",
      { role: "list", class: "history", "data-testid": "history" },
      history.map((version, i) =>
        h(
          "li",
          { class: "card", "data-version": version.number },
          h(
            "div",
            { class: "grow" },
            h(
              "p",
              { class: "row" },
              h("strong", {}, t("version", { n: version.number })),
              version.number === current && h("span", { class: "chip accent" }, t("in_force")),
              h(
                "span",
                { class: "small soft" },
                [version.author ?? t("the_system"), dateTime(version.created_at_ms)].join(" · "),
              ),
            ),
            version.note && h("p", {}, noteText(version)),
            h("p", { class: "small soft" }, difference(version.policy, history[i + 1]?.policy)),
          ),
          mayChange &&
            version.number !== current &&
            h(
              "button",
              {
                class: "button compact",
                type: "button",
                "data-testid": `revert-${version.number}`,
                onclick: () => revert(version),
              },
              t("revert"),
            ),
        ),
      ),
    ),
  ];
}

/** Notes of the server are codes, notes of people are words. */
const noteText = ({ author, note }) =>
  author === null && has(`policy_note.${note}`) ? t(`policy_note.${note}`) : note;

/** What a version changed against the one before; the whole of the first. */
function difference(policy, before) {
  const parts = [];
  const say = (key, value, old) =>
    (old === undefined || old === value) && before
      ? null
      : parts.push(`${t(key)} ${old === undefined || !before ? value : `${old} → ${value}`}`);
  say("bar", percent(policy.bar, 1), before && percent(before.bar, 1));
  say("history.promise", dialText(policy.dial), before && dialText(before.dial));
  say("mode", modeText(policy.mode), before && modeText(before.mode));
  say("min_grounded_share", percent(policy.min_grounded_share), before && percent(before.min_grounded_share));
  say("audit_rate", percent(policy.audit_rate), before && percent(before.audit_rate));
  if (before && before.kill_switch !== policy.kill_switch)
    parts.push(t(policy.kill_switch ? "kill_stopped" : "kill_released"));
  for (const topic of new Set([...Object.keys(policy.topics), ...Object.keys(before?.topics ?? {})])) {
    const [now, then] = [ruleText(policy.topics[topic]), ruleText(before?.topics[topic])];
    if (now !== then)
      parts.push(before ? `${topicText(topic)} ${then} → ${now}` : `${topicText(topic)} ${now}`);
  }
  return parts.join(" · ");
}

const ruleText = (rule) =>
  rule
    ? [modeText(rule.mode), rule.dial ? dialText(rule.dial) : rule.bar != null ? percent(rule.bar, 1) : null]
        .filter(Boolean)
        .join(" ")
    : t("follows_shop");

const dialText = (dial) =>
  dial
    ? t("history.dial", { target: percent(dial.target_error, 1), certainty: percent(dial.certainty, 1) })
    : t("history.by_hand");
