//! Turns rows of data into the inputs and targets of a network.

use super::{
    CategoricalColumn, DateColumn, IndexColumn, InputColumn, InputPreprocessing, NumericColumn, OneHotColumn,
    Preprocessing, RobustColumn, TargetPreprocessing, bucket_of,
};
use crate::column::{Column, Dictionary};
use crate::dataset::{Dataset, Features, LABEL};
use crate::date;
use crate::error::{DataError, Place, Result};
use crate::missing::MissingWords;
use crate::names;
use crate::note::Note;
use crate::table::Table;
use crate::target::ClassIndex;
use crate::truth::truth;
use arrow_array::{Array, Float64Array};
use std::borrow::Cow;
use std::collections::HashMap;

const LEARNED_NUMBERS: &str = "the training data had numbers here";
/// Rows that one thread prepares at a time.
const PART: usize = 512;

/// The targets of some rows, in their order.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetValues {
    /// The position of each row's class in [`Preprocessing::class_names`].
    Classes(Vec<u32>),
    /// The numbers of each row, shape [rows, targets], on the scale of [`Preprocessing::target_scales`].
    Numbers(Vec<f64>),
}

/// How the network's numbers relate to those of the data: x' = (x - mean) / standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetScale {
    /// What is subtracted.
    pub mean: f64,
    /// What is divided by.
    pub standard_deviation: f64,
    /// What predictions are kept within, if they are.
    pub within: Option<(f64, f64)>,
}

impl TargetScale {
    /// From the network's scale to that of the data: x = x' * standard deviation + mean, kept within the range of the training
    /// rows where that is wanted.
    pub fn undo(self, standardized: f64) -> f64 {
        let number = standardized * self.standard_deviation + self.mean;
        // What is no number stays none.
        match self.within {
            Some((least, greatest)) if number.is_finite() => number.clamp(least, greatest),
            _ => number,
        }
    }
}

/// The type of an input: `f32` or `f64`. Inputs are computed in `f64` and rounded once.
pub trait InputNumber: Copy + Send + sealed::Sealed {
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// What stands for a missing number.
    const NAN: Self;
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
    const NAN: Self = f32::NAN;
    fn rounded(number: f64) -> Option<Self> {
        let rounded = number as Self;
        rounded.is_finite().then_some(rounded)
    }
}

impl InputNumber for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const NAN: Self = f64::NAN;
    fn rounded(number: f64) -> Option<Self> {
        number.is_finite().then_some(number)
    }
}

impl Preprocessing {
    /// The inputs of some rows, shape [rows, [`input_width`](Self::input_width)], row-major, made by `threads` threads.
    /// Columns that were not learned from are ignored, wherever they are. The notes tell of categories that were not there
    /// in training, and of gaps where there were none.
    ///
    /// # Errors
    /// A column that is not there; a text, `nan` or `inf` where numbers were learned; a number so far from the training
    /// rows that `T` cannot hold it; images of another size; images for a table, or a table for images; a row that is
    /// not there; more rows than fit into memory.
    pub fn inputs<T: InputNumber>(
        &self,
        dataset: &Dataset,
        rows: &[usize],
        threads: usize,
        notes: &mut Vec<Note>,
    ) -> Result<Vec<T>> {
        dataset.check_rows(rows)?;
        let wrong_kind =
            |found, expected| DataError::WrongKind { file: dataset.name.clone(), found, expected };
        match (&self.inputs, &dataset.features) {
            (InputPreprocessing::Columns(columns), Features::Table(table)) => {
                let inputs = zeros(rows.len(), self.input_width())?;
                let ready: Vec<Ready<'_>> = (columns.iter())
                    .map(|learned| Ready::new(learned, table, rows, &self.missing, notes))
                    .collect::<Result<_>>()?;
                column_inputs(&ready, table, rows, threads, inputs)
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

    /// The targets of some rows on the network's scale.
    ///
    /// # Errors
    /// A target column or cell, or labels, that are missing; a class that was not there in training; a text, `nan` or `inf` where
    /// numbers were learned; a row that is not there.
    pub fn targets(&self, dataset: &Dataset, rows: &[usize]) -> Result<TargetValues> {
        match &self.target {
            TargetPreprocessing::Classes(target) => {
                dataset.check_rows(rows)?;
                let index = ClassIndex::new(&target.classes);
                classes(dataset, &target.name, &index, &target.classes, rows).map(TargetValues::Classes)
            }
            TargetPreprocessing::Numbers(targets) => {
                let mut numbers = self.target_numbers(dataset, rows)?;
                for (position, number) in numbers.iter_mut().enumerate() {
                    let (row, target) = (rows[position / targets.len()], &targets[position % targets.len()]);
                    let standardized = (*number - target.mean) / target.standard_deviation;
                    *number = f64::rounded(standardized).ok_or_else(|| DataError::TooFar {
                        place: dataset.place(row, &target.name),
                        cell: number.to_string(),
                    })?;
                }
                Ok(TargetValues::Numbers(numbers))
            }
        }
    }

    /// The target numbers of some rows as the data have them, shape [rows, targets]; none for classes.
    ///
    /// # Errors
    /// As [`targets`](Self::targets).
    pub fn target_numbers(&self, dataset: &Dataset, rows: &[usize]) -> Result<Vec<f64>> {
        dataset.check_rows(rows)?;
        let TargetPreprocessing::Numbers(targets) = &self.target else { return Ok(Vec::new()) };
        let mut numbers = vec![0.0; rows.len() * targets.len()];
        for (position, target) in targets.iter().enumerate() {
            let of_target = numbers.iter_mut().skip(position).step_by(targets.len());
            match &dataset.features {
                Features::Images(_) => {
                    let labels = labels(dataset, &target.name)?;
                    of_target.zip(rows).for_each(|(number, &row)| *number = labels[row] as f64);
                }
                Features::Table(table) => {
                    let column = find_column(table, &target.name)?;
                    let cells = numbers_of(table, column, &self.missing, &[])?;
                    for (number, &row) in of_target.zip(rows) {
                        if cells.is_null(row) {
                            return Err(DataError::MissingTarget { place: table.place(row, &target.name) });
                        }
                        *number = finite(table, column, row, cells.value(row))?;
                    }
                }
            }
        }
        Ok(numbers)
    }

    /// Whether each row of the data set has every target.
    ///
    /// # Errors
    /// Where a target column or the labels are not there.
    pub fn have_targets(&self, dataset: &Dataset) -> Result<Vec<bool>> {
        let mut have = vec![true; dataset.rows()];
        for name in self.target_names() {
            match &dataset.features {
                Features::Images(_) => {
                    labels(dataset, name)?;
                }
                Features::Table(table) => {
                    let column = find_column(table, name)?;
                    have.iter_mut().enumerate().for_each(|(row, have)| *have &= !column.is_missing(row));
                }
            }
        }
        Ok(have)
    }

    /// How predicted numbers become those of the data, one a target, or `None` where the target is a class.
    pub fn target_scales(&self) -> Option<Vec<TargetScale>> {
        match &self.target {
            TargetPreprocessing::Classes(_) => None,
            TargetPreprocessing::Numbers(targets) => {
                let scale = |target: &super::NumberTarget| TargetScale {
                    mean: target.mean,
                    standard_deviation: target.standard_deviation,
                    within: target.within,
                };
                Some(targets.iter().map(scale).collect())
            }
        }
    }
}

fn labels<'a>(dataset: &'a Dataset, name: &str) -> Result<&'a [i64]> {
    match &dataset.features {
        Features::Images(images) if name == LABEL => images.needed_labels(&dataset.name),
        Features::Images(_) => {
            Err(DataError::WrongKind { file: dataset.name.clone(), found: "images", expected: "a table" })
        }
        Features::Table(_) => {
            Err(DataError::WrongKind { file: dataset.name.clone(), found: "a table", expected: "images" })
        }
    }
}

/// The class of each row.
fn classes(
    dataset: &Dataset,
    name: &str,
    index: &ClassIndex<'_>,
    all: &[String],
    rows: &[usize],
) -> Result<Vec<u32>> {
    let unseen = |place: Place, class: &str| DataError::UnseenClass {
        place,
        class: names::shown(class),
        classes: names::list(all).into(),
    };
    let table = match &dataset.features {
        Features::Table(table) => table,
        Features::Images(_) => {
            let labels = labels(dataset, name)?;
            let class = |&row: &usize| {
                let label = labels[row].to_string();
                let column = format!("{LABEL} of image {row} (counted from 0)").into();
                let place = || Place { file: dataset.name.clone(), line: None, row: None, column };
                index.class(&label).ok_or_else(|| unseen(place(), &label))
            };
            return rows.iter().map(class).collect();
        }
    };
    let column = find_column(table, name)?;
    let missing = |row| DataError::MissingTarget { place: table.place(row, name) };
    let unseen = |row: usize| unseen(table.place(row, name), &column.text(row).unwrap_or_default());
    if let Some(numbers) = column.plain_numbers() {
        let class = |&row: &usize| match numbers.is_valid(row) {
            false => Err(missing(row)),
            true => index.class_of_number(numbers.value(row)).ok_or_else(|| unseen(row)),
        };
        return rows.iter().map(class).collect();
    }
    let dictionary = column.dictionary();
    let class_of: Vec<Option<u32>> = dictionary.texts().map(|text| index.class(text)).collect();
    let class = |&row: &usize| match dictionary.key(row) {
        None => Err(missing(row)),
        Some(key) => class_of[key].ok_or_else(|| unseen(row)),
    };
    rows.iter().map(class).collect()
}

pub(super) fn zeros<T: InputNumber>(rows: usize, width: usize) -> Result<Vec<T>> {
    let too_large = || DataError::TooLarge { rows, width };
    let length = rows.checked_mul(width).ok_or_else(too_large)?;
    let mut inputs = Vec::new();
    inputs.try_reserve_exact(length).map_err(|_| too_large())?;
    inputs.resize(length, T::ZERO);
    Ok(inputs)
}

fn find_column<'a>(table: &'a Table, name: &str) -> Result<&'a Column> {
    table.column(name).ok_or_else(|| DataError::MissingColumn {
        file: table.file().to_owned(),
        name: name.to_owned(),
        nearest: table.nearest_column(name),
        columns: names::list(&table.header()),
    })
}

/// The cells of a column as numbers; words that stand for missing values are null.
fn numbers_of<'a>(
    table: &Table,
    column: &'a Column,
    missing: &MissingWords,
    words: &[String],
) -> Result<Cow<'a, Float64Array>> {
    let is_missing = |word: &str| missing.contains(word) || words.iter().any(|known| known == word);
    column.as_numbers(is_missing).map_err(|row| DataError::NotANumber {
        place: table.place(row, &column.name),
        cell: names::shown(&column.text(row).unwrap_or_default()),
        reason: LEARNED_NUMBERS,
    })
}

fn finite(table: &Table, column: &Column, row: usize, number: f64) -> Result<f64> {
    if number.is_finite() {
        return Ok(number);
    }
    Err(DataError::NotFinite {
        place: table.place(row, &column.name),
        cell: names::shown(&column.text(row).unwrap_or_default()),
    })
}

/// A learned column beside the cells that it is applied to.
enum Ready<'a> {
    /// A number, and a second input for gaps where they were learned.
    Numbers { learned: &'a NumericColumn, column: &'a Column, cells: Cow<'a, Float64Array> },
    /// A number on a robust scale.
    Robust { learned: &'a RobustColumn, column: &'a Column, cells: Cow<'a, Float64Array> },
    /// One of several inputs is 1, or none.
    OneOf { width: usize, texts: Cow<'a, Dictionary>, input_of: Vec<Option<usize>>, missing: Option<usize> },
    /// The inputs of each text, already scaled, and those of a missing cell.
    Table { width: usize, texts: Cow<'a, Dictionary>, inputs_of: Vec<f64>, of_missing: Vec<f64> },
    /// Whether the cell is missing.
    Gaps { column: &'a Column, missing: &'a MissingWords, words: &'a [String] },
}

impl<'a> Ready<'a> {
    fn new(
        learned: &'a InputColumn,
        table: &'a Table,
        rows: &[usize],
        missing: &'a MissingWords,
        notes: &mut Vec<Note>,
    ) -> Result<Self> {
        let column = find_column(table, learned.name())?;
        let ready = match learned {
            InputColumn::Numeric(learned) => {
                let cells = numbers_of(table, column, missing, &learned.words)?;
                Self::Numbers { learned, column, cells }
            }
            InputColumn::Categorical(learned) => Self::categories(learned, column, rows, missing, notes),
            InputColumn::Truth(learned) => Self::truths(learned, column, rows, notes),
            InputColumn::Date(learned) => Self::dates(learned, table, column, rows)?,
            InputColumn::Indicator(learned) => Self::Gaps { column, missing, words: &learned.words },
            InputColumn::Robust(learned) => {
                let cells = numbers_of(table, column, missing, &learned.words)?;
                Self::Robust { learned, column, cells }
            }
            InputColumn::RobustTruth(learned) => Self::robust_truths(learned, column, rows, notes),
            InputColumn::OneHot(learned) => Self::one_hot(learned, column, rows, missing, notes),
            InputColumn::Index(learned) => Self::indices(learned, column, rows, missing, notes),
        };
        let learned_gaps = match learned {
            InputColumn::Numeric(column) | InputColumn::Truth(column) => column.missing,
            InputColumn::Date(column) => column.missing,
            InputColumn::Robust(column) => column.missing,
            InputColumn::Categorical(_)
            | InputColumn::Indicator(_)
            | InputColumn::RobustTruth(_)
            | InputColumn::OneHot(_)
            | InputColumn::Index(_) => true,
        };
        let is_gap = |row: usize| match &ready {
            Self::Numbers { cells, .. } | Self::Robust { cells, .. } => cells.is_null(row),
            _ => column.is_missing(row),
        };
        let is_number = matches!(ready, Self::Numbers { .. } | Self::Robust { .. });
        let middle = if matches!(ready, Self::Robust { .. }) { "median" } else { "mean" };
        if !learned_gaps && column.missing() + usize::from(is_number) > 0 {
            let gaps: Vec<usize> = rows.iter().copied().filter(|&row| is_gap(row)).collect();
            if let Some(first) = gaps.first() {
                notes.push(Note::new(
                    "unlearned_gaps",
                    format!(
                        "{} in '{}', the first on {}, where the training rows had none: the {middle} stands for them",
                        names::count(gaps.len(), "missing cell", "missing cells"),
                        column.name,
                        table.place(*first, &column.name).line_words()
                    ),
                ));
            }
        }
        Ok(ready)
    }

    fn categories(
        learned: &'a CategoricalColumn,
        column: &'a Column,
        rows: &[usize],
        missing: &MissingWords,
        notes: &mut Vec<Note>,
    ) -> Self {
        let positions: HashMap<&str, usize> =
            learned.categories.iter().map(String::as_str).zip(0..).collect();
        let texts = column.dictionary();
        let bucket = |text: &str| {
            let position = learned.buckets.binary_search(&bucket_of(text)).ok()?;
            Some(learned.categories.len() + position)
        };
        let gap = positions.get("").copied();
        let input = |text: &str| {
            let learned = positions.get(text).copied().or_else(|| bucket(text));
            learned.or_else(|| missing.contains(text).then_some(gap).flatten())
        };
        let input_of: Vec<Option<usize>> = texts.texts().map(input).collect();
        note_unseen(column, &texts, &input_of, rows, notes);
        if gap.is_none() {
            note_gaps(column, rows, notes);
        }
        let width = learned.categories.len() + learned.buckets.len();
        Self::OneOf { width, texts, input_of, missing: gap }
    }

    /// Cells that are no truth values count as the mean.
    fn truths(learned: &'a NumericColumn, column: &'a Column, rows: &[usize], notes: &mut Vec<Note>) -> Self {
        let width = 1 + usize::from(learned.missing);
        let texts = column.dictionary();
        let mut inputs_of = vec![0.0; width * texts.distinct.len()];
        let mut input_of = vec![None; texts.distinct.len()];
        for (key, text) in texts.texts().enumerate() {
            if let Some(value) = truth(text) {
                let value = f64::from(u8::from(value));
                inputs_of[key * width] = (value - learned.mean) / learned.standard_deviation;
                input_of[key] = Some(0);
            }
        }
        note_unseen(column, &texts, &input_of, rows, notes);
        Self::Table { width, texts, inputs_of, of_missing: gap_marked(width, learned.missing) }
    }

    /// Cells that are no truth values count as missing.
    fn robust_truths(
        learned: &'a RobustColumn,
        column: &'a Column,
        rows: &[usize],
        notes: &mut Vec<Note>,
    ) -> Self {
        let texts = column.dictionary();
        let values: Vec<Option<bool>> = texts.texts().map(truth).collect();
        let input_of: Vec<Option<usize>> = values.iter().map(|value| value.map(|_| 0)).collect();
        note_unseen(column, &texts, &input_of, rows, notes);
        let scaled =
            |value: Option<bool>| learned.scale.scaled(value.map_or(0.5, |value| f64::from(u8::from(value))));
        let inputs_of = values.into_iter().map(scaled).collect();
        Self::Table { width: 1, texts, inputs_of, of_missing: vec![scaled(None)] }
    }

    fn one_hot(
        learned: &'a OneHotColumn,
        column: &'a Column,
        rows: &[usize],
        missing: &MissingWords,
        notes: &mut Vec<Note>,
    ) -> Self {
        let texts = column.dictionary();
        let is_known = |text: &str| learned.position(text).or(missing.contains(text).then_some(0));
        let input_of: Vec<Option<usize>> = texts.texts().map(is_known).collect();
        note_unseen(column, &texts, &input_of, rows, notes);
        let inputs_of = texts.texts().flat_map(|text| learned.inputs(Some(text))).collect();
        Self::Table { width: learned.scales.len(), texts, inputs_of, of_missing: learned.inputs(None) }
    }

    fn indices(
        learned: &'a IndexColumn,
        column: &'a Column,
        rows: &[usize],
        missing: &MissingWords,
        notes: &mut Vec<Note>,
    ) -> Self {
        let texts = column.dictionary();
        let gap = learned.index("");
        let index =
            |text: &str| learned.index(text).or_else(|| missing.contains(text).then_some(gap).flatten());
        let input_of: Vec<Option<usize>> = texts.texts().map(index).collect();
        note_unseen(column, &texts, &input_of, rows, notes);
        if gap.is_none() {
            note_gaps(column, rows, notes);
        }
        let number = |index: Option<usize>| index.map_or(f64::NAN, |index| index as f64);
        let inputs_of = input_of.into_iter().map(number).collect();
        Self::Table { width: 1, texts, inputs_of, of_missing: vec![number(gap)] }
    }

    fn dates(learned: &'a DateColumn, table: &Table, column: &'a Column, rows: &[usize]) -> Result<Self> {
        let width = learned.parts.len() + usize::from(learned.missing);
        let texts = column.dictionary();
        let mut inputs_of = vec![0.0; width * texts.distinct.len()];
        let mut is_wrong = vec![false; texts.distinct.len()];
        for (key, text) in texts.texts().enumerate() {
            let Some(instant) = date::parse(text, &learned.format) else {
                is_wrong[key] = true;
                continue;
            };
            for (input, part) in inputs_of[key * width..].iter_mut().zip(&learned.parts) {
                *input = (date::part(instant, &part.part) - part.mean) / part.standard_deviation;
            }
        }
        let is_wrong = |row: &&usize| texts.key(**row).is_some_and(|key| is_wrong[key]);
        if let Some(&row) = rows.iter().find(is_wrong) {
            return Err(DataError::WrongType {
                place: table.place(row, &column.name),
                cell: names::shown(&column.text(row).unwrap_or_default()),
                expected: "a date in the learned format, which the training data had here",
            });
        }
        Ok(Self::Table { width, texts, inputs_of, of_missing: gap_marked(width, learned.missing) })
    }

    fn width(&self) -> usize {
        match self {
            Self::Numbers { learned, .. } => 1 + usize::from(learned.missing),
            Self::OneOf { width, .. } | Self::Table { width, .. } => *width,
            Self::Gaps { .. } | Self::Robust { .. } => 1,
        }
    }

    /// Writes this column's inputs of some rows: for each, where they begin in `inputs`, and its number. They are all zero.
    fn write<T: InputNumber>(
        &self,
        table: &Table,
        rows: impl Iterator<Item = (usize, usize)>,
        inputs: &mut [T],
    ) -> Result<()> {
        match self {
            Self::Numbers { learned, column, cells } => {
                let values = cells.values();
                let nulls = cells.nulls();
                for (start, row) in rows {
                    if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                        if learned.missing {
                            inputs[start + 1] = T::ONE;
                        }
                        continue;
                    }
                    let number = values[row];
                    inputs[start] = match T::rounded((number - learned.mean) / learned.standard_deviation) {
                        Some(input) => input,
                        None => {
                            finite(table, column, row, number)?;
                            return Err(DataError::TooFar {
                                place: table.place(row, &column.name),
                                cell: names::shown(&column.text(row).unwrap_or_default()),
                            });
                        }
                    };
                }
            }
            Self::Robust { learned, column, cells } => {
                let (values, nulls) = (cells.values(), cells.nulls());
                for (start, row) in rows {
                    if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                        // The median is 0.
                        inputs[start] = if learned.missing { T::NAN } else { T::ZERO };
                        continue;
                    }
                    let number = finite(table, column, row, values[row])?;
                    inputs[start] = T::rounded(learned.scale.scaled(number)).unwrap_or(T::ZERO);
                }
            }
            Self::OneOf { texts, input_of, missing, .. } => {
                for (start, row) in rows {
                    let input = match texts.key(row) {
                        Some(key) => input_of[key],
                        None => *missing,
                    };
                    if let Some(input) = input {
                        inputs[start + input] = T::ONE;
                    }
                }
            }
            Self::Table { width, texts, inputs_of, of_missing } => {
                for (start, row) in rows {
                    let numbers = match texts.key(row) {
                        Some(key) => &inputs_of[key * width..][..*width],
                        None => of_missing,
                    };
                    for (input, &number) in inputs[start..].iter_mut().zip(numbers) {
                        *input = match number.is_nan() {
                            true => T::NAN,
                            false => T::rounded(number).unwrap_or(T::ZERO),
                        };
                    }
                }
            }
            Self::Gaps { column, missing, words } => {
                let is_word = |text: &str| missing.contains(text) || words.iter().any(|word| word == text);
                for (start, row) in rows {
                    if column.text(row).is_none_or(|text| is_word(&text)) {
                        inputs[start] = T::ONE;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The inputs of a missing cell: zeros, of which the last is 1 where gaps were learned.
fn gap_marked(width: usize, is_learned: bool) -> Vec<f64> {
    let mut inputs = vec![0.0; width];
    if is_learned {
        inputs[width - 1] = 1.0;
    }
    inputs
}

/// Tells of categories that no input stands for.
fn note_unseen(
    column: &Column,
    texts: &Dictionary,
    input_of: &[Option<usize>],
    rows: &[usize],
    notes: &mut Vec<Note>,
) {
    if !input_of.contains(&None) {
        return;
    }
    let mut counts = vec![0_usize; input_of.len()];
    for key in rows.iter().filter_map(|&row| texts.key(row)) {
        counts[key] += usize::from(input_of[key].is_none());
    }
    let unseen: Vec<&str> =
        texts.texts().zip(&counts).filter(|(_, count)| **count > 0).map(|(text, _)| text).collect();
    let count: usize = counts.iter().sum();
    if count > 0 {
        notes.push(Note::new(
            "unseen_categories",
            format!(
                "{} in '{}' {} a category that was not there in training: {}",
                names::count(count, "cell", "cells"),
                column.name,
                if count == 1 { "has" } else { "have" },
                names::list(&unseen)
            ),
        ));
    }
}

/// Tells of missing cells that no category stands for.
fn note_gaps(column: &Column, rows: &[usize], notes: &mut Vec<Note>) {
    if column.missing() == 0 {
        return;
    }
    let gaps = rows.iter().filter(|&&row| column.is_missing(row)).count();
    if gaps > 0 {
        notes.push(Note::new(
            "unlearned_gaps",
            format!(
                "{} in '{}', where the training rows had none: no category stands for them",
                names::count(gaps, "missing cell", "missing cells"),
                column.name
            ),
        ));
    }
}

/// Writes the inputs of all rows, on several threads; where several rows are wrong, the first one is told.
fn column_inputs<T: InputNumber>(
    ready: &[Ready<'_>],
    table: &Table,
    rows: &[usize],
    threads: usize,
    mut inputs: Vec<T>,
) -> Result<Vec<T>> {
    let width: usize = ready.iter().map(Ready::width).sum();
    if width == 0 {
        return Ok(inputs);
    }
    // Cells are read in the order of the file, however the rows were shuffled: reading here and there costs more.
    let write = |inputs: &mut [T], rows: &[usize]| -> Result<()> {
        let mut order: Vec<(usize, usize)> = rows.iter().copied().enumerate().collect();
        order.sort_unstable_by_key(|(_, row)| *row);
        for part in order.chunks(PART) {
            let mut first = 0;
            for column in ready {
                let starts = part.iter().map(|&(position, row)| (position * width + first, row));
                column.write(table, starts, inputs)?;
                first += column.width();
            }
        }
        Ok(())
    };
    let part = rows.len().div_ceil(threads.max(1)).max(PART);
    if part >= rows.len() {
        write(&mut inputs, rows)?;
        return Ok(inputs);
    }
    let write = &write;
    std::thread::scope(|scope| {
        let parts: Vec<_> = (inputs.chunks_mut(part * width).zip(rows.chunks(part)))
            .map(|(inputs, rows)| scope.spawn(move || write(inputs, rows)))
            .collect();
        parts
            .into_iter()
            .try_for_each(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    Ok(inputs)
}
