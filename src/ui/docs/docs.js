// Renders /openapi.json: every route, who may call it, what goes in and comes out.

import { get } from "/ui/shared/api.js";
import { h, show } from "/ui/shared/dom.js";
import { addTexts, locale, t } from "/ui/shared/i18n.js";
import { publicBar } from "/ui/shared/public.js";
import { sorry } from "/ui/shared/shell.js";
import en from "./en.js";
import { example, resolve, schemaText } from "./schema.js";
import zh from "./zh.js";

addTexts({ zh, en });
document.title = `${t("title")} · kefu`;

/** A text of the description: what stands between backticks is code. */
const prose = (text) => (text ?? "").split("`").map((part, i) => (i % 2 === 1 ? h("code", {}, part) : part));

const VERBS = ["get", "post", "put", "patch", "delete"];

function routes(api) {
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths ?? {})) {
    for (const verb of VERBS.filter((name) => item[name])) {
      const operation = item[verb];
      const group = operation.tags?.[0] ?? t("untagged");
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push({ path, verb, operation });
    }
  }
  return groups;
}

function route(api, { path, verb, operation }) {
  return h(
    "details",
    {
      class: "route",
      "data-search": `${verb} ${path} ${operation.summary ?? ""}`.toLowerCase(),
      "data-testid": "route",
    },
    h(
      "summary",
      {},
      h("span", { class: `verb ${verb}` }, verb.toUpperCase()),
      h("code", { class: "path" }, path),
      h("span", { class: "soft grow" }, operation.summary ?? ""),
      operation["x-permission"] && h("span", { class: "chip accent" }, operation["x-permission"]),
    ),
    h(
      "div",
      { class: "route-body stack" },
      operation["x-permission"] &&
        h("p", { class: "small soft", lang: locale }, t(`who.${operation["x-permission"]}`)),
      operation.description && h("p", { class: "pre" }, prose(operation.description)),
      parameters(api, operation),
      request(api, operation),
      responses(api, operation),
    ),
  );
}

function parameters(api, operation) {
  const list = (operation.parameters ?? []).map((p) => resolve(api, p));
  if (list.length === 0) return null;
  const head = ["name", "in", "type", "about"].map((key) => h("th", { scope: "col" }, t(`col.${key}`)));
  return part(
    t("parameters"),
    h(
      "div",
      { class: "table-box" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, head)),
        h(
          "tbody",
          {},
          list.map((p) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, h("code", {}, p.name), p.required ? " *" : null),
              h("td", {}, p.in),
              h("td", {}, h("code", {}, schemaText(api, p.schema))),
              h("td", {}, p.description ?? ""),
            ),
          ),
        ),
      ),
    ),
  );
}

function request(api, operation) {
  const body = resolve(api, operation.requestBody);
  return body ? part(t("request"), content(api, body)) : null;
}

function responses(api, operation) {
  const list = Object.entries(operation.responses ?? {});
  return part(
    t("responses"),
    list.map(([status, raw]) => {
      const response = resolve(api, raw);
      return h(
        "div",
        { class: "stack tight" },
        h(
          "p",
          {},
          h("span", { class: `chip ${status < "300" ? "good" : "warn"}` }, status),
          " ",
          response.description ?? "",
        ),
        content(api, response),
      );
    }),
  );
}

function content(api, holder) {
  return Object.entries(holder.content ?? {}).map(([type, media]) => {
    const sample =
      media.example ?? Object.values(media.examples ?? {})[0]?.value ?? example(api, media.schema);
    return h(
      "div",
      { class: "stack tight" },
      h("p", { class: "small soft" }, h("code", {}, type)),
      media.schema && h("pre", { class: "code", tabindex: "0" }, schemaText(api, media.schema)),
      sample !== undefined &&
        h(
          "details",
          {},
          h("summary", { class: "small" }, t("example")),
          h("pre", { class: "code", tabindex: "0" }, JSON.stringify(sample, null, 2)),
        ),
    );
  });
}

const part = (title, ...body) =>
  h("section", { class: "stack tight" }, h("h3", { lang: locale }, title), body);

function page(api) {
  const search = h("input", {
    type: "search",
    "aria-label": t("search"),
    placeholder: t("search"),
    "data-testid": "docs-search",
  });
  const groups = [...routes(api)].map(([name, list]) =>
    h(
      "section",
      { class: "stack tight group", lang: "en" }, // The reference speaks one language.
      h("h2", {}, name),
      list.map((one) => route(api, one)),
    ),
  );
  const none = h("p", { class: "empty", hidden: true }, t("no_match"));
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    for (const group of groups) {
      const found = [...group.querySelectorAll(".route")].filter(
        (node) => !(node.hidden = !node.dataset.search.includes(wanted)),
      );
      group.hidden = found.length === 0;
    }
    none.hidden = groups.some((group) => !group.hidden);
  });
  return [
    h(
      "div",
      { class: "page-head" },
      h(
        "div",
        {},
        h("h1", {}, t("title")),
        h(
          "p",
          { class: "soft", lang: "en" },
          `${api.info.title} ${api.info.version} · `,
          prose(api.info.description),
        ),
      ),
      h("a", { class: "button", href: "/openapi.json" }, "openapi.json"),
    ),
    search,
    groups,
    none,
  ];
}

const main = h("main", { class: "page stack" }, h("p", { class: "empty" }, t("loading")));
show(document.body, publicBar(), main);
try {
  show(main, page(await get("/openapi.json")));
} catch (problem) {
  show(main, sorry(problem));
}
