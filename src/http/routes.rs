//! The table of routes. A route cannot be added without the permission it needs, and adding it installs the check:
//! there is no way to forget it. The same records make `/openapi.json` and the tests that walk every route.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use crate::http::guard::{Gate, admit};
use crate::http::permission::Permission;
use crate::http::state::AppState;

/// JSON bodies are small: texts of people.
const JSON_LIMIT_BYTES: usize = 256 * 1024;

/// Describes a type where it stands.
pub type Describe = fn(&mut SchemaGenerator) -> Schema;

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What a request carries.
#[derive(Debug, Clone, Copy)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Describe),
    /// Files and fields.
    Multipart(Describe),
}

/// What a successful answer carries.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// Nothing.
    None,
    /// JSON.
    Json(Describe),
    /// Server-sent events; their names and data are told in words.
    Events(&'static str),
    /// Something that is no JSON, of this content type.
    Other(&'static str),
    /// A file, of one of these content types.
    File(&'static [&'static str]),
}

/// One route: how it is called, who may call it, what goes in and out.
#[derive(Debug, Clone)]
pub struct Route {
    /// The verb.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub permission: Permission,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its query parameters.
    pub query: Option<Describe>,
    /// What goes in.
    pub body: Body,
    /// The status of success.
    pub status: u16,
    /// What comes out.
    pub answer: Answer,
    /// An example of what goes in.
    pub body_example: Option<Value>,
    /// An example of what comes out.
    pub answer_example: Option<Value>,
    /// Whether it belongs to the API; pages do not.
    pub is_listed: bool,
    /// Whether a password must have been given lately.
    pub needs_password: bool,
    limit_bytes: usize,
}

impl Route {
    fn new(method: Method, path: &'static str, permission: Permission, summary: &'static str) -> Self {
        Self {
            method,
            path,
            permission,
            summary,
            query: None,
            body: Body::None,
            status: 204,
            answer: Answer::None,
            body_example: None,
            answer_example: None,
            is_listed: true,
            needs_password: false,
            limit_bytes: JSON_LIMIT_BYTES,
        }
    }

    /// Reads.
    pub fn get(path: &'static str, permission: Permission, summary: &'static str) -> Self {
        Self::new(Method::GET, path, permission, summary)
    }

    /// Adds or acts.
    pub fn post(path: &'static str, permission: Permission, summary: &'static str) -> Self {
        Self::new(Method::POST, path, permission, summary)
    }

    /// Puts something in the place of what is there.
    pub fn put(path: &'static str, permission: Permission, summary: &'static str) -> Self {
        Self::new(Method::PUT, path, permission, summary)
    }

    /// Changes some fields.
    pub fn patch(path: &'static str, permission: Permission, summary: &'static str) -> Self {
        Self::new(Method::PATCH, path, permission, summary)
    }

    /// Takes away.
    pub fn delete(path: &'static str, permission: Permission, summary: &'static str) -> Self {
        Self::new(Method::DELETE, path, permission, summary)
    }

    /// Takes these query parameters.
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(describe::<T>);
        self
    }

    /// Takes this JSON.
    pub fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Body::Json(describe::<T>);
        self
    }

    /// Takes files and fields, `limit_bytes` together.
    pub fn takes_files<T: JsonSchema>(mut self, limit_bytes: usize) -> Self {
        self.body = Body::Multipart(describe::<T>);
        self.limit_bytes = limit_bytes;
        self
    }

    /// Answers with this JSON.
    pub fn returns<T: JsonSchema>(mut self, status: u16) -> Self {
        self.status = status;
        self.answer = Answer::Json(describe::<T>);
        self
    }

    /// Answers with nothing but a status; 204 unless said otherwise.
    pub fn returns_nothing(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Answers with events that `told` explains.
    pub fn streams(mut self, told: &'static str) -> Self {
        self.status = 200;
        self.answer = Answer::Events(told);
        self
    }

    /// Answers with a file of one of these content types.
    pub fn returns_file(mut self, content_types: &'static [&'static str]) -> Self {
        self.status = 200;
        self.answer = Answer::File(content_types);
        self
    }

    /// Answers with bytes of this content type.
    pub fn returns_bytes(mut self, content_type: &'static str) -> Self {
        self.status = 200;
        self.answer = Answer::Other(content_type);
        self
    }

    /// Is too dangerous for a browser that was left alone: a password must have been given lately.
    pub fn asks_password(mut self) -> Self {
        self.needs_password = true;
        self
    }

    /// Shows a script how it is called; `Null` where nothing goes in or comes out.
    pub fn example(mut self, body: Value, answer: Value) -> Self {
        self.body_example = Some(body).filter(|value| !value.is_null());
        self.answer_example = Some(answer).filter(|value| !value.is_null());
        self
    }

    /// A page for people: not part of the API.
    pub fn page(path: &'static str) -> Self {
        let mut route = Self::get(path, Permission::Public, "A page").returns_bytes("text/html");
        route.is_listed = false;
        route
    }
}

/// Routes that were added so far.
pub struct Routes {
    state: AppState,
    router: Router<AppState>,
    records: Vec<Route>,
}

impl Routes {
    /// None yet.
    pub fn new(state: AppState) -> Self {
        Self { state, router: Router::new(), records: vec![] }
    }

    /// Adds one, behind the check of its permission.
    pub fn add<H, T>(mut self, route: Route, handler: H) -> Self
    where
        H: Handler<T, AppState>,
        T: 'static,
    {
        let gate =
            Gate { state: self.state.clone(), permission: route.permission, needs_password: route.needs_password };
        let method = filter(&route.method);
        let guarded: MethodRouter<AppState> = on(method, handler)
            .route_layer(DefaultBodyLimit::max(route.limit_bytes))
            .route_layer(from_fn_with_state(gate, admit));
        self.router = self.router.route(route.path, guarded);
        self.records.push(route);
        self
    }

    /// Adds a room's routes.
    pub fn with(self, room: impl FnOnce(Self) -> Self) -> Self {
        room(self)
    }

    /// What was added.
    pub fn records(&self) -> &[Route] {
        &self.records
    }

    /// The router, still without its outer layers.
    pub fn into_router(self) -> Router {
        self.router.with_state(self.state)
    }
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).expect("routes are made by `get`, `post`, `put`, `patch` and `delete` only")
}
