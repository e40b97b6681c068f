//! How raw data become the numbers of a network: what is stored with a model so that its file alone predicts.
//!
//! Numbers are standardized, x' = (x - mean) / standard deviation, with the mean and the population standard deviation of
//! the training rows. A missing number becomes 0, which is the mean; where the training rows had missing cells, a second
//! input says 1 for missing and 0 otherwise. Truth values are numbers, 0 and 1; dates become several. Categories become
//! one input each, 1 for the cell's category and 0 for the others; the rare ones of a column with many share inputs by a
//! hash. So the fast preset's inputs are; the default one's are scaled robustly instead ([`InputEncoding::Robust`]). Pixels are divided by their maximum, then standardized with one mean and one deviation for all pixels. What is
//! the same in all training rows is no input, or stays what it was there: nothing is learned from it.

mod apply;
mod fit;
mod images;
mod robust;
mod validate;

pub use apply::{InputNumber, TargetScale, TargetValues};
pub use fit::{FitOptions, InputEncoding};
pub use robust::{IndexColumn, MOST_INDEXED, MOST_ONE_HOT, OneHotColumn, RobustColumn, RobustScale};

use crate::column::{ColumnType, ReadAs};
use crate::missing::MissingWords;
use crate::number::NumberStyle;
use crate::options::ReadOptions;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

/// The way from data to inputs and targets, fitted on training rows. [`Preprocessing::fit`] makes one;
/// [`validate`](Preprocessing::validate) checks one that was read from a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// How inputs are made.
    pub inputs: InputPreprocessing,
    /// How targets are made, and what predictions mean.
    pub target: TargetPreprocessing,
    /// Which cells were missing in the training data.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub missing: MissingWords,
}

fn is_usual(missing: &MissingWords) -> bool {
    *missing == MissingWords::default()
}

/// How inputs are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum InputPreprocessing {
    /// From these columns of a table, in this order.
    Columns(Vec<InputColumn>),
    /// From the pixels of an image, row by row.
    Images(ImageInputs),
}

/// How one column becomes inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum InputColumn {
    /// One input, and a second one where the training rows had missing cells.
    Numeric(NumericColumn),
    /// One input per category, and one per group of rare categories.
    Categorical(CategoricalColumn),
    /// The same as a number that is 0 for false and 1 for true.
    Truth(NumericColumn),
    /// One input per part of the date that varied in training, and one where cells were missing.
    Date(DateColumn),
    /// Whether the cell is missing, and nothing else: all values of the training rows were the same.
    Indicator(IndicatorColumn),
    /// One input, scaled robustly: a number, or missing (NaN).
    Robust(RobustColumn),
    /// The same of a truth value.
    RobustTruth(RobustColumn),
    /// One input for each category, scaled robustly.
    OneHot(OneHotColumn),
    /// One input: the index of a category in a table of learned vectors.
    Index(IndexColumn),
}

/// A column of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumericColumn {
    /// The column's name.
    pub name: String,
    /// The mean of the training rows.
    pub mean: f64,
    /// The population standard deviation of the training rows.
    pub standard_deviation: f64,
    /// Whether an input follows that is 1 where the cell is missing, because cells were missing in training.
    pub missing: bool,
    /// Words in this column that stand for a missing value, beside those of all columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// How its numbers were written, where not in the plain way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<NumberStyle>,
}

/// A column of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalColumn {
    /// The column's name.
    pub name: String,
    /// The categories of the training rows, sorted, at most [`MOST_CATEGORIES`]; the empty one stands for missing cells.
    pub categories: Vec<String>,
    /// The groups of the rarer categories, where there are more. A cell of any other category makes all inputs of the
    /// column 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<u32>,
}

/// A column of texts has at most this many inputs of its own: the most frequent categories of the training rows.
pub const MOST_CATEGORIES: usize = 64;

/// Rarer categories share this many groups: category c is in the group XXH3-64(c, seed 0) mod 32.
pub const BUCKETS: u32 = 32;

/// A column of dates and times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateColumn {
    /// The column's name.
    pub name: String,
    /// How dates are written, in the notation of `strftime`; empty for times alone.
    pub format: String,
    /// The parts that varied in the training rows.
    pub parts: Vec<DatePart>,
    /// Whether an input follows that is 1 where the cell is missing, because cells were missing in training.
    pub missing: bool,
}

/// A number that a date and time has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatePart {
    /// `year`, `month` (1 to 12), `day` (1 to 31), `weekday` (0 for Monday to 6), `hour` (with its fraction), or `days`
    /// since 1970-01-01 (with their fraction).
    pub part: String,
    /// The mean of the training rows.
    pub mean: f64,
    /// The population standard deviation of the training rows.
    pub standard_deviation: f64,
}

/// A column of which only gaps are learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndicatorColumn {
    /// The column's name.
    pub name: String,
    /// Words in this column that stand for a missing value, beside those of all columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
}

/// Images of one size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageInputs {
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// The brightest value of a pixel in training. Images with another maximum are divided by their own. Where
    /// [`numbers`](Self::numbers) is set, it is 1, and nothing is divided.
    pub maximum: u8,
    /// The mean of all training pixels, after division by the maximum.
    pub mean: f64,
    /// Their population standard deviation, or 1 where they are all the same.
    pub standard_deviation: f64,
    /// Whether the training pixels were numbers that are no bytes, such as fractions. They are not divided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub numbers: bool,
    /// The pixels that were the same in all training images (of which there were two or more): their positions, row by row
    /// from 0 and increasing, and their values after division by the maximum. Nothing was learned of them, so they have
    /// these values in every image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constant: Vec<(u32, f64)>,
}

/// How targets are made, and what predictions mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum TargetPreprocessing {
    /// One of several classes.
    Classes(ClassTarget),
    /// A number, or several; one alone stands in a file without the list around it.
    #[serde(with = "one_or_many")]
    Numbers(Vec<NumberTarget>),
}

/// A target that is one of several classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassTarget {
    /// The column's name, or [`LABEL`](crate::LABEL) for images.
    pub name: String,
    /// The classes of all rows, sorted by value where all are numbers, else as texts. Class i is the i-th of them.
    pub classes: Vec<String>,
    /// The type of the column, by which it is read again; none for images, and in files of older versions.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<ColumnType>,
    /// The class that F1 is for, where there are two; none in files of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
}

/// A target that is a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberTarget {
    /// The column's name, or [`LABEL`](crate::LABEL) for images.
    pub name: String,
    /// What is subtracted: the mean of the training rows, or 0 where the target is not standardized.
    pub mean: f64,
    /// What is divided by: the population standard deviation of the training rows, or 1.
    pub standard_deviation: f64,
    /// The least and the greatest of the training rows, where predictions are kept within them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<(f64, f64)>,
    /// How its numbers were written, where not in the plain way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<NumberStyle>,
}

impl Preprocessing {
    /// How many inputs a row has.
    pub fn input_width(&self) -> usize {
        match &self.inputs {
            InputPreprocessing::Columns(columns) => {
                columns.iter().fold(0, |sum, column| sum.saturating_add(column.width()))
            }
            InputPreprocessing::Images(images) => images.height.saturating_mul(images.width),
        }
    }

    /// A name for each input: `age`, `age (missing)`, `city=Oslo`, `city (missing)`, or `pixel 3,4` for the pixel in
    /// row 3 and column 4, both counted from 0.
    pub fn input_names(&self) -> Vec<String> {
        match &self.inputs {
            InputPreprocessing::Columns(columns) => {
                columns.iter().flat_map(InputColumn::input_names).collect()
            }
            InputPreprocessing::Images(images) => (0..images.height)
                .flat_map(|row| (0..images.width).map(move |column| (row, column)))
                .map(|(row, column)| format!("pixel {row},{column}"))
                .collect(),
        }
    }

    /// The names of the targets: columns, or [`LABEL`](crate::LABEL) for images.
    pub fn target_names(&self) -> Vec<&str> {
        match &self.target {
            TargetPreprocessing::Classes(target) => vec![&target.name],
            TargetPreprocessing::Numbers(targets) => {
                targets.iter().map(|target| target.name.as_str()).collect()
            }
        }
    }

    /// `options`, and what is known from training: which words are missing, and how each column was read.
    pub fn read_options(&self, options: ReadOptions) -> ReadOptions {
        let mut options = options;
        options.missing.only_these |= self.missing.only_these;
        options.missing.also.extend(self.missing.also.iter().cloned());
        if let InputPreprocessing::Columns(columns) = &self.inputs {
            options.learned.extend(columns.iter().map(|column| (column.name().to_owned(), column.read_as())));
        }
        match &self.target {
            // A class that was read as a text then is one now, though it may look like a number.
            TargetPreprocessing::Classes(ClassTarget { name, kind: kind @ Some(_), .. }) => {
                options.learned.entry(name.clone()).or_default().kind = *kind;
            }
            TargetPreprocessing::Classes(_) => {}
            TargetPreprocessing::Numbers(targets) => {
                let number = |style| ReadAs { kind: None, date_format: None, style };
                options
                    .learned
                    .extend(targets.iter().map(|target| (target.name.clone(), number(target.style))));
            }
        }
        options
    }

    /// The names of the classes, or `None` where the target is a number.
    pub fn class_names(&self) -> Option<&[String]> {
        match &self.target {
            TargetPreprocessing::Classes(target) => Some(&target.classes),
            TargetPreprocessing::Numbers(_) => None,
        }
    }
}

impl InputColumn {
    /// The column's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Numeric(column) | Self::Truth(column) => &column.name,
            Self::Categorical(column) => &column.name,
            Self::Date(column) => &column.name,
            Self::Indicator(column) => &column.name,
            Self::Robust(column) | Self::RobustTruth(column) => &column.name,
            Self::OneHot(column) => &column.name,
            Self::Index(column) => &column.name,
        }
    }

    /// How many inputs it becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Numeric(column) | Self::Truth(column) => 1 + usize::from(column.missing),
            Self::Categorical(column) => column.categories.len() + column.buckets.len(),
            Self::Date(column) => column.parts.len() + usize::from(column.missing),
            Self::Indicator(_) | Self::Robust(_) | Self::RobustTruth(_) | Self::Index(_) => 1,
            Self::OneHot(column) => column.scales.len(),
        }
    }

    fn input_names(&self) -> Vec<String> {
        let name = self.name();
        let missing = || format!("{name} (missing)");
        match self {
            Self::Numeric(column) | Self::Truth(column) if column.missing => vec![name.to_owned(), missing()],
            Self::Numeric(_) | Self::Truth(_) => vec![name.to_owned()],
            Self::Categorical(column) => {
                let category = |category: &String| match category.as_str() {
                    "" => missing(),
                    category => format!("{name}={category}"),
                };
                let bucket = |bucket: &u32| format!("{name} (rare, group {bucket})");
                column.categories.iter().map(category).chain(column.buckets.iter().map(bucket)).collect()
            }
            Self::Date(column) => {
                let part = |part: &DatePart| format!("{name} ({})", part.part);
                column.parts.iter().map(part).chain(column.missing.then(missing)).collect()
            }
            Self::Indicator(_) => vec![missing()],
            Self::Robust(_) | Self::RobustTruth(_) | Self::Index(_) => vec![name.to_owned()],
            Self::OneHot(column) => column.input_names(),
        }
    }

    /// How the column was read, so that it is read again in the same way.
    fn read_as(&self) -> ReadAs {
        let (kind, date_format, style) = match self {
            Self::Numeric(column) => {
                (Some(ColumnType::Number), None, Some(column.style.unwrap_or(NumberStyle::PLAIN)))
            }
            Self::Categorical(_) => (Some(ColumnType::Category), None, None),
            Self::Truth(_) => (None, None, None),
            Self::Date(column) => (Some(ColumnType::Date), Some(column.format.clone()), None),
            Self::Indicator(_) | Self::OneHot(_) | Self::Index(_) => (Some(ColumnType::Category), None, None),
            Self::Robust(column) => {
                (Some(ColumnType::Number), None, Some(column.style.unwrap_or(NumberStyle::PLAIN)))
            }
            Self::RobustTruth(_) => (None, None, None),
        };
        ReadAs { kind, date_format, style }
    }
}

/// The group of a rare category.
fn bucket_of(category: &str) -> u32 {
    (XxHash3_64::oneshot(category.as_bytes()) % u64::from(BUCKETS)) as u32
}

/// What stands for a column's name in errors about images.
const PIXELS: &str = "pixels";

/// A list that stands in a file without brackets where it has one entry.
mod one_or_many {
    use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
    use serde::de::{MapAccess, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::fmt;
    use std::marker::PhantomData;

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        list: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match list {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(OneOrMany(PhantomData))
    }

    /// Unlike an untagged enum, it says what is wrong with an entry.
    struct OneOrMany<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("one object, or a list of them")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
            Ok(vec![T::deserialize(MapAccessDeserializer::new(map))?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }
}
