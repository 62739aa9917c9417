//! `POST /v1/ops/buyers/export`, `…/erase`: owners, with their password. A buyer's right to a copy, and to be
//! forgotten.
//!
//! The receipt of an erasure names nobody: it holds a hash of what was asked for, so that whoever has the request can
//! show that it was done.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::ids::ConversationId;
use crate::events::Event;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::password::hash_token;
use crate::http::records::OrderView;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::buyers::{self, Erased, Subject};
use crate::storage::{orders, products, tasks};

/// Orders and products of one buyer; nobody has more by far.
const ALL: u32 = 100_000;

/// One of the two.
#[derive(Deserialize, JsonSchema)]
pub struct BuyerBody {
    /// The shop's id of a buyer whom it named.
    #[serde(default)]
    buyer_id: Option<String>,
    /// The conversation of an anonymous one.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

#[derive(Serialize, JsonSchema)]
pub struct ExportAnswer {
    exported_at_ms: i64,
    /// Every conversation with its messages, questions and drafts; texts of the assistant are marked.
    conversations: Vec<Value>,
    /// Every order that is theirs.
    orders: Vec<OrderView>,
    /// The numbers of the products that they looked at.
    viewed: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Receipt {
    /// SHA-256 of the id that was asked for.
    subject_hash: String,
    erased_at_ms: i64,
    deleted: Erased,
    /// Whether the database's log was emptied, too; if not, that happens by itself.
    is_log_settled: bool,
}

impl BuyerBody {
    fn subject(self) -> ApiResult<(Subject, String)> {
        match (self.buyer_id.filter(|id| !id.trim().is_empty()), self.conversation_id) {
            (Some(buyer), None) => Ok((Subject::Buyer(buyer.trim().to_owned()), hash_token(buyer.trim()))),
            (None, Some(conversation)) => {
                Ok((Subject::Conversation(conversation), hash_token(&conversation.to_string())))
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(ApiError::field("buyer_id", "either this or `conversation_id` says who is meant"))
            }
        }
    }
}

pub async fn export(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<BuyerBody>,
) -> ApiResult<Json<ExportAnswer>> {
    let (subject, subject_hash) = body.subject()?;
    let conversations = buyers::export(&state.db, member.shop(), &subject).await?;
    let (own, views) = match &subject {
        Subject::Buyer(buyer) => (
            orders::of_buyer(&state.db, member.shop(), buyer, ALL).await?,
            products::views(&state.db, member.shop(), buyer, ALL).await?,
        ),
        Subject::Conversation(_) => (vec![], vec![]),
    };
    if conversations.is_empty() && own.is_empty() && views.is_empty() {
        return Err(Code::NotFound.into());
    }
    let mut tx = state.db.begin().await?;
    let detail = json!({ "n_conversations": conversations.len() });
    note(&mut tx, &member, "buyer_exported", (&subject_hash, detail)).await?;
    tx.commit().await?;
    Ok(Json(ExportAnswer {
        exported_at_ms: state.now_ms(),
        conversations,
        orders: own.into_iter().map(OrderView::from).collect(),
        viewed: views.into_iter().map(|view| view.sku).collect(),
    }))
}

pub async fn erase(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<BuyerBody>,
) -> ApiResult<Json<Receipt>> {
    let (subject, subject_hash) = body.subject()?;
    let conversations = buyers::conversations_of(&state.db, member.shop(), &subject).await?;
    let is_named = match &subject {
        Subject::Buyer(buyer) => products::first_seen_ms(&state.db, member.shop(), buyer).await?.is_some(),
        Subject::Conversation(_) => false,
    };
    if conversations.is_empty() && !is_named {
        return Err(Code::NotFound.into());
    }
    let mut tx = state.db.begin().await?;
    let mut deleted = buyers::erase(&mut tx, member.shop(), &conversations).await?;
    if let Subject::Buyer(buyer) = &subject {
        // Before the orders are nobody's: they are found by whose order they are for.
        deleted.n_tasks += tasks::forget_buyer(&mut tx, member.shop(), buyer).await?;
        deleted.n_orders_cut_loose = orders::forget_buyer(&mut tx, member.shop(), buyer).await?;
        products::forget_buyer(&mut tx, member.shop(), buyer).await?;
    }
    note(&mut tx, &member, "buyer_erased", (&subject_hash, json!({ "deleted": deleted }))).await?;
    tx.commit().await?;
    let is_log_settled = buyers::settle_log(&state.db).await?;
    for conversation in conversations {
        state.bus.publish(member.shop(), Event::ConversationChanged { conversation });
    }
    Ok(Json(Receipt { subject_hash, erased_at_ms: state.now_ms(), deleted, is_log_settled }))
}
