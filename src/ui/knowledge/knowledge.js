// The staff's room: documents, one document, golden answers, test questions, and the first day.

import dialEn from "/ui/ops/dial.en.js";
import dialZh from "/ui/ops/dial.zh.js";
import opsEn from "/ui/ops/en.js";
import opsZh from "/ui/ops/zh.js";
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
import { drawJudge } from "./judge.js";
import { drawRehearsal } from "./rehearsal.js";
import rehearsalEn from "./rehearsal.en.js";
import rehearsalZh from "./rehearsal.zh.js";
import { drawTest } from "./test.js";
import zh from "./zh.js";

// The plot of the first day is that of ops, with its words.
const plotTexts = (texts) =>
  Object.fromEntries(
    Object.entries(texts).filter(([key]) =>
      /^(histogram\.|outcome\.|risk\.bar$|alt_table$|as_table$|confidence$)/.test(key),
    ),
  );
addTexts({ zh: plotTexts({ ...opsZh, ...dialZh }), en: plotTexts({ ...opsEn, ...dialEn }) });
addTexts({ zh: { ...zh, ...rehearsalZh }, en: { ...en, ...rehearsalEn } });

const room = await enter("knowledge");
if (room) start(room);

function start({ me, main, banner }) {
  const mayEdit = ["staff", "owner"].includes(me.role);
  const hearers = new Set(); // Views that want to know of revisions; null means: read everything anew.
  const live = (hear) => {
    hearers.add(hear);
    return () => hearers.delete(hear);
  };
  const followers = new Set(); // Views of the first day: they read everything anew, whatever moved.
  const liveRehearsals = (hear) => {
    followers.add(hear);
    return () => followers.delete(hear);
  };
  const links = [
    {
      id: "documents",
      hash: "/",
      text: t("documents"),
      isHere: (hash) => !["/test", "/golden", "/quarantine", "/rehearsal", "/rehearsal/judge"].includes(hash),
    },
    { id: "golden", hash: "/golden", text: t("golden"), isHere: (hash) => hash === "/golden" },
    {
      id: "quarantine",
      hash: "/quarantine",
      text: t("quarantine.title"),
      isHere: (hash) => hash === "/quarantine",
    },
    {
      id: "rehearsal",
      hash: "/rehearsal",
      text: t("rehearsal"),
      isHere: (hash) => hash.startsWith("/rehearsal"),
    },
    { id: "test", hash: "/test", text: t("test"), isHere: (hash) => hash === "/test" },
  ];
  const nav = subnav(t("room.knowledge"), mayEdit ? links : links.slice(0, -1));
  const view = h("div", {});
  show(main, h("div", { class: "page" }, nav.node, view));
  route(
    view,
    [
      { match: /^\/$/, draw: (box) => drawDocuments(box, { mayEdit, live }) },
      {
        match: /^\/d\/([\w-]+)(?:\/([\w-]+))?$/,
        draw: (box, id, chunk) => drawDocument(box, id, { mayEdit, live, chunk }),
      },
      { match: /^\/golden$/, draw: (box) => drawGolden(box, { mayEdit }) },
      { match: /^\/quarantine$/, draw: (box) => drawQuarantine(box, { mayEdit, live }) },
      { match: /^\/rehearsal$/, draw: (box) => drawRehearsal(box, { me, live: liveRehearsals }) },
      { match: /^\/rehearsal\/judge$/, draw: (box) => drawJudge(box, { mayJudge: me.role !== "ops" }) },
      ...(mayEdit ? [{ match: /^\/test$/, draw: (box) => drawTest(box) }] : []),
    ],
    nav.mark,
  );

  let wasLost = false;
  listen("/v1/knowledge/events", {
    onEvent: (name, data) => {
      if (name === "revision") hearers.forEach((hear) => hear(data));
      else if (name === "rehearsal") followers.forEach((hear) => hear());
      else if (name === "resync") [...hearers, ...followers].forEach((hear) => hear(null));
    },
    onState: (state, status) => {
      if (state === "refused") return status === 401 && toLogin();
      if (state === "lost") {
        wasLost = true;
        show(banner, h("div", { class: "banner", "data-testid": "offline" }, icon("warn"), t("offline")));
        return;
      }
      show(banner);
      if (wasLost) [...hearers, ...followers].forEach((hear) => hear(null));
      wasLost = false;
    },
  });
}
