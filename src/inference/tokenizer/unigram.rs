//! The tokenizer of the embedder: SentencePiece unigram, as XLM-R uses it.

use std::path::Path;

use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::replace::{Replace, ReplacePattern};
use tokenizers::normalizers::{NFKC, Nmt, Sequence};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};
use tokenizers::{NormalizerWrapper, Tokenizer};

use crate::inference::engine::ModelError;

/// Ids of the tokens that frame a text, and of those text must not produce.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// `<s>`
    pub begin: u32,
    /// `</s>`
    pub end: u32,
    /// `<pad>`
    pub pad: u32,
    /// `<mask>`, if there is one.
    pub mask: Option<u32>,
}

/// The ids of XLM-R.
pub const XLM_R: Frame = Frame { begin: 0, end: 2, pad: 1, mask: Some(250_001) };

/// The tokenizer.
pub struct UnigramTokenizer {
    inner: Tokenizer,
    frame: Frame,
}

impl UnigramTokenizer {
    /// From pieces in the order of their ids, with the logarithms of their frequencies.
    ///
    /// The normalizers stand for SentencePiece's `nmt_nfkc`, whose table the weights carry too; they agree on all but
    /// unassigned code points.
    pub fn from_pieces(mut pieces: Vec<(String, f64)>, frame: Frame, unknown: usize) -> Result<Self, ModelError> {
        let unsupported = |e: tokenizers::Error| ModelError::Unsupported { what: format!("the tokenizer: {e}") };
        for id in [Some(frame.begin), Some(frame.end), Some(frame.pad), frame.mask].into_iter().flatten() {
            if let Some((piece, _)) = pieces.get_mut(id as usize) {
                // Their names would otherwise be found in text. The normalizer removes this control character.
                *piece = format!("\u{1}{piece}");
            }
        }
        let model = Unigram::from(pieces, Some(unknown), false).map_err(unsupported)?;
        let spaces = Replace::new(ReplacePattern::Regex(" {2,}".to_owned()), " ").map_err(unsupported)?;
        let normalizers: Vec<NormalizerWrapper> = vec![Nmt.into(), NFKC.into(), spaces.into()];
        let mut inner = Tokenizer::new(model);
        inner.with_normalizer(Some(Sequence::new(normalizers))).map_err(unsupported)?;
        inner.with_pre_tokenizer(Some(Metaspace::new('▁', PrependScheme::Always, true)));
        Ok(Self { inner, frame })
    }

    /// From a `tokenizer.json`.
    pub fn from_file(path: &Path) -> Result<Self, ModelError> {
        let damaged = |e: tokenizers::Error| ModelError::Damaged { what: format!("`{}`: {e}", path.display()) };
        let mut inner = Tokenizer::from_file(path).map_err(damaged)?;
        inner.set_encode_special_tokens(true);
        inner.with_padding(None);
        inner.with_truncation(None).map_err(damaged)?;
        Ok(Self { inner, frame: XLM_R })
    }

    /// Tokens of `text` without frame.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.inner.encode_fast(text, false);
        let encoding = encoding.map_err(|e| ModelError::Unsupported { what: format!("this text: {e}") })?;
        let Frame { begin, end, pad, mask } = self.frame;
        let is_text = |id: &u32| *id != begin && *id != end && *id != pad && Some(*id) != mask;
        Ok(encoding.get_ids().iter().copied().filter(is_text).collect())
    }

    /// Tokens of `text` in their frame, at most `max_tokens` of them, and how many were left out.
    pub fn encode_framed(&self, text: &str, max_tokens: usize) -> Result<(Vec<u32>, usize), ModelError> {
        let mut ids = self.encode(text)?;
        let room = max_tokens.saturating_sub(2);
        let cut_tokens = ids.len().saturating_sub(room);
        ids.truncate(room);
        ids.insert(0, self.frame.begin);
        ids.push(self.frame.end);
        Ok((ids, cut_tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> UnigramTokenizer {
        let pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0), ("▁hello", -4.0)];
        let letters = ["h", "e", "l", "o", "<", ">", "s", "/", "退", "A"].map(|p| (p, -5.0));
        let pieces = pieces.into_iter().chain(letters).map(|(p, s)| (p.to_owned(), s)).collect();
        UnigramTokenizer::from_pieces(pieces, Frame { begin: 0, end: 2, pad: 1, mask: None }, 3).unwrap()
    }

    #[test]
    fn the_names_of_reserved_tokens_in_text_are_ordinary_letters() {
        let ids = tokenizer().encode("</s><s>").unwrap();
        assert!(ids.iter().all(|id| *id > 3), "{ids:?}");
        assert_eq!(ids.len(), 8, "the prepended space and seven letters");
    }

    #[test]
    fn text_is_normalized_and_framed_and_cut() {
        let tokenizer = tokenizer();
        assert_eq!(tokenizer.encode("hello").unwrap(), [5]);
        assert_eq!(tokenizer.encode("hello  Ａ").unwrap(), [5, 4, 15], "double space, full-width letter");
        assert_eq!(tokenizer.encode_framed("hello退退退", 4).unwrap(), (vec![0, 5, 14, 2], 2));
    }
}
