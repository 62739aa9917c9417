// Builds elements. Data becomes text nodes and attributes only: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `props`: attributes; `class`; `on*` functions; `value`, `checked` … as properties. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** An SVG element. */
export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "indeterminate") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

/** Appends nodes and texts; skips null and false. */
export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replaces what `node` holds. */
export function show(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

/** As `show`, but a focus inside survives: it goes to the new control with the same `data-key`. */
export function showKeepingFocus(node, ...children) {
  const key = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  show(node, ...children);
  if (key) [...node.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key)?.focus();
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Random id for idempotent requests; `crypto.randomUUID` needs a secure context, an intranet has none. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** Runs `fn` once things have been quiet for `ms`. */
export function debounce(fn, ms) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), ms);
  };
}
