//! The promises, one function each. Every function has shops of its own.

use std::collections::BTreeSet;

use kefu::domain::document::Audience;
use kefu::domain::fault::Fault;
use kefu::domain::ids::ChunkId;
use kefu::vectors::memory::MemoryStore;
use kefu::vectors::{Found, Point, SearchRequest, Sparse, VectorError, VectorStore};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{DIM, embedding, point, query, revision, shop, terms};

type Kept = Result<(), VectorError>;

pub async fn keeps_the_vector_contract(store: &dyn VectorStore) -> Kept {
    upsert_is_idempotent(store).await?;
    a_second_upsert_replaces_everything(store).await?;
    search_orders_by_descending_similarity_then_by_chunk(store).await?;
    limit_counts_for_each_half(store).await?;
    buyers_only_hides_what_agents_may_know(store).await?;
    a_product_sees_its_own_chunks_and_those_of_none(store).await?;
    remove_revision_hides_it_and_nothing_else(store).await?;
    remove_hides_single_chunks(store).await?;
    another_shop_sees_nothing(store).await?;
    wrong_dimension_is_a_caller_fault_and_stores_nothing(store).await?;
    a_malformed_sparse_vector_is_a_bug_and_stores_nothing(store).await?;
    clear_empties_one_shop_and_it_can_be_filled_again(store).await?;
    a_shop_that_never_was_is_empty(store).await?;
    a_rare_term_finds_its_chunk_and_outweighs_a_frequent_one(store).await?;
    a_query_without_known_terms_has_no_lexical_hits(store).await
}

/// What only an engine without approximation can promise.
pub async fn keeps_the_contract_of_an_exact_engine(store: &dyn VectorStore) -> Kept {
    after_any_writes_it_agrees_with_a_plain_scan(store).await?;
    a_batch_is_seen_whole_or_not_at_all(store).await
}

async fn upsert_is_idempotent(store: &dyn VectorStore) -> Kept {
    let shop = shop(1);
    let points: Vec<_> = (0..5).map(|ordinal| point(1, ordinal)).collect();
    store.upsert(shop, points.clone()).await?;
    let once = store.search(shop, query(embedding(3), &[1, 103])).await?;
    store.upsert(shop, points).await?;
    assert_eq!(store.count(shop).await?, 5);
    assert_same(&store.search(shop, query(embedding(3), &[1, 103])).await?, &once);
    Ok(())
}

async fn a_second_upsert_replaces_everything(store: &dyn VectorStore) -> Kept {
    let shop = shop(2);
    let old = Point { sku: Some("OLD".to_owned()), ..point(1, 0) };
    let new = Point {
        revision: revision(2),
        audience: Audience::Agents,
        sku: None,
        dense: embedding(77),
        sparse: terms(&[7]),
        ..old.clone()
    };
    store.upsert(shop, vec![old.clone(), point(1, 1)]).await?;
    store.upsert(shop, vec![new.clone()]).await?;
    assert_eq!(store.count(shop).await?, 2);

    let found = store.search(shop, query(new.dense.clone(), &[7])).await?;
    assert_eq!(found.dense[0].0, new.chunk);
    assert!((found.dense[0].1.0 - 1.0).abs() < 1e-4, "{found:?}");
    assert_eq!(lexical_ids(&found), [new.chunk]);
    let found = store.search(shop, query(old.dense.clone(), &[100])).await?;
    assert!(found.lexical.is_empty(), "the old terms find nothing: {found:?}");
    let found = store.search(shop, SearchRequest { buyers_only: true, ..query(embedding(77), &[7]) }).await?;
    assert!(!dense_ids(&found).contains(&new.chunk), "the new audience counts");
    store.remove_revision(shop, revision(1)).await?;
    assert_eq!(store.count(shop).await?, 1, "the new revision counts");
    Ok(())
}

async fn search_orders_by_descending_similarity_then_by_chunk(store: &dyn VectorStore) -> Kept {
    let shop = shop(3);
    // Twelve chunks with the same text stand in the middle of the others.
    let twin = |ordinal| Point { dense: embedding(500), sparse: terms(&[1, 9]), ..point(3, ordinal) };
    let points: Vec<_> = (0..40).map(|ordinal| if ordinal < 12 { twin(ordinal) } else { point(3, ordinal) }).collect();
    store.upsert(shop, points.clone()).await?;
    let mut twins: Vec<_> = points[..12].iter().map(|point| point.chunk).collect();
    twins.sort_unstable();

    for limit in [1, 5, 11, 12] {
        let found = store.search(shop, SearchRequest { limit, ..query(embedding(500), &[9]) }).await?;
        assert_eq!(dense_ids(&found), twins[..limit], "limit {limit}");
        assert_eq!(lexical_ids(&found), twins[..limit], "limit {limit}");
    }
    let found = store.search(shop, query(embedding(501), &[1])).await?;
    assert_eq!(found.dense.len(), 40);
    assert!(found.dense.is_sorted_by(|a, b| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0)), "{:?}", found.dense);
    assert!(found.lexical.is_sorted_by(|a, b| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0)), "{:?}", found.lexical);
    for (chunk, similarity) in &found.dense {
        let point = points.iter().find(|point| point.chunk == *chunk).expect("only what was stored is found");
        let expected: f32 = point.dense.iter().zip(embedding(501)).map(|(a, b)| a * b).sum();
        assert!((similarity.0 - expected).abs() < 1e-4, "{similarity:?} is not the cosine {expected}");
    }
    Ok(())
}

async fn limit_counts_for_each_half(store: &dyn VectorStore) -> Kept {
    let shop = shop(4);
    store.upsert(shop, (0..10).map(|ordinal| point(4, ordinal)).collect()).await?;
    for (limit, expected) in [(0, 0), (3, 3), (10, 10), (10_000, 10)] {
        let found = store.search(shop, SearchRequest { limit, ..query(embedding(1), &[1]) }).await?;
        assert_eq!((found.dense.len(), found.lexical.len()), (expected, expected), "limit {limit}");
    }
    Ok(())
}

async fn buyers_only_hides_what_agents_may_know(store: &dyn VectorStore) -> Kept {
    let shop = shop(5);
    let secret = Point { audience: Audience::Agents, ..point(5, 1) };
    store.upsert(shop, vec![point(5, 0), secret.clone()]).await?;
    let request = query(secret.dense.clone(), &[1, 101]);
    let all = store.search(shop, request.clone()).await?;
    assert_eq!(all.dense[0].0, secret.chunk);
    assert_eq!(all.lexical[0].0, secret.chunk);
    let told = store.search(shop, SearchRequest { buyers_only: true, ..request }).await?;
    assert_eq!(dense_ids(&told), [point(5, 0).chunk]);
    assert_eq!(lexical_ids(&told), [point(5, 0).chunk]);
    Ok(())
}

async fn a_product_sees_its_own_chunks_and_those_of_none(store: &dyn VectorStore) -> Kept {
    let shop = shop(6);
    // A space and a letter case that a full-text match would not care for.
    let about = |ordinal, sku: &str| Point { sku: Some(sku.to_owned()), ..point(6, ordinal) };
    let hidden = Point { audience: Audience::Agents, ..about(4, "XJ 900") };
    store.upsert(shop, vec![point(6, 0), about(1, "XJ 900"), about(2, "XJ"), about(3, "xj 900"), hidden]).await?;
    let request = SearchRequest { sku: Some("XJ 900".to_owned()), ..query(embedding(1), &[1]) };

    let found = store.search(shop, request.clone()).await?;
    assert_eq!(set(dense_ids(&found)), set([0, 1, 4].map(|ordinal| point(6, ordinal).chunk)));
    assert_eq!(set(lexical_ids(&found)), set([0, 1, 4].map(|ordinal| point(6, ordinal).chunk)));
    let found = store.search(shop, SearchRequest { buyers_only: true, ..request }).await?;
    assert_eq!(set(dense_ids(&found)), set([0, 1].map(|ordinal| point(6, ordinal).chunk)));
    let found = store.search(shop, query(embedding(1), &[1])).await?;
    assert_eq!(found.dense.len(), 5, "without a product all are seen");
    Ok(())
}

async fn remove_revision_hides_it_and_nothing_else(store: &dyn VectorStore) -> Kept {
    let shop = shop(7);
    store.upsert(shop, (0..6).map(|ordinal| point(70 + u128::from(ordinal % 2), ordinal)).collect()).await?;
    store.remove_revision(shop, revision(70)).await?;
    let found = store.search(shop, query(embedding(0), &[1])).await?;
    let left = set([1, 3, 5].map(|ordinal| point(71, ordinal).chunk));
    assert_eq!(set(dense_ids(&found)), left);
    assert_eq!(set(lexical_ids(&found)), left);
    assert_eq!(store.count(shop).await?, 3);
    store.remove_revision(shop, revision(70)).await?;
    store.remove_revision(shop, revision(79)).await?;
    assert_eq!(store.count(shop).await?, 3, "what is not there can be removed");
    Ok(())
}

async fn remove_hides_single_chunks(store: &dyn VectorStore) -> Kept {
    let shop = shop(8);
    store.upsert(shop, (0..4).map(|ordinal| point(8, ordinal)).collect()).await?;
    store.remove(shop, &[point(8, 1).chunk, point(8, 2).chunk, point(8, 99).chunk]).await?;
    store.remove(shop, &[point(8, 1).chunk]).await?;
    store.remove(shop, &[]).await?;
    let found = store.search(shop, query(embedding(1), &[1, 101])).await?;
    let left = set([0, 3].map(|ordinal| point(8, ordinal).chunk));
    assert_eq!((set(dense_ids(&found)), set(lexical_ids(&found))), (left.clone(), left));
    store.upsert(shop, vec![point(8, 1)]).await?;
    let found = store.search(shop, query(embedding(1), &[101])).await?;
    assert_eq!((found.dense[0].0, lexical_ids(&found)), (point(8, 1).chunk, vec![point(8, 1).chunk]));
    Ok(())
}

async fn another_shop_sees_nothing(store: &dyn VectorStore) -> Kept {
    let mut rng = StdRng::seed_from_u64(9);
    let mut stored: Vec<(u128, BTreeSet<ChunkId>)> = (900..904).map(|number| (number, BTreeSet::new())).collect();
    for _ in 0..12 {
        let (number, chunks) = &mut stored[rng.random_range(0..4)];
        let batch: Vec<_> = (0..rng.random_range(1..20)).map(|_| random_point(&mut rng, *number)).collect();
        chunks.extend(batch.iter().map(|point| point.chunk));
        store.upsert(shop(*number), batch).await?;
    }
    for (number, chunks) in &stored {
        let request = SearchRequest { limit: 1000, ..query(embedding(1), &[1, 2, 3, 4, 5, 6, 7, 8]) };
        let found = store.search(shop(*number), request).await?;
        assert_eq!(&set(dense_ids(&found)), chunks);
        assert!(set(lexical_ids(&found)).is_subset(chunks));
        assert_eq!(store.count(shop(*number)).await?, chunks.len());
    }
    // The same chunk in two shops is two points.
    store.upsert(shop(910), vec![point(9, 0)]).await?;
    store.upsert(shop(911), vec![point(9, 0)]).await?;
    store.remove(shop(910), &[point(9, 0).chunk]).await?;
    store.remove_revision(shop(910), revision(9)).await?;
    assert_eq!((store.count(shop(910)).await?, store.count(shop(911)).await?), (0, 1));
    Ok(())
}

async fn wrong_dimension_is_a_caller_fault_and_stores_nothing(store: &dyn VectorStore) -> Kept {
    let shop = shop(10);
    let short = Point { dense: vec![1.0; DIM - 1], ..point(10, 1) };
    let error = store.upsert(shop, vec![point(10, 0), short]).await.expect_err("it is too short");
    assert!(matches!(error, VectorError::WrongDimension { want: DIM, got } if got == DIM - 1), "{error}");
    assert_eq!(error.fault(), Fault::Caller);
    assert_eq!(store.count(shop).await?, 0);
    let error = store.search(shop, query(vec![1.0; DIM + 1], &[])).await.expect_err("it is too long");
    assert_eq!(error.fault(), Fault::Caller);
    Ok(())
}

async fn a_malformed_sparse_vector_is_a_bug_and_stores_nothing(store: &dyn VectorStore) -> Kept {
    let shop = shop(11);
    let malformed = [
        Sparse { indices: vec![2, 1], values: vec![1.0, 1.0] },
        Sparse { indices: vec![1, 1], values: vec![1.0, 1.0] },
        Sparse { indices: vec![1], values: vec![] },
        Sparse { indices: vec![1], values: vec![f32::NAN] },
    ];
    for sparse in malformed {
        let error = store.upsert(shop, vec![Point { sparse, ..point(11, 0) }]).await.expect_err("it is malformed");
        assert_eq!(error.fault(), Fault::Bug, "{error}");
    }
    assert_eq!(store.count(shop).await?, 0);
    Ok(())
}

async fn clear_empties_one_shop_and_it_can_be_filled_again(store: &dyn VectorStore) -> Kept {
    for number in [12, 13] {
        store.upsert(shop(number), (0..3).map(|ordinal| point(12, ordinal)).collect()).await?;
    }
    store.clear(shop(12)).await?;
    assert_eq!((store.count(shop(12)).await?, store.count(shop(13)).await?), (0, 3));
    assert_eq!(store.search(shop(12), query(embedding(1), &[1])).await?, Found::default());
    store.clear(shop(12)).await?;
    store.upsert(shop(12), vec![point(12, 0)]).await?;
    assert_eq!(store.search(shop(12), query(embedding(0), &[100])).await?.lexical.len(), 1);
    assert_eq!(store.count(shop(12)).await?, 1);
    Ok(())
}

async fn a_shop_that_never_was_is_empty(store: &dyn VectorStore) -> Kept {
    let shop = shop(14);
    store.upsert(shop, Vec::new()).await?;
    store.remove_revision(shop, revision(1)).await?;
    store.remove(shop, &[point(1, 1).chunk]).await?;
    assert_eq!(store.search(shop, query(embedding(1), &[1])).await?, Found::default());
    assert_eq!(store.count(shop).await?, 0);
    Ok(())
}

async fn a_rare_term_finds_its_chunk_and_outweighs_a_frequent_one(store: &dyn VectorStore) -> Kept {
    let shop = shop(15);
    const RARE: u32 = 4_000_000_000;
    let mut points: Vec<_> = (0..20).map(|ordinal| Point { sparse: terms(&[1]), ..point(15, ordinal) }).collect();
    points[7].sparse = terms(&[2, RARE]);
    store.upsert(shop, points.clone()).await?;
    let found = store.search(shop, query(embedding(1), &[RARE])).await?;
    assert_eq!(lexical_ids(&found), [points[7].chunk]);
    let found = store.search(shop, query(embedding(1), &[1, RARE])).await?;
    assert_eq!(found.lexical.len(), 20);
    assert_eq!(found.lexical[0].0, points[7].chunk);
    let (rare, frequent) = (found.lexical[0].1.0, found.lexical[1].1.0);
    assert!(frequent > 0.0 && rare > 10.0 * frequent, "{rare} and {frequent}");
    Ok(())
}

async fn a_query_without_known_terms_has_no_lexical_hits(store: &dyn VectorStore) -> Kept {
    let shop = shop(16);
    let wordless = Point { sparse: Sparse::default(), ..point(16, 1) };
    store.upsert(shop, vec![point(16, 0), wordless]).await?;
    for request in [query(embedding(1), &[]), query(embedding(1), &[55])] {
        let about = SearchRequest { sku: Some("ANY".to_owned()), buyers_only: true, ..request.clone() };
        for request in [request, about] {
            let found = store.search(shop, request).await?;
            assert_eq!((found.dense.len(), found.lexical.len()), (2, 0));
        }
    }
    Ok(())
}

/// IDF over exactly the points that are there, whatever was written and removed before.
async fn after_any_writes_it_agrees_with_a_plain_scan(store: &dyn VectorStore) -> Kept {
    let plain = MemoryStore::new(DIM);
    let shop = shop(17);
    let mut rng = StdRng::seed_from_u64(17);
    for round in 0..30 {
        let batch: Vec<_> = (0..rng.random_range(1..15)).map(|_| random_point(&mut rng, 17)).collect();
        let removed: Vec<_> = batch.iter().step_by(3).map(|point| point.chunk).collect();
        let gone = revision(170 + rng.random_range(0..5));
        for store in [store, &plain] {
            store.upsert(shop, batch.clone()).await?;
            if round % 3 == 1 {
                store.remove(shop, &removed).await?;
            }
            if round % 4 == 2 {
                store.remove_revision(shop, gone).await?;
            }
        }
        let request = SearchRequest {
            buyers_only: rng.random(),
            sku: rng.random::<bool>().then(|| "B".to_owned()),
            limit: 1000,
            ..query(embedding(rng.random()), &[rng.random_range(1..6), rng.random_range(6..12)])
        };
        assert_eq!(store.count(shop).await?, plain.count(shop).await?, "round {round}");
        assert_same(&store.search(shop, request.clone()).await?, &plain.search(shop, request).await?);
    }
    Ok(())
}

async fn a_batch_is_seen_whole_or_not_at_all(store: &dyn VectorStore) -> Kept {
    let shop = shop(18);
    let writes = async {
        for round in 0..10 {
            store.upsert(shop, (0..50).map(|ordinal| point(1800 + round, ordinal)).collect()).await?;
            tokio::task::yield_now().await;
        }
        Ok::<_, VectorError>(())
    };
    let searches = async {
        loop {
            let n_found =
                store.search(shop, SearchRequest { limit: 1000, ..query(embedding(1), &[1]) }).await?.dense.len();
            assert_eq!(n_found % 50, 0, "a part of a batch is seen");
            if n_found == 500 {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::try_join!(writes, searches).map(drop)
}

/// Few ids, terms and revisions, so that points overwrite each other and share words.
fn random_point(rng: &mut StdRng, family: u128) -> Point {
    let ordinal = rng.random_range(0..60);
    let n_terms = rng.random_range(0..6);
    Point {
        chunk: ChunkId::derive(revision(family), ordinal),
        revision: revision(family * 10 + rng.random_range(0..5)),
        audience: if rng.random() { Audience::Buyers } else { Audience::Agents },
        sku: [None, Some("A".to_owned()), Some("B".to_owned())][rng.random_range(0..3)].clone(),
        dense: embedding(rng.random()),
        sparse: Sparse::from_terms((0..n_terms).map(|_| (rng.random_range(1..12), rng.random_range(0.1..2.0)))),
    }
}

fn dense_ids(found: &Found) -> Vec<ChunkId> {
    found.dense.iter().map(|hit| hit.0).collect()
}

fn lexical_ids(found: &Found) -> Vec<ChunkId> {
    found.lexical.iter().map(|hit| hit.0).collect()
}

fn set(chunks: impl IntoIterator<Item = ChunkId>) -> BTreeSet<ChunkId> {
    chunks.into_iter().collect()
}

/// The same chunks with the same scores; engines add up in their own order, so the last digits may differ.
pub fn assert_same(got: &Found, want: &Found) {
    let scores = |found: &Found| {
        let dense = found.dense.iter().map(|hit| (0, hit.0, hit.1.0));
        let mut all: Vec<_> = dense.chain(found.lexical.iter().map(|hit| (1, hit.0, hit.1.0))).collect();
        all.sort_by_key(|(half, chunk, _)| (*half, *chunk));
        all
    };
    let (got, want) = (scores(got), scores(want));
    assert_eq!(got.len(), want.len(), "{got:?}\n{want:?}");
    for (got, want) in got.iter().zip(&want) {
        assert_eq!((got.0, got.1), (want.0, want.1));
        assert!((got.2 - want.2).abs() < 1e-3, "{got:?} is not {want:?}");
    }
}
