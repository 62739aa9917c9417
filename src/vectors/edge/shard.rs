//! One shop's shard: our points in the engine's words, and its files.
//!
//! # Why
//!
//! The engine is at its best as an exact scan: a shop has at most some ten thousands of chunks, so its optimizers
//! (HNSW) are never run. That leaves one growing segment, exact scores and an exact IDF.
//!
//! * It never replays its write-ahead log and never shortens it; only a flush makes points durable. The log is of
//!   use for its operation numbers alone, so [`trim_log`] drops what lies behind the last closed file.
//! * It leaves the terms of a removed point in the sparse index, where they would count in every IDF until the
//!   next start. [`remove`] therefore empties the sparse vectors first.
//! * It takes lost files for an empty beginning, silently. [`open`] looks first.
//! * It has no checksums, so a point carries one of its own over everything but the embedding: that one is compared
//!   with SQL, which the lexical half could only be at the price of cutting every text into words again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use qdrant_edge::external::serde_json::{Map, Value};
use qdrant_edge::{
    Condition, CreateIndex, Distance, EdgeConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams, FieldCondition,
    FieldIndexOperations, Filter, JsonPath, Match, Modifier, NamedQuery, OperationResult, PayloadFieldSchema,
    PayloadSchemaType, PointId, PointInsertOperations, PointOperations, PointStruct, PointVectorsPersisted, QueryEnum,
    QueryRequest, Record, ScoringQuery, ScrollRequest, UpdateOperation, UpdateVectorsOp, Vector, VectorInternal,
    VectorOperations, VectorStructInternal, VectorStructPersisted, Vectors, WalOptions, WithPayloadInterface,
    WithVector,
};

use super::fault::{contain, io};
use super::sound;
use crate::domain::document::Audience;
use crate::domain::ids::{ChunkId, RevisionId};
use crate::vectors::{
    Found, Point, SearchRequest, Sparse, VectorError, into_found, is_cut_clean, product_key, product_keys, product_of,
    sort_hits,
};

const DENSE: &str = "dense";
const SPARSE: &str = "sparse";
const REVISION: &str = "revision";
const AUDIENCE: &str = "audience";
/// A key of [`product_key`]: the engine misjudges "has no value" once points were removed.
const PRODUCT: &str = "product";
const BUYERS: &str = "buyers";
const AGENTS: &str = "agents";
const SUM: &str = "sum";

/// A file of the log. Two or three of them stay on disk for each shop; the engine's own 32 MiB would be wasted on it.
const LOG_FILE_BYTES: usize = 2 * 1024 * 1024;

/// Files of a segment that hold points, and whose loss the engine takes for an empty beginning. A segment has them
/// from its first point on, and a shard comes into being with its first points.
const NEEDED: [&str; 4] = [
    "version.info",
    "mutable_id_tracker.mappings",
    "mutable_id_tracker.versions",
    "vector_storage-dense/vectors/status.dat",
];

fn config(dim: usize) -> EdgeConfig {
    EdgeConfig::builder()
        .vector(DENSE, EdgeVectorParams::builder(dim, Distance::Cosine).build())
        .sparse_vector(SPARSE, EdgeSparseVectorParams::builder().modifier(Modifier::Idf).build())
        .wal_options(WalOptions { segment_capacity: LOG_FILE_BYTES, ..WalOptions::default() })
        .build()
}

/// Makes a shard of these points at `path`, whole or not at all: it comes into being by a rename.
pub(super) fn create(path: &Path, dim: usize, points: Vec<Point>) -> Result<(), VectorError> {
    let building = path.with_extension(super::BUILDING);
    if building.exists() {
        fs::remove_dir_all(&building).map_err(|error| io(&building, &error))?;
    }
    fs::create_dir_all(&building).map_err(|error| io(&building, &error))?;
    contain(|| {
        let engine = EdgeShard::new(&building, config(dim))?;
        for field in [REVISION, AUDIENCE, PRODUCT] {
            engine.update(UpdateOperation::FieldIndexOperation(FieldIndexOperations::CreateIndex(CreateIndex {
                field_name: key(field),
                field_schema: Some(PayloadFieldSchema::FieldType(PayloadSchemaType::Keyword)),
            })))?;
        }
        upsert(&engine, points)?;
        engine.flush();
        Ok(())
    })?;
    sound::record(&building)?;
    fs::rename(&building, path).map_err(|error| io(path, &error))
}

/// Opens the shard at `path`. Files that are missing or unreadable are `Damaged`, never an empty shard.
pub(super) fn open(path: &Path, dim: usize) -> Result<EdgeShard, VectorError> {
    let segments = path.join("segments");
    let damaged = |what: &str| VectorError::Damaged { reason: format!("{}: {what}", segments.display()) };
    let mut n_segments = 0;
    for entry in fs::read_dir(&segments).map_err(|_| damaged("is missing"))? {
        let segment = entry.map_err(|error| io(&segments, &error))?.path();
        if let Some(lost) = NEEDED.iter().find(|name| !segment.join(name).is_file()) {
            return Err(damaged(&format!("a segment has lost its `{lost}`")));
        }
        n_segments += 1;
    }
    if n_segments == 0 {
        return Err(damaged("is empty"));
    }
    sound::check(path)?;
    trim_log(path)?;
    sound::opening(path, || contain(|| EdgeShard::load(path, Some(config(dim)))))
}

/// Deletes all closed files of the log but the newest, which tells the engine the number of its next operation.
///
/// Only after a flush: then nothing behind it is needed. The engine still maps a deleted file, which Unix allows.
pub(super) fn trim_log(path: &Path) -> Result<(), VectorError> {
    let log = path.join("wal");
    let mut closed = Vec::new();
    for entry in fs::read_dir(&log).map_err(|error| io(&log, &error))? {
        let entry = entry.map_err(|error| io(&log, &error))?;
        let first_operation =
            entry.file_name().to_str().and_then(|name| name.strip_prefix("closed-")?.parse::<u64>().ok());
        closed.extend(first_operation.map(|number| (number, entry.path())));
    }
    closed.sort_unstable();
    closed.pop();
    closed.iter().try_for_each(|(_, file)| fs::remove_file(file).map_err(|error| io(file, &error)))
}

pub(super) fn upsert(engine: &EdgeShard, points: Vec<Point>) -> OperationResult<()> {
    let points = points.into_iter().map(|point| Ok(to_engine(point)?.into())).collect::<OperationResult<Vec<_>>>()?;
    let insert = PointInsertOperations::PointsList(points);
    engine.update(UpdateOperation::PointOperation(PointOperations::UpsertPoints(insert)))
}

pub(super) fn remove_revision(engine: &EdgeShard, revision: RevisionId) -> OperationResult<()> {
    let request = ScrollRequest {
        limit: Some(engine.info().points_count.max(1)),
        filter: Some(Filter::new_must(field_is(REVISION, revision.to_string()))),
        with_payload: Some(WithPayloadInterface::Bool(false)),
        ..ScrollRequest::default()
    };
    let (records, _) = engine.scroll(request)?;
    remove(engine, records.into_iter().map(|record| record.id).collect())
}

pub(super) fn remove_chunks(engine: &EdgeShard, chunks: &[ChunkId]) -> OperationResult<()> {
    let ids: Vec<_> = chunks.iter().map(|chunk| PointId::Uuid(chunk.0)).collect();
    let records = engine.retrieve(&ids, Some(WithPayloadInterface::Bool(false)), Some(WithVector::Bool(false)))?;
    remove(engine, records.into_iter().map(|record| record.id).collect())
}

/// All of `ids` exist.
fn remove(engine: &EdgeShard, ids: Vec<PointId>) -> OperationResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let no_terms = VectorStructPersisted::from(Vectors::new_named([(SPARSE, to_sparse(Sparse::default())?)]).0);
    let points = ids.iter().map(|&id| PointVectorsPersisted { id, vector: no_terms.clone() }).collect();
    let forget_terms = VectorOperations::UpdateVectors(UpdateVectorsOp { points, update_filter: None });
    engine.update(UpdateOperation::VectorOperation(forget_terms))?;
    engine.update(UpdateOperation::PointOperation(PointOperations::DeletePoints { ids }))
}

/// The points among `chunks` that are there; in place of one that is not as it was written, none.
pub(super) fn points(engine: &EdgeShard, chunks: &[ChunkId]) -> OperationResult<Vec<Option<Point>>> {
    let ids: Vec<_> = chunks.iter().map(|chunk| PointId::Uuid(chunk.0)).collect();
    let records = engine.retrieve(&ids, Some(WithPayloadInterface::Bool(true)), Some(WithVector::Bool(true)))?;
    Ok(records.into_iter().map(from_engine).collect())
}

fn from_engine(record: Record) -> Option<Point> {
    let payload = record.payload?.0;
    let text = |field: &str| payload.get(field)?.as_str();
    let Some(VectorStructInternal::Named(mut vectors)) = record.vector else { return None };
    let Some(VectorInternal::Dense(dense)) = vectors.remove(DENSE) else { return None };
    let sparse = match vectors.remove(SPARSE) {
        Some(VectorInternal::Sparse(sparse)) => Sparse { indices: sparse.indices, values: sparse.values },
        Some(VectorInternal::Dense(_) | VectorInternal::MultiDense(_)) => return None,
        None => Sparse::default(),
    };
    let point = Point {
        chunk: to_chunk(record.id)?,
        revision: text(REVISION)?.parse().ok()?,
        audience: match text(AUDIENCE)? {
            BUYERS => Audience::Buyers,
            AGENTS => Audience::Agents,
            _ => return None,
        },
        sku: product_of(text(PRODUCT)?),
        dense,
        sparse,
    };
    (text(SUM)? == sum(&point)).then_some(point)
}

/// FNV-1a over everything but the embedding, which the engine is free to normalise.
fn sum(point: &Point) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    add(point.chunk.0.as_bytes());
    add(point.revision.0.as_bytes());
    add(audience_name(point.audience).as_bytes());
    add(product_key(point.sku.as_deref()).as_bytes());
    let by_index: BTreeMap<u32, f32> =
        point.sparse.indices.iter().copied().zip(point.sparse.values.iter().copied()).collect();
    for (index, value) in by_index {
        add(&index.to_le_bytes());
        add(&value.to_le_bytes());
    }
    format!("{hash:016x}")
}

pub(super) fn search(engine: &EdgeShard, request: SearchRequest) -> OperationResult<Found> {
    let filter = to_filter(&request);
    let find = |query: Vector, using: &str| {
        best(engine, request.limit, |asked| QueryRequest {
            prefetches: Vec::new(),
            query: Some(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(
                VectorInternal::from(query.clone()),
                using,
            )))),
            filter: Some(filter.clone()),
            score_threshold: None,
            limit: asked,
            offset: 0,
            params: None,
            with_vector: WithVector::Bool(false),
            with_payload: WithPayloadInterface::Bool(false),
        })
    };
    let dense = find(Vector::new_dense(request.dense), DENSE)?;
    let mut lexical = if request.sparse.is_empty() { Vec::new() } else { find(to_sparse(request.sparse)?, SPARSE)? };
    // A filtered search may score every point it sees; those without a common term are no hits.
    lexical.retain(|(_, score)| *score > 0.0);
    Ok(into_found(dense, lexical))
}

/// The best `limit`, in our order.
fn best(
    engine: &EdgeShard,
    limit: usize,
    request: impl Fn(usize) -> QueryRequest,
) -> OperationResult<Vec<(ChunkId, f32)>> {
    let n_points = engine.info().points_count;
    let limit = limit.min(n_points);
    let mut asked = limit + 1;
    loop {
        let found = engine.query(request(asked))?;
        let mut hits: Vec<_> = found.iter().filter_map(|point| Some((to_chunk(point.id)?, point.score))).collect();
        sort_hits(&mut hits);
        if is_cut_clean(&hits, limit, asked) || asked > n_points {
            hits.truncate(limit);
            return Ok(hits);
        }
        asked *= 2;
    }
}

fn to_engine(point: Point) -> OperationResult<PointStruct> {
    let mut payload = Map::new();
    payload.insert(REVISION.to_owned(), Value::String(point.revision.to_string()));
    payload.insert(AUDIENCE.to_owned(), Value::String(audience_name(point.audience).to_owned()));
    payload.insert(PRODUCT.to_owned(), Value::String(product_key(point.sku.as_deref())));
    payload.insert(SUM.to_owned(), Value::String(sum(&point)));
    let mut vectors = vec![(DENSE, Vector::new_dense(point.dense))];
    // Left out, not empty: the engine counts an empty vector wrongly once it is overwritten by another.
    if !point.sparse.is_empty() {
        vectors.push((SPARSE, to_sparse(point.sparse)?));
    }
    Ok(PointStruct::new(PointId::Uuid(point.chunk.0), Vectors::new_named(vectors), Value::Object(payload)))
}

fn to_sparse(sparse: Sparse) -> OperationResult<Vector> {
    Vector::new_sparse(sparse.indices, sparse.values)
}

/// All our points have UUIDs.
fn to_chunk(id: PointId) -> Option<ChunkId> {
    match id {
        PointId::Uuid(uuid) => Some(ChunkId(uuid)),
        PointId::NumId(_) => None,
    }
}

fn to_filter(request: &SearchRequest) -> Filter {
    let audience = request.buyers_only.then(|| field_is(AUDIENCE, BUYERS.to_owned()));
    let product = request.sku.as_ref().map(|sku| field_is_one_of(PRODUCT, product_keys(sku)));
    Filter { must: Some(audience.into_iter().chain(product).collect()), ..Filter::new() }
}

fn audience_name(audience: Audience) -> &'static str {
    match audience {
        Audience::Buyers => BUYERS,
        Audience::Agents => AGENTS,
    }
}

fn field_is(field: &str, value: String) -> Condition {
    Condition::Field(FieldCondition::new_match(key(field), Match::from(value)))
}

fn field_is_one_of(field: &str, values: Vec<String>) -> Condition {
    Condition::Field(FieldCondition::new_match(key(field), Match::from(values)))
}

fn key(field: &str) -> JsonPath {
    field.parse().expect("our field names are plain words, and a plain word is a path")
}
