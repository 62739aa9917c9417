//! More than there is capacity for: said at once, in bounds, and over when it is over. The generator is scripted.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{Method, Request, header};
use futures::future::{FutureExt, join_all};
use kefu::domain::decision::Reason;
use kefu::domain::ids::ConversationId;
use kefu::domain::turn::TurnState;
use kefu::http::state::HttpSettings;
use kefu::jobs::RunnerOptions;
use kefu::storage::accounts::Role;
use kefu::storage::{messages, turns};
use tower::ServiceExt;

use crate::house::{House, Plan, scripted};
use crate::support::{assert_invariants, count, setting};

fn settings(requests_at_once: usize) -> HttpSettings {
    HttpSettings { requests_at_once, messages_per_conversation: 1_000_000, ..HttpSettings::default() }
}

/// No clock is asked: while every seat is held by a request that never ends, the next one is answered all the same.
#[tokio::test]
async fn with_every_seat_taken_the_next_is_told_at_once_to_come_again() {
    // Fewer than the database has readers: what holds a seat in this test may hold one of those, too.
    let house = House::build(Plan { settings: settings(2), ..Plan::default() }).await;
    let chat = house.shop.conversations(house.db(), 1).await.remove(0);
    let mut held: Vec<_> = (0..2)
        .map(|_| {
            let body = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
            let request = Request::builder().method(Method::POST).uri("/v1/knowledge/documents");
            let request = request.header(header::AUTHORIZATION, format!("Bearer {}", house.shop.token(Role::Staff)));
            let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
            Box::pin(house.router.clone().oneshot(request.body(body).unwrap()))
        })
        .collect();
    for request in &mut held {
        assert!(request.now_or_never().is_none(), "it waits for its body");
    }
    let told = house.say(&chat, "k", "hello").await;
    assert_eq!((told.status, told.json["code"].as_str()), (503, Some("try_again")), "{}", told.json);
    assert_eq!(told.headers[header::RETRY_AFTER], "2");
    assert_eq!(house.get("", "/healthz").await.status, 200, "it is busy, not dead");
    let request = Request::builder().uri(format!("/v1/chat/{}/events", chat.0));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {}", chat.1)).body(Body::empty()).unwrap();
    assert_eq!(
        house.router.clone().oneshot(request).await.unwrap().status(),
        200,
        "live streams come in by another door"
    );
    held.pop();
    assert_eq!(house.say(&chat, "k", "hello").await.status, 202, "a seat is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_times_the_capacity_is_turned_away_in_part_and_nothing_is_lost() {
    let (seats, rounds) = (8, count("KEFU_TEST_OVERLOAD_ROUNDS", 2));
    let generator = Arc::new(scripted().taking(Duration::from_millis(5)));
    let options = RunnerOptions { max_waiting_turns: 8, ..RunnerOptions::default() };
    let house = House::build(Plan { settings: settings(seats), generator, options, ..Plan::default() }).await;
    house.know("returns.md", "# Returns\n\nAn item may be returned within 7 days.\n").await;
    let chats = house.shop.conversations(house.db(), seats * 50).await;
    house.runner.start(&house.life, 1, 1);
    let (mut n_taken, mut n_refused, mut busy) = (0, 0, Duration::ZERO);
    let ask = async |key: String, chat: usize| {
        let told = house.say(&chats[chat], &key, "How long may I return an item?").await;
        match told.status {
            202 => true,
            503 => {
                assert!(told.headers.contains_key(header::RETRY_AFTER), "it says when to come again");
                false
            }
            status => panic!("{status}: {}", told.json),
        }
    };
    for round in 0..rounds {
        // Everybody at once, and again, until everybody was heard.
        let mut waiting: Vec<usize> = (0..chats.len()).collect();
        while !waiting.is_empty() {
            let started = Instant::now();
            let taken = join_all(waiting.iter().map(|chat| ask(format!("round-{round}"), *chat))).await;
            busy += started.elapsed();
            n_taken += taken.iter().filter(|is_taken| **is_taken).count();
            n_refused += taken.iter().filter(|is_taken| !**is_taken).count();
            assert!(taken.contains(&true), "some work is done however many ask");
            waiting = waiting.iter().zip(taken).filter(|(_, is_taken)| !is_taken).map(|(chat, _)| *chat).collect();
        }
    }
    let alone = Instant::now();
    for number in 0..50 {
        assert!(ask(format!("alone-{number}"), number).await, "afterwards everybody is served");
    }
    let per_s = |n: usize, took: Duration| n as f64 / took.as_secs_f64();
    println!(
        "overload: {} asked for {seats} seats, {n_refused} told to come again; {:.0} messages/s taken while overloaded, {:.0}/s one by one",
        chats.len(),
        per_s(n_taken, busy),
        per_s(50, alone.elapsed()),
    );
    assert!(n_refused > 0, "it was an overload");
    house.runner.drain().await;
    house.life.stop();
    assert!(house.life.wait().await);
    assert_invariants(house.db()).await;
    let mut n_overloaded = 0;
    for (conversation, _) in &chats {
        let said = messages::after(house.db(), house.shop.id, *conversation, 0, 1_000).await.unwrap();
        let n_asked = said.iter().filter(|message| message.client_key.is_some()).count();
        assert!(n_asked >= rounds, "every acknowledged message is there");
        for turn in turns::of_conversation(house.db(), house.shop.id, *conversation).await.unwrap() {
            assert_ne!(turn.state, TurnState::Asked);
            let reasons = turn.decision.as_ref().map(|decision| decision.reasons().to_vec()).unwrap_or_default();
            n_overloaded += usize::from(reasons.contains(&Reason::Overloaded));
        }
    }
    assert!(n_overloaded > 0, "turns that would have waited too long went to a person");
}

/// What a crowd was told while it asked.
#[derive(Default)]
struct Heard {
    n_taken: usize,
    refused: Vec<Duration>,
}

/// So many buyers ask for so long, each again as soon as it was heard; one that was refused comes again far sooner than
/// it was told to.
async fn crowd(house: &House, (chats, phase): (&[(ConversationId, String)], &str), lasts: Duration) -> (Heard, f64) {
    let began = Instant::now();
    let heard = Mutex::new(Heard::default());
    let buyer = async |chat: usize| {
        for number in 0.. {
            if began.elapsed() >= lasts {
                return;
            }
            let asked = Instant::now();
            let told = house.say(&chats[chat], &format!("{phase}-{number}"), "How long may I return an item?").await;
            match told.status {
                202 => heard.lock().unwrap().n_taken += 1,
                503 => {
                    assert!(told.headers.contains_key(header::RETRY_AFTER), "it says when to come again");
                    heard.lock().unwrap().refused.push(asked.elapsed());
                    let pause = 20 + (chat * 7 + number * 13) % 80;
                    tokio::time::sleep(Duration::from_millis(u64::try_from(pause).unwrap())).await;
                }
                status => panic!("{status}: {}", told.json),
            }
        }
    };
    join_all((0..chats.len()).map(buyer)).await;
    let heard = heard.into_inner().unwrap();
    let per_s = heard.n_taken as f64 / began.elapsed().as_secs_f64();
    (heard, per_s)
}

/// As many as there are seats, then fifty times as many, then one. The figures are printed, and judged where
/// `KEFU_TEST_JUDGE` asks for it: a machine that does something else beside this has others.
#[tokio::test(flavor = "multi_thread")]
async fn however_many_ask_nearly_as_much_is_done_as_can_be() {
    let (seats, max_waiting) = (8, 8);
    let lasts = Duration::from_secs(u64::try_from(count("KEFU_TEST_OVERLOAD_SECONDS", 1)).unwrap());
    let generator = Arc::new(scripted().taking(Duration::from_millis(5)));
    let options = RunnerOptions { max_waiting_turns: max_waiting, ..RunnerOptions::default() };
    let house = House::build(Plan { settings: settings(seats), generator, options, ..Plan::default() }).await;
    house.know("returns.md", "# Returns\n\nAn item may be returned within 7 days.\n").await;
    let chats = house.shop.conversations(house.db(), seats * 50).await;
    house.runner.start(&house.life, 1, 1);
    let (_, peak) = crowd(&house, (&chats[..seats], "peak"), lasts).await;
    let (heard, goodput) = crowd(&house, (&chats, "crowd"), lasts).await;
    let over = Instant::now();
    while house.say(&chats[0], "afterwards", "hello").await.status != 202 {
        tokio::task::yield_now().await;
    }
    let (recovery, mut refused) = (over.elapsed(), heard.refused);
    refused.sort_unstable();
    let p99 = refused.get(refused.len() * 99 / 100).copied().unwrap_or_default();
    println!(
        "overload: {} buyers for {seats} seats, {lasts:?}; peak {peak:.0}/s, beside the crowd {goodput:.0}/s ({:.0} %); \
         {} refused, p99 after {p99:?}; served again after {recovery:?}",
        chats.len(),
        100.0 * goodput / peak,
        refused.len(),
    );
    assert!(!refused.is_empty(), "it was an overload");
    house.runner.drain().await;
    house.life.stop();
    assert!(house.life.wait().await);
    assert_invariants(house.db()).await;
    if setting("KEFU_TEST_JUDGE").is_some() {
        assert!(goodput >= 0.9 * peak, "at least 90 % of the peak");
        assert!(p99 < Duration::from_millis(50), "refused within 50 ms");
        assert!(recovery < Duration::from_secs(5), "back within 5 s");
    }
}
