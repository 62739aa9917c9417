//! A hand-over as it is read: the words that its ids stand for are looked up while they last.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::conversation::Author;
use crate::domain::ids::{ConversationId, DocumentId, HandoverId, ShopId, TurnId};
use crate::domain::shift::{AngryBecause, ShiftNumbers};
use crate::http::commitments::{CommitmentView, view_commitments};
use crate::http::people::Names;
use crate::http::state::AppState;
use crate::storage::handovers::{self, Handover};
use crate::storage::{StorageError, commitments, messages, policies, turns};

/// Of a message, as much as a line has room for.
const PREVIEW_CHARS: usize = 120;
/// Messages that are looked through for the buyer's last.
const LOOK_BACK: u32 = 20;

/// A conversation in which a buyer waited.
#[derive(Serialize, JsonSchema)]
pub struct WaitingView {
    pub conversation_id: ConversationId,
    pub since_ms: i64,
    /// Who had taken it over.
    pub agent: Option<String>,
    /// The beginning of the buyer's last message.
    pub said: String,
}

/// A conversation in which a buyer was angry.
#[derive(Serialize, JsonSchema)]
pub struct AngryView {
    pub conversation_id: ConversationId,
    pub because: AngryBecause,
    /// The beginning of the buyer's last message.
    pub said: String,
}

/// A question without a sure answer.
#[derive(Serialize, JsonSchema)]
pub struct NewQuestionView {
    pub turn_id: TurnId,
    pub conversation_id: ConversationId,
    pub question: String,
    pub topic: String,
    pub n_asked: u32,
}

/// A document with another version in force.
#[derive(Serialize, JsonSchema)]
pub struct DocumentLine {
    pub id: DocumentId,
    pub name: String,
}

/// A version of the rules.
#[derive(Serialize, JsonSchema)]
pub struct PolicyLine {
    pub number: u32,
    /// Why it was made.
    pub note: String,
    pub author: Option<String>,
}

/// What a shift leaves to the next.
#[derive(Serialize, JsonSchema)]
pub struct HandoverView {
    /// Null for what the shift that is on would leave.
    pub id: Option<HandoverId>,
    pub shift_name: String,
    /// Who wrote it; null where the server did, when the shift was over.
    pub author: Option<String>,
    pub began_at_ms: i64,
    pub ended_at_ms: i64,
    /// What its people said besides.
    pub note: String,
    pub numbers: ShiftNumbers,
    /// The longest waiting first.
    pub waiting: Vec<WaitingView>,
    /// By due time, as they are now.
    pub commitments: Vec<CommitmentView>,
    pub angry: Vec<AngryView>,
    pub new_questions: Vec<NewQuestionView>,
    pub documents: Vec<DocumentLine>,
    pub policies: Vec<PolicyLine>,
    /// What was left and is not there any more: a buyer was forgotten, a document removed.
    pub n_gone: usize,
}

impl HandoverView {
    /// The same, of the shift that is on: it has no id.
    pub fn of_now(self) -> Self {
        Self { id: None, ..self }
    }
}

/// The beginnings of what buyers said last.
struct Said<'a> {
    state: &'a AppState,
    shop: ShopId,
    known: HashMap<ConversationId, Option<String>>,
}

impl Said<'_> {
    async fn last(&mut self, conversation: ConversationId) -> Result<Option<String>, StorageError> {
        if let Some(said) = self.known.get(&conversation) {
            return Ok(said.clone());
        }
        let recent = messages::before(&self.state.db, self.shop, conversation, i64::MAX, LOOK_BACK).await?;
        let by_buyer = recent.into_iter().filter(|message| message.author == Author::Buyer);
        let last = by_buyer.max_by_key(|message| message.seq);
        let said = last.map(|message| message.text.chars().take(PREVIEW_CHARS).collect::<String>());
        self.known.insert(conversation, said.clone());
        Ok(said)
    }
}

/// Shows a hand-over.
pub async fn view(state: &AppState, shop: ShopId, one: Handover) -> Result<HandoverView, StorageError> {
    let names = Names::of(&state.db, shop).await?;
    let digest = one.digest;
    let n_left = digest.waiting.len()
        + digest.due.len()
        + digest.angry.len()
        + digest.new_questions.len()
        + digest.documents.len();
    let mut said = Said { state, shop, known: HashMap::new() };
    let mut waiting = Vec::new();
    for each in digest.waiting {
        let Some(text) = said.last(each.conversation).await? else { continue };
        let agent = each.agent.map(|agent| names.of_account(agent));
        waiting.push(WaitingView { conversation_id: each.conversation, since_ms: each.since_ms, agent, said: text });
    }
    let mut angry = Vec::new();
    for each in digest.angry {
        let Some(text) = said.last(each.conversation).await? else { continue };
        angry.push(AngryView { conversation_id: each.conversation, because: each.because, said: text });
    }
    let mut new_questions = Vec::new();
    for each in digest.new_questions {
        let Some(turn) = turns::get(&state.db, shop, each.turn).await? else { continue };
        new_questions.push(NewQuestionView {
            turn_id: each.turn,
            conversation_id: turn.conversation,
            question: turn.question.chars().take(PREVIEW_CHARS).collect(),
            topic: each.topic,
            n_asked: each.n_asked,
        });
    }
    let mut due = Vec::new();
    for id in digest.due {
        due.extend(commitments::get(&state.db, shop, id).await?);
    }
    let mut known = handovers::documents_by_id(&state.db, shop, &digest.documents).await?;
    let documents: Vec<DocumentLine> =
        digest.documents.into_iter().filter_map(|id| Some(DocumentLine { id, name: known.remove(&id)? })).collect();
    let history = policies::history(&state.db, shop).await?.into_iter();
    let changed = history.filter(|version| digest.policies.contains(&version.number));
    let policies = changed.map(|version| PolicyLine {
        number: version.number,
        note: version.note,
        author: version.author.map(|author| names.of_account(author)),
    });
    let commitments = view_commitments(state, shop, due).await?;
    let n_shown = waiting.len() + commitments.len() + angry.len() + new_questions.len() + documents.len();
    Ok(HandoverView {
        id: Some(one.id),
        shift_name: one.shift_name,
        author: one.author.map(|author| names.of_account(author)),
        began_at_ms: one.began_at_ms,
        ended_at_ms: one.ended_at_ms,
        note: one.note,
        numbers: digest.numbers,
        waiting,
        commitments,
        angry,
        new_questions,
        documents,
        policies: policies.collect(),
        n_gone: n_left.saturating_sub(n_shown),
    })
}
