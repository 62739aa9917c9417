//! `/v1/ops/accounts`: ops, owners. Only an owner makes, changes or locks out owners.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::ids::AccountId;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::password::{hash_token, new_token};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::accounts::{self, Account, NewAccount, Role};
use crate::storage::{Tx, second_factor, sessions};

/// How long an invitation or a reset may be used.
const LINK_LIFETIME_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What is stored until the first password is set: no password has this hash.
const NO_PASSWORD: &str = "!";

#[derive(Deserialize, JsonSchema)]
pub struct InviteBody {
    email: String,
    name: String,
    role: Role,
}

#[derive(Deserialize, JsonSchema)]
pub struct AccountPatch {
    role: Option<Role>,
    name: Option<String>,
    /// True ends all sessions of the account at once.
    disabled: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
pub struct AccountView {
    id: AccountId,
    email: String,
    name: String,
    role: Role,
    disabled: bool,
    created_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct AccountsAnswer {
    accounts: Vec<AccountView>,
}

#[derive(Serialize, JsonSchema)]
pub struct Invitation {
    account: AccountView,
    /// Shown once; valid for seven days.
    invite_url: String,
}

#[derive(Serialize, JsonSchema)]
pub struct ResetAnswer {
    /// Shown once; valid for seven days.
    reset_url: String,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let Account { id, email, name, role, disabled, created_at_ms, .. } = account;
        Self { id, email, name, role, disabled, created_at_ms }
    }
}

pub async fn list_accounts(State(state): State<AppState>, member: Member) -> ApiResult<Json<AccountsAnswer>> {
    let accounts = accounts::list(&state.db, member.shop()).await?;
    Ok(Json(AccountsAnswer { accounts: accounts.into_iter().map(AccountView::from).collect() }))
}

pub async fn invite(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<InviteBody>,
) -> ApiResult<(StatusCode, Json<Invitation>)> {
    owners_only(&member, [body.role])?;
    let (email, name) = (body.email.trim(), body.name.trim());
    if email.len() > 254 || !email.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty()) {
        return Err(ApiError::field("email", "not an e-mail address"));
    }
    if name.is_empty() {
        return Err(ApiError::field("name", "it is empty"));
    }
    let mut tx = state.db.begin().await?;
    let new = NewAccount { email, name, role: body.role, password_hash: NO_PASSWORD };
    let account = accounts::create(&mut tx, member.shop(), &new).await.map_err(|error| {
        if error.conflicts_with("accounts_email") { Code::EmailTaken.into() } else { ApiError::from(error) }
    })?;
    let invite_url = make_link(&mut tx, &state, account.id).await?;
    note(&mut tx, &member, "account_invited", (&account.id.to_string(), json!({ "role": account.role }))).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(Invitation { account: account.into(), invite_url })))
}

pub async fn change_account(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<AccountId>,
    Json(patch): Json<AccountPatch>,
) -> ApiResult<Json<AccountView>> {
    let old = accounts::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    owners_only(&member, [old.role, patch.role.unwrap_or(old.role)])?;
    if id == member.id() && (patch.disabled == Some(true) || patch.role.is_some_and(|role| role != old.role)) {
        // Nobody to let them in again might be left.
        return Err(ApiError::field("id", "nobody changes their own role or locks themselves out"));
    }
    let mut tx = state.db.begin().await?;
    if let Some(role) = patch.role {
        accounts::set_role(&mut tx, member.shop(), id, role).await?;
    }
    if let Some(name) = patch.name.as_deref().map(str::trim) {
        if name.is_empty() {
            return Err(ApiError::field("name", "it is empty"));
        }
        accounts::set_name(&mut tx, member.shop(), id, name).await?;
    }
    if let Some(disabled) = patch.disabled {
        accounts::set_disabled(&mut tx, member.shop(), id, disabled).await?;
        if disabled {
            sessions::revoke_all(&mut tx, id).await?;
        }
    }
    let detail = json!({ "role": patch.role, "renamed": patch.name.is_some(), "disabled": patch.disabled });
    note(&mut tx, &member, "account_changed", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    let account = accounts::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    Ok(Json(account.into()))
}

pub async fn reset_password(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<AccountId>,
) -> ApiResult<Json<ResetAnswer>> {
    let account = accounts::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    owners_only(&member, [account.role])?;
    let mut tx = state.db.begin().await?;
    let reset_url = make_link(&mut tx, &state, id).await?;
    note(&mut tx, &member, "password_reset", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(Json(ResetAnswer { reset_url }))
}

pub async fn end_sessions(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<AccountId>,
) -> ApiResult<StatusCode> {
    let account = accounts::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    owners_only(&member, [account.role])?;
    let mut tx = state.db.begin().await?;
    let n_ended = sessions::revoke_all(&mut tx, id).await?;
    note(&mut tx, &member, "sessions_ended", (&id.to_string(), json!({ "n_ended": n_ended }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For a lost phone. Sessions end with it: it may have been stolen.
pub async fn reset_second_factor(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<AccountId>,
) -> ApiResult<StatusCode> {
    let account = accounts::get(&state.db, member.shop(), id).await?.ok_or(Code::NotFound)?;
    owners_only(&member, [account.role])?;
    let mut tx = state.db.begin().await?;
    second_factor::remove(&mut tx, id).await?;
    sessions::revoke_all(&mut tx, id).await?;
    note(&mut tx, &member, "second_factor_reset", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The token stands in the query: this is a page that a person opens, not an address that scripts call.
async fn make_link(tx: &mut Tx, state: &AppState, account: AccountId) -> ApiResult<String> {
    let token = new_token();
    let expires_at_ms = state.now_ms() + LINK_LIFETIME_MS;
    sessions::create_password_token(tx, account, &hash_token(&token), expires_at_ms).await?;
    Ok(format!("{}/set-password?token={token}", state.settings.public_url))
}

/// Ops could make themselves an owner otherwise.
fn owners_only<const N: usize>(member: &Member, roles: [Role; N]) -> ApiResult<()> {
    if roles.contains(&Role::Owner) && member.account.role != Role::Owner {
        return Err(Code::OwnerNeeded.into());
    }
    Ok(())
}
