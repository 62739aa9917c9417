// How a buyer sounds, and kind words to begin with.

import { h } from "./dom.js";
import { t } from "./i18n.js";

const N_PHRASES = 3;

/** A chip for anything but calm. */
export const moodChip = (mood) =>
  mood &&
  mood !== "calm" &&
  h("span", { class: `chip ${mood === "angry" ? "bad" : "warn"}`, "data-testid": "mood" }, t(`mood.${mood}`));

/** Sentences in the buyer's language for one who is angry; `begin(sentence)` puts one in front of the reply. */
export const soothing = (turn, begin) =>
  turn.mood === "angry" &&
  h(
    "div",
    { class: "soothing", role: "group", "aria-label": t("soothing") },
    h("h3", { class: "label" }, t("soothing")),
    Array.from({ length: N_PHRASES }, (_, i) => t(`soothe.${turn.lang}.${i + 1}`)).map((sentence, i) =>
      h(
        "button",
        { class: "button compact", type: "button", "data-testid": `soothe-${i + 1}`, onclick: () => begin(sentence) },
        sentence,
      ),
    ),
  );
