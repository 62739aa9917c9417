//! One platform's trade messages, and what becomes of them.

use super::super::hooks::HookEvent;
use super::*;

/// 2026-01-31 13:05:00 in Shanghai.
const AT_MS: i64 = 1_769_835_900_000;

fn taobao() -> Mapping {
    serde_json::from_value(example()).unwrap()
}

fn message(topic: &str) -> Value {
    json!({
        "topic": topic, "pub_time": "2026-01-31 13:05:00",
        "content": { "tid": 2_026_013_100_017_i64, "buyer_open_uid": "AAH-17", "payment": "438.00", "orders": [
            { "title": "空气炸锅", "outer_sku_id": "AF-500-WH", "num": 1, "payment": "409.00" },
            { "title": "编织线", "outer_sku_id": "CB-01", "num": "1", "payment": "29.00" },
        ] },
    })
}

#[test]
fn a_trade_message_becomes_an_event_that_every_webhook_may_bring() {
    let told = taobao().translate(&message("taobao_trade_TradeBuyerPay"), 480).unwrap().unwrap();
    let want = json!({ "type": "order.paid", "at_ms": AT_MS, "order": {
        "platform": "taobao", "number": "2026013100017", "buyer": "AAH-17", "total_minor": 43_800, "lines": [
            { "title": "空气炸锅", "sku": "AF-500-WH", "quantity": 1, "amount_minor": 40_900 },
            { "title": "编织线", "sku": "CB-01", "quantity": 1, "amount_minor": 2_900 },
        ],
    } });
    assert_eq!(told, want);
    let event: HookEvent = serde_json::from_value(told).unwrap();
    assert!(matches!(event, HookEvent::Paid(_)));
}

#[test]
fn what_the_table_leaves_out_changes_nothing() {
    assert_eq!(taobao().translate(&message("taobao_trade_TradeMemoModified"), 480), Ok(None));
}

#[test]
fn an_event_that_does_not_fit_says_where() {
    let mut broken = message("taobao_trade_TradeBuyerPay");
    broken["content"]["payment"] = json!("four hundred");
    let error = taobao().translate(&broken, 480).unwrap_err();
    assert_eq!(error, MappingError::Unreadable("/content/payment".into()));
    let no_time = json!({ "topic": "taobao_trade_TradeBuyerPay" });
    assert_eq!(taobao().translate(&no_time, 480), Err(MappingError::Unreadable("/pub_time".into())));
}

#[test]
fn a_table_without_numbers_or_with_bare_names_is_refused() {
    assert_eq!(taobao().validate(), Ok(()));
    let mut table = taobao();
    table.fields.remove(&Field::Number);
    assert_eq!(table.validate(), Err(MappingError::NotMapped("number")));
    let bare = Mapping { at: "pub_time".into(), ..taobao() };
    assert_eq!(bare.validate(), Err(MappingError::NoPath("pub_time".into())));
}
