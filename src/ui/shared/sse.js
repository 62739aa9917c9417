// Server-sent events over `fetch`: unlike EventSource it can send a token, and it says why it failed.

import { headers } from "./api.js";

const SILENCE_MS = 50_000; // The server's heartbeat comes every 20 s.
const LONGEST_WAIT_MS = 20_000;

/**
 * Listens until `stop()`. Reconnects with full jitter and `Last-Event-ID`.
 * `onEvent(name, data, id)`; `onState("open" | "lost" | "refused", status?)`.
 */
export function listen(url, { token, lastEventId = null, onEvent, onState = () => {} }) {
  const link = { lastId: lastEventId, attempt: 0, isStopped: false, abort: null, wake: null };

  async function connect() {
    link.abort = new AbortController();
    const watch = silenceWatch(() => link.abort.abort());
    try {
      const more = { Accept: "text/event-stream" };
      if (link.lastId !== null) more["Last-Event-ID"] = String(link.lastId);
      const response = await fetch(url, {
        headers: headers(token, more),
        credentials: token ? "omit" : "same-origin",
        cache: "no-store",
        signal: link.abort.signal,
      });
      if ([401, 403, 404].includes(response.status)) {
        link.isStopped = true;
        onState("refused", response.status);
        return;
      }
      if (!response.ok) return;
      link.attempt = 0;
      onState("open");
      await read(response.body, watch, (name, data, id) => {
        if (id !== null) link.lastId = id;
        onEvent(name, data, id);
      });
    } catch {
      // A lost line is expected; the loop below comes back.
    } finally {
      watch.end();
    }
  }

  async function run() {
    while (!link.isStopped) {
      await connect();
      if (link.isStopped) return;
      onState("lost");
      const longest = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** link.attempt++);
      await new Promise((done) => {
        link.wake = done;
        setTimeout(done, 300 + Math.random() * longest);
      });
    }
  }

  const hurry = () => link.wake?.();
  addEventListener("online", hurry);
  run();
  return {
    stop() {
      link.isStopped = true;
      removeEventListener("online", hurry);
      link.abort?.abort();
      link.wake?.();
    },
  };
}

function silenceWatch(onSilence) {
  let timer = setTimeout(onSilence, SILENCE_MS);
  return {
    beat() {
      clearTimeout(timer);
      timer = setTimeout(onSilence, SILENCE_MS);
    },
    end: () => clearTimeout(timer),
  };
}

async function read(body, watch, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    watch.beat();
    const blocks = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) dispatch(block, onEvent);
  }
}

function dispatch(block, onEvent) {
  let [name, id] = ["message", null];
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith(":")) continue;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "id") id = value;
    else if (field === "data") data.push(value);
  }
  if (data.length === 0) return;
  const text = data.join("\n");
  let parsed = text;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Not JSON: a bare word such as a farewell.
  }
  onEvent(name, parsed, id);
}
