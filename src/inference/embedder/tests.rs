//! The encoder on small random weights.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use super::bert::Bert;
use super::*;
use crate::inference::e5::safetensors::SafetensorsBert;
use crate::inference::engine::state::wait_until_loaded;

const HIDDEN: usize = 64;
const WORDS: usize = 40;

fn weights() -> HashMap<String, Tensor> {
    let mut tensors = HashMap::new();
    let mut seed = 1u64;
    let mut put = |name: String, dims: &[usize], around: f32| {
        let values: Vec<f32> = (0..dims.iter().product())
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 0.5 + around
            })
            .collect();
        tensors.insert(name, Tensor::from_vec(values, dims, &Device::Cpu).unwrap());
    };
    put("embeddings.word_embeddings.weight".to_owned(), &[WORDS, HIDDEN], 0.0);
    put("embeddings.position_embeddings.weight".to_owned(), &[64, HIDDEN], 0.0);
    put("embeddings.token_type_embeddings.weight".to_owned(), &[2, HIDDEN], 0.0);
    put("embeddings.LayerNorm.weight".to_owned(), &[HIDDEN], 1.0);
    put("embeddings.LayerNorm.bias".to_owned(), &[HIDDEN], 0.0);
    for l in 0..2 {
        let name = |part: &str| format!("encoder.layer.{l}.{part}");
        for (part, n_out, n_in) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", 96, HIDDEN),
            ("output.dense", HIDDEN, 96),
        ] {
            put(name(&format!("{part}.weight")), &[n_out, n_in], 0.0);
            put(name(&format!("{part}.bias")), &[n_out], 0.0);
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            put(name(&format!("{part}.weight")), &[HIDDEN], 1.0);
            put(name(&format!("{part}.bias")), &[HIDDEN], 0.0);
        }
    }
    tensors
}

const CONFIG: &str = r#"{"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 96,
  "vocab_size": 40, "max_position_embeddings": 64, "layer_norm_eps": 1e-12, "model_type": "bert", "hidden_act": "gelu",
  "type_vocab_size": 2, "hidden_dropout_prob": 0.1, "initializer_range": 0.02, "pad_token_id": 0}"#;

fn reference(ids: &[u32]) -> Vec<f32> {
    let config: Config = serde_json::from_str(CONFIG).unwrap();
    let model = BertModel::load(VarBuilder::from_tensors(weights(), DType::F32, &Device::Cpu), &config).unwrap();
    let ids = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let out = model.forward(&ids, &ids.zeros_like().unwrap(), None).unwrap();
    let mean: Vec<f32> = out.mean(1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    mean.into_iter().map(|x| x / length).collect()
}

#[test]
fn a_batch_of_different_lengths_agrees_with_candles_own_model_text_by_text() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["w.safetensors", "config.json", "tokenizer.json"].map(|name| dir.path().join(name));
    candle_core::safetensors::save(&weights(), &paths[0]).unwrap();
    std::fs::write(&paths[1], CONFIG).unwrap();
    let source = SafetensorsBert::open(&paths[0], &paths[1], &paths[2]).unwrap();
    let bert = Bert::load(Box::new(source)).unwrap();
    let texts: Vec<Vec<u32>> = [5u32, 1, 33, 64].iter().map(|n| (0..*n).map(|i| (i * 7 + n) % 40).collect()).collect();
    for (text, embedding) in texts.iter().zip(bert.embed(&texts).unwrap()) {
        let expected = reference(text);
        let off = embedding.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-4, "{} tokens: {off}", text.len());
    }
}

#[tokio::test]
async fn a_missing_file_fails_with_a_sentence_and_refuses_requests() {
    let files = EmbedderFiles {
        id: "none".to_owned(),
        dim: 384,
        max_tokens: 512,
        query_prefix: String::new(),
        passage_prefix: String::new(),
        weights: EmbedderWeights::E5Container("/nowhere/e5.bin".into()),
    };
    let embedder = CandleEmbedder::open(files, 4);
    let reason = wait_until_loaded(embedder.state()).await.unwrap_err();
    assert!(reason.contains("/nowhere/e5.bin") && reason.contains("hint:"), "{reason}");
    let result = embedder.embed(EmbedRole::Query, Lane::Interactive, &["x".to_owned()]).await;
    assert!(matches!(result, Err(EmbedError::Unavailable { .. })));
    assert_eq!(embedder.count_tokens("abc"), 3);
}
