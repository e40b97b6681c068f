//! What a reader gives back: a table or images, and the rows that the source sets aside for testing.

use crate::error::{DataError, Result};
use crate::names;
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
}

/// The data of a data set.
#[derive(Clone, Debug)]
pub enum Features {
    /// Columns of numbers and texts, one of which is the target.
    Table(Table),
    /// Images of one size, each with a label.
    Images(Images),
}

/// Grey images of one size, each with a label. One byte is one pixel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Images {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// The brightest value a pixel can have; 0 is the darkest.
    pub maximum: u8,
    /// Shape \[rows, height, width\], row-major.
    pub pixels: Vec<u8>,
    /// One a row: shape \[rows\].
    pub labels: Vec<u8>,
}

impl Dataset {
    /// How many rows (samples) there are.
    pub fn rows(&self) -> usize {
        match &self.features {
            Features::Table(table) => table.rows(),
            Features::Images(images) => images.labels.len(),
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

impl Images {
    /// Pixels an image.
    pub(crate) fn size(&self) -> usize {
        self.height * self.width
    }

    pub(crate) fn image(&self, row: usize) -> &[u8] {
        &self.pixels[row * self.size()..][..self.size()]
    }

    /// `1,797 images of 8 x 8, 10 classes`
    pub(crate) fn description(&self) -> String {
        format!(
            "{} of {} x {}, {}",
            names::count(self.labels.len(), "image", "images"),
            self.height,
            self.width,
            names::count(self.distinct_labels(), "class", "classes"),
        )
    }

    /// How many different labels there are.
    pub(crate) fn distinct_labels(&self) -> usize {
        let mut seen = [false; 256];
        for label in &self.labels {
            seen[usize::from(*label)] = true;
        }
        seen.iter().filter(|seen| **seen).count()
    }
}
