//! What people make of the answers, and what can be learnt from it.
//!
//! Reading order: [`calibrate`] makes confidences; [`replay`] tries rules on the past; [`binomial`], [`certify`],
//! [`split`] and [`assess`] prove a promise about wrong answers; [`watch`] doubts the proof afterwards; [`dial`] reads and
//! writes what they need; [`charts`] shows it; [`rehearsal`] says what is still missing
//! on the first day; [`edit`] proposes what an agent's change meant.

pub mod assess;
pub mod binomial;
pub mod calibrate;
pub mod certify;
pub mod charts;
pub mod dial;
pub mod edit;
mod newton;
#[cfg(test)]
mod promise;
pub mod rehearsal;
pub mod replay;
pub mod split;
pub mod watch;
