// Buyers were told things: how many of them are overdue or due today stands beside the room's name, wherever one is.

import { get } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { toast } from "./toast.js";

const EVERY_MS = 60_000;

/** Keeps a badge on `link`, and says when something more of the reader's becomes overdue. */
export function watchDue(link) {
  let known = null;
  const badge = h("span", { class: "badge", "data-testid": "due-badge", hidden: true });
  link.append(" ", badge);
  const look = async () => {
    try {
      const counts = await get("/v1/commitments/counts");
      const n = counts.overdue + counts.today;
      badge.hidden = n === 0;
      badge.classList.toggle("bad", counts.overdue > 0);
      badge.textContent = String(n);
      badge.title = t("due.badge", { overdue: counts.overdue, today: counts.today });
      badge.setAttribute("aria-label", badge.title);
      if (known !== null && counts.overdue > known) toast(t("due.overdue", { n: counts.overdue }), "bad");
      known = counts.overdue;
    } catch {
      // The next look may succeed; that the server is gone, the status beside it says.
    }
  };
  look();
  setInterval(look, EVERY_MS);
}
