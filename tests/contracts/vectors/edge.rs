//! The embedded engine: the contract, and what its files promise.

use std::fs;
use std::path::{Path, PathBuf};

use kefu::domain::fault::Fault;
use kefu::vectors::edge::EdgeStore;
use kefu::vectors::{SearchRequest, VectorError, VectorStore};
use tempfile::TempDir;

use super::promises::{self, assert_same};
use super::{DIM, EMBEDDER, embedding, point, query, revision, shop};

type Kept = Result<(), VectorError>;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn open(root: &Path) -> Result<EdgeStore, VectorError> {
    EdgeStore::open(root, EMBEDDER, DIM)
}

#[tokio::test(flavor = "multi_thread")]
async fn edge_keeps_the_vector_contract() -> Kept {
    let root = folder();
    let store = open(root.path())?;
    promises::keeps_the_vector_contract(&store).await?;
    promises::keeps_the_contract_of_an_exact_engine(&store).await
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart_without_close() -> Kept {
    let root = folder();
    let store = open(root.path())?;
    store.upsert(shop(1), (0..30).map(|ordinal| point(1, ordinal)).collect()).await?;
    store.upsert(shop(1), (0..30).map(|ordinal| point(2, ordinal)).collect()).await?;
    store.remove_revision(shop(1), revision(1)).await?;
    let before = store.search(shop(1), query(embedding(3), &[1, 103])).await?;
    drop(store);

    let store = open(root.path())?;
    assert_eq!(store.count(shop(1)).await?, 30);
    assert_same(&store.search(shop(1), query(embedding(3), &[1, 103])).await?, &before);
    store.upsert(shop(1), vec![point(3, 0)]).await?;
    store.remove(shop(1), &[point(2, 3).chunk]).await?;
    drop(store);

    let store = open(root.path())?;
    let found = store.search(shop(1), query(embedding(3), &[103])).await?;
    assert_eq!((store.count(shop(1)).await?, found.lexical.len()), (30, 0), "writes after a restart count");
    Ok(())
}

/// A copy of the files at the moment a write returned is what a killed process leaves: nothing is flushed later.
#[tokio::test]
async fn what_was_written_is_there_after_a_crash() -> Kept {
    let (root, killed) = (folder(), folder());
    let store = open(root.path())?;
    for round in 0..8 {
        store.upsert(shop(1), (0..20).map(|ordinal| point(round, ordinal)).collect()).await?;
        if round > 0 {
            store.remove_revision(shop(1), revision(round - 1)).await?;
        }
        let copy = killed.path().join(round.to_string());
        copy_folder(root.path(), &copy);
        let left = open(&copy)?;
        assert_eq!(left.count(shop(1)).await?, 20, "round {round}");
        let request = query(embedding(3), &[1, 103]);
        assert_same(&left.search(shop(1), request.clone()).await?, &store.search(shop(1), request).await?);
    }
    Ok(())
}

/// The engine never shortens its log; without our trimming each write would stay on disk for ever.
#[tokio::test]
async fn the_log_does_not_grow_without_end() -> Kept {
    let root = folder();
    let mut store = open(root.path())?;
    let mut sizes = Vec::new();
    for round in 0..4 {
        for _ in 0..8 {
            let words = kefu::vectors::Sparse::from_terms((0..2000).map(|term| (term, 1.0)));
            let points = (0..40).map(|ordinal| kefu::vectors::Point { sparse: words.clone(), ..point(1, ordinal) });
            store.upsert(shop(1), points.collect()).await?;
        }
        drop(store);
        store = open(root.path())?;
        assert_eq!(store.count(shop(1)).await?, 40, "round {round}");
        let logs =
            files(root.path()).into_iter().filter(|file| file.parent().is_some_and(|folder| folder.ends_with("wal")));
        sizes.push(logs.map(|file| fs::metadata(file).map_or(0, |metadata| metadata.len())).sum::<u64>());
    }
    assert!(sizes.iter().all(|size| *size <= 16 << 20), "{sizes:?}");
    Ok(())
}

#[tokio::test]
async fn two_processes_cannot_use_one_directory() -> Kept {
    let root = folder();
    let store = open(root.path())?;
    let error = open(root.path()).expect_err("it is in use");
    assert!(matches!(error, VectorError::InUse { .. }), "{error}");
    store.upsert(shop(1), vec![point(1, 1)]).await?;
    store.close().await?;
    store.close().await?;
    assert!(store.count(shop(1)).await.is_err(), "it is closed");
    let next = open(root.path())?;
    assert_eq!(next.count(shop(1)).await?, 1);
    Ok(())
}

#[tokio::test]
async fn another_embedder_is_refused_until_the_index_is_made_anew() -> Kept {
    let root = folder();
    let store = open(root.path())?;
    store.upsert(shop(1), vec![point(1, 1)]).await?;
    store.close().await?;
    for (embedder, dim) in [("another", DIM), (EMBEDDER, DIM + 1)] {
        let error = EdgeStore::open(root.path(), embedder, dim).expect_err("its points are not comparable");
        assert!(matches!(error, VectorError::WrongMaker { .. }), "{error}");
        assert!(error.to_string().contains("kefu reindex"), "{error}");
        assert_eq!(error.fault(), Fault::Caller);
    }
    let store = EdgeStore::recreate(root.path(), "another", DIM)?;
    assert_eq!(store.count(shop(1)).await?, 0);
    drop(store);
    EdgeStore::open(root.path(), "another", DIM).map(drop)
}

#[tokio::test]
async fn damage_is_one_shops_trouble_and_clear_heals_it() -> Kept {
    let root = folder();
    let store = open(root.path())?;
    for number in [1, 2] {
        store.upsert(shop(number), (0..5).map(|ordinal| point(1, ordinal)).collect()).await?;
    }
    store.close().await?;
    let damaged = root.path().join("shops").join(shop(1).to_string());
    fs::remove_dir_all(damaged.join("segments")).expect("it is there");

    let store = open(root.path())?;
    let error = store.search(shop(1), query(embedding(1), &[1])).await.expect_err("its points are gone");
    assert!(matches!(error, VectorError::Damaged { .. }), "{error}");
    assert_eq!(error.fault(), Fault::Transient);
    let error = store.upsert(shop(1), vec![point(1, 1)]).await.expect_err("not a part of what SQL says");
    assert!(matches!(error, VectorError::Damaged { .. }), "{error}");
    assert_eq!(store.count(shop(2)).await?, 5, "the other shop knows nothing of it");

    store.clear(shop(1)).await?;
    store.upsert(shop(1), vec![point(1, 1)]).await?;
    assert_eq!(store.count(shop(1)).await?, 1);
    Ok(())
}

/// Every file of a shard in turn. The engine alone would begin an empty index in place of some of them.
#[tokio::test]
async fn a_lost_file_is_damage_or_makes_no_difference() -> Kept {
    for (file, outcome) in spoil_each_file(lose).await? {
        assert!(outcome != Outcome::Wrong, "without `{}` the index answers, and wrongly", file.display());
    }
    Ok(())
}

/// The engine has no checksums: rubbish in a vector is a vector. But no rubbish may end the process, and what says
/// which points there are is never believed.
#[tokio::test]
async fn a_file_of_rubbish_ends_neither_the_process_nor_the_other_files() -> Kept {
    for (file, outcome) in spoil_each_file(fill_with_rubbish).await? {
        assert!(outcome != Outcome::Wrong || file.components().any(|part| part.as_os_str() == "vector_storage-dense"));
    }
    Ok(())
}

/// A mapped file that ends too early would end the process, at every start.
#[tokio::test]
async fn a_file_that_was_cut_short_is_damage_or_makes_no_difference() -> Kept {
    for (file, outcome) in spoil_each_file(cut_short).await? {
        assert!(outcome != Outcome::Wrong, "with half of `{}` the index answers, and wrongly", file.display());
    }
    Ok(())
}

/// What was written comes back, and what was changed on the disk since is noticed, whichever half of the search it is
/// for.
#[tokio::test]
async fn a_point_that_is_not_as_it_was_written_is_damage() -> Kept {
    let root = folder();
    let store = open(root.path())?;
    let written: Vec<_> = (0..30).map(|ordinal| point(1, ordinal)).collect();
    store.upsert(shop(1), written.clone()).await?;
    let ids: Vec<_> = written.iter().map(|point| point.chunk).collect();
    let mut stored = store.points(shop(1), &ids).await?;
    stored.sort_by_key(|point| ids.iter().position(|id| *id == point.chunk));
    for (stored, written) in stored.iter().zip(&written) {
        assert_eq!((stored.chunk, stored.revision, &stored.sku), (written.chunk, written.revision, &written.sku));
        assert_eq!(stored.sparse, written.sparse);
    }
    assert_eq!(stored.len(), 30);
    store.close().await
}

#[derive(Debug, PartialEq)]
enum Outcome {
    NoDifference,
    Damage,
    Wrong,
}

async fn spoil_each_file(spoil: fn(&Path)) -> Result<Vec<(PathBuf, Outcome)>, VectorError> {
    let (whole, spoilt) = (folder(), folder());
    let store = open(whole.path())?;
    store.upsert(shop(1), (0..30).map(|ordinal| point(1, ordinal)).collect()).await?;
    let request = SearchRequest { buyers_only: true, ..query(embedding(3), &[1, 103]) };
    let expected = store.search(shop(1), request.clone()).await?;
    store.close().await?;

    let mut outcomes = Vec::new();
    for file in files(&whole.path().join("shops")) {
        let copy = spoilt.path().join(outcomes.len().to_string());
        copy_folder(whole.path(), &copy);
        let file = file.strip_prefix(whole.path()).expect("it lies below").to_owned();
        spoil(&copy.join(&file));
        let store = open(&copy)?;
        let outcome = match (store.count(shop(1)).await, store.search(shop(1), request.clone()).await) {
            (Ok(30), Ok(found)) if found == expected => Outcome::NoDifference,
            (Err(VectorError::Damaged { .. }), _) | (_, Err(VectorError::Damaged { .. })) => Outcome::Damage,
            _ => Outcome::Wrong,
        };
        outcomes.push((file, outcome));
        store.clear(shop(1)).await?;
        assert_eq!(store.count(shop(1)).await?, 0, "whatever it was, it can be cleared");
        drop(store);
        fs::remove_dir_all(&copy).expect("it is ours");
    }
    Ok(outcomes)
}

fn lose(file: &Path) {
    fs::remove_file(file).expect("it is there");
}

fn cut_short(file: &Path) {
    let size = fs::metadata(file).expect("it is there").len();
    fs::OpenOptions::new().write(true).open(file).and_then(|file| file.set_len(size / 2)).expect("it can be cut");
}

fn fill_with_rubbish(file: &Path) {
    let size = fs::metadata(file).expect("it is there").len();
    fs::write(file, vec![0xA5; usize::try_from(size).expect("a small file")]).expect("it can be written");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort_unstable();
    found
}

fn copy_folder(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).expect("it lies below"));
        fs::create_dir_all(target.parent().expect("a file has a folder")).expect("it can be made");
        fs::copy(&file, &target).expect("it can be copied");
    }
}
