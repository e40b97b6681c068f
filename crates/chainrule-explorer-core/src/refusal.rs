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
    /// Its query or its body is not as expected.
    #[error("{0}")]
    Unreadable(String),
    /// Its address takes a body, and it has none, or the other way round.
    #[error("this address takes another method")]
    OtherMethod,
}

impl Refusal {
    /// The status of HTTP that says the same.
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Unreadable(_) => 400,
            Refusal::Missing(_) => 404,
            Refusal::OtherMethod => 405,
            Refusal::Invalid(_) | Refusal::TooMuch(_) => 422,
        }
    }
}

impl From<chainrule::Error> for Refusal {
    fn from(error: chainrule::Error) -> Self {
        Refusal::Invalid(error.to_string())
    }
}

/// { error } in JSON.
pub fn error_in_json(reason: &str) -> Vec<u8> {
    serde_json::json!({ "error": reason }).to_string().into_bytes()
}
