// The staff's room: documents, one document, golden answers, and test questions.

import { h, show } from "/ui/shared/dom.js";
import { addTexts, t } from "/ui/shared/i18n.js";
import { icon } from "/ui/shared/icons.js";
import { route, subnav } from "/ui/shared/router.js";
import { enter, toLogin } from "/ui/shared/shell.js";
import { listen } from "/ui/shared/sse.js";
import { drawDocument } from "./document.js";
import { drawDocuments } from "./documents.js";
import en from "./en.js";
import { drawGolden } from "./golden.js";
import { drawQuarantine } from "./quarantine.js";
import { drawTest } from "./test.js";
import zh from "./zh.js";

addTexts({ zh, en });

const room = await enter("knowledge");
if (room) start(room);

function start({ me, main, banner }) {
  const mayEdit = ["staff", "owner"].includes(me.role);
  const hearers = new Set(); // Views that want to know of revisions; null means: read everything anew.
  const live = (hear) => {
    hearers.add(hear);
    return () => hearers.delete(hear);
  };
  const links = [
    {
      id: "documents",
      hash: "/",
      text: t("documents"),
      isHere: (hash) => !["/test", "/golden", "/quarantine"].includes(hash),
    },
    { id: "golden", hash: "/golden", text: t("golden"), isHere: (hash) => hash === "/golden" },
    { id: "quarantine", hash: "/quarantine", text: t("quarantine.title"), isHere: (hash) => hash === "/quarantine" },
    { id: "test", hash: "/test", text: t("test"), isHere: (hash) => hash === "/test" },
  ];
  const nav = subnav(t("room.knowledge"), mayEdit ? links : links.slice(0, -1));
  const view = h("div", {});
  show(main, h("div", { class: "page" }, nav.node, view));
  route(
    view,
    [
      { match: /^\/$/, draw: (box) => drawDocuments(box, { mayEdit, live }) },
      { match: /^\/d\/([\w-]+)$/, draw: (box, id) => drawDocument(box, id, { mayEdit, live }) },
      { match: /^\/golden$/, draw: (box) => drawGolden(box, { mayEdit }) },
      { match: /^\/quarantine$/, draw: (box) => drawQuarantine(box, { mayEdit, live }) },
      ...(mayEdit ? [{ match: /^\/test$/, draw: (box) => drawTest(box) }] : []),
    ],
    nav.mark,
  );

  let wasLost = false;
  listen("/v1/knowledge/events", {
    onEvent: (name, data) => {
      if (name === "revision") hearers.forEach((hear) => hear(data));
      else if (name === "resync") hearers.forEach((hear) => hear(null));
    },
    onState: (state, status) => {
      if (state === "refused") return status === 401 && toLogin();
      if (state === "lost") {
        wasLost = true;
        show(banner, h("div", { class: "banner", "data-testid": "offline" }, icon("warn"), t("offline")));
        return;
      }
      show(banner);
      if (wasLost) hearers.forEach((hear) => hear(null));
      wasLost = false;
    },
  });
}
