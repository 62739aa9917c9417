//! The buyer's room: a widget, a conversation, its messages as they come.

mod ask_for_person;
mod leave;
mod list_messages;
mod renew_identity;
mod send_message;
mod set_thumbs;
mod show_demo;
mod show_source;
mod show_widget;
mod start_conversation;
mod stream_events;

use serde_json::{Value, json};

use crate::domain::conversation::Author;
use crate::domain::ids::{ConversationId, ShopId, WidgetId};
use crate::http::error::{ApiError, ApiResult, Code};
use crate::http::identity::{self, NamedBuyer};
use crate::http::people::Names;
use crate::http::permission::Permission::{Chat, Public};
use crate::http::routes::{Route, Routes};
use crate::http::sources::SourceView;
use crate::http::state::AppState;
use crate::http::views::{MessageView, Told};
use crate::storage::buyers::{self, KeyPurpose};
use crate::storage::conversations::Conversation;
use crate::storage::messages::{Message, NewMessage};
use crate::storage::widgets::{self, WidgetSettings};
use crate::storage::{StorageError, Tx, messages};

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    routes.with(widget_routes).with(message_routes)
}

fn widget_routes(routes: Routes) -> Routes {
    let show = Route::get("/v1/widgets/{widget_id}", Public, "What the chat says before anybody asked")
        .query::<show_widget::WidgetQuery>()
        .returns::<show_widget::WidgetView>(200);
    let start = Route::post(
        "/v1/widgets/{widget_id}/conversations",
        Public,
        "Start a conversation; the token opens it and nothing else",
    )
    .takes::<start_conversation::StartBody>()
    .returns::<start_conversation::Started>(201)
    .example(
        json!({ "lang": "en" }),
        json!({ "conversation_id": "01890a5d-ac96-774b-bcce-b302099a8057", "token": "4c1d…", "messages": [] }),
    );
    let demo = Route::get("/v1/demo", Public, "The widget of the demo storefront, where there is one")
        .returns::<show_demo::DemoView>(200);
    routes
        .add(demo, show_demo::show_demo)
        .add(show, show_widget::show_widget)
        .add(start, start_conversation::start_conversation)
}

fn message_routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/chat/{conversation_id}/messages", Chat, "What was said after a number")
        .query::<list_messages::MessagesQuery>()
        .returns::<list_messages::MessagesAnswer>(200);
    let send =
        Route::post("/v1/chat/{conversation_id}/messages", Chat, "Ask; the same client_key again is the same message")
            .takes::<send_message::SendBody>()
            .returns::<send_message::Sent>(202)
            .example(json!({ "text": "How do I return it?", "client_key": "k-1" }), send_message::example());
    let events = Route::get(
        "/v1/chat/{conversation_id}/events",
        Chat,
        "Messages as they come; resumes after Last-Event-ID",
    )
    .streams(
        "`message` (id: its number) Message · `typing` {is_typing} · `state` {handler, closed} · `bye` {} (come back); \
             a comment every 20 s",
    )
    .example(Value::Null, json!("event: typing\ndata: {\"is_typing\":true}\n\n"));
    let thumbs = Route::post(
        "/v1/chat/{conversation_id}/messages/{message_id}/thumbs",
        Chat,
        "Say what an answer was worth; null takes it back",
    )
    .takes::<set_thumbs::ThumbsBody>();
    let person = Route::post("/v1/chat/{conversation_id}/person", Chat, "Ask for a person").returns_nothing(202);
    let source =
        Route::get("/v1/chat/{conversation_id}/sources/{message_id}/{number}", Chat, "What a citation leads to")
            .returns::<SourceView>(200);
    routes
        .add(list, list_messages::list_messages)
        .add(send, send_message::send_message)
        .add(events, stream_events::stream_events)
        .add(thumbs, set_thumbs::set_thumbs)
        .add(person, ask_for_person::ask_for_person)
        .with(presence_routes)
        .add(source, show_source::show_source)
}

fn presence_routes(routes: Routes) -> Routes {
    let leave =
        Route::post("/v1/chat/{conversation_id}/leave", Chat, "End the chat for good: its token opens nothing more");
    let renew = Route::post(
        "/v1/chat/{conversation_id}/identity",
        Chat,
        "Go on as the same buyer, by the shop's new word on who that is",
    )
    .takes::<renew_identity::IdentityBody>()
    .returns::<renew_identity::Renewed>(200)
    .example(json!({ "identity": "eyJhbGciOiJIUzI1NiJ9.…" }), json!({ "identified_until_ms": 1_767_229_200_000_i64 }));
    routes.add(leave, leave::leave).add(renew, renew_identity::renew_identity)
}

/// The buyer whom a token names, by the shop's own keys.
async fn believe(state: &AppState, (shop, widget): (ShopId, WidgetId), token: &str) -> ApiResult<NamedBuyer> {
    let keys = buyers::keys(&state.db, shop, KeyPurpose::Identity).await?;
    identity::buyer_of(token, widget, &keys, state.now_ms())
        .map_err(|doubt| ApiError::from(Code::IdentityInvalid).with(json!({ "detail": doubt.to_string() })))
}

/// What the widget of a conversation says about people; empty where the widget is gone.
async fn widget_of(state: &AppState, conversation: &Conversation) -> Result<WidgetSettings, StorageError> {
    let Some(widget) = conversation.widget else { return Ok(WidgetSettings::default()) };
    Ok(widgets::by_id(&state.db, widget).await?.map(|widget| widget.form.settings).unwrap_or_default())
}

/// Messages as the buyer sees them.
async fn view_messages(
    state: &AppState,
    conversation: &Conversation,
    messages: Vec<Message>,
) -> Result<Vec<MessageView>, StorageError> {
    let names = Names::of(&state.db, conversation.shop).await?;
    let widget = widget_of(state, conversation).await?;
    Ok(Told { names: &names, widget: Some(&widget) }.messages(messages))
}

/// Adds a notice, by its code; a page puts it into words.
async fn add_notice(tx: &mut Tx, shop: ShopId, conversation: ConversationId, code: &str) -> ApiResult<Option<Message>> {
    let notice =
        NewMessage { author: Author::Notice, account: None, text: code, citations: &[], turn: None, client_key: None };
    Ok(messages::add(tx, shop, conversation, &notice).await?.map(|added| added.message))
}
