//! What a user should know although nothing is wrong: a sentence, and a code that programs can rely on.

use std::fmt;

/// One remark on data, such as a file that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// What kind of remark it is, in `snake_case`. It stays the same where the wording of the message changes.
    pub code: &'static str,
    /// The remark in words, without a full stop.
    pub message: String,
}

impl Note {
    /// A note of a kind.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}
