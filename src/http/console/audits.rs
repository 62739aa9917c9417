//! `GET /v1/console/audits`, `POST /v1/console/audits/{id}`: agents, owners. Blind looks.
//!
//! # Why
//! Who labels must not know whether the answer was sent by itself, or accepted by a colleague, or how sure the assistant
//! was: they would look for what they expect. So an entry is a question, an answer and its sources, and nothing else.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::{ConversationId, LookId, TurnId};
use crate::domain::outcome::{LabelSource, Outcome};
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::console::conflict::already_resolved;
use crate::http::error::{ApiResult, Code};
use crate::http::extract::{Json, Path, Query};
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::http::views::MessageCitation;
use crate::learn::dial::settle_look;
use crate::learn::watch::Alarm;
use crate::storage::certificates;
use crate::storage::looks::{self, Look};
use crate::storage::turns::{self, Turn};

/// More than anybody labels before reading again.
const MAX_LOOKS: u32 = 100;

#[derive(Deserialize, JsonSchema)]
pub struct AuditsQuery {
    /// At most so many; 20 if left out, 100 at most.
    limit: Option<u32>,
}

/// An answer to be labelled.
#[derive(Serialize, JsonSchema)]
pub struct AuditItem {
    id: LookId,
    turn_id: TurnId,
    conversation_id: ConversationId,
    question: String,
    answer: String,
    citations: Vec<MessageCitation>,
    lang: Lang,
    topic: String,
    asked_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct AuditsAnswer {
    /// How many wait for the caller.
    n_open: u32,
    /// The longest waiting first.
    audits: Vec<AuditItem>,
}

#[derive(Deserialize, JsonSchema)]
pub struct AuditBody {
    outcome: Outcome,
    /// For those who keep the knowledge; stands in the audit log.
    #[serde(default)]
    note: String,
}

#[derive(Serialize, JsonSchema)]
pub struct AuditedAnswer {
    outcome: Outcome,
    /// Whether it must not have been sent.
    is_loss: bool,
    /// Whether a buyer has it from the assistant alone: then there is something to put right.
    was_auto_sent: bool,
    conversation_id: ConversationId,
    /// How many wait for the caller now.
    n_open: u32,
    /// `calm`, `warned`, `fell_back`; null where no proof is watched.
    watch: Option<Alarm>,
}

pub async fn list_audits(
    State(state): State<AppState>,
    member: Member,
    Query(query): Query<AuditsQuery>,
) -> ApiResult<Json<AuditsAnswer>> {
    let (shop, account) = (member.shop(), member.id());
    let open = looks::open(&state.db, shop, account, query.limit.unwrap_or(20).min(MAX_LOOKS)).await?;
    let mut audits = Vec::with_capacity(open.len());
    for look in open {
        let turn = turns::get(&state.db, shop, look.turn).await?;
        audits.extend(turn.and_then(|turn| item(&look, turn)));
    }
    Ok(Json(AuditsAnswer { n_open: looks::count_open(&state.db, shop, account).await?, audits }))
}

fn item(look: &Look, turn: Turn) -> Option<AuditItem> {
    Some(AuditItem {
        id: look.id,
        turn_id: turn.id,
        conversation_id: turn.conversation,
        question: turn.question,
        answer: turn.draft?,
        citations: turn.citations.into_iter().map(MessageCitation::from).collect(),
        lang: turn.lang,
        topic: turn.evidence.map_or_else(|| "other".into(), |seen| seen.asked_about().to_owned()),
        asked_at_ms: turn.created_at_ms,
    })
}

pub async fn label_audit(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<LookId>,
    Json(body): Json<AuditBody>,
) -> ApiResult<Json<AuditedAnswer>> {
    let (shop, account) = (member.shop(), member.id());
    let look = looks::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    let turn = turns::get(&state.db, shop, look.turn).await?.ok_or(Code::NotFound)?;
    let certificate = match look.certificate {
        Some(certificate) => certificates::get(&state.db, shop, certificate).await?,
        None => None,
    };
    let mut tx = state.db.begin().await?;
    let settled = settle_look(&mut tx, shop, (&look, certificate.as_ref()), (account, body.outcome)).await?;
    let Some(settled) = settled else {
        drop(tx);
        return Err(already_resolved(&state, shop, look.turn).await);
    };
    let detail = json!({ "outcome": body.outcome, "note": body.note.trim() });
    note(&mut tx, &member, "answer_audited", (&look.turn.to_string(), detail)).await?;
    tx.commit().await?;
    if settled.is_changed {
        state.bus.publish(shop, Event::PolicyChanged);
    }
    Ok(Json(AuditedAnswer {
        outcome: body.outcome,
        is_loss: body.outcome.is_loss(),
        was_auto_sent: look.source == LabelSource::Audit,
        conversation_id: turn.conversation,
        n_open: looks::count_open(&state.db, shop, account).await?,
        watch: settled.alarm,
    }))
}
