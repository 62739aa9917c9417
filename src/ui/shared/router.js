// Views of a room by the address's hash, so that back, reload and links work.

import { h, show } from "./dom.js";

/**
 * `views`: `[{match: RegExp, draw(box, ...groups)}]`. `draw` may return a function that ends the view.
 * `mark(hash)` is called after each change, for the navigation.
 */
export function route(box, views, mark = () => {}) {
  let end = null;
  let isFirst = true;
  function follow() {
    const hash = location.hash.replace(/^#/, "") || "/";
    const view = views.find(({ match }) => match.test(hash)) ?? views[0];
    end?.();
    show(box);
    mark(hash);
    end = view.draw(box, ...(view.match.exec(hash)?.slice(1) ?? []).map((part) => part && decodeURIComponent(part))) ?? null;
    if (!isFirst) box.closest("main")?.focus({ preventScroll: true });
    if (!isFirst) scrollTo(0, 0);
    isFirst = false;
  }
  addEventListener("hashchange", follow);
  follow();
}

/** A row of links to views. Returns the node and a function that marks the current one, also in the tab's title. */
export function subnav(label, links) {
  const anchors = links.map(({ hash, text, id }) =>
    h("a", { href: `#${hash}`, "data-testid": `nav-${id}` }, text),
  );
  const node = h("nav", { class: "subnav", "aria-label": label }, anchors);
  const mark = (hash) =>
    anchors.forEach((a, i) => {
      if (!links[i].isHere(hash)) return a.removeAttribute("aria-current");
      a.setAttribute("aria-current", "page");
      document.title = `${links[i].text} · ${label} · kefu`;
      // Where the row is wider than the screen, the current link comes into sight.
      node.scrollLeft = a.offsetLeft - (node.clientWidth - a.offsetWidth) / 2;
    });
  return { node, mark };
}
