//! The pages: files of `src/ui`, carried inside the program (in debug builds read from the disk, so that a page can be
//! worked on without building).
//!
//! Every page may load its own scripts and styles and nothing else. Only the chat frame may be framed, and only by the
//! sites that its widget names.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;

use crate::domain::encoding::HEX;
use crate::domain::ids::WidgetId;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Path, Query};
use crate::http::routes::{Route, Routes};
use crate::http::state::AppState;
use crate::storage::widgets;

#[derive(RustEmbed)]
#[folder = "src/ui"]
struct Files;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'";

/// Where each page is and which file it is.
const PAGES: [(&str, &str); 16] = [
    ("/", "home/index.html"),
    ("/shop", "shop/index.html"),
    ("/login", "login/index.html"),
    ("/set-password", "login/set-password.html"),
    ("/console", "console/index.html"),
    ("/knowledge", "knowledge/index.html"),
    ("/companion", "companion/index.html"),
    ("/tasks", "tasks/index.html"),
    ("/commitments", "commitments/index.html"),
    ("/shifts", "shifts/index.html"),
    ("/records", "records/index.html"),
    ("/ops", "ops/index.html"),
    ("/figures", "figures/index.html"),
    ("/account", "account/index.html"),
    ("/docs", "docs/index.html"),
    ("/widget.js", "widget/widget.js"),
];

/// Adds the pages and their files.
pub fn routes(mut routes: Routes) -> Routes {
    for (path, file) in PAGES {
        routes = routes.add(Route::page(path), async move |headers: HeaderMap| page(file, &headers));
    }
    routes.add(Route::page("/widget/frame"), show_frame).add(Route::page("/ui/{*path}"), show_file)
}

fn page(file: &str, headers: &HeaderMap) -> ApiResult<Response> {
    let embedded = Files::get(file).ok_or(Code::NotFound)?;
    Ok(guarded(answer(file, embedded, headers), "'none'"))
}

async fn show_file(Path(path): Path<String>, headers: HeaderMap) -> ApiResult<Response> {
    page(&path, &headers)
}

#[derive(Deserialize)]
struct FrameQuery {
    id: WidgetId,
}

/// The chat, framed by the sites of its widget alone. `*` among them means any site.
async fn show_frame(
    State(state): State<AppState>,
    Query(query): Query<FrameQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let widget = widgets::by_id(&state.db, query.id).await?.ok_or(Code::WidgetUnknown)?;
    let file = "widget/frame.html";
    let embedded = Files::get(file).ok_or(Code::NotFound)?;
    let ancestors = frame_ancestors(&widget.form.allowed_origins);
    Ok(guarded(answer(file, embedded, &headers), &ancestors))
}

/// Origins are checked when a widget is saved; what could end the directive is left out all the same.
fn frame_ancestors(allowed: &[String]) -> String {
    let is_clean = |origin: &&String| {
        !origin.is_empty() && origin.bytes().all(|byte| byte.is_ascii_graphic() && !b";,'".contains(&byte))
    };
    let sites: Vec<&str> = allowed.iter().filter(is_clean).map(String::as_str).collect();
    format!("'self' {}", sites.join(" ")).trim_end().to_owned()
}

fn answer(file: &str, embedded: EmbeddedFile, headers: &HeaderMap) -> Response {
    let hash = HEX.encode(&embedded.metadata.sha256_hash()[..16]);
    let tag = format!("\"{hash}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // `no-cache` means: keep it, but ask each time whether it is still the same.
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if known.is_some_and(|known| known.contains(&tag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = [(header::CONTENT_TYPE, content_type(file, &embedded))];
    (caching, kind, embedded.data.into_owned()).into_response()
}

fn content_type(file: &str, embedded: &EmbeddedFile) -> String {
    match embedded.metadata.mimetype() {
        text if text.starts_with("text/") || file.ends_with(".js") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    }
}

fn guarded(mut response: Response, ancestors: &str) -> Response {
    if let Ok(policy) = HeaderValue::from_str(&format!("{CSP}; frame-ancestors {ancestors}")) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clean_origins_enter_the_policy() {
        let allowed = ["https://a.example".to_owned(), "x; script-src *".to_owned(), String::new()];
        assert_eq!(frame_ancestors(&allowed), "'self' https://a.example");
        assert_eq!(frame_ancestors(&[]), "'self'");
        assert_eq!(frame_ancestors(&["*".to_owned()]), "'self' *");
    }
}
