//! `kefu secrets`: the key that secrets in the database are encrypted with. Only while no server runs on the directory.

use std::sync::Arc;

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;

use super::{Common, Failure, Outcome, output, serve};
use crate::app::data_dir::DataDir;
use crate::app::secrets::{Place, unlock};
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::storage::Db;
use crate::storage::seal::Keyring;

/// Look after the key that secrets in the database are encrypted with.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum SecretsCommand {
    /// Say which key is in use, by its fingerprint, and whether it is here.
    Show,
    /// Encrypt everything with a new key. The old one stays in the file, below it: backups from before need it.
    Rotate,
    /// After the loss of a key: take away what it has encrypted. People set up their second factor again, and shops make
    /// new keys for their buyers' identity.
    Forget,
}

pub fn run(common: &Common, command: SecretsCommand) -> Outcome {
    let config = common.config()?;
    let data_dir = DataDir::open(&common.data_dir)?;
    let place = Place::of(&config, data_dir.root());
    serve::runtime(&config)?.block_on(async {
        let clock: SharedClock = Arc::new(SystemClock);
        let db =
            Db::open(&config.storage_url(data_dir.root()), clock).await.context("the database cannot be opened")?;
        match command {
            SecretsCommand::Show => show(&db, &place).await,
            SecretsCommand::Rotate => rotate(db, &place, (&config, &data_dir)).await,
            SecretsCommand::Forget => forget(db, &place, (&config, &data_dir)).await,
        }
    })
}

async fn show(db: &Db, place: &Place) -> Outcome {
    let (used, keys) = (db.secret_key().await?, place.read()?.unwrap_or_default());
    let is_here = used.as_ref().is_some_and(|id| keys.has(id));
    output::print_json(&json!({ "key": used, "is_here": is_here, "place": place.to_string() }))?;
    Ok(())
}

/// The file is written first: a key that encrypts something is on the disk.
async fn rotate(db: Db, place: &Place, (config, data_dir): (&Config, &DataDir)) -> Outcome {
    let before = db.secret_key().await?;
    // Whatever is wrong with the old key is said before there is a new one.
    let db = unlock(db, config, data_dir.root()).await?;
    let keys = place.read()?.unwrap_or_default();
    if place.is_given() && keys.id() == before.as_deref() {
        let reason = "the key is given by `storage.secret_keys`\n\
                      hint: put a new one and a comma before it (`openssl rand -hex 32` makes one), and run this again";
        return Err(Failure::Refused(reason.into()));
    }
    let db = if place.is_given() {
        db
    } else {
        let keys = keys.with_new_key();
        place.write(&keys)?;
        db.unlock(keys).await?
    };
    output::print_json(&json!({ "key": db.secret_key().await?, "before": before }))?;
    output::say(&format!("keep a copy of {place} where no backup of the database lies"));
    db.close().await;
    Ok(())
}

async fn forget(db: Db, place: &Place, (config, data_dir): (&Config, &DataDir)) -> Outcome {
    let keys = match place.read()? {
        Some(keys) => keys,
        None => {
            let keys = Keyring::default().with_new_key();
            place.write(&keys)?;
            keys
        }
    };
    let forgotten = db.forget_lost(&keys).await?;
    unlock(db, config, data_dir.root()).await?.close().await;
    output::print_json(&serde_json::to_value(forgotten)?)?;
    Ok(())
}
