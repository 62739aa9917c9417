//! Databases for the tests of the repositories: SQLite always, Postgres where `KEFU_TEST_POSTGRES_URL` names a server.

use std::sync::Arc;

use super::conversations::{ConversationKind, NewConversation, create};
use super::seal::Keyring;
use super::{Db, documents, indexing, policies, revisions, shops};
use crate::clock::ManualClock;
use crate::domain::chunk::Chunk;
use crate::domain::document::Audience;
use crate::domain::ids::{ConversationId, DocumentId, PolicyId, RevisionId, ShopId};
use crate::domain::text::{Lang, Span};

/// An empty database and its clock.
pub(super) struct Scratch {
    pub db: Db,
    pub clock: Arc<ManualClock>,
    /// Removes the file when the test ends.
    folder: Option<tempfile::TempDir>,
}

impl Scratch {
    /// Where the files of a SQLite database are.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_ref().map(tempfile::TempDir::path)
    }
}

/// With a key for its secrets, as a server has one.
async fn open(url: &str, clock: &Arc<ManualClock>) -> Db {
    let db = Db::open(url, clock.clone()).await.unwrap();
    db.unlock(Keyring::default().with_new_key()).await.unwrap()
}

/// 2024-01-01, 00:00 UTC.
pub(super) const START_MS: i64 = 1_704_067_200_000;

/// One on SQLite.
pub(super) async fn sqlite() -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START_MS));
    let db = open(&format!("sqlite:{}/kefu.db", folder.path().display()), &clock).await;
    Scratch { db, clock, folder: Some(folder) }
}

/// One on every engine there is.
pub(super) async fn scratches() -> Vec<Scratch> {
    let mut all = vec![sqlite().await];
    match postgres_url() {
        Some(url) => all.push(postgres(&url).await),
        None => println!("SKIPPED on Postgres: KEFU_TEST_POSTGRES_URL is not set"),
    }
    all
}

#[expect(clippy::disallowed_methods, reason = "a test asks for the server it may use")]
fn postgres_url() -> Option<String> {
    std::env::var("KEFU_TEST_POSTGRES_URL").ok()
}

/// A schema of its own on the server, so that tests run side by side.
async fn postgres(url: &str) -> Scratch {
    sqlx::any::install_default_drivers();
    let clock = Arc::new(ManualClock::at(START_MS));
    let schema = format!("t{}", crate::clock::new_uuid(clock.as_ref()).simple());
    let admin = sqlx::AnyPool::connect(url).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("create schema {schema}"))).execute(&admin).await.unwrap();
    admin.close().await;
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}options[search_path]={schema}");
    Scratch { db: open(&url, &clock).await, clock, folder: None }
}

/// A shop.
pub(super) async fn shop(db: &Db) -> ShopId {
    let mut tx = db.begin().await.unwrap();
    let shop = shops::create(&mut tx, "a shop", Lang::Zh).await.unwrap();
    tx.commit().await.unwrap();
    shop.id
}

/// Its policy in force.
pub(super) async fn policy(db: &Db, shop: ShopId) -> PolicyId {
    policies::current(db, shop).await.unwrap().id
}

/// A conversation of it.
pub(super) async fn conversation(db: &Db, shop: ShopId) -> ConversationId {
    conversation_of(db, shop, ConversationKind::Buyer).await
}

/// A conversation of this kind.
pub(super) async fn conversation_of(db: &Db, shop: ShopId, kind: ConversationKind) -> ConversationId {
    let mut tx = db.begin().await.unwrap();
    let new = NewConversation { kind, widget: None, buyer_hash: "buyer", lang: Lang::Zh, sku: None };
    let conversation = create(&mut tx, shop, &new).await.unwrap();
    tx.commit().await.unwrap();
    conversation.id
}

/// What a document for everybody is called.
pub(super) fn meta(name: &str) -> documents::DocumentMeta {
    documents::DocumentMeta {
        name: name.to_owned(),
        sku: None,
        audience: Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
    }
}

/// A document with its first revision, not indexed.
pub(super) async fn document(db: &Db, shop: ShopId, name: &str) -> (DocumentId, RevisionId) {
    let mut tx = db.begin().await.unwrap();
    let document = documents::create(&mut tx, shop, &meta(name)).await.unwrap();
    let revision = revisions::create(&mut tx, shop, document, &new_revision("sha")).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    (document, revision)
}

/// A file with this hash.
pub(super) fn new_revision(sha256: &str) -> revisions::NewRevision<'_> {
    revisions::NewRevision { file_name: "manual.md", sha256, size_bytes: 12, format: None }
}

/// As many chunks as there are texts, with embeddings.
pub(super) fn chunks(texts: &[&str]) -> Vec<(Chunk, Vec<f32>)> {
    texts
        .iter()
        .zip(0u32..)
        .map(|(text, ordinal)| {
            let chunk = Chunk {
                ordinal,
                text: (*text).to_owned(),
                span: Span { start: 0, end: text.len() },
                n_tokens: 3,
                heading_path: vec!["Care".into(), "Washing".into()],
                page: Some(ordinal + 1),
            };
            (chunk, vec![1.0, f32::from(u8::try_from(ordinal).unwrap())])
        })
        .collect()
}

/// Makes the revision searchable with these texts.
pub(super) async fn activate(db: &Db, shop: ShopId, revision: RevisionId, texts: &[&str]) -> indexing::Activation {
    let mut tx = db.begin().await.unwrap();
    let index = indexing::NewIndex { model_id: "model", chunks: &chunks(texts) };
    let activation = indexing::activate_revision(&mut tx, shop, revision, &index).await.unwrap();
    tx.commit().await.unwrap();
    activation
}
