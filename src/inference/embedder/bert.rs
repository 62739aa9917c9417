//! The encoder: texts of any lengths in one batch, without padding.
//!
//! # Why
//! The rows of all texts lie one below the other. Matrix products see one tall matrix and never a padded row;
//! attention looks at each text by itself. Weights of four bits stay so and are multiplied in integers; weights in
//! f32 are multiplied by candle. Everything runs on candle's pool: a second one would take turns with it.

use candle_core::{CpuStorage, Device, Storage, Tensor};

use crate::inference::e5::{BertShape, BertSource};
use crate::inference::engine::ModelError;
use crate::inference::engine::kernels::{COLS, MAX_ROWS, Tile, gelu, softmax, sum, sum_of_squares};
use crate::inference::engine::linear::{Linear, Rows, Weight, add};
use crate::inference::engine::parallel::{each_part, each_part_of};

/// Rows of scores that one unit of attention holds at a time.
const ROWS: usize = 16;

/// The weights.
pub struct Bert {
    source: Box<dyn BertSource>,
    shape: BertShape,
    positions: Vec<f32>,
    /// The first token type, which is added to every token.
    token_type: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

struct Layer {
    qkv: Dense,
    out: Dense,
    attention_norm: LayerNorm,
    feed_in: Dense,
    feed_out: Dense,
    feed_norm: LayerNorm,
}

/// `y = x Wᵀ + b`.
enum Dense {
    /// By our own kernels.
    Packed(Linear),
    /// In f32.
    Plain {
        /// output × input
        weight: Tensor,
        bias: Vec<f32>,
    },
}

struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl Bert {
    /// Reads all weights but the table of words.
    pub fn load(source: Box<dyn BertSource>) -> Result<Self, ModelError> {
        let shape = source.shape();
        let BertShape { hidden, heads, feed, max_positions, .. } = shape;
        if heads == 0 || hidden % heads != 0 || (hidden / heads) % COLS != 0 {
            return Err(ModelError::Unsupported { what: format!("{hidden} dimensions in {heads} heads") });
        }
        let norm = |name: String| LayerNorm::load(&*source, &name, shape);
        let layers = (0..shape.layers).map(|l| {
            let dense = |part: &str, n_out, n_in| Dense::load(&*source, &[format!("l{l}.{part}")], n_out, n_in);
            let qkv = ["q", "k", "v"].map(|part| format!("l{l}.{part}"));
            Ok(Layer {
                qkv: Dense::load(&*source, &qkv, hidden, hidden)?,
                out: dense("ao", hidden, hidden)?,
                attention_norm: norm(format!("l{l}.aln"))?,
                feed_in: dense("fi", feed, hidden)?,
                feed_out: dense("fo", hidden, feed)?,
                feed_norm: norm(format!("l{l}.oln"))?,
            })
        });
        let layers = layers.collect::<Result<_, ModelError>>()?;
        // Two token types; the tensor is read whole because its length is checked.
        let mut token_type = source.tensor("emb.type", 2 * hidden)?;
        token_type.truncate(hidden);
        let positions = source.tensor("emb.pos", max_positions * hidden)?;
        Ok(Self { shape, positions, token_type, norm: norm("emb.ln".to_owned())?, layers, source })
    }

    /// One embedding per text: the mean over its tokens, of length 1.
    ///
    /// **Shape**: no text is empty or longer than `max_positions`.
    pub fn embed(&self, texts: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, ModelError> {
        let hidden = self.shape.hidden;
        let ids: Vec<u32> = texts.concat();
        let mut x = self.source.words(&ids)?;
        let mut rows = x.chunks_exact_mut(hidden);
        for text in texts {
            for (position, row) in self.positions.chunks_exact(hidden).zip(rows.by_ref().take(text.len())) {
                for ((x, p), t) in row.iter_mut().zip(position).zip(&self.token_type) {
                    *x += p + t;
                }
            }
        }
        self.norm.apply(&mut x);
        let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
        for layer in &self.layers {
            x = self.run(layer, x, &lengths)?;
        }
        let mut start = 0;
        let mut pool = |n: &usize| {
            let rows = &x[start * hidden..(start + n) * hidden];
            start += n;
            pooled(rows, hidden)
        };
        lengths.iter().map(&mut pool).collect()
    }

    fn run(&self, layer: &Layer, x: Vec<f32>, lengths: &[usize]) -> Result<Vec<f32>, ModelError> {
        let hidden = self.shape.hidden;
        let qkv = layer.qkv.forward(&x, |_| ())?;
        let seen = attend(&qkv, lengths, hidden, self.shape.heads);
        let mut x = added(layer.out.forward(&seen, |_| ())?, &x);
        layer.attention_norm.apply(&mut x);
        let fed = layer.feed_in.forward(&x, gelu)?;
        let mut x = added(layer.feed_out.forward(&fed, |_| ())?, &x);
        layer.feed_norm.apply(&mut x);
        Ok(x)
    }
}

fn added(mut a: Vec<f32>, b: &[f32]) -> Vec<f32> {
    add(&mut a, b);
    a
}

fn pooled(rows: &[f32], hidden: usize) -> Result<Vec<f32>, ModelError> {
    let mut mean = vec![0f32; hidden];
    for row in rows.chunks_exact(hidden) {
        for (m, x) in mean.iter_mut().zip(row) {
            *m += x;
        }
    }
    // The division by the number of tokens vanishes in the normalization.
    let length = sum_of_squares(&mean).sqrt();
    if !length.is_normal() {
        return Err(ModelError::Compute(candle_core::Error::Msg("the embedding has no direction".to_owned())));
    }
    mean.iter_mut().for_each(|m| *m /= length);
    Ok(mean)
}

impl Dense {
    /// Several matrices of the same input become one.
    fn load(source: &dyn BertSource, names: &[String], n_out: usize, n_in: usize) -> Result<Self, ModelError> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            bias.extend(source.tensor(&format!("{name}.b"), n_out)?);
        }
        let matrices: Vec<String> = names.iter().map(|name| format!("{name}.w")).collect();
        if let Some(packed) = source.packed(&matrices, n_out, n_in)? {
            return Ok(Self::Packed(Linear::new(Weight::Packed(packed), Some(bias))?));
        }
        for name in &matrices {
            weight.extend(source.tensor(name, n_out * n_in)?);
        }
        Ok(Self::Plain { weight: Tensor::from_vec(weight, (names.len() * n_out, n_in), &Device::Cpu)?, bias })
    }

    /// The product with `then` applied to each row.
    fn forward(&self, x: &[f32], then: impl Fn(&mut [f32]) + Sync) -> Result<Vec<f32>, ModelError> {
        let (weight, bias) = match self {
            Self::Packed(linear) => {
                let mut out = linear.forward(&Rows::new(x.to_vec(), linear.n_in()))?;
                each_part(&mut out, linear.n_out(), |_, row| then(row));
                return Ok(out);
            }
            Self::Plain { weight, bias } => (weight, bias),
        };
        let (n_out, n_in) = weight.dims2()?;
        let x = Tensor::from_slice(x, (x.len() / n_in, n_in), &Device::Cpu)?;
        let product = x.matmul(&weight.t()?)?;
        let (storage, layout) = product.storage_and_layout();
        let Storage::Cpu(CpuStorage::F32(values)) = &*storage else {
            return Err(ModelError::Unsupported { what: "a product that is not in f32".to_owned() });
        };
        let mut out = values[layout.start_offset()..].to_vec();
        each_part(&mut out, n_out, |_, row| {
            add(row, bias);
            then(row);
        });
        Ok(out)
    }
}

impl LayerNorm {
    fn load(source: &dyn BertSource, name: &str, shape: BertShape) -> Result<Self, ModelError> {
        Ok(Self {
            weight: source.tensor(&format!("{name}.w"), shape.hidden)?,
            bias: source.tensor(&format!("{name}.b"), shape.hidden)?,
            epsilon: shape.epsilon,
        })
    }

    fn apply(&self, rows: &mut [f32]) {
        let width = self.weight.len();
        each_part(rows, width, |_, row| {
            let mean = sum(row) / width as f32;
            row.iter_mut().for_each(|x| *x -= mean);
            let scale = 1.0 / (sum_of_squares(row) / width as f32 + self.epsilon).sqrt();
            for ((x, w), b) in row.iter_mut().zip(&self.weight).zip(&self.bias) {
                *x = *x * scale * w + b;
            }
        });
    }
}

/// Attention of every text with itself. `qkv` is token × (queries, keys, values).
fn attend(qkv: &[f32], lengths: &[usize], hidden: usize, heads: usize) -> Vec<f32> {
    let head_dim = hidden / heads;
    let mut first = 0;
    let texts = lengths.iter().map(|n| {
        first += n;
        (first - n, *n)
    });
    let units: Vec<(usize, usize, usize)> =
        texts.flat_map(|(first, n)| (0..heads).map(move |head| (first, n, head))).collect();
    let mut seen: Vec<Vec<f32>> = vec![Vec::new(); units.len()];
    let unit_work = qkv.len() / units.len().max(1);
    each_part_of(&mut seen, 1, unit_work, |i, seen| {
        let (first, n, head) = units[i];
        let rows = &qkv[first * 3 * hidden..(first + n) * 3 * hidden];
        seen[0] = attend_head(rows, hidden, head * head_dim, head_dim);
    });
    let mut out = vec![0f32; qkv.len() / 3];
    for ((first, _, head), seen) in units.iter().zip(&seen) {
        for (i, row) in seen.chunks_exact(head_dim).enumerate() {
            let start = (first + i) * hidden + head * head_dim;
            out[start..start + head_dim].copy_from_slice(row);
        }
    }
    out
}

/// One head of one text; `at` is where the head begins within queries, keys and values.
fn attend_head(rows: &[f32], hidden: usize, at: usize, head_dim: usize) -> Vec<f32> {
    let n = rows.len() / (3 * hidden);
    let width = n.next_multiple_of(COLS);
    let scale = 1.0 / (head_dim as f32).sqrt();
    let (mut queries, mut keys, mut values) =
        (vec![0f32; n * head_dim], vec![0f32; head_dim * width], vec![0f32; width * head_dim]);
    for (i, row) in rows.chunks_exact(3 * hidden).enumerate() {
        for d in 0..head_dim {
            queries[i * head_dim + d] = row[at + d] * scale;
            keys[d * width + i] = row[hidden + at + d];
        }
        values[i * head_dim..(i + 1) * head_dim].copy_from_slice(&row[2 * hidden + at..2 * hidden + at + head_dim]);
    }
    let mut out = vec![0f32; n * head_dim];
    let mut scores = vec![0f32; ROWS * width];
    for (queries, out) in queries.chunks(ROWS * head_dim).zip(out.chunks_mut(ROWS * head_dim)) {
        let n_rows = queries.len() / head_dim;
        scores.fill(0.0);
        for col in (0..width).step_by(COLS) {
            for row in (0..n_rows).step_by(MAX_ROWS) {
                let (a, b) = (&queries[row * head_dim..], &keys[col..]);
                let tile = Tile { a, a_stride: head_dim, b, b_stride: width, depth: head_dim };
                tile.run(MAX_ROWS.min(n_rows - row), &mut scores[row * width + col..], width);
            }
        }
        for row in scores.chunks_mut(width).take(n_rows) {
            let (seen, padding) = row.split_at_mut(n);
            softmax(seen);
            padding.fill(0.0);
        }
        for col in (0..head_dim).step_by(COLS) {
            for row in (0..n_rows).step_by(MAX_ROWS) {
                let (a, b) = (&scores[row * width..], &values[col..]);
                let tile = Tile { a, a_stride: width, b, b_stride: head_dim, depth: width };
                tile.run(MAX_ROWS.min(n_rows - row), &mut out[row * head_dim + col..], head_dim);
            }
        }
    }
    out
}
