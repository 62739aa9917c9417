//! A session for the commands of whoever can read the data directory: it acts as the shop's owner.

use std::time::Duration;

use tracing::warn;

use super::App;
use crate::domain::ids::AccountId;
use crate::http::password::{hash_token, new_token};
use crate::storage::accounts::{self, Role};
use crate::storage::{sessions, shops};

/// Longer than any server runs without a restart.
const LIFETIME_MS: i64 = 400 * 24 * 60 * 60 * 1000;
/// Well under the time after which an unused session is over.
const KEEP_ALIVE: Duration = Duration::from_secs(60 * 60);

/// Starts the session and keeps it alive as long as the process; `None` if there is no owner yet.
pub async fn open(app: &App) -> anyhow::Result<Option<String>> {
    let Some(owner) = first_owner(app).await? else { return Ok(None) };
    let token = new_token();
    let hash = hash_token(&token);
    let mut tx = app.db.begin().await?;
    sessions::create(&mut tx, owner, &hash, LIFETIME_MS).await?;
    tx.commit().await?;
    let (db, clock, soft) = (app.db.clone(), app.clock.clone(), app.life.soft());
    app.life.spawn("local session", async move {
        loop {
            tokio::select! {
                () = soft.cancelled() => break,
                () = clock.sleep(KEEP_ALIVE) => {}
            }
            if let Err(error) = sessions::lookup(&db, &hash).await {
                warn!(%error, "the local session could not be kept alive");
            }
        }
        let Ok(mut tx) = db.begin().await else { return };
        // Left behind it would end by itself; nobody but us knows the token.
        if sessions::revoke(&mut tx, &hash).await.is_ok() {
            let _ = tx.commit().await;
        }
    });
    Ok(Some(token))
}

async fn first_owner(app: &App) -> anyhow::Result<Option<AccountId>> {
    for shop in shops::list(&app.db).await? {
        let accounts = accounts::list(&app.db, shop.id).await?;
        if let Some(owner) = accounts.into_iter().find(|account| account.role == Role::Owner && !account.disabled) {
            return Ok(Some(owner.id));
        }
    }
    Ok(None)
}
