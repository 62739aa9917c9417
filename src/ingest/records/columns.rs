//! Which column of a sheet is which: the headings of the platforms' own exports, in Chinese and English.

/// A heading is looked for in this many rows; a title may stand above it.
const MAX_ROWS_ABOVE: usize = 6;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    Number,
    Platform,
    Shop,
    Buyer,
    Phone,
    Status,
    Total,
    Currency,
    Sku,
    Title,
    Quantity,
    Category,
    CreatedAt,
    PaidAt,
    ShippedAt,
    SignedAt,
    UpdatedAt,
    Carrier,
    Tracking,
    PromisedAt,
    Remark,
    Price,
    Url,
}

/// Headings without spaces, signs and case.
const HEADINGS: &[(Column, &[&str])] = &[
    (Column::Number, &["订单编号", "订单号", "主订单编号", "订单编码", "ordernumber", "orderno", "orderid", "order"]),
    (Column::Platform, &["平台", "来源平台", "销售平台", "platform", "channel"]),
    (Column::Shop, &["店铺", "店铺名称", "店铺名", "shop", "shopname", "store", "storename"]),
    (
        Column::Buyer,
        &["买家id", "买家", "会员id", "买家会员名", "买家账号", "用户id", "buyer", "buyerid", "customerid"],
    ),
    (
        Column::Phone,
        &[
            "手机",
            "手机号",
            "手机号码",
            "联系手机",
            "联系电话",
            "收货人手机",
            "收件人手机",
            "电话",
            "phone",
            "phonenumber",
            "mobile",
        ],
    ),
    (Column::Status, &["订单状态", "状态", "交易状态", "status", "orderstatus", "state"]),
    (
        Column::Total,
        &[
            "实付金额",
            "订单金额",
            "总金额",
            "买家实际支付金额",
            "应付金额",
            "金额",
            "total",
            "amount",
            "ordertotal",
            "totalamount",
        ],
    ),
    (Column::Currency, &["币种", "货币", "currency"]),
    (Column::Sku, &["商品编码", "商家编码", "货号", "商品编号", "sku", "skucode", "itemcode", "productcode"]),
    (
        Column::Title,
        &[
            "商品名称",
            "宝贝标题",
            "商品标题",
            "标题",
            "商品",
            "名称",
            "title",
            "item",
            "product",
            "productname",
            "name",
        ],
    ),
    (Column::Quantity, &["数量", "宝贝总数量", "购买数量", "商品数量", "quantity", "qty"]),
    (Column::Category, &["类目", "商品类目", "分类", "品类", "category"]),
    (Column::CreatedAt, &["下单时间", "订单创建时间", "创建时间", "拍下时间", "createdat", "created", "orderdate"]),
    (Column::PaidAt, &["付款时间", "订单付款时间", "支付时间", "paidat", "paid", "paymentdate"]),
    (Column::ShippedAt, &["发货时间", "出库时间", "shippedat", "shipped", "shipdate"]),
    (Column::SignedAt, &["签收时间", "确认收货时间", "收货时间", "deliveredat", "delivered", "signedat"]),
    (Column::UpdatedAt, &["更新时间", "最后更新时间", "updatedat", "updated"]),
    (Column::Carrier, &["快递公司", "物流公司", "承运商", "carrier", "courier"]),
    (Column::Tracking, &["快递单号", "运单号", "物流单号", "tracking", "trackingnumber", "trackingno"]),
    (Column::PromisedAt, &["承诺发货时间", "最晚发货时间", "预计发货时间", "promisedshipdate", "shipby", "promisedat"]),
    (Column::Remark, &["备注", "订单备注", "卖家备注", "买家留言", "remark", "note", "notes"]),
    (Column::Price, &["价格", "单价", "售价", "一口价", "price", "unitprice"]),
    (Column::Url, &["链接", "商品链接", "网址", "url", "link"]),
];

fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn column_of(heading: &str) -> Option<Column> {
    let plain = plain(heading);
    HEADINGS.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(column, _)| *column)
}

/// Where each column is.
#[derive(Debug)]
pub struct Header {
    /// The row it stands in, from 0.
    pub row: usize,
    columns: Vec<(Column, usize, String)>,
}

impl Header {
    /// The first row that has all of `needed`; of two columns of the same kind the first counts.
    pub fn find(rows: &[(u32, Vec<String>)], needed: &[Column]) -> Option<Self> {
        rows.iter().take(MAX_ROWS_ABOVE).enumerate().find_map(|(row, (_, cells))| {
            let mut columns: Vec<(Column, usize, String)> = Vec::new();
            for (at, cell) in cells.iter().enumerate() {
                if let Some(column) = column_of(cell)
                    && !columns.iter().any(|(known, _, _)| *known == column)
                {
                    columns.push((column, at, cell.trim().to_owned()));
                }
            }
            let has = |column: &Column| columns.iter().any(|(known, _, _)| known == column);
            needed.iter().all(has).then_some(Self { row, columns })
        })
    }

    /// What stands in a column of a row; nothing where it is blank, or where there is no such column.
    pub fn cell<'a>(&self, row: &'a [String], column: Column) -> Option<&'a str> {
        let (_, at, _) = self.columns.iter().find(|(known, _, _)| *known == column)?;
        row.get(*at).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    }

    /// How a column is headed in this sheet.
    pub fn heading(&self, column: Column) -> &str {
        self.columns
            .iter()
            .find(|(known, _, _)| *known == column)
            .map(|(_, _, heading)| heading.as_str())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> (u32, Vec<String>) {
        (1, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn headings_are_known_in_both_languages_and_below_a_title() {
        let rows = [
            row(&["十一月订单"]),
            row(&["订单编号 ", "实付金额（元）", "订单状态", "联系手机"]),
            row(&["1", "5", "", "13"]),
        ];
        let header = Header::find(&rows, &[Column::Number]).unwrap();
        assert_eq!(header.row, 1);
        assert_eq!(header.cell(&rows[2].1, Column::Phone), Some("13"));
        assert_eq!(header.cell(&rows[2].1, Column::Status), None, "blank");
        assert_eq!(header.heading(Column::Number), "订单编号");
        let english = [row(&["Order No.", "Ship date", "Tracking #"])];
        let header = Header::find(&english, &[Column::Number]).unwrap();
        assert_eq!(header.heading(Column::ShippedAt), "Ship date");
        assert!(Header::find(&english, &[Column::Number, Column::Title]).is_none());
        assert!(Header::find(&[row(&["问题", "答案"])], &[Column::Number]).is_none());
    }

    #[test]
    fn no_heading_means_two_things() {
        let mut seen = std::collections::HashSet::new();
        for name in HEADINGS.iter().flat_map(|(_, names)| *names) {
            assert!(seen.insert(name), "{name}");
            assert_eq!(&plain(name), name);
        }
    }
}
