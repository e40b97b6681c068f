//! Finds means, deviations and categories in the training rows.

use super::{
    CategoricalColumn, ClassTarget, DateColumn, DatePart, ImageInputs, IndexColumn, IndicatorColumn,
    InputColumn, InputPreprocessing, MOST_CATEGORIES, MOST_INDEXED, MOST_ONE_HOT, NumberTarget,
    NumericColumn, OneHotColumn, Preprocessing, RobustColumn, RobustScale, TargetPreprocessing, bucket_of,
    robust,
};
use crate::column::{Column, ColumnType, Values};
use crate::dataset::{Dataset, Features, LABEL};
use crate::date;
use crate::error::{DataError, Result};
use crate::missing::MissingWords;
use crate::names;
use crate::note::Note;
use crate::number::{self, NumberStyle};
use crate::parallel;
use crate::statistics::Statistics;
use crate::table::Table;
use crate::target::{Objective, Task};
use crate::truth::truth;
use arrow_array::Array;
use std::collections::BTreeSet;

/// A text column is one of identifiers where it has more different values than this, and more than half as many as cells.
const LEAST_IDENTIFIERS: usize = 64;

/// What fitting depends on beside the data.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `standardize_target` | yes | whether a regression's targets get mean 0 and deviation 1 in training |
/// | `clamp_target` | no | whether predictions of a regression are kept within the range of the training rows |
/// | `encoding` | standardized | how columns become inputs |
/// | `ignore` | none | columns that are no inputs |
/// | `missing` | the usual words | which words were read as missing, to be stored with the model |
/// | `threads` | all | how many threads fit columns; 0 for as many as the machine runs at once |
#[derive(Clone, Debug, PartialEq)]
pub struct FitOptions {
    /// Whether targets are standardized.
    pub standardize_target: bool,
    /// Whether predicted numbers are kept within the range of the training rows.
    pub clamp_target: bool,
    /// How columns become inputs.
    pub encoding: InputEncoding,
    /// The names of columns that are not learned from.
    pub ignore: Vec<String>,
    /// What the data were read with.
    pub missing: MissingWords,
    /// How many threads fit.
    pub threads: usize,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            standardize_target: true,
            clamp_target: false,
            encoding: InputEncoding::default(),
            ignore: Vec::new(),
            missing: MissingWords::default(),
            threads: 0,
        }
    }
}

/// How the columns of a table become inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputEncoding {
    /// Numbers standardized, a gap as the mean with a mark, each category an input: for any network.
    #[default]
    Standardized,
    /// Numbers, truth values and up to [`MOST_ONE_HOT`] categories on robust scales, gaps of numbers as missing inputs (NaN), more
    /// categories as an index: for a network whose first layer takes columns.
    Robust,
}

impl Preprocessing {
    /// Fits on the given rows, and gives notes for the user: missing cells, columns left out and why.
    ///
    /// Means, deviations and categories are computed from the training rows alone. A column that says the same in all of
    /// them is left out, as is one of texts that mostly occur once, and one without any value.
    ///
    /// # Errors
    /// No training rows; a row or a column to ignore that is not there; `nan` or `inf` in a column of numbers; a cell that
    /// does not fit a type that was given; values whose mean overflows; no column left to learn from.
    pub fn fit(
        dataset: &Dataset,
        objective: &Objective,
        options: &FitOptions,
        training_rows: &[usize],
    ) -> Result<(Self, Vec<Note>)> {
        if training_rows.is_empty() {
            return Err(DataError::NoTrainingRows);
        }
        dataset.check_rows(training_rows)?;
        // In the order of the file, in which reading them costs least.
        let mut rows_in_order = training_rows.to_vec();
        rows_in_order.sort_unstable();
        let training_rows = rows_in_order.as_slice();
        let mut notes = Vec::new();
        let (inputs, numbers) = match &dataset.features {
            Features::Table(table) => {
                for name in &options.ignore {
                    table.find(name)?;
                }
                let columns = fit_columns(table, objective, options, training_rows, &mut notes)?;
                let targets = || -> Result<Vec<NumberTarget>> {
                    let target = |name: &String| fit_target(table, name, options, training_rows);
                    objective.names.iter().map(target).collect()
                };
                let numbers = if objective.task() == Task::Regression { targets()? } else { Vec::new() };
                (InputPreprocessing::Columns(columns), numbers)
            }
            Features::Images(images) => {
                let inputs = ImageInputs::fit(&dataset.name, images, training_rows)?;
                if inputs.constant.len() == images.size() {
                    notes.push(Note::new(
                        "constant_images",
                        "all training images are the same, so nothing can be learned from them",
                    ));
                }
                let targets = || -> Result<Vec<NumberTarget>> {
                    let labels = images.needed_labels(&dataset.name)?;
                    let values: Vec<f64> = training_rows.iter().map(|&row| labels[row] as f64).collect();
                    Ok(vec![number_target(&dataset.name, LABEL, options, &values, None)?])
                };
                let numbers = if objective.task() == Task::Regression { targets()? } else { Vec::new() };
                (InputPreprocessing::Images(inputs), numbers)
            }
        };
        let target = match objective.task() {
            Task::Classification => TargetPreprocessing::Classes(ClassTarget {
                name: objective.names[0].clone(),
                classes: objective.classes.clone(),
                kind: dataset.table().and_then(|table| Some(table.column(&objective.names[0])?.kind())),
                positive: None,
            }),
            Task::Regression => TargetPreprocessing::Numbers(numbers),
        };
        if let TargetPreprocessing::Numbers(targets) = &target {
            note_constant_targets(dataset, targets, training_rows, &mut notes);
        }
        Ok((Self { inputs, target, missing: options.missing.clone() }, notes))
    }
}

fn fit_columns(
    table: &Table,
    objective: &Objective,
    options: &FitOptions,
    rows: &[usize],
    notes: &mut Vec<Note>,
) -> Result<Vec<InputColumn>> {
    let is_input = |column: &&Column| {
        !objective.names.contains(&column.name)
            && !options.ignore.contains(&column.name)
            && column.kind != ColumnType::Index
    };
    let inputs: Vec<&Column> = table.columns().iter().filter(is_input).collect();
    let fitted = parallel::map(options.threads, table.cells(), &inputs, |column| {
        let mut notes = Vec::new();
        fit_column(table, column, options.encoding, rows, &mut notes).map(|fitted| (fitted, notes))
    });
    let mut columns = Vec::new();
    for fitted in fitted {
        let (column, more) = fitted?;
        columns.extend(column);
        notes.extend(more);
    }
    if options.encoding == InputEncoding::Robust {
        columns.sort_by_key(robust::order);
    }
    if columns.is_empty() {
        let dropped: Vec<&str> = notes.iter().map(|note| note.message.as_str()).collect();
        return Err(DataError::NoInputs {
            file: table.file().to_owned(),
            target: objective.names.join("', '"),
            dropped: match dropped.is_empty() {
                true => "; add a column".to_owned(),
                false => format!(": {}", dropped.join("; ")),
            },
        });
    }
    Ok(columns)
}

fn fit_column(
    table: &Table,
    column: &Column,
    encoding: InputEncoding,
    rows: &[usize],
    notes: &mut Vec<Note>,
) -> Result<Option<InputColumn>> {
    let name = &column.name;
    let missing = rows.iter().filter(|&&row| column.is_missing(row)).count();
    if missing == rows.len() {
        let all = if column.kind == ColumnType::Empty { "" } else { " in the training rows" };
        notes.push(left_out("empty_column", name, &format!("all its cells{all} are missing")));
        return Ok(None);
    }
    match column.kind {
        ColumnType::Number => fit_numeric(table, column, encoding, rows, notes),
        ColumnType::Truth => fit_truth(table, column, encoding, rows, notes),
        ColumnType::Date => fit_date(table, column, rows, notes),
        ColumnType::Category => {
            note_numbers(table, column, notes);
            Ok(fit_categorical(column, encoding, rows, missing, notes))
        }
        ColumnType::Text => {
            note_numbers(table, column, notes);
            notes.push(text_left_out(column, rows, missing));
            Ok(None)
        }
        ColumnType::Index | ColumnType::Empty => Ok(None),
    }
}

fn left_out(code: &'static str, name: &str, reason: &str) -> Note {
    Note::new(code, format!("column '{name}' is left out: {reason}"))
}

fn constant(name: &str) -> Note {
    left_out(
        "constant_column",
        name,
        "it has the same value in every training row, so nothing can be learned from it",
    )
}

fn fit_numeric(
    table: &Table,
    column: &Column,
    encoding: InputEncoding,
    rows: &[usize],
    notes: &mut Vec<Note>,
) -> Result<Option<InputColumn>> {
    let name = column.name.clone();
    let words = odd_words(table, column, notes)?;
    let cells =
        column.as_numbers(|word| words.contains(word)).map_err(|row| not_a_number(table, column, row))?;
    let mut values = Vec::with_capacity(rows.len());
    for &row in rows {
        if cells.is_valid(row) {
            values.push(cells.value(row));
        }
    }
    if let Some(row) = (0..cells.len()).find(|&row| cells.is_valid(row) && !cells.value(row).is_finite()) {
        return Err(DataError::NotFinite {
            place: table.place(row, &name),
            cell: names::shown(&column.text(row).unwrap_or_default()),
        });
    }
    if values.is_empty() {
        notes.push(left_out("empty_column", &name, "none of its cells in the training rows is a number"));
        return Ok(None);
    }
    let Some(statistics) = Statistics::of(&values) else {
        return Err(DataError::Overflow { file: table.file().to_owned(), column: name });
    };
    let (words, style) = (words.into_iter().collect(), style_of(column));
    let instead = in_its_place(encoding, ColumnType::Number, &name);
    let fitted = standardized(name, statistics, rows.len() - values.len(), words, style, &instead, notes);
    Ok(fitted.map(|fitted| match (encoding, fitted) {
        (_, Err(indicator)) => InputColumn::Indicator(indicator),
        (InputEncoding::Standardized, Ok(numeric)) => InputColumn::Numeric(numeric),
        (InputEncoding::Robust, Ok(numeric)) => InputColumn::Robust(robust_of(numeric, &mut values)),
    }))
}

/// A column of numbers, of which so many cells are missing in the training rows; a note says what is in their place. A constant is
/// left out, and where it has gaps, only these are learned: that is `Err`.
fn standardized(
    name: String,
    statistics: Statistics,
    missing: usize,
    words: Vec<String>,
    style: Option<NumberStyle>,
    in_their_place: &str,
    notes: &mut Vec<Note>,
) -> Option<std::result::Result<NumericColumn, IndicatorColumn>> {
    if statistics.is_constant && missing == 0 {
        notes.push(constant(&name));
        return None;
    }
    if statistics.is_constant {
        notes.push(only_gaps(&name));
        return Some(Err(IndicatorColumn { name, words }));
    }
    if missing > 0 {
        notes.push(missing_cells(&name, missing, in_their_place));
    }
    let (mean, standard_deviation) = (statistics.mean, statistics.standard_deviation);
    Some(Ok(NumericColumn { name, mean, standard_deviation, missing: missing > 0, words, style }))
}

/// The same column on a robust scale. Its numbers are not all the same, but their distances may be no numbers.
fn robust_of(numeric: NumericColumn, values: &mut [f64]) -> RobustColumn {
    let NumericColumn { name, mean, standard_deviation, missing, words, style } = numeric;
    let scale = RobustScale::of(values);
    let scale = scale.unwrap_or(RobustScale { median: mean, range: standard_deviation });
    RobustColumn { name, scale, missing, words, style }
}

/// How the numbers of a column are written, where not in the plain way.
fn style_of(column: &Column) -> Option<NumberStyle> {
    match &column.values {
        Values::Numbers(numbers) => Some(numbers.style).filter(|style| *style != NumberStyle::PLAIN),
        Values::Texts(_) => None,
    }
}

fn only_gaps(name: &str) -> Note {
    Note::new(
        "constant_values",
        format!(
            "column '{name}' has one value in all training rows that have any: only its gaps are learned from"
        ),
    )
}

fn missing_cells(name: &str, missing: usize, in_their_place: &str) -> Note {
    let cells = names::count(missing, "missing cell", "missing cells");
    Note::new("missing_cells", format!("{cells} in '{name}' in the training rows: {in_their_place}"))
}

/// What stands for a missing number, or truth value.
fn in_its_place(encoding: InputEncoding, kind: ColumnType, name: &str) -> String {
    match (encoding, kind) {
        (InputEncoding::Standardized, _) => {
            format!("the mean stands for them, and the input '{name} (missing)' marks them")
        }
        (InputEncoding::Robust, ColumnType::Truth) => "they are halfway between false and true".to_owned(),
        (InputEncoding::Robust, _) => "the network learns what stands for them".to_owned(),
    }
}

fn not_a_number(table: &Table, column: &Column, row: usize) -> DataError {
    DataError::NotANumber {
        place: table.place(row, &column.name),
        cell: names::shown(&column.text(row).unwrap_or_default()),
        reason: "the column holds numbers",
    }
}

/// The words among the numbers of a column, which are taken for missing values. Where the user said that the column holds
/// numbers, they are errors.
fn odd_words(table: &Table, column: &Column, notes: &mut Vec<Note>) -> Result<BTreeSet<String>> {
    let Values::Numbers(numbers) = &column.values else { return Ok(BTreeSet::new()) };
    let Some((first, _)) = numbers.words.first() else { return Ok(BTreeSet::new()) };
    if column.is_given {
        return Err(not_a_number(table, column, *first));
    }
    notes.extend(table.note_odd_words(column));
    Ok(numbers.words.iter().map(|(_, word)| word.to_string()).collect())
}

fn fit_truth(
    table: &Table,
    column: &Column,
    encoding: InputEncoding,
    rows: &[usize],
    notes: &mut Vec<Note>,
) -> Result<Option<InputColumn>> {
    let name = column.name.clone();
    let dictionary = column.dictionary();
    let value_of: Vec<Option<bool>> = dictionary.texts().map(truth).collect();
    let mut values = Vec::with_capacity(rows.len());
    for &row in rows {
        let Some(key) = dictionary.key(row) else { continue };
        let Some(value) = value_of[key] else {
            return Err(wrong_type(table, column, row, "a truth value, as the others of its column are"));
        };
        values.push(f64::from(u8::from(value)));
    }
    let Some(statistics) = Statistics::of(&values) else { return Ok(None) };
    let instead = in_its_place(encoding, ColumnType::Truth, &name);
    let missing = rows.len() - values.len();
    let fitted = standardized(name, statistics, missing, Vec::new(), None, &instead, notes);
    Ok(fitted.map(|fitted| match (encoding, fitted) {
        (_, Err(indicator)) => InputColumn::Indicator(indicator),
        (InputEncoding::Standardized, Ok(numeric)) => InputColumn::Truth(numeric),
        (InputEncoding::Robust, Ok(numeric)) => {
            // As a missing one is applied.
            values.resize(rows.len(), 0.5);
            InputColumn::RobustTruth(robust_of(numeric, &mut values))
        }
    }))
}

fn wrong_type(table: &Table, column: &Column, row: usize, expected: &'static str) -> DataError {
    DataError::WrongType {
        place: table.place(row, &column.name),
        cell: names::shown(&column.text(row).unwrap_or_default()),
        expected,
    }
}

fn fit_date(
    table: &Table,
    column: &Column,
    rows: &[usize],
    notes: &mut Vec<Note>,
) -> Result<Option<InputColumn>> {
    let name = column.name.clone();
    let dictionary = column.dictionary();
    let format = dictionary.date_format.as_deref().unwrap_or(date::DATE_FORMATS[0]).to_owned();
    let instants: Vec<_> = dictionary.texts().map(|text| date::parse(text, &format)).collect();
    let mut keys = Vec::with_capacity(rows.len());
    for &row in rows {
        let Some(key) = dictionary.key(row) else { continue };
        let Some(instant) = instants[key] else {
            return Err(wrong_type(table, column, row, "a date, as the others of its column are"));
        };
        keys.push(instant);
    }
    let missing = rows.len() - keys.len();
    let mut parts = Vec::new();
    for part in date::PARTS {
        let values: Vec<f64> = keys.iter().map(|instant| date::part(*instant, part)).collect();
        if let Some(statistics) = Statistics::of(&values).filter(|statistics| !statistics.is_constant) {
            let (mean, standard_deviation) = (statistics.mean, statistics.standard_deviation);
            parts.push(DatePart { part: part.to_owned(), mean, standard_deviation });
        }
    }
    if parts.is_empty() {
        if missing == 0 {
            notes.push(constant(&name));
            return Ok(None);
        }
        notes.push(only_gaps(&name));
        return Ok(Some(InputColumn::Indicator(IndicatorColumn { name, words: Vec::new() })));
    }
    let shown: Vec<&str> = parts.iter().map(|part| part.part.as_str()).collect();
    notes.push(Note::new(
        "date_parts",
        format!("column '{name}' holds dates or times; learned from: {}", shown.join(", ")),
    ));
    Ok(Some(InputColumn::Date(DateColumn { name, format, parts, missing: missing > 0 })))
}

/// Tells of a column most of whose cells are numbers although it is none of numbers.
fn note_numbers(table: &Table, column: &Column, notes: &mut Vec<Note>) {
    let Values::Texts(texts) = &column.values else { return };
    if column.is_given {
        return;
    }
    let is_number: Vec<bool> = texts.texts().map(|text| number::plain(text).is_some()).collect();
    let counts = texts.counts();
    let present: usize = counts.iter().sum();
    let numbers: usize =
        counts.iter().zip(&is_number).filter(|(_, is_number)| **is_number).map(|(count, _)| count).sum();
    let is_word = |&row: &usize| texts.key(row).is_some_and(|key| !is_number[key]);
    let Some(row) = (0..texts.keys.len()).find(is_word).filter(|_| 2 * numbers > present) else { return };
    let (name, word) = (&column.name, texts.text(row).unwrap_or_default());
    // A flag cannot name a word with a comma, which stands between words.
    let missing = match word.contains([',', '\'']) {
        true => String::new(),
        false => format!(" --missing '{word}'"),
    };
    notes.push(Note::new(
        "mostly_numbers",
        format!(
            "column '{name}' is not read as numbers, although {} of its {} are; the first that is none is '{}', \
             on {}; --types '{name}=number'{missing} reads numbers",
            names::thousands(numbers),
            names::count(present, "cell", "cells"),
            names::shown(word),
            table.place(row, name).line_words(),
        ),
    ));
}

fn text_left_out(column: &Column, rows: &[usize], missing: usize) -> Note {
    let name = &column.name;
    let dictionary = column.dictionary();
    let distinct = dictionary.texts().count();
    left_out(
        "text_column",
        name,
        &format!(
            "it has {} different texts in {}, as names and identifiers have; --types {name}=category learns from it",
            names::thousands(distinct),
            names::count(column.len().max(rows.len()) - missing, "cell", "cells")
        ),
    )
}

fn fit_categorical(
    column: &Column,
    encoding: InputEncoding,
    rows: &[usize],
    missing: usize,
    notes: &mut Vec<Note>,
) -> Option<InputColumn> {
    let name = column.name.clone();
    let dictionary = column.dictionary();
    let mut counts = vec![0_usize; dictionary.distinct.len()];
    rows.iter().filter_map(|&row| dictionary.key(row)).for_each(|key| counts[key] += 1);
    let mut by_frequency: Vec<(&str, usize)> =
        dictionary.texts().zip(counts).filter(|(_, count)| *count > 0).collect();
    let distinct = by_frequency.len();
    if !column.is_given && distinct > LEAST_IDENTIFIERS && distinct > (rows.len() - missing) / 2 {
        notes.push(left_out(
            "text_column",
            &name,
            &format!(
                "it has {} different texts in {} of the training rows, as names and identifiers have; \
                 --types {name}=category learns from it",
                names::thousands(distinct),
                names::count(rows.len() - missing, "cell", "cells")
            ),
        ));
        return None;
    }
    if distinct + usize::from(missing > 0) == 1 {
        notes.push(constant(&name));
        return None;
    }
    if missing > 0 {
        notes.push(Note::new(
            "missing_cells",
            format!(
                "{} in '{name}' in the training rows: they are a category of their own",
                names::count(missing, "missing cell", "missing cells")
            ),
        ));
    }
    if encoding == InputEncoding::Robust && (2..=MOST_ONE_HOT).contains(&distinct) {
        by_frequency.sort_by(|one, two| one.0.cmp(two.0));
        let counts: Vec<usize> = by_frequency.iter().map(|(_, count)| *count).collect();
        let categories = by_frequency.into_iter().map(|(category, _)| category.to_owned()).collect();
        return Some(InputColumn::OneHot(OneHotColumn::fit(name, categories, &counts, rows.len())));
    }
    by_frequency.sort_by(|one, two| two.1.cmp(&one.1).then(one.0.cmp(two.0)));
    let is_index = encoding == InputEncoding::Robust && distinct > MOST_ONE_HOT;
    let most = if is_index { MOST_INDEXED } else { MOST_CATEGORIES };
    let own = most - usize::from(missing > 0);
    let rare = by_frequency.split_off(own.min(distinct));
    let buckets: BTreeSet<u32> = rare.iter().map(|(category, _)| bucket_of(category)).collect();
    if !rare.is_empty() {
        notes.push(Note::new(
            "many_categories",
            format!(
                "column '{name}' has {} categories: the {own} most frequent have {} each, the others share {}",
                names::thousands(distinct),
                if is_index { "a learned vector" } else { "an input" },
                names::count(
                    buckets.len(),
                    if is_index { "vector" } else { "input" },
                    if is_index { "vectors" } else { "inputs" }
                )
            ),
        ));
    }
    let mut categories: Vec<String> =
        by_frequency.into_iter().map(|(category, _)| category.to_owned()).collect();
    if missing > 0 {
        categories.push(String::new());
    }
    categories.sort_unstable();
    let buckets = buckets.into_iter().collect();
    Some(match is_index {
        true => InputColumn::Index(IndexColumn { name, categories, buckets }),
        false => InputColumn::Categorical(CategoricalColumn { name, categories, buckets }),
    })
}

fn fit_target(table: &Table, name: &str, options: &FitOptions, rows: &[usize]) -> Result<NumberTarget> {
    let column = &table.columns()[table.find(name)?];
    let cells = column.as_numbers(|_| false).map_err(|row| not_a_number(table, column, row))?;
    let values: Vec<f64> =
        rows.iter().filter(|&&row| cells.is_valid(row)).map(|&row| cells.value(row)).collect();
    number_target(table.file(), name, options, &values, style_of(column))
}

fn number_target(
    file: &str,
    name: &str,
    options: &FitOptions,
    values: &[f64],
    style: Option<NumberStyle>,
) -> Result<NumberTarget> {
    let statistics = Statistics::of(values)
        .ok_or_else(|| DataError::Overflow { file: file.to_owned(), column: name.to_owned() })?;
    let (mean, standard_deviation) = match options.standardize_target {
        true => (statistics.mean, statistics.standard_deviation),
        false => (0.0, 1.0),
    };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let within = options.clamp_target.then_some((least, greatest));
    Ok(NumberTarget { name: name.to_owned(), mean, standard_deviation, within, style })
}

fn note_constant_targets(dataset: &Dataset, targets: &[NumberTarget], rows: &[usize], notes: &mut Vec<Note>) {
    let Some(table) = dataset.table() else { return };
    for target in targets {
        let Some(column) = table.column(&target.name) else { continue };
        let Ok(cells) = column.as_numbers(|_| false) else { continue };
        let first = cells.value(rows[0]);
        if rows.iter().all(|&row| cells.value(row) == first) {
            notes.push(Note::new(
                "constant_target",
                format!(
                    "the target '{}' is {first} in every training row, so there is nothing to learn",
                    target.name
                ),
            ));
        }
    }
}
