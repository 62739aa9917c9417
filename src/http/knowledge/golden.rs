//! Golden answers as staff see and change them: `/v1/knowledge/golden…`.

mod change;
mod list;
mod sheets;
mod write;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

pub use write::{Proposal, check_answer, check_phrasings};

use crate::domain::document::Audience;
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::domain::ids::{DocumentId, GoldenId, ShopId, TurnId};
use crate::domain::job::JobKind;
use crate::domain::order::Platform;
use crate::domain::text::Lang;
use crate::http::error::{ApiResult, Code};
use crate::http::permission::Permission::{Knowledge, ReadKnowledge};
use crate::http::routes::{Route, Routes};
use crate::http::state::AppState;
use crate::storage::golden::{self, Golden};
use crate::storage::jobs::{self, Lane};
use crate::storage::{StorageError, Tx};

/// Adds the routes.
pub fn routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/knowledge/golden", ReadKnowledge, "All golden answers, last changed first")
        .returns::<list::GoldenAnswers>(200);
    let add = Route::post(
        "/v1/knowledge/golden",
        Knowledge,
        "Write a golden answer; it answers as soon as it is embedded",
    )
    .takes::<write::GoldenBody>()
    .returns::<GoldenView>(201)
    .example(
        json!({ "question": "多久能退货？", "answer": "签收后七天内可以退货。", "phrasings": ["退货期限是几天？"] }),
        Value::Null,
    );
    let change = Route::patch("/v1/knowledge/golden/{id}", Knowledge, "Change a golden answer; null takes away")
        .takes::<change::GoldenPatch>()
        .returns::<GoldenView>(200);
    let remove = Route::delete("/v1/knowledge/golden/{id}", Knowledge, "Delete a golden answer");
    let states =
        Route::post("/v1/knowledge/golden/states", Knowledge, "Approve many golden answers, or switch them off")
            .takes::<change::StatesBody>()
            .returns::<change::StatesAnswer>(200);
    let sheets = Route::get("/v1/knowledge/golden-sheets", ReadKnowledge, "Sheets of questions and answers")
        .returns::<sheets::SheetsAnswer>(200);
    let take = Route::post(
        "/v1/knowledge/documents/{id}/golden",
        Knowledge,
        "Propose the questions and answers of a sheet as golden answers",
    )
    .returns::<sheets::TakenView>(200);
    routes
        .add(list, list::list_golden)
        .add(add, write::add_golden)
        .add(change, change::change_golden)
        .add(remove, change::remove_golden)
        .add(states, change::set_states)
        .add(sheets, sheets::list_sheets)
        .add(take, sheets::take_sheet)
}

/// A golden answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GoldenView {
    id: GoldenId,
    question: String,
    /// Other ways to ask it.
    phrasings: Vec<String>,
    answer: String,
    lang: Lang,
    state: GoldenState,
    origin: GoldenOrigin,
    sku: Option<String>,
    audience: Audience,
    /// The platforms that it holds on; empty for all.
    platforms: Vec<Platform>,
    effective_from_ms: Option<i64>,
    effective_until_ms: Option<i64>,
    /// The sheet it comes from.
    document_id: Option<DocumentId>,
    /// The turn whose reply it was.
    turn_id: Option<TurnId>,
    updated_at_ms: i64,
}

impl From<Golden> for GoldenView {
    fn from(golden: Golden) -> Self {
        let mut phrasings = golden.form.phrasings.into_iter();
        Self {
            id: golden.id,
            question: phrasings.next().unwrap_or_default(),
            phrasings: phrasings.collect(),
            answer: golden.form.answer,
            lang: golden.lang,
            state: golden.form.state,
            origin: golden.source.origin,
            sku: golden.form.sku,
            audience: golden.form.audience,
            platforms: golden.form.platforms,
            effective_from_ms: golden.form.effective_from_ms,
            effective_until_ms: golden.form.effective_until_ms,
            document_id: golden.source.sheet.map(|(document, _)| document),
            turn_id: golden.source.turn,
            updated_at_ms: golden.updated_at_ms,
        }
    }
}

/// One golden answer, or 404.
pub async fn read_golden(state: &AppState, shop: ShopId, id: GoldenId) -> ApiResult<GoldenView> {
    Ok(golden::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?.into())
}

/// Has new phrasings embedded.
pub async fn queue_embedding(tx: &mut Tx, shop: ShopId, golden: GoldenId) -> Result<(), StorageError> {
    let now_ms = tx.now_ms();
    jobs::enqueue(tx, shop, JobKind::EmbedGolden { golden }, Lane::Bulk, now_ms).await?;
    Ok(())
}
