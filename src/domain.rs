//! Pure nouns and rules: no async, no I/O, no clock.
//!
//! Reading order: [`ids`], [`fault`], [`text`], [`document`], [`chunk`], [`score`], [`calibration`], [`dial`], [`policy`],
//! [`decision`], [`certificate`],
//! [`conversation`], [`turn`], [`outcome`], [`record`], [`rehearsal`], [`job`]; then what keeps people safe: [`injection`], [`personal`],
//! [`links`].

pub mod calibration;
pub mod certificate;
pub mod check;
pub mod chunk;
pub mod conversation;
pub mod decision;
pub mod dial;
pub mod document;
pub mod encoding;
pub mod fault;
pub mod golden;
pub mod ids;
pub mod injection;
pub mod job;
pub mod links;
pub mod outcome;
pub mod personal;
pub mod policy;
pub mod record;
pub mod rehearsal;
pub mod score;
pub mod text;
pub mod turn;
