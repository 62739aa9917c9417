//! Clients that are slow, and clients that are many, over real connections to the real process.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::future::join_all;
use kefu::domain::ids::ConversationId;
use kefu::storage::messages;
use rand::Rng;
use rand::seq::IndexedRandom;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::support::{Client, Home, Server, block_on, count, random};

/// Nobody who is let go after ten seconds is still there after this long, on however busy a machine.
const GUARD: Duration = Duration::from_secs(60);

/// Raises the limit of open files for our own side of so many connections, and fails at once where that is not allowed:
/// half a crowd would prove nothing.
fn need_open_files(n: usize) {
    let room = kefu::app::handles::room_for(n);
    assert!(room >= n, "open files allow {room} connections, and {n} are asked for: raise `ulimit -n`");
}

/// How a client wastes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Slow {
    SaysNothing,
    HalfAHeader,
    AByteASecond,
    NeverReads,
}

const KINDS: [Slow; 4] = [Slow::SaysNothing, Slow::HalfAHeader, Slow::AByteASecond, Slow::NeverReads];

/// Holds a connection as long as it is let; how long that was.
async fn waste(address: &str, kind: Slow) -> Duration {
    let started = Instant::now();
    let socket = TcpSocket::new_v4().unwrap();
    if kind == Slow::NeverReads {
        socket.set_recv_buffer_size(4096).unwrap();
    }
    let mut connection = socket.connect(address.parse().unwrap()).await.unwrap();
    match kind {
        Slow::SaysNothing => until_closed(&mut connection).await,
        Slow::HalfAHeader => {
            connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: kefu.te").await.unwrap();
            until_closed(&mut connection).await;
        }
        Slow::AByteASecond => {
            let head = "POST /v1/login HTTP/1.1\r\nHost: kefu.test\r\nContent-Type: application/json\r\n\
                        Content-Length: 1000\r\n\r\n";
            connection.write_all(head.as_bytes()).await.unwrap();
            let (mut reading, mut writing) = connection.split();
            let dripping = async {
                while writing.write_all(b" ").await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
            };
            let mut answer = Vec::new();
            tokio::select! {
                () = dripping => {}
                _ = reading.read_to_end(&mut answer) => {}
            }
        }
        Slow::NeverReads => {
            // The same large answer, again and again, until somebody has no room for it any more.
            let ask = b"GET /openapi.json HTTP/1.1\r\nHost: kefu.test\r\n\r\n";
            while connection.write_all(ask).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
    started.elapsed()
}

async fn until_closed(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = connection.read_to_end(&mut rest).await;
}

#[test]
fn slow_clients_are_let_go_and_the_others_notice_nothing() {
    let n_each = count("KEFU_TEST_SLOW_CLIENTS", 25);
    need_open_files(n_each * KINDS.len() + 100);
    // Room for all of them and a few more: if one were held for ever, it would show.
    let home = Home::new(&format!("server.max_connections = {}", n_each * KINDS.len() + 50));
    let chat = home.with_db(async |db| home.shop.conversations(db, 1).await).remove(0);
    let server = Server::start(&home);
    let alone = latencies(&server.client, (&chat, "alone"), 40);
    let address = server.client.url.trim_start_matches("http://").to_owned();
    let held = Mutex::new(HashMap::new());
    let beside = std::thread::scope(|scope| {
        let wasters = scope.spawn(|| {
            block_on(join_all(KINDS.iter().flat_map(|kind| (0..n_each).map(move |_| *kind)).map(async |kind| {
                let was_held = timeout(GUARD, waste(&address, kind)).await;
                let was_held = was_held.unwrap_or_else(|_| panic!("{kind:?}: held for ever"));
                let mut held = held.lock().unwrap();
                let longest = held.entry(kind).or_insert(Duration::ZERO);
                *longest = was_held.max(*longest);
            })));
        });
        let mut beside = Vec::new();
        for round in 0.. {
            if wasters.is_finished() {
                break;
            }
            beside.extend(latencies(&server.client, (&chat, &format!("beside-{round}")), 20));
        }
        beside
    });
    server.wait_until_idle(&home.shop);
    server.stop();
    home.assert_sound();
    println!(
        "slow clients: {n_each} of each kind, longest held {:?}; others' p99 {:?} alone, {:?} beside them",
        held.lock().unwrap(),
        percentile(alone, 99),
        percentile(beside, 99),
    );
}

/// How long ordinary requests take. Every one must succeed; a buyer who says too much in a minute is told so, which is
/// an answer, too.
fn latencies(client: &Client, (chat, key): (&(ConversationId, String), &str), n: usize) -> Vec<Duration> {
    let took = |number: usize| {
        let started = Instant::now();
        match number {
            0 => assert!(matches!(client.say(chat, key, "hello").unwrap().0, 202 | 429)),
            _ => assert_eq!(client.get("/readyz", "").unwrap().0, 200),
        }
        started.elapsed()
    };
    (0..n).map(took).collect()
}

fn percentile(mut values: Vec<Duration>, percent: usize) -> Duration {
    values.sort_unstable();
    values.get((values.len() * percent / 100).min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// A buyer's page: what it was told, and when.
#[derive(Default)]
struct Page {
    told: Mutex<Vec<(i64, Instant)>>,
}

impl Page {
    /// Listens until the server says goodbye.
    async fn listen(&self, address: &str, (conversation, token): &(ConversationId, String)) {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let ask = format!(
            "GET /v1/chat/{conversation}/events HTTP/1.1\r\nHost: kefu.test\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        connection.write_all(ask.as_bytes()).await.unwrap();
        let mut lines = BufReader::with_capacity(1024, connection).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(seq) = line.strip_prefix("id:").and_then(|seq| seq.trim().parse().ok()) {
                self.told.lock().unwrap().push((seq, Instant::now()));
            }
        }
    }
}

/// Each message reaches its own page, once and in order, however many pages are open.
#[test]
fn a_crowd_of_open_chats_hears_every_message_once() {
    let n = count("KEFU_TEST_CHAT_CONNECTIONS", 150);
    let seconds = count("KEFU_TEST_CHAT_SECONDS", 3);
    let mut random = random("open chats");
    need_open_files(n + 200);
    let home = Home::new(&format!("server.max_connections = {}", n + 100));
    let chats = home.with_db(async |db| home.shop.conversations(db, n).await);
    let server = Server::start(&home);
    // What is loaded with the first answer is not what a connection costs.
    server.client.say(&chats[0], "first", "How long may I return an item?").unwrap();
    server.wait_until_idle(&home.shop);
    let before = server.memory_bytes();
    let address = server.client.url.trim_start_matches("http://").to_owned();
    let pages: Vec<Page> = chats.iter().map(|_| Page::default()).collect();
    let asked = Mutex::new(Vec::new());
    let with_all = std::thread::scope(|scope| {
        scope.spawn(|| block_on(join_all(pages.iter().zip(&chats).map(|(page, chat)| page.listen(&address, chat)))));
        // One message a second for each hundred pages.
        let (n_messages, gap) = (n * seconds / 100, Duration::from_secs_f64(100.0 / n as f64));
        let mut next = Instant::now();
        for number in 0..n_messages {
            let which = (0..chats.len()).collect::<Vec<_>>().choose(&mut random).copied().unwrap();
            let began = Instant::now();
            let (status, said) = server.client.say(&chats[which], &format!("k{number}"), "hello").unwrap();
            assert_eq!(status, 202, "{said}");
            asked.lock().unwrap().push((which, said["message"]["seq"].as_i64().unwrap(), began));
            next += gap.mul_f64(random.random_range(0.5..1.5));
            crate::support::pause(next.saturating_duration_since(Instant::now()));
        }
        server.wait_until_idle(&home.shop);
        let with_all = server.memory_bytes();
        let newest = home.with_db(async |db| {
            let mut newest = Vec::new();
            for chat in &chats {
                newest.push(messages::after(db, home.shop.id, chat.0, 0, 10_000).await.unwrap().len());
            }
            newest
        });
        crate::support::wait_until("every page was told", || {
            pages.iter().zip(&newest).all(|(page, n)| page.told.lock().unwrap().len() >= *n)
        });
        server.stop();
        for (page, n) in pages.iter().zip(&newest) {
            let told: Vec<i64> = page.told.lock().unwrap().iter().map(|(seq, _)| *seq).collect();
            let all: Vec<i64> = (1..).take(*n).collect();
            assert_eq!(told, all, "each message once, in order");
        }
        with_all
    });
    home.assert_sound();
    let asked = asked.into_inner().unwrap();
    let reached = asked.iter().map(|(which, seq, began)| {
        let told = pages[*which].told.lock().unwrap();
        let (_, at) = told.iter().find(|(told, _)| told == seq).expect("it was told");
        at.saturating_duration_since(*began)
    });
    let reached: Vec<Duration> = reached.collect();
    let grown = before.zip(with_all).map(|(before, all)| all.saturating_sub(before));
    println!(
        "open chats: {n} for {seconds} s, {} questions, 0 lost, 0 double; from sending to the page p50 {:?}, p99 {:?}; {} MiB for the connections",
        reached.len(),
        percentile(reached.clone(), 50),
        percentile(reached, 99),
        grown.map_or_else(|| "?".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1048576.0)),
    );
}
