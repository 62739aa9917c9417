//! The journey of a sheet of records: rows become orders and products, and what cannot is refused row by row.
//!
//! `bytes ─▶ rows (in a child process) ─▶ columns ─▶ accounts of orders ─▶ one transaction`
//!
//! # Why
//! A sheet of ten thousand rows has ten wrong ones. Refusing the sheet for them would teach people to mend it blindly;
//! taking them would teach the assistant something false. So each row is taken or refused by itself, with its reason —
//! but an order of which one row is wrong is left out as a whole: half an order is no record.

mod columns;

use std::collections::BTreeMap;

use crate::domain::calendar::parse_moment;
use crate::domain::fault::Fault;
use crate::domain::ids::{ImportId, ShopId};
use crate::domain::money::Money;
use crate::domain::order::{Order, Platform, Stage};
use crate::domain::order_input::{LineInput, OrderInput, ProductInput, Refusal, RowProblem, amount_problem};
use crate::domain::product::Product;
use crate::events::Event;
use crate::ingest::parse::rows_in_child;
use crate::ingest::{IngestError, Ingestion};
use crate::storage::imports::{self, ImportKind, ImportState, Outcome, RefusedRow};
use crate::storage::orders::{self, Account, Source};
use crate::storage::{Db, StorageError, Tx, products, rules, shops};

use columns::{Column, Header};

/// More rows are more than one upload.
const MAX_ROWS: usize = 50_000;
/// Refused rows that are kept; whoever has more has the wrong sheet.
const MAX_REFUSED: usize = 5_000;
/// Longer values are cut in the report.
const MAX_VALUE_CHARS: usize = 80;

/// Why a whole sheet is refused: a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SheetError {
    /// No row names the columns that are needed.
    ColumnsUnknown,
    /// More than [`MAX_ROWS`].
    TooManyRows,
}

impl SheetError {
    fn code(self) -> &'static str {
        match self {
            Self::ColumnsUnknown => "columns_unknown",
            Self::TooManyRows => "too_many_rows",
        }
    }
}

/// What rows are read by.
#[derive(Debug)]
struct Setting {
    now_ms: i64,
    utc_offset_min: i64,
    shop_names: [String; 2],
}

/// What became of the rows of a sheet.
#[derive(Debug)]
struct Sorted<T> {
    n_rows: usize,
    n_taken: usize,
    taken: Vec<T>,
    refused: Vec<RefusedRow>,
}

impl Ingestion {
    /// Reads a sheet in; doing it again does nothing.
    pub async fn import_records(&self, shop: ShopId, id: ImportId) -> Result<(), IngestError> {
        let Some(import) = imports::get(&self.db, shop, id).await? else { return Ok(()) };
        if import.state != ImportState::Queued {
            return Ok(());
        }
        let path = self.files.find(&import.sha256).await?.ok_or(IngestError::FileGone)?;
        let bytes = tokio::fs::read(path).await.map_err(|_| IngestError::FileGone)?;
        let rows = match rows_in_child(&self.reader, &import.file_name, &bytes, &self.limits).await {
            Ok(rows) => rows,
            Err(error) if error.fault() == Fault::Transient => return Err(IngestError::Reader(error)),
            Err(error) => return self.refuse_import(shop, id, error.code()).await,
        };
        let setting = setting(&self.db, shop, import.created_at_ms).await?;
        let mut tx = self.db.begin().await?;
        let outcome = match import.kind {
            ImportKind::Orders => match sort_orders(&rows, &setting) {
                Ok(sorted) => take_orders(&mut tx, shop, sorted).await?,
                Err(error) => Outcome::Failed { error: error.code().to_owned() },
            },
            ImportKind::Products => match sort_products(&rows, &setting) {
                Ok(sorted) => take_products(&mut tx, shop, sorted).await?,
                Err(error) => Outcome::Failed { error: error.code().to_owned() },
            },
        };
        imports::finish(&mut tx, shop, id, &outcome).await?;
        tx.commit().await?;
        self.bus.publish(shop, Event::RecordsChanged);
        Ok(())
    }

    /// Gives a sheet up and says why: a stable code.
    pub async fn refuse_import(&self, shop: ShopId, id: ImportId, code: &str) -> Result<(), IngestError> {
        let mut tx = self.db.begin().await?;
        imports::finish(&mut tx, shop, id, &Outcome::Failed { error: code.to_owned() }).await?;
        tx.commit().await?;
        self.bus.publish(shop, Event::RecordsChanged);
        Ok(())
    }
}

async fn setting(db: &Db, shop: ShopId, now_ms: i64) -> Result<Setting, StorageError> {
    let utc_offset_min = rules::current(db, shop).await?.utc_offset_min;
    let name = shops::list(db).await?.into_iter().find(|known| known.id == shop).map(|known| known.name);
    Ok(Setting { now_ms, utc_offset_min, shop_names: [name.unwrap_or_default(), shop.to_string()] })
}

async fn take_orders(tx: &mut Tx, shop: ShopId, sorted: Sorted<Order>) -> Result<Outcome, StorageError> {
    for order in &sorted.taken {
        let account = Account { source: Source::Sheet, kind: "row", event_id: None, order };
        orders::tell(tx, shop, &account).await?;
    }
    Ok(done(sorted))
}

async fn take_products(tx: &mut Tx, shop: ShopId, sorted: Sorted<Product>) -> Result<Outcome, StorageError> {
    for product in &sorted.taken {
        products::put(tx, shop, product).await?;
    }
    Ok(done(sorted))
}

fn done<T>(sorted: Sorted<T>) -> Outcome {
    let Sorted { n_rows, n_taken, mut refused, .. } = sorted;
    refused.sort_by_key(|row| row.row);
    refused.truncate(MAX_REFUSED);
    Outcome::Done { n_rows, n_taken, refused }
}

/// A row that is being read.
struct Row<'a> {
    header: &'a Header,
    cells: &'a [String],
    setting: &'a Setting,
}

/// What is wrong with a row, and in which column.
type Wrong = (RowProblem, Option<Column>);

impl Row<'_> {
    fn cell(&self, column: Column) -> Option<&str> {
        self.header.cell(self.cells, column)
    }

    fn owned(&self, column: Column) -> Option<String> {
        self.cell(column).map(str::to_owned)
    }

    fn time(&self, column: Column) -> Result<Option<i64>, Wrong> {
        let Some(text) = self.cell(column) else { return Ok(None) };
        match parse_moment(text, self.setting.utc_offset_min) {
            Some(at_ms) => Ok(Some(at_ms)),
            None => Err((RowProblem::DateInvalid, Some(column))),
        }
    }

    fn amount(&self, column: Column) -> Result<Option<i64>, Wrong> {
        let Some(text) = self.cell(column) else { return Ok(None) };
        let currency = self.cell(Column::Currency).unwrap_or("CNY");
        match Money::parse(text, currency) {
            Ok(money) => Ok(Some(money.minor)),
            Err(why) => Err((amount_problem(why), Some(column))),
        }
    }

    fn platform(&self) -> Result<Platform, Wrong> {
        match self.cell(Column::Platform) {
            None => Ok(Platform::Own),
            Some(name) => Platform::of(name).ok_or((RowProblem::PlatformUnknown, Some(Column::Platform))),
        }
    }

    fn check_shop(&self) -> Result<(), Wrong> {
        match self.cell(Column::Shop) {
            Some(name) if !self.setting.shop_names.iter().any(|own| own == name) => {
                Err((RowProblem::OtherShop, Some(Column::Shop)))
            }
            _ => Ok(()),
        }
    }

    fn line(&self) -> Result<Option<LineInput>, Wrong> {
        let Some(title) = self.owned(Column::Title) else { return Ok(None) };
        let wrong = (RowProblem::QuantityInvalid, Some(Column::Quantity));
        let quantity = self.cell(Column::Quantity).map(|text| text.parse().map_err(|_| wrong)).transpose()?;
        let (sku, category) = (self.owned(Column::Sku), self.owned(Column::Category));
        Ok(Some(LineInput { sku, title, quantity, amount_minor: None, category }))
    }

    fn order(&self) -> Result<OrderInput, Wrong> {
        self.check_shop()?;
        let status = match self.cell(Column::Status) {
            None => None,
            Some(text) => Some(Stage::of(text).ok_or((RowProblem::StatusUnknown, Some(Column::Status)))?),
        };
        let mut reached_ms = BTreeMap::new();
        for (stage, column) in [
            (Stage::Created, Column::CreatedAt),
            (Stage::Paid, Column::PaidAt),
            (Stage::Shipped, Column::ShippedAt),
            (Stage::Signed, Column::SignedAt),
        ] {
            if let Some(at_ms) = self.time(column)? {
                reached_ms.insert(stage, at_ms);
            }
        }
        Ok(OrderInput {
            platform: self.platform()?,
            number: self.owned(Column::Number).unwrap_or_default(),
            at_ms: self.time(Column::UpdatedAt)?,
            buyer: self.owned(Column::Buyer),
            phone: self.owned(Column::Phone),
            status,
            reached_ms,
            total_minor: self.amount(Column::Total)?,
            currency: self.owned(Column::Currency),
            lines: self.line()?.into_iter().collect(),
            carrier: self.owned(Column::Carrier),
            tracking: self.owned(Column::Tracking),
            promised_ship_at_ms: self.time(Column::PromisedAt)?,
            remark: self.owned(Column::Remark),
            nodes: vec![],
        })
    }

    fn product(&self) -> Result<ProductInput, Wrong> {
        self.check_shop()?;
        Ok(ProductInput {
            platform: self.platform()?,
            sku: self.owned(Column::Sku).unwrap_or_default(),
            title: self.owned(Column::Title).unwrap_or_default(),
            price_minor: self.amount(Column::Price)?,
            currency: self.owned(Column::Currency),
            category: self.owned(Column::Category),
            url: self.owned(Column::Url),
        })
    }

    fn refused(&self, row: usize, (problem, column): Wrong, number: Column) -> RefusedRow {
        let cut = |text: &str| text.chars().take(MAX_VALUE_CHARS).collect::<String>();
        let text = |column: Option<Column>| column.and_then(|column| self.cell(column)).map(cut).unwrap_or_default();
        RefusedRow {
            row,
            number: text(Some(number)),
            problem,
            column: column.map(|column| self.header.heading(column).to_owned()).unwrap_or_default(),
            value: text(column),
        }
    }
}

/// The column that a field of an account stands in.
fn column_of(refusal: Refusal, number: Column) -> Wrong {
    let column = match refusal.field.as_str() {
        "number" => Column::Number,
        "sku" => Column::Sku,
        "title" => Column::Title,
        "quantity" => Column::Quantity,
        "phone" => Column::Phone,
        "buyer" => Column::Buyer,
        "total_minor" => Column::Total,
        "price_minor" => Column::Price,
        "promised_ship_at_ms" => Column::PromisedAt,
        "at_ms" => Column::UpdatedAt,
        "remark" => Column::Remark,
        "reached_ms" => return (refusal.problem, None),
        _ => number,
    };
    (refusal.problem, Some(column))
}

/// The rows below the header, each with its number.
type Body<'a> = Vec<(usize, &'a [String])>;

fn body_of<'a>(rows: &'a [(u32, Vec<String>)], needed: &[Column]) -> Result<(Header, Body<'a>), SheetError> {
    let header = Header::find(rows, needed).ok_or(SheetError::ColumnsUnknown)?;
    let is_filled = |cells: &[String]| cells.iter().any(|cell| !cell.trim().is_empty());
    let body = rows.iter().skip(header.row + 1).map(|(number, cells)| (*number as usize, cells.as_slice()));
    let body: Body<'_> = body.filter(|(_, cells)| is_filled(cells)).collect();
    if body.len() > MAX_ROWS { Err(SheetError::TooManyRows) } else { Ok((header, body)) }
}

/// An order that is being put together from its rows.
struct Gathered {
    input: OrderInput,
    rows: Vec<(usize, RefusedRow)>,
    is_spoilt: bool,
}

fn sort_orders(rows: &[(u32, Vec<String>)], setting: &Setting) -> Result<Sorted<Order>, SheetError> {
    let (header, body) = body_of(rows, &[Column::Number])?;
    let mut gathered: BTreeMap<(Platform, String), Gathered> = BTreeMap::new();
    let (mut refused, n_rows) = (Vec::new(), body.len());
    for (at, cells) in body {
        let row = Row { header: &header, cells, setting };
        let mut read = row.order();
        if let Ok(input) = &read
            && let Err(refusal) = input.check(setting.now_ms)
        {
            read = Err(column_of(refusal, Column::Number));
        }
        let spoil = row.refused(at, (RowProblem::OrderIncomplete, Some(Column::Number)), Column::Number);
        let key = (row.platform().unwrap_or_default(), row.owned(Column::Number).unwrap_or_default());
        match (read, gathered.get_mut(&key)) {
            (Ok(input), None) => {
                gathered.insert(key, Gathered { input, rows: vec![(at, spoil)], is_spoilt: false });
            }
            (Ok(input), Some(known)) => {
                let is_new_line = input.lines.iter().any(|line| !known.input.lines.contains(line));
                if is_new_line {
                    known.input.lines.extend(input.lines);
                    known.rows.push((at, spoil));
                } else {
                    refused.push(row.refused(at, (RowProblem::Duplicate, Some(Column::Number)), Column::Number));
                }
            }
            (Err(wrong), known) => {
                refused.push(row.refused(at, wrong, Column::Number));
                match known {
                    Some(known) => known.is_spoilt = true,
                    None if !key.1.is_empty() => {
                        let input = OrderInput::default();
                        gathered.insert(key, Gathered { input, rows: vec![], is_spoilt: true });
                    }
                    None => {}
                }
            }
        }
    }
    let (mut taken, mut n_taken) = (Vec::new(), 0);
    for order in gathered.into_values() {
        match order.input.check(setting.now_ms) {
            Ok(checked) if !order.is_spoilt => {
                n_taken += order.rows.len();
                taken.push(checked);
            }
            _ => refused.extend(order.rows.into_iter().map(|(_, row)| row)),
        }
    }
    Ok(Sorted { n_rows, n_taken, taken, refused })
}

fn sort_products(rows: &[(u32, Vec<String>)], setting: &Setting) -> Result<Sorted<Product>, SheetError> {
    let (header, body) = body_of(rows, &[Column::Sku, Column::Title])?;
    let mut taken: Vec<Product> = Vec::new();
    let (mut refused, n_rows) = (Vec::new(), body.len());
    for (at, cells) in body {
        let row = Row { header: &header, cells, setting };
        let checked = row.product().and_then(|input| input.check().map_err(|refusal| column_of(refusal, Column::Sku)));
        let is_known = |product: &Product| {
            taken.iter().any(|known| (known.platform, &known.sku) == (product.platform, &product.sku))
        };
        match checked {
            Ok(product) if is_known(&product) => {
                refused.push(row.refused(at, (RowProblem::Duplicate, Some(Column::Sku)), Column::Sku));
            }
            Ok(product) => taken.push(product),
            Err(wrong) => refused.push(row.refused(at, wrong, Column::Sku)),
        }
    }
    Ok(Sorted { n_rows, n_taken: taken.len(), taken, refused })
}

#[cfg(test)]
mod tests;
