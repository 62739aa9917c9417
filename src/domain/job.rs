//! Slow work as rows.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{DocumentId, GoldenId, ImportId, RehearsalId, RehearsedId, RevisionId, ShopId, TurnId};

/// Who waits for the result. Interactive work always goes before bulk work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// A person waits.
    Interactive,
    /// Nobody waits: ingestion, rehearsal.
    Bulk,
}

/// What is to be done. Carries ids only: the current state is read when the work starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum JobKind {
    /// Draft, score and decide a turn.
    AnswerTurn {
        /// The turn.
        turn: TurnId,
    },
    /// Parse, chunk, embed and index a revision, then make it the active one.
    IngestRevision {
        /// The revision.
        revision: RevisionId,
    },
    /// Take the points of a replaced revision out of the index.
    RemoveRevision {
        /// The revision.
        revision: RevisionId,
    },
    /// Bring the points of a document in step with its rows: staff rewrote a chunk, or changed its audience or product.
    RefreshDocument {
        /// The document.
        document: DocumentId,
    },
    /// Embed the phrasings of golden answers that nothing has embedded, this one's among them.
    EmbedGolden {
        /// The golden answer that was written.
        golden: GoldenId,
    },
    /// Look at the promises of a shop: prove them anew, or say why they do not hold any more.
    CheckPromises {
        /// The shop.
        shop: ShopId,
    },
    /// Read the signs about the proofs in force.
    ReadSignals {
        /// The shop.
        shop: ShopId,
    },
    /// Ask judged questions again of the machinery in use.
    ReaskQuestions {
        /// The shop.
        shop: ShopId,
    },
    /// Remind people of what buyers were told, put before the lead what is overdue, sum up the day.
    MindCommitments {
        /// The shop.
        shop: ShopId,
    },
    /// Write down what a shift that is over leaves to the next.
    HandOver {
        /// The shop.
        shop: ShopId,
    },
    /// Take a document out: points, chunks, files.
    RemoveDocument {
        /// The document.
        document: DocumentId,
    },
    /// Read a file of past questions.
    ReadRehearsal {
        /// What is rehearsed.
        rehearsal: RehearsalId,
    },
    /// Answer one of them, to nobody.
    AnswerRehearsed {
        /// The question.
        question: RehearsedId,
    },
    /// Read a sheet of records in.
    ImportRecords {
        /// The sheet.
        import: ImportId,
    },
}

impl JobKind {
    /// Its name in the queue and in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AnswerTurn { .. } => "answer_turn",
            Self::IngestRevision { .. } => "ingest_revision",
            Self::RemoveRevision { .. } => "remove_revision",
            Self::RefreshDocument { .. } => "refresh_document",
            Self::EmbedGolden { .. } => "embed_golden",
            Self::CheckPromises { .. } => "check_promises",
            Self::ReadSignals { .. } => "read_signals",
            Self::ReaskQuestions { .. } => "reask_questions",
            Self::MindCommitments { .. } => "mind_commitments",
            Self::HandOver { .. } => "hand_over",
            Self::RemoveDocument { .. } => "remove_document",
            Self::ReadRehearsal { .. } => "read_rehearsal",
            Self::AnswerRehearsed { .. } => "answer_rehearsed",
            Self::ImportRecords { .. } => "import_records",
        }
    }

    /// At most one unfinished job has a given key.
    pub fn key(&self) -> String {
        match self {
            Self::AnswerTurn { turn } => format!("answer_turn/{turn}"),
            Self::IngestRevision { revision } => format!("ingest_revision/{revision}"),
            Self::RemoveRevision { revision } => format!("remove_revision/{revision}"),
            Self::RefreshDocument { document } => format!("refresh_document/{document}"),
            Self::EmbedGolden { golden } => format!("embed_golden/{golden}"),
            Self::CheckPromises { shop } => format!("check_promises/{shop}"),
            Self::ReadSignals { shop } => format!("read_signals/{shop}"),
            Self::ReaskQuestions { shop } => format!("reask_questions/{shop}"),
            Self::MindCommitments { shop } => format!("mind_commitments/{shop}"),
            Self::HandOver { shop } => format!("hand_over/{shop}"),
            Self::RemoveDocument { document } => format!("remove_document/{document}"),
            Self::ReadRehearsal { rehearsal } => format!("read_rehearsal/{rehearsal}"),
            Self::AnswerRehearsed { question } => format!("answer_rehearsed/{question}"),
            Self::ImportRecords { import } => format!("import_records/{import}"),
        }
    }
}
