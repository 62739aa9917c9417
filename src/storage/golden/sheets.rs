//! Golden answers out of sheets of questions and answers.

use std::collections::HashMap;

use super::{Golden, GoldenForm, GoldenSource, create, set_state, update};
use crate::domain::document::Audience;
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::domain::ids::{AccountId, DocumentId, GoldenId, RevisionId, ShopId};
use crate::storage::{StorageError, Tx};

/// A question of a sheet with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetEntry {
    /// What is asked.
    pub question: String,
    /// What is said.
    pub answer: String,
}

/// What came of a sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Taken {
    /// New proposals.
    pub n_proposed: usize,
    /// Known ones whose answer the sheet changed: they are proposals again.
    pub n_changed: usize,
    /// Known ones that the sheet still says; what staff decided about them holds.
    pub n_kept: usize,
    /// Known ones that the sheet does not have any more: they are off.
    pub n_gone: usize,
    /// One of the new ones, which are to be embedded.
    pub to_embed: Option<GoldenId>,
}

/// Takes the entries of a sheet as proposals. `known` are the shop's golden answers. What staff decided about an entry
/// holds as long as the sheet says the same.
pub async fn take_sheet(
    tx: &mut Tx,
    shop: ShopId,
    (document, revision, author): (DocumentId, RevisionId, AccountId),
    entries: &[SheetEntry],
    known: &[Golden],
) -> Result<Taken, StorageError> {
    let of_sheet = |golden: &&Golden| golden.source.sheet.is_some_and(|(sheet, _)| sheet == document);
    let mut by_question: HashMap<&str, &Golden> = known
        .iter()
        .filter(of_sheet)
        .filter_map(|golden| golden.form.phrasings.first().map(|question| (question.as_str(), golden)))
        .collect();
    let mut taken = Taken::default();
    for entry in entries {
        match by_question.remove(entry.question.as_str()) {
            Some(golden) if golden.form.answer == entry.answer => taken.n_kept += 1,
            Some(golden) => {
                let form =
                    GoldenForm { answer: entry.answer.clone(), state: GoldenState::Proposed, ..golden.form.clone() };
                update(tx, shop, golden.id, &form).await?;
                taken.n_changed += 1;
            }
            None => {
                let source = GoldenSource {
                    origin: GoldenOrigin::Sheet,
                    sheet: Some((document, revision)),
                    turn: None,
                    author: Some(author),
                };
                taken.to_embed = Some(create(tx, shop, &proposal(entry), &source).await?);
                taken.n_proposed += 1;
            }
        }
    }
    for golden in by_question.into_values() {
        set_state(tx, shop, golden.id, GoldenState::Off).await?;
        taken.n_gone += 1;
    }
    // All have been compared with this version of the sheet.
    sqlx::query("update golden_answers set revision_id = $3 where shop_id = $1 and document_id = $2")
        .bind(shop)
        .bind(document)
        .bind(revision)
        .execute(tx.connection())
        .await?;
    let version = super::next_version(tx, shop).await?;
    sqlx::query("update golden_answers set version = $3 where shop_id = $1 and document_id = $2")
        .bind(shop)
        .bind(document)
        .bind(version)
        .execute(tx.connection())
        .await?;
    Ok(taken)
}

/// Product, readers and dates are the sheet's: they are read from it whenever it answers.
fn proposal(entry: &SheetEntry) -> GoldenForm {
    GoldenForm {
        phrasings: vec![entry.question.clone()],
        answer: entry.answer.clone(),
        sku: None,
        audience: Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
        state: GoldenState::Proposed,
    }
}
