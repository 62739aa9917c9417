//! Canned replies: `/v1/canned` for a person's own, `/v1/canned/shop` for those of the whole shop.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::canned::unknown_place;
use crate::domain::ids::{AccountId, CannedId};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::{Json, Path};
use crate::http::guard::Member;
use crate::http::permission::Permission::{Drafts, Knowledge, ReadKnowledge};
use crate::http::routes::{Route, Routes};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::canned::{self, CannedForm};

/// Longer titles are of no use in a list.
const MAX_TITLE_CHARS: usize = 60;
/// Longer than anything that is said again and again.
const MAX_BODY_CHARS: usize = 2_000;

/// Adds the routes.
pub fn routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/canned", ReadKnowledge, "The shop's canned replies and the caller's own, by title")
        .returns::<CannedAnswer>(200);
    let body = json!({ "title": "发货", "body": "您好{buyer}，订单{order}今天发出。——{agent}" });
    let add =
        Route::post("/v1/canned", Drafts, "Write a canned reply of one's own; {buyer}, {order}, {agent} are filled")
            .takes::<CannedBody>()
            .returns::<CannedSaved>(201)
            .example(body, Value::Null);
    let change = Route::put("/v1/canned/{id}", Drafts, "Rewrite one of one's own").takes::<CannedBody>();
    let remove = Route::delete("/v1/canned/{id}", Drafts, "Take away one of one's own");
    let add_shared = Route::post("/v1/canned/shop", Knowledge, "Write a canned reply for everybody in the shop")
        .takes::<CannedBody>()
        .returns::<CannedSaved>(201);
    let change_shared =
        Route::put("/v1/canned/shop/{id}", Knowledge, "Rewrite one of the shop's").takes::<CannedBody>();
    let remove_shared = Route::delete("/v1/canned/shop/{id}", Knowledge, "Take away one of the shop's");
    routes
        .add(list, list_canned)
        .add(add, add_own)
        .add(change, change_own)
        .add(remove, remove_own)
        .add(add_shared, add_for_shop)
        .add(change_shared, change_of_shop)
        .add(remove_shared, remove_of_shop)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CannedBody {
    /// What it is found by.
    title: String,
    /// What it says; `{buyer}`, `{order}` and `{agent}` are filled when it is used.
    body: String,
}

impl CannedBody {
    fn check(&self) -> ApiResult<CannedForm<'_>> {
        let (title, body) = (self.title.trim(), self.body.trim());
        for (field, text, max) in [("title", title, MAX_TITLE_CHARS), ("body", body, MAX_BODY_CHARS)] {
            if text.is_empty() || text.chars().count() > max {
                return Err(ApiError::field(field, format!("1 to {max} characters")));
            }
        }
        match unknown_place(body) {
            Some(name) => Err(ApiError::field("body", format!("nothing stands for `{{{name}}}`"))),
            None => Ok(CannedForm { title, body }),
        }
    }
}

/// A canned reply.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CannedView {
    id: CannedId,
    title: String,
    body: String,
    /// Whether it is everybody's.
    is_shared: bool,
}

#[derive(Serialize, JsonSchema)]
pub struct CannedAnswer {
    replies: Vec<CannedView>,
}

#[derive(Serialize, JsonSchema)]
pub struct CannedSaved {
    id: CannedId,
}

async fn list_canned(State(state): State<AppState>, member: Member) -> ApiResult<Json<CannedAnswer>> {
    let found = canned::list(&state.db, member.shop(), member.id()).await?;
    let view = |one: canned::Canned| CannedView {
        id: one.id,
        title: one.title,
        body: one.body,
        is_shared: one.owner.is_none(),
    };
    Ok(Json(CannedAnswer { replies: found.into_iter().map(view).collect() }))
}

async fn add_own(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CannedBody>,
) -> ApiResult<(StatusCode, Json<CannedSaved>)> {
    add(&state, &member, Some(member.id()), &body).await
}

async fn add_for_shop(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<CannedBody>,
) -> ApiResult<(StatusCode, Json<CannedSaved>)> {
    add(&state, &member, None, &body).await
}

async fn change_own(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<CannedId>,
    Json(body): Json<CannedBody>,
) -> ApiResult<StatusCode> {
    change(&state, &member, (id, Some(member.id())), &body).await
}

async fn change_of_shop(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<CannedId>,
    Json(body): Json<CannedBody>,
) -> ApiResult<StatusCode> {
    change(&state, &member, (id, None), &body).await
}

async fn remove_own(State(state): State<AppState>, member: Member, Path(id): Path<CannedId>) -> ApiResult<StatusCode> {
    remove(&state, &member, (id, Some(member.id()))).await
}

async fn remove_of_shop(
    State(state): State<AppState>,
    member: Member,
    Path(id): Path<CannedId>,
) -> ApiResult<StatusCode> {
    remove(&state, &member, (id, None)).await
}

async fn add(
    state: &AppState,
    member: &Member,
    owner: Option<AccountId>,
    body: &CannedBody,
) -> ApiResult<(StatusCode, Json<CannedSaved>)> {
    let form = body.check()?;
    let mut tx = state.db.begin().await?;
    let id = canned::create(&mut tx, member.shop(), owner, &form).await?;
    note(&mut tx, member, "canned_written", (&id.to_string(), json!({ "is_shared": owner.is_none() }))).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(CannedSaved { id })))
}

async fn change(
    state: &AppState,
    member: &Member,
    (id, owner): (CannedId, Option<AccountId>),
    body: &CannedBody,
) -> ApiResult<StatusCode> {
    let form = body.check()?;
    let mut tx = state.db.begin().await?;
    if !canned::update(&mut tx, member.shop(), (id, owner), &form).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, member, "canned_changed", (&id.to_string(), json!({ "is_shared": owner.is_none() }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    state: &AppState,
    member: &Member,
    (id, owner): (CannedId, Option<AccountId>),
) -> ApiResult<StatusCode> {
    let mut tx = state.db.begin().await?;
    if !canned::remove(&mut tx, member.shop(), (id, owner)).await? {
        return Err(Code::NotFound.into());
    }
    note(&mut tx, member, "canned_removed", (&id.to_string(), json!({ "is_shared": owner.is_none() }))).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
