//! Backups under load and the way back, a damaged database, a full disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kefu::app::backup;
use kefu::domain::fault::Fault;
use kefu::storage::accounts::Role;
use kefu::storage::files::{FileError, FileStore};
use kefu::storage::room::Room;
use kefu::storage::{chunks, messages, revisions};
use rand::Rng;
use serde_json::Value;

use crate::crash::files_below;
use crate::support::{Closing, Home, Server, command, log_of, pause, random, setting, wait_until};

/// Runs `kefu` to its end: what it printed as JSON, or its last words.
fn run(dir: &Path, args: &[&str]) -> Result<Value, String> {
    let done = command(dir, args).output().unwrap();
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&done.stdout).unwrap())
}

/// Everything that was acknowledged before the backup began is in it, whatever went on meanwhile.
#[test]
fn a_backup_under_load_brings_everything_back() {
    let mut random = random("backup");
    let home = Home::new("");
    let chats = home.with_db(async |db| home.shop.conversations(db, 3).await);
    let server = Server::start(&home);
    let staff = home.shop.token(Role::Staff);
    let (is_over, acknowledged) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let mut taken = Vec::new();
    std::thread::scope(|scope| {
        let _closing = Closing(&[&is_over]);
        for chat in &chats {
            let (client, is_over, acknowledged) = (server.client.clone(), &is_over, &acknowledged);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let key = format!("k{number}");
                    match client.say(chat, &key, "hello") {
                        Ok((202, _)) => acknowledged.lock().unwrap().push((chat.0, key)),
                        _ => pause(Duration::from_millis(50)),
                    }
                }
            });
        }
        for number in 0..3 {
            let text = format!("# Returns\n\nItem {number} may be returned within {number} days.\n");
            server.client.upload(staff, &format!("{number}.md"), text.as_bytes()).unwrap();
            pause(Duration::from_millis(random.random_range(50..300)));
            let before = acknowledged.lock().unwrap().clone();
            // A backup has the name of its second.
            let backup = loop {
                match run(&home.dir, &["backup"]) {
                    Ok(backup) => break backup,
                    Err(words) => assert!(words.contains("already"), "{words}"),
                }
                pause(Duration::from_millis(200));
            };
            println!("backup {number}: {backup}");
            taken.push((PathBuf::from(backup["backup"].as_str().unwrap()), before));
        }
    });
    assert!(run(&home.dir, &["restore", taken[0].0.to_str().unwrap()]).unwrap_err().contains("in use"));
    server.wait_until_idle(&home.shop);
    server.kill();
    for (path, before) in &taken {
        let restored = run(&home.dir, &["restore", path.to_str().unwrap()]).unwrap();
        println!("restore: {restored}");
        let server = Server::start(&home);
        server.wait_until_idle(&home.shop);
        server.stop();
        home.assert_sound();
        home.with_db(async |db| {
            for (conversation, key) in before {
                let there = messages::after(db, home.shop.id, *conversation, 0, 100_000).await.unwrap();
                assert!(there.iter().any(|message| message.client_key.as_ref() == Some(key)), "{key} is not in it");
            }
        });
    }
}

/// What a machine says that got a backup and not the key that belongs to it, and what helps.
#[test]
fn a_backup_is_served_elsewhere_only_with_the_key_of_its_secrets() {
    let home = Home::new("");
    Server::start(&home).stop();
    let taken = run(&home.dir, &["backup"]).unwrap();
    let (backup, key) = (taken["backup"].as_str().unwrap(), taken["secret_key"].as_str().unwrap());
    let kept = std::fs::read_to_string(home.dir.join("secrets.key")).unwrap();
    for file in files_below(Path::new(backup)) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(kept.trim()), "{} holds the key", file.display());
    }
    let elsewhere = home.dir.join("elsewhere");
    run(&elsewhere, &["restore", backup]).unwrap();
    let ended = command(&elsewhere, &["serve"]).output().unwrap();
    let words = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && words.contains(key) && words.contains("hint: put"), "{words}");
    std::fs::write(elsewhere.join("secrets.key"), kept).unwrap();
    assert_eq!(run(&elsewhere, &["secrets", "show"]).unwrap()["is_here"], true);
    let rotated = run(&elsewhere, &["secrets", "rotate"]).unwrap();
    assert_eq!((rotated["before"].as_str(), rotated["key"] == rotated["before"]), (Some(key), false));
    std::fs::remove_file(elsewhere.join("secrets.key")).unwrap();
    assert_eq!(run(&elsewhere, &["secrets", "show"]).unwrap()["is_here"], false);
    assert_eq!(run(&elsewhere, &["secrets", "forget"]).unwrap()["n_buyer_keys"], 0);
    assert_eq!(run(&elsewhere, &["secrets", "show"]).unwrap()["is_here"], true);
}

#[test]
fn a_backup_that_was_touched_is_not_restored() {
    let home = Home::new("");
    let server = Server::start(&home);
    server.client.upload(home.shop.token(Role::Staff), "a.md", b"# Returns\n\nWithin 7 days.\n").unwrap();
    server.wait_until_idle(&home.shop);
    server.stop();
    let taken = run(&home.dir, &["backup"]).unwrap();
    let path = PathBuf::from(taken["backup"].as_str().unwrap());
    for file in files_below(&path).into_iter().filter(|file| !file.ends_with("manifest.json")) {
        let whole = std::fs::read(&file).unwrap();
        let mut touched = whole.clone();
        let middle = touched.len() / 2;
        touched[middle] ^= 1;
        std::fs::write(&file, touched).unwrap();
        let words = run(&home.dir, &["restore", path.to_str().unwrap()]).unwrap_err();
        assert!(words.contains("not as it was written"), "{}: {words}", file.display());
        std::fs::write(&file, whole).unwrap();
    }
    home.assert_sound();
    run(&home.dir, &["restore", path.to_str().unwrap()]).unwrap();
}

#[test]
fn a_damaged_database_is_not_started_on_and_the_way_back_is_named() {
    let mut random = random("damaged database");
    let home = Home::new("");
    let server = Server::start(&home);
    server.client.upload(home.shop.token(Role::Staff), "a.md", b"# Returns\n\nWithin 7 days.\n").unwrap();
    server.wait_until_idle(&home.shop);
    let taken = run(&home.dir, &["backup"]).unwrap();
    let good = taken["backup"].as_str().unwrap().to_owned();
    server.stop();
    let database = home.dir.join("kefu.db");
    let whole = std::fs::read(&database).unwrap();
    for round in 0..4 {
        let mut torn = whole.clone();
        // The first page is the header: without it the file is no database at all. The next ones are roots of tables;
        // a page further behind may be a free one, whose loss harms nothing.
        let page = if round == 0 { 0 } else { random.random_range(1..12) };
        println!("round {round}: page {page}");
        random.fill(&mut torn[page * 4096..(page + 1) * 4096]);
        std::fs::write(&database, &torn).unwrap();
        let started = command(&home.dir, &["serve"]).output().unwrap();
        let words = String::from_utf8_lossy(&started.stderr).into_owned();
        assert!(!started.status.success(), "it started on page {page} of rubbish: {words}");
        assert!(words.contains("damaged") && words.contains(&good) && words.contains("kefu restore"), "{words}");
        assert_eq!(std::fs::read(&database).unwrap(), torn, "what is left of it is not touched");
    }
    run(&home.dir, &["restore", &good]).unwrap();
    Server::start(&home).stop();
    home.assert_sound();
    assert!(backup::way_back(&home.dir).contains(&good));
}

/// The disk says so, instead of being filled.
#[tokio::test]
async fn without_room_uploads_wait_and_go_on_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(1_000_000));
    let seen = free.clone();
    let room = Room::probed(folder.path(), 1_000, move |_| Ok(seen.load(Ordering::Relaxed)));
    let files = FileStore::open(folder.path()).await.unwrap().within(room);
    files.put(b"one").await.unwrap();
    free.store(10, Ordering::Relaxed);
    let error = files.put(b"two").await.unwrap_err();
    assert!(matches!(error, FileError::Full), "{error}");
    assert_eq!(error.fault(), Fault::Transient);
    free.store(1_000_000, Ordering::Relaxed);
    files.put(b"two").await.unwrap();
}

/// A disk of 48 MB that is unmounted when the test ends; `None` where nothing may be mounted.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=48m", "kefu-test"]).arg(folder.path());
        mount.output().is_ok_and(|done| done.status.success()).then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes what is left, but for so many bytes.
    fn fill(&self, but: usize) -> PathBuf {
        let ballast = self.path().join("ballast");
        let piece = vec![0xA5; 64 * 1024];
        let mut file = std::fs::File::create(&ballast).unwrap();
        while std::io::Write::write_all(&mut file, &piece).is_ok() {}
        let len = file.metadata().unwrap().len();
        file.set_len(len.saturating_sub(but as u64)).unwrap();
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

#[test]
fn on_a_full_disk_people_still_chat_and_uploads_go_on_afterwards() {
    let Some(disk) = SmallDisk::mount() else {
        assert!(setting("KEFU_TEST_MUST_MOUNT").is_none(), "nothing may be mounted here");
        println!("SKIPPED disk full: no file system may be mounted here");
        return;
    };
    let home = Home::at(disk.path().join("data"), "storage.min_free_bytes = 8388608", tempfile::tempdir().unwrap());
    let chat = home.with_db(async |db| home.shop.conversations(db, 1).await).remove(0);
    let server = Server::start(&home);
    let staff = home.shop.token(Role::Staff);
    let manual = |number: usize| format!("# Part {number}\n\n{}", "All parts are oiled once a week. ".repeat(2_000));
    assert_eq!(server.client.upload(staff, "before.md", manual(0).as_bytes()).unwrap().0, 202);
    server.wait_until_idle(&home.shop);

    let ballast = disk.fill(4 << 20);
    let (status, refused) = server.client.upload(staff, "during.md", manual(1).as_bytes()).unwrap();
    assert_eq!((status, refused["code"].as_str()), (507, Some("storage_full")), "{refused}");
    assert_eq!(server.client.say(&chat, "k1", "hello").unwrap().0, 202, "people still chat");

    std::fs::remove_file(ballast).unwrap();
    let ballast = disk.fill(0);
    // Not a byte is left: messages are refused as well, with the true reason, and nothing ends.
    let mut n_refused = 0;
    for number in 0..8 {
        let told = server.client.say(&chat, &format!("full-{number}"), &"long ".repeat(3_000));
        let (status, said) = told.unwrap_or_else(|error| panic!("{error}: {}", log_of(&home.dir)));
        let is_understood = status == 202 || (status == 507 && said["code"] == "storage_full");
        assert!(is_understood, "{status} {said}\n{}", log_of(&home.dir));
        n_refused += u32::from(status == 507);
    }
    println!("disk full: {n_refused} of 8 long messages refused with 507");
    assert_eq!(server.client.get("/healthz", "").unwrap().0, 200, "the process lives");

    std::fs::remove_file(ballast).unwrap();
    wait_until("messages are taken again", || server.client.say(&chat, "k2", "hello").is_ok_and(|(s, _)| s == 202));
    wait_until("uploads are taken again", || {
        server.client.upload(staff, "after.md", manual(2).as_bytes()).is_ok_and(|(status, _)| status == 202)
    });
    server.wait_until_idle(&home.shop);
    server.stop();
    home.assert_sound();
    home.with_db(async |db| {
        for listing in kefu::storage::documents::list(db, home.shop.id).await.unwrap() {
            let active = listing.document.active_revision.expect("both documents answer");
            assert!(revisions::get(db, home.shop.id, active).await.unwrap().is_some());
            assert!(!chunks::by_revision(db, home.shop.id, active).await.unwrap().is_empty());
        }
    });
}
