// What changed between a draft and a reply: by word in Latin script, by character in Chinese.

const LONGEST = 1500; // Tokens a side; beyond it the table would be too big, and the middle is shown as replaced.

/** Han characters and punctuation stand alone; words and runs of spaces stay whole. */
export function tokens(text) {
  return text.match(/\p{Script=Han}|[\p{L}\p{N}_]+|\s+|[^\s]/gu) ?? [];
}

/** `[{kind: "same" | "added" | "removed", text}]`, neighbours joined. */
export function diff(before, after) {
  const [a, b] = [tokens(before), tokens(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  )
    tail++;
  const out = [];
  push(out, "same", a.slice(0, head));
  middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), out);
  push(out, "same", a.slice(a.length - tail));
  return out;
}

function middle(a, b, out) {
  if (a.length > LONGEST || b.length > LONGEST) {
    push(out, "removed", a);
    push(out, "added", b);
    return;
  }
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      push(out, "same", [a[i++]]);
      j++;
    } else if (common[(i + 1) * width + j] >= common[i * width + j + 1]) push(out, "removed", [a[i++]]);
    else push(out, "added", [b[j++]]);
  }
  push(out, "removed", a.slice(i));
  push(out, "added", b.slice(j));
}

function push(out, kind, parts) {
  if (parts.length === 0) return;
  const last = out[out.length - 1];
  if (last?.kind === kind) last.text += parts.join("");
  else out.push({ kind, text: parts.join("") });
}
