// The operations room: the dial, the numbers, and who and what belongs to the shop.

import { h, show } from "/ui/shared/dom.js";
import { addTexts, t } from "/ui/shared/i18n.js";
import { route, subnav } from "/ui/shared/router.js";
import { enter } from "/ui/shared/shell.js";
import { drawAccounts } from "./accounts.js";
import { drawAudit } from "./audit.js";
import { drawDial } from "./dial.js";
import dialEn from "./dial.en.js";
import dialZh from "./dial.zh.js";
import * as scopes from "/ui/shared/scopes.js";
import en from "./en.js";
import { drawInbox } from "./inbox.js";
import { drawMachine } from "./machine.js";
import { drawKeys } from "./keys.js";
import { drawNumbers } from "./numbers.js";
import { drawWidgets } from "./widgets.js";
import zh from "./zh.js";

addTexts(scopes);
addTexts({ zh, en });
addTexts({ zh: dialZh, en: dialEn });

const VIEWS = [
  { id: "dial", hash: "/", roles: ["agent", "ops", "owner"], draw: drawDial },
  { id: "machine", hash: "/machine", roles: ["agent", "ops", "owner"], draw: drawMachine },
  { id: "numbers", hash: "/numbers", roles: ["agent", "ops", "owner"], draw: drawNumbers },
  { id: "inbox", hash: "/inbox", roles: ["agent", "ops", "owner"], draw: drawInbox },
  { id: "accounts", hash: "/accounts", roles: ["ops", "owner"], draw: drawAccounts },
  { id: "widgets", hash: "/widgets", roles: ["ops", "owner"], draw: drawWidgets },
  { id: "keys", hash: "/keys", roles: ["ops", "owner"], draw: drawKeys },
  { id: "audit", hash: "/audit", roles: ["ops", "owner"], draw: drawAudit },
];

const room = await enter("ops");
if (room) start(room);

function start({ me, main }) {
  const mine = VIEWS.filter((view) => view.roles.includes(me.role));
  const nav = subnav(
    t("room.ops"),
    mine.map(({ id, hash }) => ({
      id,
      hash,
      text: t(`nav.${id}`),
      isHere: (now) => now === hash || (id === "dial" && now.startsWith("/topic/")),
    })),
  );
  const view = h("div", {});
  show(main, h("div", { class: "page" }, nav.node, view));
  const mayChange = ["ops", "owner"].includes(me.role);
  route(
    view,
    [
      ...mine.map(({ hash, draw }) => ({
        match: new RegExp(`^${hash}$`),
        draw: (box) => draw(box, { me, mayChange }),
      })),
      { match: /^\/topic\/(.+)$/, draw: (box, topic) => drawDial(box, { me, mayChange }, topic) },
    ],
    nav.mark,
  );
}
