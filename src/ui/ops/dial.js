// The first page of ops: the promise, where it stands, what to do next, and everything that this rests on.

import { get, post } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { t } from "/ui/shared/i18n.js";
import { sorry } from "/ui/shared/shell.js";
import { toast, toastProblem } from "/ui/shared/toast.js";
import { topicText } from "/ui/shared/words.js";
import { checkList } from "./checks.js";
import { evidenceCards, trialNote } from "./evidence.js";
import { historyList } from "./history.js";
import { killSwitch } from "./kill.js";
import { nearTable } from "./near.js";
import { FIRST, promiseCard } from "./promise.js";
import { proofList } from "./proofs.js";
import { scopeTable } from "./scopes.js";
import { standingCard } from "./standing.js";
import { weeklyFigures } from "./weekly.js";

const DAYS = 90;
const WEEKS = 12;

/** The page of the shop, or of the topic whose code is `topic`. */
export function drawDial(box, { me, mayChange }, topic = null) {
  const scope = topic ? `topic:${topic}` : "shop";
  const query = `scope=${encodeURIComponent(scope)}`;
  let dial = null;
  let version = null;
  let asked = 0;
  const page = {
    kill: h("div", { class: "in-reach" }),
    promise: h("div", {}),
    trial: h("div", { role: "status" }),
    standing: h("div", {}),
    evidence: h("div", { class: "stack" }),
    weeks: h("section", { class: "card stack", "aria-label": t("weekly.title") }),
    topics: h("section", { class: "stack tight" }),
    near: h("section", { class: "stack tight" }),
    checks: h("section", { class: "section" }),
    proofs: h("section", {}),
    history: h("section", { class: "stack tight" }),
  };

  async function load() {
    const [seen, rules] = await Promise.allSettled([get("/v1/ops/dial"), get("/v1/ops/policy")]);
    if (rules.status === "rejected") return show(box, sorry(rules.reason, load));
    version = rules.value;
    if (seen.status === "rejected") {
      // Whatever else is broken, auto-send can be stopped.
      show(page.kill, killSwitch(version, { mayChange, done: load }));
      return show(box, head(topic), page.kill, sorry(seen.reason, load));
    }
    dial = seen.value;
    drawAll();
  }

  /** After something was done here, people go on reading at what has become of it. */
  async function reload() {
    await load();
    page.standing.querySelector("h2")?.focus();
  }

  const mine = () => dial.scopes.find((each) => each.scope === scope) ?? inherited();

  /** A topic without a promise of its own: what the shop's gives it, and the dial to make one. */
  function inherited() {
    const shop = dial.scopes[0];
    const rule = version.policy.topics[topic];
    const bar = rule?.bar ?? version.policy.bar;
    return {
      ...shop,
      scope,
      mode: rule?.mode ?? shop.mode,
      bar: shop.dial ? shop.bar : bar,
      dial: null,
      bar_by_hand: bar,
      watch: null,
      last_check: null,
      probation: null,
      changed_documents: [],
      isInherited: true,
    };
  }

  function drawAll() {
    show(
      box,
      head(topic),
      page.kill,
      h(
        "div",
        { class: "stack" },
        h("div", { class: "two" }, page.standing, page.promise),
        page.evidence,
        page.weeks,
      ),
      !topic && page.topics,
      page.near,
      page.checks,
      page.proofs,
      page.history,
    );
    drawTop();
    drawEvidence();
    loadPart(page.weeks, `/v1/ops/dial/weeks?${query}&weeks=${WEEKS}&offset_minutes=${offset()}`, drawWeeks);
    if (!topic) loadPart(page.topics, `/v1/ops/dial/topics?days=${DAYS}`, (seen) => scopeTable(seen.topics));
    loadPart(page.checks, `/v1/ops/dial/checks?${query}`, (seen) => checkList(seen.checks));
    loadPart(page.proofs, `/v1/ops/certificates?${query}`, (seen) => proofList(seen.certificates));
    show(page.history, historyList(version, { mayChange, revert }));
  }

  function drawTop() {
    const view = mine();
    const sends = dial.scopes.some((each) => each.mode === "auto" && each.bar !== null);
    show(page.kill, killSwitch(version, { mayChange, done: load, sends }));
    show(
      page.promise,
      promiseCard(view, {
        targets: dial.targets,
        number: dial.policy_number,
        mayChange,
        trial: page.trial,
        turned: (chosen) => drawEvidence(chosen),
        done: (answer) => (answer ? reload() : drop()),
        stale: load,
      }),
    );
    const mayLabel = ["agent", "owner"].includes(me.role);
    show(
      page.standing,
      standingCard(view, { number: dial.policy_number, mayChange, mayLabel, done: reload }),
    );
  }

  /** The server's word on the promise `tried`: with the evidence, or because it is the one that it tries anyhow. */
  function assessmentOf(tried, seen) {
    if (seen.assessment) return seen.assessment;
    const { dial: own, last_attempt: attempt, isInherited } = mine();
    const usual = own ?? FIRST;
    const isUsual = usual.target_error === tried.target_error && usual.certainty === tried.certainty;
    return isUsual && !isInherited ? attempt : null;
  }

  /** Nothing was changed: the dial stands where it stood. */
  function drop() {
    drawTop();
    page.promise.querySelector("input:checked")?.focus();
  }

  /** The plots, for the promise in force or for the one that is tried. */
  async function drawEvidence(chosen = null) {
    const turn = ++asked;
    const tried = chosen ?? mine().dial ?? FIRST;
    const trial = `target_error=${tried.target_error}&certainty=${tried.certainty}`;
    page.evidence.setAttribute("aria-busy", "true");
    try {
      const seen = await get(`/v1/ops/dial/evidence?${query}&days=${DAYS}&${trial}`);
      if (turn !== asked) return;
      show(page.evidence, evidenceCards(seen, tried, { days: DAYS, isTrial: chosen !== null }));
      show(page.trial, (chosen || !mine().dial) && trialNote(assessmentOf(tried, seen), tried, seen));
      show(page.near, nearTable(seen));
    } catch (problem) {
      if (turn === asked)
        show(
          page.evidence,
          sorry(problem, () => drawEvidence(chosen)),
        );
    } finally {
      if (turn === asked) page.evidence.setAttribute("aria-busy", "false");
    }
  }

  const drawWeeks = (seen) => weeklyFigures(seen, (mine().dial ?? FIRST).target_error);

  /** Back to an older version, but never past the kill switch: that is turned by hand only. */
  async function revert(old) {
    const policy = { ...structuredClone(old.policy), kill_switch: version.policy.kill_switch };
    try {
      await post("/v1/ops/policy", {
        policy,
        note: t("revert_note", { n: old.number }),
        based_on: version.number,
      });
      await load();
      toast(t("applied", { n: version.number }));
    } catch (problem) {
      toastProblem(problem);
      if (problem.code === "policy_changed") load();
    }
  }

  show(box, h("p", { class: "empty" }, t("loading")));
  load();
}

/** Loads one part of the page by itself: if it fails, the rest stands. */
async function loadPart(box, path, draw) {
  try {
    show(box, draw(await get(path)));
  } catch (problem) {
    show(
      box,
      sorry(problem, () => loadPart(box, path, draw)),
    );
  }
}

/** Minutes from UTC to the clock on the wall, so that a week begins on this shop's Monday. */
const offset = () => -new Date().getTimezoneOffset();

function head(topic) {
  return h(
    "div",
    { class: "page-head" },
    h(
      "div",
      {},
      topic && h("a", { class: "small", href: "#/" }, `← ${t("nav.dial")}`),
      h("h1", {}, topic ? t("dial.of", { topic: topicText(topic) }) : t("dial.title")),
      h("p", { class: "soft" }, t("dial.more")),
    ),
  );
}
