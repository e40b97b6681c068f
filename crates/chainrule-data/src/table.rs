//! A table: columns of one length under distinct names, and where each row came from.

use crate::column::{Column, ColumnType, Values};
use crate::error::{DataError, Place, Result};
use crate::names;
use crate::note::Note;
use std::collections::{BTreeSet, HashMap};

/// Columns under distinct names that are not empty, each with the same number of rows; there is at least one row and one
/// column.
#[derive(Clone, Debug)]
pub struct Table {
    file: String,
    columns: Vec<Column>,
    rows: usize,
    lines: Lines,
    position_of: HashMap<String, usize>,
}

/// The line of the file on which each row starts: a row is on the line after that of the row before, except where a run
/// starts. Tables that were made in memory have no lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    /// The first row of each run, and its line.
    runs: Vec<(usize, u64)>,
}

impl Lines {
    /// Says that `row` starts on `line`. Rows are told in their order; those in between are on lines that follow.
    pub(crate) fn push(&mut self, row: usize, line: u64) {
        let expected = self.runs.last().map(|(first, line)| line + (row - first) as u64);
        if expected != Some(line) {
            self.runs.push((row, line));
        }
    }

    pub(crate) fn of(&self, row: usize) -> Option<u64> {
        let index = self.runs.partition_point(|(first, _)| *first <= row).checked_sub(1)?;
        let (first, line) = self.runs[index];
        Some(line + (row - first) as u64)
    }

    /// The runs, for joining pieces.
    pub(crate) fn runs(&self) -> &[(usize, u64)] {
        &self.runs
    }
}

impl Table {
    /// A table of columns that were made in memory. `name` stands for a file in messages and in the model.
    ///
    /// # Errors
    /// No columns, no rows, columns of different lengths, a name that is empty or stands twice.
    ///
    /// ```
    /// use chainrule_data::{Column, ColumnType, Table};
    /// let table = Table::new(
    ///     "houses",
    ///     vec![
    ///         Column::numbers("area", &[52.0, 80.5, 120.0]),
    ///         Column::texts("city", ["Oslo", "Bergen", "Oslo"]),
    ///         Column::optional_numbers("price", [Some(210.0), None, Some(480.0)]),
    ///     ],
    /// )?;
    /// assert_eq!((table.rows(), table.columns().len()), (3, 3));
    /// assert_eq!(table.columns()[1].kind(), ColumnType::Category);
    /// assert_eq!(table.columns()[2].missing(), 1);
    /// # Ok::<(), chainrule_data::DataError>(())
    /// ```
    pub fn new(name: impl Into<String>, columns: Vec<Column>) -> Result<Self> {
        Self::with_lines(name.into(), columns, Lines::default())
    }

    pub(crate) fn with_lines(file: String, columns: Vec<Column>, lines: Lines) -> Result<Self> {
        let invalid = |problem: String| DataError::InvalidTable { file: file.clone(), problem };
        let Some(first) = columns.first() else { return Err(invalid("it has no columns".to_owned())) };
        let rows = first.len();
        if rows == 0 {
            return Err(DataError::NoRows { file });
        }
        let mut position_of = HashMap::with_capacity(columns.len());
        for (position, column) in columns.iter().enumerate() {
            if column.len() != rows {
                return Err(invalid(format!(
                    "column '{}' has {}, column '{}' has {}",
                    first.name(),
                    names::count(rows, "row", "rows"),
                    column.name(),
                    names::count(column.len(), "row", "rows")
                )));
            }
            if column.name().is_empty() {
                return Err(invalid(format!("column {} has no name", position + 1)));
            }
            if position_of.insert(column.name().to_owned(), position).is_some() {
                return Err(invalid(format!("two columns are named '{}'", column.name())));
            }
        }
        Ok(Self { file, columns, rows, lines, position_of })
    }

    /// The file, as the user named it, or the name that was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The columns, from left to right.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names of the columns, from left to right.
    pub fn header(&self) -> Vec<&str> {
        self.columns.iter().map(Column::name).collect()
    }

    /// How many rows there are, without the header.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many cells there are.
    pub(crate) fn cells(&self) -> usize {
        self.rows.saturating_mul(self.columns.len())
    }

    /// The line of the file on which a row starts, counted from 1; `None` where the table does not come from a file.
    pub fn line(&self, row: usize) -> Option<u64> {
        self.lines.of(row)
    }

    /// The position of the column with this very name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.position_of.get(name).copied()
    }

    /// The column with this very name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.position(name).map(|position| &self.columns[position])
    }

    /// The same table with a column read as another type.
    ///
    /// # Errors
    /// Where there is no such column.
    pub fn with_type(mut self, name: &str, kind: ColumnType) -> Result<Self> {
        let position = self.find(name)?;
        self.columns[position] = self.columns[position].clone().with_type(kind);
        Ok(self)
    }

    /// Tells of the words among the numbers of columns, which are taken for missing values. `targets` are left aside: there
    /// they are errors.
    pub fn odd_words(&self, targets: &[String]) -> Vec<Note> {
        let inputs = self.columns.iter().filter(|column| !targets.contains(&column.name) && !column.is_given);
        inputs.filter_map(|column| self.note_odd_words(column)).collect()
    }

    pub(crate) fn note_odd_words(&self, column: &Column) -> Option<Note> {
        const SHOWN: usize = 5;
        let Values::Numbers(numbers) = &column.values else { return None };
        let (first, word) = numbers.words.first()?;
        let words: BTreeSet<&str> = numbers.words.iter().map(|(_, word)| &**word).collect();
        let words: Vec<&str> = words.into_iter().collect();
        let name = &column.name;
        // A flag cannot name a word with a comma, which stands between words.
        let mut namable = words.iter().filter(|word| !word.contains([',', '\''])).take(SHOWN).peekable();
        let advice = match namable.peek() {
            None => String::new(),
            Some(_) => {
                let shown = namable.map(|word| names::shown(word)).collect::<Vec<_>>().join(",");
                format!("--missing '{shown}' says so, and ")
            }
        };
        Some(Note::new(
            "odd_words",
            format!(
                "{} in '{name}' {} no number and taken for missing: {}, the first of them, '{}', on {}; \
                 {advice}--types '{name}=category' makes the column a category",
                names::count(numbers.words.len(), "cell", "cells"),
                if numbers.words.len() == 1 { "is" } else { "are" },
                names::list(&words),
                names::shown(word),
                self.place(*first, name).line_words(),
            ),
        ))
    }

    /// Bytes that the columns hold.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Column::bytes).sum()
    }

    /// The position of the column that somebody named.
    pub(crate) fn find(&self, name: &str) -> Result<usize> {
        self.position(name).ok_or_else(|| DataError::NoColumn {
            file: self.file.clone(),
            name: name.to_owned(),
            nearest: self.nearest_column(name),
            columns: names::list(&self.header()),
        })
    }

    pub(crate) fn place(&self, row: usize, column: &str) -> Place {
        Place {
            file: self.file.clone(),
            line: self.lines.of(row),
            row: Some(row),
            column: names::shown(column).into(),
        }
    }

    pub(crate) fn nearest_column(&self, name: &str) -> Option<String> {
        names::nearest(name, self.columns.iter().map(Column::name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_runs() {
        let mut lines = Lines::default();
        for (row, line) in [(0, 2), (1, 3), (2, 6), (3, 7), (10, 20)] {
            lines.push(row, line);
        }
        assert_eq!(lines.runs(), [(0, 2), (2, 6), (10, 20)]);
        assert_eq!([0, 1, 2, 5, 10, 12].map(|row| lines.of(row)), [2, 3, 6, 9, 20, 22].map(Some));
        assert_eq!(Lines::default().of(0), None);
    }

    #[test]
    fn tables_that_are_none_are_refused() {
        let one = || Column::numbers("a", &[1.0, 2.0]);
        for (columns, part) in [
            (vec![], "no columns"),
            (vec![one(), Column::numbers("b", &[1.0])], "column 'b' has 1 row"),
            (vec![one(), one()], "two columns are named 'a'"),
            (vec![Column::numbers("", &[1.0])], "column 1 has no name"),
        ] {
            let message = Table::new("t", columns).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
