//! `kefu user`: people of a shop, from the machine it runs on. The first one opens the shop.

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use super::remote::Remote;
use super::{Common, Failure, Outcome, output, serve};
use crate::app::data_dir::DataDir;
use crate::clock::{SharedClock, SystemClock};
use crate::config::Config;
use crate::domain::text::Lang;
use crate::http::password::{hash_password, new_password};
use crate::storage::accounts::{self, Account, NewAccount, Role};
use crate::storage::audit::{self, NewAuditEntry};
use crate::storage::{Db, StorageError, Tx, sessions, shops};

/// Add people, or let them choose a new password.
#[derive(Debug, Clone, Subcommand)]
pub enum UserCommand {
    /// Add a person. Prints a password, or a link to choose one if a server runs.
    Add {
        email: String,
        /// What colleagues see; the address if not given.
        #[arg(long)]
        name: Option<String>,
        #[arg(long, value_parser = role, default_value = "owner")]
        role: Role,
        /// Name of the shop that is opened with its first person.
        #[arg(long, default_value = "My shop")]
        shop: String,
    },
    /// Replace a forgotten password; all sessions of the person end.
    ResetPassword { email: String },
}

fn role(text: &str) -> Result<Role, String> {
    [Role::Agent, Role::Staff, Role::Ops, Role::Owner]
        .into_iter()
        .find(|role| role.code() == text)
        .ok_or_else(|| "one of agent, staff, ops, owner".to_owned())
}

pub fn run(common: &Common, command: UserCommand) -> Outcome {
    if let Some(remote) = Remote::of(&common.data_dir) {
        return through_server(&remote, command);
    }
    let config = common.config()?;
    let data_dir = DataDir::open(&common.data_dir)?;
    serve::runtime(&config)?.block_on(async {
        let db = open_database(&config, &data_dir).await?;
        let outcome = match command {
            UserCommand::Add { email, name, role, shop } => {
                let name = name.unwrap_or_else(|| email.clone());
                add(&db, &shop, (&email, &name, role)).await
            }
            UserCommand::ResetPassword { email } => reset(&db, &email).await,
        };
        db.close().await;
        outcome
    })
}

/// The database alone, without models and index.
async fn open_database(config: &Config, data_dir: &DataDir) -> anyhow::Result<Db> {
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    Db::open(&config.storage_url(data_dir.root()), clock).await.context("the database cannot be opened")
}

async fn add(db: &Db, shop_name: &str, (email, name, role): (&str, &str, Role)) -> Outcome {
    if accounts::by_email(db, email).await?.is_some() {
        return Err(Failure::Refused(format!("there is an account `{email}` already")));
    }
    let password = new_password();
    let password_hash = hash_password(&password)?;
    let existing = shops::list(db).await?.into_iter().next();
    let mut tx = db.begin().await?;
    let shop = match existing {
        Some(shop) => shop,
        None => shops::create(&mut tx, shop_name, Lang::of(shop_name)).await?,
    };
    let new = NewAccount { email, name, role, password_hash: &password_hash };
    let account = accounts::create(&mut tx, shop.id, &new).await?;
    note(&mut tx, &account, "account_added").await?;
    tx.commit().await?;
    output::print_json(&json!({ "email": account.email, "role": role, "shop": shop.name, "password": password }))?;
    Ok(())
}

async fn reset(db: &Db, email: &str) -> Outcome {
    let Some(found) = accounts::by_email(db, email).await? else {
        return Err(Failure::Refused(format!("there is no account `{email}`")));
    };
    let password = new_password();
    let password_hash = hash_password(&password)?;
    let mut tx = db.begin().await?;
    accounts::set_password_hash(&mut tx, found.account.id, &password_hash).await?;
    sessions::revoke_all(&mut tx, found.account.id).await?;
    note(&mut tx, &found.account, "password_reset").await?;
    tx.commit().await?;
    output::print_json(&json!({ "email": found.account.email, "password": password }))?;
    Ok(())
}

/// In the log of what people did; whoever may run commands here has no account.
async fn note(tx: &mut Tx, account: &Account, action: &str) -> Result<(), StorageError> {
    let detail = json!({ "role": account.role });
    let entry = NewAuditEntry { account: None, action, subject: &account.id.to_string(), detail: &detail };
    audit::append(tx, account.shop, &entry).await
}

fn through_server(remote: &Remote, command: UserCommand) -> Outcome {
    let answer: Value = match command {
        UserCommand::Add { email, name, role, shop: _ } => {
            let name = name.unwrap_or_else(|| email.clone());
            remote.post("/v1/ops/accounts", &json!({ "email": email, "name": name, "role": role }))?
        }
        UserCommand::ResetPassword { email } => {
            let list: Value = remote.get("/v1/ops/accounts")?;
            let accounts = list["accounts"].as_array().map(Vec::as_slice).unwrap_or_default();
            let wanted = email.trim().to_lowercase();
            let id = accounts
                .iter()
                .find(|account| account["email"] == wanted.as_str())
                .and_then(|account| account["id"].as_str());
            let Some(id) = id else { return Err(Failure::Refused(format!("there is no account `{email}`"))) };
            remote.post(&format!("/v1/ops/accounts/{id}/reset-password"), &json!({}))?
        }
    };
    output::print_json(&answer)?;
    Ok(())
}
