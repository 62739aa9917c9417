//! How our values stand in columns: ids and codes as texts, structures as JSON texts, truth values as 0 or 1,
//! embeddings as little-endian 32-bit floats.
//!
//! A code is the name that serde gives to a variant: the interfaces, the evidence and the columns then agree.

use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserialize, DeserializeOwned};
use sqlx::any::{AnyRow, AnyTypeInfo};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Any, Database, Decode, Encode, Row, Type};

use super::StorageError;
use crate::domain::certificate::VoidReason;
use crate::domain::check::Finding;
use crate::domain::conversation::{Author, Handler, Simulated};
use crate::domain::dial::Scope;
use crate::domain::document::{Audience, Format, RevisionState};
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::domain::ids::{
    AccountId, ApiTokenId, BuyerKeyId, CannedId, CertificateId, CheckId, ChunkId, CommitmentId, ConversationId,
    DocumentId, FeedbackId, GoldenId, HandoverId, ImportId, JobId, LabelId, LookId, MessageId, OrderId, PhrasingId,
    PolicyId, ProductId, ReaskedId, RehearsalId, RehearsedId, RevisionId, SessionId, ShiftId, ShopId, TaskId,
    TransferId, TryId, TurnId, ViewId, WidgetId,
};
use crate::domain::outcome::{Difference, LabelSource, Outcome};
use crate::domain::rehearsal::RehearsalState;
use crate::domain::text::Lang;
use crate::domain::turn::{RejectReason, TurnState, Verdict};

type ArgumentBuffer = <Any as Database>::ArgumentBuffer;
type ValueRef<'r> = <Any as Database>::ValueRef<'r>;

macro_rules! stands_as_text {
    ($to_text:path, $from_text:path: $($name:ty),* $(,)?) => {$(
        impl Type<Any> for $name {
            fn type_info() -> AnyTypeInfo {
                <String as Type<Any>>::type_info()
            }
        }

        impl Encode<'_, Any> for $name {
            fn encode_by_ref(&self, buffer: &mut ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                Encode::<Any>::encode($to_text(self)?, buffer)
            }
        }

        impl<'r> Decode<'r, Any> for $name {
            fn decode(value: ValueRef<'r>) -> Result<Self, BoxDynError> {
                $from_text(<&str as Decode<Any>>::decode(value)?)
            }
        }
    )*};
}

stands_as_text!(id_to_text, id_from_text:
    AccountId, ApiTokenId, BuyerKeyId, CannedId, CertificateId, CheckId, ChunkId, CommitmentId, ConversationId, DocumentId, FeedbackId, GoldenId, HandoverId, ImportId, JobId, LabelId, LookId, MessageId, OrderId, PhrasingId, PolicyId, ProductId, ReaskedId, RehearsalId, RehearsedId, RevisionId, SessionId, ShiftId, ShopId, TaskId, TransferId, TryId, TurnId, ViewId, WidgetId,
);

stands_as_text!(code_to_text, code_from_text:
    Audience, Author, Difference, Finding, Format, GoldenOrigin, GoldenState, Handler, LabelSource, Lang, Outcome, RehearsalState,
    RejectReason, RevisionState, Scope, Simulated, TurnState, Verdict, VoidReason, crate::domain::injection::Quarantine,
    super::accounts::Role, super::conversations::ConversationKind, super::jobs::JobState, super::jobs::Lane,
    crate::domain::order::Platform, crate::domain::order::Stage, crate::domain::task::Department,
    crate::domain::task::TaskKind, crate::domain::task::TaskState, super::buyers::KeyPurpose,
    super::imports::ImportKind, super::imports::ImportState, super::orders::Source,
    crate::domain::assign::TransferKind, crate::domain::commitment::CommitmentKind,
    crate::domain::commitment::CommitmentState,
);

fn id_to_text(id: &impl ToString) -> Result<String, BoxDynError> {
    Ok(id.to_string())
}

fn id_from_text<T: std::str::FromStr<Err = uuid::Error>>(text: &str) -> Result<T, BoxDynError> {
    Ok(text.parse()?)
}

fn code_to_text(code: &impl Serialize) -> Result<String, BoxDynError> {
    match serde_json::to_value(code)? {
        serde_json::Value::String(text) => Ok(text),
        other => Err(format!("not a code: {other}").into()),
    }
}

fn code_from_text<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BoxDynError> {
    let source: StrDeserializer<'a, serde::de::value::Error> = StrDeserializer::new(text);
    Ok(T::deserialize(source)?)
}

/// A structure as a JSON text.
pub(super) struct Json<T>(pub T);

impl<T> Type<Any> for Json<T> {
    fn type_info() -> AnyTypeInfo {
        <String as Type<Any>>::type_info()
    }
}

impl<T: Serialize> Encode<'_, Any> for Json<T> {
    fn encode_by_ref(&self, buffer: &mut ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Any>::encode(serde_json::to_string(&self.0)?, buffer)
    }
}

impl<'r, T: DeserializeOwned> Decode<'r, Any> for Json<T> {
    fn decode(value: ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(serde_json::from_str(<&str as Decode<Any>>::decode(value)?)?))
    }
}

/// Reads a row's columns by name.
pub(super) trait Columns {
    /// A value as it stands there.
    fn col<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, name: &str) -> Result<T, StorageError>;

    /// A truth value.
    fn flag(&self, name: &str) -> Result<bool, StorageError>;

    /// A structure.
    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StorageError>;

    /// A count or an index.
    fn number(&self, name: &str) -> Result<u32, StorageError>;

    /// A count or an index that may be missing.
    fn number_or_none(&self, name: &str) -> Result<Option<u32>, StorageError>;
}

impl Columns for AnyRow {
    fn col<'r, T: Decode<'r, Any> + Type<Any>>(&'r self, name: &str) -> Result<T, StorageError> {
        Ok(self.try_get(name)?)
    }

    fn flag(&self, name: &str) -> Result<bool, StorageError> {
        Ok(self.try_get::<i64, _>(name)? != 0)
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StorageError> {
        Ok(self.try_get::<Json<T>, _>(name)?.0)
    }

    fn number(&self, name: &str) -> Result<u32, StorageError> {
        to_u32(name, self.try_get(name)?)
    }

    fn number_or_none(&self, name: &str) -> Result<Option<u32>, StorageError> {
        self.try_get::<Option<i64>, _>(name)?.map(|value| to_u32(name, value)).transpose()
    }
}

fn to_u32(name: &str, value: i64) -> Result<u32, StorageError> {
    u32::try_from(value).map_err(|_| StorageError::Damaged { what: format!("`{name}` is {value}") })
}

/// A size in memory as a column; what does not fit cannot have been in memory.
pub(super) fn to_i64(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// An embedding as it is stored.
pub(super) fn embedding_to_bytes(embedding: &[f32]) -> Vec<u8> {
    embedding.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The embedding that was stored.
pub(super) fn embedding_from_bytes(bytes: &[u8]) -> Result<Vec<f32>, StorageError> {
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(StorageError::Damaged { what: format!("an embedding of {} bytes", bytes.len()) });
    }
    Ok(values.iter().map(|value| f32::from_le_bytes(*value)).collect())
}

/// `$first, $first+1, …`: as many placeholders as there are values to bind.
pub(super) fn placeholders(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_what_serde_says() {
        assert_eq!(code_to_text(&TurnState::Superseded).unwrap(), "superseded");
        assert_eq!(code_from_text::<RejectReason>("should_not_answer").unwrap(), RejectReason::ShouldNotAnswer);
        assert!(code_from_text::<TurnState>("asleep").is_err());
    }

    #[test]
    fn an_embedding_survives_its_bytes() {
        let embedding = [0.1f32, -1.0, f32::MIN_POSITIVE];
        assert_eq!(embedding_from_bytes(&embedding_to_bytes(&embedding)).unwrap(), embedding);
        assert!(embedding_from_bytes(&[0; 7]).is_err());
    }

    #[test]
    fn placeholders_count_on() {
        assert_eq!(placeholders(3, 2), "$3, $4");
    }
}
