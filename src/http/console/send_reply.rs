//! Sending a reply: of several agents who try at once, exactly one does, and the verdict is written with it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::conversation::{Author, Citation};
use crate::domain::decision::Decision;
use crate::domain::turn::Verdict;
use crate::events::Event;
use crate::http::console::conflict::already_resolved;
use crate::http::error::{ApiResult, Code};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::http::views::{MessageView, Told};
use crate::storage::feedback::{self, NewFeedback};
use crate::storage::messages::Message;
use crate::storage::turns::{self, NewReply, Turn};

#[derive(Serialize, JsonSchema)]
pub struct ReplyAnswer {
    message: MessageView,
}

/// What is sent.
pub struct Reply<'a> {
    /// To whom, and in which version the agent saw it.
    pub turn: &'a Turn,
    /// In so many words.
    pub text: &'a str,
    /// What it says about the draft; nothing where the agent wrote in own words.
    pub verdict: Option<Verdict>,
}

/// The draft that agents see; in shadow mode they see none.
pub fn seen_draft(turn: &Turn) -> ApiResult<&str> {
    let is_shadowed = turn.decision.as_ref().is_some_and(Decision::is_shadowed);
    Ok(turn.draft.as_deref().filter(|_| !is_shadowed).ok_or(Code::NoDraft)?)
}

/// Sends it, or tells who was first.
pub async fn send(state: &AppState, member: &Member, reply: &Reply<'_>) -> ApiResult<ReplyAnswer> {
    let (shop, turn) = (member.shop(), reply.turn);
    let citations: Vec<_> = turn.citations.iter().filter(|citation| still_backs(citation, reply)).cloned().collect();
    let new = NewReply {
        turn: turn.id,
        expected_version: turn.version,
        author: if reply.verdict.is_some() { Author::Reviewed } else { Author::Agent },
        account: Some(member.id()),
        text: reply.text,
        citations: &citations,
    };
    let mut tx = state.db.begin().await?;
    let Some(message) = turns::reply(&mut tx, shop, &new).await? else {
        drop(tx);
        return Err(already_resolved(state, shop, turn.id).await);
    };
    if let Some(verdict) = reply.verdict {
        let final_text = (verdict == Verdict::Edited).then_some(reply.text);
        let judgement = NewFeedback { turn: turn.id, account: member.id(), verdict, reason: None, final_text };
        feedback::insert(&mut tx, shop, &judgement).await?;
        let action = if verdict == Verdict::Edited { "draft_edited" } else { "draft_accepted" };
        note(&mut tx, member, action, (&turn.id.to_string(), json!({}))).await?;
    }
    tx.commit().await?;
    let conversation = turn.conversation;
    state.bus.publish(shop, Event::MessageAdded { conversation, seq: message.seq });
    state.bus.publish(shop, Event::TurnChanged { conversation, turn: turn.id });
    answer(state, member, message).await
}

/// Whether a source of the draft is one of the reply, too: what was changed may not rest on it any more.
fn still_backs(citation: &Citation, reply: &Reply<'_>) -> bool {
    match reply.verdict {
        Some(Verdict::Accepted) => true,
        Some(Verdict::Edited) => {
            let is_marked = reply.text.contains(&format!("[{}]", citation.number));
            let mut lines = citation.quote.lines().map(str::trim).filter(|line| !line.is_empty());
            is_marked || lines.any(|line| reply.text.contains(line))
        }
        Some(Verdict::Rejected) | None => false,
    }
}

/// What the sender gets back.
pub async fn answer(state: &AppState, member: &Member, message: Message) -> ApiResult<ReplyAnswer> {
    let names = Names::of(&state.db, member.shop()).await?;
    Ok(ReplyAnswer { message: Told { names: &names, widget: None }.message(message) })
}
