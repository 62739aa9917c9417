//! The ingestion journey: what staff upload becomes chunks that can be found.
//!
//! ```text
//! bytes ─▶ sniff ─▶ parse (in a child process) ─▶ normalize ─▶ chunk ─▶ embed ─▶ index ─▶ switch
//! ```
//!
//! Reading order: [`mod@sniff`] tells what a file is; [`parse`] reads it, one parser per format, each yielding a
//! [`draft::Draft`] of raw blocks; [`normalize`] cleans these and lays them out as one text with spans; [`mod@chunk`] cuts
//! that text into the pieces that retrieval finds; [`index`] makes them searchable. Each stage says on the revision's
//! row how far it is, and on the bus that there is something to see.

pub mod archive;
pub mod chunk;
pub mod draft;
mod grid;
pub mod index;
pub mod normalize;
pub mod parse;
pub mod parse_docx;
pub mod parse_html;
pub mod parse_markdown;
pub mod parse_pdf;
pub mod parse_table;
pub mod parse_text;
pub mod questions;
pub mod records;
pub mod reindex;
pub mod sniff;
mod unpack;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::RwLock;
use tracing::info;

use crate::clock::SharedClock;
use crate::domain::document::{Format, Parsed, RevisionState};
use crate::domain::fault::Fault;
use crate::domain::ids::{DocumentId, RevisionId, ShopId};
use crate::domain::rehearsal::PastQuestions;
use crate::events::{Bus, Event};
use crate::inference::{EmbedError, Embedder};
use crate::storage::files::{FileError, FileStore};
use crate::storage::indexing::Activation;
use crate::storage::revisions;
use crate::storage::{Db, StorageError, documents};
use crate::vectors::{VectorError, VectorStore};

use chunk::{ChunkOptions, chunk};
use parse::{ParseError, ParseLimits, ParsedFile, parse_in_child, read_questions_in_child};
use sniff::sniff;

/// Reads documents in.
pub struct Ingestion {
    pub db: Db,
    pub bus: Bus,
    pub clock: SharedClock,
    pub files: FileStore,
    pub vectors: Arc<dyn VectorStore>,
    pub embedder: Arc<dyn Embedder>,
    /// Our own program, which reads files in a process of its own.
    pub reader: PathBuf,
    pub limits: ParseLimits,
    pub chunking: ChunkOptions,
    /// Shared by whoever changes SQL and index together, alone for whoever compares or rebuilds: a revision that is
    /// being switched must not look like damage, nor fall between the pages of a rebuild.
    pub gate: RwLock<()>,
}

/// What became of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ingested {
    /// It answers from now on.
    Active {
        /// The one that answered before: its points can go.
        replaced: Option<RevisionId>,
    },
    /// A later one answers already, or it is not there any more: its points can go.
    Outdated,
    /// The file was refused; the revision says why.
    Refused,
    /// It was an archive; each file in it is queued.
    Unpacked {
        /// The document that stood for the archive, to be removed.
        archive: DocumentId,
    },
}

/// Why a revision could not be read in for now. A file that is refused is no error, but [`Ingested::Refused`].
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Files(#[from] FileError),
    #[error(transparent)]
    Embed(#[from] EmbedError),
    #[error(transparent)]
    Vectors(#[from] VectorError),
    /// The process that reads files could not be run.
    #[error(transparent)]
    Reader(ParseError),
    /// The uploaded bytes are not on the disk any more.
    #[error("the uploaded file is gone from the data directory")]
    FileGone,
}

impl IngestError {
    /// Whether the disk is full: waiting helps, trying again and again does not.
    pub fn is_want_of_room(&self) -> bool {
        matches!(
            self,
            Self::Storage(StorageError::Full { .. })
                | Self::Files(FileError::Full)
                | Self::Vectors(VectorError::Full { .. })
        )
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Storage(error) => error.fault(),
            Self::Files(error) => error.fault(),
            Self::Embed(error) => error.fault(),
            Self::Vectors(error) => error.fault(),
            Self::Reader(error) => error.fault(),
            Self::FileGone => Fault::Bug,
        }
    }
}

impl Ingestion {
    /// Reads a revision in and makes it the one that answers. Doing it again does the same again; a revision that is
    /// indexed, or gone, is left alone.
    pub async fn ingest(&self, shop: ShopId, id: RevisionId) -> Result<Ingested, IngestError> {
        let Some(revision) = revisions::get(&self.db, shop, id).await? else { return Ok(Ingested::Outdated) };
        let Some(document) = documents::get(&self.db, shop, revision.document).await? else {
            return Ok(Ingested::Outdated);
        };
        if revision.state == RevisionState::Indexed {
            return Ok(Ingested::Active { replaced: None });
        }
        if revision.state == RevisionState::Failed {
            return Ok(Ingested::Refused);
        }
        self.files.check_room()?;
        self.enter(shop, id, RevisionState::Parsing).await?;
        self.tell(shop, revision.document, id);
        let bytes = self.bytes_of(&revision.sha256).await?;
        if sniff(&revision.file_name, &bytes, &self.limits) == Ok(Format::Zip) {
            return self.unpack(shop, &revision, bytes).await;
        }
        let parsed = match parse_in_child(&self.reader, &revision.file_name, &bytes, &self.limits).await {
            Ok(ParsedFile::Document(parsed)) => parsed,
            Ok(ParsedFile::Archive(_)) => return self.refused(shop, id, &ParseError::NestedArchive).await,
            Err(refusal) => return self.refused(shop, id, &refusal).await,
        };
        let chunks = chunk(&parsed, &self.chunking, &|text| self.embedder.count_tokens(text));
        if chunks.is_empty() {
            return self.refused(shop, id, &ParseError::Empty).await;
        }
        self.keep_parsed(shop, id, &parsed).await?;
        let embedded = self.embed((shop, id), chunks).await?;
        let activation = self.switch((shop, id), &document.meta, &embedded).await?;
        self.tell(shop, revision.document, id);
        info!(revision.id = %id, n_chunks = embedded.len(), size_bytes = revision.size_bytes, "ingest.revision.indexed");
        Ok(match activation {
            Activation::Switched { replaced } => Ingested::Active { replaced: replaced.filter(|old| *old != id) },
            Activation::Outdated => {
                // It waited, and a newer one did not: somebody who looks for it must see that it ended.
                self.refuse(shop, id, ("outdated", "")).await?;
                Ingested::Outdated
            }
            Activation::Gone => Ingested::Outdated,
        })
    }

    /// Reads the questions of an uploaded file, or says why there are none.
    pub async fn read_questions(
        &self,
        file_name: &str,
        sha256: &str,
    ) -> Result<Result<PastQuestions, ParseError>, IngestError> {
        let bytes = self.bytes_of(sha256).await?;
        match read_questions_in_child(&self.reader, file_name, &bytes, &self.limits).await {
            // A reader that could not be started is no verdict on the file.
            Err(refusal) if refusal.fault() == Fault::Transient => Err(IngestError::Reader(refusal)),
            read => Ok(read),
        }
    }

    /// Gives a revision up and says why, on its row: a stable code and a detail for staff.
    pub async fn refuse(&self, shop: ShopId, id: RevisionId, why: (&str, &str)) -> Result<(), IngestError> {
        let mut tx = self.db.begin().await?;
        revisions::fail_revision(&mut tx, shop, id, why).await?;
        tx.commit().await?;
        if let Some(revision) = revisions::get(&self.db, shop, id).await? {
            self.tell(shop, revision.document, id);
        }
        Ok(())
    }

    /// Deletes files that no revision needs any more. What cannot be deleted only costs room.
    pub async fn forget_files(&self, sha256s: &[String]) {
        for sha256 in sha256s {
            if let Err(error) = self.files.remove(sha256).await {
                tracing::warn!(%error, "an unused file could not be deleted");
            }
        }
    }

    /// A reader that could not be started is no verdict on the file.
    async fn refused(&self, shop: ShopId, id: RevisionId, refusal: &ParseError) -> Result<Ingested, IngestError> {
        if refusal.fault() == Fault::Transient {
            return Err(IngestError::Reader(refusal.clone()));
        }
        self.refuse(shop, id, (refusal.code(), &refusal.to_string())).await?;
        Ok(Ingested::Refused)
    }

    async fn bytes_of(&self, sha256: &str) -> Result<Vec<u8>, IngestError> {
        let path = self.files.find(sha256).await?.ok_or(IngestError::FileGone)?;
        tokio::fs::read(path).await.map_err(|_| IngestError::FileGone)
    }

    async fn keep_parsed(&self, shop: ShopId, id: RevisionId, parsed: &Parsed) -> Result<(), IngestError> {
        let mut tx = self.db.begin().await?;
        revisions::store_parsed(&mut tx, shop, id, parsed).await?;
        Ok(tx.commit().await?)
    }

    async fn enter(&self, shop: ShopId, id: RevisionId, state: RevisionState) -> Result<(), IngestError> {
        let mut tx = self.db.begin().await?;
        revisions::set_state(&mut tx, shop, id, state).await?;
        Ok(tx.commit().await?)
    }

    async fn report(&self, shop: ShopId, id: RevisionId, (done, total): (usize, usize)) -> Result<(), IngestError> {
        let counts = (u32::try_from(done).unwrap_or(u32::MAX), u32::try_from(total).unwrap_or(u32::MAX));
        let mut tx = self.db.begin().await?;
        revisions::set_progress(&mut tx, shop, id, counts).await?;
        tx.commit().await?;
        if let Some(revision) = revisions::get(&self.db, shop, id).await? {
            self.tell(shop, revision.document, id);
        }
        Ok(())
    }

    fn tell(&self, shop: ShopId, document: DocumentId, revision: RevisionId) {
        self.bus.publish(shop, Event::RevisionChanged { document, revision });
    }
}
