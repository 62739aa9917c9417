// Line icons, drawn here so that no page asks a third party for anything.

import { svg } from "./dom.js";

const paths = {
  close: "M6 6l12 12M18 6 6 18",
  back: "M15 5l-7 7 7 7",
  send: "M4 12l16-8-5 16-3.5-6.5z",
  up: "M7 11v9H4v-9zm0 0 4-8c1.5 0 2.5 1 2.5 2.5V9H19c1.2 0 2 1 1.8 2.2l-1.3 7c-.2 1-1 1.8-2 1.8H7",
  down: "M7 13V4H4v9zm0 0 4 8c1.5 0 2.5-1 2.5-2.5V15H19c1.2 0 2-1 1.8-2.2l-1.3-7c-.2-1-1-1.8-2-1.8H7",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.5 3.8-5 7.500-5s6.700 1.500 7.500 5",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  mute: "M6 16V11a6 6 0 0 1 9-5.200M18 11v5l2 2H8M10 21h4M3 3l18 18",
  doc: "M6 3h8l5 5v13H6zM14 3v5h5M9 13h7M9 17h5",
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 16v4h16v-4",
  folder: "M3 6h6l2 2h10v11H3z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  edit: "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4",
  check: "M5 13l4.500 4.500L19 7",
  warn: "M12 4l9.500 16.500h-19zM12 10v5M12 18v.01",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01",
  chat: "M4 5h16v11h-9l-4 4v-4H4z",
  queue: "M4 6h16M4 12h16M4 18h9",
  retry: "M20 11a8 8 0 1 0-2.300 6M20 5v6h-6",
  keyboard: "M3 7h18v11H3zM7 11v.01M11 11v.01M15 11v.01M8 15h8",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM21 21l-5-5",
  stop: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16v.01",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  out: "M14 4H5v16h9M10 12h11m0 0-4-4m4 4-4 4",
  spark: "M12 3l2 6.500L20.500 12 14 14.500 12 21l-2-6.500L3.500 12 10 9.500z",
};

/** An icon for the eye only; the control around it carries the name. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" },
    svg("path", { d: paths[name] }),
  );
}
