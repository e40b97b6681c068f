//! What identifies data: names, types and values of columns, so that a run goes on with the data it was started with, and
//! a model is tested on rows that it was not trained on.
//!
//! A column's hash is XXH3-64 over its cells in their order: numbers by their bits, texts by their own hashes. It does not
//! depend on how numbers are written, nor on where the data come from.

use crate::column::{Column, ColumnType, Values};
use crate::dataset::{Dataset, Features};
use crate::date;
use crate::images::Pixels;
use crate::names;
use crate::parallel;
use crate::truth::truth;
use arrow_array::Array;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// What identifies a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// How many rows there are.
    pub rows: usize,
    /// The columns, from left to right; of images, the pixels and the labels.
    pub columns: Vec<ColumnPrint>,
}

/// What identifies a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPrint {
    /// Its name.
    pub name: String,
    /// The name of its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// A hash of its cells, in hexadecimal digits.
    pub hash: String,
}

impl Fingerprint {
    /// What these data have that the others have not, in words; `None` where they are the same. Of columns, only those of
    /// `names` are compared, where it is given, and then in any order.
    pub fn difference(&self, others: &Self, names: Option<&[&str]>) -> Option<String> {
        if self.rows != others.rows {
            let count = |rows| names::count(rows, "row", "rows");
            return Some(format!("{} instead of {}", count(others.rows), count(self.rows)));
        }
        let is_compared = |name: &str| names.is_none_or(|names| names.contains(&name));
        for column in self.columns.iter().filter(|column| is_compared(&column.name)) {
            let name = names::shown(&column.name);
            let Some(other) = others.columns.iter().find(|other| other.name == column.name) else {
                return Some(format!("column '{name}' is not there"));
            };
            if other.kind != column.kind {
                return Some(format!(
                    "column '{name}' holds the type {} instead of {}",
                    other.kind, column.kind
                ));
            }
            if other.hash != column.hash {
                return Some(format!("column '{name}' has other values, or its rows are in another order"));
            }
        }
        if names.is_none() {
            let names =
                |print: &Self| print.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
            let (mine, theirs) = (names(self), names(others));
            if let Some(more) = theirs.iter().find(|name| !mine.contains(name)) {
                return Some(format!("column '{}' was not there", names::shown(more)));
            }
            if mine != theirs {
                return Some("the columns are in another order".to_owned());
            }
        }
        None
    }
}

impl Dataset {
    /// What identifies these data.
    pub fn fingerprint(&self) -> Fingerprint {
        let print = |name: &str, kind: &str, hash: u64| ColumnPrint {
            name: name.to_owned(),
            kind: kind.to_owned(),
            hash: format!("{hash:016x}"),
        };
        let columns = match &self.features {
            Features::Table(table) => parallel::map(0, table.cells(), table.columns(), |column| {
                print(column.name(), column.kind().name(), hash(column))
            }),
            Features::Images(images) => {
                let pixels = match &images.pixels {
                    Pixels::Bytes { values, .. } => XxHash3_64::oneshot(values),
                    Pixels::Numbers(values) => of_words(values.iter().map(|value| value.to_bits())),
                };
                let kind = format!("{} x {} pixels", images.height, images.width);
                let labels = images.labels.as_ref();
                let labels = labels.map(|labels| of_words(labels.iter().map(|label| *label as u64)));
                let mut columns = vec![print("pixels", &kind, pixels)];
                columns.extend(labels.map(|hash| print(crate::dataset::LABEL, "label", hash)));
                columns
            }
        };
        Fingerprint { rows: self.rows(), columns }
    }
}

/// Stands for a missing cell: a bit pattern that no number of a column has.
const MISSING: u64 = u64::MAX;

fn hash(column: &Column) -> u64 {
    match &column.values {
        Values::Numbers(numbers) => {
            let values = &numbers.values;
            of_words((0..values.len()).map(|row| match (values.is_valid(row), numbers.word(row)) {
                (true, _) => (values.value(row) + 0.0).to_bits(),
                (false, Some(word)) => XxHash3_64::oneshot(word.as_bytes()),
                (false, None) => MISSING,
            }))
        }
        Values::Texts(texts) => {
            let format = texts.date_format.as_deref().unwrap_or_default();
            let days = |text: &str| Some(date::part(date::parse(text, format)?, "days"));
            let of_text = |text: &str| match (column.kind, truth(text)) {
                // Spellings of one truth value are the same.
                (ColumnType::Truth, Some(value)) => u64::from(value),
                // So are the ways to write one instant.
                (ColumnType::Date, _) if let Some(days) = days(text) => days.to_bits(),
                _ => XxHash3_64::oneshot(text.as_bytes()),
            };
            let hashes: Vec<u64> = texts.texts().map(of_text).collect();
            of_words((0..column.len()).map(|row| texts.key(row).map_or(MISSING, |key| hashes[key])))
        }
    }
}

fn of_words(words: impl Iterator<Item = u64>) -> u64 {
    let mut hasher = XxHash3_64::new();
    let mut bytes = Vec::with_capacity(1 << 15);
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
        if bytes.len() >= 1 << 15 {
            std::hash::Hasher::write(&mut hasher, &bytes);
            bytes.clear();
        }
    }
    std::hash::Hasher::write(&mut hasher, &bytes);
    std::hash::Hasher::finish(&hasher)
}
