//! `POST /v1/drafts`: agents, owners, and scripts with their key.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::domain::order::Platform;
use crate::domain::text::Lang;
use crate::events::Event;
use crate::http::companion::views::{DraftView, read_draft};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::password::{hash_token, new_token};
use crate::http::state::AppState;
use crate::storage::companion::{self, Brought, Earlier};

/// As much as is taken of a buyer's message.
const MAX_CHARS: usize = 2_000;
/// Messages before it; more than a follow-up looks back at.
const MAX_EARLIER: usize = 50;
/// Longer than any platform's order number.
const MAX_ORDER_CHARS: usize = 64;

/// Who said something before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EarlierAuthor {
    Buyer,
    Shop,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierTurn {
    author: EarlierAuthor,
    text: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftBody {
    /// What the buyer wrote last.
    text: String,
    /// Where the buyer is.
    platform: Platform,
    /// The language of the reply; that of the message if left out.
    lang: Option<Lang>,
    /// What was said before, oldest first.
    #[serde(default)]
    earlier: Vec<EarlierTurn>,
    /// The order it is about, if the caller knows: its record is then told without asking for a phone number.
    order_number: Option<String>,
}

pub async fn ask_draft(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<DraftBody>,
) -> ApiResult<(StatusCode, Json<DraftView>)> {
    let shop = member.shop();
    let text = check("text", &body.text)?;
    if body.earlier.len() > MAX_EARLIER {
        return Err(ApiError::field("earlier", format!("more than {MAX_EARLIER}")));
    }
    let mut earlier = Vec::with_capacity(body.earlier.len());
    for one in body.earlier.iter().filter(|one| !one.text.trim().is_empty()) {
        earlier.push(Earlier { is_buyer: one.author == EarlierAuthor::Buyer, text: check("earlier", &one.text)? });
    }
    let order_number = body.order_number.as_deref().map(str::trim).filter(|number| !number.is_empty());
    if order_number.is_some_and(|number| number.chars().count() > MAX_ORDER_CHARS) {
        return Err(ApiError::field("order_number", format!("longer than {MAX_ORDER_CHARS} characters")));
    }
    let brought = Brought {
        account: member.id(),
        platform: body.platform,
        order_number,
        lang: body.lang.unwrap_or_else(|| Lang::of(text)),
        earlier: &earlier,
        text,
        buyer_hash: &hash_token(&new_token()),
    };
    let mut tx = state.db.begin().await?;
    let asked = companion::bring(&mut tx, shop, &brought).await?;
    tx.commit().await?;
    state.bus.publish(shop, Event::TurnChanged { conversation: asked.message.conversation, turn: asked.turn });
    (state.wake_workers)();
    Ok((StatusCode::ACCEPTED, Json(read_draft(&state, shop, asked.turn).await?)))
}

fn check<'a>(field: &str, text: &'a str) -> ApiResult<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Code::MessageEmpty.into());
    }
    match text.chars().count() > MAX_CHARS {
        true => Err(ApiError::field(field, format!("longer than {MAX_CHARS} characters"))),
        false => Ok(text),
    }
}
