//! `POST /v1/knowledge/test`: staff, owners; `GET /v1/knowledge/test/{turn_id}`: every person of the shop.
//!
//! A question that takes the whole way of a buyer's question, in a conversation that nobody hears.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::TurnId;
use crate::domain::record::RecordedHit;
use crate::domain::text::Lang;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::password::{hash_token, new_token};
use crate::http::state::AppState;
use crate::http::views::{TurnView, read_record, view_turns};
use crate::storage::conversations::{self, ConversationKind, NewConversation};
use crate::storage::turns::{self, NewQuestion};

/// As much as is taken of a buyer's message.
const MAX_CHARS: usize = 2_000;

#[derive(Deserialize, JsonSchema)]
pub struct TestBody {
    question: String,
}

#[derive(Serialize, JsonSchema)]
pub struct TestAsked {
    turn_id: TurnId,
}

#[derive(Serialize, JsonSchema)]
pub struct TestAnswer {
    turn: TurnView,
    /// What was found, best first; empty while the question is being worked on.
    hits: Vec<RecordedHit>,
    /// What would become of it: `auto_send`, `review`, `escalate`; null while it is being worked on.
    would: Option<String>,
}

pub async fn ask_test_question(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<TestBody>,
) -> ApiResult<(StatusCode, Json<TestAsked>)> {
    let text = body.question.trim();
    if text.is_empty() {
        return Err(Code::MessageEmpty.into());
    }
    if text.chars().count() > MAX_CHARS {
        return Err(ApiError::field("question", format!("longer than {MAX_CHARS} characters")));
    }
    // Nobody ever holds the token that this is the hash of.
    let buyer_hash = hash_token(&new_token());
    let lang = Lang::of(text);
    let new = NewConversation { widget: None, kind: ConversationKind::Test, buyer_hash: &buyer_hash, lang, sku: None };
    let mut tx = state.db.begin().await?;
    let conversation = conversations::create(&mut tx, member.shop(), &new).await?;
    let question = NewQuestion { text, client_key: None, lang };
    let asked = turns::ask(&mut tx, member.shop(), conversation.id, &question).await?.ok_or(Code::NotFound)?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok((StatusCode::ACCEPTED, Json(TestAsked { turn_id: asked.turn })))
}

pub async fn show_test(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<TurnId>,
) -> ApiResult<Json<TestAnswer>> {
    let shop = member.shop();
    let turn = turns::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let conversation = conversations::get(&state.db, shop, turn.conversation).await?.ok_or(Code::NotFound)?;
    // Staff may see what they asked, not what buyers did.
    if conversation.kind != ConversationKind::Test {
        return Err(Code::NotFound.into());
    }
    let hits = read_record(&turn).map(|record| record.hits).unwrap_or_default();
    let would = turn.decision.as_ref().map(|decision| decision.code().to_owned());
    let turn = view_turns(&state.db, shop, vec![turn]).await?.into_iter().next().ok_or(Code::NotFound)?;
    Ok(Json(TestAnswer { turn, hits, would }))
}
