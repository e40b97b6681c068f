//! Turns rows of data into the inputs and targets of a network.

use super::category;
use super::{
    CategoricalColumn, InputColumn, InputPreprocessing, NumericColumn, Preprocessing, TargetPreprocessing,
};
use crate::cell::is_missing;
use crate::dataset::{Dataset, Features, LABEL};
use crate::error::{DataError, Place, Result};
use crate::names;
use crate::table::Table;
use crate::target::ClassIndex;
use std::borrow::Cow;
use std::collections::HashMap;

const LEARNED_NUMBERS: &str = "the training data had numbers here";

/// The targets of some rows, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetValues {
    /// The position of each row's class in [`Preprocessing::class_names`].
    Classes(Vec<u32>),
    /// The number of each row, on the scale of [`Preprocessing::target_scale`].
    Numbers(Vec<f64>),
}

/// How the network's numbers relate to those of the data: x' = (x - mean) / standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetScale {
    /// What is subtracted.
    pub mean: f64,
    /// What is divided by.
    pub standard_deviation: f64,
}

impl TargetScale {
    /// From the network's scale to that of the data: x = x' * standard deviation + mean.
    pub fn undo(self, standardized: f64) -> f64 {
        standardized * self.standard_deviation + self.mean
    }
}

/// The type of an input: `f32` or `f64`. Inputs are computed in `f64` and rounded once.
pub trait InputNumber: Copy + sealed::Sealed {
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Rounds to this type, or `None` where the number does not fit.
    fn rounded(number: f64) -> Option<Self>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

impl InputNumber for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn rounded(number: f64) -> Option<Self> {
        let rounded = number as Self;
        rounded.is_finite().then_some(rounded)
    }
}

impl InputNumber for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    fn rounded(number: f64) -> Option<Self> {
        number.is_finite().then_some(number)
    }
}

impl Preprocessing {
    /// The inputs of some rows, shape [rows, [`input_width`](Self::input_width)], row-major.
    /// Columns that were not learned from are ignored, wherever they are.
    ///
    /// # Errors
    /// A column that is not there; a text, `nan` or `inf` where numbers were learned; a number so far from the training
    /// rows that `T` cannot hold it; images of another size; images for a table, or a table for images; a row that is
    /// not there; more rows than fit into memory.
    pub fn inputs<T: InputNumber>(&self, dataset: &Dataset, rows: &[usize]) -> Result<Vec<T>> {
        dataset.check_rows(rows)?;
        let wrong_kind =
            |found, expected| DataError::WrongKind { file: dataset.name.clone(), found, expected };
        match (&self.inputs, &dataset.features) {
            (InputPreprocessing::Columns(columns), Features::Table(table)) => {
                let inputs = zeros(rows.len(), self.input_width())?;
                column_inputs(columns, table, rows, inputs)
            }
            (InputPreprocessing::Images(learned), Features::Images(images)) => {
                learned.inputs(&dataset.name, images, rows)
            }
            (InputPreprocessing::Columns(_), Features::Images(_)) => Err(wrong_kind("images", "a table")),
            (InputPreprocessing::Images(_), Features::Table(_)) => Err(wrong_kind("a table", "images")),
        }
    }

    /// The inputs of some rows of images as the bytes they are, shape [rows, [`input_width`](Self::input_width)], and the
    /// input that each byte stands for; `None` where inputs are not bytes: for a table, and for some images.
    ///
    /// # Errors
    /// As [`inputs`](Self::inputs).
    pub fn input_bytes<T: InputNumber>(
        &self,
        dataset: &Dataset,
        rows: &[usize],
    ) -> Result<Option<(Vec<u8>, [T; 256])>> {
        let (InputPreprocessing::Images(learned), Features::Images(images)) =
            (&self.inputs, &dataset.features)
        else {
            return Ok(None);
        };
        dataset.check_rows(rows)?;
        learned.bytes(&dataset.name, images, rows)
    }

    /// The targets of some rows.
    ///
    /// # Errors
    /// A target column or cell, or labels, that are missing; a class that was not there in training; a text, `nan` or `inf` where
    /// numbers were learned; a row that is not there.
    pub fn targets(&self, dataset: &Dataset, rows: &[usize]) -> Result<TargetValues> {
        dataset.check_rows(rows)?;
        let source = TargetSource::find(dataset, self.target_name())?;
        match &self.target {
            TargetPreprocessing::Classes(target) => {
                let index = ClassIndex::new(&target.classes);
                let classes = rows.iter().map(|&row| {
                    let label = source.text(row)?;
                    index.class(&label).ok_or_else(|| DataError::UnseenClass {
                        place: source.place(row),
                        class: names::shown(&label),
                        classes: names::list(&target.classes),
                    })
                });
                classes.collect::<Result<_>>().map(TargetValues::Classes)
            }
            TargetPreprocessing::Numbers(target) => {
                let numbers = rows.iter().map(|&row| {
                    let number = source.number(row)?;
                    f64::rounded((number - target.mean) / target.standard_deviation).ok_or_else(|| {
                        DataError::TooFar { place: source.place(row), cell: number.to_string() }
                    })
                });
                numbers.collect::<Result<_>>().map(TargetValues::Numbers)
            }
        }
    }

    /// How predicted numbers become those of the data, or `None` where the target is a class.
    pub fn target_scale(&self) -> Option<TargetScale> {
        match &self.target {
            TargetPreprocessing::Classes(_) => None,
            TargetPreprocessing::Numbers(target) => {
                Some(TargetScale { mean: target.mean, standard_deviation: target.standard_deviation })
            }
        }
    }
}

/// Where the targets of a data set are.
enum TargetSource<'a> {
    Column(&'a Table, usize),
    Labels(&'a str, &'a [i64]),
}

impl<'a> TargetSource<'a> {
    fn find(dataset: &'a Dataset, name: &str) -> Result<Self> {
        match &dataset.features {
            Features::Table(table) => Ok(Self::Column(table, find_column(table, name)?)),
            Features::Images(images) if name == LABEL => {
                Ok(Self::Labels(&dataset.name, images.needed_labels(&dataset.name)?))
            }
            Features::Images(_) => {
                Err(DataError::WrongKind { file: dataset.name.clone(), found: "images", expected: "a table" })
            }
        }
    }

    fn text(&self, row: usize) -> Result<Cow<'a, str>> {
        match *self {
            Self::Labels(_, labels) => Ok(Cow::Owned(labels[row].to_string())),
            Self::Column(table, column) => match table.cell(row, column) {
                cell if is_missing(cell) => Err(self.missing(row)),
                cell => Ok(Cow::Borrowed(cell)),
            },
        }
    }

    fn number(&self, row: usize) -> Result<f64> {
        match *self {
            Self::Labels(_, labels) => Ok(labels[row] as f64),
            Self::Column(table, column) => {
                (table.number(row, column, LEARNED_NUMBERS)?).ok_or_else(|| self.missing(row))
            }
        }
    }

    fn missing(&self, row: usize) -> DataError {
        DataError::MissingTarget { place: self.place(row) }
    }

    fn place(&self, row: usize) -> Place {
        match *self {
            Self::Column(table, column) => table.place(row, column),
            Self::Labels(file, _) => Place {
                file: file.to_owned(),
                line: None,
                column: format!("{LABEL} of image {row} (counted from 0)"),
            },
        }
    }
}

pub(super) fn zeros<T: InputNumber>(rows: usize, width: usize) -> Result<Vec<T>> {
    let too_large = || DataError::TooLarge { rows, width };
    let length = rows.checked_mul(width).ok_or_else(too_large)?;
    let mut inputs = Vec::new();
    inputs.try_reserve_exact(length).map_err(|_| too_large())?;
    inputs.resize(length, T::ZERO);
    Ok(inputs)
}

fn column_inputs<T: InputNumber>(
    columns: &[InputColumn],
    table: &Table,
    rows: &[usize],
    mut inputs: Vec<T>,
) -> Result<Vec<T>> {
    let width = columns.iter().map(InputColumn::width).sum();
    if width == 0 {
        return Ok(inputs);
    }
    let mut first = 0;
    for learned in columns {
        let column = find_column(table, learned.name())?;
        let cells = inputs.chunks_exact_mut(width).zip(rows);
        let cells = cells.map(|(inputs, &row)| (&mut inputs[first..], row));
        match learned {
            InputColumn::Numeric(learned) => numeric_inputs(learned, table, column, cells)?,
            InputColumn::Categorical(learned) => {
                categorical_inputs(learned, table, column, cells);
            }
        }
        first += learned.width();
    }
    Ok(inputs)
}

fn find_column(table: &Table, name: &str) -> Result<usize> {
    table.column(name).ok_or_else(|| DataError::MissingColumn {
        file: table.file().to_owned(),
        name: name.to_owned(),
        nearest: table.nearest_column(name),
        columns: names::list(table.header()),
    })
}

/// `cells`: for each row, the inputs from this column on, all zero, and the row's number.
fn numeric_inputs<'a, T: InputNumber + 'a>(
    learned: &NumericColumn,
    table: &Table,
    column: usize,
    cells: impl Iterator<Item = (&'a mut [T], usize)>,
) -> Result<()> {
    for (inputs, row) in cells {
        let too_far = || DataError::TooFar {
            place: table.place(row, column),
            cell: names::shown(table.cell(row, column)),
        };
        match table.number(row, column, LEARNED_NUMBERS)? {
            Some(number) => {
                inputs[0] =
                    T::rounded((number - learned.mean) / learned.standard_deviation).ok_or_else(too_far)?;
            }
            None if learned.missing => inputs[1] = T::ONE,
            None => {}
        }
    }
    Ok(())
}

/// `cells`: for each row, the inputs from this column on, all zero, and the row's number.
fn categorical_inputs<'a, T: InputNumber + 'a>(
    learned: &CategoricalColumn,
    table: &Table,
    column: usize,
    cells: impl Iterator<Item = (&'a mut [T], usize)>,
) {
    let positions: HashMap<&str, usize> = (learned.categories.iter())
        .enumerate()
        .map(|(position, category)| (category.as_str(), position))
        .collect();
    for (inputs, row) in cells {
        if let Some(&position) = positions.get(category(table.cell(row, column))) {
            inputs[position] = T::ONE;
        }
    }
}
