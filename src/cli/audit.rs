//! `kefu audit verify`: whether the log of what people did still holds together.

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use super::remote::Remote;
use super::{Common, Failure, Outcome, output, serve};
use crate::app::data_dir::DataDir;
use crate::clock::{SharedClock, SystemClock};
use crate::storage::{Db, audit, shops};

/// Look after the audit log.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AuditCommand {
    /// Walk the chain of each shop; exit code 3 if one is broken. Keep the printed heads elsewhere: they show whether
    /// somebody wrote the whole chain anew.
    Verify,
}

pub fn run(common: &Common, command: AuditCommand) -> Outcome {
    let AuditCommand::Verify = command;
    let found = match Remote::of(&common.data_dir) {
        // A server owns the database; it walks the chain of the shop that this machine's commands act for.
        Some(remote) => vec![remote.get::<Value>("/v1/ops/audit/verify")?],
        None => locally(common)?,
    };
    output::print_json(&json!({ "shops": found }))?;
    let broken = found.iter().find(|shop| !shop["broken"].is_null());
    match broken {
        Some(shop) => Err(Failure::Refused(format!("the audit log is broken: {}", shop["broken"]))),
        None => Ok(()),
    }
}

fn locally(common: &Common) -> anyhow::Result<Vec<Value>> {
    let config = common.config()?;
    let data_dir = DataDir::open(&common.data_dir)?;
    serve::runtime(&config)?.block_on(async {
        let clock: SharedClock = std::sync::Arc::new(SystemClock);
        let url = config.storage_url(data_dir.root());
        let db = Db::open(&url, clock).await.context("the database cannot be opened")?;
        let mut found = Vec::new();
        for shop in shops::list(&db).await? {
            let mut verified = serde_json::to_value(audit::verify(&db, shop.id).await?)?;
            verified["shop"] = json!(shop.name);
            found.push(verified);
        }
        db.close().await;
        Ok(found)
    })
}
