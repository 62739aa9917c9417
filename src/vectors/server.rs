//! The vector store on a Qdrant server, for installations with more than one process.
//!
//! # Why
//!
//! One collection for each shop, named `<prefix>_<shop id>`, not one for all with a tenant filter:
//!
//! * BM25's IDF is counted over a collection, so in a common one a shop's ranking would depend on the texts of the
//!   others.
//! * A shop's name is in every request (see [`ServerStore::collection`]); no filter can be forgotten.
//! * `clear` drops a collection at once.
//!
//! The price is memory on the server for each collection, which a self-hosted installation with some tens of shops
//! does not feel; Qdrant advises against many hundreds.
//!
//! The client opens a broken connection again, once; beyond that nothing is retried here: the caller knows whether a
//! buyer waits or a job may back off.

mod convert;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use qdrant_client::qdrant::{
    CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder, DeletePointsBuilder, Distance,
    FieldType, GetPointsBuilder, PointStruct, QueryBatchPointsBuilder, QueryPoints, UpsertPointsBuilder,
    VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use self::convert::{AUDIENCE, PRODUCT, REVISION};
use super::{Found, Point, SearchRequest, VectorError, VectorStore, check_points, check_vectors, into_found};
use super::{is_cut_clean, sort_hits};
use crate::domain::ids::{ChunkId, RevisionId, ShopId};

/// A buyer waits for a search.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(800);
/// A job waits for a write: the server answers when the points are stored.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Points in one message. With 1024 values each this stays far below the 32 MiB that the server accepts.
const BATCH: usize = 1000;

/// Where the server is, and which collections on it are ours.
#[derive(Clone)]
pub struct ServerOptions {
    /// Address of the gRPC port, such as `http://qdrant:6334`.
    pub url: String,
    /// Key, if the server asks for one.
    pub api_key: Option<String>,
    /// First part of the name of every collection of ours.
    pub prefix: String,
}

/// Points on a Qdrant server.
pub struct ServerStore {
    client: Qdrant,
    prefix: String,
    embedder_id: String,
    dim: usize,
    /// Filled once the server has confirmed whose points it holds.
    verified: OnceCell<()>,
}

impl ServerStore {
    /// Asks nothing of the server yet; see [`ServerStore::verify`].
    pub fn new(options: ServerOptions, embedder_id: &str, dim: usize) -> Result<Self, VectorError> {
        let client = Qdrant::from_url(&options.url)
            .api_key(options.api_key)
            .timeout(WRITE_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // It would ask the server from a thread of its own, and print.
            .skip_compatibility_check()
            .build()
            .map_err(fail)?;
        Ok(Self { client, prefix: options.prefix, embedder_id: embedder_id.to_owned(), dim, verified: OnceCell::new() })
    }

    /// Compares the embedder with the one that made the points, or writes it down if there are none.
    ///
    /// Call it at start to refuse a wrong one early. Every other method does it first as long as it has not worked
    /// once, so that a server that is away at start is no reason not to start.
    pub async fn verify(&self) -> Result<(), VectorError> {
        self.verified.get_or_try_init(|| self.check_maker()).await.copied()
    }

    /// Drops every collection of ours, for another embedder.
    pub async fn recreate(&self) -> Result<(), VectorError> {
        let ours = format!("{}_", self.prefix);
        let maker = self.maker_collection();
        let all = self.client.list_collections().await.map_err(fail)?.collections;
        let shops = all.into_iter().map(|collection| collection.name).filter(|name| name.starts_with(&ours));
        // The maker last: a crash in between leaves it, and this can be repeated.
        for name in shops.filter(|name| *name != maker) {
            self.drop_collection(&name).await?;
        }
        self.drop_collection(&maker).await?;
        self.verify().await
    }

    /// The one place where a shop becomes a name on the server.
    fn collection(&self, shop: ShopId) -> String {
        format!("{}_{shop}", self.prefix)
    }

    fn maker_collection(&self) -> String {
        format!("{}_maker", self.prefix)
    }

    /// A collection of one point whose payload says who made all others. Collections have metadata of their own
    /// only on recent servers.
    async fn check_maker(&self) -> Result<(), VectorError> {
        let name = self.maker_collection();
        if !self.client.collection_exists(&name).await.map_err(fail)? {
            let create = CreateCollectionBuilder::new(&name).vectors_config(VectorParamsBuilder::new(1, Distance::Dot));
            unless_there(self.client.create_collection(create).await)?;
        }
        let get = GetPointsBuilder::new(&name, vec![1.into()]).with_payload(true);
        let found = self.client.get_points(get).await.map_err(fail)?.result;
        let Some(maker) = found.first() else {
            let payload = Payload::from(HashMap::from([
                ("embedder", self.embedder_id.clone().into()),
                ("dim", (self.dim as i64).into()),
            ]));
            let point = PointStruct::new(1, vec![1.0], payload);
            let upsert = UpsertPointsBuilder::new(&name, vec![point]).wait(true);
            return self.client.upsert_points(upsert).await.map(drop).map_err(fail);
        };
        let made_by = maker.get("embedder").as_str().cloned().unwrap_or_default();
        let dim = maker.get("dim").as_integer().unwrap_or_default();
        if made_by == self.embedder_id && dim == self.dim as i64 {
            return Ok(());
        }
        Err(VectorError::WrongMaker {
            made_by: format!("{made_by} ({dim} values)"),
            embedder: format!("{} ({} values)", self.embedder_id, self.dim),
        })
    }

    async fn create_collection(&self, name: &str) -> Result<(), VectorError> {
        if self.client.collection_exists(name).await.map_err(fail)? {
            return Ok(());
        }
        let create = CreateCollectionBuilder::new(name)
            .vectors_config(convert::dense_config(self.dim))
            .sparse_vectors_config(convert::sparse_config());
        unless_there(self.client.create_collection(create).await)?;
        for field in [REVISION, AUDIENCE, PRODUCT] {
            let index = CreateFieldIndexCollectionBuilder::new(name, field, FieldType::Keyword).wait(true);
            self.client.create_field_index(index).await.map_err(fail)?;
        }
        Ok(())
    }

    async fn drop_collection(&self, name: &str) -> Result<(), VectorError> {
        if_there(self.client.delete_collection(name).await).map(drop)
    }

    async fn delete(&self, shop: ShopId, delete: DeletePointsBuilder) -> Result<(), VectorError> {
        self.verify().await?;
        let delete = delete.collection_name(self.collection(shop)).wait(true);
        if_there(self.client.delete_points(delete).await).map(drop)
    }

    /// The best `limit` for both queries, in our order: asks for more as long as equal scores stand at the cut.
    async fn best(&self, name: &str, mut queries: Vec<QueryPoints>, limit: usize) -> Result<Vec<Hits>, VectorError> {
        let mut asked = limit.saturating_add(1);
        loop {
            for query in &mut queries {
                query.limit = Some(asked as u64);
            }
            let batch = QueryBatchPointsBuilder::new(name, queries.clone());
            let Some(answer) = if_there(self.client.query_batch(batch).await)? else { return Ok(Vec::new()) };
            let mut halves: Vec<Hits> = answer.result.into_iter().map(|half| convert::to_hits(half.result)).collect();
            halves.iter_mut().for_each(|hits| sort_hits(hits));
            if halves.iter().all(|hits| is_cut_clean(hits, limit, asked)) {
                halves.iter_mut().for_each(|hits| hits.truncate(limit));
                return Ok(halves);
            }
            asked *= 2;
        }
    }
}

type Hits = Vec<(ChunkId, f32)>;

#[async_trait]
impl VectorStore for ServerStore {
    /// Larger batches than a message holds become visible part by part.
    async fn upsert(&self, shop: ShopId, points: Vec<Point>) -> Result<(), VectorError> {
        check_points(self.dim, &points)?;
        if points.is_empty() {
            return Ok(());
        }
        self.verify().await?;
        let name = self.collection(shop);
        self.create_collection(&name).await?;
        let mut points = points.into_iter().map(convert::to_server).peekable();
        while points.peek().is_some() {
            let batch: Vec<_> = points.by_ref().take(BATCH).collect();
            let upsert = UpsertPointsBuilder::new(&name, batch).wait(true);
            self.client.upsert_points(upsert).await.map_err(fail)?;
        }
        Ok(())
    }

    async fn remove_revision(&self, shop: ShopId, revision: RevisionId) -> Result<(), VectorError> {
        self.delete(shop, DeletePointsBuilder::new("").points(convert::of_revision(revision))).await
    }

    async fn remove(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<(), VectorError> {
        if chunks.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = chunks.iter().map(ChunkId::to_string).collect();
        self.delete(shop, DeletePointsBuilder::new("").points(ids)).await
    }

    async fn search(&self, shop: ShopId, request: SearchRequest) -> Result<Found, VectorError> {
        check_vectors(self.dim, &request.dense, &request.sparse)?;
        let name = self.collection(shop);
        let limit = request.limit;
        if limit == 0 {
            return Ok(Found::default());
        }
        in_time(SEARCH_TIMEOUT, async {
            self.verify().await?;
            let mut halves = self.best(&name, convert::to_queries(&name, request), limit).await?.into_iter();
            let dense = halves.next().unwrap_or_default();
            Ok(into_found(dense, halves.next().unwrap_or_default()))
        })
        .await
    }

    async fn points(&self, shop: ShopId, chunks: &[ChunkId]) -> Result<Vec<Point>, VectorError> {
        if chunks.is_empty() {
            return Ok(Vec::new());
        }
        self.verify().await?;
        let ids: Vec<_> = chunks.iter().map(|chunk| chunk.to_string().into()).collect();
        let get = GetPointsBuilder::new(self.collection(shop), ids).with_payload(true).with_vectors(true);
        let Some(answer) = if_there(self.client.get_points(get).await)? else { return Ok(Vec::new()) };
        let broken = || VectorError::Damaged { reason: "a point is not one of ours".to_owned() };
        answer.result.into_iter().map(|found| convert::to_point(found).ok_or_else(broken)).collect()
    }

    async fn count(&self, shop: ShopId) -> Result<usize, VectorError> {
        self.verify().await?;
        let count = CountPointsBuilder::new(self.collection(shop)).exact(true);
        let answer = if_there(self.client.count(count).await)?;
        Ok(answer.and_then(|answer| answer.result).map_or(0, |result| result.count as usize))
    }

    async fn clear(&self, shop: ShopId) -> Result<(), VectorError> {
        self.verify().await?;
        self.drop_collection(&self.collection(shop)).await
    }

    async fn close(&self) -> Result<(), VectorError> {
        Ok(())
    }
}

async fn in_time<T>(limit: Duration, work: impl Future<Output = Result<T, VectorError>>) -> Result<T, VectorError> {
    let late = || VectorError::Unreachable { reason: format!("no answer within {} ms", limit.as_millis()) };
    timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

/// gRPC status codes. The client does not export its own type of them.
mod code {
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const NOT_FOUND: i32 = 5;
    pub(super) const ALREADY_EXISTS: i32 = 6;
    pub(super) const PERMISSION_DENIED: i32 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const FAILED_PRECONDITION: i32 = 9;
    pub(super) const UNIMPLEMENTED: i32 = 12;
    pub(super) const UNAUTHENTICATED: i32 = 16;
}

fn code_of(error: &QdrantError) -> Option<i32> {
    match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            Some(status.code() as i32)
        }
        _ => None,
    }
}

fn fail(error: QdrantError) -> VectorError {
    let reason = match &error {
        QdrantError::ResponseError { status } => format!("{}: {}", status.code(), status.message()),
        other => other.to_string(),
    };
    match code_of(&error) {
        Some(code::RESOURCE_EXHAUSTED) => VectorError::Full { reason },
        Some(
            code::INVALID_ARGUMENT
            | code::NOT_FOUND
            | code::ALREADY_EXISTS
            | code::PERMISSION_DENIED
            | code::FAILED_PRECONDITION
            | code::UNIMPLEMENTED
            | code::UNAUTHENTICATED,
        ) => VectorError::Refused { reason },
        None if matches!(error, QdrantError::InvalidUri(_)) => VectorError::Refused { reason },
        _ => VectorError::Unreachable { reason },
    }
}

/// A shop without a collection never had a point; that is no error.
fn if_there<T>(answer: Result<T, QdrantError>) -> Result<Option<T>, VectorError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if code_of(&error) == Some(code::NOT_FOUND) => Ok(None),
        Err(error) => Err(fail(error)),
    }
}

/// Two processes may begin a shop at the same moment; the second finds it made.
fn unless_there<T>(answer: Result<T, QdrantError>) -> Result<(), VectorError> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if code_of(&error) == Some(code::ALREADY_EXISTS) => Ok(()),
        Err(error) => Err(fail(error)),
    }
}
