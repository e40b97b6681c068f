//! Options that suit neither each other nor the data, in words whose names of options a caller chooses.

use std::fmt;
use std::path::PathBuf;

use chainrule_data::thousands;

use crate::words::bytes;

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
    /// A split by groups and by time.
    GroupAndTime,
    /// A class to measure F1 for, where there are not two classes.
    PositiveOfMany {
        /// How many classes there are.
        classes: usize,
    },
    /// A class that is none.
    NoSuchClass {
        /// What was given.
        given: String,
        /// The classes.
        classes: Vec<String>,
    },
    /// An option for tables, and images.
    ForTables {
        /// The option.
        option: &'static str,
    },
    /// How weights start, in a run that goes on.
    InitializationOfResumed,
    /// A checkpoint that does not say which data it belongs to.
    CheckpointWithoutFingerprint {
        /// The checkpoint.
        path: PathBuf,
    },
    /// A checkpoint of a run on other data.
    OtherData {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        difference: String,
    },
    /// A part of the training data, of a model that does not say what they were.
    PartWithoutFingerprint,
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
        /// What differs.
        difference: String,
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
            Self::GroupAndTime => format!(
                "{} and {} are two ways to split the rows; give one of them",
                name("group"),
                name("time")
            ),
            Self::PositiveOfMany { classes } => format!(
                "{}: F1 is of one class where there are two, but here {}; leave it out",
                name("positive"),
                match classes {
                    0 => "the target is a number".to_owned(),
                    classes => format!("are {classes}, and F1 is their mean"),
                }
            ),
            Self::NoSuchClass { given, classes } => {
                format!("{} {given}: the classes are {}", name("positive"), classes.join(" and "))
            }
            Self::ForTables { option } => {
                format!("{} is for tables, but these data are images; leave it out", name(option))
            }
            Self::InitializationOfResumed => format!(
                "{}: a run that goes on has its weights already; leave it out, or leave out {}",
                name("initialization"),
                name("resume")
            ),
            Self::CheckpointWithoutFingerprint { path } => format!(
                "{}: this checkpoint does not say which data it belongs to, as those of older versions do not, so it is not \
                 known whether these are the same; start the run again",
                path.display()
            ),
            Self::OtherData { path, difference } => format!(
                "{}: the run written down there cannot go on here, since something differs: {difference}; repeat the data and \
                 options it was started with",
                path.display()
            ),
            Self::PartWithoutFingerprint => format!(
                "the model does not say which data it was trained on, as those of older versions do not, so its parts cannot be \
                 found again; train it again, or leave out {}",
                name("part")
            ),
            Self::OtherRun { path, what } => format!(
                "{}: the run written down there has another {what} than this one; \
                 repeat the options it was started with (only {} may differ)",
                path.display(),
                name("epochs")
            ),
            Self::TooLarge { parameters, bytes: held } => format!(
                "the network has {} parameters, and training it takes {}, more than this machine has; \
                 give {} a limit, smaller {} or a smaller {}",
                thousands(parameters),
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
            Self::PartOfOtherData { file, difference } => format!(
                "{file} is not what the model was trained on: {difference}; {} needs the same data",
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
