//! Commitments to buyers (承诺, 日清): `/v1/commitments`. See [`crate::domain::commitment`] for the word.

mod change_commitment;
mod list_commitments;
mod list_days;
mod rules;
mod write_commitment;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::commitment::{About, CommitmentEvidence, CommitmentKind, CommitmentRules, CommitmentState};
use crate::domain::ids::{CommitmentId, ConversationId, MessageId, OrderId, ShopId};
use crate::domain::task::Department;
use crate::domain::text::Lang;
use crate::http::error::{ApiResult, Code};
use crate::http::people::Names;
use crate::http::permission::Permission::{Bars, Tasks};
use crate::http::routes::{Route, Routes};
use crate::http::state::AppState;
use crate::http::tasks::PersonView;
use crate::storage::commitments::{self, Commitment, OpenCounts};
use crate::storage::{StorageError, conversations, orders, rules as record_rules};

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/commitments", Tasks, "What buyers were told; what is open by due time")
        .query::<list_commitments::CommitmentsQuery>()
        .returns::<list_commitments::CommitmentsAnswer>(200);
    let counts = Route::get("/v1/commitments/counts", Tasks, "How much is due today, overdue, and the reader's own")
        .returns::<OpenCounts>(200);
    let write = Route::post("/v1/commitments", Tasks, "Write down what a message told the buyer")
        .takes::<write_commitment::CommitmentBody>()
        .returns::<CommitmentView>(201)
        .example(
            json!({ "conversation_id": "01890a5d-ac96-774b-bcce-b302099a8057", "kind": "ship", "what": "Ship it by Friday" }),
            Value::Null,
        );
    let change =
        Route::patch("/v1/commitments/{id}", Tasks, "Correct a commitment, close it with evidence, or dismiss it")
            .takes::<change_commitment::CommitmentPatch>()
            .returns::<CommitmentView>(200)
            .example(
                json!({ "version": 0, "state": "kept", "evidence": { "kind": "note", "text": "SF1234567890" } }),
                Value::Null,
            );
    let days = Route::get("/v1/commitments/days", Tasks, "How each day ended, counted that night; the last first")
        .returns::<list_days::DaysAnswer>(200);
    let rules = Route::get("/v1/commitments/rules", Tasks, "When commitments are due, reminded of and escalated")
        .returns::<CommitmentRules>(200);
    let set = Route::put("/v1/commitments/rules", Bars, "Settle when commitments are due, reminded of and escalated")
        .takes::<CommitmentRules>()
        .returns::<CommitmentRules>(200)
        .example(json!({ "remind_before_min": 30, "nightly_at_min": 1260 }), Value::Null);
    routes
        .add(list, list_commitments::list_commitments)
        .add(counts, list_commitments::count_commitments)
        .add(write, write_commitment::write_commitment)
        .add(change, change_commitment::change_commitment)
        .add(days, list_days::list_days)
        .add(rules, rules::show_rules)
        .add(set, rules::set_rules)
}

/// A commitment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommitmentView {
    id: CommitmentId,
    conversation_id: ConversationId,
    message_id: MessageId,
    kind: CommitmentKind,
    department: Department,
    state: CommitmentState,
    /// To be sent back by whoever changes it.
    version: i64,
    /// In the words of the reply, or of whoever corrected them.
    what: String,
    /// Who said it; null for the assistant.
    author: Option<String>,
    owner: Option<PersonView>,
    order_id: Option<OrderId>,
    order_number: Option<String>,
    due_at_ms: i64,
    /// Whether the reply named the time; else it is the usual one.
    due_was_said: bool,
    /// How it is known that it was kept.
    evidence: Option<CommitmentEvidence>,
    /// What seems to show it; a person decides.
    proposed: Option<CommitmentEvidence>,
    escalated_at_ms: Option<i64>,
    escalated_to: Option<PersonView>,
    /// What could be told to the buyer, in their language.
    message: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    closed_at_ms: Option<i64>,
}

impl CommitmentView {
    /// What was committed to.
    pub fn kind(&self) -> CommitmentKind {
        self.kind
    }

    /// In one line: kind, words, until when, whose.
    pub fn as_line(&self, kind: &str, (until, at): (&str, &dyn Fn(i64) -> String)) -> String {
        let owner = self.owner.as_ref().map(|owner| format!(", {}", owner.name())).unwrap_or_default();
        format!("{kind}: {} ({until} {}{owner})", self.what, at(self.due_at_ms))
    }
}

/// What views are made with.
pub struct Sight {
    names: Names,
    rules: CommitmentRules,
    utc_offset_min: i64,
}

impl Sight {
    /// Reads it.
    pub async fn of(state: &AppState, shop: ShopId) -> Result<Self, StorageError> {
        Ok(Self {
            names: Names::of(&state.db, shop).await?,
            rules: commitments::rules(&state.db, shop).await?,
            utc_offset_min: record_rules::current(&state.db, shop).await?.utc_offset_min,
        })
    }

    fn person(&self, id: crate::domain::ids::AccountId) -> PersonView {
        PersonView::new(id, self.names.of_account(id))
    }

    fn view(&self, one: Commitment, (order_number, lang): (Option<String>, Lang), now_ms: i64) -> CommitmentView {
        let about =
            About { kind: one.kind, what: &one.what, due_at_ms: one.due_at_ms, order: order_number.as_deref(), lang };
        let message = self.rules.message(&about, self.utc_offset_min, now_ms);
        CommitmentView {
            id: one.id,
            conversation_id: one.conversation,
            message_id: one.message,
            kind: one.kind,
            department: one.department,
            state: one.state,
            version: one.version,
            what: one.what,
            author: one.author.map(|author| self.names.of_account(author)),
            owner: one.owner.map(|owner| self.person(owner)),
            order_id: one.order,
            order_number,
            due_at_ms: one.due_at_ms,
            due_was_said: one.due_was_said,
            evidence: one.evidence,
            proposed: one.proposed,
            escalated_at_ms: one.escalated_at_ms,
            escalated_to: one.escalated_to.map(|lead| self.person(lead)),
            message,
            created_at_ms: one.created_at_ms,
            updated_at_ms: one.updated_at_ms,
            closed_at_ms: one.closed_at_ms,
        }
    }
}

/// Shows commitments.
pub async fn view_commitments(
    state: &AppState,
    shop: ShopId,
    found: Vec<Commitment>,
) -> Result<Vec<CommitmentView>, StorageError> {
    let sight = Sight::of(state, shop).await?;
    let mut langs: HashMap<ConversationId, Lang> = HashMap::new();
    let mut views = Vec::with_capacity(found.len());
    for one in found {
        let lang = match langs.get(&one.conversation) {
            Some(lang) => *lang,
            None => {
                let known = conversations::get(&state.db, shop, one.conversation).await?;
                let lang = known.map_or(Lang::of(&one.what), |known| known.lang);
                langs.insert(one.conversation, lang);
                lang
            }
        };
        // An order that only seems to be meant is named, too: whoever decides must see which one it is.
        let meant = one.order.or(match one.proposed {
            Some(CommitmentEvidence::Order { order, .. }) => Some(order),
            _ => None,
        });
        let order = match meant {
            Some(id) => orders::get(&state.db, shop, id).await?,
            None => None,
        };
        let number = order.map(|row| row.order.key.number);
        views.push(sight.view(one, (number, lang), state.now_ms()));
    }
    Ok(views)
}

/// One commitment, or 404.
pub async fn read_commitment(state: &AppState, shop: ShopId, id: CommitmentId) -> ApiResult<CommitmentView> {
    let one = commitments::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
    view_commitments(state, shop, vec![one]).await?.pop().ok_or(Code::NotFound.into())
}
