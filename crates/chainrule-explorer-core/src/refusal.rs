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
    /// What is wrong with JSON that was sent, in words for people: what a program calls its types is left out.
    pub fn of_json(error: &serde_json::Error) -> Refusal {
        if !error.is_data() {
            return Refusal::Unreadable("what was sent is no JSON, or a part of it is missing".to_owned());
        }
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(&*text, |(reason, _)| reason);
        Refusal::Unreadable(format!("what was sent is not as expected: {}", in_words(reason)))
    }

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

fn in_words(reason: &str) -> String {
    let found = reason.strip_prefix("invalid type: ").or_else(|| reason.strip_prefix("invalid value: "));
    if let Some((found, expected)) = found.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{} stands where {} is expected", thing(found), kind(expected));
    }
    let quoted = |rest: &str| rest.split('`').nth(1).unwrap_or(rest).to_owned();
    for (start, end) in [
        ("missing field ", " is missing"),
        ("duplicate field ", " is given twice"),
        ("unknown field ", " is not known here"),
        ("unknown variant ", " is not known here"),
    ] {
        if let Some(rest) = reason.strip_prefix(start) {
            return format!("{}{end}", quoted(rest));
        }
    }
    reason.to_owned()
}

/// "floating point `1.5`" is 1.5, and "string \"a\"" is "a".
fn thing(found: &str) -> String {
    let named = |name: &str| match name {
        "null" | "unit" => Some("nothing"),
        "map" => Some("an object"),
        "sequence" => Some("a list"),
        _ => None,
    };
    let quoted = found.split('`').nth(1);
    match quoted.and_then(|number| number.parse::<f64>().ok()) {
        Some(number) if number.abs() >= 1e15 => format!("{number:e}"),
        Some(number) => number.to_string(),
        None => named(found).or(quoted).or(found.strip_prefix("string ")).unwrap_or(found).to_owned(),
    }
}

fn kind(expected: &str) -> &str {
    match expected {
        "usize" | "u64" | "u32" => "a whole number that is not negative",
        "i64" | "i32" => "a whole number",
        "f64" | "f32" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") || other.contains("enum") => "an object of named fields",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::edit::Edit;

    #[test]
    fn what_is_wrong_with_json_is_told_without_types() {
        fn told<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
            Refusal::of_json(&serde_json::from_str::<T>(json).unwrap_err()).to_string()
        }
        let sent = "what was sent is not as expected: ";
        for (json, words) in [
            (
                r#"{"kind":"batch","first":0,"count":1.5}"#,
                "1.5 stands where a whole number that is not negative is expected",
            ),
            (
                r#"{"kind":"batch","first":-1,"count":2}"#,
                "-1 stands where a whole number that is not negative is expected",
            ),
            (r#"{"kind":"learning_rate","value":"fast"}"#, "\"fast\" stands where a number is expected"),
            (r#"{"kind":"learning_rate","value":null}"#, "nothing stands where a number is expected"),
            (r#"{"kind":"batch","first":0}"#, "count is missing"),
            (
                r#"{"kind":"initialize","rule":"suited","seed":1e30}"#,
                "1e30 stands where a whole number that is not negative is expected",
            ),
            (r#"{"kind":"reset","more":1}"#, "more is not known here"),
            (r#"{"kind":"jump"}"#, "jump is not known here"),
        ] {
            assert_eq!(told::<Edit>(json), format!("{sent}{words}"));
        }
        assert_eq!(told::<Edit>("{"), "what was sent is no JSON, or a part of it is missing");
        assert_eq!(told::<Vec<f64>>("{}"), format!("{sent}an object stands where a list is expected"));
    }
}
