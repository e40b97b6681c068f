//! What a network is to predict: which column, and whether it holds classes or numbers.

use crate::cell::Cell;
use crate::dataset::{Dataset, Features, LABEL};
use crate::error::{DataError, Result};
use crate::names;
use crate::table::Table;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Whole numbers with more different values than this are a quantity, not classes.
const MOST_NUMBER_CLASSES: usize = 20;
/// Whole numbers are classes only where each occurs this often on average.
const LEAST_ROWS_PER_NUMBER_CLASS: usize = 5;

/// Where the target of a data set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The column of a table at this position.
    Column(usize),
    /// The labels of images.
    Labels,
}

/// What is learned about the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Which of several classes a row is in.
    Classification,
    /// A number.
    Regression,
}

/// Finds the target: the column of that name, or the last one. Images have only their labels, named [`LABEL`].
///
/// # Errors
/// Where there is no such column; the message suggests the nearest name and lists the columns. Images without labels; the
/// message names the file that was looked for.
pub fn choose_target(dataset: &Dataset, name: Option<&str>) -> Result<Target> {
    match (&dataset.features, name) {
        (Features::Images(images), None | Some(LABEL)) => {
            images.needed_labels(&dataset.name).map(|_| Target::Labels)
        }
        (Features::Images(_), Some(name)) => {
            Err(DataError::ImageTarget { file: dataset.name.clone(), name: name.to_owned(), expected: LABEL })
        }
        (Features::Table(table), None) => Ok(Target::Column(table.header().len() - 1)),
        (Features::Table(table), Some(name)) => match table.column(name) {
            Some(column) => Ok(Target::Column(column)),
            None => Err(DataError::NoTarget {
                file: table.file().to_owned(),
                name: name.to_owned(),
                nearest: table.nearest_column(name),
                columns: names::list(table.header()),
            }),
        },
    }
}

/// Decides between classification and regression, and checks that the target suits it.
///
/// Without `wanted`, the labels of images and a column with texts are classes; a column of numbers holds classes where
/// all are whole, at most 20 are different, and each occurs 5 times or more on average; otherwise it is a quantity.
///
/// # Errors
/// Where a row has no target, where there is one class only or a class for every row, and where a regression has a
/// text for its target.
pub fn infer_task(dataset: &Dataset, target: Target, wanted: Option<Task>) -> Result<Task> {
    match (&dataset.features, target) {
        (Features::Table(table), Target::Column(column)) if column < table.header().len() => {
            infer_from_column(table, column, wanted)
        }
        (Features::Images(images), Target::Labels) => {
            let task = wanted.unwrap_or(Task::Classification);
            images.needed_labels(&dataset.name)?;
            if let (Task::Classification, [class]) = (task, images.classes().as_slice()) {
                return Err(DataError::OneClass {
                    file: dataset.name.clone(),
                    column: LABEL.to_owned(),
                    class: class.to_string(),
                });
            }
            Ok(task)
        }
        (features, target) => Err(DataError::NoTarget {
            file: dataset.name.clone(),
            name: match target {
                Target::Column(column) => format!("number {}", column.saturating_add(1)),
                Target::Labels => LABEL.to_owned(),
            },
            nearest: None,
            columns: match features {
                Features::Table(table) => names::list(table.header()),
                Features::Images(_) => format!("'{LABEL}'"),
            },
        }),
    }
}

/// The class of each row of the data set, for [`split`](crate::split()), or `None` for a regression.
///
/// # Errors
/// Those of [`choose_target`] and [`infer_task`].
pub fn strata(dataset: &Dataset, target: Option<&str>, task: Option<Task>) -> Result<Option<Vec<u32>>> {
    let target = choose_target(dataset, target)?;
    if infer_task(dataset, target, task)? == Task::Regression {
        return Ok(None);
    }
    Ok(match (&dataset.features, target) {
        (Features::Table(table), Target::Column(column)) => {
            let classes = classes_of_column(table, column);
            let index = ClassIndex::new(&classes);
            (0..table.rows()).map(|row| index.class(table.cell(row, column))).collect()
        }
        (Features::Images(images), _) => {
            let classes = images.classes();
            let class = |label| classes.binary_search(label).ok().and_then(|class| u32::try_from(class).ok());
            images.needed_labels(&dataset.name)?.iter().map(class).collect()
        }
        (Features::Table(_), Target::Labels) => None,
    })
}

fn infer_from_column(table: &Table, column: usize, wanted: Option<Task>) -> Result<Task> {
    let census = table.census(column);
    if let Some(row) = census.first_missing {
        return Err(DataError::MissingTarget { place: table.place(row, column) });
    }
    // Also refuses nan and inf among numbers.
    table.kind_from(column, &census)?;
    if let (Some(row), Some(Task::Regression)) = (census.first_text, wanted) {
        return Err(DataError::NotANumber {
            place: table.place(row, column),
            cell: names::shown(table.cell(row, column)),
            reason: "a regression predicts numbers",
        });
    }
    let is_text = census.texts > 0;
    let task = match wanted {
        Some(task) => task,
        None if is_text || are_number_classes(table, column) => Task::Classification,
        None => Task::Regression,
    };
    if task == Task::Classification {
        let classes = classes_of_column(table, column);
        if let [class] = classes.as_slice() {
            return Err(DataError::OneClass {
                file: table.file().to_owned(),
                column: table.header()[column].clone(),
                class: names::shown(class),
            });
        }
        if classes.len() == table.rows() {
            return Err(DataError::IdentifierTarget {
                file: table.file().to_owned(),
                column: table.header()[column].clone(),
                classes: classes.len(),
            });
        }
    }
    Ok(task)
}

fn are_number_classes(table: &Table, column: usize) -> bool {
    let mut distinct = HashSet::new();
    for row in 0..table.rows() {
        let Cell::Number(number) = Cell::parse(table.cell(row, column)) else {
            return false;
        };
        distinct.insert(bits(number));
        if number.fract() != 0.0 || distinct.len() > MOST_NUMBER_CLASSES {
            return false;
        }
    }
    table.rows() / LEAST_ROWS_PER_NUMBER_CLASS >= distinct.len()
}

/// The different values of a column, sorted: by value where all are numbers, else as texts. Numbers of one value are one
/// class (`1` and `1.0`), written as where it first occurs.
pub(crate) fn classes_of_column(table: &Table, column: usize) -> Vec<String> {
    let cells = || (0..table.rows()).map(|row| table.cell(row, column));
    let numbers: Option<Vec<f64>> = cells().map(number).collect();
    let Some(numbers) = numbers else {
        let mut classes: Vec<&str> = cells().collect::<HashSet<_>>().into_iter().collect();
        classes.sort_unstable();
        return classes.into_iter().map(str::to_owned).collect();
    };
    let mut by_value: BTreeMap<u64, (f64, &str)> = BTreeMap::new();
    for (number, cell) in numbers.into_iter().zip(cells()) {
        by_value.entry(bits(number)).or_insert((number, cell));
    }
    let mut classes: Vec<(f64, &str)> = by_value.into_values().collect();
    classes.sort_by(|a, b| a.0.total_cmp(&b.0));
    classes.into_iter().map(|(_, cell)| cell.to_owned()).collect()
}

/// Finds the number of a class from its name; where all names are numbers, also from another way to write that number.
pub(crate) struct ClassIndex<'a> {
    by_name: HashMap<&'a str, u32>,
    by_value: Option<HashMap<u64, u32>>,
}

impl<'a> ClassIndex<'a> {
    pub(crate) fn new(classes: &'a [String]) -> Self {
        let numbered = || classes.iter().map(String::as_str).zip(0_u32..);
        Self {
            by_name: numbered().collect(),
            by_value: numbered().map(|(name, class)| Some((bits(number(name)?), class))).collect(),
        }
    }

    pub(crate) fn class(&self, cell: &str) -> Option<u32> {
        let by_value = || self.by_value.as_ref()?.get(&bits(number(cell)?));
        self.by_name.get(cell).or_else(by_value).copied()
    }

    /// Whether no two classes are the same name, or the same number.
    pub(crate) fn is_distinct(&self, classes: &[String]) -> bool {
        let names = self.by_name.len() == classes.len();
        let values = (self.by_value.as_ref()).is_none_or(|values| values.len() == classes.len());
        names && values
    }
}

fn number(cell: &str) -> Option<f64> {
    match Cell::parse(cell) {
        Cell::Number(number) => Some(number),
        _ => None,
    }
}

/// A key that is equal for equal numbers: adding 0 makes -0 into 0.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}
