// What the console knows, and how it learns it. Panes subscribe; nothing here draws.

import { get, post, put } from "/ui/shared/api.js";
import { debounce } from "/ui/shared/dom.js";
import { Picks } from "./picks.js";
import { Watch } from "./watch.js";

const TABS = ["review", "mine", "waiting", "audit", "all"];
const OPEN_STATES = ["asked", "review", "escalated", "rejected"];

const PAGE = 50;
const MAX_PAGE = 200; // The server's limit: what is read again at once when something has changed.

/** What narrows a tab down; `which` is the part of "all" that is shown. */
export const NO_FILTER = { q: "", tag: "", marked: false, lang: "", whose: "", which: "all" };

const NO_AUDITS = { audits: [], n_open: 0 };

/** The inbox stands even if the list of checks does not; its own tab says what is wrong. */
const loadAudits = () => get("/v1/console/audits?limit=50").catch((problem) => ({ ...NO_AUDITS, problem }));

export class Desk {
  constructor(me, changed) {
    this.me = me;
    this.changed = changed; // (what: "list" | "detail" | "stream" | "watch") => void
    this.mayAct = ["agent", "owner"].includes(me.role);
    this.tab = "review";
    this.filter = { ...NO_FILTER };
    this.sort = "wait"; // "wait" | "score": who waits longest, or which draft is the surest.
    this.audits = null; // Answers to be checked blind.
    this.auditId = null;
    this.surest = []; // Held drafts, the surest first; only read where they are asked for.
    this.conversations = null; // The pages read so far.
    this.nextPage = null;
    this.counts = {};
    this.searched = null;
    this.agents = [];
    this.tags = [];
    this.views = [];
    this.selected = null;
    this.detail = null;
    this.problem = null;
    this.skewMs = 0; // What the server's clock is ahead of ours.
    this.streams = new Map(); // Turn id → what has been written so far.
    this.picks = new Picks(() => this.changed("list"));
    this.watch = new Watch(me, () => this.changed("watch"));
    this.refreshList = debounce(() => this.loadList(), 150);
    this.refreshDetail = debounce(() => this.loadDetail(), 100);
  }

  get query() {
    return this.filter.q;
  }

  /** What the server is asked for. */
  address(more) {
    const { which, ...filter } = this.filter;
    const tab = this.tab === "all" ? which : this.tab === "audit" ? "open" : this.tab;
    const search = new URLSearchParams({ tab });
    for (const [name, value] of Object.entries({ ...filter, ...more })) if (value) search.set(name, value);
    return `/v1/console/conversations?${search}`;
  }

  async loadList() {
    const asked = this.address();
    const n = Math.min(MAX_PAGE, Math.max(PAGE, this.conversations?.length ?? 0));
    try {
      const [list, checks, queue] = await Promise.all([
        get(this.address({ limit: n })),
        this.mayAct ? loadAudits() : NO_AUDITS,
        this.isBySurety ? get("/v1/console/queue") : null,
      ]);
      if (asked !== this.address()) return;
      this.take(list, n);
      if (queue) this.surest = queue.turns.map((turn) => ({ ...turn, since: Date.now() - turn.waiting_ms }));
      this.audits = checks.audits;
      this.auditProblem = checks.problem ?? null;
      this.counts = { ...list.counts, audit: checks.n_open };
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    }
    this.changed("list");
  }

  /** The first `n` lines anew. Those behind them, if more were read, stay until somebody scrolls there again. */
  take(list, n) {
    this.skewMs = list.now_ms - Date.now();
    this.searched = list.searched ?? null;
    const fresh = new Set(list.conversations.map((c) => c.id));
    const behind = (this.conversations ?? []).slice(n).filter((c) => !fresh.has(c.id));
    this.conversations = [...list.conversations, ...behind];
    if (behind.length === 0) this.nextPage = list.next;
  }

  async loadMore() {
    const [asked, after] = [this.address(), this.nextPage];
    if (!after || this.isLoadingMore) return;
    this.isLoadingMore = true;
    try {
      const list = await get(this.address({ limit: PAGE, after }));
      if (asked !== this.address() || after !== this.nextPage) return;
      const known = new Set(this.conversations.map((c) => c.id));
      this.conversations.push(...list.conversations.filter((c) => !known.has(c.id)));
      this.nextPage = list.next;
    } catch (problem) {
      this.problem = problem;
    } finally {
      this.isLoadingMore = false;
    }
    this.changed("list");
  }

  /** Who is there, what they know, and which tags there are. */
  async loadPeople() {
    const { agents, tags } = await get("/v1/console/agents");
    this.agents = agents;
    this.tags = tags;
    this.changed("list");
  }

  async loadViews() {
    this.views = (await get("/v1/console/views")).views;
    this.changed("list");
  }

  get self() {
    return this.agents.find((agent) => agent.id === this.me.id) ?? null;
  }

  async setDuty(isOn) {
    await put("/v1/console/duty", { on_duty: isOn });
    await this.loadPeople();
  }

  setTab(tab) {
    this.tab = tab;
    this.anew();
  }

  setFilter(filter) {
    this.filter = { ...this.filter, ...filter };
    this.anew();
  }

  /** Another list: nothing of the last one is left. */
  anew() {
    this.conversations = null;
    this.nextPage = null;
    this.picks.clear();
    this.changed("list");
    this.loadList();
  }

  /** Opens a conversation, or none. */
  async select(id) {
    this.selected = id;
    this.detail = null;
    if (this.mayAct) this.watch.look(id);
    this.changed("list");
    this.changed("detail");
    if (id) await this.loadDetail();
  }

  /** Those who only look around have nothing to check. */
  get tabs() {
    return TABS.filter((tab) => tab !== "audit" || this.mayAct);
  }

  get isBySurety() {
    return this.tab === "review" && this.sort === "score";
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

  /** For labelling: the surest drafts first. */
  get bySurety() {
    const score = (turn) => (turn.state === "review" ? (turn.confidence ?? -1) : -2);
    const found = this.surest.filter((turn) => turn.state !== "asked" && this.isAskedFor(turn.question));
    return found.sort((a, b) => score(b) - score(a));
  }

  /** The next conversation that waits for a person and is not in a colleague's hands. */
  async nextWaiting() {
    if (this.isBySurety)
      return this.bySurety.find((turn) => turn.conversation_id !== this.selected)?.conversation_id ?? null;
    const isFree = (c) => c.id !== this.selected && [undefined, this.me.id].includes(c.assignee?.id);
    const isHere = this.tab === "review" && this.conversations;
    const found = isHere
      ? this.conversations
      : (await get(`/v1/console/conversations?tab=review&limit=${PAGE}`)).conversations;
    return (found.find(isFree) ?? found.find((c) => c.id !== this.selected))?.id ?? null;
  }

  /** The ids of the list as shown, for moving with J and K. */
  get shownIds() {
    if (this.tab === "audit") return this.checks.map((audit) => audit.id);
    if (this.isBySurety) return [...new Set(this.bySurety.map((turn) => turn.conversation_id))];
    return (this.conversations ?? []).map((c) => c.id);
  }

  hear(name, data) {
    if (name === "watching") return this.watch.hear(data);
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

  conversationAct(verb, body = {}) {
    return post(`/v1/console/conversations/${this.selected}/${verb}`, body);
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
