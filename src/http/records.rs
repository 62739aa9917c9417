//! The shop's records: products and orders come in by script, by sheet and by signed events, and are looked at by people.

mod beside;
mod bulk;
mod filters;
mod hooks;
mod imports;
mod keys;
mod mapping;
mod mappings;
mod orders;
mod products;
mod report;
mod returns;
mod rules;
mod signature;
mod views;

use serde_json::{Value, json};

use crate::http::permission::Permission::{Bars, Drafts, People, Public, ReadDrafts, ReadRecords, Records, Tasks};
use crate::http::routes::{Route, Routes};
use crate::http::tasks::TaskView;

pub use views::OrderView;

/// A sheet is smaller than a manual.
const SHEET_LIMIT_BYTES: usize = 20 * 1024 * 1024;

/// Adds the routes of this room.
pub fn routes(routes: Routes) -> Routes {
    routes
        .with(order_routes)
        .with(import_routes)
        .with(filter_routes)
        .with(return_routes)
        .with(mapping_routes)
        .with(setting_routes)
}

fn order_routes(routes: Routes) -> Routes {
    let put = Route::post(
        "/v1/records/orders",
        Records,
        "Tell what is known of orders; each is taken or refused by itself, and the later account of a fact stands",
    )
    .takes::<orders::OrdersBody>()
    .returns::<orders::ToldAnswer>(200)
    .example(
        json!({ "orders": [{
            "platform": "taobao", "number": "20261123001", "status": "shipped", "buyer": "b-17",
            "phone": "13800138000", "lines": [{ "sku": "AF-500", "title": "Air fryer", "quantity": 1 }],
            "carrier": "SF", "tracking": "SF1020304050",
        }] }),
        json!({ "results": [{ "number": "20261123001", "change": "new" }] }),
    );
    let list = Route::get("/v1/records/orders", ReadRecords, "Orders, last changed first")
        .query::<orders::OrdersQuery>()
        .returns::<orders::OrdersAnswer>(200);
    let show = Route::get("/v1/records/orders/{id}", ReadRecords, "One order, and what was told of it")
        .returns::<orders::OrderAnswer>(200);
    let put_products = Route::post(
        "/v1/records/products",
        Records,
        "Tell what the shop sells; the later account stands",
    )
    .takes::<products::ProductsBody>()
    .returns::<orders::ToldAnswer>(200)
    .example(
        json!({ "products": [{ "sku": "AF-500", "title": "Air fryer", "price_minor": 39900, "category": "kitchen" }] }),
        Value::Null,
    );
    let products =
        Route::get("/v1/records/products", ReadRecords, "Products, by number").returns::<products::ProductsAnswer>(200);
    routes
        .add(put, orders::put_orders)
        .add(list, orders::list_orders)
        .add(show, orders::show_order)
        .add(put_products, products::put_products)
        .add(products, products::list_products)
}

fn import_routes(routes: Routes) -> Routes {
    let upload = Route::post("/v1/records/imports", Records, "Upload a sheet of orders or products: CSV or XLSX")
        .takes_files::<imports::ImportForm>(SHEET_LIMIT_BYTES)
        .returns::<imports::ImportView>(202);
    let list = Route::get("/v1/records/imports", ReadRecords, "Sheets that were uploaded, newest first")
        .returns::<imports::ImportsAnswer>(200);
    let report = Route::get(
        "/v1/records/imports/{id}/report",
        ReadRecords,
        "The rows of a sheet that were refused, in the reader's language",
    )
    .returns_bytes("text/csv; charset=utf-8");
    let hook = Route::post(
        "/v1/hooks/{shop_id}",
        Public,
        "An event of another system, signed: `webhook-id`, `webhook-timestamp`, `webhook-signature` (Standard Webhooks)",
    )
    .takes::<hooks::HookEvent>()
    .returns::<hooks::HookAnswer>(200)
    .example(
        json!({ "type": "order.shipped", "at_ms": 1_767_225_600_000_i64, "order": { "number": "20261123001",
            "carrier": "SF", "tracking": "SF1020304050" } }),
        json!({ "change": "changed" }),
    );
    let mapped = Route::post(
        "/v1/hooks/{shop_id}/{mapping}",
        Public,
        "An event in the words of a platform, signed likewise; the shop's table of that name says what it means",
    )
    .takes::<Value>()
    .returns::<hooks::HookAnswer>(200);
    routes
        .add(upload, imports::upload_sheet)
        .add(list, imports::list_imports)
        .add(report, report::show_report)
        .add(hook, hooks::take_event)
        .add(mapped, hooks::take_mapped_event)
}

fn return_routes(routes: Routes) -> Routes {
    let rule =
        Route::post("/v1/records/orders/{id}/ruling", ReadRecords, "Whether, how and until when it may come back")
            .takes::<crate::domain::returns::ReturnAsk>()
            .returns::<returns::RulingView>(200)
            .example(json!({ "cause": "defect" }), Value::Null);
    let file = Route::post("/v1/records/orders/{id}/returns", Tasks, "File a return; its ruling is kept with the task")
        .takes::<returns::FileBody>()
        .returns::<TaskView>(201)
        .example(json!({ "cause": "defect", "note": "the lid is cracked" }), Value::Null);
    let beside = Route::get(
        "/v1/console/conversations/{id}/beside",
        ReadDrafts,
        "What is known beside a conversation: the buyer, orders, products, tasks, earlier conversations",
    )
    .returns::<beside::BesideAnswer>(200);
    routes.add(rule, returns::rule).add(file, returns::file).add(beside, beside::show_beside)
}

fn filter_routes(routes: Routes) -> Routes {
    let sheet = Route::get("/v1/records/orders/sheet", ReadRecords, "Orders as a sheet, in the reader's language")
        .query::<filters::OrderFilter>()
        .returns_bytes("text/csv; charset=utf-8");
    let list = Route::get("/v1/records/filters", ReadRecords, "One's own saved searches for orders")
        .returns::<filters::FiltersAnswer>(200);
    let put = Route::put("/v1/records/filters/{name}", ReadRecords, "Save a search for orders under a name")
        .takes::<filters::OrderFilter>()
        .example(json!({ "stage": "paid", "sku": "AF-500-WH" }), Value::Null);
    let remove = Route::delete("/v1/records/filters/{name}", ReadRecords, "Forget a saved search");
    let preview = Route::post("/v1/records/messages/preview", Drafts, "Whom a message about some orders would reach")
        .takes::<bulk::PreviewBody>()
        .returns::<bulk::Reach>(200)
        .example(json!({ "filter": { "stage": "paid" } }), Value::Null);
    let send = Route::post("/v1/records/messages", Drafts, "Send one message to the buyers of some orders")
        .takes::<bulk::SendBody>()
        .returns::<bulk::Reach>(200)
        .example(
            json!({ "filter": { "stage": "paid" }, "text": "Order {order} leaves tomorrow.", "n_conversations": 2 }),
            Value::Null,
        );
    routes
        .add(sheet, filters::show_sheet)
        .add(list, filters::list_filters)
        .add(put, filters::put_filter)
        .add(remove, filters::remove_filter)
        .add(preview, bulk::preview)
        .add(send, bulk::send_all)
}

fn mapping_routes(routes: Routes) -> Routes {
    let list = Route::get("/v1/records/mappings", People, "Tables by which the events of platforms become ours")
        .returns::<mappings::MappingsAnswer>(200);
    let put = Route::put("/v1/records/mappings/{name}", People, "Set the table of a platform")
        .takes::<mapping::Mapping>()
        .example(mapping::example(), Value::Null);
    let remove = Route::delete("/v1/records/mappings/{name}", People, "Take a table away");
    routes.add(list, mappings::list_mappings).add(put, mappings::put_mapping).add(remove, mappings::remove_mapping)
}

fn setting_routes(routes: Routes) -> Routes {
    let show = Route::get("/v1/records/rules", ReadRecords, "What the shop has settled about its records")
        .returns::<crate::domain::rules::RecordRules>(200);
    let set = Route::put("/v1/records/rules", Bars, "Settle them anew, all of them")
        .asks_password()
        .takes::<crate::domain::rules::RecordRules>()
        .returns::<crate::domain::rules::RecordRules>(200);
    let list =
        Route::get("/v1/records/keys", People, "Keys that events are signed with").returns::<keys::HookKeys>(200);
    let add = Route::post("/v1/records/keys", People, "Make a key for events; shown once")
        .returns::<keys::NewHookKey>(201)
        .asks_password();
    let remove = Route::delete("/v1/records/keys/{key_id}", People, "Take a key for events away").asks_password();
    routes
        .add(show, rules::show_rules)
        .add(set, rules::set_rules)
        .add(list, keys::list_keys)
        .add(add, keys::add_key)
        .add(remove, keys::remove_key)
}
