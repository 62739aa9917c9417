//! The wall between shops, in one place: a shop with one of everything, and another that asks for all of it.

mod told;

use told::{called, commit};

use super::conversations::ConversationKind;
use super::messages::NewMessage;
use super::testing::{self, Scratch, new_revision, scratches, shop};
use super::turns::tests::{ask_one, decide, review};
use super::*;
use crate::domain::certificate::VoidReason;
use crate::domain::conversation::Author;
use crate::domain::dial::Scope;
use crate::domain::document::RevisionState;
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::domain::ids::{
    AccountId, CertificateId, ChunkId, CommitmentId, ConversationId, DocumentId, GoldenId, HandoverId, ImportId,
    MessageId, OrderId, RevisionId, ShopId, TaskId, TurnId, ViewId,
};
use crate::domain::order::{Dated, Order, OrderKey, Platform};
use crate::domain::outcome::{LabelSource, Outcome};
use crate::domain::task::{Department, TaskKind};
use crate::domain::turn::Verdict;

/// One of everything.
struct Furniture {
    account: AccountId,
    widget: crate::domain::ids::WidgetId,
    document: DocumentId,
    revision: RevisionId,
    chunk: ChunkId,
    conversation: ConversationId,
    message: MessageId,
    turn: TurnId,
    version: i64,
    certificate: CertificateId,
    golden: GoldenId,
    order: OrderId,
    import: ImportId,
    task: TaskId,
    view: ViewId,
    commitment: CommitmentId,
    handover: HandoverId,
}

async fn furnish(db: &Db, shop: ShopId) -> Furniture {
    let (document, revision) = testing::document(db, shop, "Manual").await;
    testing::activate(db, shop, revision, &["one", "two"]).await;
    let asked = ask_one(db, shop, "?").await;
    let version = decide(db, shop, &asked, &review()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let new = accounts::NewAccount { email: "a@b.example", name: "A", role: accounts::Role::Agent, password_hash: "" };
    let account = accounts::create(&mut tx, shop, &new).await.unwrap().id;
    let form = widgets::WidgetForm { name: "W".into(), allowed_origins: vec![], settings: Default::default() };
    let widget = widgets::create(&mut tx, shop, form).await.unwrap().id;
    let judged = feedback::NewFeedback {
        turn: asked.turn,
        account,
        verdict: Verdict::Edited,
        reason: None,
        final_text: None,
        difference: None,
    };
    feedback::insert(&mut tx, shop, &judged).await.unwrap();
    let certificate = promise(&mut tx, shop, (asked.turn, account)).await;
    let detail = serde_json::Value::Null;
    let entry = audit::NewAuditEntry { account: None, action: "a", subject: "s", detail: &detail };
    audit::append(&mut tx, shop, &entry).await.unwrap();
    let source = golden::GoldenSource { origin: GoldenOrigin::Staff, sheet: None, turn: None, author: None };
    let golden = golden::create(&mut tx, shop, &golden_form(), &source).await.unwrap();
    let conversation = asked.message.conversation;
    assert!(tags::add(&mut tx, shop, conversation, "urgent").await.unwrap());
    let gift = assignments::Gift { conversation, by: None, to: account, is_escalation: true, reason: "r" };
    assignments::give(&mut tx, shop, &gift).await.unwrap();
    let view = inbox_views::keep(&mut tx, shop, account, ("mine", &detail)).await.unwrap();
    let (order, import, task) = serve(&mut tx, shop, (asked.message.conversation, account)).await;
    let (commitment, handover) = commit(&mut tx, shop, &asked.message).await;
    tx.commit().await.unwrap();
    let pending = golden::pending(db, shop, "m", 9).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    golden::put_embedding(&mut tx, shop, pending[0].phrasing, ("m", &[1.0])).await.unwrap();
    tx.commit().await.unwrap();
    let (conversation, message) = (asked.message.conversation, asked.message.id);
    let chunk = ChunkId::derive(revision, 0);
    let turn = asked.turn;
    Furniture {
        account,
        widget,
        document,
        revision,
        chunk,
        conversation,
        message,
        turn,
        version,
        certificate,
        golden,
        order,
        import,
        task,
        view,
        commitment,
        handover,
    }
}

fn era() -> promise_tries::Era {
    promise_tries::Era { pipeline: "p".into(), since_ms: 0 }
}

/// What a promise rests on: labels, looks, a proof, and what the server found about it.
async fn promise(tx: &mut Tx, shop: ShopId, (turn, account): (TurnId, AccountId)) -> CertificateId {
    let (source, outcome) = (LabelSource::Audit, Outcome::Accept);
    let look = looks::NewLook { turn, source, propensity: 0.2, not_by: None };
    looks::queue(tx, shop, &look).await.unwrap();
    let label = labels::NewLabel { turn, account, outcome, source: LabelSource::SecondLook, propensity: 1.0 };
    labels::insert(tx, shop, &label).await.unwrap();
    let terms = crate::domain::certificate::tests::terms();
    let proof = certificates::NewCertificate { scope: &Scope::Shop, terms: &terms, author: None, note: "" };
    let certificate = certificates::issue(tx, shop, &proof).await.unwrap();
    let check = promise_checks::NewCheck {
        scope: &Scope::Shop,
        occasion: "night 1",
        finding: crate::domain::check::Finding::NotProven,
        details: crate::domain::check::Details::default(),
        n_labels: 1,
    };
    promise_checks::insert(tx, shop, &check).await.unwrap();
    let tried = promise_tries::NewTry {
        scope: &Scope::Shop,
        era: &era(),
        nth: 1,
        evidence: "e",
        n_rows: 1,
        target_error: 0.05,
        is_proven: false,
        account: Some(account),
    };
    promise_tries::insert(tx, shop, &tried).await.unwrap();
    let signs = (&serde_json::Value::Null, false);
    promise_signals::put(tx, shop, certificate, signs).await.unwrap();
    let again =
        reasked::NewReasked { turn, pipeline: "p", draft: None, confidence: 0.0, grounded_share: 0.0, is_held: true };
    reasked::insert(tx, shop, &again).await.unwrap();
    let basis = bases::NewBasis {
        certificate: Some(certificate),
        pipeline: "p",
        chance: crate::domain::decision::LabelChance { of_all: 1.0, own: 1.0 },
        sources: &std::collections::BTreeMap::new(),
    };
    bases::insert(tx, shop, turn, &basis).await.unwrap();
    certificate
}

/// What is done for a buyer beside answering.
async fn serve(
    tx: &mut Tx,
    shop: ShopId,
    (conversation, account): (ConversationId, AccountId),
) -> (OrderId, ImportId, TaskId) {
    let order = Order::unknown(OrderKey { platform: Platform::Own, number: "1".into() }, 1);
    let order = Order { buyer: Some(Dated { at_ms: 1, value: "b".into() }), ..order };
    let told = orders::Account { source: orders::Source::Api, kind: "k", event_id: None, order: &order };
    let order = orders::tell(tx, shop, &told).await.unwrap().0.unwrap();
    let kind = imports::ImportKind::Orders;
    let new = imports::NewImport { account, kind, file_name: "f", sha256: "s" };
    let import = imports::create(tx, shop, &new).await.unwrap();
    let new = tasks::NewTask {
        kind: TaskKind::Other,
        department: Department::Service,
        due_at_ms: 1,
        conversation: Some(conversation),
        turn: None,
        order: Some(order),
        asked: "?",
        ruling: None,
        author: None,
    };
    let task = tasks::create(tx, shop, &new).await.unwrap().unwrap();
    (order, import, task)
}

fn golden_form() -> golden::GoldenForm {
    golden::GoldenForm {
        phrasings: vec!["?".into()],
        answer: "!".into(),
        sku: None,
        audience: crate::domain::document::Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
        state: GoldenState::Approved,
    }
}

/// How much of the furniture a shop sees, function by function.
async fn seen(db: &Db, shop: ShopId, f: &Furniture) -> Vec<(&'static str, usize)> {
    let far = i64::MAX;
    let chunk = chunks::ChunkRow { id: f.chunk, revision_id: f.revision, ..any_chunk(f) };
    let inbox_query = inbox::InboxQuery::first(inbox::Show::All, 9);
    let tagged = inbox::InboxQuery { tag: Some("urgent"), ..inbox_query };
    let (kind, none) = (ConversationKind::Buyer, None);
    let turn_query = turns::TurnQuery { kind, state: None, decision: none, topic: none, before_ms: far, limit: 9 };
    let period = ops::Period { from_ms: 0, until_ms: far };
    let mut tx = db.begin().await.unwrap();
    let same_file = revisions::find_unchanged(&mut tx, shop, (None, "Manual"), "sha").await;
    let same_name = documents::find_by_name(&mut tx, shop, "Manual").await;
    drop(tx);
    let mut seen = vec![
        ("accounts::get", accounts::get(db, shop, f.account).await.unwrap().iter().count()),
        ("accounts::list", accounts::list(db, shop).await.unwrap().len()),
        ("widgets::list", widgets::list(db, shop).await.unwrap().len()),
        ("documents::get", documents::get(db, shop, f.document).await.unwrap().iter().count()),
        ("documents::list", documents::list(db, shop).await.unwrap().len()),
        ("revisions::get", revisions::get(db, shop, f.revision).await.unwrap().iter().count()),
        ("revisions::of_document", revisions::of_document(db, shop, f.document).await.unwrap().len()),
        ("revisions::newest_and_active", revisions::newest_and_active(db, shop).await.unwrap().len()),
        ("documents::find_by_name", same_name.unwrap().iter().count()),
        ("revisions::find_unchanged", same_file.unwrap().iter().count()),
        ("chunks::by_ids", chunks::by_ids(db, shop, &[f.chunk]).await.unwrap().len()),
        ("chunks::get", chunks::get(db, shop, f.chunk).await.unwrap().iter().count()),
        ("chunks::by_revision", chunks::by_revision(db, shop, f.revision).await.unwrap().len()),
        ("chunks::neighbours", chunks::neighbours(db, shop, &chunk, (9, 9)).await.unwrap().len()),
        ("indexing::active_chunks", indexing::active_chunks(db, shop, "model", None, 9).await.unwrap().len()),
        ("indexing::one", indexing::chunk_with_embedding(db, shop, f.chunk, "model").await.unwrap().iter().count()),
        ("indexing::active_ids", indexing::active_ids(db, shop).await.unwrap().len()),
        ("indexing::count_active", indexing::count_active(db, shop).await.unwrap()),
        ("conversations::get", conversations::get(db, shop, f.conversation).await.unwrap().iter().count()),
        ("conversations::by_buyer", conversations::by_buyer(db, shop, "buyer").await.unwrap().len()),
        ("messages::get", messages::get(db, shop, f.message).await.unwrap().iter().count()),
        ("messages::after", messages::after(db, shop, f.conversation, 0, 9).await.unwrap().len()),
        ("messages::before", messages::before(db, shop, f.conversation, 9, 9).await.unwrap().len()),
        ("inbox::list", inbox::list(db, shop, &inbox_query).await.unwrap().len()),
        ("inbox::get", inbox::get(db, shop, f.conversation).await.unwrap().iter().count()),
        ("inbox::counts", inbox::counts(db, shop, f.account).await.unwrap().open as usize),
        ("inbox::list of a tag", inbox::list(db, shop, &tagged).await.unwrap().len()),
        ("tags::of", tags::of(db, shop, &[f.conversation]).await.unwrap().len()),
        ("tags::all", tags::all(db, shop).await.unwrap().len()),
        ("agents::list", agents::list(db, shop).await.unwrap().len()),
        ("assignments::transfers", assignments::transfers(db, shop, f.conversation).await.unwrap().len()),
        ("inbox_views::list", inbox_views::list(db, shop, f.account).await.unwrap().len()),
        ("turns::get", turns::get(db, shop, f.turn).await.unwrap().iter().count()),
        ("turns::of_conversation", turns::of_conversation(db, shop, f.conversation).await.unwrap().len()),
        ("turns::queue", turns::queue(db, shop, 9).await.unwrap().len()),
        ("turns::list_recent", turns::list_recent(db, shop, &turn_query).await.unwrap().len()),
        ("ops::replay_rows", ops::replay_rows(db, shop, period).await.unwrap().len()),
        ("ops::days", ops::days(db, shop, period, 0).await.unwrap().len()),
        ("feedback::list", feedback::list(db, shop, far, 9).await.unwrap().len()),
        ("feedback::of_turn", feedback::of_turn(db, shop, f.turn).await.unwrap().len()),
        ("epochs::all", epochs::all(db, shop).await.unwrap().len()),
        ("epochs::of_chunks", epochs::of_chunks(db, shop, &[f.chunk]).await.unwrap().len()),
        ("golden::list", golden::list(db, shop).await.unwrap().len()),
        ("golden::get", golden::get(db, shop, f.golden).await.unwrap().iter().count()),
        ("golden::live", golden::live(db, shop, "m").await.unwrap().len()),
        ("golden::pending", golden::pending(db, shop, "other model", 9).await.unwrap().len()),
        ("golden::version", usize::from(golden::version(db, shop).await.unwrap().0 > 0)),
        ("audit::list", audit::list(db, shop, far, 9).await.unwrap().len()),
    ];
    seen.extend(seen_of_promises(db, shop, f).await);
    seen.extend(seen_of_orders(db, shop, f).await);
    seen
}

async fn seen_of_promises(db: &Db, shop: ShopId, f: &Furniture) -> Vec<(&'static str, usize)> {
    vec![
        ("labels::of_turn", labels::of_turn(db, shop, f.turn).await.unwrap().len()),
        ("labels::second_looks", labels::second_looks(db, shop, 0).await.unwrap().len()),
        ("looks::open", looks::open(db, shop, f.account, 9).await.unwrap().len()),
        ("looks::count_open", looks::count_open(db, shop, f.account).await.unwrap() as usize),
        ("looks::count_open_of", looks::count_open_of(db, shop, f.certificate).await.unwrap() as usize),
        ("certificates::get", certificates::get(db, shop, f.certificate).await.unwrap().iter().count()),
        ("certificates::newest", certificates::newest(db, shop, &Scope::Shop).await.unwrap().iter().count()),
        ("promise_signals::get", promise_signals::get(db, shop, f.certificate).await.unwrap().iter().count()),
        ("reasked::turns_of", reasked::turns_of(db, shop, "p").await.unwrap().len()),
        ("promise_checks::list", promise_checks::list(db, shop, &Scope::Shop, 9).await.unwrap().len()),
        ("promise_tries::list", promise_tries::list(db, shop, &Scope::Shop, &era()).await.unwrap().len()),
        ("promise_tries::scopes", promise_tries::scopes(db, shop, "p").await.unwrap().len()),
        ("certificates::list", certificates::list(db, shop, None, 9).await.unwrap().len()),
    ]
}

async fn seen_of_orders(db: &Db, shop: ShopId, f: &Furniture) -> Vec<(&'static str, usize)> {
    vec![
        ("orders::get", orders::get(db, shop, f.order).await.unwrap().iter().count()),
        ("orders::by_number", orders::by_number(db, shop, "1").await.unwrap().len()),
        ("orders::of_buyer", orders::of_buyer(db, shop, "b", 9).await.unwrap().len()),
        ("orders::events", orders::events(db, shop, f.order).await.unwrap().len()),
        ("products::first_seen_ms", products::first_seen_ms(db, shop, "b").await.unwrap().iter().count()),
        ("imports::get", imports::get(db, shop, f.import).await.unwrap().iter().count()),
        ("imports::list", imports::list(db, shop, 9).await.unwrap().len()),
        ("tasks::get", tasks::get(db, shop, f.task).await.unwrap().iter().count()),
        ("commitments::get", commitments::get(db, shop, f.commitment).await.unwrap().iter().count()),
        (
            "commitments::list",
            commitments::list(db, shop, &commitments::CommitmentQuery { limit: 9, ..Default::default() })
                .await
                .unwrap()
                .len(),
        ),
        ("commitments::counts", commitments::counts(db, shop, f.account, i64::MAX).await.unwrap().open as usize),
        ("commitments::list_days", commitments::list_days(db, shop, 9).await.unwrap().len()),
        ("shifts::list", shifts::list(db, shop).await.unwrap().len()),
        ("handovers::get", handovers::get(db, shop, f.handover).await.unwrap().iter().count()),
        ("handovers::list", handovers::list(db, shop, 9).await.unwrap().len()),
        (
            "tasks::list",
            tasks::list(db, shop, &tasks::TaskQuery { limit: 9, ..Default::default() }).await.unwrap().len(),
        ),
    ]
}

fn any_task(f: &Furniture) -> tasks::Task {
    tasks::Task {
        id: f.task,
        kind: TaskKind::Other,
        department: Department::Service,
        state: crate::domain::task::TaskState::Done,
        version: 0,
        conversation: None,
        turn: None,
        order: None,
        asked: String::new(),
        ruling: None,
        assignee: None,
        author: None,
        evidence: None,
        notes: vec![],
        due_at_ms: 1,
        created_at_ms: 1,
        updated_at_ms: 1,
    }
}

fn any_chunk(f: &Furniture) -> chunks::ChunkRow {
    chunks::ChunkRow {
        id: f.chunk,
        document_id: f.document,
        revision_id: f.revision,
        document_name: String::new(),
        sku: None,
        audience: crate::domain::document::Audience::Buyers,
        platforms: vec![],
        text: String::new(),
        heading_path: vec![],
        page: None,
        span: crate::domain::text::Span { start: 0, end: 0 },
        n_tokens: 0,
        ordinal: 0,
        disabled: false,
        edited: false,
    }
}

/// Runs each in a unit of work of its own, which is undone.
macro_rules! tries {
    ($db:ident, $done:ident: $($name:literal: $tx:ident => $outcome:expr;)*) => {$({
        let mut $tx = $db.begin().await.unwrap();
        $done.push(($name, $outcome));
    })*};
}

/// What a shop changes of the furniture, function by function, each undone.
async fn changed(db: &Db, shop: ShopId, f: &Furniture) -> Vec<(&'static str, bool)> {
    let mut done = vec![];
    let form = widgets::WidgetForm { name: "X".into(), allowed_origins: vec![], settings: Default::default() };
    let edit = chunks::ChunkEdit { text: "x", n_tokens: 1, model_id: "m", embedding: &[1.0] };
    let new =
        NewMessage { author: Author::Agent, account: None, text: "x", citations: &[], turn: None, client_key: None };
    let question = turns::NewQuestion { text: "x", client_key: None, lang: crate::domain::text::Lang::En };
    let author = Author::Agent;
    let reply =
        turns::NewReply { turn: f.turn, expected_version: f.version, author, account: None, text: "x", citations: &[] };
    let verdict = Verdict::Accepted;
    let judged = feedback::NewFeedback {
        turn: f.turn,
        account: f.account,
        verdict,
        reason: None,
        final_text: None,
        difference: None,
    };
    let (turn, account, source) = (f.turn, f.account, LabelSource::SecondLook);
    let label = labels::NewLabel { turn, account, outcome: Outcome::Accept, source, propensity: 1.0 };
    let look = looks::NewLook { turn, source, propensity: 0.05, not_by: None };
    let embeddings = [(f.chunk, vec![1.0])];
    let task = any_task(f);
    tries! {
        db, done:
        "set_role": tx => accounts::set_role(&mut tx, shop, f.account, accounts::Role::Owner).await.unwrap();
        "set_name": tx => accounts::set_name(&mut tx, shop, f.account, "x").await.unwrap();
        "set_disabled": tx => accounts::set_disabled(&mut tx, shop, f.account, true).await.unwrap();
        "widgets::update": tx => widgets::update(&mut tx, shop, f.widget, &form).await.unwrap();
        "widgets::remove": tx => widgets::remove(&mut tx, shop, f.widget).await.unwrap();
        "set_meta": tx => documents::set_meta(&mut tx, shop, f.document, &testing::meta("x")).await.unwrap();
        "mark_removed": tx => documents::mark_removed(&mut tx, shop, f.document).await.unwrap();
        "revisions::create": tx =>
            revisions::create(&mut tx, shop, f.document, &new_revision("x")).await.unwrap().is_some();
        "set_progress": tx => revisions::set_progress(&mut tx, shop, f.revision, (1, 2)).await.unwrap();
        "chunks::set_disabled": tx => chunks::set_disabled(&mut tx, shop, f.chunk, true).await.unwrap();
        "chunks::set_text": tx => chunks::set_text(&mut tx, shop, f.chunk, &edit).await.unwrap();
        "chunks::rewrite": tx => chunks::rewrite(&mut tx, shop, f.chunk, "x").await.unwrap();
        "put_embeddings": tx => indexing::put_embeddings(&mut tx, shop, "m", &embeddings).await.unwrap() > 0;
        "take_over": tx => conversations::take_over(&mut tx, shop, f.conversation, f.account).await.unwrap();
        "set_closed": tx => conversations::set_closed(&mut tx, shop, f.conversation, true).await.unwrap();
        "messages::add": tx => messages::add(&mut tx, shop, f.conversation, &new).await.unwrap().is_some();
        "ask": tx => turns::ask(&mut tx, shop, f.conversation, &question).await.unwrap().is_some();
        "supersede_open": tx => !turns::supersede_open(&mut tx, shop, f.conversation).await.unwrap().is_empty();
        "reply": tx => turns::reply(&mut tx, shop, &reply).await.unwrap().is_some();
        "reject": tx => turns::reject(&mut tx, shop, f.turn, f.version).await.unwrap().is_some();
        "label": tx => labels::insert(&mut tx, shop, &label).await.unwrap().is_some();
        "look": tx => looks::queue(&mut tx, shop, &look).await.unwrap();
        "void": tx =>
            certificates::void(&mut tx, shop, f.certificate, (VoidReason::ByHand, None)).await.unwrap();
        "verify": tx => epochs::verify(&mut tx, shop, f.document).await.unwrap();
        "golden::update": tx => golden::update(&mut tx, shop, f.golden, &golden_form()).await.unwrap();
        "golden::set_state": tx => golden::set_state(&mut tx, shop, f.golden, GoldenState::Off).await.unwrap();
        "golden::remove": tx => golden::remove(&mut tx, shop, f.golden).await.unwrap();
        "orders::forget_buyer": tx => orders::forget_buyer(&mut tx, shop, "b").await.unwrap() > 0;
        "imports::finish": tx => {
            let outcome = imports::Outcome::Failed { error: "x".into() };
            imports::finish(&mut tx, shop, f.import, &outcome).await.unwrap()
        };
        "tasks::update": tx => tasks::update(&mut tx, shop, &task).await.unwrap();
        "feedback": tx => feedback::insert(&mut tx, shop, &judged).await.unwrap().is_some();
    }
    done
}

/// The same of whose the conversations are.
async fn handed_on(db: &Db, shop: ShopId, f: &Furniture) -> Vec<(&'static str, bool)> {
    let mut done = vec![];
    tries! {
        db, done:
        "set_marked": tx => conversations::set_marked(&mut tx, shop, f.conversation, true).await.unwrap();
        "tags::add": tx => tags::add(&mut tx, shop, f.conversation, "x").await.unwrap();
        "set_on_duty": tx => agents::set_on_duty(&mut tx, shop, f.account, true).await.unwrap();
        "set_profile": tx => agents::set_profile(&mut tx, shop, f.account, &agents::Profile::default()).await.unwrap();
        "claim": tx => {
            let words = (f.account, assignments::Words::Free);
            assignments::claim(&mut tx, shop, f.conversation, words).await.unwrap() == assignments::Claim::Yours
        };
        "escalate": tx => {
            let to = f.account;
            let gift =
                assignments::Gift { conversation: f.conversation, by: None, to, is_escalation: true, reason: "" };
            assignments::give(&mut tx, shop, &gift).await.unwrap() != assignments::Given::Missing
        };
        "inbox_views::remove": tx => inbox_views::remove(&mut tx, shop, f.account, f.view).await.unwrap();
    }
    done
}

#[tokio::test]
async fn no_shop_sees_or_changes_what_another_has() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let furniture = furnish(&db, mine).await;
        for (what, n_seen) in seen(&db, mine, &furniture).await {
            assert!(n_seen > 0, "{what} shows the shop its own");
        }
        for (what, n_seen) in seen(&db, other, &furniture).await {
            assert_eq!(n_seen, 0, "{what}");
        }
        assert_eq!(called(&db, mine).await, (1, 1));
        assert_eq!(called(&db, other).await, (0, 0), "nobody is called about what another shop told");
        let by_itself = [changed(&db, mine, &furniture).await, handed_on(&db, mine, &furniture).await];
        for (what, did) in by_itself.concat() {
            assert!(did, "{what} changes the shop's own");
        }
        let by_other = [changed(&db, other, &furniture).await, handed_on(&db, other, &furniture).await];
        for (what, did) in by_other.concat() {
            assert!(!did, "{what}");
        }
    }
}

#[tokio::test]
async fn what_another_shop_does_first_leaves_no_trace() {
    for Scratch { db, .. } in scratches().await {
        let (mine, other) = (shop(&db).await, shop(&db).await);
        let f = furnish(&db, mine).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(chunks::purge_revision(&mut tx, other, f.revision).await.unwrap(), 0);
        assert_eq!(documents::purge(&mut tx, other, f.document).await.unwrap(), [""; 0]);
        assert!(!conversations::hand_back(&mut tx, other, f.conversation).await.unwrap());
        assert!(!revisions::set_state(&mut tx, other, f.revision, RevisionState::Queued).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(chunks::by_revision(&db, mine, f.revision).await.unwrap().len(), 2);
    }
}
