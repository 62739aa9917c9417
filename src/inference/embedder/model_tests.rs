//! The real embedder, from the user's cache directory.

use super::*;
use crate::inference::engine::state::wait_until_loaded;
use crate::inference::weights::{Manifest, Weights};

async fn open() -> CandleEmbedder {
    #[expect(clippy::disallowed_methods, reason = "tests on real weights find them where the program does")]
    let dir = std::env::var_os("KEFU_MODELS__DIR").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache")).join("kefu/models")
    });
    let manifest = Manifest::built_in();
    let files = manifest.find(&manifest.roles.embedder).unwrap().embedder_files(&Weights::new(dir)).unwrap();
    let embedder = CandleEmbedder::open(files, 4);
    wait_until_loaded(embedder.state()).await.unwrap();
    embedder
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

const TEXTS: [&str; 3] =
    ["七天无理由退货需要保持商品完好。", "The warranty covers manufacturing defects for 12 months.", "ok"];

#[tokio::test]
async fn a_batch_of_three_equals_three_singles() {
    let embedder = open().await;
    let texts = TEXTS.map(str::to_owned);
    let batch = embedder.embed(EmbedRole::Passage, Lane::Bulk, &texts).await.unwrap();
    for (text, row) in texts.iter().zip(&batch) {
        let single = embedder.embed(EmbedRole::Passage, Lane::Interactive, std::slice::from_ref(text)).await.unwrap();
        assert!(cosine(&single[0].embedding, &row.embedding) > 0.999_99);
    }
}

/// The first numbers of what the makers of the 4-bit weights compute with an engine of their own.
const KNOWN: [(EmbedRole, &str, [f32; 12]); 3] = [
    (
        EmbedRole::Passage,
        TEXTS[0],
        [0.0503, -0.0046, -0.0111, -0.0676, 0.0664, 0.0057, -0.0398, -0.006, 0.1013, 0.0119, 0.0125, 0.0146],
    ),
    (
        EmbedRole::Passage,
        TEXTS[1],
        [0.0205, -0.0106, -0.0405, -0.0556, 0.0739, -0.0408, 0.0051, 0.0184, 0.0733, 0.0175, 0.0496, -0.0171],
    ),
    (
        EmbedRole::Query,
        "保修多久?",
        [0.0409, -0.0199, -0.0505, -0.0228, 0.0699, -0.0453, -0.0058, 0.0063, 0.0972, -0.0209, 0.0582, -0.0105],
    ),
];

/// Similarities of the first with the second, the first with the third, the second with the third.
const KNOWN_SIMILARITIES: [f32; 3] = [0.7725, 0.8590, 0.7980];

#[tokio::test]
async fn embeddings_agree_with_those_of_another_engine() {
    let embedder = open().await;
    let mut rows = Vec::new();
    for (role, text, known) in KNOWN {
        let row = embedder.embed(role, Lane::Interactive, &[text.to_owned()]).await.unwrap().remove(0);
        assert_eq!((row.embedding.len(), row.cut_tokens), (384, 0));
        for (x, y) in row.embedding.iter().zip(known) {
            assert!((x - y).abs() < 0.003, "{text}: {x} and {y}");
        }
        rows.push(row.embedding);
    }
    for ((i, j), known) in [(0, 1), (0, 2), (1, 2)].into_iter().zip(KNOWN_SIMILARITIES) {
        assert!((cosine(&rows[i], &rows[j]) - known).abs() < 0.003);
    }
}

#[tokio::test]
async fn tokens_are_counted_as_they_are_read_and_long_texts_are_cut() {
    let embedder = open().await;
    // The other engine counts prefix and frame too: 17 for this text, of which `passage: ` is 2 and the frame 2.
    assert_eq!(embedder.count_tokens(TEXTS[0]), 13);
    let long = TEXTS[1].repeat(80);
    let row = embedder.embed(EmbedRole::Passage, Lane::Bulk, std::slice::from_ref(&long)).await.unwrap().remove(0);
    assert!(row.cut_tokens > 0);
    assert!(embedder.count_tokens(&long).abs_diff(row.cut_tokens + 512 - 2 - 2) <= 1);
}
