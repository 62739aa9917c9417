// What reviewed answers prove, in honest words: few labels prove little, and the page says so.

import { percent, t } from "/ui/shared/i18n.js";

const FEW = 30;
const Z = 1.645; // One-sided 95 %.

/** The share that is right at least, with 95 % certainty (Wilson). */
export function atLeast(right, n) {
  if (n === 0) return 0;
  const share = right / n;
  const z2 = Z * Z;
  const middle = share + z2 / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return Math.max(0, (middle - spread) / (1 + z2 / n));
}

export const shareSent = ({ n_auto_sent: sent, n_turns: all }) => (all > 0 ? sent / all : 0);

export const shareRight = ({ n_right: right, n_wrong: wrong }) =>
  right + wrong > 0 ? right / (right + wrong) : null;

/** "97 % (58 of 60)", or that there is nothing to go by. */
export function rightText({ n_right: right, n_wrong: wrong }) {
  const n = right + wrong;
  return n === 0 ? t("right.none") : t("right.share", { share: percent(right / n), right, n });
}

/** How much that is worth. */
export function worthText({ n_right: right, n_wrong: wrong }) {
  const n = right + wrong;
  if (n === 0) return t("worth.none");
  const floor = percent(Math.floor(atLeast(right, n) * 100) / 100);
  return n < FEW ? t("worth.few", { n, floor }) : t("worth.enough", { floor });
}

export const isFew = ({ n_right: right, n_wrong: wrong }) => right + wrong < FEW;
