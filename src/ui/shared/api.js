// Talks to the server: JSON in and out, problems (RFC 9457) as one error type.

import { duration, lang, locale, t } from "./i18n.js";

/** What the server, or the lack of one, said. */
export class Problem extends Error {
  constructor(body, retryAfter) {
    super(body.detail || body.title || t("problem.unknown"));
    this.status = body.status ?? 0;
    this.code = body.code ?? "unknown";
    this.hint = body.hint ?? null;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id ?? null;
    this.retryAfterMs = retryAfter ? Number(retryAfter) * 1000 : null;
  }

  /** What to do about it, as a sentence for people; hints with code in them are for scripts. */
  get advice() {
    if (this.retryAfterMs) return t("problem.later", { time: duration(this.retryAfterMs) });
    if (!this.hint || this.hint.includes("`")) return null;
    const end = /[.!?。！？]$/.test(this.hint) ? "" : lang === "zh" ? "。" : ".";
    return this.hint[0].toUpperCase() + this.hint.slice(1) + end;
  }

  /** What went wrong and what to do about it. */
  get text() {
    return [this.message, this.advice].filter(Boolean).join(lang === "zh" ? "" : " ");
  }

  /** The network, not the server. */
  get isOffline() {
    return this.status === 0;
  }
}

export const headers = (token, more = {}) => ({
  "Accept-Language": locale,
  ...(token ? { Authorization: `Bearer ${token}` } : {}),
  ...more,
});

let askPassword = null;

/** `ask` is called when the server wants the password again; if it resolves to true, the request is sent once more. */
export const onPasswordNeeded = (ask) => (askPassword = ask);

/** One request. `body`: FormData as it is, anything else as JSON. Throws a `Problem`. */
export async function api(method, path, body, { token, signal } = {}) {
  const isForm = body instanceof FormData;
  const options = {
    method,
    signal,
    credentials: token ? "omit" : "same-origin",
    headers: headers(token, body && !isForm ? { "Content-Type": "application/json" } : {}),
    body: body === undefined || isForm ? body : JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ status: 0, code: "offline", detail: t("problem.offline") });
  }
  const isJson = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
  const data = isJson ? await response.json().catch(() => null) : null;
  if (response.ok) return data;
  if (data?.code === "password_needed" && askPassword && (await askPassword()))
    return api(method, path, body, { token, signal });
  throw new Problem({ status: response.status, ...(data ?? {}) }, response.headers.get("Retry-After"));
}

export const get = (path, options) => api("GET", path, undefined, options);
export const post = (path, body = {}, options = undefined) => api("POST", path, body, options);
export const put = (path, body, options) => api("PUT", path, body, options);
export const patch = (path, body, options) => api("PATCH", path, body, options);
export const remove = (path, options) => api("DELETE", path, undefined, options);
