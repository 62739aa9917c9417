//! Whose a conversation is, and how it came to them.
//!
//! # Why
//! To be given a conversation and to answer in place of the assistant are two things. A held draft has to be
//! somebody's, so that it is looked at, while the assistant goes on with the next question. Only who takes a
//! conversation over silences the assistant, and from then on no colleague's words go out in it.

use sqlx::any::AnyRow;

use super::columns::Columns;
use super::inbox::place;
use super::{Db, StorageError, Tx, agents, inbox_rules, messages};
use crate::domain::assign::{Need, TransferKind, choose};
use crate::domain::conversation::Handler;
use crate::domain::ids::{AccountId, ConversationId, ShopId, TransferId};

/// Who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The one who asked.
    Yours,
    /// A colleague.
    Of(AccountId),
    /// The shop has no such conversation.
    Missing,
}

/// What somebody is about to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// The answer to a question: its turn already lets only the first through.
    ToQuestion,
    /// Something that answers no question in particular: nothing else would stop two who write at once.
    Free,
}

/// Lets `agent` say something, or tells whose the conversation is. What was nobody's is theirs from now on. The
/// conversation is held until the end of the transaction.
pub async fn claim(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    (agent, words): (AccountId, Words),
) -> Result<Claim, StorageError> {
    let Some(holder) = lock(tx, shop, conversation).await? else { return Ok(Claim::Missing) };
    let silenced = holder.agent.filter(|_| holder.handler == Handler::Agent);
    let owner = match words {
        Words::ToQuestion => silenced,
        Words::Free => silenced.or(holder.assignee),
    };
    if let Some(other) = owner.filter(|owner| *owner != agent) {
        return Ok(Claim::Of(other));
    }
    if holder.assignee.is_none() {
        set_assignee(tx, shop, conversation, agent).await?;
    }
    Ok(Claim::Yours)
}

struct Holder {
    handler: Handler,
    agent: Option<AccountId>,
    assignee: Option<AccountId>,
}

async fn lock(tx: &mut Tx, shop: ShopId, conversation: ConversationId) -> Result<Option<Holder>, StorageError> {
    if messages::lock(tx, shop, conversation).await?.is_none() {
        return Ok(None);
    }
    let row = sqlx::query("select handler, agent_id, assignee_id from conversations where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(conversation)
        .fetch_one(tx.connection())
        .await?;
    Ok(Some(Holder { handler: row.col("handler")?, agent: row.col("agent_id")?, assignee: row.col("assignee_id")? }))
}

async fn set_assignee(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    to: AccountId,
) -> Result<(), StorageError> {
    // Where a person answers, the new one does from now on: the words of the old one do not go out any more.
    sqlx::query(
        "update conversations set assignee_id = $3, agent_id = case when handler = 'agent' then $3 else agent_id end \
         where shop_id = $1 and id = $2",
    )
    .bind(shop)
    .bind(conversation)
    .bind(to)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// A conversation that changes hands.
#[derive(Debug, Clone, Copy)]
pub struct Gift<'a> {
    /// Which.
    pub conversation: ConversationId,
    /// Who gives; none where the server chose.
    pub by: Option<AccountId>,
    /// To whom.
    pub to: AccountId,
    /// To a lead, or to anybody.
    pub is_escalation: bool,
    /// Why, for colleagues.
    pub reason: &'a str,
}

/// What became of a gift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// It is theirs now.
    Done(TransferKind),
    /// It was theirs already.
    Unchanged,
    /// The shop has no such conversation, or no such person who may answer.
    Missing,
}

/// Gives a conversation to somebody.
pub async fn give(tx: &mut Tx, shop: ShopId, gift: &Gift<'_>) -> Result<Given, StorageError> {
    let Some(holder) = lock(tx, shop, gift.conversation).await? else { return Ok(Given::Missing) };
    if !agents::may_answer(tx, shop, gift.to).await? {
        return Ok(Given::Missing);
    }
    if holder.assignee == Some(gift.to) && !gift.is_escalation {
        return Ok(Given::Unchanged);
    }
    let kind = match (gift.is_escalation, holder.assignee) {
        (true, _) => TransferKind::Escalated,
        (false, Some(_)) => TransferKind::Transferred,
        (false, None) => TransferKind::Assigned,
    };
    set_assignee(tx, shop, gift.conversation, gift.to).await?;
    if gift.is_escalation {
        sqlx::query("update conversations set escalated = 1 where shop_id = $1 and id = $2")
            .bind(shop)
            .bind(gift.conversation)
            .execute(tx.connection())
            .await?;
        place::refresh(tx, shop, gift.conversation).await?;
    }
    write_down(tx, shop, gift, kind).await?;
    Ok(Given::Done(kind))
}

async fn write_down(tx: &mut Tx, shop: ShopId, gift: &Gift<'_>, kind: TransferKind) -> Result<(), StorageError> {
    let (id, now_ms) = (TransferId(tx.new_id()), tx.now_ms());
    sqlx::query(
        "insert into transfers (id, shop_id, conversation_id, kind, by_id, to_id, reason, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(shop)
    .bind(gift.conversation)
    .bind(kind)
    .bind(gift.by)
    .bind(gift.to)
    .bind(gift.reason)
    .bind(now_ms)
    .execute(tx.connection())
    .await?;
    sqlx::query("update agents set last_given_ms = $3 where shop_id = $1 and account_id = $2")
        .bind(shop)
        .bind(gift.to)
        .bind(now_ms)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Who on duty would get the conversation; `None` if nobody can take more, or there is no such conversation.
pub async fn best(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
    leads_only: bool,
) -> Result<Option<AccountId>, StorageError> {
    let mut candidates = if leads_only { agents::leads(tx, shop).await? } else { agents::on_duty(tx, shop).await? };
    if leads_only {
        // However much waits for a lead already: there is nobody behind them.
        candidates.iter_mut().for_each(|lead| lead.max_waiting = lead.max_waiting.max(lead.n_waiting + 1));
    }
    if candidates.is_empty() {
        return Ok(None);
    }
    let row = sqlx::query(
        "select c.lang, (select t.topic from turns t where t.conversation_id = c.id order by t.created_at_ms desc, \
         t.id desc limit 1) as topic from conversations c where c.shop_id = $1 and c.id = $2 and c.kind = 'buyer'",
    )
    .bind(shop)
    .bind(conversation)
    .fetch_optional(tx.connection())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let topic: Option<String> = row.col("topic")?;
    // A lead is asked for what a lead can do, not because the buyer knows them.
    let known = if leads_only { None } else { last_agent(tx, shop, conversation).await? };
    let need = Need { lang: row.col("lang")?, topic: topic.as_deref().unwrap_or("other"), known };
    Ok(choose(&candidates, &need))
}

/// The agent who answered this buyer last, here or in an earlier conversation.
async fn last_agent(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
) -> Result<Option<AccountId>, StorageError> {
    let row = sqlx::query(
        "select m.author_id from conversations c join messages m on m.conversation_id = c.id where c.shop_id = $1 \
         and c.id in (select $2 union select b.id from conversations b join conversations own \
         on own.shop_id = b.shop_id and own.buyer_id = b.buyer_id where own.shop_id = $1 and own.id = $2) \
         and m.author in ('reviewed', 'agent') and m.author_id is not null order by m.created_at_ms desc limit 1",
    )
    .bind(shop)
    .bind(conversation)
    .fetch_optional(tx.connection())
    .await?;
    row.map_or(Ok(None), |row| row.col("author_id"))
}

/// Gives what a person is needed for to somebody on duty, where the shop wants that and it is not in good hands: an
/// agent who has taken over keeps it, and so does one who is there.
pub async fn give_waiting(
    tx: &mut Tx,
    shop: ShopId,
    conversation: ConversationId,
) -> Result<Option<AccountId>, StorageError> {
    if !inbox_rules::of(tx, shop).await?.assigns {
        return Ok(None);
    }
    let Some(holder) = lock(tx, shop, conversation).await? else { return Ok(None) };
    let is_kept = match holder.assignee {
        Some(assignee) if holder.handler == Handler::Agent => agents::may_answer(tx, shop, assignee).await?,
        Some(assignee) => agents::is_on_duty(tx, shop, assignee).await?,
        None => false,
    };
    if is_kept {
        return Ok(None);
    }
    let Some(to) = best(tx, shop, conversation, false).await? else { return Ok(None) };
    let gift = Gift { conversation, by: None, to, is_escalation: false, reason: "" };
    Ok(matches!(give(tx, shop, &gift).await?, Given::Done(_)).then_some(to))
}

/// That a conversation changed hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Identity.
    pub id: TransferId,
    /// To a lead, or to anybody.
    pub kind: TransferKind,
    /// Who gave it; none where the server chose.
    pub by: Option<AccountId>,
    /// To whom.
    pub to: AccountId,
    /// Why.
    pub reason: String,
    /// When.
    pub created_at_ms: i64,
}

/// How a conversation changed hands, oldest first.
pub async fn transfers(db: &Db, shop: ShopId, conversation: ConversationId) -> Result<Vec<Transfer>, StorageError> {
    let rows = sqlx::query(
        "select id, kind, by_id, to_id, reason, created_at_ms from transfers where shop_id = $1 \
         and conversation_id = $2 order by created_at_ms, id",
    )
    .bind(shop)
    .bind(conversation)
    .fetch_all(&db.readers)
    .await?;
    let read = |row: &AnyRow| {
        Ok(Transfer {
            id: row.col("id")?,
            kind: row.col("kind")?,
            by: row.col("by_id")?,
            to: row.col("to_id")?,
            reason: row.col("reason")?,
            created_at_ms: row.col("created_at_ms")?,
        })
    };
    rows.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::accounts::{NewAccount, Role, create};
    use super::super::agents::Profile;
    use super::super::messages::NewMessage;
    use super::super::testing::{self, Scratch, scratches, shop};
    use super::super::turns::tests::{ask_one, decide, review};
    use super::super::{buyers, conversations, inbox};
    use super::*;
    use crate::domain::conversation::Author;

    async fn agent(db: &Db, shop: ShopId, name: &str, profile: &Profile) -> AccountId {
        let mut tx = db.begin().await.unwrap();
        let email = format!("{name}@{shop}.example");
        let new = NewAccount { email: &email, name, role: Role::Agent, password_hash: "" };
        let id = create(&mut tx, shop, &new).await.unwrap().id;
        assert!(agents::set_on_duty(&mut tx, shop, id, true).await.unwrap());
        assert!(agents::set_profile(&mut tx, shop, id, profile).await.unwrap());
        tx.commit().await.unwrap();
        id
    }

    async fn assignee(db: &Db, shop: ShopId, conversation: ConversationId) -> Option<AccountId> {
        inbox::get(db, shop, conversation).await.unwrap().unwrap().assignee
    }

    #[tokio::test]
    async fn what_needs_a_person_goes_to_the_least_busy_and_a_buyer_gets_the_known_agent_back() {
        for Scratch { db, clock, .. } in scratches().await {
            let mine = shop(&db).await;
            let bo = agent(&db, mine, "bo", &Profile::default()).await;
            let lin = agent(&db, mine, "lin", &Profile::default()).await;
            let mut got = vec![];
            for _ in 0..2 {
                clock.advance(1);
                let asked = ask_one(&db, mine, "?").await;
                decide(&db, mine, &asked, &review()).await.unwrap();
                got.push((asked.message.conversation, assignee(&db, mine, asked.message.conversation).await.unwrap()));
            }
            let mut people = [got[0].1, got[1].1];
            people.sort_unstable();
            let mut both = [bo, lin];
            both.sort_unstable();
            assert_eq!(people, both, "one each");
            // The first buyer comes back under the same name, while that agent has more to do than the other.
            let (first, known) = got[0];
            let asked = ask_one(&db, mine, "again?").await;
            let again = asked.message.conversation;
            let mut tx = db.begin().await.unwrap();
            for thread in [first, again] {
                buyers::identify(&mut tx, mine, thread, ("b7", i64::MAX)).await.unwrap();
            }
            let said = NewMessage {
                author: Author::Agent,
                account: Some(known),
                text: "hi",
                citations: &[],
                turn: None,
                client_key: None,
            };
            messages::add(&mut tx, mine, first, &said).await.unwrap();
            tx.commit().await.unwrap();
            decide(&db, mine, &asked, &review()).await.unwrap();
            assert_eq!(assignee(&db, mine, again).await, Some(known));
        }
    }

    #[tokio::test]
    async fn a_colleagues_conversation_is_told_of_and_changes_hands_with_a_reason() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let lead = Profile { is_lead: true, ..Profile::default() };
            let bo = agent(&db, mine, "bo", &Profile::default()).await;
            let lin = agent(&db, mine, "lin", &lead).await;
            let thread = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            assert_eq!(claim(&mut tx, other, thread, (bo, Words::Free)).await.unwrap(), Claim::Missing);
            assert_eq!(claim(&mut tx, mine, thread, (bo, Words::Free)).await.unwrap(), Claim::Yours);
            assert_eq!(claim(&mut tx, mine, thread, (lin, Words::Free)).await.unwrap(), Claim::Of(bo));
            assert_eq!(claim(&mut tx, mine, thread, (lin, Words::ToQuestion)).await.unwrap(), Claim::Yours);
            assert!(conversations::take_over(&mut tx, mine, thread, bo).await.unwrap());
            assert_eq!(claim(&mut tx, mine, thread, (lin, Words::ToQuestion)).await.unwrap(), Claim::Of(bo));
            assert_eq!(best(&mut tx, mine, thread, true).await.unwrap(), Some(lin));
            let gift =
                Gift { conversation: thread, by: Some(bo), to: lin, is_escalation: true, reason: "wants a refund" };
            assert_eq!(give(&mut tx, other, &gift).await.unwrap(), Given::Missing);
            assert_eq!(give(&mut tx, mine, &gift).await.unwrap(), Given::Done(TransferKind::Escalated));
            assert_eq!(claim(&mut tx, mine, thread, (bo, Words::ToQuestion)).await.unwrap(), Claim::Of(lin));
            tx.commit().await.unwrap();
            let [told] = transfers(&db, mine, thread).await.unwrap().try_into().unwrap();
            assert_eq!((told.by, told.to, told.reason.as_str()), (Some(bo), lin, "wants a refund"));
            assert_eq!(transfers(&db, other, thread).await.unwrap(), []);
        }
    }
}
