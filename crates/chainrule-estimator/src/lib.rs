//! From a data set to a model that predicts, in the terms of the data.
//!
//! 1. [`Estimator::prepare`] splits the rows, fits the preprocessing on the training rows, and chooses network, loss
//!    and options where [`EstimatorOptions`] leave them open.
//! 2. [`Preparation::fit`] trains, tells an observer of every step, and measures the best model on validation and test.
//! 3. [`Predictor`] predicts and measures other data; its file is all it needs.
//!
//! ```
//! use chainrule_data::read;
//! use chainrule_estimator::{Estimator, EstimatorOptions, Metrics, Predictions, unobserved};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("heat.csv");
//! # let text: String = (0..80).map(|i| format!("{i},{}\n", 1_700_000_000.0 + 2.5 * f64::from(i))).collect();
//! # std::fs::write(&path, "hour,count\n".to_owned() + &text).unwrap();
//! # let source = path.to_str().unwrap();
//! let dataset = read(source)?;
//! let options = EstimatorOptions { layers: Some(vec![16]), epochs: Some(200), ..EstimatorOptions::default() };
//! let fitted = Estimator::new(options).prepare(&dataset)?.fit(&mut unobserved)?;
//! let Metrics::Regression { rmse, .. } = fitted.test.unwrap().evaluation.metrics else {
//!     unreachable!("'count' is a number");
//! };
//!
//! // Numbers are in the target's own units, and never rounded to 32 bits.
//! let Predictions::Numbers(predicted) = fitted.predictor.predict(&dataset)? else {
//!     unreachable!("'count' is a number");
//! };
//! assert!((predicted.values[(40, 0)] - 1_700_000_100.0).abs() < 10.0 * rmse);
//! # Ok::<(), chainrule_estimator::EstimatorError>(())
//! ```
//!
//! **What is measured is what is delivered**: RMSE, MAE and R2 are those of the predictions that [`Predictor::predict`]
//! gives, against the targets as they stand in the data. This crate prints nothing and has no global state.

#![forbid(unsafe_code)]

mod checkpoint;
mod defaults;
mod error;
mod estimator;
mod events;
mod facts;
mod identity;
mod measure;
mod option_error;
mod options;
mod outputs;
mod plain;
mod pool;
mod predictions;
mod predictor;
mod preparation;
mod preset;
mod record;
mod rows;
mod run;
mod samples;
mod split;
mod words;

pub use chainrule::{Ending, Epoch, Evaluation, Metrics};
pub use error::{EstimatorError, Result};
pub use estimator::Estimator;
pub use events::{Event, Observer, unobserved};
pub use measure::Measurement;
pub use option_error::OptionError;
pub use options::{EstimatorOptions, Ingredient, MemoryOptions, Part, Preset};
pub use predictions::{ClassPredictions, NumberPredictions, Predictions};
pub use predictor::Predictor;
pub use preparation::{Preparation, can_hold};
pub use rows::{chosen_rows, row_place};
pub use run::{Fitted, Run};
pub use samples::PreparedSamples;
pub use split::{SplitPart, SplitRule};
pub use words::bytes;
