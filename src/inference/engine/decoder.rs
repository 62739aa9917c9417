//! One decoder for three families; what differs between them is data.
//!
//! | | bias of q, k, v | norm of q and k | rotation |
//! |---|---|---|---|
//! | qwen2 | yes | no | halves |
//! | qwen3 | no | yes | halves |
//! | llama | no | no | pairs |

use rayon::prelude::*;

use super::ModelError;
use super::attention::{Heads, attend};
use super::gguf::{GgufFile, Table};
use super::kernels::{COLS, silu_mul};
use super::kv::{KvShape, Sequence};
use super::linear::{Linear, RmsNorm, Rows, add};
use super::parallel::each_part;
use super::rope::{Rope, RopeStyle};

/// The weights and how to use them.
pub struct Decoder {
    heads: Heads,
    context_tokens: usize,
    table: Table,
    layers: Vec<Layer>,
    norm: RmsNorm,
    head: Linear,
    rope: Rope,
}

struct Layer {
    attention_norm: RmsNorm,
    q: Linear,
    k: Linear,
    v: Linear,
    qk_norm: Option<(RmsNorm, RmsNorm)>,
    o: Linear,
    feed_norm: RmsNorm,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Sizes that every layer shares.
struct Sizes {
    hidden: usize,
    feed: usize,
    epsilon: f32,
    heads: Heads,
}

impl Decoder {
    /// Reads all weights of an open file.
    ///
    /// **Blocking**: yes, seconds for a model of a gigabyte.
    pub fn load(file: &GgufFile) -> Result<Self, ModelError> {
        let style = match file.architecture() {
            "qwen2" | "qwen3" => RopeStyle::Halves,
            "llama" => RopeStyle::Pairs,
            other => return Err(ModelError::Unsupported { what: format!("architecture `{other}`") }),
        };
        let hidden = file.number("embedding_length")?;
        let n_heads = file.number("attention.head_count")?;
        let kv_heads = file.number_or("attention.head_count_kv", n_heads)?;
        if n_heads == 0 || kv_heads == 0 || n_heads % kv_heads != 0 || hidden == 0 {
            return Err(ModelError::Damaged { what: format!("{n_heads} heads share {kv_heads} heads of keys") });
        }
        let head_dim = file.number_or("attention.key_length", hidden / n_heads)?;
        if head_dim == 0 || head_dim % COLS != 0 {
            return Err(ModelError::Unsupported { what: format!("heads of {head_dim} dimensions") });
        }
        if file.number_or("expert_count", 0)? > 0 {
            return Err(ModelError::Unsupported { what: "mixtures of experts".to_owned() });
        }
        let heads = Heads { heads: n_heads, kv_heads, head_dim };
        let epsilon = file.float_or("attention.layer_norm_rms_epsilon", 1e-5)?;
        let sizes = Sizes { hidden, feed: file.number("feed_forward_length")?, epsilon, heads };
        let table = file.table("token_embd.weight", hidden)?;
        // Small models use the same matrix to read and to write tokens.
        let head = if file.has("output.weight") { "output" } else { "token_embd" };
        let n_layers = file.number("block_count")?;
        let decoder = Self {
            heads,
            context_tokens: file.number("context_length")?,
            layers: (0..n_layers).into_par_iter().map(|i| Layer::load(file, i, &sizes)).collect::<Result<_, _>>()?,
            norm: file.norm("output_norm.weight", hidden, epsilon)?,
            head: file.linear(head, table.n_rows(), hidden)?,
            rope: Rope::load(file, style, head_dim)?,
            table,
        };
        Ok(decoder)
    }

    /// The longest sequence the model was made for.
    pub fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    /// Size of the vocabulary.
    pub fn n_vocabulary(&self) -> usize {
        self.table.n_rows()
    }

    /// Size of the cache that its sequences need.
    pub fn kv_shape(&self) -> KvShape {
        KvShape { layers: self.layers.len(), kv_heads: self.heads.kv_heads, head_dim: self.heads.head_dim }
    }

    /// Reads `tokens` at the end of `sequence`.
    ///
    /// **Cancel**: when it fails, `sequence` is as before.
    pub fn read(&self, sequence: &mut Sequence, tokens: &[u32]) -> Result<(), ModelError> {
        self.step(&mut [Part { sequence, tokens, n_logits: 0 }]).map(|_| ())
    }

    /// Reads `tokens`, at least one, and returns the logits of the token that would follow.
    pub fn read_and_predict(&self, sequence: &mut Sequence, tokens: &[u32]) -> Result<Vec<f32>, ModelError> {
        self.step(&mut [Part { sequence, tokens, n_logits: 1 }])
    }

    /// One walk through the weights for several sequences. Returns the logits that the parts asked for, one row of
    /// [`Decoder::n_vocabulary`] numbers below the other.
    ///
    /// **Order**: what a part gets is the same to the last bit whatever the other parts are, and however its tokens
    /// are spread over steps.
    /// **Cancel**: when it fails, all sequences are as before.
    pub fn step(&self, parts: &mut [Part<'_>]) -> Result<Vec<f32>, ModelError> {
        let hidden = self.norm.weight.len();
        let tokens: Vec<u32> = parts.iter().flat_map(|part| part.tokens).copied().collect();
        let mut x = self.table.gather(&tokens)?;
        let angles = self.rope.angles(parts.iter().map(|part| (part.sequence.tokens().len(), part.tokens.len())));
        for part in parts.iter_mut() {
            part.sequence.reserve(part.tokens.len());
        }
        let mut scratch = Scratch::default();
        for (i, layer) in self.layers.iter().enumerate() {
            layer.project(&x, &mut scratch)?;
            angles.turn(&mut scratch.q, self.heads.heads);
            angles.turn(&mut scratch.k, self.heads.kv_heads);
            self.write(parts, i, &scratch);
            let is_last = i + 1 == self.layers.len();
            if is_last && parts.iter().all(|part| part.n_logits == 0) {
                // What follows would change nothing that is kept.
                break;
            }
            let read: Vec<_> = parts.iter().map(|part| (&*part.sequence, part.tokens.len())).collect();
            let mut seen = attend(&scratch.q, &read, i, self.heads);
            if is_last {
                x = asked_rows(parts, &x, hidden);
                seen = asked_rows(parts, &seen, self.heads.heads * self.heads.head_dim);
            }
            layer.finish(&mut x, seen, &mut scratch)?;
        }
        for part in parts.iter_mut() {
            part.sequence.commit(part.tokens);
        }
        if parts.iter().all(|part| part.n_logits == 0) {
            return Ok(Vec::new());
        }
        self.head.forward(&self.norm.rows(&x))
    }

    fn write(&self, parts: &mut [Part<'_>], layer: usize, scratch: &Scratch) {
        let width = self.heads.kv_heads * self.heads.head_dim;
        let mut start = 0;
        for part in parts {
            let rows = start..start + part.tokens.len() * width;
            start = rows.end;
            part.sequence.write(layer, &scratch.k[rows.clone()], &scratch.v[rows]);
        }
    }

    /// Prepares all matrices that read prompts. See [`Linear::prepare`].
    pub fn prepare(&self) -> Result<(), ModelError> {
        let matrices = self.layers.par_iter().flat_map(|l| [&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down]);
        matrices.try_for_each(Linear::prepare)
    }
}

/// What one sequence has to do with a step.
pub struct Part<'a> {
    /// The sequence; no other part has it.
    pub sequence: &'a mut Sequence,
    /// To be read at its end, at least one.
    pub tokens: &'a [u32],
    /// For how many of the tokens, from the last one back, to say what would follow.
    pub n_logits: usize,
}

/// The rows that logits were asked for.
fn asked_rows(parts: &[Part<'_>], rows: &[f32], width: usize) -> Vec<f32> {
    let mut asked = Vec::new();
    let mut end = 0;
    for part in parts {
        end += part.tokens.len();
        asked.extend_from_slice(&rows[(end - part.n_logits) * width..end * width]);
    }
    asked
}

/// Buffers that every layer uses again: fresh ones would be filled with zeros first.
#[derive(Default)]
struct Scratch {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    out: Vec<f32>,
}

impl Layer {
    fn load(file: &GgufFile, index: usize, sizes: &Sizes) -> Result<Self, ModelError> {
        let Sizes { hidden, feed, epsilon, heads } = *sizes;
        let name = |part: &str| format!("blk.{index}.{part}");
        let norm = |part: &str, width| file.norm(&name(part), width, epsilon);
        let (q_dim, kv_dim) = (heads.heads * heads.head_dim, heads.kv_heads * heads.head_dim);
        let qk_norm = if file.has(&name("attn_q_norm.weight")) {
            Some((norm("attn_q_norm.weight", heads.head_dim)?, norm("attn_k_norm.weight", heads.head_dim)?))
        } else {
            None
        };
        Ok(Self {
            attention_norm: norm("attn_norm.weight", hidden)?,
            q: file.linear(&name("attn_q"), q_dim, hidden)?,
            k: file.linear(&name("attn_k"), kv_dim, hidden)?,
            v: file.linear(&name("attn_v"), kv_dim, hidden)?,
            qk_norm,
            o: file.linear(&name("attn_output"), hidden, q_dim)?,
            feed_norm: norm("ffn_norm.weight", hidden)?,
            gate: file.linear(&name("ffn_gate"), feed, hidden)?,
            up: file.linear(&name("ffn_up"), feed, hidden)?,
            down: file.linear(&name("ffn_down"), hidden, feed)?,
        })
    }

    /// Queries, keys and values, not yet rotated.
    fn project(&self, x: &[f32], scratch: &mut Scratch) -> Result<(), ModelError> {
        let rows = self.attention_norm.rows(x);
        self.q.forward_into(&rows, &mut scratch.q)?;
        self.k.forward_into(&rows, &mut scratch.k)?;
        self.v.forward_into(&rows, &mut scratch.v)?;
        if let Some((q_norm, k_norm)) = &self.qk_norm {
            q_norm.apply(&mut scratch.q);
            k_norm.apply(&mut scratch.k);
        }
        Ok(())
    }

    /// What comes after attention, added to `x`.
    fn finish(&self, x: &mut [f32], seen: Vec<f32>, scratch: &mut Scratch) -> Result<(), ModelError> {
        let Scratch { gate, up, out, .. } = scratch;
        let width = seen.len() / (x.len() / self.feed_norm.weight.len());
        self.o.forward_into(&Rows::new(seen, width), out)?;
        add(x, out);
        let rows = self.feed_norm.rows(x);
        self.gate.forward_into(&rows, gate)?;
        self.up.forward_into(&rows, up)?;
        let width = self.gate.n_out();
        each_part(gate, width, |i, gate| silu_mul(gate, &up[i * width..(i + 1) * width]));
        let fed = Rows::new(std::mem::take(gate), width);
        self.down.forward_into(&fed, out)?;
        *gate = fed.into_data();
        add(x, out);
        Ok(())
    }
}
