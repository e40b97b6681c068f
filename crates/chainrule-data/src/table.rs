//! A table of text cells, with the file and the line that each row came from.
//!
//! The cells of all rows lie one after the other in one string. Numbers are parsed when somebody asks for them, so a
//! column can be read as numbers by one user and as texts by another (`01` is not `1` where it names a category).

use crate::cell::Cell;
use crate::error::{DataError, Place, Result};
use crate::names;

/// Rows of cells under named columns. It has at least one row and one column; the names are distinct and not empty.
#[derive(Clone, Debug)]
pub struct Table {
    file: String,
    header: Vec<String>,
    cells: String,
    /// Where each cell ends in `cells`, row by row.
    ends: Vec<usize>,
    /// The line of the file on which each row starts.
    lines: Vec<u64>,
}

/// What the cells of a column are, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Every cell that is not missing is a finite number.
    Numbers,
    /// At least one cell is a text.
    Texts,
    /// Every cell is missing.
    Empty,
}

/// How many cells of each kind a column has.
#[derive(Default)]
pub(crate) struct Census {
    pub(crate) numbers: usize,
    pub(crate) texts: usize,
    pub(crate) first_text: Option<usize>,
    pub(crate) first_not_finite: Option<usize>,
    pub(crate) first_missing: Option<usize>,
}

impl Table {
    pub(crate) fn new(file: String, header: Vec<String>) -> Self {
        Self { file, header, cells: String::new(), ends: Vec::new(), lines: Vec::new() }
    }

    /// Adds a row. The caller has checked that it has one cell per column.
    pub(crate) fn push_row<'a>(&mut self, line: u64, cells: impl Iterator<Item = &'a str>) {
        for cell in cells {
            self.cells.push_str(cell.trim());
            self.ends.push(self.cells.len());
        }
        self.lines.push(line);
        debug_assert_eq!(self.ends.len(), self.lines.len() * self.header.len());
    }

    /// The file, as the user named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The column names.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How many rows there are, without the header.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The line of the file on which a row starts; the first line is 1, and so the first row is usually on line 2.
    ///
    /// # Panics
    /// Where the table has no such row.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// A cell as it stands in the file, without quotes and without white space around it.
    ///
    /// # Panics
    /// Where the table has no such row or column.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        assert!(column < self.header.len(), "no column {column}");
        let index = row * self.header.len() + column;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.cells[start..self.ends[index]]
    }

    /// The cells of a row, from left to right, as [`cell`](Self::cell) gives them.
    ///
    /// # Panics
    /// Where the table has no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = &str> {
        assert!(row < self.rows(), "no row {row}");
        (0..self.header.len()).map(move |column| self.cell(row, column))
    }

    /// The position of the column with this very name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// What the cells of a column are.
    ///
    /// # Errors
    /// [`DataError::NotFinite`] where a column of numbers has a cell such as `nan` or `inf`.
    ///
    /// # Panics
    /// Where the table has no such column.
    pub fn kind(&self, column: usize) -> Result<ColumnKind> {
        self.kind_from(column, &self.census(column))
    }

    pub(crate) fn kind_from(&self, column: usize, census: &Census) -> Result<ColumnKind> {
        if census.texts > 0 {
            return Ok(ColumnKind::Texts);
        }
        if let Some(row) = census.first_not_finite {
            return Err(self.not_finite(row, column));
        }
        if census.numbers == 0 {
            return Ok(ColumnKind::Empty);
        }
        Ok(ColumnKind::Numbers)
    }

    pub(crate) fn census(&self, column: usize) -> Census {
        let mut census = Census::default();
        for row in 0..self.rows() {
            match Cell::parse(self.cell(row, column)) {
                Cell::Missing => {
                    census.first_missing.get_or_insert(row);
                }
                Cell::Number(_) => census.numbers += 1,
                Cell::NotFinite => {
                    census.first_not_finite.get_or_insert(row);
                }
                Cell::Text => {
                    census.texts += 1;
                    census.first_text.get_or_insert(row);
                }
            }
        }
        census
    }

    /// The number in a cell, or `None` where it is missing. `reason` ends the sentence "'abc' is not a number, and ...".
    pub(crate) fn number(&self, row: usize, column: usize, reason: &'static str) -> Result<Option<f64>> {
        match Cell::parse(self.cell(row, column)) {
            Cell::Missing => Ok(None),
            Cell::Number(number) => Ok(Some(number)),
            Cell::NotFinite => Err(self.not_finite(row, column)),
            Cell::Text => Err(DataError::NotANumber {
                place: self.place(row, column),
                cell: names::shown(self.cell(row, column)),
                reason,
            }),
        }
    }

    pub(crate) fn place(&self, row: usize, column: usize) -> Place {
        Place {
            file: self.file.clone(),
            line: Some(self.lines[row]),
            column: names::shown(&self.header[column]),
        }
    }

    pub(crate) fn nearest_column(&self, name: &str) -> Option<String> {
        names::nearest(name, self.header.iter().map(String::as_str))
    }

    fn not_finite(&self, row: usize, column: usize) -> DataError {
        DataError::NotFinite { place: self.place(row, column), cell: names::shown(self.cell(row, column)) }
    }
}
