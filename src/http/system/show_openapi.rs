//! `GET /openapi.json`: anybody. Made once, when the router is.

use std::sync::Arc;

use axum::Extension;
use axum::http::{HeaderName, header};
use serde_json::Value;

/// The description, as it is sent.
#[derive(Clone)]
pub struct ApiDescription(Arc<str>);

impl From<&Value> for ApiDescription {
    fn from(description: &Value) -> Self {
        Self(description.to_string().into())
    }
}

pub async fn show_openapi(
    Extension(ApiDescription(text)): Extension<ApiDescription>,
) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "application/json")], text.to_string())
}
