// Tables in a message: rows that their source writes with bars, as facts that fit into a chat.

import { h } from "./dom.js";

/** A wider table does not fit beside a name in a chat; each row is then a list of its own. */
const MAX_COLUMNS = 3;

/** `text` as nodes; tables of two rows and more are drawn, the rest is `inline(part)`. */
export function withTables(text, inline) {
  const nodes = [];
  let plain = [];
  const flush = () => {
    if (plain.length > 0) nodes.push(inline(plain.join("\n")));
    plain = [];
  };
  const lines = text.split("\n").map((line) => ({ line, cells: cellsOf(line) }));
  for (let at = 0; at < lines.length; ) {
    const { length: n } = lines[at].cells;
    let end = at + 1;
    while (n > 1 && lines[end]?.cells.length === n) end += 1;
    if (end - at > 1) {
      flush();
      const rows = lines.slice(at, end).map(({ cells }) => cells);
      nodes.push(n > MAX_COLUMNS ? lists(rows, inline) : table(rows, inline));
    } else {
      plain.push(lines[at].line);
    }
    at = end;
  }
  flush();
  return nodes;
}

/** A bar after a blank parts cells; a line may begin and end with one. */
function cellsOf(line) {
  const trimmed = line.trim();
  const inner = trimmed.startsWith("|") ? trimmed.replace(/^\|\s*|\s*\|$/g, "") : trimmed;
  return inner.split(/\s+\|(?:\s+|$)/);
}

const table = ([head, ...rows], inline) =>
  h(
    "table",
    { class: "facts" },
    h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, inline(cell))))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, inline(cell)))))),
  );

const lists = ([head, ...rows], inline) =>
  rows.map((row) =>
    h(
      "dl",
      { class: "facts" },
      row.map((cell, at) => isFilled(cell) && [h("dt", {}, inline(head[at])), h("dd", {}, inline(cell))]),
    ),
  );

const isFilled = (cell) => !/^[-–—/]?$/.test(cell);
