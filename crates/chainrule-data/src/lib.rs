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
//! use chainrule_data::{Preprocessing, TargetValues, read, split, strata};
//!
//! # fn main() -> chainrule_data::Result<()> {
//! let dataset = read("digits")?;
//! assert_eq!(dataset.description, "1,797 images of 8 x 8, 10 classes");
//!
//! // No target named, no task given: the labels, and a classification. A program shuffles the rows before it splits them.
//! let strata = strata(&dataset, None, None)?;
//! let parts = split(&dataset.other_rows(), strata.as_deref(), 0.2, 0.2)?;
//! assert_eq!((parts.training.len(), parts.validation.len(), parts.test.len()), (1079, 359, 359));
//!
//! let (preprocessing, notes) = Preprocessing::fit(&dataset, None, None, true, &parts.training)?;
//! assert!(notes.is_empty());
//! assert_eq!(preprocessing.class_names().map(<[String]>::len), Some(10));
//!
//! let inputs: Vec<f32> = preprocessing.inputs(&dataset, &parts.test)?;
//! assert_eq!(inputs.len(), parts.test.len() * preprocessing.input_width());
//! let TargetValues::Classes(classes) = preprocessing.targets(&dataset, &parts.test)? else {
//!     unreachable!("digits are classes");
//! };
//! assert_eq!(classes.len(), parts.test.len());
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod cell;
mod csv_file;
mod dataset;
mod digits;
mod error;
mod idx;
mod image_files;
mod images;
mod names;
mod note;
mod preprocessing;
mod read;
mod split;
mod statistics;
mod table;
mod target;

pub use cell::is_missing;
pub use dataset::{Dataset, Features, LABEL};
pub use error::{DataError, Place, Result};
pub use image_files::read_idx_bytes;
pub use images::{Images, Pixels};
pub use note::Note;
pub use preprocessing::{
    CategoricalColumn, ClassTarget, ImageInputs, InputColumn, InputNumber, InputPreprocessing,
    MOST_CATEGORIES, NumberTarget, NumericColumn, Preprocessing, TargetPreprocessing, TargetScale,
    TargetValues,
};
pub use read::read;
pub use split::{Split, split};
pub use table::{ColumnKind, Table};
pub use target::{Target, Task, choose_target, infer_task, strata};
