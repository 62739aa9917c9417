// What the console knows, and how it learns it. Panes subscribe; nothing here draws.

import { get, post } from "/ui/shared/api.js";
import { debounce } from "/ui/shared/dom.js";

const TABS = ["review", "audit", "mine", "open", "auto", "closed", "all"];
const OPEN_STATES = ["asked", "review", "escalated", "rejected"];

const NO_AUDITS = { audits: [], n_open: 0 };

/** The inbox stands even if the list of checks does not; its own tab says what is wrong. */
const loadAudits = () => get("/v1/console/audits?limit=50").catch((problem) => ({ ...NO_AUDITS, problem }));

export class Desk {
  constructor(me, changed) {
    this.me = me;
    this.changed = changed; // (what: "list" | "detail" | "stream") => void
    this.mayAct = ["agent", "owner"].includes(me.role);
    this.tab = "review";
    this.query = "";
    this.sort = "wait"; // "wait" | "score": who waits longest, or which draft is the surest.
    this.audits = null; // Answers to be checked blind.
    this.auditId = null;
    this.queue = null;
    this.conversations = null;
    this.counts = {};
    this.selected = null;
    this.detail = null;
    this.problem = null;
    this.streams = new Map(); // Turn id → what has been written so far.
    this.refreshList = debounce(() => this.loadList(), 150);
    this.refreshDetail = debounce(() => this.loadDetail(), 100);
  }

  async loadList() {
    const tab = this.tab;
    try {
      const isOther = ["review", "audit"].includes(tab);
      const search = new URLSearchParams({ tab: isOther ? "open" : tab, limit: "100" });
      if (this.query) search.set("q", this.query);
      const [queue, list, checks] = await Promise.all([
        get("/v1/console/queue"),
        get(`/v1/console/conversations?${search}`),
        this.mayAct ? loadAudits() : NO_AUDITS,
      ]);
      if (tab !== this.tab) return;
      const now = Date.now();
      this.queue = queue.turns.map((turn) => ({ ...turn, since: now - turn.waiting_ms }));
      this.conversations = list.conversations;
      this.audits = checks.audits;
      this.auditProblem = checks.problem ?? null;
      this.counts = { ...list.counts, audit: checks.n_open };
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    }
    this.changed("list");
  }

  setTab(tab) {
    this.tab = tab;
    this.conversations = null;
    this.changed("list");
    this.loadList();
  }

  /** Opens a conversation, or none. */
  async select(id) {
    this.selected = id;
    this.detail = null;
    this.changed("list");
    this.changed("detail");
    if (id) await this.loadDetail();
  }

  /** Those who only look around have nothing to check. */
  get tabs() {
    return TABS.filter((tab) => tab !== "audit" || this.mayAct);
  }

  get checks() {
    return (this.audits ?? []).filter((audit) => this.isAskedFor(audit.question));
  }

  isAskedFor(question) {
    return question.toLowerCase().includes(this.query.toLowerCase());
  }

  /** The answer on the card of the check. */
  get audit() {
    return (this.audits ?? []).find((audit) => audit.id === this.auditId) ?? null;
  }

  selectAudit(id) {
    this.auditId = id;
    this.changed("list");
    this.changed("audit");
  }

  async loadDetail() {
    const id = this.selected;
    if (!id) return;
    try {
      const detail = await get(`/v1/console/conversations/${id}`);
      if (id !== this.selected) return;
      this.detail = detail;
      this.detailProblem = null;
    } catch (problem) {
      if (id !== this.selected) return;
      this.detailProblem = problem;
    }
    this.changed("detail");
  }

  async loadAll() {
    await Promise.all([this.loadList(), this.loadDetail()]);
  }

  /** The turn that the draft card is about: the newest one. */
  get turn() {
    const turns = this.detail?.turns ?? [];
    return turns.reduce(
      (newest, turn) => (!newest || turn.created_at_ms >= newest.created_at_ms ? turn : newest),
      null,
    );
  }

  get isTurnOpen() {
    return OPEN_STATES.includes(this.turn?.state);
  }

  /** What waits for a person, longest first or, for labelling, the surest drafts first. */
  get waiting() {
    const found = (this.queue ?? []).filter((turn) => this.isAskedFor(turn.question));
    if (this.sort === "wait") return found;
    const score = (turn) => (turn.state === "review" ? (turn.confidence ?? -1) : -2);
    return found.sort((a, b) => score(b) - score(a));
  }

  nextWaiting() {
    return (
      this.waiting.find((turn) => turn.conversation_id !== this.selected && turn.state !== "asked") ?? null
    );
  }

  /** The ids of the list as shown, for moving with J and K. */
  get shownIds() {
    if (this.tab === "audit") return this.checks.map((audit) => audit.id);
    const ids =
      this.tab === "review"
        ? this.waiting.map((turn) => turn.conversation_id)
        : (this.conversations ?? []).map((c) => c.id);
    return [...new Set(ids)];
  }

  hear(name, data) {
    if (name === "draft") {
      this.streams.set(data.turn_id, (this.streams.get(data.turn_id) ?? "") + data.text);
      this.changed("stream");
      return;
    }
    if (name === "resync") return void this.loadAll();
    if (name === "queue" && data.state !== "asked") this.streams.delete(data.turn_id);
    this.refreshList();
    if (data.conversation_id === this.selected) this.refreshDetail();
  }

  editKind(turn, text) {
    return post(`/v1/console/turns/${turn.id}/edit-kind`, { text });
  }

  label(audit, outcome, note) {
    return post(`/v1/console/audits/${audit.id}`, { outcome, note });
  }

  turnAct(turn, verb, body = {}) {
    return post(`/v1/console/turns/${turn.id}/${verb}`, { version: turn.version, ...body });
  }

  conversationAct(verb) {
    return post(`/v1/console/conversations/${this.selected}/${verb}`);
  }

  write(text, clientKey) {
    const turn = this.isTurnOpen ? { turn_id: this.turn.id } : {};
    return post(`/v1/console/conversations/${this.selected}/messages`, {
      text,
      client_key: clientKey,
      ...turn,
    });
  }
}
