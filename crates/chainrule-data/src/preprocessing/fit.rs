//! Finds means, deviations and categories in the training rows, and the classes in all rows.

use super::{
    CategoricalColumn, ClassTarget, ImageInputs, InputColumn, InputPreprocessing, MOST_CATEGORIES,
    NumberTarget, NumericColumn, Preprocessing, TargetPreprocessing, category,
};
use crate::dataset::{Dataset, Features, LABEL};
use crate::error::{DataError, Result};
use crate::names;
use crate::statistics::Statistics;
use crate::table::{Census, ColumnKind, Table};
use crate::target::{Target, Task, choose_target, classes_of_column, infer_task};
use std::collections::BTreeMap;

/// A text column is an identifier where it has more different values than this, and more than half as many as rows.
const LEAST_IDENTIFIERS: usize = 64;

impl Preprocessing {
    /// Fits on the given rows, and gives notes for the user: missing cells, columns left out and why.
    ///
    /// | parameter | meaning |
    /// |---|---|
    /// | `target` | the target column, or `None` for the last one, see [`choose_target`] |
    /// | `task` | what to learn, or `None` to decide from the target, see [`infer_task`] |
    /// | `standardize_target` | whether a regression's target gets mean 0 and deviation 1 in training |
    /// | `training_rows` | the only rows that means, deviations and categories are computed from |
    ///
    /// Whether a column holds numbers or texts, and which classes there are, is decided on all rows.
    /// A text column is left out where it is an identifier: more than 64 different values in the training rows, and
    /// more than half as many as the rows. A column without any value in the training rows is left out, too.
    ///
    /// # Errors
    /// Those of [`choose_target`] and [`infer_task`]; no training rows; a row that is not there; `nan` or `inf` in a
    /// column of numbers; values whose mean overflows; no column left to learn from.
    pub fn fit(
        dataset: &Dataset,
        target: Option<&str>,
        task: Option<Task>,
        standardize_target: bool,
        training_rows: &[usize],
    ) -> Result<(Self, Vec<String>)> {
        if training_rows.is_empty() {
            return Err(DataError::NoTrainingRows);
        }
        dataset.check_rows(training_rows)?;
        let target = choose_target(dataset, target)?;
        let task = infer_task(dataset, target, task)?;
        let mut notes = Vec::new();
        let (inputs, target) = match (&dataset.features, target) {
            (Features::Table(table), Target::Column(target)) => {
                let columns = fit_columns(table, target, training_rows, &mut notes)?;
                let fitted = match task {
                    Task::Classification => {
                        class_target(&table.header()[target], classes_of_column(table, target))
                    }
                    Task::Regression => {
                        let values = numbers(table, target, training_rows)?;
                        let name = &table.header()[target];
                        number_target(table.file(), name, standardize_target, &values, &mut notes)?
                    }
                };
                (InputPreprocessing::Columns(columns), fitted)
            }
            (Features::Images(images), _) => {
                let inputs = ImageInputs::fit(&dataset.name, images, training_rows)?;
                if inputs.constant.len() == images.size() {
                    notes.push(
                        "all training images are the same, so nothing can be learned from them".to_owned(),
                    );
                }
                let fitted = match task {
                    Task::Classification => {
                        class_target(LABEL, images.classes().iter().map(i64::to_string).collect())
                    }
                    Task::Regression => {
                        let labels = images.needed_labels(&dataset.name)?;
                        let values: Vec<f64> =
                            (training_rows.iter()).map(|&row| labels[row] as f64).collect();
                        let name = &dataset.name;
                        number_target(name, LABEL, standardize_target, &values, &mut notes)?
                    }
                };
                (InputPreprocessing::Images(inputs), fitted)
            }
            (Features::Table(table), Target::Labels) => {
                return Err(DataError::NoTarget {
                    file: table.file().to_owned(),
                    name: LABEL.to_owned(),
                    nearest: None,
                    columns: names::list(table.header()),
                });
            }
        };
        Ok((Self { inputs, target }, notes))
    }
}

fn fit_columns(
    table: &Table,
    target: usize,
    rows: &[usize],
    notes: &mut Vec<String>,
) -> Result<Vec<InputColumn>> {
    let mut columns = Vec::new();
    for column in (0..table.header().len()).filter(|column| *column != target) {
        let census = table.census(column);
        let fitted = match table.kind_from(column, &census)? {
            ColumnKind::Empty => {
                notes.push(format!(
                    "column '{}' is left out: all its cells are missing",
                    table.header()[column]
                ));
                None
            }
            ColumnKind::Numbers => fit_numeric(table, column, rows, notes)?,
            ColumnKind::Texts => {
                note_numbers_among_texts(table, column, &census, notes);
                fit_categorical(table, column, rows, notes)
            }
        };
        columns.extend(fitted);
    }
    if columns.is_empty() {
        return Err(DataError::NoInputs {
            file: table.file().to_owned(),
            target: table.header()[target].clone(),
            dropped: match notes.is_empty() {
                true => "; add a column".to_owned(),
                false => format!(": {}", notes.join("; ")),
            },
        });
    }
    Ok(columns)
}

fn fit_numeric(
    table: &Table,
    column: usize,
    rows: &[usize],
    notes: &mut Vec<String>,
) -> Result<Option<InputColumn>> {
    let name = &table.header()[column];
    let values = numbers(table, column, rows)?;
    if values.is_empty() {
        notes.push(format!("column '{name}' is left out: all its cells in the training rows are missing"));
        return Ok(None);
    }
    let statistics = Statistics::of(&values)
        .ok_or_else(|| DataError::Overflow { file: table.file().to_owned(), column: name.clone() })?;
    let missing = rows.len() - values.len();
    if missing > 0 {
        notes.push(format!(
            "{} in '{name}' in the training rows: the mean stands for them, and the input '{name} (missing)' marks them",
            names::count(missing, "missing cell", "missing cells")
        ));
    }
    if statistics.is_constant {
        notes.push(format!(
            "column '{name}' has the same number in every training row, so nothing can be learned from it"
        ));
    }
    Ok(Some(InputColumn::Numeric(NumericColumn {
        name: name.clone(),
        mean: statistics.mean,
        standard_deviation: statistics.standard_deviation,
        missing: missing > 0,
    })))
}

/// The numbers in the rows of a column, without the missing ones.
fn numbers(table: &Table, column: usize, rows: &[usize]) -> Result<Vec<f64>> {
    (rows.iter())
        .filter_map(|&row| (table.number(row, column, "the column holds numbers")).transpose())
        .collect()
}

fn fit_categorical(
    table: &Table,
    column: usize,
    rows: &[usize],
    notes: &mut Vec<String>,
) -> Option<InputColumn> {
    let name = &table.header()[column];
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for &row in rows {
        *counts.entry(category(table.cell(row, column))).or_default() += 1;
    }
    let missing = counts.get("").copied().unwrap_or(0);
    let distinct = counts.len() - usize::from(missing > 0);
    if distinct == 0 {
        notes.push(format!("column '{name}' is left out: all its cells in the training rows are missing"));
        return None;
    }
    if distinct > LEAST_IDENTIFIERS && distinct > (rows.len() - missing) / 2 {
        notes.push(format!(
            "column '{name}' is left out: it has {} different texts in {}, as an identifier has",
            names::thousands(distinct),
            names::count(rows.len() - missing, "cell", "cells")
        ));
        return None;
    }
    if missing > 0 {
        notes.push(format!(
            "{} in '{name}' in the training rows: they are a category of their own",
            names::count(missing, "missing cell", "missing cells")
        ));
    }
    if counts.len() == 1 {
        notes.push(format!(
            "column '{name}' has the same text in every training row, so nothing can be learned from it"
        ));
    }
    if counts.len() > MOST_CATEGORIES {
        notes.push(format!(
            "column '{name}' has {} categories: the {MOST_CATEGORIES} most frequent have an input each, the others none",
            names::thousands(counts.len())
        ));
    }
    let mut by_frequency: Vec<(&str, usize)> = counts.into_iter().collect();
    // Missing cells are kept however few they are; the sort is stable, so equally frequent ones stay in their order.
    by_frequency.sort_by_key(|(category, count)| (!category.is_empty(), std::cmp::Reverse(*count)));
    let mut categories: Vec<String> =
        (by_frequency.into_iter()).take(MOST_CATEGORIES).map(|(category, _)| category.to_owned()).collect();
    categories.sort_unstable();
    Some(InputColumn::Categorical(CategoricalColumn { name: name.clone(), categories }))
}

/// A column may have become a text column by a single slip; the user should hear of it.
fn note_numbers_among_texts(table: &Table, column: usize, census: &Census, notes: &mut Vec<String>) {
    let Some(row) = census.first_text else {
        return;
    };
    let (name, line) = (&table.header()[column], table.line(row));
    let cell = table.cell(row, column);
    let shown = names::shown(cell);
    if census.numbers > census.texts {
        notes.push(format!(
            "column '{name}' is read as texts, although {} of its cells are numbers, because of '{shown}' in line {line}",
            names::thousands(census.numbers)
        ));
    } else if cell.replacen(',', ".", 1).parse::<f64>().is_ok() {
        notes.push(format!(
            "column '{name}' is read as texts, because of the comma in '{shown}' in line {line}: \
             write a decimal point if it is a number"
        ));
    }
}

fn class_target(name: &str, classes: Vec<String>) -> TargetPreprocessing {
    TargetPreprocessing::Classes(ClassTarget { name: name.to_owned(), classes })
}

fn number_target(
    file: &str,
    name: &str,
    standardize: bool,
    values: &[f64],
    notes: &mut Vec<String>,
) -> Result<TargetPreprocessing> {
    let statistics = Statistics::of(values)
        .ok_or_else(|| DataError::Overflow { file: file.to_owned(), column: name.to_owned() })?;
    if statistics.is_constant {
        notes.push(format!(
            "the target '{name}' is {} in every training row, so there is nothing to learn",
            statistics.mean
        ));
    }
    let (mean, standard_deviation) = match standardize {
        true => (statistics.mean, statistics.standard_deviation),
        false => (0.0, 1.0),
    };
    Ok(TargetPreprocessing::Numbers(NumberTarget { name: name.to_owned(), mean, standard_deviation }))
}
