//! The journey of a sheet of records: rows become orders and products, and what cannot is refused row by row.
//!
//! `bytes ─▶ rows (in a child process) ─▶ columns ─▶ accounts of orders ─▶ transactions of some records`
//!
//! # Why
//! A sheet of ten thousand rows has ten wrong ones. Refusing the sheet for them would teach people to mend it blindly;
//! taking them would teach the assistant something false. So each row is taken or refused by itself, with its reason —
//! but an order of which one row is wrong is left out as a whole: half an order is no record.
//!
//! A row without an update time is of the time of the newest stage that its order names, and only where it names none
//! of the time of the upload: an old export must not outrank what was heard since.
//!
//! The sheet holds whole phone numbers and names: its bytes go as soon as they are read or given up.

mod columns;
mod sort;

use std::collections::BTreeMap;

use crate::domain::calendar::parse_moment;
use crate::domain::fault::Fault;
use crate::domain::ids::{ImportId, ShopId};
use crate::domain::money::Money;
use crate::domain::order::{Order, Platform, Stage};
use crate::domain::order_input::{LineInput, OrderInput, ProductInput, Refusal, RowProblem, amount_problem};
use crate::domain::product::Product;
use crate::events::Event;
use crate::ingest::parse::{ParseError, rows_in_child};
use crate::ingest::{IngestError, Ingestion};
use crate::storage::imports::{self, Import, ImportKind, ImportState, Outcome, RefusedRow};
use crate::storage::orders::{self, Account, Source};
use crate::storage::{Db, StorageError, products, rehearsals, rules, shops};

use columns::{Column, Header};
use sort::{sort_orders, sort_products};

/// More rows are more than one upload.
const MAX_ROWS: usize = 50_000;
/// Refused rows that are kept; whoever has more has the wrong sheet.
const MAX_REFUSED: usize = 5_000;
/// Longer values are cut in the report.
const MAX_VALUE_CHARS: usize = 80;
/// Of these columns no value is kept in the report: it would be more of a person than their record holds.
const PERSONAL: [Column; 3] = [Column::Phone, Column::Buyer, Column::Remark];
/// Records of one transaction: whoever else writes has a turn between two of them.
const BATCH: usize = 200;

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

/// The records of a sheet.
#[derive(Debug)]
enum Records {
    Orders(Sorted<Order>),
    Products(Sorted<Product>),
}

impl Ingestion {
    /// Reads a sheet in and deletes its bytes; doing it again does nothing.
    pub async fn import_records(&self, shop: ShopId, id: ImportId) -> Result<(), IngestError> {
        let Some(import) = imports::get(&self.db, shop, id).await? else { return Ok(()) };
        if import.state == ImportState::Queued {
            let outcome = self.read_sheet(shop, &import).await?;
            self.finish_import(shop, id, &outcome).await?;
        }
        self.forget_sheet(&import.sha256).await
    }

    /// Gives a sheet up and says why: a stable code. Its bytes go, too.
    pub async fn refuse_import(&self, shop: ShopId, id: ImportId, code: &str) -> Result<(), IngestError> {
        let Some(import) = imports::get(&self.db, shop, id).await? else { return Ok(()) };
        self.finish_import(shop, id, &Outcome::Failed { error: code.to_owned() }).await?;
        self.forget_sheet(&import.sha256).await
    }

    async fn read_sheet(&self, shop: ShopId, import: &Import) -> Result<Outcome, IngestError> {
        let failed = |code: &str| Ok(Outcome::Failed { error: code.to_owned() });
        let path = self.files.find(&import.sha256).await?.ok_or(IngestError::FileGone)?;
        let bytes = tokio::fs::read(path).await.map_err(|_| IngestError::FileGone)?;
        let rows = match rows_in_child(&self.reader, &import.file_name, &bytes, &self.limits).await {
            Ok(rows) => rows,
            Err(error) if error.fault() == Fault::Transient => return Err(IngestError::Reader(error)),
            Err(error) => return failed(error.code()),
        };
        let (setting, kind) = (setting(&self.db, shop, import.created_at_ms).await?, import.kind);
        let sort = move || match kind {
            ImportKind::Orders => sort_orders(&rows, &setting).map(Records::Orders),
            ImportKind::Products => sort_products(&rows, &setting).map(Records::Products),
        };
        match tokio::task::spawn_blocking(sort).await {
            Ok(Ok(Records::Orders(sorted))) => Ok(self.take_orders(shop, import.id, sorted).await?),
            Ok(Ok(Records::Products(sorted))) => Ok(self.take_products(shop, sorted).await?),
            Ok(Err(error)) => failed(error.code()),
            Err(death) => failed(ParseError::Crashed { detail: death.to_string() }.code()),
        }
    }

    /// An order is told once, also where a sheet is begun again after a crash: its event is named after the sheet.
    async fn take_orders(&self, shop: ShopId, id: ImportId, sorted: Sorted<Order>) -> Result<Outcome, StorageError> {
        for some in sorted.taken.chunks(BATCH) {
            let mut tx = self.db.begin().await?;
            for order in some {
                let event_id = format!("sheet/{id}/{}/{}", order.key.platform.code(), order.key.number);
                let account = Account { source: Source::Sheet, kind: "row", event_id: Some(&event_id), order };
                orders::tell(&mut tx, shop, &account).await?;
            }
            tx.commit().await?;
        }
        Ok(done(sorted))
    }

    async fn take_products(&self, shop: ShopId, sorted: Sorted<Product>) -> Result<Outcome, StorageError> {
        for some in sorted.taken.chunks(BATCH) {
            let mut tx = self.db.begin().await?;
            for product in some {
                products::put(&mut tx, shop, product).await?;
            }
            tx.commit().await?;
        }
        Ok(done(sorted))
    }

    async fn finish_import(&self, shop: ShopId, id: ImportId, outcome: &Outcome) -> Result<(), StorageError> {
        let mut tx = self.db.begin().await?;
        imports::finish(&mut tx, shop, id, outcome).await?;
        tx.commit().await?;
        self.bus.publish(shop, Event::RecordsChanged);
        Ok(())
    }

    async fn forget_sheet(&self, sha256: &str) -> Result<(), IngestError> {
        let mut tx = self.db.begin().await?;
        let is_needed = rehearsals::is_file_needed(&mut tx, sha256).await?;
        tx.commit().await?;
        if !is_needed {
            self.forget_files(&[sha256.to_owned()]).await;
        }
        Ok(())
    }
}

async fn setting(db: &Db, shop: ShopId, now_ms: i64) -> Result<Setting, StorageError> {
    let utc_offset_min = rules::current(db, shop).await?.utc_offset_min;
    let name = shops::list(db).await?.into_iter().find(|known| known.id == shop).map(|known| known.name);
    Ok(Setting { now_ms, utc_offset_min, shop_names: [name.unwrap_or_default(), shop.to_string()] })
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
        // A row that names its product by number only still is a position.
        let Some(title) = self.owned(Column::Title).or_else(|| self.owned(Column::Sku)) else { return Ok(None) };
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
            at_ms: self.time(Column::UpdatedAt)?.or_else(|| reached_ms.values().max().copied()),
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
            value: text(column.filter(|column| !PERSONAL.contains(column))),
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

#[cfg(test)]
mod tests;
