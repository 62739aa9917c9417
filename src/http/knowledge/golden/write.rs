//! `POST /v1/knowledge/golden`: staff, owners.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::domain::document::Audience;
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::domain::order::Platform;
use crate::http::error::{ApiError, ApiResult};
use crate::http::extract::Json;
use crate::http::guard::Member;
use crate::http::knowledge::change_document::in_order;
use crate::http::knowledge::golden::{GoldenView, queue_embedding, read_golden};
use crate::http::state::AppState;
use crate::http::trail::note;
use crate::storage::golden::{self, GoldenForm, GoldenSource};

/// As much as is taken of a buyer's message.
const MAX_QUESTION_CHARS: usize = 500;
/// Longer than any answer in a chat.
const MAX_ANSWER_CHARS: usize = 4_000;
/// Ways to ask one question.
const MAX_PHRASINGS: usize = 20;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoldenBody {
    question: String,
    answer: String,
    /// Other ways to ask it.
    #[serde(default)]
    phrasings: Vec<String>,
    sku: Option<String>,
    audience: Option<Audience>,
    /// The platforms that it holds on; empty for all.
    #[serde(default)]
    platforms: Vec<Platform>,
    effective_from_ms: Option<i64>,
    effective_until_ms: Option<i64>,
}

/// A question with the words that answer it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    pub question: String,
    pub answer: String,
}

pub async fn add_golden(
    State(state): State<AppState>,
    member: Member,
    Json(body): Json<GoldenBody>,
) -> ApiResult<(StatusCode, Json<GoldenView>)> {
    let form = GoldenForm {
        phrasings: check_phrasings(&body.question, &body.phrasings)?,
        answer: check_answer(&body.answer)?,
        sku: body.sku.map(|sku| sku.trim().to_owned()).filter(|sku| !sku.is_empty()),
        audience: body.audience.unwrap_or(Audience::Buyers),
        platforms: in_order(body.platforms),
        effective_from_ms: body.effective_from_ms,
        effective_until_ms: body.effective_until_ms,
        state: GoldenState::Approved,
    };
    let source = GoldenSource { origin: GoldenOrigin::Staff, sheet: None, turn: None, author: Some(member.id()) };
    let shop = member.shop();
    let mut tx = state.db.begin().await?;
    let id = golden::create(&mut tx, shop, &form, &source).await?;
    queue_embedding(&mut tx, shop, id).await?;
    note(&mut tx, &member, "golden_written", (&id.to_string(), json!({ "origin": source.origin }))).await?;
    tx.commit().await?;
    (state.wake_workers)();
    Ok((StatusCode::CREATED, Json(read_golden(&state, shop, id).await?)))
}

/// The question, then the other phrasings, without empty and repeated ones.
pub fn check_phrasings(question: &str, others: &[String]) -> ApiResult<Vec<String>> {
    let question = question.trim();
    if question.is_empty() {
        return Err(ApiError::field("question", "it is empty"));
    }
    let mut phrasings: Vec<String> = vec![];
    for phrasing in std::iter::once(question).chain(others.iter().map(|other| other.trim())) {
        if !phrasing.is_empty() && !phrasings.iter().any(|known| known == phrasing) {
            phrasings.push(phrasing.to_owned());
        }
    }
    if phrasings.len() > MAX_PHRASINGS {
        return Err(ApiError::field("phrasings", format!("more than {MAX_PHRASINGS}")));
    }
    match phrasings.iter().any(|phrasing| phrasing.chars().count() > MAX_QUESTION_CHARS) {
        true => Err(ApiError::field("phrasings", format!("longer than {MAX_QUESTION_CHARS} characters"))),
        false => Ok(phrasings),
    }
}

/// An answer that may be said.
pub fn check_answer(answer: &str) -> ApiResult<String> {
    let answer = answer.trim();
    if answer.is_empty() {
        return Err(ApiError::field("answer", "it is empty"));
    }
    if answer.chars().count() > MAX_ANSWER_CHARS {
        return Err(ApiError::field("answer", format!("longer than {MAX_ANSWER_CHARS} characters")));
    }
    Ok(answer.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrasings_begin_with_the_question_and_repeat_nothing() {
        let others = [" a? ".to_owned(), String::new(), "b?".to_owned(), "b?".to_owned()];
        assert_eq!(check_phrasings("a?", &others).unwrap(), ["a?", "b?"]);
        assert!(check_phrasings("  ", &others).is_err() && check_answer(" ").is_err());
        assert!(check_phrasings(&"a".repeat(501), &[]).is_err() && check_answer(&"a".repeat(4_001)).is_err());
    }
}
