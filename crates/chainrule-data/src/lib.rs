//! Reads tables and images, and prepares them for a network: the way from a file to rows of numbers.
//!
//! 1. [`read`] reads a CSV file, images in IDX files, or the built-in set `digits`.
//! 2. [`split`] divides the rows into a training, a validation and a test part.
//! 3. [`Preprocessing::fit`] finds the target and the task, decides how each column becomes inputs, and computes means,
//!    deviations and categories from the training rows alone.
//! 4. [`Preprocessing::inputs`] and [`Preprocessing::targets`] turn rows into numbers.
//!
//! A [`Preprocessing`] is stored with the model, so that the model file alone can predict. This crate knows nothing of
//! networks, draws no random numbers and prints nothing.
//!
//! ```
//! use chainrule_data::{FitOptions, Objective, Preprocessing, TargetValues, read, split};
//!
//! # fn main() -> chainrule_data::Result<()> {
//! let dataset = read("digits")?;
//! assert_eq!(dataset.description, "1,797 images of 8 x 8, 10 classes");
//!
//! // No target named, no task given: the labels, and a classification. A program shuffles the rows before it splits them.
//! let mut notes = Vec::new();
//! let objective = Objective::find(&dataset, &[], None, &mut notes)?;
//! let parts = split(&dataset.other_rows(), objective.strata().as_deref(), 0.2, 0.2)?;
//! assert_eq!((parts.training.len(), parts.validation.len(), parts.test.len()), (1079, 359, 359));
//!
//! let (preprocessing, _) = Preprocessing::fit(&dataset, &objective, &FitOptions::default(), &parts.training)?;
//! assert_eq!(preprocessing.class_names().map(<[String]>::len), Some(10));
//!
//! let inputs: Vec<f32> = preprocessing.inputs(&dataset, &parts.test, 1, &mut notes)?;
//! assert_eq!(inputs.len(), parts.test.len() * preprocessing.input_width());
//! let TargetValues::Classes(classes) = preprocessing.targets(&dataset, &parts.test)? else {
//!     unreachable!("digits are classes");
//! };
//! assert_eq!((classes.len(), notes.len()), (parts.test.len(), 0));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod cells;
mod column;
mod csv;
mod dataset;
mod date;
mod describe;
mod digits;
mod error;
mod fingerprint;
mod from_arrow;
mod idx;
mod image_files;
mod images;
mod keys;
mod missing;
mod names;
mod note;
mod number;
mod options;
mod parallel;
mod preprocessing;
mod read;
mod source;
mod split;
mod statistics;
mod table;
mod target;
mod truth;
mod typing;

pub use column::{Column, ColumnType, ReadAs};
pub use dataset::{Dataset, Features, LABEL};
pub use describe::{BINS, ColumnSummary, NumberSummary};
pub use error::{DataError, Place, Result};
pub use fingerprint::{ColumnPrint, Fingerprint};
pub use image_files::read_idx_bytes;
pub use images::{Images, Pixels};
pub use missing::{MissingWords, USUAL_MISSING_WORDS};
pub use names::thousands;
pub use note::Note;
pub use number::NumberStyle;
pub use options::{ReadOptions, Separator};
pub use preprocessing::{
    BUCKETS, CategoricalColumn, ClassTarget, DateColumn, DatePart, FitOptions, ImageInputs, IndexColumn,
    IndicatorColumn, InputColumn, InputEncoding, InputNumber, InputPreprocessing, MOST_CATEGORIES,
    MOST_INDEXED, MOST_ONE_HOT, NumberTarget, NumericColumn, OneHotColumn, Preprocessing, RobustColumn,
    RobustScale, TargetPreprocessing, TargetScale, TargetValues,
};
pub use read::{read, read_csv_bytes, read_with};
pub use split::{Split, split, split_by_time, split_groups};
pub use table::Table;
pub use target::{Objective, Task};
