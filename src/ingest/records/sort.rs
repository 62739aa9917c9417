//! Sorting the rows of a sheet into records and refusals. Nothing here waits for anything, so it runs off the async
//! threads; and nothing looks through what it has already taken, so that a long sheet takes no longer a row.

use std::collections::{BTreeMap, HashSet};

use super::columns::{Column, Header};
use super::{MAX_ROWS, Row, Setting, SheetError, Sorted, column_of};
use crate::domain::order::{Order, Platform};
use crate::domain::order_input::{LineInput, OrderInput, Refusal, RowProblem, check_number};
use crate::domain::product::Product;
use crate::storage::imports::RefusedRow;

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
#[derive(Default)]
struct Gathered {
    /// What each row says.
    accounts: HashSet<OrderInput>,
    /// The positions of all rows, as they come; each once.
    lines: Vec<LineInput>,
    known_lines: HashSet<LineInput>,
    /// The rows as they are refused if another one is wrong.
    rows: Vec<RefusedRow>,
    is_spoilt: bool,
}

impl Gathered {
    /// Adds what a row says; `false` if another row said all of it.
    fn add(&mut self, account: OrderInput) -> bool {
        if self.accounts.contains(&account) {
            return false;
        }
        for line in &account.lines {
            if self.known_lines.insert(line.clone()) {
                self.lines.push(line.clone());
            }
        }
        self.accounts.insert(account)
    }

    /// The accounts of all rows, joined. A row that names no time is of the same time as the newest that does: exports
    /// leave cells blank that would say the same in every row of an order.
    fn join(self, (platform, number): (Platform, String), now_ms: i64) -> Result<Order, Refusal> {
        let newest_ms = self.accounts.iter().filter_map(|account| account.at_ms).max();
        let bought = OrderInput { platform, number, at_ms: newest_ms, lines: self.lines, ..OrderInput::default() };
        self.accounts.into_iter().try_fold(bought.check(now_ms)?, |order, account| {
            let at_ms = account.at_ms.or(newest_ms);
            Ok(order.join(OrderInput { at_ms, lines: vec![], ..account }.check(now_ms)?))
        })
    }
}

/// The order that a row is of: its number as records know it, or as it stands there.
fn key_of(row: &Row<'_>) -> (Platform, String) {
    let number = row.cell(Column::Number).unwrap_or_default();
    let known = check_number(number, "number").unwrap_or_else(|_| number.to_owned());
    (row.platform().unwrap_or_default(), known.to_ascii_uppercase())
}

pub(super) fn sort_orders(rows: &[(u32, Vec<String>)], setting: &Setting) -> Result<Sorted<Order>, SheetError> {
    let (header, body) = body_of(rows, &[Column::Number])?;
    let mut gathered: BTreeMap<(Platform, String), Gathered> = BTreeMap::new();
    let (mut refused, n_rows) = (Vec::new(), body.len());
    for (at, cells) in body {
        let row = Row { header: &header, cells, setting };
        let refuse = |problem| row.refused(at, (problem, Some(Column::Number)), Column::Number);
        let read = row.order().and_then(|input| match input.check(setting.now_ms) {
            Ok(_) => Ok(input),
            Err(refusal) => Err(column_of(refusal, Column::Number)),
        });
        let key = key_of(&row);
        match read {
            Ok(input) => {
                let known = gathered.entry(key).or_default();
                if known.add(input) {
                    known.rows.push(refuse(RowProblem::OrderIncomplete));
                } else {
                    refused.push(refuse(RowProblem::Duplicate));
                }
            }
            Err(wrong) => {
                refused.push(row.refused(at, wrong, Column::Number));
                if !key.1.is_empty() {
                    gathered.entry(key).or_default().is_spoilt = true;
                }
            }
        }
    }
    let (mut taken, mut n_taken) = (Vec::new(), 0);
    for (key, mut order) in gathered {
        let (rows, is_spoilt) = (std::mem::take(&mut order.rows), order.is_spoilt);
        match order.join(key, setting.now_ms) {
            Ok(joined) if !is_spoilt => {
                n_taken += rows.len();
                taken.push(joined);
            }
            _ => refused.extend(rows),
        }
    }
    Ok(Sorted { n_rows, n_taken, taken, refused })
}

pub(super) fn sort_products(rows: &[(u32, Vec<String>)], setting: &Setting) -> Result<Sorted<Product>, SheetError> {
    let (header, body) = body_of(rows, &[Column::Sku, Column::Title])?;
    let mut known: HashSet<(Platform, String)> = HashSet::new();
    let (mut taken, mut refused, n_rows) = (Vec::new(), Vec::new(), body.len());
    for (at, cells) in body {
        let row = Row { header: &header, cells, setting };
        let checked = row.product().and_then(|input| input.check().map_err(|refusal| column_of(refusal, Column::Sku)));
        match checked {
            Ok(product) if known.insert((product.platform, product.sku.clone())) => taken.push(product),
            Ok(_) => refused.push(row.refused(at, (RowProblem::Duplicate, Some(Column::Sku)), Column::Sku)),
            Err(wrong) => refused.push(row.refused(at, wrong, Column::Sku)),
        }
    }
    Ok(Sorted { n_rows, n_taken: taken.len(), taken, refused })
}
