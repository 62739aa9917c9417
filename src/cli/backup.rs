//! `kefu backup` and `kefu restore`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::{Common, Outcome, output, serve};
use crate::app::backup::{Backup, restore, stamp};
use crate::app::data_dir::DataDir;
use crate::app::secrets::Place;
use crate::clock::{SharedClock, SystemClock};

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The folder that gets the backup, each under the time it was taken; `backups` in the data directory if not given.
    /// Name another disk: a backup that dies with its disk is none.
    #[arg(long)]
    to: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup: a folder that `kefu backup` has made.
    backup: PathBuf,
}

/// Works beside a running server: nothing is stopped, nobody waits.
pub fn take(common: &Common, args: BackupArgs) -> Outcome {
    let config = common.config()?;
    let folder = args.to.unwrap_or_else(|| common.data_dir.join("backups"));
    let started = Instant::now();
    let (url, clock): (_, SharedClock) = (config.storage_url(&common.data_dir), Arc::new(SystemClock));
    let backup = Backup { storage_url: &url, data_dir: &common.data_dir, folder: &folder, clock };
    let (path, manifest) = serve::runtime(&config)?.block_on(backup.take())?;
    for missing in &manifest.missing {
        output::say(&format!("an uploaded file is not in the data directory and not in the backup: {missing}"));
    }
    let place = Place::of(&config, &common.data_dir);
    if let Some(id) = &manifest.secret_key {
        output::say(&format!(
            "the backup does not hold the key of the secrets in it, `{id}`: keep a copy of {place} somewhere else"
        ));
    }
    output::print_json(&json!({
        "backup": path,
        "recovery_point": stamp(manifest.made_at_ms),
        "n_files": manifest.files.len(),
        "size_bytes": manifest.size_bytes(),
        "secret_key": manifest.secret_key,
        "took_ms": elapsed_ms(started),
    }))?;
    Ok(())
}

/// Only while no server runs on the data directory.
pub fn bring_back(common: &Common, args: &RestoreArgs) -> Outcome {
    let config = common.config()?;
    let data_dir = DataDir::open(&common.data_dir)?;
    let started = Instant::now();
    let restored = restore(&args.backup, &data_dir, Arc::new(SystemClock));
    let (manifest, aside) = serve::runtime(&config)?.block_on(restored)?;
    output::say("the index is rebuilt from the database at the next start");
    let place = Place::of(&config, data_dir.root());
    let keys = place.read()?.unwrap_or_default();
    if let Some(id) = manifest.secret_key.as_ref().filter(|id| !keys.has(id)) {
        output::say(&format!(
            "its secrets need the key `{id}`, which is not in {place}: put it there before you serve"
        ));
    }
    output::print_json(&json!({
        "recovery_point": stamp(manifest.made_at_ms),
        "took_ms": elapsed_ms(started),
        "moved_aside": aside,
    }))?;
    Ok(())
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
