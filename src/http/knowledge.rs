//! The room of staff: documents, what was read of them, and what the assistant would make of it.

mod change_chunk;
mod change_document;
pub mod golden;
mod list_documents;
mod quarantine;
mod register;
mod rehearsals;
mod remove_document;
mod retry_revision;
mod sentences;
mod show_content;
mod show_document;
mod show_file;
mod stream_events;
mod test_question;
pub mod upload;
mod upload_documents;
mod upload_revision;
mod views;

use serde_json::{Value, json};

use crate::http::permission::Permission::{Knowledge, ReadKnowledge};
use crate::http::routes::{Route, Routes};

/// One request may bring a whole folder.
const MAX_REQUEST_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    routes.with(document_routes).with(revision_routes).with(test_routes).with(golden::routes).with(rehearsals::routes)
}

fn document_routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/knowledge/documents", ReadKnowledge, "All documents, each with its newest revision")
        .returns::<list_documents::DocumentsAnswer>(200);
    let upload = Route::post("/v1/knowledge/documents", Knowledge, "Upload files; each is read by a job")
        .takes_files::<upload_documents::UploadForm>(MAX_REQUEST_BYTES)
        .returns::<upload_documents::UploadAnswer>(202)
        .example(Value::Null, upload_documents::example());
    let show = Route::get(
        "/v1/knowledge/documents/{id}",
        ReadKnowledge,
        "One document with its revisions: how far reading has come",
    )
    .returns::<show_document::DocumentAnswer>(200)
    .example(Value::Null, show_document::example());
    let change = Route::patch(
        "/v1/knowledge/documents/{id}",
        Knowledge,
        "Change what is said about a document; null takes away",
    )
    .takes::<change_document::DocumentPatch>()
    .returns::<views::DocumentView>(200);
    let remove =
        Route::delete("/v1/knowledge/documents/{id}", Knowledge, "Take a document out of every answer, at once")
            .returns_nothing(202);
    routes
        .add(list, list_documents::list_documents)
        .add(upload, upload_documents::upload_documents)
        .add(show, show_document::show_document)
        .add(change, change_document::change_document)
        .add(remove, remove_document::remove_document)
}

fn revision_routes(routes: Routes) -> Routes {
    let replace = Route::post(
        "/v1/knowledge/documents/{id}/revisions",
        Knowledge,
        "Upload a new version; the old one answers until it is read",
    )
    .takes_files::<upload_revision::RevisionForm>(MAX_REQUEST_BYTES)
    .returns::<upload::UploadResult>(202);
    let retry = Route::post(
        "/v1/knowledge/documents/{id}/revisions/{revision_id}/retry",
        Knowledge,
        "Try a failed revision again",
    )
    .returns::<views::RevisionView>(202);
    let text = Route::get("/v1/knowledge/documents/{id}/text", ReadKnowledge, "What was read")
        .returns::<show_content::TextAnswer>(200);
    let chunks = Route::get("/v1/knowledge/documents/{id}/chunks", ReadKnowledge, "What is searched and cited")
        .returns::<show_content::ChunksAnswer>(200);
    let file = Route::get("/v1/knowledge/documents/{id}/file", ReadKnowledge, "The uploaded bytes")
        .query::<show_file::FileQuery>()
        .returns_file(show_file::CONTENT_TYPES);
    let chunk = Route::patch("/v1/knowledge/chunks/{id}", Knowledge, "Rewrite a chunk, or take it out")
        .takes::<change_chunk::ChunkPatch>()
        .returns::<views::ChunkView>(200);
    routes
        .add(replace, upload_revision::upload_revision)
        .add(retry, retry_revision::retry_revision)
        .add(text, show_content::show_text)
        .add(chunks, show_content::show_chunks)
        .add(file, show_file::show_file)
        .add(chunk, change_chunk::change_chunk)
        .with(quarantine_routes)
}

fn quarantine_routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/knowledge/quarantine", ReadKnowledge, "Chunks that wait for a person, and why")
        .returns::<quarantine::QuarantineAnswer>(200);
    let approve = Route::post("/v1/knowledge/chunks/{id}/approve", Knowledge, "Let a held chunk into answers")
        .returns::<views::ChunkView>(200);
    let keep_out = Route::post("/v1/knowledge/chunks/{id}/keep-out", Knowledge, "Keep a held chunk out of answers")
        .returns::<views::ChunkView>(200);
    routes.add(list, quarantine::list_waiting).add(approve, quarantine::approve).add(keep_out, quarantine::keep_out)
}

fn test_routes(routes: Routes) -> Routes {
    let ask = Route::post("/v1/knowledge/test", Knowledge, "Ask a question that reaches no buyer")
        .takes::<test_question::TestBody>()
        .returns::<test_question::TestAsked>(202)
        .example(json!({ "question": "退货要多久？" }), json!({ "turn_id": "01890a5d-ac96-774b-bcce-b302099a8057" }));
    let show =
        Route::get("/v1/knowledge/test/{turn_id}", ReadKnowledge, "What was found, drafted and would be decided")
            .returns::<test_question::TestAnswer>(200);
    let events = Route::get("/v1/knowledge/events", ReadKnowledge, "Revisions as they move on")
        .streams("`revision` {document_id, revision} · `rehearsal` {rehearsal_id} · `resync` {} (read everything anew) · `bye` {} (come back)");
    routes
        .add(ask, test_question::ask_test_question)
        .add(show, test_question::show_test)
        .add(events, stream_events::stream_events)
}
