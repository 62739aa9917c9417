//! Drafts for buyers on other platforms: an agent, or a script, brings a message here and copies the reply back.
//!
//! # Why
//! Each is a conversation of its own kind with one turn, so that it takes the very way of a buyer's question, waits in
//! the same queue, and is stored with the same inputs. What the agent makes of it is the same feedback and the same
//! label as at the desk.

use std::collections::BTreeMap;

use super::columns::Columns;
use super::conversations::{self, Conversation, ConversationKind, NewConversation};
use super::messages::{self, NewMessage};
use super::ops::Period;
use super::turns::{self, Asked, NewQuestion, Turn};
use super::{Db, StorageError, Tx};
use crate::domain::conversation::Author;
use crate::domain::ids::{AccountId, ShopId, TurnId};
use crate::domain::order::Platform;
use crate::domain::text::Lang;
use crate::domain::turn::Verdict;

/// What was said before the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier<'a> {
    /// The buyer, or else the shop.
    pub is_buyer: bool,
    /// In so many words.
    pub text: &'a str,
}

/// A message that was brought.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    /// By whom.
    pub account: AccountId,
    /// From where.
    pub platform: Platform,
    /// The order it is about, if the agent says so.
    pub order_number: Option<&'a str>,
    /// Its language.
    pub lang: Lang,
    /// What was said before, oldest first.
    pub earlier: &'a [Earlier<'a>],
    /// The message.
    pub text: &'a str,
    /// Nobody holds the token that this is the hash of: no buyer of ours is in the thread.
    pub buyer_hash: &'a str,
}

/// Keeps the message with what was said before, and queues the job that drafts.
pub async fn bring(tx: &mut Tx, shop: ShopId, brought: &Brought<'_>) -> Result<Asked, StorageError> {
    let kind = ConversationKind::Companion;
    let new = NewConversation { kind, widget: None, buyer_hash: brought.buyer_hash, lang: brought.lang, sku: None };
    let thread = conversations::create(tx, shop, &new).await?.id;
    sqlx::query(
        "update conversations set platform = $3, order_number = $4, agent_id = $5 where shop_id = $1 and id = $2",
    )
    .bind(shop)
    .bind(thread)
    .bind(brought.platform)
    .bind(brought.order_number)
    .bind(brought.account)
    .execute(tx.connection())
    .await?;
    for said in brought.earlier {
        let author = if said.is_buyer { Author::Buyer } else { Author::Agent };
        let new = NewMessage { author, account: None, text: said.text, citations: &[], turn: None, client_key: None };
        messages::append(tx, shop, thread, &new).await?;
    }
    let question = NewQuestion { text: brought.text, client_key: None, lang: brought.lang };
    let asked = turns::ask(tx, shop, thread, &question).await?;
    asked.ok_or_else(|| StorageError::Damaged { what: "a conversation is gone in its own transaction".into() })
}

/// One of them with its thread; `None` if it is none.
pub async fn get(db: &Db, shop: ShopId, turn: TurnId) -> Result<Option<(Turn, Conversation)>, StorageError> {
    let Some(turn) = turns::get(db, shop, turn).await? else { return Ok(None) };
    let thread = conversations::get(db, shop, turn.conversation).await?;
    Ok(thread.filter(|thread| thread.kind == ConversationKind::Companion).map(|thread| (turn, thread)))
}

/// What an account has brought last, newest first.
pub async fn recent(
    db: &Db,
    shop: ShopId,
    account: AccountId,
    limit: u32,
) -> Result<Vec<(Turn, Conversation)>, StorageError> {
    let rows = sqlx::query(
        "select t.id from turns t join conversations c on c.id = t.conversation_id and c.kind = 'companion' \
         where t.shop_id = $1 and c.agent_id = $2 order by t.created_at_ms desc, t.id desc limit $3",
    )
    .bind(shop)
    .bind(account)
    .bind(i64::from(limit))
    .fetch_all(&db.readers)
    .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.extend(get(db, shop, row.col("id")?).await?);
    }
    Ok(found)
}

/// How many drafts are being written before this one, whoever waits for them.
pub async fn n_before(db: &Db, shop: ShopId, turn: &Turn) -> Result<u32, StorageError> {
    let row = sqlx::query(
        "select count(*) as n from turns where shop_id = $1 and state = 'asked' and created_at_ms < $2 and id <> $3",
    )
    .bind(shop)
    .bind(turn.created_at_ms)
    .bind(turn.id)
    .fetch_one(&db.readers)
    .await?;
    row.number("n")
}

/// What came of the drafts for one platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlatformFigures {
    /// Messages brought.
    pub n_asked: u32,
    /// Drafts there were.
    pub n_drafted: u32,
    /// Used as they were.
    pub n_used: u32,
    /// Used after a change.
    pub n_edited: u32,
    /// Not usable.
    pub n_rejected: u32,
}

/// The drafts of a period by platform. They are no part of the shop's other figures: nothing was sent from here.
pub async fn figures(
    db: &Db,
    shop: ShopId,
    period: Period,
) -> Result<BTreeMap<Platform, PlatformFigures>, StorageError> {
    let rows = sqlx::query(
        "select c.platform, t.draft, f.verdict from turns t \
         join conversations c on c.id = t.conversation_id and c.kind = 'companion' \
         left join feedback f on f.id = (select max(l.id) from feedback l where l.turn_id = t.id) \
         where t.shop_id = $1 and t.created_at_ms >= $2 and t.created_at_ms < $3",
    )
    .bind(shop)
    .bind(period.from_ms)
    .bind(period.until_ms)
    .fetch_all(&db.readers)
    .await?;
    let mut figures: BTreeMap<Platform, PlatformFigures> = BTreeMap::new();
    for row in &rows {
        let of_platform = figures.entry(row.col("platform")?).or_default();
        of_platform.n_asked += 1;
        of_platform.n_drafted += u32::from(row.col::<Option<&str>>("draft")?.is_some());
        match row.col::<Option<Verdict>>("verdict")? {
            Some(Verdict::Accepted) => of_platform.n_used += 1,
            Some(Verdict::Edited) => of_platform.n_edited += 1,
            Some(Verdict::Rejected) => of_platform.n_rejected += 1,
            None => {}
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::super::feedback::{self, NewFeedback};
    use super::super::inbox::{self, InboxQuery, Show};
    use super::super::testing::{Scratch, scratches, shop};
    use super::super::turns::tests::{decide, review};
    use super::super::{jobs, ops};
    use super::*;

    const LIN: AccountId = AccountId(uuid::Uuid::from_u128(3));
    const WHOLE: Period = Period { from_ms: 0, until_ms: i64::MAX };

    async fn brought(db: &Db, shop: ShopId, platform: Platform) -> Asked {
        let earlier = [Earlier { is_buyer: true, text: "在吗" }, Earlier { is_buyer: false, text: "在的" }];
        let new = Brought {
            account: LIN,
            platform,
            order_number: Some("8001"),
            lang: Lang::Zh,
            earlier: &earlier,
            text: "几天能到？",
            buyer_hash: "nobody",
        };
        let mut tx = db.begin().await.unwrap();
        let asked = bring(&mut tx, shop, &new).await.unwrap();
        tx.commit().await.unwrap();
        asked
    }

    #[tokio::test]
    async fn a_brought_message_waits_in_the_queue_of_all_and_is_seen_nowhere_else() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let asked = brought(&db, mine, Platform::Pdd).await;
            let (_, thread) = get(&db, mine, asked.turn).await.unwrap().unwrap();
            assert_eq!((thread.platform, thread.order_number.as_deref()), (Platform::Pdd, Some("8001")));
            assert_eq!(thread.answered_on(), Some(Platform::Pdd));
            let said = messages::before(&db, mine, thread.id, i64::MAX, 9).await.unwrap();
            assert_eq!(said.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["在吗", "在的", "几天能到？"]);
            assert_eq!(jobs::counts(&db).await.unwrap().iter().map(|count| count.n_jobs).sum::<u32>(), 1);
            assert_eq!(get(&db, other, asked.turn).await.unwrap(), None);
            decide(&db, mine, &asked, &review()).await.unwrap();
            assert_eq!(turns::queue(&db, mine, 9).await.unwrap(), []);
            assert_eq!(ops::replay_rows(&db, mine, WHOLE).await.unwrap(), []);
            assert_eq!(ops::proof_rows(&db, mine, WHOLE).await.unwrap(), []);
            let all = InboxQuery::first(Show::All, 9);
            assert_eq!(inbox::list(&db, mine, &all).await.unwrap(), []);
            let [(last, _)] = recent(&db, mine, LIN, 9).await.unwrap().try_into().unwrap();
            assert_eq!(last.id, asked.turn);
            assert_eq!(recent(&db, other, LIN, 9).await.unwrap(), []);
        }
    }

    #[tokio::test]
    async fn figures_are_kept_by_platform() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let used = brought(&db, mine, Platform::Jd).await.turn;
            brought(&db, mine, Platform::Jd).await;
            brought(&db, mine, Platform::Douyin).await;
            let verdict = Verdict::Accepted;
            let new =
                NewFeedback { turn: used, account: LIN, verdict, reason: None, final_text: None, difference: None };
            let mut tx = db.begin().await.unwrap();
            feedback::insert(&mut tx, mine, &new).await.unwrap();
            tx.commit().await.unwrap();
            let found = figures(&db, mine, WHOLE).await.unwrap();
            let jd = PlatformFigures { n_asked: 2, n_used: 1, ..PlatformFigures::default() };
            let douyin = PlatformFigures { n_asked: 1, ..PlatformFigures::default() };
            assert_eq!(found, BTreeMap::from([(Platform::Jd, jd), (Platform::Douyin, douyin)]));
            assert!(figures(&db, other, WHOLE).await.unwrap().is_empty());
        }
    }
}
