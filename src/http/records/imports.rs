//! `/v1/records/imports`: sheets of records. A job reads them; what was refused is listed row by row.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::ids::ImportId;
use crate::domain::job::JobKind;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Form, Json};
use crate::http::guard::Member;
use crate::http::knowledge::upload::{next_field, receive, text};
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::imports::{self, Import, ImportKind, ImportState, NewImport};
use crate::storage::jobs::{self, Lane};

/// Sheets that are listed.
const MAX_LISTED: u32 = 50;

/// The form, for the description: the parts are read one by one.
#[derive(Serialize, JsonSchema)]
pub struct ImportForm {
    /// CSV (UTF-8, GBK) or XLSX.
    #[schemars(extend("type" = "string", "contentMediaType" = "application/octet-stream"))]
    file: String,
    kind: ImportKind,
}

/// A sheet that was uploaded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImportView {
    id: ImportId,
    kind: ImportKind,
    file_name: String,
    state: ImportState,
    /// Why none of it could be read: a stable code.
    error: Option<String>,
    n_rows: u32,
    n_taken: u32,
    n_refused: usize,
    by: String,
    created_at_ms: i64,
    finished_at_ms: Option<i64>,
}

fn view(import: Import, names: &Names) -> ImportView {
    ImportView {
        id: import.id,
        kind: import.kind,
        file_name: import.file_name,
        state: import.state,
        error: import.error,
        n_rows: import.n_rows,
        n_taken: import.n_taken,
        n_refused: import.refused.len(),
        by: names.of_account(import.account),
        created_at_ms: import.created_at_ms,
        finished_at_ms: import.finished_at_ms,
    }
}

#[derive(Serialize, JsonSchema)]
pub struct ImportsAnswer {
    imports: Vec<ImportView>,
}

pub async fn upload_sheet(
    State(state): State<AppState>,
    member: Member,
    Form(mut form): Form,
) -> ApiResult<(StatusCode, Json<ImportView>)> {
    let (mut file, mut kind) = (None, ImportKind::Orders);
    while let Some(mut field) = next_field(&mut form).await? {
        match field.name().unwrap_or_default() {
            "file" if file.is_none() => file = Some(receive(&state, &mut field).await?),
            "kind" => {
                kind = match text(field).await?.trim() {
                    "orders" => ImportKind::Orders,
                    "products" => ImportKind::Products,
                    _ => return Err(ApiError::field("kind", "`orders` or `products`")),
                }
            }
            other => return Err(ApiError::field(other, "not a field of this form, or there twice")),
        }
    }
    let received = file.ok_or(Code::FileMissing)?;
    let stored = received.file?;
    let shop = member.shop();
    let mut tx = state.db.begin().await?;
    let new = NewImport { account: member.id(), kind, file_name: &received.name, sha256: &stored.sha256 };
    let import = imports::create(&mut tx, shop, &new).await?;
    let now_ms = tx.now_ms();
    jobs::enqueue(&mut tx, shop, JobKind::ImportRecords { import }, Lane::Bulk, now_ms).await?;
    let detail = json!({ "kind": kind, "file_name": received.name });
    note(&mut tx, &member, "records_imported", (&import.to_string(), detail)).await?;
    tx.commit().await?;
    (state.wake_workers)();
    let names = Names::of(&state.db, shop).await?;
    let import = imports::get(&state.db, shop, import).await?.ok_or(Code::NotFound)?;
    Ok((StatusCode::ACCEPTED, Json(view(import, &names))))
}

pub async fn list_imports(State(state): State<AppState>, member: Member) -> ApiResult<Json<ImportsAnswer>> {
    let names = Names::of(&state.db, member.shop()).await?;
    let found = imports::list(&state.db, member.shop(), MAX_LISTED).await?;
    Ok(Json(ImportsAnswer { imports: found.into_iter().map(|import| view(import, &names)).collect() }))
}
