//! Our points, queries and filters in the words of the server's protocol.

use std::collections::HashMap;

use qdrant_client::Payload;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::{
    Condition, Distance, Filter, Modifier, NamedVectors, PointStruct, Query, QueryPoints, QueryPointsBuilder,
    RetrievedPoint, ScoredPoint, SparseVectorConfig, SparseVectorParamsBuilder, SparseVectorsConfigBuilder, Value,
    Vector, VectorInput, VectorParamsBuilder, VectorsConfig, VectorsConfigBuilder, vector_output,
};

use crate::domain::document::Audience;
use crate::domain::ids::{ChunkId, RevisionId};
use crate::vectors::{Point, SearchRequest, Sparse, product_key, product_keys, product_of};

const DENSE: &str = "dense";
const SPARSE: &str = "sparse";
pub(super) const REVISION: &str = "revision";
pub(super) const AUDIENCE: &str = "audience";
/// A key of [`product_key`].
pub(super) const PRODUCT: &str = "product";
const BUYERS: &str = "buyers";

pub(super) fn dense_config(dim: usize) -> VectorsConfig {
    let mut config = VectorsConfigBuilder::default();
    config.add_named_vector_params(DENSE, VectorParamsBuilder::new(dim as u64, Distance::Cosine));
    config.into()
}

pub(super) fn sparse_config() -> SparseVectorConfig {
    let mut config = SparseVectorsConfigBuilder::default();
    config.add_named_vector_params(SPARSE, SparseVectorParamsBuilder::default().modifier(Modifier::Idf));
    config.into()
}

pub(super) fn to_server(point: Point) -> PointStruct {
    let audience = match point.audience {
        Audience::Buyers => BUYERS,
        Audience::Agents => "agents",
    };
    let payload: HashMap<&str, Value> = HashMap::from([
        (REVISION, point.revision.to_string().into()),
        (AUDIENCE, audience.into()),
        (PRODUCT, product_key(point.sku.as_deref()).into()),
    ]);
    let mut vectors = NamedVectors::default().add_vector(DENSE, Vector::new_dense(point.dense));
    if !point.sparse.is_empty() {
        vectors = vectors.add_vector(SPARSE, Vector::new_sparse(point.sparse.indices, point.sparse.values));
    }
    PointStruct::new(point.chunk.to_string(), vectors, Payload::from(payload))
}

/// `None` for a point that we did not write.
pub(super) fn to_point(found: RetrievedPoint) -> Option<Point> {
    let PointIdOptions::Uuid(id) = found.id?.point_id_options? else { return None };
    let text = |field: &str| found.payload.get(field).and_then(|value| value.as_str());
    let vectors = found.vectors?;
    let Some(vector_output::Vector::Dense(dense)) = vectors.get_vector_by_name(DENSE) else { return None };
    let sparse = match vectors.get_vector_by_name(SPARSE) {
        Some(vector_output::Vector::Sparse(sparse)) => {
            Sparse::from_terms(sparse.indices.into_iter().zip(sparse.values))
        }
        Some(_) => return None,
        None => Sparse::default(),
    };
    Some(Point {
        chunk: id.parse().ok()?,
        revision: text(REVISION)?.parse().ok()?,
        audience: if text(AUDIENCE)? == BUYERS { Audience::Buyers } else { Audience::Agents },
        sku: product_of(text(PRODUCT)?),
        dense: dense.data,
        sparse,
    })
}

pub(super) fn of_revision(revision: RevisionId) -> Filter {
    Filter::must([is(REVISION, revision.to_string())])
}

/// One query for each half; the lexical one only if there are terms.
pub(super) fn to_queries(collection: &str, request: SearchRequest) -> Vec<QueryPoints> {
    let filter = to_filter(&request);
    let query = |input: VectorInput, using: &str| {
        QueryPointsBuilder::new(collection)
            .query(Query::new_nearest(input))
            .using(using)
            .filter(filter.clone())
            .with_payload(false)
            .build()
    };
    let mut queries = vec![query(VectorInput::new_dense(request.dense), DENSE)];
    if !request.sparse.is_empty() {
        queries.push(query(VectorInput::new_sparse(request.sparse.indices, request.sparse.values), SPARSE));
    }
    queries
}

/// All our points have UUIDs.
pub(super) fn to_hits(points: Vec<ScoredPoint>) -> Vec<(ChunkId, f32)> {
    let to_hit = |point: ScoredPoint| match point.id?.point_id_options? {
        PointIdOptions::Uuid(uuid) => Some((uuid.parse().ok()?, point.score)),
        PointIdOptions::Num(_) => None,
    };
    points.into_iter().filter_map(to_hit).collect()
}

fn to_filter(request: &SearchRequest) -> Filter {
    let audience = request.buyers_only.then(|| is(AUDIENCE, BUYERS.to_owned()));
    let product = request.sku.as_ref().map(|sku| Condition::matches(PRODUCT, product_keys(sku)));
    Filter::must(audience.into_iter().chain(product))
}

/// As a list of one: the client turns a single value with a space in it into a full-text match.
fn is(field: &str, value: String) -> Condition {
    Condition::matches(field, vec![value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_number_with_a_space_is_matched_whole() {
        let request = SearchRequest {
            dense: vec![1.0],
            sparse: Sparse::default(),
            buyers_only: true,
            sku: Some("XJ 900".to_owned()),
            limit: 5,
        };
        let filter = format!("{:?}", to_filter(&request));
        assert!(filter.contains("RepeatedStrings { strings: [\"=XJ 900\", \"\"] }"), "{filter}");
        assert!(!filter.contains("Text("), "{filter}");
    }
}
