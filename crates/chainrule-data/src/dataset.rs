//! What a reader gives back: a table or images, and the rows that the source sets aside for testing.

use crate::error::{DataError, Place, Result};
use crate::images::Images;
use crate::names;
use crate::note::Note;
use crate::options::ReadOptions;
use crate::table::Table;
use std::ops::Range;

/// The name of the target of images, which have no columns.
pub const LABEL: &str = "label";

/// Everything that was read from one source. [`read`](crate::read) makes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dataset {
    /// What the user named: `digits`, a file or a directory.
    pub name: String,
    /// One line on what was read, such as `1,797 images of 8 x 8, 10 classes`.
    pub description: String,
    /// The data, labels or target column included.
    pub features: Features,
    /// The rows that the source sets aside as its test set, where it does.
    pub test_rows: Option<Range<usize>>,
    /// What the user should know about how the source was read.
    pub notes: Vec<Note>,
}

/// The data of a data set.
#[derive(Clone, Debug)]
pub enum Features {
    /// Columns of numbers and texts, one of which is the target.
    Table(Table),
    /// Images of one size, with labels or without.
    Images(Images),
}

impl Dataset {
    /// Images in memory as a data set. `name` is what messages call it.
    pub fn from_images(name: impl Into<String>, images: Images) -> Self {
        Self {
            name: name.into(),
            description: images.description(),
            features: Features::Images(images),
            test_rows: None,
            notes: Vec::new(),
        }
    }

    /// A table as a data set; its name is that of the table's file.
    pub fn from_table(table: Table) -> Self {
        let (rows, columns) = (table.rows(), table.columns().len());
        Self {
            name: table.file().to_owned(),
            description: format!(
                "{} of {}",
                names::count(rows, "row", "rows"),
                names::count(columns, "column", "columns")
            ),
            features: Features::Table(table),
            test_rows: None,
            notes: Vec::new(),
        }
    }

    /// The table, where it is one.
    pub fn table(&self) -> Option<&Table> {
        match &self.features {
            Features::Table(table) => Some(table),
            Features::Images(_) => None,
        }
    }

    /// Where a row is, for messages: the file and its line, or the number of the row.
    pub fn place(&self, row: usize, column: &str) -> Place {
        match &self.features {
            Features::Table(table) => table.place(row, column),
            Features::Images(_) => {
                Place { file: self.name.clone(), line: None, row: Some(row), column: column.into() }
            }
        }
    }

    /// `options` for reading data of the same kind: their columns are read as these were.
    pub fn read_options(&self, options: ReadOptions) -> ReadOptions {
        let mut options = options;
        if let Features::Table(table) = &self.features {
            let learned = table.columns().iter().map(|column| (column.name.clone(), column.read_as()));
            options.learned.extend(learned);
        }
        options
    }

    /// Bytes that the data hold.
    pub fn bytes(&self) -> usize {
        match &self.features {
            Features::Table(table) => table.bytes(),
            Features::Images(images) => images.bytes(),
        }
    }

    /// How many rows (samples) there are.
    pub fn rows(&self) -> usize {
        match &self.features {
            Features::Table(table) => table.rows(),
            Features::Images(images) => images.rows(),
        }
    }

    /// The rows that are not set aside as [`test_rows`](Self::test_rows), in their order: the ones to split.
    pub fn other_rows(&self) -> Vec<usize> {
        let test = self.test_rows.clone().unwrap_or(0..0);
        (0..self.rows()).filter(|row| !test.contains(row)).collect()
    }

    pub(crate) fn check_rows(&self, rows: &[usize]) -> Result<()> {
        let there_are = self.rows();
        match rows.iter().find(|row| **row >= there_are) {
            None => Ok(()),
            Some(&row) => Err(DataError::NoSuchRow { file: self.name.clone(), row, rows: there_are }),
        }
    }
}
