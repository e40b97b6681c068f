//! The one error type of this crate: what is wrong, where, and what to do.

use std::path::PathBuf;

use chainrule::Model;
use chainrule_data::DataError;

use crate::option_error::OptionError;

/// The result of everything that can fail here.
pub type Result<T, E = EstimatorError> = std::result::Result<T, E>;

/// Why something could not be learned, measured or predicted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EstimatorError {
    /// The data cannot be read, understood or prepared.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The engine refuses, or a file of it is not what it should be.
    #[error(transparent)]
    Engine(#[from] chainrule::Error),
    /// An option suits neither the others nor the data.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// A model file whose preprocessing is not valid, or does not fit its network.
    #[error("{}: {problem}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A table with fewer columns than a network that says nothing of its preprocessing has inputs.
    #[error("{file}: has {columns} columns, but the network takes {inputs} inputs")]
    TooFewColumns {
        /// The file.
        file: String,
        /// Columns there are.
        columns: usize,
        /// Inputs the network takes.
        inputs: usize,
    },
    /// Nothing to learn from.
    #[error("{file}: there is no column to learn from beside the target")]
    NoInputs {
        /// The data.
        file: String,
    },
    /// A target that the loss cannot use.
    #[error(
        "{place}: the target is {value}, but the loss {loss} is for {range}; correct the cell, or give another loss"
    )]
    Target {
        /// Where.
        place: Box<chainrule_data::Place>,
        /// What stands there.
        value: f64,
        /// The loss.
        loss: String,
        /// What it is for.
        range: &'static str,
    },
    /// Rows that are not there.
    #[error("{file}: rows {start}..{end} are asked for, but there are {rows} (numbered from 0)")]
    Rows {
        /// The data.
        file: String,
        /// The first row asked for.
        start: usize,
        /// The row after the last one.
        end: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// A prediction that is no number.
    #[error("{place}: output {output} is {value}; an input is far outside of what was learned")]
    NotFinite {
        /// The data, and the line or the image.
        place: String,
        /// The name of the target or class.
        output: String,
        /// What came out.
        value: f64,
    },
    /// A prediction so far from its target that what is measured is no number.
    #[error("{place}: output {output} is {value:e}, {problem}")]
    NotMeasured {
        /// The data, and the line or the image.
        place: String,
        /// The name of the target or class.
        output: String,
        /// What came out.
        value: f64,
        /// What that means, and what to do.
        problem: &'static str,
    },
    /// Training came upon a value that is not finite, after at least one good epoch.
    #[error("{error}")]
    Diverged {
        /// What the engine says.
        error: chainrule::Error,
        /// The epoch, counted from 1, that `last_good` is of.
        epoch: usize,
        /// The best model so far, with its preprocessing, for
        /// [`Predictor::of_model`](crate::Predictor::of_model).
        last_good: Box<Model<f32>>,
    },
}
