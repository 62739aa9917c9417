//! The real process, killed at random moments: while it reads documents, drafts, delivers, and rebuilds its index.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kefu::domain::document::RevisionState;
use kefu::domain::ids::{ConversationId, RevisionId};
use kefu::domain::turn::TurnState;
use kefu::storage::accounts::Role;
use kefu::storage::{messages, revisions, turns};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::support::{Client, Closing, Home, Server, count, pause, random};

/// A drafted answer takes so long: long enough to be killed in.
const SLOW: &str = "models.stand_in_answer_ms = 40";

/// The server of this moment; `None` while there is none.
type Door = Arc<Mutex<Option<Client>>>;

/// A buyer who writes, asks again until it is acknowledged, and reads along.
struct Buyer {
    chat: (ConversationId, String),
    /// What was acknowledged: the key, the text, the number.
    acknowledged: Mutex<Vec<(String, String, i64)>>,
    /// The numbers of what was shown, in the order it was.
    shown: Mutex<Vec<i64>>,
}

impl Buyer {
    /// Until `writing_is_over`; what is begun is finished unless everything `is_over`.
    fn write(&self, door: &Door, [writing_is_over, is_over]: [&AtomicBool; 2], mut random: StdRng) {
        let texts = ["hello", "How long may I return it?", "多久发货？", "thanks", "保修期多长？"];
        for number in 0.. {
            if writing_is_over.load(Ordering::Relaxed) {
                return;
            }
            let (key, text) = (format!("k{number}"), *texts.choose(&mut random).unwrap());
            let seq = loop {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let client = door.lock().unwrap().clone();
                match client.map(|client| client.say(&self.chat, &key, text)) {
                    Some(Ok((202, said))) => break said["message"]["seq"].as_i64().unwrap(),
                    Some(Ok((429 | 503, _)) | Err(_)) | None => pause(Duration::from_millis(10)),
                    Some(Ok(other)) => panic!("{other:?}"),
                }
            };
            self.acknowledged.lock().unwrap().push((key, text.to_owned(), seq));
            pause(Duration::from_millis(random.random_range(5..150)));
        }
    }

    fn read(&self, door: &Door, is_over: &AtomicBool) {
        while !is_over.load(Ordering::Relaxed) {
            let client = door.lock().unwrap().clone();
            let last = self.shown.lock().unwrap().last().copied().unwrap_or(0);
            match client {
                Some(client) => client.listen(&self.chat, last, |seq| self.shown.lock().unwrap().push(seq)),
                None => pause(Duration::from_millis(5)),
            }
        }
    }
}

#[derive(Default)]
struct Uploads {
    acknowledged: Mutex<Vec<RevisionId>>,
}

impl Uploads {
    /// Manuals of a few sections; every other one is the next version of an earlier one.
    fn write(&self, door: &Door, is_over: &AtomicBool, (token, mut random): (&str, StdRng)) {
        for number in 0.. {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            let client = door.lock().unwrap().clone();
            let sections = (0..random.random_range(1..6)).map(|section| {
                format!("# Section {section}\n\nOrder {number} may be returned within {section} days.\n\n")
            });
            let text: String = sections.collect();
            let name = format!("manual-{}.md", random.random_range(0..=number / 2));
            if let Some(Ok((202, said))) = client.map(|client| client.upload(token, &name, text.as_bytes())) {
                let revision = said["results"][0]["revision_id"].as_str().unwrap().parse().unwrap();
                self.acknowledged.lock().unwrap().push(revision);
            }
            pause(Duration::from_millis(random.random_range(20..200)));
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed_at_random_moments() {
    let rounds = count("KEFU_TEST_CRASH_ROUNDS", 8);
    let mut random = random("crash");
    let home = Home::new(SLOW);
    let chats = home.with_db(async |db| home.shop.conversations(db, 3).await);
    let new_buyer = |chat| Buyer { chat, acknowledged: Mutex::default(), shown: Mutex::default() };
    let buyers: Vec<Buyer> = chats.into_iter().map(new_buyer).collect();
    let uploads = Uploads::default();
    let (door, writing_is_over, is_over) = (Door::default(), AtomicBool::new(false), AtomicBool::new(false));
    let seeds: Vec<u64> = (0..=buyers.len()).map(|_| random.random()).collect();
    let mut ready_ms = Vec::new();
    std::thread::scope(|scope| {
        let _closing = Closing(&[&writing_is_over, &is_over]);
        let mut writers = Vec::new();
        for (buyer, seed) in buyers.iter().zip(&seeds) {
            let random = StdRng::seed_from_u64(*seed);
            writers.push(scope.spawn(|| buyer.write(&door, [&writing_is_over, &is_over], random)));
            scope.spawn(|| buyer.read(&door, &is_over));
        }
        let staff = (home.shop.token(Role::Staff), StdRng::seed_from_u64(seeds[buyers.len()]));
        writers.push(scope.spawn(|| uploads.write(&door, &writing_is_over, staff)));
        for round in 0..rounds {
            let started = Instant::now();
            let server = Server::start(&home);
            ready_ms.push(started.elapsed().as_millis());
            *door.lock().unwrap() = Some(server.client.clone());
            pause(Duration::from_millis(random.random_range(5..500)));
            *door.lock().unwrap() = None;
            server.kill();
            if round % 3 == 2 {
                println!("round {round}: {}", harm_index(&home.dir, &mut random));
            }
        }
        let server = Server::start(&home);
        *door.lock().unwrap() = Some(server.client.clone());
        writing_is_over.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        server.wait_until_idle(&home.shop);
        let is_shown = |buyer: &Buyer| {
            let newest = home.with_db(async |db| {
                messages::before(db, home.shop.id, buyer.chat.0, i64::MAX, 1).await.unwrap().last().map(|m| m.seq)
            });
            buyer.shown.lock().unwrap().last().copied() == newest
        };
        crate::support::wait_until("everything is shown", || buyers.iter().all(is_shown));
        is_over.store(true, Ordering::Relaxed);
        *door.lock().unwrap() = None;
        server.stop();
    });
    home.assert_sound();
    check_buyers(&home, &buyers);
    check_uploads(&home, &uploads);
    ready_ms.sort_unstable();
    println!(
        "crash: {rounds} kills, {} messages and {} uploads acknowledged, none lost; answers again after {} ms (median), {} ms (worst)",
        buyers.iter().map(|buyer| buyer.acknowledged.lock().unwrap().len()).sum::<usize>(),
        uploads.acknowledged.lock().unwrap().len(),
        ready_ms[ready_ms.len() / 2],
        ready_ms[ready_ms.len() - 1],
    );
}

fn check_buyers(home: &Home, buyers: &[Buyer]) {
    home.with_db(async |db| {
        for buyer in buyers {
            let there = messages::after(db, home.shop.id, buyer.chat.0, 0, 100_000).await.unwrap();
            let by_key: HashMap<_, _> =
                there.iter().filter_map(|m| Some((m.client_key.clone()?, (m.text.clone(), m.seq)))).collect();
            for (key, text, seq) in buyer.acknowledged.lock().unwrap().iter() {
                assert_eq!(by_key.get(key), Some(&(text.clone(), *seq)), "I1: an acknowledged message is lost");
            }
            let seqs: Vec<i64> = there.iter().map(|message| message.seq).collect();
            assert_eq!(*buyer.shown.lock().unwrap(), seqs, "I1: shown once, in order");
            for turn in turns::of_conversation(db, home.shop.id, buyer.chat.0).await.unwrap() {
                assert_ne!(turn.state, TurnState::Asked, "every question ended with an answer or a person");
            }
        }
    });
}

fn check_uploads(home: &Home, uploads: &Uploads) {
    let acknowledged = uploads.acknowledged.lock().unwrap().clone();
    home.with_db(async |db| {
        for id in &acknowledged {
            let revision =
                revisions::get(db, home.shop.id, *id).await.unwrap().expect("an acknowledged upload is lost");
            let has_ended = match revision.state {
                RevisionState::Indexed => true,
                RevisionState::Failed => revision.error_code.is_some(),
                RevisionState::Queued | RevisionState::Parsing | RevisionState::Embedding => false,
            };
            assert!(has_ended, "I4: {revision:?}");
        }
    });
}

/// Cuts short, flips a bit of, or deletes a file of the index, or all of it; says which.
fn harm_index(dir: &Path, random: &mut StdRng) -> String {
    let root = dir.join("vectors");
    let files: Vec<PathBuf> = files_below(&root).into_iter().filter(|file| !file.ends_with("lock")).collect();
    let Some(file) = files.choose(random) else { return "there is no index to harm".to_owned() };
    let name = file.strip_prefix(dir).unwrap_or(file).display().to_string();
    let mut bytes = std::fs::read(file).unwrap();
    match random.random_range(0..4) {
        0 => {
            std::fs::remove_file(file).unwrap();
            format!("deleted {name}")
        }
        1 => {
            bytes.truncate(bytes.len() / 2);
            std::fs::write(file, bytes).unwrap();
            format!("cut {name} in half")
        }
        2 if !bytes.is_empty() => {
            let place = random.random_range(0..bytes.len());
            bytes[place] ^= 1 << random.random_range(0..8);
            std::fs::write(file, bytes).unwrap();
            format!("flipped a bit at {place} of {name}")
        }
        _ => {
            std::fs::remove_dir_all(&root).unwrap();
            "deleted the whole index".to_owned()
        }
    }
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Every file of the index in turn, in every way; the server starts, repairs itself, and finds what it found before.
#[test]
fn a_harmed_index_is_noticed_and_rebuilt() {
    let mut random = random("harmed index");
    let home = Home::new("");
    let server = Server::start(&home);
    let staff = home.shop.token(Role::Staff);
    for number in 0..5 {
        let text = format!("# Delivery {number}\n\nParcel number {number} is delivered within {number} days.\n");
        assert_eq!(server.client.upload(staff, &format!("{number}.md"), text.as_bytes()).unwrap().0, 202);
    }
    server.wait_until_idle(&home.shop);
    server.stop();
    home.assert_sound();
    let rounds = count("KEFU_TEST_HARM_ROUNDS", 6);
    for round in 0..rounds {
        let harm = harm_index(&home.dir, &mut random);
        println!("round {round}: {harm}");
        let server = Server::start(&home);
        let owner = home.shop.token(Role::Owner);
        crate::support::wait_until("the index is whole again", || {
            let Ok((_, ready)) = server.client.get("/readyz", owner) else { return false };
            ready["components"]["index"]["state"] == "ready"
        });
        server.stop();
        home.assert_sound();
    }
}

/// How long a start takes until everything works, with so many chunks: measured, not judged.
#[test]
fn a_large_index_is_ready_again_soon() {
    let n_chunks = count("KEFU_TEST_CHUNKS", 500);
    let home = Home::new("");
    let server = Server::start(&home);
    let per_file = 250;
    for file in 0..n_chunks.div_ceil(per_file) {
        let sections: String = (0..per_file)
            .map(|section| format!("# Part {file}.{section}\n\nPart {section} of machine {file} is oiled weekly.\n\n"))
            .collect();
        let sent = server.client.upload(home.shop.token(Role::Staff), &format!("{file}.md"), sections.as_bytes());
        assert_eq!(sent.unwrap().0, 202);
    }
    let mut n_done = 0;
    crate::support::wait_until("documents are read", || {
        let Ok((200, status)) = server.client.get("/v1/status", home.shop.token(Role::Owner)) else { return false };
        n_done += 1;
        status["queue"]["bulk"] == 0
    });
    server.kill();
    let started = Instant::now();
    let server = Server::start(&home);
    let answers_ms = started.elapsed().as_millis();
    crate::support::wait_until("it is ready", || {
        server.client.get("/readyz", "").is_ok_and(|(status, _)| status == 200)
    });
    let ready_ms = started.elapsed().as_millis();
    let memory = server.memory_bytes().map_or(0, |bytes| bytes >> 20);
    server.stop();
    let n_chunks = home.with_db(async |db| kefu::storage::indexing::count_active(db, home.shop.id).await.unwrap());
    println!("restart: {n_chunks} chunks, answers after {answers_ms} ms, ready after {ready_ms} ms, {memory} MiB");
    home.assert_sound();
}
