// Who else looks at a conversation or writes in it. The server keeps nothing of it: each page says what its agent does,
// again when somebody new comes along, and every now and then; who was not heard of for a while has gone.

import { headers } from "/ui/shared/api.js";

const BEAT_MS = 20_000;
const GONE_MS = 45_000;
const TYPING_MS = 6_000;

export class Watch {
  constructor(me, changed) {
    this.me = me;
    this.changed = changed;
    this.here = null; // The conversation on this screen.
    this.doing = "looking";
    this.others = new Map(); // Conversation → account → {name, doing, at}.
    this.typedAt = 0;
    setInterval(() => this.beat(), BEAT_MS);
    addEventListener("pagehide", () => this.say("left"));
    document.addEventListener("visibilitychange", () => this.beat());
  }

  /** Opens another conversation, or none. */
  look(id) {
    if (id === this.here) return;
    if (this.here) this.say("left");
    this.here = id;
    this.doing = "looking";
    this.say("looking");
  }

  /** Somebody writes on this screen. */
  type() {
    const wasTyping = this.doing === "typing";
    this.typedAt = Date.now();
    if (wasTyping) return;
    this.doing = "typing";
    this.say("typing");
    const rest = () => {
      if (Date.now() - this.typedAt < TYPING_MS) return setTimeout(rest, TYPING_MS);
      this.doing = "looking";
      this.say("looking");
    };
    setTimeout(rest, TYPING_MS);
  }

  beat() {
    if (document.visibilityState === "visible") this.say(this.doing);
    this.forget();
  }

  /** A lost word is no harm: the next one comes soon. */
  say(doing) {
    if (!this.here) return;
    fetch(`/v1/console/conversations/${this.here}/watch`, {
      method: "POST",
      credentials: "same-origin",
      keepalive: true,
      headers: headers(null, { "Content-Type": "application/json" }),
      body: JSON.stringify({ doing }),
    }).catch(() => {});
  }

  hear({ conversation_id: id, account_id: account, name, doing }) {
    if (account === this.me.id) return;
    const there = this.others.get(id) ?? new Map();
    const isNew = !there.has(account);
    if (doing === "left") there.delete(account);
    else there.set(account, { name, doing, at: Date.now() });
    if (there.size > 0) this.others.set(id, there);
    else this.others.delete(id);
    // Who comes later has not heard that we are here.
    if (isNew && doing !== "left" && id === this.here) this.say(this.doing);
    this.changed();
  }

  forget() {
    let isChanged = false;
    for (const [id, there] of this.others) {
      for (const [account, { at }] of there)
        if (Date.now() - at > GONE_MS) isChanged = there.delete(account) || isChanged;
      if (there.size === 0) this.others.delete(id);
    }
    if (isChanged) this.changed();
  }

  /** Colleagues in a conversation, those who write first. */
  of(id) {
    const there = [...(this.others.get(id)?.values() ?? [])];
    return there.sort((a, b) => Number(b.doing === "typing") - Number(a.doing === "typing"));
  }
}
