//! The key that secrets in the database are encrypted with: where it is kept, and what is said when it is not there.
//!
//! # Why
//!
//! It lies beside the database and not in it, so that a copy of the database alone opens nothing: `secrets.key` in the
//! data directory, for its owner's eyes only, or the setting `storage.secret_keys`. Backups do not hold it; they name
//! it. A key is made only for a database that never had one: a fresh key beside old secrets would hide that the right
//! one is missing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use tracing::warn;

use super::data_dir::write_private;
use crate::config::Config;
use crate::storage::seal::Keyring;
use crate::storage::{Db, StorageError};

const FILE: &str = "secrets.key";

/// Where the keys are.
pub struct Place {
    path: PathBuf,
    given: String,
}

impl Place {
    /// That of a data directory.
    pub fn of(config: &Config, data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE), given: config.storage.secret_keys.clone() }
    }

    /// Whether they are given by the settings, and not kept in a file of ours.
    pub fn is_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// The keys that are there; `None` if there is no file yet.
    pub fn read(&self) -> anyhow::Result<Option<Keyring>> {
        let text = match fs::read_to_string(&self.path) {
            _ if self.is_given() => self.given.clone(),
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{self} cannot be read")),
        };
        let keys = Keyring::parse(&text).with_context(|| format!("{self} cannot be used"))?;
        if keys.id().is_none() {
            bail!("{self} holds no key\nhint: {}", self.hint());
        }
        if !self.is_given() && is_open_to_others(&self.path) {
            warn!(path = %self.path.display(), "others on this machine can read the key of the secrets: chmod 600");
        }
        Ok(Some(keys))
    }

    /// Keeps `keys` in the file. On the disk when it returns: what is encrypted with a key that is lost is lost, too.
    pub fn write(&self, keys: &Keyring) -> anyhow::Result<()> {
        write_private(&self.path, keys.to_text().as_bytes())?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.and_then(|()| File::open(folder)?.sync_all()).with_context(|| format!("{self} cannot be written"))
    }

    /// What to do when a key is not there.
    fn hint(&self) -> String {
        let folder = self.path.parent().unwrap_or(Path::new(".")).display();
        format!(
            "put `{}` back, or give the key as KEFU_STORAGE__SECRET_KEYS; if it is lost for good, \
             `kefu secrets forget --data-dir {folder}` takes away what it has encrypted: people set up their second \
             factor again, and shops make new keys for their buyers' identity",
            self.path.display()
        )
    }

    /// Adds to a lost key where it was looked for.
    fn explain(&self, error: StorageError) -> anyhow::Error {
        match error {
            StorageError::KeyLost { .. } => anyhow!("{error}: not in {self}\nhint: {}", self.hint()),
            other => other.into(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_given() { f.write_str("`storage.secret_keys`") } else { write!(f, "`{}`", self.path.display()) }
    }
}

/// The database with its keys; makes a key if it never had one.
pub async fn unlock(db: Db, config: &Config, data_dir: &Path) -> anyhow::Result<Db> {
    let place = Place::of(config, data_dir);
    let keys = match place.read()? {
        Some(keys) => keys,
        None => match db.secret_key().await? {
            Some(id) => return Err(place.explain(StorageError::KeyLost { id })),
            None => {
                let keys = Keyring::default().with_new_key();
                place.write(&keys)?;
                keys
            }
        },
    };
    db.unlock(keys).await.map_err(|error| place.explain(error))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::config::Flags;

    async fn open(dir: &Path) -> Db {
        Db::open(&format!("sqlite://{}", dir.join("kefu.db").display()), Arc::new(ManualClock::at(1))).await.unwrap()
    }

    async fn start(dir: &Path, keys: &str) -> anyhow::Result<Db> {
        let mut config = Config::load(dir, None, &Flags::default()).unwrap();
        config.storage.secret_keys = keys.to_owned();
        unlock(open(dir).await, &config, dir).await
    }

    #[tokio::test]
    async fn the_key_is_made_once_for_its_owners_eyes_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, path) = (folder.path(), folder.path().join(FILE));
        start(dir, "").await.unwrap().close().await;
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.trim().len(), 64);
        assert!(!is_open_to_others(&path));
        start(dir, "").await.unwrap().close().await;
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        fs::remove_file(&path).unwrap();
        start(dir, text.trim()).await.unwrap().close().await;
        assert!(!path.exists(), "a key that is given is not written down");
    }

    #[tokio::test]
    async fn a_lost_key_stops_the_start_with_what_to_do_and_no_other_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, path) = (folder.path(), folder.path().join(FILE));
        start(dir, "").await.unwrap().close().await;
        fs::remove_file(&path).unwrap();
        let other = "ab".repeat(32);
        for given in ["", &other] {
            let error = format!("{:#}", start(dir, given).await.err().unwrap());
            assert!(error.contains("hint: put") && error.contains("kefu secrets forget"), "{error}");
            assert!(!error.contains(&other) && !path.exists(), "{error}");
        }
        fs::write(&path, "\n").unwrap();
        let error = format!("{:#}", start(dir, "").await.err().unwrap());
        assert!(error.contains("holds no key"), "{error}");
        let error = format!("{:#}", start(dir, "123456").await.err().unwrap());
        assert!(error.contains("storage.secret_keys") && !error.contains("123456"), "{error}");
    }
}
