//! Sending a reply: of several agents who try at once, exactly one does, and the verdict is written with it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::domain::conversation::{Author, Citation};
use crate::domain::decision::Decision;
use crate::domain::ids::{CommitmentId, ConversationId};
use crate::domain::outcome::{Difference, EditKind, LabelSource, Outcome};
use crate::domain::turn::Verdict;
use crate::events::{CommitmentNews, Event};
use crate::http::console::conflict::{already_resolved, taken_by};
use crate::http::error::{ApiResult, Code};
use crate::http::guard::Member;
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::http::views::{MessageView, Told};
use crate::learn::commitments::{self, RestsOn};
use crate::learn::difference;
use crate::learn::edit::{ChangedClaim, Proposal, propose};
use crate::storage::assignments::{self, Claim, Words};
use crate::storage::feedback::{self, NewFeedback};
use crate::storage::labels::{self, NewLabel};
use crate::storage::looks::{self, NewLook};
use crate::storage::messages::Message;
use crate::storage::turns::{self, NewReply, Turn};
use crate::storage::{Tx, epochs};

#[derive(Serialize, JsonSchema)]
pub struct ReplyAnswer {
    message: MessageView,
    /// What it says about the draft; left out where the agent wrote in own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<LabelView>,
}

/// A label, and what was proposed.
#[derive(Serialize, JsonSchema)]
pub struct LabelView {
    outcome: Outcome,
    /// Of an edit: what it seems to be.
    proposed: Option<EditKind>,
    /// Of an edit: what it changed.
    difference: Option<Difference>,
    /// Of an edit: the claims that differ.
    because: Vec<ChangedClaim>,
}

/// What an agent's reply says about the draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The label.
    pub outcome: Outcome,
    /// Of an edit: what the server makes of it.
    pub proposal: Option<Proposal>,
    /// Of an edit: what it changed.
    pub difference: Option<Difference>,
}

impl Judgement {
    /// The draft went out as it was.
    pub fn accepted() -> Self {
        Self { outcome: Outcome::Accept, proposal: None, difference: None }
    }

    /// The draft was changed; the agent's word counts, without one the server's.
    pub fn edited((draft, text): (&str, &str), said: Option<EditKind>) -> Self {
        let proposal = propose(draft, text);
        let difference = Some(difference::class((draft, text), said));
        Self { outcome: said.unwrap_or(proposal.kind).into(), proposal: Some(proposal), difference }
    }

    fn verdict(&self) -> Verdict {
        if self.outcome == Outcome::Accept { Verdict::Accepted } else { Verdict::Edited }
    }
}

/// Share of the accepted drafts that somebody else looks at again, blind: it measures how much accepting means.
pub const SECOND_LOOKS: f64 = 0.05;

/// What is sent.
pub struct Reply<'a> {
    /// To whom, and in which version the agent saw it.
    pub turn: &'a Turn,
    /// In so many words.
    pub text: &'a str,
    /// What it says about the draft; nothing where the agent wrote in own words.
    pub judgement: Option<Judgement>,
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
        author: if reply.judgement.is_some() { Author::Reviewed } else { Author::Agent },
        account: Some(member.id()),
        text: reply.text,
        citations: &citations,
    };
    let mut tx = state.db.begin().await?;
    hold(&mut tx, (state, member), (turn.conversation, Words::ToQuestion)).await?;
    let Some(message) = turns::reply(&mut tx, shop, &new).await? else {
        drop(tx);
        return Err(already_resolved(state, shop, turn.id).await);
    };
    if let Some(judgement) = &reply.judgement {
        judge(&mut tx, (state, member), reply, judgement).await?;
    }
    let heard = commitments::keep(&mut tx, shop, (&message, RestsOn::turn(turn))).await?;
    tx.commit().await?;
    let conversation = turn.conversation;
    tell_heard(state, member, (conversation, heard));
    state.bus.publish(shop, Event::MessageAdded { conversation, seq: message.seq });
    state.bus.publish(shop, Event::TurnChanged { conversation, turn: turn.id });
    let mut answer = answer(state, member, message).await?;
    answer.label = reply.judgement.as_ref().map(|judgement| LabelView {
        outcome: judgement.outcome,
        proposed: judgement.proposal.as_ref().map(|proposal| proposal.kind),
        difference: judgement.difference,
        because: judgement.proposal.as_ref().map(|proposal| proposal.because.clone()).unwrap_or_default(),
    });
    Ok(answer)
}

/// Holds the conversation for what `member` is about to do in it, or tells whose it is: of two agents who write at
/// once one is told so.
pub async fn hold(
    tx: &mut Tx,
    (state, member): (&AppState, &Member),
    (conversation, words): (ConversationId, Words),
) -> ApiResult<()> {
    match assignments::claim(tx, member.shop(), conversation, (member.id(), words)).await? {
        Claim::Yours => Ok(()),
        Claim::Of(owner) => Err(taken_by(state, member.shop(), owner).await),
        Claim::Missing => Err(Code::NotFound.into()),
    }
}

/// Says which commitments were heard in what was sent.
pub fn tell_heard(state: &AppState, member: &Member, (conversation, heard): (ConversationId, Vec<CommitmentId>)) {
    for commitment in heard {
        let news = CommitmentNews::Heard;
        state.bus.publish(member.shop(), Event::CommitmentChanged { commitment, conversation, news });
    }
}

/// Writes down what the agent made of the draft, in the transaction of the reply.
async fn judge(
    tx: &mut Tx,
    (state, member): (&AppState, &Member),
    reply: &Reply<'_>,
    judgement: &Judgement,
) -> ApiResult<()> {
    let (shop, turn, account) = (member.shop(), reply.turn.id, member.id());
    let verdict = judgement.verdict();
    let final_text = (verdict == Verdict::Edited).then_some(reply.text);
    feedback::insert(
        tx,
        shop,
        &NewFeedback { turn, account, verdict, reason: None, final_text, difference: judgement.difference },
    )
    .await?;
    let outcome = judgement.outcome;
    let label = NewLabel { turn, account, outcome, source: LabelSource::Review, propensity: 1.0 };
    labels::insert(tx, shop, &label).await?;
    for document in epochs::credit(tx, shop, turn).await? {
        note(tx, member, "document_verified", (&document.to_string(), json!({ "clean_reviews": true }))).await?;
    }
    if outcome == Outcome::Accept && (state.draw)() < SECOND_LOOKS {
        let look = NewLook { turn, source: LabelSource::SecondLook, propensity: SECOND_LOOKS, not_by: Some(account) };
        looks::queue(tx, shop, &look).await?;
    }
    let action = if verdict == Verdict::Edited { "draft_edited" } else { "draft_accepted" };
    note(tx, member, action, (&turn.to_string(), json!({ "outcome": outcome, "difference": judgement.difference })))
        .await?;
    Ok(())
}

/// Whether a source of the draft is one of the reply, too: what was changed may not rest on it any more.
fn still_backs(citation: &Citation, reply: &Reply<'_>) -> bool {
    match reply.judgement.as_ref().map(Judgement::verdict) {
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
    Ok(ReplyAnswer { message: Told { names: &names, widget: None }.message(message), label: None })
}
