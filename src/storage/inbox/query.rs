//! Which lines of the inbox are read, as SQL: each tab is a walk along an index of its own, cut at the page's end.

use std::fmt::Write;

use crate::domain::ids::{AccountId, ConversationId, ShopId};
use crate::domain::inbox::WAITING_BELOW_MS;
use crate::domain::text::Lang;

/// Words are looked for in so many conversations: those that wait, and behind them the last changed. A word of two
/// Chinese characters fits no index that both engines have, and an index of words would be one more place in which a
/// forgotten buyer's stay. Order numbers and colleagues are found by index, however old.
pub const SEARCHED: u32 = 5_000;

/// Which conversations are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Those that a person has to look at.
    Review,
    /// Those not done with that are this agent's.
    Mine(AccountId),
    /// Those in which a buyer waits, for whomever.
    Waiting,
    /// Those not done with.
    Open,
    /// Those in which the assistant, by itself, was the last of the shop's side to speak.
    Auto,
    /// Those done with.
    Closed,
    /// All.
    All,
}

/// Whose a conversation has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This person's.
    Of(AccountId),
    /// Nobody's.
    Nobodys,
}

/// The last line of a page: the next page begins behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Its place.
    pub place_ms: i64,
    /// Which it is, of those at that place.
    pub conversation: ConversationId,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Words that somebody said, in any case where letters have one, or the number of an order.
    pub text: &'a str,
    /// Colleagues whose name it is.
    pub people: &'a [AccountId],
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct InboxQuery<'a> {
    /// Which.
    pub show: Show,
    /// Only those that this finds.
    pub search: Option<Search<'a>>,
    /// Only those with this tag.
    pub tag: Option<&'a str>,
    /// Only those that somebody has marked.
    pub marked: bool,
    /// Only those in this language.
    pub lang: Option<Lang>,
    /// Only those of this person, or of nobody.
    pub whose: Option<Whose>,
    /// Only those behind.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: u32,
}

impl InboxQuery<'_> {
    /// The first page of a tab, as it is.
    pub fn first(show: Show, limit: u32) -> Self {
        Self { show, search: None, tag: None, marked: false, lang: None, whose: None, after: None, limit }
    }
}

/// A value of a placeholder.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Number(i64),
}

/// A statement's end with the values of its placeholders, `$1` first.
#[derive(Debug)]
pub(super) struct Clauses {
    pub sql: String,
    pub values: Vec<Value>,
}

impl Clauses {
    fn value(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    fn text(&mut self, text: impl ToString) -> usize {
        self.value(Value::Text(text.to_string()))
    }

    fn push(&mut self, clause: std::fmt::Arguments<'_>) {
        self.sql.write_fmt(clause).expect("a string takes whatever is written to it");
    }
}

/// What a tab is: the equalities at the head of its index. `kind` and flags are literals, so that any planner sees them.
fn tab(clauses: &mut Clauses, show: Show) {
    match show {
        Show::Review => clauses.push(format_args!(" and c.needs_person = 1")),
        Show::Mine(agent) => {
            let agent = clauses.text(agent);
            clauses.push(format_args!(" and c.assignee_id = ${agent} and c.closed = 0"));
        }
        Show::Waiting => clauses.push(format_args!(" and c.closed = 0 and c.place_ms < {WAITING_BELOW_MS}")),
        Show::Open => clauses.push(format_args!(" and c.closed = 0")),
        Show::Auto => clauses.push(format_args!(" and c.last_reply_by = 'assistant'")),
        Show::Closed => clauses.push(format_args!(" and c.closed = 1")),
        Show::All => {}
    }
}

/// `where …` of how many lines a tab has; it counts no further than `limit`.
pub(super) fn counting(shop: ShopId, show: Show, limit: u32) -> Clauses {
    let mut clauses = Clauses { sql: String::new(), values: vec![] };
    let shop = clauses.text(shop);
    clauses.push(format_args!("where c.shop_id = ${shop} and c.kind = 'buyer'"));
    tab(&mut clauses, show);
    clauses.push(format_args!(" limit {limit}"));
    clauses
}

/// `where … order by … limit …` of a page.
pub(super) fn page(shop_id: ShopId, query: &InboxQuery<'_>) -> Clauses {
    let mut clauses = Clauses { sql: String::new(), values: vec![] };
    let shop = clauses.text(shop_id);
    clauses.push(format_args!("where c.shop_id = ${shop} and c.kind = 'buyer'"));
    tab(&mut clauses, query.show);
    if query.marked {
        clauses.push(format_args!(" and c.marked = 1"));
    }
    if let Some(lang) = query.lang {
        let lang = clauses.text(lang.code());
        clauses.push(format_args!(" and c.lang = ${lang}"));
    }
    match query.whose {
        Some(Whose::Of(agent)) => {
            let agent = clauses.text(agent);
            clauses.push(format_args!(" and c.assignee_id = ${agent}"));
        }
        Some(Whose::Nobodys) => clauses.push(format_args!(" and c.assignee_id is null")),
        None => {}
    }
    if let Some(tag) = query.tag {
        let tag = clauses.text(tag);
        clauses.push(format_args!(
            " and c.id in (select g.conversation_id from conversation_tags g where g.shop_id = $1 and g.tag = ${tag})"
        ));
    }
    if let Some(search) = query.search {
        find(&mut clauses, &search);
    }
    if let Some(after) = query.after {
        let (place, id) = (clauses.value(Value::Number(after.place_ms)), clauses.text(after.conversation));
        clauses.push(format_args!(" and (c.place_ms, c.id) > (${place}, ${id})"));
    }
    let limit = clauses.value(Value::Number(i64::from(query.limit)));
    clauses.push(format_args!(" order by c.place_ms, c.id limit ${limit}"));
    clauses
}

/// What the words find, as a set of bounded size: the page is then read from it, and not from all there is.
fn find(clauses: &mut Clauses, search: &Search<'_>) {
    let (words, number) = (clauses.text(contains(search.text)), clauses.text(search.text.trim()));
    let people: Vec<String> = search.people.iter().map(|person| format!("${}", clauses.text(person))).collect();
    clauses.push(format_args!(
        " and c.id in (select near.id from (select n.id from conversations n where n.shop_id = $1 and n.kind = 'buyer' \
         order by n.place_ms, n.id limit {SEARCHED}) near where exists (select 1 from messages h \
         where h.conversation_id = near.id and h.author <> 'notice' and lower(h.text) like ${words} escape '!') \
         union select b.id from conversations b join orders o on o.shop_id = b.shop_id and o.buyer_id = b.buyer_id \
         where b.shop_id = $1 and o.number = ${number} \
         union select k.conversation_id from tasks k join orders o on o.id = k.order_id \
         where k.shop_id = $1 and o.shop_id = $1 and o.number = ${number}"
    ));
    if !people.is_empty() {
        let people = people.join(", ");
        clauses.push(format_args!(
            " union select p.id from (select q.id from conversations q where q.shop_id = $1 and q.kind = 'buyer' \
             and q.assignee_id in ({people}) order by q.place_ms limit {SEARCHED}) p"
        ));
    }
    clauses.push(format_args!(")"));
}

/// A pattern for `like … escape '!'` that finds `text` as it is written.
fn contains(text: &str) -> String {
    let escaped = text.trim().to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}
