//! `GET /healthz`, `GET /readyz`: anybody. For service managers and load balancers; no names of models.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::extract::Json;
use crate::http::state::{AppState, Component, ComponentState};

#[derive(Serialize, JsonSchema)]
pub struct Alive {
    status: &'static str,
}

/// How one part is.
#[derive(Serialize, JsonSchema)]
pub struct Part {
    state: ComponentState,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Parts {
    database: Part,
    index: Part,
    embedder: Part,
    generator: Part,
}

#[derive(Serialize, JsonSchema)]
pub struct Readiness {
    /// Whether every part works.
    ready: bool,
    components: Parts,
    /// Whether buyers can write: they can whenever the database works, and a person answers.
    chat: bool,
}

pub async fn show_alive() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

pub async fn show_ready(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let engines = state.health.components();
    let database = match state.db.ping().await {
        Ok(()) => Part { state: ComponentState::Ready, detail: None },
        Err(error) => {
            tracing::warn!(%error, "the database does not answer");
            Part { state: ComponentState::Failed, detail: Some("it does not answer".into()) }
        }
    };
    let components = Parts {
        database,
        index: engines.index.into(),
        embedder: engines.embedder.into(),
        generator: engines.generator.into(),
    };
    let all = [&components.database, &components.index, &components.embedder, &components.generator];
    let ready = !state.stopping.is_cancelled() && all.iter().all(|part| part.state == ComponentState::Ready);
    let chat = components.database.state == ComponentState::Ready;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, components, chat }))
}

impl From<Component> for Part {
    fn from(component: Component) -> Self {
        Self { state: component.state, detail: component.detail }
    }
}
