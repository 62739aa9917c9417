//! A table whose spanning cells are repeated, so that each row says everything by itself.

use crate::ingest::draft::join_cells;

/// A cell that claims more columns or rows is broken or hostile.
const MAX_SPAN: usize = 64;
/// Columns that are kept of a row.
const MAX_COLUMNS: usize = 512;

/// Rows as they are completed.
#[derive(Default)]
pub struct Grid {
    rows: Vec<String>,
    cells: Vec<String>,
    /// By column: the text that a cell above reaches down with, and for how many more rows.
    reaching: Vec<(String, usize)>,
}

impl Grid {
    /// Adds a cell to the open row.
    pub fn add_cell(&mut self, text: String, n_columns: usize, n_rows: usize) {
        self.fill_from_above();
        for _ in 0..n_columns.clamp(1, MAX_SPAN) {
            let column = self.cells.len();
            if column >= MAX_COLUMNS {
                return;
            }
            if self.reaching.len() <= column {
                self.reaching.resize(column + 1, (String::new(), 0));
            }
            self.reaching[column] = (text.clone(), n_rows.clamp(1, MAX_SPAN) - 1);
            self.cells.push(text.clone());
        }
    }

    /// Adds a cell that continues the one above it.
    pub fn add_cell_from_above(&mut self, n_columns: usize) {
        for _ in 0..n_columns.clamp(1, MAX_SPAN) {
            let above = self.reaching.get(self.cells.len()).map(|(text, _)| text.clone()).unwrap_or_default();
            self.add_cell(above, 1, 1);
        }
    }

    /// Ends the open row.
    pub fn end_row(&mut self) {
        if self.cells.is_empty() {
            return;
        }
        self.fill_from_above();
        let row = join_cells(&std::mem::take(&mut self.cells));
        if !row.is_empty() {
            self.rows.push(row);
        }
    }

    fn fill_from_above(&mut self) {
        while let Some((text, n_rows)) = self.reaching.get_mut(self.cells.len()).filter(|(_, n_rows)| *n_rows > 0) {
            *n_rows -= 1;
            self.cells.push(text.clone());
        }
    }

    /// One row a line.
    pub fn into_text(mut self) -> String {
        self.end_row();
        self.rows.join("\n")
    }
}
