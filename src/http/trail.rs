//! The trail in the audit log: who did what, noted in the transaction of the change.

use serde_json::Value;

use crate::http::guard::Member;
use crate::storage::audit::{NewAuditEntry, append};
use crate::storage::{StorageError, Tx};

/// Notes that `member` did `action` to `subject`. The detail never holds a buyer's text.
pub async fn note(
    tx: &mut Tx,
    member: &Member,
    action: &str,
    (subject, detail): (&str, Value),
) -> Result<(), StorageError> {
    let entry = NewAuditEntry { account: Some(member.id()), action, subject, detail: &detail };
    append(tx, member.shop(), &entry).await
}
