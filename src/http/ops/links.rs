//! `/v1/ops/link-hosts`: the sites that an answer may lead to without a person.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::links::host_of;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::shops;

/// More than a shop has sites.
const MAX_HOSTS: usize = 100;

#[derive(Deserialize, JsonSchema)]
pub struct LinkHostsBody {
    /// Such as `help.shop.example`; what is below one of them is allowed, too.
    hosts: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct LinkHostsAnswer {
    /// Those that ops listed.
    hosts: Vec<String>,
    /// These and the sites that show the shop's widgets.
    allowed: Vec<String>,
}

pub async fn show_link_hosts(State(state): State<AppState>, member: Member) -> ApiResult<Json<LinkHostsAnswer>> {
    let hosts = shops::listed_hosts(&state.db, member.shop()).await?;
    let allowed = shops::link_hosts(&state.db, member.shop()).await?;
    Ok(Json(LinkHostsAnswer { hosts, allowed }))
}

pub async fn set_link_hosts(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<LinkHostsBody>,
) -> ApiResult<Json<LinkHostsAnswer>> {
    if body.hosts.len() > MAX_HOSTS {
        return Err(ApiError::field("hosts", format!("{MAX_HOSTS} at most")));
    }
    let mut hosts: Vec<String> = Vec::new();
    for site in &body.hosts {
        let host = host_of(site).ok_or_else(|| ApiError::field("hosts", format!("not the name of a site: {site}")))?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    let mut tx = state.db.begin().await?;
    shops::set_listed_hosts(&mut tx, member.shop(), &hosts).await?;
    note(&mut tx, &member, "link_hosts_changed", (&member.shop().to_string(), json!({ "hosts": hosts }))).await?;
    tx.commit().await?;
    show_link_hosts(State(state), member).await
}
