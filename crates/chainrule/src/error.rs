//! The one error type of the engine: what is wrong, where, and what to do.

use std::path::PathBuf;

use crate::checkpoint::ScheduleError;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and where.
///
/// ```
/// use chainrule::*;
/// let refused = Network::builder(3).dense(2, Activation::Tanh).dropout(0.5).build().unwrap_err();
/// assert!(matches!(refused, Error::Layer { layer: 2, name: "dropout", .. }), "{refused}");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix, vector or list has another shape than the network or its partner needs.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which argument.
        what: String,
        /// The shape that fits.
        expected: String,
        /// The shape that came.
        found: String,
    },
    /// A network that cannot exist.
    #[error("layer {layer} ({name}): {reason}")]
    Layer {
        /// Counted from 1.
        layer: usize,
        /// The layer's kind.
        name: &'static str,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// A hyperparameter outside its range.
    #[error("{name} = {value}: {allowed}")]
    Hyperparameter {
        /// The field's name.
        name: &'static str,
        /// Its value.
        value: String,
        /// The values that are allowed.
        allowed: &'static str,
    },
    /// A name that stands for nothing here.
    #[error("unknown {kind} {name:?}; known: {known}")]
    UnknownName {
        /// What was looked for, such as "activation".
        kind: &'static str,
        /// The name that came.
        name: String,
        /// All names, separated by commas.
        known: String,
    },
    /// `CHAINRULE_INSTRUCTIONS` names no instruction set that this processor has.
    #[error(
        "CHAINRULE_INSTRUCTIONS = {name:?}: this processor has {available}; name one of these, or unset it for the first"
    )]
    InstructionSet {
        /// The name that came.
        name: String,
        /// The names of the sets that the processor has, separated by commas, the best first.
        available: String,
    },
    /// A target, input or weight that the loss cannot use.
    #[error("{what}, row {row}, column {column} (counted from 0): {reason}")]
    Value {
        /// Which argument.
        what: &'static str,
        /// Row of the matrix.
        row: usize,
        /// Column of the matrix.
        column: usize,
        /// What is wrong and what is allowed.
        reason: String,
    },
    /// None of what at least 1 is needed of.
    #[error("there are no {what}; at least 1 is needed")]
    Empty {
        /// What is missing, such as "samples".
        what: &'static str,
    },
    /// An index past the end.
    #[error("there is no number {index} among the {what}; there are {count}, counted from 0")]
    Index {
        /// What was looked among, such as "tensors".
        what: String,
        /// Counted from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// Sizes that no machine can compute with.
    #[error("{0}")]
    TooLarge(String),
    /// Parameters that are not finite, where training was to begin.
    #[error("{tensor} has a number that is not finite")]
    Parameters {
        /// The tensor's name in model files.
        tensor: String,
    },
    /// Data that nothing can be learned or measured from, as when all weights are 0.
    #[error("{0}")]
    Data(String),
    /// A schedule that the network's layers cannot be run by.
    #[error("the schedule's {0}")]
    Schedule(ScheduleError),
    /// A run was to be written down within an epoch.
    #[error("a run can be written down between epochs only; this one was interrupted within one")]
    WithinEpoch,
    /// A limit of memory in which no step can be done.
    #[error(
        "a step needs at least {minimum} bytes, and the limit is {limit}; give a limit of {minimum} or more, or lower \
         what it needs: {advice}"
    )]
    Memory {
        /// The limit, in bytes.
        limit: u64,
        /// The smallest limit that can be kept, in bytes.
        minimum: u64,
        /// What would lower it.
        advice: String,
    },
    /// The first value that is not finite; the parameters were left as they were before the step.
    #[error(
        "training diverged at step {step}{}: {quantity} of layer {layer} is the first value that is not finite; \
         try a smaller learning rate, gradient clipping, or scaled inputs",
        epoch.map(|epoch| format!(" (epoch {epoch})")).unwrap_or_default()
    )]
    NonFinite {
        /// Which of z, a, delta, gradient (or loss, parameters, inputs) went first.
        quantity: &'static str,
        /// The layer, counted from 1; 0 for the inputs.
        layer: usize,
        /// The step, counted from 1.
        step: u64,
        /// The epoch, counted from 1, where there are epochs.
        epoch: Option<usize>,
    },
    /// A file that is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system's refusal to read or write a file.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Error {
    /// A [`Error::Shape`] from anything that prints.
    pub(crate) fn shape(what: impl Into<String>, expected: impl ToString, found: impl ToString) -> Self {
        Error::Shape { what: what.into(), expected: expected.to_string(), found: found.to_string() }
    }
}

/// Fails with the hyperparameter's name, value and range unless `holds`.
pub(crate) fn require(holds: bool, name: &'static str, value: f64, allowed: &'static str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Hyperparameter { name, value: value.to_string(), allowed })
}
