//! What a network is to predict: which columns, whether they hold classes or numbers, and which rows have them.

use crate::column::{Column, ColumnType, Values};
use crate::dataset::{Dataset, Features, LABEL};
use crate::error::{DataError, Place, Result};
use crate::images::Images;
use crate::names;
use crate::note::Note;
use crate::number;
use crate::table::Table;
use crate::truth::{are_truths, truth};
use arrow_array::Array;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Whole numbers with more different values than this are a quantity, not classes.
const MOST_NUMBER_CLASSES: usize = 20;
/// Whole numbers are classes only where each occurs this often on average.
const LEAST_ROWS_PER_NUMBER_CLASS: usize = 5;
/// Classes with fewer rows than this are hardly learned.
const FEW_ROWS: usize = 3;
/// Names that people give to targets.
const TARGET_NAMES: [&str; 9] =
    ["label", "labels", "target", "class", "y", "outcome", "response", "species", "diagnosis"];

/// What is learned about the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Which of several classes a row is in.
    Classification,
    /// A number, or several.
    Regression,
}

/// What is to be learned from a data set, found once: the targets, the task, the classes, and the rows that have a target.
#[derive(Clone, Debug)]
pub struct Objective {
    /// The names of the target columns, or [`LABEL`].
    pub(crate) names: Vec<String>,
    task: Task,
    /// For a classification, the classes, sorted by value where all are numbers, else as texts.
    pub(crate) classes: Vec<String>,
    /// The class of each row, for a classification.
    pub(crate) class_of: Vec<Option<u32>>,
    /// Whether each row has every target.
    has_target: Vec<bool>,
}

impl Objective {
    /// Finds the targets: the columns of these names, or the last one. Images have only their labels, named [`LABEL`].
    ///
    /// Without `wanted`, the labels of images and a column of texts are classes; a column of numbers holds classes where all
    /// are whole, at most 20 are different, and each occurs 5 times or more on average; otherwise it is a quantity. Rows
    /// without a target are left out.
    ///
    /// # Errors
    /// Where there is no such column; a target that is missing everywhere; one class only, or a class for every row; a text
    /// where numbers are learned, or where nearly all cells are numbers; several targets that are not all numbers.
    pub fn find(
        dataset: &Dataset,
        targets: &[String],
        wanted: Option<Task>,
        notes: &mut Vec<Note>,
    ) -> Result<Self> {
        Self::find_beside(dataset, targets, &[], wanted, notes)
    }

    /// As [`find`](Self::find), where some columns are for something else: they are no targets by default.
    ///
    /// # Errors
    /// As [`find`](Self::find); a target that is one of these columns.
    pub fn find_beside(
        dataset: &Dataset,
        targets: &[String],
        others: &[String],
        wanted: Option<Task>,
        notes: &mut Vec<Note>,
    ) -> Result<Self> {
        match &dataset.features {
            Features::Images(images) => of_images(dataset, images, targets, wanted),
            Features::Table(table) => of_table(table, targets, others, wanted, notes),
        }
    }

    /// Classification or regression.
    pub fn task(&self) -> Task {
        self.task
    }

    /// The names of the targets.
    pub fn target_names(&self) -> &[String] {
        &self.names
    }

    /// The names of the classes; empty for a regression.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How often each class occurs among these rows; empty for a regression.
    pub fn class_counts(&self, rows: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        let classes = rows.iter().filter_map(|&row| self.class_of.get(row).copied().flatten());
        classes.for_each(|class| counts[class as usize] += 1);
        counts
    }

    /// Whether a row has every target.
    pub fn has_target(&self, row: usize) -> bool {
        self.has_target[row]
    }

    /// The class of each row, for splits that divide every class alike; `None` for a regression. Rows without a class have
    /// class 0, and are not to be split.
    pub fn strata(&self) -> Option<Vec<u32>> {
        let is_classes = self.task == Task::Classification;
        is_classes.then(|| self.class_of.iter().map(|class| class.unwrap_or(0)).collect())
    }
}

fn of_images(
    dataset: &Dataset,
    images: &Images,
    targets: &[String],
    wanted: Option<Task>,
) -> Result<Objective> {
    if let Some(name) = targets.iter().find(|name| *name != LABEL) {
        return Err(DataError::ImageTarget {
            file: dataset.name.clone(),
            name: name.clone(),
            expected: LABEL,
        });
    }
    let labels = images.needed_labels(&dataset.name)?;
    let task = wanted.unwrap_or(Task::Classification);
    let (mut classes, mut class_of) = (Vec::new(), Vec::new());
    if task == Task::Classification {
        let values = images.classes();
        if let [class] = values.as_slice() {
            return Err(DataError::OneClass {
                file: dataset.name.clone(),
                column: LABEL.to_owned(),
                class: class.to_string(),
                other: String::new(),
            });
        }
        let class = |label| values.binary_search(label).ok().and_then(|class| u32::try_from(class).ok());
        class_of = labels.iter().map(class).collect();
        classes = values.iter().map(i64::to_string).collect();
    }
    Ok(Objective {
        names: vec![LABEL.to_owned()],
        task,
        classes,
        class_of,
        has_target: vec![true; labels.len()],
    })
}

fn of_table(
    table: &Table,
    targets: &[String],
    others: &[String],
    wanted: Option<Task>,
    notes: &mut Vec<Note>,
) -> Result<Objective> {
    let columns: Vec<&Column> = match targets {
        [] => vec![default_target(table, others, notes)?],
        names => names.iter().map(|name| find_target(table, name)).collect::<Result<_>>()?,
    };
    if let Some(column) = columns.iter().find(|column| others.contains(&column.name)) {
        return Err(DataError::TargetForOthers {
            file: table.file().to_owned(),
            column: column.name.clone(),
        });
    }
    let mut names_so_far = HashSet::new();
    if let Some(twice) = columns.iter().find(|column| !names_so_far.insert(&column.name)) {
        return Err(DataError::SeveralTargets {
            file: table.file().to_owned(),
            column: twice.name.clone(),
            problem: "is named twice".to_owned(),
        });
    }
    let task = match columns.as_slice() {
        [column] => infer(table, column, wanted)?,
        several => {
            for column in several {
                let is_number = column.kind == ColumnType::Number && wanted != Some(Task::Classification);
                if !is_number {
                    return Err(DataError::SeveralTargets {
                        file: table.file().to_owned(),
                        column: column.name.clone(),
                        problem: match wanted {
                            Some(Task::Classification) => "would be classes".to_owned(),
                            _ => format!("holds values of the type {}", column.kind.name()),
                        },
                    });
                }
                infer(table, column, Some(Task::Regression))?;
            }
            Task::Regression
        }
    };
    let has_target: Vec<bool> =
        (0..table.rows()).map(|row| columns.iter().all(|column| !column.is_missing(row))).collect();
    note_missing_targets(table, &columns, &has_target, notes);
    let names = columns.iter().map(|column| column.name.clone()).collect();
    let mut objective = Objective { names, task, classes: Vec::new(), class_of: Vec::new(), has_target };
    match (task, columns.as_slice()) {
        (Task::Classification, [column]) => {
            let Classes { names, class_of } = classes_of(column);
            check_classes(table, column, &names, &objective.has_target, targets.is_empty())?;
            note_classes(column, &names, &class_of, wanted, notes);
            (objective.classes, objective.class_of) = (names, class_of);
        }
        (_, [column]) if wanted.is_none() => note_quantity(column, notes),
        _ => {}
    }
    Ok(objective)
}

fn find_target<'a>(table: &'a Table, name: &str) -> Result<&'a Column> {
    table.column(name).ok_or_else(|| DataError::NoTarget {
        file: table.file().to_owned(),
        name: name.to_owned(),
        nearest: table.nearest_column(name),
        columns: names::list(&table.header()),
    })
}

/// The last column that holds anything but row numbers. Another one that is named like a target is told of.
fn default_target<'a>(table: &'a Table, others: &[String], notes: &mut Vec<Note>) -> Result<&'a Column> {
    let is_free = |column: &&Column| !others.contains(&column.name);
    let is_target = |column: &&Column| !matches!(column.kind, ColumnType::Index | ColumnType::Empty);
    let columns: Vec<&Column> = table.columns().iter().filter(is_free).collect();
    let target = columns.iter().rev().find(|column| is_target(column)).or(columns.last());
    let Some(&target) = target else {
        return Err(DataError::NoColumnLeft { file: table.file().to_owned() });
    };
    if !is_named_like_a_target(target)
        && let Some(other) = columns.into_iter().find(|column| is_named_like_a_target(column))
    {
        notes.push(Note::new(
            "default_target",
            format!(
                "the last column, '{}', is taken for the target; --target {} takes '{}'",
                target.name, other.name, other.name
            ),
        ));
    }
    Ok(target)
}

fn is_named_like_a_target(column: &Column) -> bool {
    TARGET_NAMES.contains(&column.name.to_lowercase().as_str())
}

/// Decides between classification and regression, and refuses cells that do not fit.
fn infer(table: &Table, column: &Column, wanted: Option<Task>) -> Result<Task> {
    let present = column.len() - column.missing();
    if present == 0 {
        return Err(DataError::NoTargets { file: table.file().to_owned(), column: column.name.clone() });
    }
    let not_a_number = |row: usize| DataError::NotANumber {
        place: table.place(row, &column.name),
        cell: names::shown(&column.text(row).unwrap_or_default()),
        reason: "a regression predicts numbers",
    };
    if wanted == Some(Task::Classification) {
        return Ok(Task::Classification);
    }
    if wanted == Some(Task::Regression) {
        let numbers = column.as_numbers(|_| false).map_err(not_a_number)?;
        check_finite(table, column, &numbers)?;
        return Ok(Task::Regression);
    }
    match &column.values {
        Values::Numbers(numbers) => {
            if let Some((row, word)) = numbers.words.first() {
                return Err(odd_target(table, column, *row, word, present - numbers.words.len(), present));
            }
            check_finite(table, column, &numbers.values)?;
            let classes = are_number_classes(numbers.values.iter().flatten(), present);
            Ok(if classes { Task::Classification } else { Task::Regression })
        }
        Values::Texts(texts) => {
            // A column of numbers with more than a few odd cells, as long as the numbers are too many to be classes.
            let counts = texts.counts();
            let value_of: Vec<Option<f64>> = texts.texts().map(number::plain).collect();
            let of_numbers =
                || value_of.iter().zip(&counts).filter(|(value, count)| value.is_some() && **count > 0);
            let numbers: usize = of_numbers().map(|(_, count)| count).sum();
            let is_category = column.is_given
                || column.kind == ColumnType::Category && of_numbers().count() <= MOST_NUMBER_CLASSES;
            if !is_category
                && 2 * numbers > present
                && numbers < present
                && let Some(row) = (0..texts.keys.len())
                    .find(|row| texts.key(*row).is_some_and(|key| value_of[key].is_none()))
            {
                let word = texts.text(row).unwrap_or_default().to_owned();
                return Err(odd_target(table, column, row, &word, numbers, present));
            }
            Ok(Task::Classification)
        }
    }
}

fn odd_target(
    table: &Table,
    column: &Column,
    row: usize,
    word: &str,
    numbers: usize,
    present: usize,
) -> DataError {
    DataError::OddTarget { place: table.place(row, &column.name), cell: names::shown(word), numbers, present }
}

fn check_finite(table: &Table, column: &Column, numbers: &arrow_array::Float64Array) -> Result<()> {
    let infinite = (0..numbers.len()).find(|&row| numbers.is_valid(row) && !numbers.value(row).is_finite());
    match infinite {
        None => Ok(()),
        Some(row) => Err(DataError::NotFinite {
            place: table.place(row, &column.name),
            cell: names::shown(&column.text(row).unwrap_or_default()),
        }),
    }
}

fn are_number_classes(numbers: impl Iterator<Item = f64>, present: usize) -> bool {
    let mut distinct = HashSet::new();
    for number in numbers {
        distinct.insert(bits(number));
        if number.fract() != 0.0 || distinct.len() > MOST_NUMBER_CLASSES {
            return false;
        }
    }
    present / LEAST_ROWS_PER_NUMBER_CLASS >= distinct.len()
}

fn note_missing_targets(table: &Table, columns: &[&Column], has_target: &[bool], notes: &mut Vec<Note>) {
    let Some(first) = has_target.iter().position(|has| !has) else { return };
    let count = has_target.iter().filter(|has| !**has).count();
    let without = columns.iter().find(|column| column.is_missing(first)).unwrap_or(&columns[0]);
    let is_text = columns.iter().any(|column| matches!(column.values, Values::Texts(_)));
    let advice = match is_text {
        true => "; --keep-words takes words such as NA or None for classes",
        false => "",
    };
    notes.push(Note::new(
        "missing_target",
        format!(
            "{} without '{}' {} left out, the first on {}{advice}",
            names::count(count, "row", "rows"),
            without.name,
            if count == 1 { "is" } else { "are" },
            table.place(first, &without.name).line_words()
        ),
    ));
}

fn check_classes(
    table: &Table,
    column: &Column,
    classes: &[String],
    has_target: &[bool],
    is_default: bool,
) -> Result<()> {
    let rows = has_target.iter().filter(|has| **has).count();
    if let [class] = classes {
        let named = table.columns().iter().find(|other| is_default && is_named_like_a_target(other));
        let named = named.filter(|other| other.name != column.name);
        return Err(DataError::OneClass {
            file: table.file().to_owned(),
            column: column.name.clone(),
            class: names::shown(class),
            other: named.map_or(String::new(), |other| format!(", such as --target '{}'", other.name)),
        });
    }
    if classes.len() == rows {
        return Err(DataError::IdentifierTarget {
            file: table.file().to_owned(),
            column: column.name.clone(),
            classes: classes.len(),
        });
    }
    Ok(())
}

fn note_classes(
    column: &Column,
    classes: &[String],
    class_of: &[Option<u32>],
    wanted: Option<Task>,
    notes: &mut Vec<Note>,
) {
    let name = &column.name;
    if let (Values::Numbers(numbers), true) = (&column.values, classes.len() > 2) {
        let is_whole = numbers.values.iter().flatten().all(|number| number.fract() == 0.0);
        if wanted.is_none() {
            notes.push(Note::new(
                "whole_number_classes",
                format!(
                    "the {} different whole numbers of '{name}' are learned as classes; --task regression learns a number",
                    classes.len()
                ),
            ));
        } else if !is_whole || classes.len() > MOST_NUMBER_CLASSES {
            notes.push(Note::new(
                "numbers_as_classes",
                format!(
                    "the {} different numbers of '{name}' are learned as classes that have no order; --task regression \
                     learns a number",
                    classes.len()
                ),
            ));
        }
    }
    let mut counts = vec![0_usize; classes.len()];
    class_of.iter().flatten().for_each(|class| counts[*class as usize] += 1);
    let few: Vec<&str> = classes
        .iter()
        .zip(&counts)
        .filter(|(_, count)| **count < FEW_ROWS)
        .map(|(class, _)| class.as_str())
        .collect();
    if !few.is_empty() {
        notes.push(Note::new(
            "rare_classes",
            format!(
                "{} of '{name}' in fewer than {FEW_ROWS} rows can hardly be learned: {}",
                names::count(few.len(), "class", "classes"),
                names::list(&few)
            ),
        ));
    }
}

/// Whole numbers that repeat may have been meant as classes.
fn note_quantity(column: &Column, notes: &mut Vec<Note>) {
    let Values::Numbers(numbers) = &column.values else { return };
    let values = || numbers.values.iter().flatten();
    let distinct: HashSet<u64> = values().map(bits).take(1_000_000).collect();
    let present = column.len() - column.missing();
    let repeats = present / LEAST_ROWS_PER_NUMBER_CLASS >= distinct.len();
    let is_whole = values().all(|number| number.fract() == 0.0 && number >= 0.0);
    if repeats && is_whole && distinct.len() <= 1000 {
        notes.push(Note::new(
            "whole_number_quantity",
            format!(
                "'{}' has {} different whole numbers, and is learned as a number; --task classification learns classes",
                column.name,
                names::thousands(distinct.len())
            ),
        ));
    }
}

/// The different values of a column, sorted, and the class of each row.
struct Classes {
    names: Vec<String>,
    class_of: Vec<Option<u32>>,
}

/// Numbers of one value are one class (`1` and `1.0`), named by the shortest text of it; so are the spellings of true and
/// of false, named as they first occur. Codes keep their texts.
fn classes_of(column: &Column) -> Classes {
    if let Some(numbers) = column.plain_numbers() {
        let distinct: BTreeMap<u64, f64> =
            numbers.iter().flatten().map(|value| (bits(value), value + 0.0)).collect();
        let mut values: Vec<f64> = distinct.into_values().collect();
        values.sort_by(f64::total_cmp);
        let names = values.iter().map(|value| number::text(*value, number::SHORTEST)).collect();
        let index: HashMap<u64, u32> = values.iter().map(|value| bits(*value)).zip(0..).collect();
        let class_of = numbers.iter().map(|value| index.get(&bits(value?)).copied()).collect();
        return Classes { names, class_of };
    }
    let dictionary = column.dictionary();
    let mut names: Vec<String> = Vec::new();
    let used = dictionary.counts();
    let texts = || dictionary.texts().zip(&used).filter(|(_, count)| **count > 0).map(|(text, _)| text);
    if are_truths(texts()) {
        for wanted in [false, true] {
            names.extend(texts().find(|text| truth(text) == Some(wanted)).map(str::to_owned));
        }
    } else {
        names = texts().map(str::to_owned).collect();
        let is_code = texts().any(number::is_code);
        match names.iter().map(|name| number::plain(name)).collect::<Option<Vec<f64>>>() {
            Some(values) if !is_code => {
                let mut order: Vec<(f64, String)> =
                    values.into_iter().zip(std::mem::take(&mut names)).collect();
                order.sort_by(|one, two| one.0.total_cmp(&two.0));
                order.dedup_by(|one, two| bits(one.0) == bits(two.0));
                names = order.into_iter().map(|(_, name)| name).collect();
            }
            _ => names.sort_unstable(),
        }
    }
    let index = ClassIndex::new(&names);
    let class_of_key: Vec<Option<u32>> = dictionary.texts().map(|text| index.class(text)).collect();
    let class_of = (0..column.len()).map(|row| class_of_key[dictionary.key(row)?]).collect();
    Classes { names, class_of }
}

/// Finds the number of a class from its name; where all names are numbers, also from another way to write that number, and
/// where they are two words for false and true, from another such word.
pub(crate) struct ClassIndex<'a> {
    by_name: HashMap<&'a str, u32>,
    by_value: Option<HashMap<u64, u32>>,
    by_truth: Option<[u32; 2]>,
}

impl<'a> ClassIndex<'a> {
    pub(crate) fn new(classes: &'a [String]) -> Self {
        let numbered = || classes.iter().map(String::as_str).zip(0_u32..);
        let by_value: Option<HashMap<u64, u32>> =
            numbered().map(|(name, class)| Some((bits(number::plain(name)?), class))).collect();
        let by_truth = match classes {
            [no, yes] if by_value.is_none() && are_truths(classes.iter().map(String::as_str)) => {
                match (truth(no), truth(yes)) {
                    (Some(false), Some(true)) => Some([0, 1]),
                    (Some(true), Some(false)) => Some([1, 0]),
                    _ => None,
                }
            }
            _ => None,
        };
        // Codes such as 01 and 1 are different classes of one value.
        let by_value = by_value.filter(|values| values.len() == classes.len());
        Self { by_name: numbered().collect(), by_value, by_truth }
    }

    pub(crate) fn class(&self, cell: &str) -> Option<u32> {
        let by_value = || self.by_value.as_ref()?.get(&bits(number::plain(cell)?)).copied();
        let by_truth = || Some(self.by_truth?[usize::from(truth(cell)?)]);
        self.by_name.get(cell).copied().or_else(by_value).or_else(by_truth)
    }

    pub(crate) fn class_of_number(&self, value: f64) -> Option<u32> {
        match &self.by_value {
            Some(by_value) => by_value.get(&bits(value)).copied(),
            None => self.class(&number::text(value, number::SHORTEST)),
        }
    }

    /// Whether no two classes have one name, or are one number that is no code.
    pub(crate) fn is_distinct(&self, classes: &[String]) -> bool {
        let values: HashSet<u64> =
            classes.iter().filter_map(|class| number::plain(class)).map(bits).collect();
        let codes = || classes.iter().any(|class| number::is_code(class) || number::plain(class).is_none());
        self.by_name.len() == classes.len() && (values.len() == classes.len() || codes())
    }
}

/// A key that is equal for equal numbers: adding 0 makes -0 into 0.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl Place {
    /// The place without the column: `line 7 of t.csv`.
    pub(crate) fn line_words(&self) -> String {
        match (self.line, self.row) {
            (Some(line), _) => format!("line {line}"),
            (None, Some(row)) => format!("row {} (counted from 1)", row + 1),
            (None, None) => self.file.clone(),
        }
    }
}
