//! How raw data become the numbers of a network: what is stored with a model so that its file alone predicts.
//!
//! Numbers are standardized, x' = (x - mean) / standard deviation, with the mean and the population standard deviation of
//! the training rows. A missing number becomes 0, which is the mean; where the training rows had missing cells, a second
//! input says 1 for missing and 0 otherwise. Texts become one input per category, 1 for the cell's category and 0 for the
//! others. Pixels are divided by their maximum, then standardized with one mean and one deviation for all pixels;
//! a pixel that is the same in all training images stays what it was there.

mod apply;
mod fit;
mod images;
mod validate;

pub use apply::{InputNumber, TargetScale, TargetValues};

use crate::cell::is_missing;
use serde::{Deserialize, Serialize};

/// The way from data to inputs and targets, fitted on training rows. [`Preprocessing::fit`] makes one;
/// [`validate`](Preprocessing::validate) checks one that was read from a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// How inputs are made.
    pub inputs: InputPreprocessing,
    /// How targets are made, and what predictions mean.
    pub target: TargetPreprocessing,
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
    /// One input per category.
    Categorical(CategoricalColumn),
}

/// A column of numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumericColumn {
    /// The column's name.
    pub name: String,
    /// The mean of the training rows.
    pub mean: f64,
    /// The population standard deviation of the training rows, or 1 where they are all the same.
    pub standard_deviation: f64,
    /// Whether an input follows that is 1 where the cell is missing, because cells were missing in training.
    pub missing: bool,
}

/// A column of texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoricalColumn {
    /// The column's name.
    pub name: String,
    /// The categories of the training rows, sorted, at most [`MOST_CATEGORIES`]; the empty one stands for missing cells.
    /// A cell of any other category makes all inputs of the column 0.
    pub categories: Vec<String>,
}

/// A column of texts has at most this many inputs: the most frequent categories of the training rows.
pub const MOST_CATEGORIES: usize = 64;

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
    /// A number.
    Numbers(NumberTarget),
}

/// A target that is one of several classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassTarget {
    /// The column's name, or [`LABEL`](crate::LABEL) for images.
    pub name: String,
    /// The classes of all rows, sorted by value where all are numbers, else as texts. Class i is the i-th of them.
    pub classes: Vec<String>,
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

    /// The name of the target: a column's, or [`LABEL`](crate::LABEL) for images.
    pub fn target_name(&self) -> &str {
        match &self.target {
            TargetPreprocessing::Classes(target) => &target.name,
            TargetPreprocessing::Numbers(target) => &target.name,
        }
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
            Self::Numeric(column) => &column.name,
            Self::Categorical(column) => &column.name,
        }
    }

    /// How many inputs it becomes.
    pub fn width(&self) -> usize {
        match self {
            Self::Numeric(column) => 1 + usize::from(column.missing),
            Self::Categorical(column) => column.categories.len(),
        }
    }

    fn input_names(&self) -> Vec<String> {
        let name = self.name();
        let missing = || format!("{name} (missing)");
        match self {
            Self::Numeric(column) if column.missing => vec![name.to_owned(), missing()],
            Self::Numeric(_) => vec![name.to_owned()],
            Self::Categorical(column) => (column.categories.iter())
                .map(|category| match category.as_str() {
                    "" => missing(),
                    category => format!("{name}={category}"),
                })
                .collect(),
        }
    }
}

/// What stands for a column's name in errors about images.
const PIXELS: &str = "pixels";

/// The category of a cell: its text, or the empty one where it is missing.
fn category(cell: &str) -> &str {
    if is_missing(cell) { "" } else { cell }
}
