// What the console knows, and how it learns it. Panes subscribe; nothing here draws.

import { get, post } from "/ui/shared/api.js";
import { debounce } from "/ui/shared/dom.js";

export const TABS = ["review", "mine", "open", "auto", "closed", "all"];
const OPEN_STATES = ["asked", "review", "escalated", "rejected"];

export class Desk {
  constructor(me, changed) {
    this.me = me;
    this.changed = changed; // (what: "list" | "detail" | "stream") => void
    this.mayAct = ["agent", "owner"].includes(me.role);
    this.tab = "review";
    this.query = "";
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
      const search = new URLSearchParams({ tab: tab === "review" ? "open" : tab, limit: "100" });
      if (this.query) search.set("q", this.query);
      const [queue, list] = await Promise.all([
        get("/v1/console/queue"),
        get(`/v1/console/conversations?${search}`),
      ]);
      if (tab !== this.tab) return;
      const now = Date.now();
      this.queue = queue.turns.map((turn) => ({ ...turn, since: now - turn.waiting_ms }));
      this.conversations = list.conversations;
      this.counts = list.counts;
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

  /** What waits for a person, longest first; drafts being written come last. */
  get waiting() {
    const query = this.query.toLowerCase();
    return (this.queue ?? []).filter((turn) => !query || turn.question.toLowerCase().includes(query));
  }

  nextWaiting() {
    return (
      this.waiting.find((turn) => turn.conversation_id !== this.selected && turn.state !== "asked") ?? null
    );
  }

  /** The ids of the list as shown, for moving with J and K. */
  get shownIds() {
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
