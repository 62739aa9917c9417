//! Backups of a data directory: taken while the server runs, checked before they are called good, and the way back.
//!
//! ```text
//! backups/2026-11-24T09-15-00Z/manifest.json   what belongs to it, with hashes; written last
//! backups/2026-11-24T09-15-00Z/kefu.db         the database at one moment: the recovery point
//! backups/2026-11-24T09-15-00Z/files/…         the uploaded files that its rows refer to
//! ```
//!
//! # Why
//!
//! The key of the secrets in the database is not in it: whoever finds a backup must not find the second factors of the
//! shop's people. The manifest names the key that is needed.
//!
//! The index is not in it either: it is a function of the database, embeddings included, and is rebuilt after a restore
//! without a model. The database is copied first and the files after it: a file is never changed once it is named by a
//! row, so whatever the copy refers to can be copied later. Only a document that is deleted in between takes its file
//! away; then a new copy is made.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::data_dir::{DataDir, write_private};
use crate::clock::SharedClock;
use crate::domain::encoding::HEX;
use crate::storage::{Db, check, snapshot};

const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "kefu.db";
/// In the data directory: where the last good backup is. It may lie on another disk.
const LAST: &str = "last-backup.json";
/// Small files that belong to a data directory where they are there.
const BESIDE: [&str; 2] = ["kefu.toml", "demo.json"];
/// The layout above; a later one gets another number.
const FORMAT: u32 = 1;
/// Copies made before it is said that a file is simply not there.
const ATTEMPTS: u32 = 3;

/// What belongs to a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the layout.
    format: u32,
    /// The recovery point: what was acknowledged before it is in here.
    pub made_at_ms: i64,
    /// Of the program that made it.
    version: String,
    /// The files, by their path in the backup.
    pub files: Vec<BackupFile>,
    /// Uploaded files that were not in the data directory either.
    pub missing: Vec<String>,
    /// The fingerprint of the key that opens the secrets of the database; the key is kept elsewhere.
    #[serde(default)]
    pub secret_key: Option<String>,
}

/// What came into a backup besides files that can be counted.
struct Filled {
    missing: Vec<String>,
    secret_key: Option<String>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    path: String,
    size_bytes: u64,
    sha256: String,
}

impl Manifest {
    /// How much it takes.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }
}

/// The last good backup of a data directory.
#[derive(Debug, Serialize, Deserialize)]
struct LastBackup {
    path: PathBuf,
    made_at_ms: i64,
}

/// From where to where, by whose clock.
pub struct Backup<'a> {
    pub storage_url: &'a str,
    pub data_dir: &'a Path,
    /// The folder of all backups.
    pub folder: &'a Path,
    pub clock: SharedClock,
}

impl Backup<'_> {
    /// Takes one and checks it. It comes into being by a rename: a folder with a manifest is a whole backup.
    pub async fn take(&self) -> anyhow::Result<(PathBuf, Manifest)> {
        let made_at_ms = self.clock.now_ms();
        let target = self.folder.join(stamp(made_at_ms));
        let draft = target.with_extension("partial");
        if target.exists() {
            bail!("there is a backup `{}` already", target.display());
        }
        for attempt in 1.. {
            remove_dir(&draft)?;
            fs::create_dir_all(&draft).with_context(|| format!("`{}` cannot be made", draft.display()))?;
            let Filled { missing, secret_key } = self.fill(&draft).await?;
            if !missing.is_empty() && attempt < ATTEMPTS {
                continue;
            }
            let files = hash_all(&draft)?;
            let version = env!("CARGO_PKG_VERSION").to_owned();
            let manifest = Manifest { format: FORMAT, made_at_ms, version, files, missing, secret_key };
            write_private(&draft.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
            File::open(draft.join(MANIFEST))?.sync_all()?;
            fs::rename(&draft, &target)?;
            sync_dir(self.folder)?;
            let last = LastBackup { path: fs::canonicalize(&target)?, made_at_ms };
            write_private(&self.data_dir.join(LAST), &serde_json::to_vec_pretty(&last)?)?;
            return Ok((target, manifest));
        }
        unreachable!("the last attempt returns")
    }

    /// Copies everything and checks the copied database.
    async fn fill(&self, draft: &Path) -> anyhow::Result<Filled> {
        let database = draft.join(DATABASE);
        if snapshot::take(self.storage_url, &database).await.context("the database cannot be copied")?.is_none() {
            bail!(
                "this shop's database is on a server\nhint: back it up with `pg_dump`, and the folder `files` beside it"
            );
        }
        let secret_key = check_database(&database, self.clock.clone()).await.context("the copy is not sound")?;
        let mut missing = Vec::new();
        for needed in snapshot::needed_files(&database).await? {
            let place = Path::new("files").join(&needed.sha256[..2]).join(&needed.sha256);
            if !copy_file(&self.data_dir.join(&place), &draft.join(&place))? {
                missing.push(needed.sha256);
            }
        }
        for name in BESIDE {
            copy_file(&self.data_dir.join(name), &draft.join(name))?;
        }
        Ok(Filled { missing, secret_key })
    }
}

/// Puts a backup in the place of what a data directory holds. What was there is moved aside, not deleted.
///
/// **Order**: everything is copied and checked beside its place first; the last step is one rename of the database.
pub async fn restore(backup: &Path, data_dir: &DataDir, clock: SharedClock) -> anyhow::Result<(Manifest, PathBuf)> {
    let manifest = verify(backup)?;
    let root = data_dir.root();
    let aside = unused(&root.join(format!("before-restore-{}", stamp(clock.now_ms()))));
    let draft = root.join("restore.partial");
    remove_dir(&draft)?;
    fs::create_dir_all(&aside)?;
    for file in &manifest.files {
        copy_file(&backup.join(&file.path), &draft.join(&file.path))?;
    }
    check_database(&draft.join(DATABASE), clock).await.context("the backup's database is not sound")?;
    for file in manifest.files.iter().filter(|file| file.path != DATABASE) {
        let place = root.join(&file.path);
        fs::create_dir_all(place.parent().unwrap_or(root))?;
        fs::rename(draft.join(&file.path), place)?;
    }
    for name in ["vectors", "kefu.db-wal", "kefu.db-shm"] {
        move_aside(&root.join(name), &aside)?;
    }
    if root.join(DATABASE).exists() {
        fs::copy(root.join(DATABASE), aside.join(DATABASE))?;
    }
    fs::rename(draft.join(DATABASE), root.join(DATABASE))?;
    sync_dir(root)?;
    remove_dir(&draft)?;
    Ok((manifest, aside))
}

/// Reads every file of a backup and compares it with the manifest.
pub fn verify(backup: &Path) -> anyhow::Result<Manifest> {
    let text = fs::read(backup.join(MANIFEST))
        .with_context(|| format!("`{}` is no backup: it has no manifest", backup.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).context("the backup's manifest is damaged")?;
    if manifest.format != FORMAT {
        bail!("the backup was made by another version ({})\nhint: restore it with that version", manifest.version);
    }
    for file in &manifest.files {
        let found = hash(&backup.join(&file.path)).with_context(|| format!("`{}` of the backup", file.path))?;
        if found != (file.size_bytes, file.sha256.clone()) {
            bail!("`{}` of the backup is not as it was written\nhint: take another backup", file.path);
        }
    }
    Ok(manifest)
}

/// What to do about a damaged database: the last backup that is still whole, and the command that brings it back.
pub fn way_back(data_dir: &Path) -> String {
    let named = fs::read(data_dir.join(LAST)).ok().and_then(|text| serde_json::from_slice::<LastBackup>(&text).ok());
    let folder = data_dir.join("backups");
    let beside = fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut candidates: Vec<PathBuf> = beside.filter(|path| path.join(MANIFEST).is_file()).collect();
    candidates.sort();
    candidates.extend(named.map(|last| last.path));
    match candidates.iter().rev().find_map(|path| Some((path, verify(path).ok()?))) {
        Some((path, manifest)) => format!(
            "hint: the last good backup is `{}` of {}; `kefu restore {} --data-dir {}` brings it back",
            path.display(),
            stamp(manifest.made_at_ms),
            path.display(),
            data_dir.display()
        ),
        None => "hint: there is no good backup; keep a copy of the data directory before anything else".to_owned(),
    }
}

/// Whether the pages of the database fit together, and its rows keep what we promise; the key that its secrets need.
async fn check_database(path: &Path, clock: SharedClock) -> anyhow::Result<Option<String>> {
    snapshot::check_file(path).await?;
    let db = Db::open(&format!("sqlite://{}", path.display()), Arc::clone(&clock)).await?;
    let (violations, secret_key) = (check::violations(&db).await, db.secret_key().await);
    db.close().await;
    let violations = violations?;
    if let Some(first) = violations.first() {
        bail!("{} is broken: {} ({})", first.invariant, first.says, first.examples.join(", "));
    }
    Ok(secret_key?)
}

/// `false` if there is nothing to copy.
fn copy_file(from: &Path, to: &Path) -> anyhow::Result<bool> {
    let place = || format!("`{}` cannot be copied", from.display());
    fs::create_dir_all(to.parent().unwrap_or(Path::new("."))).with_context(place)?;
    match fs::copy(from, to) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(place),
    }
    File::open(to).and_then(|file| file.sync_all()).with_context(place)?;
    Ok(true)
}

/// The path, or with a number behind it if there is one already.
fn unused(path: &Path) -> PathBuf {
    let numbered = (2..).map(|number| PathBuf::from(format!("{}-{number}", path.display())));
    let mut candidates = std::iter::once(path.to_owned()).chain(numbered);
    candidates.find(|path| !path.exists()).expect("numbers do not end before files do")
}

fn move_aside(path: &Path, aside: &Path) -> anyhow::Result<()> {
    let (true, Some(name)) = (path.exists(), path.file_name()) else { return Ok(()) };
    Ok(fs::rename(path, aside.join(name))?)
}

fn remove_dir(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("`{}` cannot be removed", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Every file below `root`, with its size and hash.
fn hash_all(root: &Path) -> anyhow::Result<Vec<BackupFile>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let (size_bytes, sha256) = hash(&path)?;
            let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            files.push(BackupFile { path, size_bytes, sha256 });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn hash(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut size_bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut piece = vec![0; 128 * 1024];
    loop {
        let n_read = file.read(&mut piece)?;
        if n_read == 0 {
            return Ok((size_bytes, HEX.encode(&hash.finalize())));
        }
        hash.update(&piece[..n_read]);
        size_bytes += n_read as u64;
    }
}

/// `2026-11-24T09-15-00Z`: a name that sorts by time, and can be read.
pub fn stamp(ms: i64) -> String {
    let (days, second) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000) / 1000);
    // From days since 1970 to the calendar: Howard Hinnant's `civil_from_days`.
    let z = days + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_calendars() {
        assert_eq!(stamp(0), "1970-01-01T00-00-00Z");
        assert_eq!(stamp(951_782_399_999), "2000-02-28T23-59-59Z");
        assert_eq!(stamp(951_782_400_000), "2000-02-29T00-00-00Z");
        assert_eq!(stamp(1_767_225_600_000), "2026-01-01T00-00-00Z");
    }
}
