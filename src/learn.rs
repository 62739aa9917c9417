//! What people make of the answers, and what can be learnt from it.
//!
//! Reading order: [`calibrate`] makes confidences; [`figures`] and [`ablation`] say how good they are; [`replay`] tries
//! rules on the past; [`binomial`], [`certify`], [`family`], [`split`] and [`assess`] prove promises about wrong answers,
//! [`tries`] counts how often that is tried; [`watch`] doubts a proof afterwards, and [`signals`] say when to look more closely ([`senses`] reads them); [`dial`]
//! says what a promise means for a turn, [`proving`] makes the proofs, [`nightly`] does so by itself, and [`probation`]
//! asks anew after a change; [`charts`] shows all this; [`rehearsal`] says what is still missing on the first day;
//! [`edit`] proposes what an agent's change meant, [`difference`] what has to be mended for it; [`tallies`] keeps what
//! every day of service came to; [`commitments`] writes down what a reply commits the shop to, and [`hand_over`] what a
//! shift leaves to the next.

pub mod ablation;
pub mod assess;
pub mod binomial;
pub mod calibrate;
pub mod certify;
pub mod charts;
pub mod commitments;
pub mod dial;
pub mod difference;
pub mod edit;
pub mod family;
pub mod figures;
pub mod hand_over;
mod isotonic;
mod newton;
pub mod nightly;
pub mod probation;
#[cfg(test)]
mod promise;
pub mod proving;
pub mod rehearsal;
pub mod replay;
pub mod senses;
pub mod signals;
pub mod split;
pub mod tallies;
pub mod tries;
pub mod watch;
