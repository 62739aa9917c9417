//! `/v1/ops/tokens`, `/v1/ops/buyer-keys`: ops, owners. Keys of scripts, and the keys that the shop signs its buyers'
//! identity with.
//!
//! Both are shown once. A script's key is stored as a hash; a signing key has to be known to check a signature, and
//! is never shown again all the same.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::clock::new_uuid;
use crate::domain::ids::{ApiTokenId, BuyerKeyId};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::password::{hash_token, new_api_token, new_token};
use crate::http::people::Names;
use crate::http::permission::Permission;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::api_tokens::{self, ApiToken, NewApiToken};
use crate::storage::buyers::{self, KeyPurpose};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A key that lives longer is forgotten before it ends.
const MAX_DAYS: u32 = 366;

#[derive(Deserialize, JsonSchema)]
pub struct TokenBody {
    /// What it is for.
    name: String,
    /// Any of `drafts`, `read_drafts`, `knowledge`, `read_knowledge`, `bars`, `read_bars`, `records`, `read_records`,
    /// `tasks`.
    scopes: Vec<Permission>,
    /// It ends after so many days; 366 at most.
    days: u32,
}

#[derive(Serialize, JsonSchema)]
pub struct TokenView {
    id: ApiTokenId,
    name: String,
    scopes: Vec<String>,
    /// Whom it acts for.
    account: String,
    created_at_ms: i64,
    expires_at_ms: i64,
    /// To the minute.
    used_at_ms: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub struct TokensAnswer {
    /// Newest first.
    tokens: Vec<TokenView>,
}

#[derive(Serialize, JsonSchema)]
pub struct NewTokenAnswer {
    token: TokenView,
    /// For `Authorization: Bearer …`; shown once.
    secret: String,
}

#[derive(Serialize, JsonSchema)]
pub struct BuyerKeyView {
    /// Goes into the head of what is signed, as `kid`.
    id: BuyerKeyId,
    created_at_ms: i64,
}

#[derive(Serialize, JsonSchema)]
pub struct BuyerKeysAnswer {
    /// Oldest first; two at most.
    keys: Vec<BuyerKeyView>,
}

#[derive(Serialize, JsonSchema)]
pub struct NewBuyerKeyAnswer {
    key: BuyerKeyView,
    /// The bytes of this text are the key for HS256; shown once.
    secret: String,
}

fn view(token: ApiToken, names: &Names) -> TokenView {
    let ApiToken { id, account, name, scopes, created_at_ms, expires_at_ms, used_at_ms } = token;
    TokenView { id, name, scopes, account: names.of_account(account), created_at_ms, expires_at_ms, used_at_ms }
}

pub async fn list_tokens(State(state): State<AppState>, member: Member) -> ApiResult<Json<TokensAnswer>> {
    let names = Names::of(&state.db, member.shop()).await?;
    let tokens = api_tokens::list(&state.db, member.shop()).await?;
    Ok(Json(TokensAnswer { tokens: tokens.into_iter().map(|token| view(token, &names)).collect() }))
}

/// Nobody can hand out more than they have: a scope that the maker's role lacks is refused.
pub async fn add_token(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<TokenBody>,
) -> ApiResult<(StatusCode, Json<NewTokenAnswer>)> {
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > 100 {
        return Err(ApiError::field("name", "between 1 and 100 characters"));
    }
    if !(1..=MAX_DAYS).contains(&body.days) {
        return Err(ApiError::field("days", format!("between 1 and {MAX_DAYS}")));
    }
    let is_fine = |scope: &Permission| scope.is_scope() && scope.is_held_by(member.account.role);
    if body.scopes.is_empty() || !body.scopes.iter().all(is_fine) {
        return Err(ApiError::field("scopes", "at least one, and none that you do not have yourself"));
    }
    let scopes: Vec<String> = body.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    let id = ApiTokenId(new_uuid(state.clock.as_ref()));
    let secret = new_api_token(id);
    let expires_at_ms = state.now_ms() + i64::from(body.days) * DAY_MS;
    let new =
        NewApiToken { account: member.id(), name, token_hash: &hash_token(&secret), scopes: &scopes, expires_at_ms };
    let names = Names::of(&state.db, member.shop()).await?;
    let mut tx = state.db.begin().await?;
    let token = api_tokens::create(&mut tx, member.shop(), id, &new).await?;
    let detail = json!({ "name": name, "scopes": scopes, "expires_at_ms": expires_at_ms });
    note(&mut tx, &member, "token_created", (&id.to_string(), detail)).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(NewTokenAnswer { token: view(token, &names), secret })))
}

pub async fn remove_token(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<ApiTokenId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !api_tokens::remove(&mut tx, member.shop(), id).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "token_removed", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn list_buyer_keys(State(state): State<AppState>, member: Member) -> ApiResult<Json<BuyerKeysAnswer>> {
    let keys = buyers::keys(&state.db, member.shop(), KeyPurpose::Identity).await?;
    let view = |key: buyers::BuyerKey| BuyerKeyView { id: key.id, created_at_ms: key.created_at_ms };
    Ok(Json(BuyerKeysAnswer { keys: keys.into_iter().map(view).collect() }))
}

pub async fn add_buyer_key(
    State(state): State<AppState>,
    member: Member,
) -> ApiResult<(StatusCode, Json<NewBuyerKeyAnswer>)> {
    let secret = new_token();
    let mut tx = state.db.begin().await?;
    let key =
        buyers::create_key(&mut tx, member.shop(), (KeyPurpose::Identity, &secret)).await?.ok_or(Code::TwoKeys)?;
    note(&mut tx, &member, "buyer_key_created", (&key.id.to_string(), json!({}))).await?;
    tx.commit().await?;
    let key = BuyerKeyView { id: key.id, created_at_ms: key.created_at_ms };
    Ok((StatusCode::CREATED, Json(NewBuyerKeyAnswer { key, secret })))
}

pub async fn remove_buyer_key(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<BuyerKeyId>,
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !buyers::remove_key(&mut tx, member.shop(), (KeyPurpose::Identity, id)).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, &member, "buyer_key_removed", (&id.to_string(), json!({}))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
