//! What [`VectorStore`] promises, and each engine's run of it.
//!
//! An engine that needs a service is skipped, loudly, unless its address is in the environment.

mod edge;
mod promises;

use kefu::domain::document::Audience;
use kefu::domain::ids::{ChunkId, RevisionId, ShopId};
use kefu::vectors::memory::MemoryStore;
use kefu::vectors::server::{ServerOptions, ServerStore};
use kefu::vectors::{Point, SearchRequest, Sparse, VectorError, VectorStore};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

const DIM: usize = 8;
const EMBEDDER: &str = "embedder-of-the-tests";

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_vector_contract() -> Result<(), VectorError> {
    let store = MemoryStore::new(DIM);
    promises::keeps_the_vector_contract(&store).await?;
    promises::keeps_the_contract_of_an_exact_engine(&store).await
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the address of a service is the environment's business")]
async fn server_keeps_the_vector_contract() -> Result<(), VectorError> {
    let Ok(url) = std::env::var("KEFU_TEST_QDRANT_URL") else {
        println!("SKIPPED: the contract of the Qdrant server; set KEFU_TEST_QDRANT_URL to run it");
        return Ok(());
    };
    let prefix = format!("contract_{}", std::process::id());
    let options = ServerOptions { url, api_key: std::env::var("KEFU_TEST_QDRANT_KEY").ok(), prefix };
    let store = ServerStore::new(options.clone(), EMBEDDER, DIM)?;
    store.recreate().await?;
    promises::keeps_the_vector_contract(&store).await?;

    let other = ServerStore::new(options, "another-embedder", DIM)?;
    let refused = other.verify().await.expect_err("the points are not its own");
    assert!(matches!(refused, VectorError::WrongMaker { .. }), "{refused}");
    other.recreate().await?;
    assert_eq!(other.count(shop(1)).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() -> Result<(), VectorError> {
    // A port of our own that is closed again: nobody answers there.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let options = ServerOptions { url: format!("http://127.0.0.1:{port}"), api_key: None, prefix: "none".to_owned() };
    let store = ServerStore::new(options, EMBEDDER, DIM)?;
    let error = store.search(shop(1), query(embedding(1), &[])).await.expect_err("nobody is there");
    assert!(matches!(error, VectorError::Unreachable { .. }), "{error}");
    let error = store.upsert(shop(1), vec![point(1, 1)]).await.expect_err("nobody is there");
    assert!(matches!(error, VectorError::Unreachable { .. }), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unreachable_and_the_search_ends() -> Result<(), VectorError> {
    // It accepts connections into its queue and never reads.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("it is bound").port();
    let options = ServerOptions { url: format!("http://127.0.0.1:{port}"), api_key: None, prefix: "none".to_owned() };
    let store = ServerStore::new(options, EMBEDDER, DIM)?;
    let error = store.search(shop(1), query(embedding(1), &[])).await.expect_err("it never answers");
    assert!(matches!(error, VectorError::Unreachable { .. }), "{error}");
    Ok(())
}

fn shop(number: u128) -> ShopId {
    ShopId(Uuid::from_u128(number))
}

fn revision(number: u128) -> RevisionId {
    RevisionId(Uuid::from_u128(number))
}

/// A direction that the number alone decides; two numbers give two directions.
fn embedding(number: u64) -> Vec<f32> {
    let mut rng = StdRng::seed_from_u64(number);
    let values: Vec<f32> = (0..DIM).map(|_| rng.random_range(-1.0..1.0)).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.into_iter().map(|value| value / length).collect()
}

fn terms(terms: &[u32]) -> Sparse {
    Sparse::from_terms(terms.iter().map(|&term| (term, 1.0)))
}

/// A chunk for buyers, about no product, of a revision.
fn point(revision_number: u128, ordinal: u32) -> Point {
    let revision = revision(revision_number);
    Point {
        chunk: ChunkId::derive(revision, ordinal),
        revision,
        audience: Audience::Buyers,
        sku: None,
        dense: embedding(u64::from(ordinal)),
        sparse: terms(&[1, 100 + ordinal]),
    }
}

fn query(dense: Vec<f32>, words: &[u32]) -> SearchRequest {
    SearchRequest { dense, sparse: terms(words), buyers_only: false, sku: None, limit: 100 }
}
