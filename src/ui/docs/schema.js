// JSON schemas as people read them: `{id: string, n?: integer}`, and an example value.

/** Follows `$ref` within the document. */
export function resolve(api, node) {
  let seen = node;
  for (let i = 0; seen?.$ref && i < 20; i++) {
    seen = seen.$ref
      .replace(/^#\//, "")
      .split("/")
      .reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], api);
  }
  return seen;
}

/** A schema as text; `trail` stops at schemas that contain themselves. */
export function schemaText(api, schema, indent = "", trail = []) {
  if (!schema || schema === true) return "any";
  const name = schema.$ref?.split("/").pop();
  if (name && trail.includes(name)) return name;
  const at = resolve(api, schema);
  const inside = name ? [...trail, name] : trail;
  const next = (part) => schemaText(api, part, indent, inside);
  if (at.const !== undefined) return JSON.stringify(at.const);
  if (at.enum) return at.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = at.oneOf ?? at.anyOf;
  if (choices) return choices.map(next).join(" | ");
  if (at.allOf) return at.allOf.map(next).join(" & ");
  if (at.properties) {
    const deeper = `${indent}  `;
    const lines = Object.entries(at.properties).map(
      ([key, value]) =>
        `${deeper}${key}${at.required?.includes(key) ? "" : "?"}: ${schemaText(api, value, deeper, inside)}`,
    );
    return `{\n${lines.join("\n")}\n${indent}}`;
  }
  if (at.items) return `[${next(at.items)}]`;
  if (at.additionalProperties && at.additionalProperties !== true)
    return `{[key]: ${next(at.additionalProperties)}}`;
  const type = Array.isArray(at.type) ? at.type.join(" | ") : at.type;
  return at.format ? `${type} (${at.format})` : (type ?? "any");
}

/** The first example that the schema itself carries. */
export function example(api, schema) {
  const at = resolve(api, schema);
  return at?.example ?? at?.examples?.[0];
}
