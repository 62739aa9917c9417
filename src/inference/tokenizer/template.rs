//! The chat template of a model: where its reserved tokens stand between the parts of a prompt.

use super::GgufTokenizer;
use crate::inference::engine::ModelError;
use crate::inference::engine::gguf::GgufFile;
use crate::inference::{PromptPart, Role};

/// A template, with the ids of its reserved tokens.
pub enum ChatTemplate {
    /// Qwen, SmolLM2: `<|im_start|>role\ntext<|im_end|>\n`.
    ChatMl {
        /// `<|im_start|>`
        start: u32,
        /// `<|im_end|>`
        end: u32,
        /// `<think>` and `</think>` of a model that would think aloud before it answers.
        think: Option<(u32, u32)>,
    },
    /// Llama 3: `<|start_header_id|>role<|end_header_id|>\n\ntext<|eot_id|>`.
    Llama3 {
        /// `<|begin_of_text|>`
        begin: u32,
        /// `<|start_header_id|>`
        start: u32,
        /// `<|end_header_id|>`
        header_end: u32,
        /// `<|eot_id|>`
        end: u32,
    },
}

impl ChatTemplate {
    /// Finds out which one a file uses.
    pub fn load(file: &GgufFile, tokenizer: &GgufTokenizer) -> Result<Self, ModelError> {
        let text = file.text("tokenizer.chat_template").unwrap_or_default();
        let id = |token: &str| {
            let missing = || ModelError::Damaged { what: format!("it has no token `{token}`") };
            tokenizer.reserved_id(token).ok_or_else(missing)
        };
        if text.contains("<|im_start|>") {
            let think =
                text.contains("enable_thinking").then(|| Ok::<_, ModelError>((id("<think>")?, id("</think>")?)));
            return Ok(Self::ChatMl { start: id("<|im_start|>")?, end: id("<|im_end|>")?, think: think.transpose()? });
        }
        if text.contains("<|start_header_id|>") {
            return Ok(Self::Llama3 {
                begin: id("<|begin_of_text|>")?,
                start: id("<|start_header_id|>")?,
                header_end: id("<|end_header_id|>")?,
                end: id("<|eot_id|>")?,
            });
        }
        Err(ModelError::Unsupported { what: "its chat template is neither ChatML nor that of Llama 3".to_owned() })
    }

    /// The tokens of a prompt, up to where the model's output begins. A last part by the assistant stays open.
    pub fn render(&self, tokenizer: &GgufTokenizer, prompt: &[PromptPart]) -> Vec<u32> {
        let mut out = Vec::new();
        if let Self::Llama3 { begin, .. } = self {
            out.push(*begin);
        }
        for (i, part) in prompt.iter().enumerate() {
            let is_open = i + 1 == prompt.len() && part.role == Role::Assistant;
            self.open(tokenizer, part.role, &part.text, &mut out);
            if is_open {
                return out;
            }
            self.close(tokenizer, &mut out);
        }
        self.open(tokenizer, Role::Assistant, "", &mut out);
        if let Self::ChatMl { think: Some((start, end)), .. } = self {
            out.push(*start);
            out.extend(tokenizer.encode("\n\n"));
            out.push(*end);
            out.extend(tokenizer.encode("\n\n"));
        }
        out
    }

    fn open(&self, tokenizer: &GgufTokenizer, role: Role, text: &str, out: &mut Vec<u32>) {
        let role = match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        // The line break is encoded together with the text, as the models were trained.
        match self {
            Self::ChatMl { start, .. } => {
                out.push(*start);
                out.extend(tokenizer.encode(&format!("{role}\n{text}")));
            }
            Self::Llama3 { start, header_end, .. } => {
                out.push(*start);
                out.extend(tokenizer.encode(role));
                out.push(*header_end);
                out.extend(tokenizer.encode(&format!("\n\n{text}")));
            }
        }
    }

    fn close(&self, tokenizer: &GgufTokenizer, out: &mut Vec<u32>) {
        match self {
            Self::ChatMl { end, .. } => {
                out.push(*end);
                out.extend(tokenizer.encode("\n"));
            }
            Self::Llama3 { end, .. } => out.push(*end),
        }
    }
}
