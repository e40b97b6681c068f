//! Why a request is not answered.

use thiserror::Error;

/// A request that is refused, in words that say what to do.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// It makes no sense: a number out of range, shapes that do not fit, an unknown name.
    #[error("{0}")]
    Invalid(String),
    /// There is no such revision, value or page.
    #[error("{0}")]
    Missing(String),
    /// It would take too much memory or time.
    #[error("{0}")]
    TooMuch(String),
}

impl From<chainrule::Error> for Refusal {
    fn from(error: chainrule::Error) -> Self {
        Refusal::Invalid(error.to_string())
    }
}
