use super::*;
use crate::ingest::parse_table::csv_rows;
use crate::ingest::parse_text::decode;

/// 2026-01-01, 00:00 UTC.
const NOW_MS: i64 = 1_767_225_600_000;

fn setting() -> Setting {
    Setting { now_ms: NOW_MS, utc_offset_min: 480, shop_names: ["茶馆".into(), "id".into()] }
}

fn orders(csv: &str) -> Sorted<Order> {
    sort_orders(&csv_rows(csv), &setting()).unwrap()
}

fn problems<T>(sorted: &Sorted<T>) -> Vec<(usize, RowProblem)> {
    let mut problems: Vec<_> = sorted.refused.iter().map(|row| (row.row, row.problem)).collect();
    problems.sort_by_key(|(row, _)| *row);
    problems
}

#[test]
fn an_export_of_a_platform_is_read_in_gbk_and_in_utf_8() {
    let csv = "订单编号,买家会员名,实付金额,订单状态,联系手机,宝贝标题,数量,发货时间,快递公司,快递单号\n\
               2026001,b-1,\"1,299.00\",卖家已发货,138****8000,空气炸锅,1,2025-12-30 10:00:00,顺丰,SF1\n";
    let (gbk, _, _) = encoding_rs::GBK.encode(csv);
    for text in [csv.to_owned(), decode(&gbk).text] {
        let sorted = orders(&text);
        assert_eq!((sorted.n_rows, sorted.n_taken, sorted.refused.len()), (1, 1, 0), "{:?}", sorted.refused);
        let order = &sorted.taken[0];
        assert_eq!(order.key.number, "2026001");
        assert_eq!(order.total.as_ref().map(|total| total.value.minor), Some(129_900));
        assert_eq!(order.phone_last4.as_ref().map(|four| four.value.as_str()), Some("8000"));
        assert_eq!(order.reached_ms(Stage::Shipped), parse_moment("2025-12-30 10:00", 480));
        assert_eq!((order.stage(), order.lines()[0].title.as_str()), (Some(Stage::Shipped), "空气炸锅"));
    }
}

#[test]
fn each_wrong_row_is_refused_by_name_and_the_rest_goes_in() {
    let sorted = orders(
        "Order No.,Platform,Store,Status,Total,Phone,Title,Qty,Ship by\n\
         1,taobao,,paid,10,13800138000,Pan,1,\n\
         1,taobao,,paid,10,13800138000,Pan,1,\n\
         2,taobao,,paid,-5,,Pan,1,\n\
         3,taobao,,paid,5,,Pan,1,2025-02-30\n\
         4,ebay,,paid,5,,Pan,1,\n\
         5,taobao,another shop,paid,5,,Pan,1,\n\
         6.9E+17,taobao,,paid,5,,Pan,1,\n\
         ,taobao,,paid,5,,Pan,1,\n\
         7,taobao,,lost in space,5,,Pan,1,\n\
         8,taobao,,paid,5,12,Pan,0,\n\
         9,jd,茶馆,paid,free,,Pan,1,\n\
         10,jd,茶馆,paid,5,,Pan,1,2026-01-03\n",
    );
    assert_eq!(
        problems(&sorted),
        [
            (3, RowProblem::Duplicate),
            (4, RowProblem::AmountNegative),
            (5, RowProblem::DateInvalid),
            (6, RowProblem::PlatformUnknown),
            (7, RowProblem::OtherShop),
            (8, RowProblem::NumberRounded),
            (9, RowProblem::NumberMissing),
            (10, RowProblem::StatusUnknown),
            (11, RowProblem::PhoneInvalid),
            (12, RowProblem::AmountInvalid),
        ]
    );
    let numbers: Vec<&str> = sorted.taken.iter().map(|order| order.key.number.as_str()).collect();
    assert_eq!((numbers, sorted.n_taken, sorted.n_rows), (vec!["1", "10"], 2, 12));
    let negative = sorted.refused.iter().find(|row| row.row == 4).unwrap();
    assert_eq!((negative.column.as_str(), negative.value.as_str()), ("Total", "-5"));
}

#[test]
fn an_order_of_several_rows_has_several_lines_or_is_left_out_as_a_whole() {
    let sorted = orders("订单号,商品名称,数量\n1,锅,1\n1,铲,2\n2,锅,1\n2,铲,zwei\n");
    assert_eq!(sorted.taken.len(), 1);
    let titles: Vec<(&str, u32)> =
        sorted.taken[0].lines().iter().map(|line| (line.title.as_str(), line.quantity)).collect();
    assert_eq!(titles, [("锅", 1), ("铲", 2)]);
    assert_eq!(problems(&sorted), [(4, RowProblem::OrderIncomplete), (5, RowProblem::QuantityInvalid)]);
}

#[test]
fn a_sheet_without_the_columns_that_are_needed_is_refused_as_a_whole() {
    let rows = csv_rows("问题,答案\n多久,七天\n");
    assert_eq!(sort_orders(&rows, &setting()).unwrap_err(), SheetError::ColumnsUnknown);
    assert_eq!(sort_products(&rows, &setting()).unwrap_err(), SheetError::ColumnsUnknown);
}

#[test]
fn products_are_read_and_the_second_of_the_same_number_is_refused() {
    let rows = csv_rows("货号,商品名称,价格,类目\nAF-500,空气炸锅,399,厨电\nAF-500,又一个,1,厨电\nAF-300,,1,\n");
    let sorted = sort_products(&rows, &setting()).unwrap();
    assert_eq!(sorted.taken.len(), 1);
    assert_eq!(sorted.taken[0].price.as_ref().map(|price| price.minor), Some(39_900));
    assert_eq!(problems(&sorted), [(3, RowProblem::Duplicate), (4, RowProblem::TitleMissing)]);
}

#[test]
fn a_row_without_an_update_time_is_as_old_as_what_it_tells() {
    let shipped_ms = parse_moment("2025-12-30 10:00", 480).unwrap();
    let old = &orders("订单号,订单状态,付款时间,发货时间\n1,已发货,2025-12-29 10:00,2025-12-30 10:00\n").taken[0];
    assert_eq!((old.as_of_ms, old.status.as_ref().map(|status| status.at_ms)), (shipped_ms, Some(shipped_ms)));
    let key = old.key.clone();
    let heard =
        Order { stages: BTreeMap::from([(Stage::Refunded, shipped_ms + 1)]), ..Order::unknown(key, shipped_ms + 1) };
    assert_eq!(old.clone().join(heard).stage(), Some(Stage::Refunded), "what was heard since stays");
    let undated = &orders("订单号,订单状态\n1,已发货\n").taken[0];
    assert_eq!(undated.as_of_ms, NOW_MS, "nothing else is known of its time");
}

#[test]
fn every_row_of_an_order_adds_its_facts() {
    let sorted = orders(
        "订单号,商品名称,订单状态,付款时间,快递单号,手机,实付金额\n\
         a1,锅,,2025-12-30 10:00,,,\n\
         A1,铲,已发货,,SF1,13800138000,30\n\
         a1,铲,,,SF1,13800138000,30\n\
         a1,锅,,2025-12-30 10:00,,,\n",
    );
    assert_eq!((sorted.taken.len(), sorted.n_taken), (1, 3));
    assert_eq!(problems(&sorted), [(5, RowProblem::Duplicate)]);
    let order = &sorted.taken[0];
    let titles: Vec<&str> = order.lines().iter().map(|line| line.title.as_str()).collect();
    assert_eq!((titles, order.stage()), (vec!["锅", "铲"], Some(Stage::Shipped)));
    assert_eq!(order.parcel.as_ref().and_then(|parcel| parcel.value.tracking.as_deref()), Some("SF1"));
    assert_eq!(order.phone_last4.as_ref().map(|four| four.value.as_str()), Some("8000"));
    assert_eq!(order.total.as_ref().map(|total| total.value.minor), Some(3000));
    assert_eq!(Some(order.as_of_ms), parse_moment("2025-12-30 10:00", 480), "blank cells are not news");
}

#[test]
fn a_position_without_a_title_is_called_by_its_number() {
    let sorted = orders("订单号,商品编码,商品名称,数量\n1,AF-500,,2\n");
    let line = &sorted.taken[0].lines()[0];
    assert_eq!((line.title.as_str(), line.sku.as_deref(), line.quantity), ("AF-500", Some("AF-500"), 2));
}

#[test]
fn a_report_holds_nothing_of_a_person() {
    let long = "好".repeat(301);
    let sorted = orders(&format!("订单号,手机,买家,备注\n1,123,,\n2,,{long},\n3,,,{long}\n"));
    let refused: Vec<(&str, &str)> =
        sorted.refused.iter().map(|row| (row.column.as_str(), row.value.as_str())).collect();
    assert_eq!(refused, [("手机", ""), ("买家", ""), ("备注", "")]);
}
