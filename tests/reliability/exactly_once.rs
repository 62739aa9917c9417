//! Requests that come twice, in the wrong order or not at all; two who answer at once; work that kills its workers;
//! clocks that jump.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, header};
use futures::future::{join, join_all};
use kefu::clock::ManualClock;
use kefu::domain::conversation::Author;
use kefu::domain::decision::{Decision, Evidence, Reason};
use kefu::domain::document::RevisionState;
use kefu::domain::ids::TurnId;
use kefu::domain::job::Lane;
use kefu::domain::score::Confidence;
use kefu::domain::turn::TurnState;
use kefu::http::state::HttpSettings;
use kefu::inference::{Asker, GenerateError, GenerateRequest, Generated, Generator, GeneratorSpec, PromptPart};
use kefu::storage::accounts::Role;
use kefu::storage::turns::{NewDecision, NewReply};
use kefu::storage::{documents, jobs, messages, policies, revisions, turns};
use rand::Rng;
use rand::seq::SliceRandom;
use serde_json::json;
use tokio::sync::{Notify, mpsc};
use tower::ServiceExt;

use crate::house::{House, Plan, scripted};
use crate::support::{assert_invariants, count, random, schema_of_its_own};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn a_hundred_at_once_with_one_key_are_one_message() {
    let house = House::build(Plan::default()).await;
    let chat = house.shop.conversations(house.db(), 1).await.remove(0);
    let told = join_all((0..100).map(|_| house.say(&chat, "k", "hello"))).await;
    for answer in &told {
        assert_eq!((answer.status, &answer.json["message"]["id"]), (202, &told[0].json["message"]["id"]));
    }
    assert_eq!(house.say(&chat, "k", "something else").await.status, 409);
    let said = messages::after(house.db(), house.shop.id, chat.0, 0, 10).await.unwrap();
    assert_eq!(said.len(), 1);
    house.runner.drain().await;
    assert_invariants(house.db()).await;
}

/// A network that repeats, mixes up and loses requests and answers. The sender goes on until it has an answer.
#[tokio::test]
async fn over_a_bad_network_every_message_arrives_once() {
    let mut random = random("bad network");
    let house = House::build(Plan::default()).await;
    let chats = house.shop.conversations(house.db(), 4).await;
    let mut wire: Vec<(usize, String)> = Vec::new();
    for chat in 0..chats.len() {
        for number in 0..25 {
            // Some requests are doubled on the way.
            wire.extend((0..random.random_range(1..=3)).map(|_| (chat, format!("k{number}"))));
        }
    }
    let mut acknowledged: HashMap<(usize, String), i64> = HashMap::new();
    let mut n_sent = 0;
    while !wire.is_empty() {
        wire.shuffle(&mut random);
        let (sent, lost): (Vec<_>, Vec<_>) = wire.drain(..).partition(|_| random.random_bool(0.8));
        n_sent += sent.len();
        let told = join_all(sent.iter().map(|(chat, key)| house.say(&chats[*chat], key, key))).await;
        for (request, answer) in sent.into_iter().zip(told) {
            assert_eq!(answer.status, 202, "{}", answer.json);
            if random.random_bool(0.3) {
                // The answer is lost; its sender asks again.
                wire.push(request);
                continue;
            }
            let seq = answer.json["message"]["seq"].as_i64().unwrap();
            let before = *acknowledged.entry(request).or_insert(seq);
            assert_eq!(before, seq, "the same message has one number");
        }
        wire.extend(lost);
    }
    house.runner.drain().await;
    assert_invariants(house.db()).await;
    for (number, (conversation, _)) in chats.iter().enumerate() {
        let said = messages::after(house.db(), house.shop.id, *conversation, 0, 1_000).await.unwrap();
        let buyers: Vec<_> = said.iter().filter(|message| message.author == Author::Buyer).collect();
        assert_eq!(buyers.len(), 25);
        for message in buyers {
            let key = (number, message.client_key.clone().unwrap());
            assert_eq!(acknowledged.get(&key), Some(&message.seq));
        }
    }
    println!("bad network: {n_sent} requests for 100 messages, each there once");
}

/// Holds a turn's draft for an agent, as the answering job does.
async fn hold(house: &House, turn: TurnId, draft: &str) {
    let evidence = Evidence {
        escalations: vec![],
        holds: vec![],
        grounded_share: 1.0,
        confidence: Confidence::new(0.7).unwrap(),
        topic: "returns".into(),
        about: None,
    };
    let new = NewDecision {
        turn,
        expected_version: 0,
        draft: Some(draft),
        citations: &[],
        evidence: &evidence,
        decision: &Decision::Review { reasons: vec![Reason::BelowBar] },
        policy: policies::current(house.db(), house.shop.id).await.unwrap().id,
        draw: 0.5,
        record: &json!({}),
    };
    let mut tx = house.db().begin().await.unwrap();
    turns::record_decision(&mut tx, house.shop.id, &new).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}

/// Ops throw the switch at any moment around the one at which an answer is ready. Once they were told that it is
/// thrown, no buyer is told anything more.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_when_ops_have_stopped_everything_is_never_sent() {
    let rounds = count("KEFU_TEST_RACE_ROUNDS", 60);
    let mut random = random("the switch");
    let postgres = schema_of_its_own().await;
    if postgres.is_none() {
        println!("SKIPPED on Postgres: KEFU_TEST_POSTGRES_URL is not set");
    }
    for database in std::iter::once(None).chain(postgres.map(Some)) {
        let engine = database.as_ref().map_or("SQLite", |_| "Postgres");
        let house = House::build(Plan { database, ..Plan::default() }).await;
        let ops = house.shop.token(Role::Ops);
        let (mut n_sent, mut n_stopped) = (0, 0);
        for _ in 0..rounds {
            let chat = house.shop.conversations(house.db(), 1).await.remove(0);
            house.ask(&chat, "k", "hello").await;
            let n_replies = async || {
                let said = messages::after(house.db(), house.shop.id, chat.0, 0, 10).await.unwrap();
                said.iter().filter(|message| message.author == Author::Assistant).count()
            };
            let delay = Duration::from_micros(random.random_range(0..8_000));
            let stop = async {
                tokio::time::sleep(delay).await;
                let told = house.post(ops, "/v1/ops/kill-switch", &json!({ "on": true })).await;
                assert_eq!(told.status, 200, "{}", told.json);
                n_replies().await
            };
            let ((), when_stopped) = join(house.runner.drain(), stop).await;
            assert_eq!(n_replies().await, when_stopped, "{engine}: sent after the switch was thrown");
            n_sent += when_stopped;
            n_stopped += 1 - when_stopped;
            let told = house.post(ops, "/v1/ops/kill-switch", &json!({ "on": false })).await;
            assert_eq!(told.status, 200, "{}", told.json);
        }
        println!("the switch on {engine}: {rounds} rounds, {n_sent} sent before it, {n_stopped} stopped by it");
        assert_invariants(house.db()).await;
    }
}

/// The assistant sends by itself while an agent answers in own words; or tries to, while an agent accepts its draft.
/// Whoever is second is told so.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_agent_and_the_assistant_exactly_one_replies() {
    let rounds = count("KEFU_TEST_RACE_ROUNDS", 100);
    let mut random = random("two who reply");
    let house = House::build(Plan::default()).await;
    let agent = house.shop.token(Role::Agent);
    let (mut by_agent, mut by_assistant) = (0, 0);
    for round in 0..rounds {
        let chat = house.shop.conversations(house.db(), 1).await.remove(0);
        let turn = house.ask(&chat, "k", "hello").await;
        let delay = Duration::from_micros(random.random_range(0..3_000));
        if round % 2 == 0 {
            let body = json!({ "text": "Hello, this is Lin.", "client_key": "a", "turn_id": turn });
            let path = format!("/v1/console/conversations/{}/messages", chat.0);
            let late = async {
                tokio::time::sleep(delay).await;
                house.post(agent, &path, &body).await
            };
            let ((), told) = join(house.runner.drain(), late).await;
            match told.status {
                200 => by_agent += 1,
                409 => {
                    assert_eq!(told.json["code"], "already_resolved", "{}", told.json);
                    assert_eq!(told.json["errors"][0]["state"], "replied", "{}", told.json);
                    by_assistant += 1;
                }
                status => panic!("{status}: {}", told.json),
            }
        } else {
            hold(&house, turn, "Within 7 days.").await;
            let path = format!("/v1/console/turns/{turn}/accept");
            let body = json!({ "version": 1 });
            let send = async || {
                let reply = NewReply {
                    turn,
                    expected_version: 1,
                    author: Author::Assistant,
                    account: None,
                    text: "Within 7 days.",
                    citations: &[],
                };
                let mut tx = house.db().begin().await.unwrap();
                let sent = turns::reply(&mut tx, house.shop.id, &reply).await.unwrap();
                tx.commit().await.unwrap();
                sent
            };
            let (sent, (first, second)) =
                join(send(), join(house.post(agent, &path, &body), house.post(agent, &path, &body))).await;
            assert_eq!(sent, None, "what was held for a person is never sent without one");
            let mut statuses = [first.status, second.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "an impatient agent sends once");
            by_agent += 1;
            house.runner.drain().await;
        }
        let said = messages::after(house.db(), house.shop.id, chat.0, 0, 10).await.unwrap();
        let replies = said.iter().filter(|message| !matches!(message.author, Author::Buyer | Author::Notice)).count();
        assert_eq!(replies, 1, "round {round}: exactly one reply");
    }
    assert_invariants(house.db()).await;
    println!("two who reply: {rounds} races, {by_agent} won by the agent, {by_assistant} by the assistant, 0 double");
}

/// Never ends the first time; counts who gave up on it.
struct Hanging {
    then: kefu::inference::fake::ScriptedGenerator,
    n_asked: AtomicUsize,
    began: Notify,
    n_dropped: Arc<AtomicUsize>,
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Generator for Hanging {
    fn spec(&self) -> &GeneratorSpec {
        self.then.spec()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.then.count_tokens(text)
    }

    async fn generate(
        &self,
        request: GenerateRequest,
        tokens: Option<mpsc::Sender<String>>,
    ) -> Result<Generated, GenerateError> {
        if self.n_asked.fetch_add(1, Ordering::SeqCst) == 0 {
            let _dropped = Dropped(self.n_dropped.clone());
            self.began.notify_one();
            std::future::pending::<()>().await;
        }
        self.then.generate(request, tokens).await
    }

    async fn weigh(&self, prompt: &[PromptPart], choices: &[&str], asker: Asker) -> Result<Vec<f32>, GenerateError> {
        self.then.weigh(prompt, choices, asker).await
    }
}

#[tokio::test]
async fn work_that_nobody_waits_for_is_dropped_and_frees_the_generator() {
    let n_dropped = Arc::new(AtomicUsize::new(0));
    let generator = Arc::new(Hanging {
        then: scripted(),
        n_asked: AtomicUsize::new(0),
        began: Notify::new(),
        n_dropped: n_dropped.clone(),
    });
    let house = House::build(Plan { generator: generator.clone(), ..Plan::default() }).await;
    house.know("returns.md", "# Returns\n\nAn item may be returned within 7 days.\n").await;
    let chat = house.shop.conversations(house.db(), 1).await.remove(0);
    let first = house.ask(&chat, "k1", "How long may I return an item?").await;
    let asking_again = async {
        generator.began.notified().await;
        house.ask(&chat, "k2", "Within how many days may an item be returned?").await
    };
    let ((), second) = join(house.runner.drain(), asking_again).await;
    house.runner.drain().await;
    assert_eq!(n_dropped.load(Ordering::SeqCst), 1);
    let state = async |turn| turns::get(house.db(), house.shop.id, turn).await.unwrap().unwrap().state;
    assert_eq!(state(first).await, TurnState::Superseded);
    assert_ne!(state(second).await, TurnState::Asked, "the generator was free for it");
    assert_invariants(house.db()).await;
}

/// With a single seat, a page that left would keep everybody out.
#[tokio::test]
async fn a_page_that_leaves_leaves_nothing_behind() {
    let settings = HttpSettings { requests_at_once: 1, ..HttpSettings::default() };
    let house = House::build(Plan { settings, ..Plan::default() }).await;
    let chat = house.shop.conversations(house.db(), 1).await.remove(0);
    for _ in 0..100 {
        let request = Request::builder().uri(format!("/v1/chat/{}/events", chat.0));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", chat.1));
        let answer = house.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        drop(answer);
    }
    assert_eq!(house.say(&chat, "k", "hello").await.status, 202);
    house.runner.drain().await;
    assert_invariants(house.db()).await;
}

#[tokio::test]
async fn clocks_that_jump_a_day_keep_order_and_make_nobody_wait() {
    let mut random = random("clock");
    let clock = Arc::new(ManualClock::at(1_767_225_600_000));
    let house = House::build(Plan { clock: clock.clone(), ..Plan::default() }).await;
    let chat = house.shop.conversations(house.db(), 1).await.remove(0);
    // Ends where it began, so that nobody's session is over meanwhile.
    let mut jumps = [DAY_MS, -DAY_MS, -DAY_MS, DAY_MS, 1_000, -1_000, 3_600_000, -3_600_000];
    jumps.shuffle(&mut random);
    for (number, jump) in jumps.into_iter().enumerate() {
        let turn = house.ask(&chat, &format!("k{number}"), "hello").await;
        clock.advance(jump);
        house.runner.drain().await;
        let turn = turns::get(house.db(), house.shop.id, turn).await.unwrap().unwrap();
        assert_eq!(turn.state, TurnState::Replied, "after a jump of {jump} ms");
    }
    let said = messages::after(house.db(), house.shop.id, chat.0, 0, 100).await.unwrap();
    assert_eq!(said.len(), 2 * jumps.len());
    assert!(said.windows(2).all(|pair| pair[0].author != pair[1].author), "question, answer, question, answer …");
    let waiting = house.ask(&chat, "lease", "hello").await;
    let job = jobs::claim(house.db(), Lane::Interactive, "kefu", 60_000).await.unwrap().unwrap();
    clock.advance(DAY_MS);
    house.runner.drain().await;
    assert!(jobs::renew(house.db(), &job, 60_000).await.unwrap(), "a jump takes no lease away from one who is alive");
    let state = turns::get(house.db(), house.shop.id, waiting).await.unwrap().unwrap().state;
    assert_eq!(state, TurnState::Asked, "nor is the work done twice");
    house.runner.recover().await.unwrap();
    house.runner.drain().await;
    assert_invariants(house.db()).await;
}

#[tokio::test]
async fn a_question_that_kills_its_workers_goes_to_a_person_and_the_others_are_answered() {
    let house = House::build(Plan::default()).await;
    let chats = house.shop.conversations(house.db(), 2).await;
    let poison = house.ask(&chats[0], "k", "hello").await;
    for _ in 0..3 {
        let job = jobs::claim(house.db(), Lane::Interactive, "kefu", 60_000).await.unwrap();
        assert!(job.is_some(), "it is tried again");
        // The process is dead; the next one begins.
        house.runner.recover().await.unwrap();
    }
    assert!(jobs::claim(house.db(), Lane::Interactive, "kefu", 60_000).await.unwrap().is_none(), "not for ever");
    let turn = turns::get(house.db(), house.shop.id, poison).await.unwrap().unwrap();
    assert_eq!(turn.state, TurnState::Escalated);
    let said = messages::after(house.db(), house.shop.id, chats[0].0, 0, 10).await.unwrap();
    assert_eq!(said.last().map(|message| message.author), Some(Author::Notice), "the buyer is told");
    let other = house.ask(&chats[1], "k", "hello").await;
    house.runner.drain().await;
    let other = turns::get(house.db(), house.shop.id, other).await.unwrap().unwrap();
    assert_eq!(other.state, TurnState::Replied);
    assert_invariants(house.db()).await;
}

/// A program that dies whatever it is given to read.
#[tokio::test]
async fn a_file_that_kills_its_reader_fails_with_a_reason_and_the_chat_goes_on() {
    let house = House::build(Plan { reader: "/bin/false".into(), ..Plan::default() }).await;
    let chat = house.shop.conversations(house.db(), 1).await.remove(0);
    house.know("poison.md", "# Poison\n\nThis file kills.\n").await;
    let listed = documents::list(house.db(), house.shop.id).await.unwrap();
    let revision = revisions::of_document(house.db(), house.shop.id, listed[0].document.id).await.unwrap().remove(0);
    assert_eq!((revision.state, revision.error_code.as_deref()), (RevisionState::Failed, Some("crashed")));
    let turn = house.ask(&chat, "k", "hello").await;
    house.runner.drain().await;
    assert_eq!(turns::get(house.db(), house.shop.id, turn).await.unwrap().unwrap().state, TurnState::Replied);
    assert_invariants(house.db()).await;
}
