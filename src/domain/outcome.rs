//! What a person made of an answer: the label that every promise rests on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::turn::RejectReason;

/// One keypress of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Right as it was.
    Accept,
    /// Right, and put into better words.
    EditStyle,
    /// Something it said was changed.
    EditFact,
    /// A fact was wrong.
    RejectWrong,
    /// A person should have answered.
    RejectShouldNotAnswer,
    /// Right, but not how the shop speaks.
    RejectTone,
    /// Refused without one of the reasons above.
    RejectOther,
}

impl Outcome {
    /// All, in the order of the keys.
    pub const ALL: [Self; 7] = [
        Self::Accept,
        Self::EditStyle,
        Self::EditFact,
        Self::RejectWrong,
        Self::RejectShouldNotAnswer,
        Self::RejectTone,
        Self::RejectOther,
    ];

    /// Whether it must not have been sent without a person. Who refuses without saying why may have had the worst of
    /// reasons.
    pub fn is_loss(self) -> bool {
        match self {
            Self::EditFact | Self::RejectWrong | Self::RejectShouldNotAnswer | Self::RejectOther => true,
            Self::Accept | Self::EditStyle | Self::RejectTone => false,
        }
    }
}

/// What an edit changed, more finely than [`EditKind`]: what staff have to mend is another thing for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Only how it is said: a matter of the shop's style.
    Tone,
    /// Something that it said: the source, or how it was read.
    Fact,
    /// Everything stayed, and something to do was added: the source leaves it out.
    MissingStep,
    /// It spoke of another product.
    WrongProduct,
}

impl From<RejectReason> for Outcome {
    fn from(reason: RejectReason) -> Self {
        match reason {
            RejectReason::Wrong => Self::RejectWrong,
            RejectReason::ShouldNotAnswer => Self::RejectShouldNotAnswer,
            RejectReason::Tone => Self::RejectTone,
            RejectReason::Other => Self::RejectOther,
        }
    }
}

/// What an edit changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditKind {
    /// Only the words.
    Style,
    /// What is claimed.
    Fact,
}

impl From<EditKind> for Outcome {
    fn from(kind: EditKind) -> Self {
        match kind {
            EditKind::Style => Self::EditStyle,
            EditKind::Fact => Self::EditFact,
        }
    }
}

/// How a label came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// An agent decided about a draft.
    Review,
    /// A sample of what was sent without a person, labelled blind.
    Audit,
    /// A sample of what an agent accepted, labelled blind by somebody else.
    SecondLook,
    /// Somebody judged an answer to a past question that nobody was sent: all of them at or above some score are.
    Rehearsal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_tone_are_no_losses_and_everything_doubtful_is_one() {
        let losses: Vec<_> = Outcome::ALL.into_iter().filter(|outcome| outcome.is_loss()).collect();
        let want = [Outcome::EditFact, Outcome::RejectWrong, Outcome::RejectShouldNotAnswer, Outcome::RejectOther];
        assert_eq!(losses, want);
    }
}
