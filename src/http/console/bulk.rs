//! `POST /v1/console/bulk`: agents, owners. One act on many conversations.
//!
//! Each is done for itself, so that one which cannot be done holds up no other; what was refused is told one by one.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountId, ConversationId};
use crate::events::Event;
use crate::http::console::assign::give_one;
use crate::http::console::hand_over::close_one;
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::state::AppState;
use crate::storage::{conversations, tags};

/// More than a screen shows.
const MAX_AT_ONCE: usize = 200;

const MAX_TAG_CHARS: usize = 40;

/// What is done with each.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Act {
    /// Be done with it.
    Close,
    /// Give it to a colleague; without a name, to whoever has time.
    Assign {
        /// To whom.
        account_id: Option<AccountId>,
        /// Why, where it is somebody else's.
        #[serde(default)]
        reason: String,
    },
    /// Mark it, or take the mark away.
    Mark {
        /// Whether it is to be marked.
        marked: bool,
    },
    /// Put tags on it and take others off.
    Tag {
        /// To be put on.
        #[serde(default)]
        add: Vec<String>,
        /// To be taken off.
        #[serde(default)]
        remove: Vec<String>,
    },
}

#[derive(Deserialize, JsonSchema)]
pub struct BulkBody {
    /// Which; 200 at most.
    ids: Vec<ConversationId>,
    act: Act,
}

/// One that was left as it was.
#[derive(Serialize, JsonSchema)]
pub struct Refused {
    id: ConversationId,
    /// Why: the code of the problem.
    code: String,
}

#[derive(Serialize, JsonSchema)]
pub struct BulkAnswer {
    done: Vec<ConversationId>,
    refused: Vec<Refused>,
}

pub async fn act_on_many(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<BulkBody>,
) -> ApiResult<Json<BulkAnswer>> {
    if body.ids.len() > MAX_AT_ONCE {
        return Err(ApiError::field("ids", format!("at most {MAX_AT_ONCE}")));
    }
    let act = check(body.act)?;
    let mut answer = BulkAnswer { done: vec![], refused: vec![] };
    for id in body.ids {
        match act_on(&state, &member, id, &act).await {
            Ok(()) => answer.done.push(id),
            // A server that is in trouble is in trouble with all of them.
            Err(error) if error.code().status().is_server_error() => return Err(error),
            Err(error) => answer.refused.push(Refused { id, code: error.code().name().to_owned() }),
        }
    }
    Ok(Json(answer))
}

fn check(act: Act) -> ApiResult<Act> {
    let Act::Tag { add, remove } = act else { return Ok(act) };
    let clean = |tags: Vec<String>| tags.into_iter().map(|tag| tag.trim().to_owned()).collect::<Vec<_>>();
    let (add, remove) = (clean(add), clean(remove));
    let is_tag = |tag: &String| !tag.is_empty() && tag.chars().count() <= MAX_TAG_CHARS;
    if add.len() + remove.len() > 20 || !add.iter().chain(&remove).all(is_tag) {
        return Err(ApiError::field("act", format!("at most 20 tags of 1 to {MAX_TAG_CHARS} characters")));
    }
    Ok(Act::Tag { add, remove })
}

async fn act_on(state: &AppState, member: &Member, id: ConversationId, act: &Act) -> ApiResult<()> {
    let shop = member.shop();
    match act {
        Act::Close => close_one(state, member, id).await.map(|_| ()),
        Act::Assign { account_id, reason } => give_one(state, member, id, (*account_id, reason)).await,
        Act::Mark { marked } => {
            let mut tx = state.db.begin().await?;
            if !conversations::set_marked(&mut tx, shop, id, *marked).await? {
                return Err(Code::NotFound.into());
            }
            tx.commit().await?;
            state.bus.publish(shop, Event::ConversationChanged { conversation: id });
            Ok(())
        }
        Act::Tag { add, remove } => {
            // Taking off what is not on succeeds everywhere, also where there is no conversation of ours.
            conversations::get(&state.db, shop, id).await?.ok_or(Code::NotFound)?;
            let mut tx = state.db.begin().await?;
            for tag in add {
                if !tags::add(&mut tx, shop, id, tag).await? {
                    return Err(Code::NotFound.into());
                }
            }
            for tag in remove {
                tags::remove(&mut tx, shop, id, tag).await?;
            }
            tx.commit().await?;
            state.bus.publish(shop, Event::ConversationChanged { conversation: id });
            Ok(())
        }
    }
}
