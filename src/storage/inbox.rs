//! The inbox: what agents see of conversations before they open one.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::columns::{Columns, placeholders};
use super::conversations::{self, Conversation};
use super::messages::{self, Message};
use super::{Db, StorageError};
use crate::domain::conversation::Author;
use crate::domain::decision::Reason;
use crate::domain::ids::{AccountId, ConversationId, ShopId, TurnId};
use crate::domain::turn::TurnState;

/// Which conversations are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Those not done with.
    Open,
    /// Those not done with that this agent has taken over.
    Mine(AccountId),
    /// Those in which the assistant, by itself, was the last of the shop's side to speak.
    Auto,
    /// Those done with.
    Closed,
    /// All.
    All,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct InboxQuery<'a> {
    /// Which.
    pub show: Show,
    /// Only those in which somebody said this; case does not matter where letters have one.
    pub search: Option<&'a str>,
    /// Only those last changed before: the way to the next page.
    pub before_ms: i64,
    /// At most so many.
    pub limit: u32,
}

/// A line of the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxRow {
    /// The conversation.
    pub conversation: Conversation,
    /// What was said last.
    pub last_message: Option<Message>,
    /// Since when the buyer has been waiting for the shop's side; `None` if it spoke last.
    pub waiting_since_ms: Option<i64>,
    /// The newest turn.
    pub newest_turn: Option<NewestTurn>,
}

/// The newest turn of a conversation, as much of it as a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct NewestTurn {
    /// Identity.
    pub id: TurnId,
    /// How far it has come.
    pub state: TurnState,
    /// How sure the assistant is of its draft, if there is one.
    pub confidence: Option<f64>,
    /// Why a person must look.
    pub reasons: Vec<Reason>,
}

/// What waits, for an agent's badges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Drafts to be reviewed.
    pub review: u32,
    /// Questions that a person has to answer, rejected drafts among them.
    pub escalated: u32,
    /// Conversations not done with.
    pub open: u32,
    /// Those of them that the agent has taken over.
    pub mine: u32,
}

/// What a line is made of.
macro_rules! inbox_line {
    ($rest:literal) => {
        conversations::select!(
            ", (select min(b.created_at_ms) from messages b where b.conversation_id = c.id and b.author = 'buyer' \
             and b.seq > coalesce((select max(s.seq) from messages s where s.conversation_id = c.id \
             and s.author in ('assistant', 'reviewed', 'agent')), 0)) as waiting_since_ms, \
             t.id as turn_id, t.state as turn_state, t.reasons, \
             case when t.draft is null then null else t.confidence end as confidence",
            $rest
        )
    };
}

/// One conversation as a line.
pub async fn get(db: &Db, shop: ShopId, conversation: ConversationId) -> Result<Option<InboxRow>, StorageError> {
    let row = sqlx::query(inbox_line!(
        "left join turns t on t.id = (select n.id from turns n where n.conversation_id = c.id \
         order by n.created_at_ms desc, n.id desc limit 1) where c.shop_id = $1 and c.id = $2 and c.kind = 'buyer'"
    ))
    .bind(shop)
    .bind(conversation)
    .fetch_optional(&db.readers)
    .await?;
    let Some(mut line) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    line.last_message = last_messages(db, shop, &[conversation]).await?.remove(&conversation);
    Ok(Some(line))
}

/// What waits in the shop, and what of it is `agent`'s.
pub async fn counts(db: &Db, shop: ShopId, agent: AccountId) -> Result<Counts, StorageError> {
    let turns = sqlx::query(
        "select count(*) filter (where t.state = 'review') as review, \
         count(*) filter (where t.state in ('escalated', 'rejected')) as escalated \
         from turns t join conversations c on c.id = t.conversation_id \
         where t.shop_id = $1 and c.kind = 'buyer' and t.state in ('review', 'escalated', 'rejected')",
    )
    .bind(shop)
    .fetch_one(&db.readers)
    .await?;
    let open = sqlx::query(
        "select count(*) as open, count(*) filter (where agent_id = $2) as mine from conversations \
         where shop_id = $1 and kind = 'buyer' and closed = 0",
    )
    .bind(shop)
    .bind(agent)
    .fetch_one(&db.readers)
    .await?;
    Ok(Counts {
        review: turns.number("review")?,
        escalated: turns.number("escalated")?,
        open: open.number("open")?,
        mine: open.number("mine")?,
    })
}

/// The inbox, last changed first. Test questions of staff are not in it.
pub async fn list(db: &Db, shop: ShopId, query: &InboxQuery<'_>) -> Result<Vec<InboxRow>, StorageError> {
    let (closed, agent, speaker) = match query.show {
        Show::Open => (Some(0i64), None, None),
        Show::Mine(agent) => (Some(0), Some(agent), None),
        Show::Auto => (None, None, Some(Author::Assistant)),
        Show::Closed => (Some(1), None, None),
        Show::All => (None, None, None),
    };
    let rows = sqlx::query(inbox_line!(
        "left join turns t on t.id = (select n.id from turns n where n.conversation_id = c.id \
         order by n.created_at_ms desc, n.id desc limit 1) \
         where c.shop_id = $1 and c.kind = 'buyer' and ($2 is null or c.closed = $2) \
         and ($3 is null or c.agent_id = $3) \
         and ($4 is null or exists (select 1 from messages h where h.conversation_id = c.id \
         and lower(h.text) like $4 escape '!')) and c.updated_at_ms < $5 \
         and ($7 is null or $7 = (select r.author from messages r where r.conversation_id = c.id \
         and r.author in ('assistant', 'reviewed', 'agent') order by r.seq desc limit 1)) \
         order by c.updated_at_ms desc, c.id desc limit $6"
    ))
    .bind(shop)
    .bind(closed)
    .bind(agent)
    .bind(query.search.map(contains))
    .bind(query.before_ms)
    .bind(i64::from(query.limit))
    .bind(speaker)
    .fetch_all(&db.readers)
    .await?;
    let mut lines = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = lines.iter().map(|line| line.conversation.id).collect();
    let mut last = last_messages(db, shop, &ids).await?;
    for line in &mut lines {
        line.last_message = last.remove(&line.conversation.id);
    }
    Ok(lines)
}

/// A pattern for `like … escape '!'` that finds `text` as it is written.
fn contains(text: &str) -> String {
    let escaped = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

fn read(row: &AnyRow) -> Result<InboxRow, StorageError> {
    let newest_turn = match row.col::<Option<TurnId>>("turn_id")? {
        None => None,
        Some(id) => Some(NewestTurn {
            id,
            state: row.col("turn_state")?,
            confidence: row.col("confidence")?,
            reasons: row.json("reasons")?,
        }),
    };
    Ok(InboxRow {
        conversation: conversations::read(row)?,
        last_message: None,
        waiting_since_ms: row.col("waiting_since_ms")?,
        newest_turn,
    })
}

async fn last_messages(
    db: &Db,
    shop: ShopId,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, Message>, StorageError> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "{} ({})",
        messages::select!(
            "join conversations c on c.id = m.conversation_id and m.seq = c.next_seq - 1 \
             where m.shop_id = $1 and m.conversation_id in"
        ),
        placeholders(2, conversations.len())
    );
    // Only placeholders were added to the literal.
    let query = sqlx::query(AssertSqlSafe(sql)).bind(shop);
    let rows = conversations.iter().fold(query, |query, id| query.bind(id)).fetch_all(&db.readers).await?;
    rows.iter().map(|row| messages::read(row).map(|message| (message.conversation, message))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::messages::NewMessage;
    use super::super::testing::{self, Scratch, scratches, shop};
    use super::super::{Tx, turns};
    use super::*;
    use crate::domain::conversation::Author;
    use crate::domain::text::Lang;

    async fn say(tx: &mut Tx, shop: ShopId, thread: ConversationId, author: Author, text: &str) {
        let new = NewMessage { author, account: None, text, citations: &[], turn: None, client_key: None };
        messages::add(tx, shop, thread, &new).await.unwrap().unwrap();
    }

    async fn shown(db: &Db, shop: ShopId, show: Show, search: Option<&str>) -> Vec<ConversationId> {
        let query = InboxQuery { show, search, before_ms: i64::MAX, limit: 10 };
        list(db, shop, &query).await.unwrap().into_iter().map(|line| line.conversation.id).collect()
    }

    #[tokio::test]
    async fn a_line_says_who_waits_since_when_and_what_was_said_last() {
        for Scratch { db, clock, .. } in scratches().await {
            let mine = shop(&db).await;
            let thread = testing::conversation(&db, mine).await;
            let mut tx = db.begin().await.unwrap();
            say(&mut tx, mine, thread, Author::Buyer, "hello").await;
            say(&mut tx, mine, thread, Author::Agent, "hi").await;
            clock.advance(10);
            let since_ms = tx.now_ms();
            let question = turns::NewQuestion { text: "and now?", client_key: None, lang: Lang::En };
            let asked = turns::ask(&mut tx, mine, thread, &question).await.unwrap().unwrap();
            clock.advance(10);
            say(&mut tx, mine, thread, Author::Notice, "a person will answer").await;
            tx.commit().await.unwrap();
            let query = InboxQuery { show: Show::Open, search: None, before_ms: i64::MAX, limit: 10 };
            let [line] = list(&db, mine, &query).await.unwrap().try_into().unwrap();
            assert_eq!(line.waiting_since_ms, Some(since_ms), "a notice is no answer");
            assert_eq!(line.last_message.unwrap().text, "a person will answer");
            let newest = line.newest_turn.clone().unwrap();
            assert_eq!((newest.id, newest.state), (asked.turn, TurnState::Asked));
        }
    }

    #[tokio::test]
    async fn filters_and_search_stay_in_the_shop() {
        for Scratch { db, clock, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let [plain, taken, done] = [
                testing::conversation(&db, mine).await,
                testing::conversation(&db, mine).await,
                testing::conversation(&db, mine).await,
            ];
            let agent = AccountId(uuid::Uuid::from_u128(7));
            let mut tx = db.begin().await.unwrap();
            for (thread, text) in [(plain, "100% Cotton_a!"), (taken, "纯棉 100 percent"), (done, "cottonXa")] {
                clock.advance(1);
                say(&mut tx, mine, thread, Author::Buyer, text).await;
            }
            conversations::take_over(&mut tx, mine, taken, agent).await.unwrap();
            conversations::set_closed(&mut tx, mine, done, true).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(shown(&db, mine, Show::Open, None).await, [taken, plain]);
            assert_eq!(shown(&db, mine, Show::Mine(agent), None).await, [taken]);
            assert_eq!(shown(&db, mine, Show::Closed, None).await, [done]);
            assert_eq!(shown(&db, mine, Show::All, None).await, [done, taken, plain]);
            assert_eq!(shown(&db, mine, Show::All, Some("COTTON_A!")).await, [plain], "signs are taken as they are");
            assert_eq!(shown(&db, mine, Show::All, Some("纯棉")).await, [taken]);
            assert_eq!(shown(&db, other, Show::All, None).await, []);
        }
    }
}
