//! `/openapi.json`: the table of routes, told in OpenAPI 3.1. Nothing is written by hand twice.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::http::error::Problem;
use crate::http::permission::Permission;
use crate::http::routes::{Answer, Body, Route};

/// The document that describes `routes`.
pub fn describe(routes: &[Route]) -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in routes.iter().filter(|route| route.is_listed) {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = operation(route, &mut generator);
    }
    let problem = Problem::schema_name();
    generator.subschema_for::<Problem>();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "kefu",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Ids are UUIDs, times are milliseconds since 1970 UTC. Errors are `application/problem+json` \
                with a stable `code`. `x-permission` says who may call a route, \
                `x-needs-password` whether `POST /v1/me/confirm` has to come shortly before it.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": {
                "Problem": {
                    "description": "An error with a stable code",
                    "content": { "application/problem+json": { "schema": { "$ref": format!("#/components/schemas/{problem}") } } },
                },
            },
            "securitySchemes": {
                "session": { "type": "http", "scheme": "bearer", "description": "The token of POST /v1/login" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": "kefu_session" },
                "buyer": { "type": "http", "scheme": "bearer", "description": "The token of the started conversation" },
            },
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [tag(route.path)],
        "x-permission": route.permission.name(),
        "x-needs-password": route.needs_password,
        "security": security(route.permission),
        "parameters": parameters(route, generator),
        "responses": {
            route.status.to_string(): answer(route, generator),
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let Some(body) = body(route, generator) {
        operation["requestBody"] = body;
    }
    operation
}

/// `post /v1/console/turns/{id}/accept` → `post_console_turns_id_accept`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '.', '-', '*']).filter(|word| !word.is_empty() && *word != "v1");
    let words: Vec<_> = words.collect();
    format!("{}_{}", route.method.as_str().to_lowercase(), words.join("_"))
}

fn tag(path: &str) -> &str {
    match path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next()) {
        Some("login" | "logout" | "me" | "password") => "accounts",
        Some("widgets" | "chat" | "demo") => "chat",
        Some("status") | None => "system",
        Some(room) => room,
    }
}

fn security(permission: Permission) -> Value {
    match permission {
        Permission::Public => json!([]),
        Permission::Chat => json!([{ "buyer": [] }]),
        _ => json!([{ "session": [] }, { "cookie": [] }]),
    }
}

fn parameters(route: &Route, generator: &mut SchemaGenerator) -> Vec<Value> {
    let names = route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut parameters: Vec<Value> = names
        .map(|name| {
            let schema = if name == "number" {
                json!({ "type": "integer" })
            } else {
                json!({ "type": "string", "format": "uuid" })
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect();
    let Some(query) = route.query else { return parameters };
    let schema = resolve(query(generator).to_value(), generator);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let is_required = required.contains(&name.as_str());
        parameters.push(json!({ "name": name, "in": "query", "required": is_required, "schema": schema }));
    }
    parameters
}

/// The schema that a `$ref` names.
fn resolve(schema: Value, generator: &SchemaGenerator) -> Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    match name.and_then(|name| generator.definitions().get(name)) {
        Some(definition) => definition.clone(),
        None => schema,
    }
}

fn body(route: &Route, generator: &mut SchemaGenerator) -> Option<Value> {
    let (content_type, describe) = match route.body {
        Body::None => return None,
        Body::Json(describe) => ("application/json", describe),
        Body::Multipart(describe) => ("multipart/form-data", describe),
    };
    Some(
        json!({ "required": true, "content": content(content_type, describe(generator).to_value(), &route.body_example) }),
    )
}

fn answer(route: &Route, generator: &mut SchemaGenerator) -> Value {
    match route.answer {
        Answer::None => json!({ "description": route.summary }),
        Answer::Json(describe) => json!({
            "description": route.summary,
            "content": content("application/json", describe(generator).to_value(), &route.answer_example),
        }),
        Answer::Events(told) => json!({
            "description": told,
            "content": content("text/event-stream", json!({ "type": "string" }), &route.answer_example),
        }),
        Answer::Other(content_type) => json!({ "description": route.summary, "content": { content_type: {} } }),
        Answer::File(content_types) => {
            let content: Map<String, Value> = content_types.iter().map(|one| ((*one).to_owned(), json!({}))).collect();
            json!({ "description": route.summary, "content": content })
        }
    }
}

fn content(content_type: &str, schema: Value, example: &Option<Value>) -> Value {
    let mut media = json!({ "schema": schema });
    if let Some(example) = example {
        media["example"] = example.clone();
    }
    json!({ content_type: media })
}
