//! Requests over every route, made by chance from the description of the API: ids of either shop in every place that
//! takes one, texts of the asking shop, and for searches a word that stands in the other shop's texts, too.

use std::collections::BTreeMap;

use axum::body::Body as HttpBody;
use axum::http::{Method, Request, header};
use kefu::http::permission::Permission;
use kefu::http::routes::{Body, Route};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use super::{Furnished, fill};
use crate::support::{Caller, ROLES, request};

/// Deeper structures than ours are cut off.
const MAX_DEPTH: u32 = 8;

/// One request, and what may be said in its answer.
pub struct Asked {
    pub request: Request<HttpBody>,
    /// All of it as one text: what stands in here may be repeated.
    pub told: String,
    /// Which shop the answer may speak of; none where nobody is known.
    pub about: Option<usize>,
}

/// Makes requests.
pub struct Chance<'a> {
    pub random: StdRng,
    pub description: Value,
    pub shops: [&'a Furnished; 2],
}

impl<'a> Chance<'a> {
    fn one_of<'b, T>(&mut self, all: &'b [T]) -> &'b T {
        &all[self.random.random_range(0..all.len())]
    }

    /// A request to `route`.
    pub fn ask(&mut self, route: &Route) -> Asked {
        let asking = self.random.random_range(0..2);
        let (mine, other) = (self.shops[asking], self.shops[1 - asking]);
        let ids = self.ids(mine, other);
        let query = self.query(route, mine, other);
        let path = format!("{}{query}", fill(route.path, &ids));
        let caller = self.caller(route, mine);
        let widget = ids["widget"].as_str();
        let about = match route.permission {
            Permission::Public if route.path.contains("{widget_id}") => {
                self.shops.iter().position(|shop| shop.ids["widget"] == widget)
            }
            Permission::Public => None,
            _ => Some(asking),
        };
        let body = match route.body {
            Body::None => (route.method != Method::GET).then(|| json!({})),
            Body::Json(_) => Some(self.body(route, mine, other)),
            Body::Multipart(_) => return self.upload(&path, &caller, (mine, about)),
        };
        let told = format!("{path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
        Asked { request: request(route.method.clone(), &path, &caller, body), told, about }
    }

    /// Each of either shop, as chance will have it; mostly the asking one's, or nothing would ever be found.
    fn ids(&mut self, mine: &Furnished, other: &Furnished) -> BTreeMap<&'static str, String> {
        let mut pick = |(name, id): (&&'static str, &String)| {
            (*name, if self.random.random_bool(0.6) { id.clone() } else { other.ids[name].clone() })
        };
        mine.ids.iter().map(&mut pick).collect()
    }

    fn caller(&mut self, route: &Route, mine: &Furnished) -> Caller {
        let by_role = mine.shop.token(*self.one_of(&ROLES));
        match (route.permission, self.random.random_range(0..20)) {
            (_, 0) => Caller::Nobody,
            (Permission::Chat, 1..=17) | (_, 1) => mine.buyer.clone(),
            (_, 2) => Caller::Bearer(mine.tokens["api"].clone()),
            (_, 3) => Caller::Browser(by_role),
            (_, 4..=8) => Caller::Bearer(by_role),
            _ => mine.shop.caller(kefu::storage::accounts::Role::Owner),
        }
    }

    fn query(&mut self, route: &Route, mine: &Furnished, other: &Furnished) -> String {
        let operation = &self.description["paths"][route.path][route.method.as_str().to_lowercase()];
        let parameters: Vec<Value> = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut given = Vec::new();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            if parameter["required"] != true && self.random.random_bool(0.4) {
                continue;
            }
            let name = parameter["name"].as_str().unwrap();
            let value = match self.value(&parameter["schema"], (name, 0), (mine, other)) {
                Value::String(text) => text,
                Value::Null => continue,
                value => value.to_string(),
            };
            let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            given.push(format!("{name}={}", if plain { value } else { other.lure.to_owned() }));
        }
        if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
    }

    fn body(&mut self, route: &Route, mine: &Furnished, other: &Furnished) -> Value {
        let operation = &self.description["paths"][route.path][route.method.as_str().to_lowercase()];
        let schema = operation["requestBody"]["content"]["application/json"]["schema"].clone();
        if self.random.random_bool(0.05) {
            return json!([mine.word, other.lure, { "id": other.ids["turn"] }]);
        }
        self.value(&schema, ("", 0), (mine, other))
    }

    /// Something that the schema allows, more or less.
    fn value(&mut self, schema: &Value, (name, depth): (&str, u32), shops: (&Furnished, &Furnished)) -> Value {
        if depth > MAX_DEPTH {
            return Value::Null;
        }
        if let Some(reference) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            let definition = self.description["components"]["schemas"][reference].clone();
            return self.value(&definition, (name, depth + 1), shops);
        }
        if !schema["const"].is_null() {
            return schema["const"].clone();
        }
        for several in ["enum", "anyOf", "oneOf", "allOf"] {
            let Some(choices) = schema[several].as_array().filter(|choices| !choices.is_empty()) else { continue };
            let chosen = self.one_of(choices).clone();
            return if several == "enum" { chosen } else { self.value(&chosen, (name, depth + 1), shops) };
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.one_of(kinds).as_str().unwrap_or_default().to_owned(),
            kind => kind.as_str().unwrap_or_default().to_owned(),
        };
        match kind.as_str() {
            "object" => self.object(schema, depth, shops),
            "array" => {
                let n = self.random.random_range(0..3);
                (0..n).map(|_| self.value(&schema["items"], (name, depth + 1), shops)).collect()
            }
            "string" => Value::String(self.text(schema, name, shops)),
            "integer" => json!(self.random.random_range(0..4)),
            "number" => json!(f64::from(self.random.random_range(0..=20u8)) / 20.0),
            "boolean" => json!(self.random.random_bool(0.5)),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &Value, depth: u32, shops: (&Furnished, &Furnished)) -> Value {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            if required.contains(&name.as_str()) || self.random.random_bool(0.6) {
                object.insert(name.clone(), self.value(schema, (name, depth + 1), shops));
            }
        }
        Value::Object(object)
    }

    fn text(&mut self, schema: &Value, name: &str, (mine, other): (&Furnished, &Furnished)) -> String {
        let either = if self.random.random_bool(0.5) { mine } else { other };
        if schema["format"] == "uuid" {
            let ids: Vec<&String> = either.ids.values().collect();
            return (*self.one_of(&ids)).clone();
        }
        match name {
            "email" => format!("{}@{}.example", self.random.random_range(0..50), mine.name),
            "token" | "code" => either.tokens["api"].clone(),
            "hosts" | "allowed_origins" => format!("https://{}.example", mine.word),
            _ => {
                let words = [mine.word, other.lure, "a", "Where is it?", "2026-01-01"];
                format!("{} {}", self.one_of(&words), self.random.random_range(0..1000))
            }
        }
    }

    fn upload(&mut self, path: &str, caller: &Caller, (mine, about): (&Furnished, Option<usize>)) -> Asked {
        let text = format!("# {}\n\nAbout {} of {}.", mine.word, mine.lure, self.random.random_range(0..1000));
        let body = format!(
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}.md\"\r\n\r\n{text}\r\n--B--\r\n",
            mine.word
        );
        let mut request = request(Method::POST, path, caller, None);
        request.headers_mut().insert(header::CONTENT_TYPE, "multipart/form-data; boundary=B".parse().unwrap());
        let told = format!("{path} {body}");
        *request.body_mut() = HttpBody::from(body);
        Asked { request, told, about }
    }
}
