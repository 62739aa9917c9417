//! `GET /v1/knowledge/events`: every person of the shop. Revisions and rehearsals as they move on.

use std::convert::Infallible;

use async_trait::async_trait;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures::Stream;
use serde::Serialize;
use serde_json::json;

use crate::domain::ids::{DocumentId, ShopId};
use crate::domain::text::Lang;
use crate::events;
use crate::http::error::ApiResult;
use crate::http::extract::Locale;
use crate::http::guard::Member;
use crate::http::knowledge::views::RevisionView;
use crate::http::sse;
use crate::http::state::AppState;
use crate::storage::{StorageError, revisions};

#[derive(Serialize)]
struct RevisionEvent {
    document_id: DocumentId,
    revision: RevisionView,
}

struct Shelf {
    state: AppState,
    shop: ShopId,
    lang: Lang,
}

#[async_trait]
impl sse::Listener for Shelf {
    async fn catch_up(&mut self) -> Result<Vec<Event>, StorageError> {
        Ok(vec![sse::event("resync", &json!({}))])
    }

    async fn hear(&mut self, event: events::Event) -> Result<Vec<Event>, StorageError> {
        if let events::Event::RehearsalMoved { rehearsal } = event {
            return Ok(vec![sse::event("rehearsal", &json!({ "rehearsal_id": rehearsal }))]);
        }
        let events::Event::RevisionChanged { document, revision } = event else { return Ok(vec![]) };
        let found = revisions::get(&self.state.db, self.shop, revision).await?;
        let view = |revision| RevisionEvent {
            document_id: document,
            revision: RevisionView::new(revision, self.lang, self.state.now_ms()),
        };
        // A revision that is gone belongs to a document that was removed: the list has to be read anew.
        Ok(vec![found.map_or_else(|| sse::event("resync", &json!({})), |found| sse::event("revision", &view(found)))])
    }
}

pub async fn stream_events(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let shelf = Shelf { state: state.clone(), shop: member.shop(), lang };
    sse::open(&state, member.shop(), shelf).await
}
