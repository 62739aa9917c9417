// Positions in texts. The server counts characters (code points) or UTF-8 bytes, JavaScript counts UTF-16 units.

import { h } from "./dom.js";

/** A function from code point offsets to UTF-16 offsets of `text`. */
export function fromChars(text) {
  const offsets = [];
  let at = 0;
  for (const point of text) {
    offsets.push(at);
    at += point.length;
  }
  return (n) => (n < offsets.length ? offsets[Math.max(0, n)] : text.length);
}

/** A function from UTF-8 byte offsets to UTF-16 offsets of `text`. */
export function fromBytes(text) {
  const known = [[0, 0]];
  let [byte, at] = [0, 0];
  for (const point of text) {
    const code = point.codePointAt(0);
    byte += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    at += point.length;
    known.push([byte, at]);
  }
  return (n) => {
    let [low, high] = [0, known.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (known[middle][0] < n) low = middle + 1;
      else high = middle;
    }
    return known[low][1];
  };
}

/** `text` as nodes with `marks` (`{start, end}` in code points) inside `make(markedText, mark)`. */
export function marked(text, marks, make = (part) => h("mark", {}, part)) {
  const at = fromChars(text);
  return cut(
    text,
    (marks ?? []).map((mark) => ({ ...mark, start: at(mark.start), end: at(mark.end) })),
    make,
  );
}

/** As `marked`, with offsets in UTF-16 units. Overlaps are cut off. */
export function cut(text, marks, make) {
  const nodes = [];
  let done = 0;
  for (const mark of [...marks].sort((a, b) => a.start - b.start)) {
    const start = Math.max(done, mark.start);
    if (mark.end <= start) continue;
    if (start > done) nodes.push(text.slice(done, start));
    nodes.push(make(text.slice(start, mark.end), mark));
    done = mark.end;
  }
  if (done < text.length) nodes.push(text.slice(done));
  return nodes;
}

/** Splits a text at its citation marks `[n]`; `make(n)` yields the node, or null to keep the text. */
export function withCitations(text, make) {
  return text.split(/(\[\d{1,2}\])/).map((part) => {
    const found = /^\[(\d{1,2})\]$/.exec(part);
    return (found && make(Number(found[1]))) || part;
  });
}
