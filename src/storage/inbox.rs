//! The inbox: what agents see of conversations before they open one.
//!
//! What it is sorted by stands in columns of its own, see [`place`]; how a page is read, in [`query`].

pub(super) mod place;
mod query;

use std::collections::HashMap;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::columns::{Columns, placeholders};
use super::conversations::{self, Conversation};
use super::messages::{self, Message};
use super::{Db, StorageError};
use crate::domain::conversation::Author;
use crate::domain::decision::Reason;
use crate::domain::ids::{AccountId, ConversationId, ShopId, TurnId};
use crate::domain::turn::TurnState;
use query::{Clauses, Value};
pub use query::{Cursor, InboxQuery, SEARCHED, Search, Show, Whose};

/// Nobody reads a badge to the unit beyond this; counting further would read the whole history of a large shop.
pub const COUNTED: u32 = 10_000;

/// A line of the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxRow {
    /// The conversation.
    pub conversation: Conversation,
    /// What was said last.
    pub last_message: Option<Message>,
    /// Where it stands.
    pub place_ms: i64,
    /// Since when the buyer has been waiting for the shop's side; `None` if it spoke last, or it is done with.
    pub waiting_since_ms: Option<i64>,
    /// Who of the shop's side spoke last.
    pub last_reply_by: Option<Author>,
    /// Whose it is.
    pub assignee: Option<AccountId>,
    /// Whether it was passed to a lead.
    pub is_escalated: bool,
    /// Whether somebody has marked it.
    pub is_marked: bool,
    /// What people have tagged it with, in order.
    pub tags: Vec<String>,
    /// The newest turn.
    pub newest_turn: Option<NewestTurn>,
}

/// The newest turn of a conversation, as much of it as a line shows.
#[derive(Debug, Clone, PartialEq)]
pub struct NewestTurn {
    /// Identity.
    pub id: TurnId,
    /// The buyer's words.
    pub question: String,
    /// What it is about.
    pub topic: String,
    /// How far it has come.
    pub state: TurnState,
    /// How sure the assistant is of its draft, if there is one.
    pub confidence: Option<f64>,
    /// Why a person must look.
    pub reasons: Vec<Reason>,
}

/// How many lines each tab has, for an agent's badges; none is counted beyond [`COUNTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those that a person has to look at.
    pub review: u32,
    /// Those of the agent.
    pub mine: u32,
    /// Those in which a buyer waits.
    pub waiting: u32,
    /// Those not done with.
    pub open: u32,
    /// All.
    pub all: u32,
}

/// What a line is made of. The newest turn is looked up for the lines of a page only.
macro_rules! inbox_line {
    ($rest:literal) => {
        conversations::select!(
            ", c.place_ms, c.waiting_since_ms, c.last_reply_by, c.assignee_id, c.escalated, c.marked, \
             t.id as turn_id, t.question, t.topic, t.state as turn_state, t.reasons, \
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
    let Some(row) = row else { return Ok(None) };
    Ok(with_details(db, shop, vec![read(&row)?]).await?.pop())
}

/// How many there are in each tab of `agent`.
pub async fn counts(db: &Db, shop: ShopId, agent: AccountId) -> Result<Counts, StorageError> {
    let mut found = [0; 5];
    let tabs = [Show::Review, Show::Mine(agent), Show::Waiting, Show::Open, Show::All];
    for (count, show) in found.iter_mut().zip(tabs) {
        let Clauses { sql, values } = query::counting(shop, show, COUNTED);
        let sql = format!("select count(*) as n from (select 1 as one from conversations c {sql}) counted");
        // Only literals and placeholders of `query` were put together.
        let row = bind(sqlx::query(AssertSqlSafe(sql)), values).fetch_one(&db.readers).await?;
        *count = row.number("n")?;
    }
    let [review, mine, waiting, open, all] = found;
    Ok(Counts { review, mine, waiting, open, all })
}

/// A page of the inbox, whoever waits most first. Test questions of staff are not in it.
pub async fn list(db: &Db, shop: ShopId, query: &InboxQuery<'_>) -> Result<Vec<InboxRow>, StorageError> {
    let Clauses { sql, values } = query::page(shop, query);
    // Only literals and placeholders of `query` were put together.
    let sql = page_sql(&sql);
    let rows = bind(sqlx::query(AssertSqlSafe(sql)), values).fetch_all(&db.readers).await?;
    let lines = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    with_details(db, shop, lines).await
}

/// A page is cut first, by the index alone, and only then is what it shows looked up.
fn page_sql(clauses: &str) -> String {
    const LINE: &str = inbox_line!(
        "left join turns t on t.id = (select n.id from turns n where n.conversation_id = c.id \
         order by n.created_at_ms desc, n.id desc limit 1) where c.id in (select c.id from conversations c "
    );
    format!("{LINE}{clauses}) order by c.place_ms, c.id")
}

fn bind(query: Query<'_, Any, AnyArguments>, values: Vec<Value>) -> Query<'_, Any, AnyArguments> {
    values.into_iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Number(number) => query.bind(number),
    })
}

fn read(row: &AnyRow) -> Result<InboxRow, StorageError> {
    let newest_turn = match row.col::<Option<TurnId>>("turn_id")? {
        None => None,
        Some(id) => Some(NewestTurn {
            id,
            question: row.col("question")?,
            topic: row.col("topic")?,
            state: row.col("turn_state")?,
            confidence: row.col("confidence")?,
            reasons: row.json("reasons")?,
        }),
    };
    Ok(InboxRow {
        conversation: conversations::read(row)?,
        last_message: None,
        place_ms: row.col("place_ms")?,
        waiting_since_ms: row.col("waiting_since_ms")?,
        last_reply_by: row.col("last_reply_by")?,
        assignee: row.col("assignee_id")?,
        is_escalated: row.flag("escalated")?,
        is_marked: row.flag("marked")?,
        tags: vec![],
        newest_turn,
    })
}

/// Adds what was said last, and the tags.
async fn with_details(db: &Db, shop: ShopId, mut lines: Vec<InboxRow>) -> Result<Vec<InboxRow>, StorageError> {
    let ids: Vec<_> = lines.iter().map(|line| line.conversation.id).collect();
    let mut last = last_messages(db, shop, &ids).await?;
    let mut tags = super::tags::of(db, shop, &ids).await?;
    for line in &mut lines {
        line.last_message = last.remove(&line.conversation.id);
        line.tags = tags.remove(&line.conversation.id).unwrap_or_default();
    }
    Ok(lines)
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

    async fn shown(db: &Db, shop: ShopId, query: InboxQuery<'_>) -> Vec<ConversationId> {
        list(db, shop, &query).await.unwrap().into_iter().map(|line| line.conversation.id).collect()
    }

    async fn found(db: &Db, shop: ShopId, text: &str) -> Vec<ConversationId> {
        let search = Some(Search { text, people: &[] });
        shown(db, shop, InboxQuery { search, ..InboxQuery::first(Show::All, 10) }).await
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
            let [line] = list(&db, mine, &InboxQuery::first(Show::Open, 10)).await.unwrap().try_into().unwrap();
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
            let tab = async |show| shown(&db, mine, InboxQuery::first(show, 10)).await;
            assert_eq!(tab(Show::Open).await, [plain, taken], "the longest waiting first");
            assert_eq!(tab(Show::Waiting).await, [plain, taken]);
            assert_eq!(tab(Show::Mine(agent)).await, [taken]);
            assert_eq!(tab(Show::Closed).await, [done]);
            assert_eq!(tab(Show::All).await, [plain, taken, done]);
            let nobodys = InboxQuery { whose: Some(Whose::Nobodys), ..InboxQuery::first(Show::Open, 10) };
            assert_eq!(shown(&db, mine, nobodys).await, [plain]);
            assert_eq!(found(&db, mine, "COTTON_A!").await, [plain], "signs are taken as they are");
            assert_eq!(found(&db, mine, "纯棉").await, [taken]);
            let by_name = InboxQuery {
                search: Some(Search { text: "lin", people: &[agent] }),
                ..InboxQuery::first(Show::All, 10)
            };
            assert_eq!(shown(&db, mine, by_name).await, [taken]);
            assert_eq!(found(&db, other, "cotton").await, []);
            assert_eq!(shown(&db, other, InboxQuery::first(Show::All, 10)).await, []);
            let counted = counts(&db, mine, agent).await.unwrap();
            assert_eq!(counted, Counts { review: 0, mine: 1, waiting: 2, open: 2, all: 3 });
        }
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_gap_or_repeat() {
        for Scratch { db, clock, .. } in scratches().await {
            let mine = shop(&db).await;
            let mut all = vec![];
            for number in 0..7 {
                let thread = testing::conversation(&db, mine).await;
                let mut tx = db.begin().await.unwrap();
                say(&mut tx, mine, thread, Author::Buyer, "hello").await;
                tx.commit().await.unwrap();
                // Some stand at one place.
                clock.advance(number % 2);
                all.push(thread);
            }
            let (mut seen, mut after) = (vec![], None);
            loop {
                let query = InboxQuery { after, ..InboxQuery::first(Show::Waiting, 3) };
                let page = list(&db, mine, &query).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some(Cursor { place_ms: last.place_ms, conversation: last.conversation.id });
                seen.extend(page.iter().map(|line| line.conversation.id));
            }
            let unique: std::collections::HashSet<_> = seen.iter().collect();
            assert_eq!((seen.len(), unique.len()), (all.len(), all.len()));
            assert!(all[..2].contains(&seen[0]), "the first two stand at one place");
        }
    }

    /// What SQLite means to do; `SCAN` is a walk through a whole table.
    async fn plan(db: &Db, clauses: Clauses, sql: String) -> String {
        let sql = AssertSqlSafe(format!("explain query plan {sql}"));
        let rows = bind(sqlx::query(sql), clauses.values).fetch_all(&db.readers).await.unwrap();
        rows.iter().map(|row| row.col::<String>("detail").unwrap()).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn no_page_and_no_count_reads_all_there_is() {
        let scratch = testing::sqlite().await;
        let (db, shop) = (&scratch.db, shop(&scratch.db).await);
        let agent = AccountId(uuid::Uuid::from_u128(7));
        let after = Some(Cursor { place_ms: 5, conversation: ConversationId(uuid::Uuid::nil()) });
        let people = [agent];
        for (show, index) in [
            (Show::Review, "inbox_review"),
            (Show::Mine(agent), "inbox_mine"),
            (Show::Waiting, "inbox_open"),
            (Show::Open, "inbox_open"),
            (Show::Auto, "inbox_auto"),
            (Show::Closed, "inbox_open"),
            (Show::All, "inbox_all"),
        ] {
            let clauses = query::page(shop, &InboxQuery { after, ..InboxQuery::first(show, 50) });
            let sql = format!("select c.id from conversations c {}", clauses.sql);
            let told = plan(db, clauses, sql).await;
            assert!(told.contains(&format!("INDEX {index} (")), "{show:?}: {told}");
            assert!(!told.contains("SCAN") && !told.contains("TEMP B-TREE"), "{show:?}: {told}");
            let search = Some(Search { text: "7", people: &people });
            for query in [InboxQuery::first(show, 50), InboxQuery { search, ..InboxQuery::first(show, 50) }] {
                let clauses = query::page(shop, &query);
                let sql = page_sql(&clauses.sql);
                let told = plan(db, clauses, sql).await;
                // A set that was gathered before is walked through, and is as large as a page, or `SEARCHED`.
                let scans = told
                    .lines()
                    .filter(|line| line.contains("SCAN ") && !line.contains("SCAN near"))
                    .collect::<Vec<_>>();
                assert!(
                    scans.iter().all(|line| !line.contains("SCAN c") && !line.contains("SCAN m")),
                    "{show:?}: {told}"
                );
            }
            let clauses = query::counting(shop, show, COUNTED);
            let sql = format!("select count(*) from (select 1 from conversations c {}) counted", clauses.sql);
            let told = plan(db, clauses, sql).await;
            assert!(told.contains("SEARCH c USING COVERING INDEX"), "{show:?}: {told}");
        }
    }
}
