//! Pure nouns and rules: no async, no I/O, no clock.
//!
//! Reading order: [`ids`], [`fault`], [`text`], [`document`], [`chunk`], [`score`], [`calibration`], [`dial`], [`policy`],
//! [`decision`], [`certificate`],
//! [`conversation`], [`turn`], [`outcome`], [`record`], [`rehearsal`], [`job`]; then what keeps people safe: [`injection`], [`personal`],
//! [`links`]; and what the shop's other systems say: [`order`], [`product`], [`order_card`], [`task`], [`returns`];
//! what buyers were told, and who is there to keep it: [`commitment`], [`shift`], [`load_plan`];
//! and what agents work by: [`inbox`], [`assign`], [`brief`].

pub mod assign;
pub mod brief;
pub mod calendar;
pub mod calibration;
pub mod canned;
pub mod certificate;
pub mod check;
pub mod chunk;
pub mod commitment;
pub mod conversation;
pub mod csv;
pub mod decision;
pub mod dial;
pub mod document;
pub mod encoding;
pub mod fault;
pub mod figure_rules;
pub mod golden;
pub mod ids;
pub mod inbox;
pub mod injection;
pub mod job;
pub mod links;
pub mod load_plan;
pub mod money;
pub mod mood;
pub mod order;
pub mod order_card;
pub mod order_input;
pub mod outcome;
pub mod personal;
pub mod policy;
pub mod product;
pub mod record;
pub mod rehearsal;
pub mod returns;
pub mod rules;
pub mod score;
pub mod shift;
pub mod tally;
pub mod task;
pub mod text;
pub mod turn;
