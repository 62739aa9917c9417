//! `PATCH /v1/knowledge/documents/{id}`: staff, owners.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::domain::document::Audience;
use crate::domain::ids::DocumentId;
use crate::domain::job::JobKind;
use crate::domain::order::Platform;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Locale, Path};
use crate::http::guard::Member;
use crate::http::knowledge::show_document::read_document;
use crate::http::knowledge::views::DocumentView;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::documents::{self, DocumentMeta};
use crate::storage::jobs::{self, Lane};

/// What is left out stays; null takes away.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct DocumentPatch {
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    sku: Option<Option<String>>,
    audience: Option<Audience>,
    /// The platforms whose rules it tells; empty for all.
    platforms: Option<Vec<Platform>>,
    #[serde(deserialize_with = "given")]
    effective_from_ms: Option<Option<i64>>,
    #[serde(deserialize_with = "given")]
    effective_until_ms: Option<Option<i64>>,
}

/// A field that is there, be it null.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Each once, so that the same choice is the same value.
pub fn in_order(mut platforms: Vec<Platform>) -> Vec<Platform> {
    platforms.sort_unstable();
    platforms.dedup();
    platforms
}

pub async fn change_document(
    State(state): State<AppState>,
    member: Member,
    Locale(lang): Locale,
    Path(id): Path<DocumentId>,
    Json(patch): Json<DocumentPatch>,
) -> ApiResult<Json<DocumentView>> {
    let old = documents::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    let meta = patch.over(old.meta)?;
    let mut tx = state.db.begin().await?;
    if !documents::set_meta(&mut tx, member.shop(), id, &meta).await? {
        return Err(Code::NotFound.into());
    }
    // The points in the index carry product and audience.
    jobs::enqueue(&mut tx, member.shop(), JobKind::RefreshDocument { document: id }, Lane::Bulk, state.now_ms())
        .await?;
    let detail = json!({ "name": meta.name, "sku": meta.sku, "audience": meta.audience, "platforms": meta.platforms });
    note(&mut tx, &member, "document_changed", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok(Json(read_document(&state, member.shop(), (id, lang)).await?))
}

impl DocumentPatch {
    fn over(self, old: DocumentMeta) -> ApiResult<DocumentMeta> {
        let name = self.name.map_or(old.name, |name| name.trim().to_owned());
        if name.is_empty() {
            return Err(ApiError::field("name", "it is empty"));
        }
        let sku = self.sku.unwrap_or(old.sku).map(|sku| sku.trim().to_owned()).filter(|sku| !sku.is_empty());
        Ok(DocumentMeta {
            name,
            sku,
            audience: self.audience.unwrap_or(old.audience),
            platforms: self.platforms.map_or(old.platforms, in_order),
            effective_from_ms: self.effective_from_ms.unwrap_or(old.effective_from_ms),
            effective_until_ms: self.effective_until_ms.unwrap_or(old.effective_until_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old() -> DocumentMeta {
        DocumentMeta {
            name: "care.md".into(),
            sku: Some("TEA-1".into()),
            audience: Audience::Agents,
            platforms: vec![Platform::Jd],
            effective_from_ms: Some(1),
            effective_until_ms: None,
        }
    }

    fn patched(body: &str) -> DocumentMeta {
        serde_json::from_str::<DocumentPatch>(body).unwrap().over(old()).unwrap()
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        assert_eq!(patched("{}"), old());
        let changed = patched(r#"{"sku":null,"effective_from_ms":null,"effective_until_ms":9,"audience":"buyers"}"#);
        assert_eq!((changed.sku, changed.effective_from_ms, changed.effective_until_ms), (None, None, Some(9)));
        assert_eq!((changed.audience, changed.platforms), (Audience::Buyers, vec![Platform::Jd]));
        assert_eq!(patched(r#"{"platforms":[]}"#).platforms, []);
        assert_eq!(patched(r#"{"platforms":["pdd","taobao","pdd"]}"#).platforms, [Platform::Taobao, Platform::Pdd]);
        assert!(serde_json::from_str::<DocumentPatch>(r#"{"name":" "}"#).unwrap().over(old()).is_err());
        assert!(serde_json::from_str::<DocumentPatch>(r#"{"skuu":"x"}"#).is_err());
    }
}
