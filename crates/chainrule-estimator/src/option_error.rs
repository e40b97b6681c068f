//! Options that suit neither each other nor the data, in words whose names of options a caller chooses.

use std::fmt;
use std::path::PathBuf;

use crate::words::{bytes, counted, grouped};

/// What is wrong with an option. `Display` names options as the fields of
/// [`EstimatorOptions`](crate::EstimatorOptions); [`message`](Self::message) names them as the caller likes.
///
/// ```
/// use chainrule_estimator::OptionError;
/// let error = OptionError::PatienceWithoutValidation;
/// assert!(error.to_string().starts_with("patience: stopping early needs validation rows"));
/// let flag = |name: &str| format!("--{}", name.replace('_', "-"));
/// assert!(error.message(flag).starts_with("--patience: stopping early needs validation rows"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OptionError {
    /// An option that only some values of another one have.
    Belongs {
        /// The option.
        option: &'static str,
        /// The option that decides.
        to: &'static str,
        /// Its values that have the option.
        values: &'static str,
        /// Its value.
        found: String,
    },
    /// Cross-entropy for a target that is a number.
    NeedsClasses,
    /// Patience without validation rows, whose loss it watches.
    PatienceWithoutValidation,
    /// More than one target.
    SeveralTargets {
        /// How many.
        count: usize,
    },
    /// A checkpoint of another run.
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// Training would hold more than the machine has.
    TooLarge {
        /// Of the network.
        parameters: usize,
        /// That training holds.
        bytes: u64,
    },
    /// A part of the training data, of a model that does not say what it was trained on.
    PartWithoutRecord,
    /// A part of the training data, of a model that does not say how they were split.
    PartWithoutSplit {
        /// What is wrong with the record.
        problem: String,
    },
    /// A part of the training data, of other data.
    PartOfOtherData {
        /// The data.
        file: String,
        /// Rows they have.
        rows: usize,
        /// Rows that the training data had, where the model says so.
        trained_rows: Option<u64>,
    },
    /// A part of the training data that has no rows.
    EmptyPart {
        /// The data.
        file: String,
    },
}

impl OptionError {
    /// What is wrong, with each option called `name(field)`, where `field` is one of
    /// [`EstimatorOptions`](crate::EstimatorOptions), or `part`.
    pub fn message(&self, name: impl Fn(&str) -> String) -> String {
        match self {
            Self::Belongs { option, to, values, found } => {
                format!("{} belongs to {} {values}, not to {found}", name(option), name(to))
            }
            Self::NeedsClasses => format!(
                "{} cross-entropy is for classes, but the target is a number; give {} classification, or another loss",
                name("loss"),
                name("task")
            ),
            Self::PatienceWithoutValidation => format!(
                "{}: stopping early needs validation rows; give {} a share or data, or leave it out",
                name("patience"),
                name("validation")
            ),
            Self::SeveralTargets { count } => {
                format!("{}: {count} are named, but a network learns one; name one", name("targets"))
            }
            Self::OtherRun { path, what } => format!(
                "{}: the run written down there has another {what} than this one; \
                 repeat the options it was started with (only {} may differ)",
                path.display(),
                name("epochs")
            ),
            Self::TooLarge { parameters, bytes: held } => format!(
                "the network has {} parameters, and training it takes {}, more than this machine has; \
                 give {} a limit, smaller {} or a smaller {}",
                grouped(*parameters as u64),
                bytes(*held),
                name("memory"),
                name("layers"),
                name("batch_size")
            ),
            Self::PartWithoutRecord => format!(
                "the model has no record of its training, so its parts are not known; leave out {}",
                name("part")
            ),
            Self::PartWithoutSplit { problem } => format!(
                "the model's record of its training does not say how the data was split: {problem}; leave out {}",
                name("part")
            ),
            Self::PartOfOtherData { file, rows, trained_rows } => format!(
                "{file}: has {}, but the model was trained on data of {}: {} needs the same data",
                counted(*rows as u64, "row"),
                trained_rows.map_or("unknown size".to_owned(), |rows| counted(rows, "row")),
                name("part")
            ),
            Self::EmptyPart { file } => {
                format!("{file}: no rows of this data were set aside for that part")
            }
        }
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message(str::to_owned))
    }
}

impl std::error::Error for OptionError {}
