//! `POST /v1/chat/{conversation_id}/person`: the buyer of the conversation.
//!
//! The wish is said in the conversation and decided on the spot: a way to a person must not wait for a model.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use crate::domain::decision::{Decision, Evidence, Reason};
use crate::domain::score::Confidence;
use crate::domain::text::Lang;
use crate::domain::turn::TurnState;
use crate::events::Event;
use crate::http::chat::add_notice;
use crate::http::error::{ApiResult, Code};
use crate::http::guard::Buyer;
use crate::http::state::AppState;
use crate::storage::conversations::Conversation;
use crate::storage::policies;
use crate::storage::turns::{self, NewDecision, NewQuestion};

pub async fn ask_for_person(State(state): State<AppState>, buyer: Buyer) -> ApiResult<StatusCode> {
    let conversation = buyer.conversation;
    let turns = turns::of_conversation(&state.db, conversation.shop, conversation.id).await?;
    // One who asks twice is waiting already.
    if turns.last().is_none_or(|newest| newest.state != TurnState::Escalated) {
        escalate(&state, &conversation).await?;
    }
    Ok(StatusCode::ACCEPTED)
}

async fn escalate(state: &AppState, conversation: &Conversation) -> ApiResult<()> {
    let (shop, id) = (conversation.shop, conversation.id);
    let policy = policies::current(&state.db, shop).await?.id;
    let text = match conversation.lang {
        Lang::Zh => "我想转人工客服。",
        Lang::En => "I would like to talk to a person.",
    };
    let reasons = vec![Reason::AsksForPerson];
    let evidence = Evidence {
        escalations: reasons.clone(),
        holds: vec![],
        grounded_share: 0.0,
        confidence: Confidence::NONE,
        topic: "other".into(),
        about: None,
    };
    let mut tx = state.db.begin().await?;
    let question = NewQuestion { text, client_key: None, lang: conversation.lang };
    let asked = turns::ask(&mut tx, shop, id, &question).await?.ok_or(Code::NotFound)?;
    let decision = NewDecision {
        turn: asked.turn,
        expected_version: 0,
        draft: None,
        citations: &[],
        evidence: &evidence,
        decision: &Decision::Escalate { reasons },
        policy,
        // No outcome hangs on it: an escalation draws nothing.
        draw: 1.0,
        record: &json!({}),
    };
    turns::record_decision(&mut tx, shop, &decision).await?.ok_or(Code::TryAgain)?;
    let notice = add_notice(&mut tx, shop, id, "person_will_answer").await?;
    tx.commit().await?;
    let last_seq = notice.map_or(asked.message.seq, |notice| notice.seq);
    for seq in asked.message.seq..=last_seq {
        state.bus.publish(shop, Event::MessageAdded { conversation: id, seq });
    }
    for turn in asked.superseded.into_iter().chain([asked.turn]) {
        state.bus.publish(shop, Event::TurnChanged { conversation: id, turn });
    }
    state.bus.publish(shop, Event::Typing { conversation: id, is_typing: false });
    Ok(())
}
