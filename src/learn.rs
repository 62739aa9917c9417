//! What people make of the answers, and what can be learnt from it.

pub mod calibrate;
mod newton;
pub mod replay;
