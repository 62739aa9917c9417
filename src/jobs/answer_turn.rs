//! The job that answers: draft, decide, then send, hold, or hand to a person.
//!
//! Whatever goes wrong here ends with a person: a stage that fails, a model that is missing, a queue that is too long.

use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::{JobError, Runner};
use crate::answer::records::{self, Asked, FromRecord};
use crate::answer::{Answered, Answering, Ask, topic};
use crate::domain::conversation::{Author, Citation, Handler, Simulated};
use crate::domain::decision::{Decision, Evidence, LabelChance, Reason, decide_under, held_for_copying, label_chance};
use crate::domain::fault::Fault;
use crate::domain::ids::{ChunkId, ShopId, TaskId, TurnId};
use crate::domain::job::Lane;
use crate::domain::links;
use crate::domain::mood::{self, Mood};
use crate::domain::order_card::OrderCard;
use crate::domain::outcome::LabelSource;
use crate::domain::policy::Mode;
use crate::domain::record::{AnswerRecord, OrderLook, RecordedHit, StageTimes};
use crate::domain::score::Confidence;
use crate::domain::turn::TurnState;
use crate::events::{CommitmentNews, Event};
use crate::learn::commitments::{self, RestsOn};
use crate::learn::dial::{self, Found};
use crate::retrieve::Scope;
use crate::storage::bases::{self, NewBasis};
use crate::storage::certificates;
use crate::storage::conversations::{self, Conversation, ConversationKind};
use crate::storage::epochs::{self, Cited};
use crate::storage::jobs::{self, JobState};
use crate::storage::looks::{self, NewLook};
use crate::storage::messages::{self, Message, NewMessage};
use crate::storage::policies::{self, Hold, PolicyVersion};
use crate::storage::tasks::{self, NewTask};
use crate::storage::turns::{self, NewDecision, NewReply, Turn};
use crate::storage::{StorageError, Tx, rules, shops};

/// Earlier messages that a follow-up may point back to.
const HISTORY: u32 = 12;
/// Pieces of a draft that may wait for the bus.
const TOKEN_CHANNEL: usize = 64;
/// What the buyer's page shows in its own words when a person will answer.
const PERSON_WILL_ANSWER: &str = "person_will_answer";

/// What there is to decide on.
pub(super) struct Drafted {
    pub draft: Option<String>,
    pub citations: Vec<Citation>,
    /// What is shown beside the draft.
    pub card: Option<OrderCard>,
    pub evidence: Evidence,
    pub record: AnswerRecord,
}

/// What was decided, and under what.
struct Ruling {
    policy: PolicyVersion,
    found: Found,
    cited: Vec<Cited>,
    decision: Decision,
    chance: LabelChance,
}

impl Ruling {
    /// Whether the rules and the proof are still those it was made under. They are until the unit of work ends.
    async fn is_in_force(&self, tx: &mut Tx, shop: ShopId) -> Result<bool, StorageError> {
        // A proof that has lapsed is ended in the same unit of work.
        let hold = if self.found.lapsed.is_some() { Hold::ToChange } else { Hold::ToDecide };
        policies::hold(tx, shop, hold).await?;
        if policies::current_in(tx, shop).await?.id != self.policy.id {
            return Ok(false);
        }
        let Some(proof) = &self.found.certificate else { return Ok(true) };
        let newest = certificates::newest_in(tx, shop, &proof.scope).await?;
        Ok(newest.is_some_and(|newest| newest.id == proof.id && newest.voided == proof.voided))
    }
}

impl Runner {
    /// Answers a turn that is still asked; any other is left alone.
    pub(super) async fn answer_turn(&self, shop: ShopId, id: TurnId) -> Result<(), JobError> {
        let mut news = self.bus.subscribe();
        let Some((turn, conversation)) = self.still_asked(shop, id).await? else { return Ok(()) };
        let policy = policies::current(&self.db, shop).await?;
        self.typing(shop, &conversation, true);
        let outcome = match self.too_many_wait().await? {
            true => Err(Reason::Overloaded),
            false => tokio::select! {
                outcome = self.draft(shop, (&turn, &conversation), &policy) => outcome,
                () = self.moved_on(shop, id, &mut news) => {
                    // Nobody waits for this draft any more; dropping it frees the generator for the one that follows.
                    self.typing(shop, &conversation, false);
                    return Ok(());
                }
            },
        };
        self.typing(shop, &conversation, false);
        let answered = outcome.unwrap_or_else(nobody_answered);
        Ok(self.conclude(shop, (&turn, &conversation), answered).await?)
    }

    /// For a turn whose job was given up.
    pub(super) async fn hand_to_a_person(&self, shop: ShopId, id: TurnId) -> Result<(), JobError> {
        let Some((turn, conversation)) = self.still_asked(shop, id).await? else { return Ok(()) };
        let answered = nobody_answered(Reason::StageFailed);
        Ok(self.conclude(shop, (&turn, &conversation), answered).await?)
    }

    async fn still_asked(&self, shop: ShopId, id: TurnId) -> Result<Option<(Turn, Conversation)>, StorageError> {
        let Some(turn) = turns::get(&self.db, shop, id).await? else { return Ok(None) };
        if turn.state != TurnState::Asked {
            return Ok(None);
        }
        Ok(conversations::get(&self.db, shop, turn.conversation).await?.map(|conversation| (turn, conversation)))
    }

    /// Returns when the turn is not asked any more: a newer question took its place, or an agent has answered.
    async fn moved_on(&self, shop: ShopId, id: TurnId, news: &mut Receiver<(ShopId, Event)>) {
        loop {
            match news.recv().await {
                Ok((_, Event::TurnChanged { turn, .. })) if turn == id => {}
                Err(RecvError::Lagged(_)) => {}
                Ok(_) => continue,
                Err(RecvError::Closed) => return std::future::pending().await,
            }
            // A database that does not answer stops nothing: the decision at the end asks it again.
            if matches!(self.still_asked(shop, id).await, Ok(None)) {
                return;
            }
        }
    }

    async fn too_many_wait(&self) -> Result<bool, StorageError> {
        let counts = jobs::counts(&self.db).await?;
        let waiting = counts.iter().find(|count| count.lane == Lane::Interactive && count.state == JobState::Queued);
        Ok(waiting.is_some_and(|count| count.n_jobs as usize > self.options.max_waiting_turns))
    }

    /// The draft with its evidence, or why there is none. Its pieces go to the agents' pages as they come.
    async fn draft(
        &self,
        shop: ShopId,
        (turn, conversation): (&Turn, &Conversation),
        policy: &PolicyVersion,
    ) -> Result<Drafted, Reason> {
        let previous = self.previous(shop, turn).await.map_err(|error| failed(&error))?;
        let vouched = conversation.order_number.as_deref().map(|number| (conversation.platform, number));
        let asked = Asked {
            shop,
            conversation: conversation.id,
            message: &turn.question,
            previous: previous.as_deref(),
            vouched,
        };
        if let Some(told) = records::answer(&self.db, &asked).await.map_err(|error| failed(&error))? {
            return self.with_holds(shop, (&turn.question, conversation), told.into()).await;
        }
        let answering = self.answering_of(conversation)?;
        let scope =
            Scope { shop, buyers_only: true, sku: None, platform: conversation.answered_on(), lane: Lane::Interactive };
        let ask = Ask { scope, message: turn.question.clone(), previous };
        // What agents are not to see is not shown to them while it is written either.
        let is_shadowed = policy.policy.mode(topic::topic(&turn.question)) == Mode::Shadow;
        let (sender, mut pieces) = mpsc::channel(TOKEN_CHANNEL);
        let listen = async {
            while let Some(text) = pieces.recv().await.filter(|_| !is_shadowed) {
                self.bus.publish(shop, Event::DraftToken { turn: turn.id, text });
            }
        };
        let answer = tokio::time::timeout(self.options.answer_timeout, answering.answer(&ask, Some(sender)));
        let (answered, ()) = tokio::join!(answer, listen);
        let answered = match answered {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => {
                warn!(turn.id = %turn.id, %error, "a stage of answering failed");
                return Err(match error.fault() {
                    Fault::Overloaded => Reason::Overloaded,
                    Fault::Transient => Reason::ModelUnavailable,
                    Fault::Caller | Fault::Content | Fault::Bug => Reason::StageFailed,
                });
            }
            Err(_) => {
                warn!(turn.id = %turn.id, "answering took too long");
                return Err(Reason::StageFailed);
            }
        };
        let mut drafted = Drafted::from(answered);
        let draft = drafted.draft.as_deref().unwrap_or_default();
        drafted.evidence.holds.extend(commitments::unrecorded(draft));
        self.with_holds(shop, (&turn.question, conversation), drafted).await
    }

    /// Who answers here. A conversation that asks for a script gets one from a demo's server only; from any other it
    /// gets a person.
    fn answering_of(&self, conversation: &Conversation) -> Result<&Answering, Reason> {
        match conversation.simulated {
            Some(Simulated::Scripted) => self.answering.by_script().ok_or_else(|| {
                warn!(conversation.id = %conversation.id, "a scripted conversation, and no demo serves it");
                Reason::ModelUnavailable
            }),
            Some(Simulated::Model) | None => Ok(&self.answering),
        }
    }

    /// What holds a draft wherever it came from: a link that is not the shop's, a buyer who is angry, and an agent who has
    /// taken over.
    async fn with_holds(
        &self,
        shop: ShopId,
        (message, conversation): (&str, &Conversation),
        mut drafted: Drafted,
    ) -> Result<Drafted, Reason> {
        let draft = drafted.draft.as_deref().unwrap_or_default();
        drafted.evidence.holds.extend(self.foreign_link(shop, draft).await.map_err(|error| failed(&error))?);
        drafted.evidence.holds.extend((mood::mood(message) == Mood::Angry).then_some(Reason::Angry));
        drafted.evidence.holds.extend((conversation.handler == Handler::Agent).then_some(Reason::TakenOver));
        Ok(drafted)
    }

    /// The reason that holds a draft with a link to a site that is not the shop's.
    pub(super) async fn foreign_link(&self, shop: ShopId, draft: &str) -> Result<Option<Reason>, StorageError> {
        let own_sites = shops::link_hosts(&self.db, shop).await?;
        Ok(links::foreign(draft, &own_sites).map(|_| Reason::ForeignLink))
    }

    /// What the buyer said just before, for a follow-up that points back to it.
    pub(super) async fn previous(&self, shop: ShopId, turn: &Turn) -> Result<Option<String>, StorageError> {
        let Some(asked) = messages::get(&self.db, shop, turn.message).await? else { return Ok(None) };
        let before = messages::before(&self.db, shop, turn.conversation, asked.seq, HISTORY).await?;
        let said = before.into_iter().filter(|message| message.author == Author::Buyer);
        Ok(said.max_by_key(|message| message.seq).map(|message| message.text))
    }

    /// Decides by the rules of this moment. Drafting takes a while, in which ops may have stopped everything.
    async fn rule(
        &self,
        shop: ShopId,
        (kind, answered): (ConversationKind, &Drafted),
        draw: f64,
    ) -> Result<Ruling, StorageError> {
        let policy = policies::current(&self.db, shop).await?;
        let rules = &policy.policy;
        let found = dial::find(&self.db, shop, (rules, &answered.evidence.topic), &self.fingerprint).await?;
        let chunks: Vec<ChunkId> = answered.citations.iter().map(|citation| citation.chunk).collect();
        let cited = epochs::of_chunks(&self.db, shop, &chunks).await?;
        let decision = decide_under(&answered.evidence, rules, found.for_citing(&chunks, &cited), draw);
        let (decision, chance) = match kind {
            // Nobody has to label what is copied elsewhere.
            ConversationKind::Companion => (held_for_copying(decision), LabelChance { of_all: 0.0, own: 0.0 }),
            ConversationKind::Buyer | ConversationKind::Test | ConversationKind::Rehearsal => {
                let chance = label_chance(&answered.evidence, rules, found.standing, &decision);
                (decision, chance)
            }
        };
        Ok(Ruling { policy, found, cited, decision, chance })
    }

    /// Decides, and does what was decided, all in one transaction. A turn that has moved on meanwhile is left alone.
    async fn conclude(
        &self,
        shop: ShopId,
        (turn, conversation): (&Turn, &Conversation),
        answered: Drafted,
    ) -> Result<(), StorageError> {
        let draw = (self.draw)();
        let (ruling, mut tx) = loop {
            let ruling = self.rule(shop, (conversation.kind, &answered), draw).await?;
            let mut tx = self.db.begin().await?;
            // What was changed meanwhile is decided anew; from here on nobody changes it.
            if ruling.is_in_force(&mut tx, shop).await? {
                break (ruling, tx);
            }
        };
        let Ruling { policy, found, cited, decision, chance } = ruling;
        let record = serde_json::to_value(&answered.record).unwrap_or_else(|_| json!({}));
        let new = NewDecision {
            turn: turn.id,
            expected_version: turn.version,
            draft: answered.draft.as_deref(),
            citations: &answered.citations,
            evidence: &answered.evidence,
            decision: &decision,
            policy: policy.id,
            draw,
            record: &record,
        };
        let Some(version) = turns::record_decision(&mut tx, shop, &new).await? else { return Ok(()) };
        self.keep_basis(&mut tx, shop, turn.id, (&found, chance, &cited)).await?;
        if let Some(card) = &answered.card {
            turns::keep_card(&mut tx, shop, turn.id, card).await?;
        }
        let task = match conversation.kind {
            ConversationKind::Test | ConversationKind::Rehearsal => None,
            ConversationKind::Buyer | ConversationKind::Companion => {
                self.make_task(&mut tx, shop, turn, answered.record.order.as_ref()).await?
            }
        };
        // Fixed phrases and records have nothing in them to be judged.
        let can_be_judged = !answered.citations.is_empty() || answered.record.golden.is_some();
        if conversation.kind == ConversationKind::Buyer && can_be_judged {
            queue_audit(&mut tx, shop, turn.id, (&decision, chance)).await?;
        }
        let said = match conversation.kind {
            ConversationKind::Test | ConversationKind::Rehearsal | ConversationKind::Companion => None,
            ConversationKind::Buyer => tell_the_buyer(&mut tx, shop, (turn, version), &decision, &answered).await?,
        };
        let order = answered.record.order.as_ref().and_then(|look| look.order);
        let heard = match &said {
            Some(message) => commitments::keep(&mut tx, shop, (message, RestsOn { order, task })).await?,
            None => vec![],
        };
        tx.commit().await?;
        if let Some(message) = said {
            self.bus.publish(shop, Event::MessageAdded { conversation: turn.conversation, seq: message.seq });
        }
        for commitment in heard {
            let news = CommitmentNews::Heard;
            self.bus.publish(shop, Event::CommitmentChanged { commitment, conversation: turn.conversation, news });
        }
        self.bus.publish(shop, Event::TurnChanged { conversation: turn.conversation, turn: turn.id });
        if let Some(task) = task {
            self.bus.publish(shop, Event::TaskChanged { task, conversation: Some(turn.conversation) });
        }
        if found.lapsed.is_some() {
            self.bus.publish(shop, Event::PolicyChanged);
        }
        log(turn, &policy, &decision, &answered);
        Ok(())
    }

    /// Keeps what the turn was decided under. A proof of another machinery ends here, where it is first missed.
    async fn keep_basis(
        &self,
        tx: &mut Tx,
        shop: ShopId,
        turn: TurnId,
        (found, chance, cited): (&Found, LabelChance, &[Cited]),
    ) -> Result<(), StorageError> {
        let sources = cited.iter().map(|cited| (cited.document, cited.epoch)).collect();
        let pipeline = self.fingerprint.key();
        let certificate = found.certificate.as_ref().map(|certificate| certificate.id);
        let basis = NewBasis { certificate, pipeline: &pipeline, chance, sources: &sources };
        bases::insert(tx, shop, turn, &basis).await?;
        match found.lapsed {
            Some(lapsed) => dial::void_lapsed(tx, shop, lapsed).await,
            None => Ok(()),
        }
    }

    /// A request becomes a task, in the transaction in which the buyer is told that it was passed on.
    async fn make_task(
        &self,
        tx: &mut Tx,
        shop: ShopId,
        turn: &Turn,
        look: Option<&OrderLook>,
    ) -> Result<Option<TaskId>, StorageError> {
        let Some((look, kind)) = look.and_then(|look| Some((look, look.request?))) else { return Ok(None) };
        let rules = rules::of(tx, shop).await?;
        let new = NewTask {
            kind,
            department: rules.task(kind).department,
            due_at_ms: rules.due_ms(kind, tx.now_ms()),
            conversation: Some(turn.conversation),
            turn: Some(turn.id),
            order: look.order,
            asked: &turn.question,
            ruling: None,
            author: None,
        };
        tasks::create(tx, shop, &new).await
    }

    fn typing(&self, shop: ShopId, conversation: &Conversation, is_typing: bool) {
        if conversation.kind == ConversationKind::Buyer {
            self.bus.publish(shop, Event::Typing { conversation: conversation.id, is_typing });
        }
    }
}

/// Queues the blind look at an answer that was drawn for it.
async fn queue_audit(
    tx: &mut Tx,
    shop: ShopId,
    turn: TurnId,
    (decision, chance): (&Decision, LabelChance),
) -> Result<(), StorageError> {
    if matches!(decision, Decision::AutoSend { audit: true }) {
        let look = NewLook { turn, source: LabelSource::Audit, propensity: chance.own, not_by: None };
        looks::queue(tx, shop, &look).await?;
    }
    Ok(())
}

/// Sends the draft, or says that a person will answer; the message that was added.
async fn tell_the_buyer(
    tx: &mut Tx,
    shop: ShopId,
    (turn, version): (&Turn, i64),
    decision: &Decision,
    answered: &Drafted,
) -> Result<Option<Message>, StorageError> {
    match (decision, &answered.draft) {
        (Decision::AutoSend { .. }, Some(text)) => {
            let reply = NewReply {
                turn: turn.id,
                expected_version: version,
                author: Author::Assistant,
                account: None,
                text,
                citations: &answered.citations,
            };
            turns::reply(tx, shop, &reply).await
        }
        (Decision::AutoSend { .. } | Decision::Review { .. } | Decision::Escalate { .. }, _) => {
            let notice = NewMessage {
                author: Author::Notice,
                account: None,
                text: PERSON_WILL_ANSWER,
                citations: &[],
                turn: Some(turn.id),
                client_key: None,
            };
            Ok(messages::add(tx, shop, turn.conversation, &notice).await?.map(|added| added.message))
        }
    }
}

/// Evidence that leads to a person, whatever the policy.
fn nobody_answered(reason: Reason) -> Drafted {
    let evidence = Evidence {
        escalations: vec![reason],
        holds: vec![],
        grounded_share: 0.0,
        confidence: Confidence::NONE,
        topic: "other".to_owned(),
        about: None,
    };
    Drafted { draft: None, citations: vec![], card: None, evidence, record: AnswerRecord::default() }
}

impl From<Answered> for Drafted {
    /// An assistant without an answer leaves the page to the agent.
    fn from(answered: Answered) -> Self {
        let ms = answered.timings;
        let hits = answered.hits.into_iter().zip(1..).map(|(hit, rank)| RecordedHit {
            chunk: hit.chunk,
            document: hit.document,
            heading_path: hit.heading_path,
            page: hit.page,
            text: hit.text,
            similarity: hit.similarity,
            lexical: hit.lexical,
            rank,
        });
        let record = AnswerRecord {
            hits: hits.collect(),
            ms: StageTimes {
                retrieve: Some(ms.retrieve_ms),
                generate: Some(ms.draft_ms),
                score: Some(ms.total_ms - ms.retrieve_ms - ms.draft_ms),
                total: Some(ms.total_ms),
            },
            unsupported: answered.unsupported,
            model_id: answered.generator.unwrap_or_default(),
            prompt_hash: answered.prompt_hash.unwrap_or_default(),
            rewritten: Some(answered.question),
            golden: answered.golden,
            order: None,
        };
        let draft = Some(answered.draft).filter(|_| !answered.abstained);
        Self { draft, citations: answered.citations, card: None, evidence: answered.evidence, record }
    }
}

impl From<FromRecord> for Drafted {
    fn from(told: FromRecord) -> Self {
        let FromRecord { draft, card, evidence, look } = told;
        Self {
            draft,
            citations: vec![],
            card,
            evidence,
            record: AnswerRecord { order: Some(look), ..Default::default() },
        }
    }
}

fn failed(error: &dyn std::error::Error) -> Reason {
    warn!(%error, "a stage of answering failed");
    Reason::StageFailed
}

/// One line that tells the whole turn, without its words.
fn log(turn: &Turn, policy: &PolicyVersion, decision: &Decision, answered: &Drafted) {
    let ms = answered.record.ms;
    info!(
        turn.id = %turn.id,
        decision = decision.code(),
        reasons = ?decision.reasons(),
        confidence = answered.evidence.confidence.value(),
        bar = policy.policy.bar(&answered.evidence.topic),
        topic = answered.evidence.topic,
        grounded_share = answered.evidence.grounded_share,
        n_hits = answered.record.hits.len(),
        retrieve_ms = ms.retrieve,
        generate_ms = ms.generate,
        total_ms = ms.total,
        policy.number = policy.number,
        model = answered.record.model_id,
        "answer.turn.decided"
    );
}
