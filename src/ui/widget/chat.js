// The buyer's side of a conversation: remembers it, sends what is unsent, and listens. Draws nothing.

import { get, post } from "/ui/shared/api.js";
import { randomKey } from "/ui/shared/dom.js";
import { lang } from "/ui/shared/i18n.js";
import { listen } from "/ui/shared/sse.js";
import { load, save } from "/ui/shared/store.js";

const LONGEST_PAUSE_MS = 30_000;
const RENEW_AHEAD_MS = 90_000; // The shop's server may take a while to sign.
const RENEW_AGAIN_MS = 30_000;
const LONGEST_TIMER_MS = 3_600_000;

/** What a token says, unchecked: the server believes nothing of it without the signature. */
function claimsOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))) ?? {};
  } catch {
    return {};
  }
}

/** Whom a token names; only to tell buyers of one machine apart. */
const buyerOf = (token) => claimsOf(token).sub ?? null;

/**
 * `on`: `message(message)`, `pending(item)` (an unsent one changed), `typing(is)`, `state({handler, closed})`,
 * `line(isUp)`, `lost()` (the conversation is gone; it starts anew), `renew()` (the shop's word on the buyer runs out).
 */
export class Chat {
  constructor(widgetId, sku, on) {
    this.widgetId = widgetId;
    this.sku = sku;
    this.on = on;
    this.thread = load(`kefu_chat_${widgetId}`, null);
    this.unsent = load(`kefu_unsent_${widgetId}`, []).map((item) => ({ ...item, state: "sending" }));
    this.identity = null;
    this.lastSeq = 0;
    this.isPumping = false;
    this.link = null;
    this.forgetAfterMs = Infinity; // Until the widget says otherwise.
    this.renewal = null;
    addEventListener("online", () => this.pump());
  }

  /** Somebody is here. What they do keeps the chat theirs. */
  seen() {
    if (!this.thread && this.unsent.length === 0) return;
    if (this.isStale()) return this.leave();
    save(`kefu_seen_${this.widgetId}`, Date.now());
  }

  /** Whether nobody chatted here for so long that whoever comes now may be somebody else. */
  isStale() {
    const seenAt = load(`kefu_seen_${this.widgetId}`, null);
    return seenAt !== null && Date.now() - seenAt >= this.forgetAfterMs;
  }

  /** Forgets what nobody came back to; to be called now and then. */
  forgetStale() {
    if ((this.thread || this.unsent.length > 0) && this.isStale()) this.leave();
  }

  /** The conversation is of a buyer whom the shop has not named on this page: whoever sits here must not see it. */
  isHeld() {
    const buyer = this.thread?.buyer ?? null;
    return buyer !== null && buyer !== buyerOf(this.identity);
  }

  /** Takes up a remembered conversation, if it may be shown. Throws if the server cannot be reached. */
  async resume() {
    if (this.isHeld()) return;
    this.unsent.forEach((item) => this.on.pending(item));
    const thread = this.thread;
    if (thread) {
      try {
        const seen = await this.read("messages?after=0");
        if (this.thread !== thread) return;
        seen.messages.forEach((message) => this.take(message));
        this.on.state(seen);
        this.on.typing(seen.is_typing);
        this.listen();
      } catch (problem) {
        if (this.thread !== thread) return;
        if (![401, 403, 404].includes(problem.status)) throw problem;
        this.forget();
      }
    }
    this.pump();
  }

  forget() {
    this.link?.stop();
    this.link = null;
    this.thread = null;
    this.lastSeq = 0;
    save(`kefu_chat_${this.widgetId}`, null);
    save(`kefu_seen_${this.widgetId}`, null);
    this.on.lost();
  }

  /**
   * The buyer ends the chat on this device: the server is told that what this browser held opens nothing any more. It is
   * forgotten here even if the server cannot be reached; true if it was told.
   */
  async end() {
    const thread = this.thread;
    const told = thread ? post(this.path("leave"), {}, { token: thread.token }) : Promise.resolve();
    this.leave();
    return told.then(
      () => true,
      (problem) => [401, 404].includes(problem.status),
    );
  }

  /** Nothing of it is left to the next buyer on this machine, not even what was never sent. */
  leave() {
    this.unsent = [];
    this.keep();
    this.forget();
  }

  path(rest) {
    return `/v1/chat/${this.thread.id}/${rest}`;
  }

  read(rest) {
    return get(this.path(rest), { token: this.thread.token });
  }

  write(rest, body) {
    return post(this.path(rest), body, { token: this.thread.token });
  }

  /**
   * The shop says who the buyer is: a signed token, or nothing once they have signed out. Somebody else's conversation
   * on this machine is forgotten. True if a held one is this buyer's and can be resumed.
   */
  identify(token) {
    const wasHeld = this.isHeld();
    this.identity = typeof token === "string" && token ? token : null;
    this.watchIdentity();
    if (!this.thread) return false;
    const isTheirs = (this.thread.buyer ?? null) === buyerOf(this.identity);
    if (!isTheirs) this.leave();
    else if (this.identity) this.vouch();
    return isTheirs && wasHeld;
  }

  /** Tells the server the shop's newest word on the buyer, so that the thread goes on as theirs. */
  async vouch() {
    const { thread, identity } = this;
    try {
      await this.write("identity", { identity });
    } catch (problem) {
      // Refused or lost, the thread goes on as an anonymous one would: nothing is told on an old word.
      if (problem.status === 401 && problem.code === "token_invalid" && this.thread === thread) this.forget();
    }
  }

  /** Asks the page for a new word shortly before the last one runs out, and again while none comes. */
  watchIdentity() {
    clearTimeout(this.renewal);
    const endsAt = (claimsOf(this.identity).exp ?? 0) * 1000;
    if (!endsAt) return;
    const token = this.identity;
    const ask = () => {
      if (this.identity !== token || Date.now() > endsAt + LONGEST_TIMER_MS) return;
      this.on.renew();
      this.renewal = setTimeout(ask, RENEW_AGAIN_MS);
    };
    this.renewal = setTimeout(ask, Math.min(Math.max(endsAt - RENEW_AHEAD_MS - Date.now(), 0), LONGEST_TIMER_MS));
  }

  /** Starts a conversation when the first thing is said, not when the chat is opened. */
  async begin() {
    if (this.isHeld()) this.leave();
    if (this.thread) return;
    const identity = this.identity;
    const body = { lang, ...(this.sku && { sku: this.sku }), ...(identity && { identity }) };
    const begun = await post(`/v1/widgets/${this.widgetId}/conversations`, body, { token: null });
    if (this.identity !== identity) return this.begin(); // Another buyer came meanwhile.
    this.thread = { id: begun.conversation_id, token: begun.token, buyer: buyerOf(identity) };
    save(`kefu_chat_${this.widgetId}`, this.thread);
    this.seen();
    begun.messages.forEach((message) => this.take(message));
    this.listen();
  }

  say(text) {
    if (this.isHeld() || this.isStale()) this.leave();
    const item = { client_key: randomKey(), text, state: "sending" };
    this.unsent.push(item);
    this.keep();
    this.on.pending(item);
    this.pump();
  }

  again(item) {
    item.state = "sending";
    this.on.pending(item);
    this.pump();
  }

  keep() {
    save(
      `kefu_unsent_${this.widgetId}`,
      this.unsent.map(({ client_key, text }) => ({ client_key, text })),
    );
  }

  /** Sends what waits, in order, one at a time. The key makes a repeated send harmless. */
  async pump() {
    if (this.isPumping || this.isHeld()) return;
    this.isPumping = true;
    try {
      for (let item; (item = this.unsent.find((each) => each.state !== "refused"));) {
        if (!(await this.deliver(item))) return;
      }
    } finally {
      this.isPumping = false;
    }
  }

  async deliver(item) {
    try {
      await this.begin();
      const thread = this.thread;
      const { message } = await this.write("messages", { text: item.text, client_key: item.client_key });
      if (this.thread === thread) this.take({ ...message, client_key: item.client_key });
      return true;
    } catch (problem) {
      if ([401, 404].includes(problem.status) && this.thread) {
        this.forget();
        return true; // Once more, in a new conversation.
      }
      const pause = problem.retryAfterMs;
      if ([429, 503].includes(problem.status) && pause !== null && pause <= LONGEST_PAUSE_MS) {
        await new Promise((done) => setTimeout(done, pause));
        return true;
      }
      const isFinal = problem.status >= 400 && problem.status < 500 && problem.status !== 429;
      item.state = isFinal ? "refused" : "failed";
      item.why = problem.message;
      this.on.pending(item);
      return isFinal;
    }
  }

  drop(item) {
    this.unsent = this.unsent.filter((each) => each !== item);
    this.keep();
  }

  take(message) {
    this.lastSeq = Math.max(this.lastSeq, message.seq);
    const sent = message.client_key && this.unsent.find((item) => item.client_key === message.client_key);
    if (sent) this.drop(sent);
    this.on.message(message);
  }

  listen() {
    if (this.link) return;
    this.link = listen(this.path("events"), {
      token: this.thread.token,
      lastEventId: this.lastSeq,
      onEvent: (name, data) => {
        if (name === "message") this.take(data);
        else if (name === "typing") this.on.typing(data.is_typing);
        else if (name === "state") this.on.state(data);
      },
      onState: (state) => {
        if (state === "refused") this.forget();
        else this.on.line(state === "open");
        if (state === "open") this.pump();
      },
    });
  }

  async askForPerson() {
    await this.begin();
    await this.write("person", {});
  }

  thumbs(message, value) {
    return this.write(`messages/${message.id}/thumbs`, { thumbs: value });
  }

  source(message, number) {
    return this.read(`sources/${message.id}/${number}`);
  }
}
