//! Text to tokens and back, for the generator ([`GgufTokenizer`]) and the embedder ([`unigram`]).
//!
//! # Why
//! What buyers write and what documents say is data. The reserved tokens of a chat template are therefore never found
//! by parsing text: `<|im_start|>` in a message becomes ordinary letters, and only [`template`] puts reserved tokens
//! into a prompt, by their ids.

pub mod detokenize;
pub mod template;
pub mod unigram;

use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};

use super::engine::ModelError;
use super::engine::gguf::GgufFile;

/// How Llama 3 cuts text before merging; its files call this `llama-bpe`, a name candle does not know.
const LLAMA3: &str = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Token types of GGUF that text must never produce: unknown, control, user-defined, unused.
const RESERVED_TYPES: std::ops::RangeInclusive<u64> = 2..=5;

/// The tokenizer that a GGUF file carries.
pub struct GgufTokenizer {
    inner: Tokenizer,
    /// By token: whether it is a reserved one.
    is_reserved: Vec<bool>,
    /// Tokens that end an output.
    ends: Vec<u32>,
}

impl GgufTokenizer {
    /// Builds it from the metadata. Takes about a second for a large vocabulary.
    pub fn load(file: &GgufFile) -> Result<Self, ModelError> {
        let unsupported = |what: String| ModelError::Unsupported { what };
        let mut inner = Tokenizer::from_gguf(file.content()).map_err(|e| unsupported(format!("its tokenizer: {e}")))?;
        let pre = file.text("tokenizer.ggml.pre").unwrap_or("default");
        if let Some(split) = pre_tokenizer(pre)? {
            inner.with_pre_tokenizer(Some(split));
        }
        inner.set_encode_special_tokens(true);
        let is_reserved = reserved(file, inner.get_vocab_size(true));
        let mut tokenizer = Self { inner, is_reserved, ends: Vec::new() };
        let declared = file.integer("tokenizer.ggml.eos_token_id").and_then(|id| u32::try_from(id).ok());
        let known = ["<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>"];
        tokenizer.ends = declared.into_iter().chain(known.iter().filter_map(|t| tokenizer.reserved_id(t))).collect();
        Ok(tokenizer)
    }

    /// Tokens of `text`; none of them is reserved, whatever it says.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let encoding = self.inner.encode_fast(text, false);
        // Byte-level BPE covers every text, so this has no way to fail.
        let ids = encoding.map(|e| e.get_ids().to_vec()).unwrap_or_default();
        // A second line of defence: a merge could spell a reserved token in a file made to do so.
        ids.into_iter().filter(|id| !self.is_reserved(*id)).collect()
    }

    /// The id of a reserved token, by its text.
    pub fn reserved_id(&self, text: &str) -> Option<u32> {
        self.inner.token_to_id(text).filter(|id| self.is_reserved(*id))
    }

    /// Whether text never produces this token.
    pub fn is_reserved(&self, id: u32) -> bool {
        self.is_reserved.get(id as usize).copied().unwrap_or(true)
    }

    /// Whether the model ends its output with this token.
    pub fn is_end(&self, id: u32) -> bool {
        self.ends.contains(&id)
    }

    /// The bytes a token stands for; reserved tokens have none.
    pub fn bytes(&self, id: u32) -> Vec<u8> {
        if self.is_reserved(id) {
            return Vec::new();
        }
        let piece = self.inner.id_to_token(id).unwrap_or_default();
        piece.chars().filter_map(detokenize::byte_of).collect()
    }
}

/// What to put in place of candle's choice, `None` to keep it.
fn pre_tokenizer(name: &str) -> Result<Option<PreTokenizerWrapper>, ModelError> {
    let unsupported = |e: tokenizers::Error| ModelError::Unsupported { what: format!("the splitting of text: {e}") };
    Ok(match name {
        "qwen2" => None,
        "llama3" | "llama-bpe" | "smaug-bpe" => {
            let pattern = SplitPattern::Regex(LLAMA3.to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(unsupported)?;
            Some(Sequence::new(vec![split.into(), ByteLevel::new(false, true, false).into()]).into())
        }
        "smollm" => {
            Some(Sequence::new(vec![Digits::new(true).into(), ByteLevel::new(false, true, true).into()]).into())
        }
        // candle would put a space in front of every text.
        "default" | "gpt2" | "gpt-2" => Some(ByteLevel::new(false, true, true).into()),
        other => return Err(ModelError::Unsupported { what: format!("pre-tokenizer `{other}`") }),
    })
}

fn reserved(file: &GgufFile, n_tokens: usize) -> Vec<bool> {
    use candle_core::quantized::gguf_file::Value;
    let mut reserved = vec![false; n_tokens];
    if let Some(Value::Array(types)) = file.content().metadata.get("tokenizer.ggml.token_type") {
        for (is_reserved, kind) in reserved.iter_mut().zip(types) {
            let kind = match kind {
                Value::I32(x) => u64::try_from(*x).unwrap_or(0),
                Value::U32(x) => u64::from(*x),
                _ => 0,
            };
            *is_reserved = RESERVED_TYPES.contains(&kind);
        }
    }
    for name in ["bos", "eos", "padding", "unknown", "eot", "separator"] {
        let id = file.integer(&format!("tokenizer.ggml.{name}_token_id")).and_then(|id| usize::try_from(id).ok());
        if let Some(is_reserved) = id.and_then(|id| reserved.get_mut(id)) {
            *is_reserved = true;
        }
    }
    reserved
}
