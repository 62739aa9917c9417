// Two languages: catalogues, the choice, and numbers, dates and sizes as people write them.

import { load, save } from "./store.js";

const texts = { zh: {}, en: {} };

/** "zh" or "en": the address, then the stored choice, then the browser. */
export const lang = choose();

function choose() {
  const asked =
    new URLSearchParams(location.search).get("lang") ?? new URLSearchParams(location.search).get("locale");
  const wanted = [asked, load("kefu_lang", null), ...(navigator.languages ?? [navigator.language])];
  for (const tag of wanted) {
    if (typeof tag !== "string") continue;
    if (tag.toLowerCase().startsWith("zh")) return "zh";
    if (tag.toLowerCase().startsWith("en")) return "en";
  }
  return "en";
}

export const locale = lang === "zh" ? "zh-CN" : "en";
document.documentElement.lang = locale;

/** Stores the choice and draws the page anew. */
export function setLang(next) {
  save("kefu_lang", next);
  const here = new URL(location.href);
  here.searchParams.delete("lang");
  if (here.href === location.href) location.reload();
  else location.replace(here);
}

/** Adds a room's catalogues. */
export function addTexts(catalogues) {
  Object.assign(texts.zh, catalogues.zh);
  Object.assign(texts.en, catalogues.en);
}

/** Whether there is a text for `key`. */
export const has = (key) => key in texts[lang];

/** The text for `key`; `{name}` is replaced, `{n:answer|answers}` picks by number. */
export function t(key, params = {}) {
  const text = texts[lang][key] ?? texts.en[key] ?? key;
  return text.replace(/\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g, (whole, name, one, many) => {
    if (!(name in params)) return whole;
    if (one !== undefined) return Number(params[name]) === 1 ? one : many;
    return typeof params[name] === "number" ? number(params[name]) : String(params[name]);
  });
}

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);

/** 0–1 as a percentage. */
export const percent = (share, digits = 0) =>
  new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(share);

export const dateTime = (ms) =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(ms));

export const date = (ms) => new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(ms));

/** A calendar day that the server keeps in UTC. */
export const utcDate = (ms) =>
  new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(ms));

export const clock = (ms) => new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(ms));

/** Today only the time, else the day too. */
export function when(ms) {
  return new Date(ms).toDateString() === new Date().toDateString() ? clock(ms) : dateTime(ms);
}

/** How long: "320 ms", "42 s", "3 min 05 s", "2 h 10 min". */
export function duration(ms) {
  if (ms >= 1 && ms < 1000) return `${Math.round(ms)} ${lang === "zh" ? "毫秒" : "ms"}`;
  const s = Math.max(0, Math.round(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, sec] = lang === "zh" ? [" 小时 ", " 分 ", " 秒"] : [" h ", " min ", " s"];
  if (s < 60) return `${s}${sec}`;
  if (s < 3600) return `${Math.floor(s / 60)}${m}${two(s % 60)}${sec}`;
  if (s < 86400) return `${Math.floor(s / 3600)}${h}${two(Math.floor((s % 3600) / 60))}${m}`.trimEnd();
  const days = Math.floor(s / 86400);
  return lang === "zh" ? `${days} 天` : `${days} ${days === 1 ? "day" : "days"}`;
}

export function bytes(size) {
  if (size < 1024) return `${number(size)} B`;
  if (size < 1024 * 1024) return `${number(size / 1024)} kB`;
  return `${number(size / 1024 / 1024, 1)} MB`;
}
