// Every figure of the page, once: its text, how it is counted, and which conversations are behind it.

import { duration, number, percent } from "/ui/shared/i18n.js";

const share = (value) => (value === null ? "–" : percent(value, 1));
const time = (ms) => (ms === null ? "–" : duration(ms));

/** `text(row)`, `behind`: what `/v1/figures/conversations` calls it; none where it cannot be opened. */
export const COLUMNS = [
  { id: "inquiries", text: (row) => number(row.n_inquiries), behind: "inquiries" },
  { id: "received", text: (row) => number(row.n_received), behind: "received" },
  { id: "lost", text: (row) => number(row.n_lost), behind: "lost" },
  { id: "assistant_alone", text: (row) => number(row.n_assistant_alone), behind: "assistant_alone" },
  { id: "first", text: (row) => time(row.first_ms), behind: "received" },
  { id: "response", text: (row) => time(row.response_ms), behind: "received" },
  { id: "short", text: (row) => share(row.short_share), behind: "slow_short" },
  { id: "long", text: (row) => share(row.long_share), behind: "slow_long" },
  { id: "ratio", text: (row) => (row.answer_ratio === null ? "–" : number(row.answer_ratio, 2)), behind: "inquiries" },
  { id: "same_day", text: (row) => share(row.won_same_day_share), behind: "won_same_day" },
  { id: "final", text: (row) => share(row.won_share), behind: "won" },
  { id: "confirmed", text: (row) => number(row.n_confirmed), behind: "confirmed" },
  { id: "assumed", text: (row) => number(row.n_assumed), behind: "assumed" },
  { id: "reopened", text: (row) => number(row.n_reopened), behind: "reopened" },
  { id: "auto_sent", text: (row) => number(row.n_auto_sent), behind: "auto_sent" },
  {
    id: "auto_wrong",
    text: (row) => (row.n_auto_judged > 0 ? `${number(row.n_auto_wrong)} / ${number(row.n_auto_judged)}` : "–"),
    behind: "auto_wrong",
  },
];

/** What stands above the table in large letters. */
export const TILES = ["inquiries", "received", "lost", "first", "short", "same_day"];
