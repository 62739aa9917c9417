//! The decoder for GGUF files of the Qwen2, Qwen3 and Llama families, on candle's quantized matrix products.
//!
//! Read in this order: [`gguf`] opens a file, [`decoder`] runs it, [`kv`] remembers what was read, [`attention`] looks
//! back at it, [`prefix`] finds an earlier prompt with the same beginning.
//!
//! # Why
//! candle's ready-made model files copy the whole key-value cache and repeat its heads for every token, cannot forget
//! part of a sequence and cannot be asked between two slices of a prompt whether anyone still waits. The matrix
//! products, which are nine tenths of the work, stay candle's. It runs on the CPU only.

pub mod attention;
pub mod bench;
pub mod decoder;
pub mod gguf;
pub mod inbox;
pub mod kernels;
pub mod kv;
pub mod linear;
pub mod parallel;
pub mod prefix;
pub mod quant;
pub mod rope;
pub mod state;
#[cfg(test)]
pub(crate) mod tests;

pub use state::LoadState;

use std::path::PathBuf;

use crate::domain::fault::Fault;

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It cannot be read.
    #[error("cannot read `{}`: {source}\nhint: `kefu models fetch` brings the models", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what its name says.
    #[error(
        "the model file is damaged: {what}\nhint: `kefu models verify` finds damaged files, `kefu models fetch` replaces them"
    )]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// It is a model of a kind we cannot run.
    #[error("this model is not supported: {what}\nhint: `models/README.md` lists what is")]
    Unsupported {
        /// What we do not know.
        what: String,
    },
    /// The arithmetic failed.
    #[error("the model failed: {0}")]
    Compute(#[from] candle_core::Error),
}

impl ModelError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Unreadable { .. } | Self::Damaged { .. } => Fault::Transient,
            Self::Unsupported { .. } => Fault::Caller,
            Self::Compute(_) => Fault::Bug,
        }
    }
}
