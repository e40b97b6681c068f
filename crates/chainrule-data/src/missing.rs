//! Which cells stand for a missing value.

use crate::number::{self, Reading};
use serde::{Deserialize, Serialize};

/// The words that stand for a missing value, beside the empty cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MissingWords {
    /// Further words, in any letter case. One that is a number stands for every way of writing it: `-999` for `-999.0`.
    pub also: Vec<String>,
    /// Whether the usual words stand for themselves, so that only empty cells and [`also`](Self::also) are missing.
    pub only_these: bool,
}

/// The words that pandas takes for missing values, and `?`; letter case does not count.
pub const USUAL_MISSING_WORDS: [&str; 17] = [
    "?", "NA", "N/A", "NaN", "-NaN", "None", "null", "<NA>", "#N/A", "#NA", "#N/A N/A", "1.#IND", "-1.#IND",
    "1.#QNAN", "-1.#QNAN", "NaT", "<null>",
];

impl MissingWords {
    /// Whether a cell, without white space around it, stands for a missing value.
    pub fn contains(&self, cell: &str) -> bool {
        if cell.is_empty() {
            return true;
        }
        let usual = !self.only_these
            && cell.len() <= 8
            && USUAL_MISSING_WORDS.iter().any(|word| word.eq_ignore_ascii_case(cell));
        let is_number = |word: &str| match (number::read(word.as_bytes()), number::read(cell.as_bytes())) {
            (Reading::Number(missing, _), Reading::Number(value, _)) => missing == value,
            _ => false,
        };
        usual || self.also.iter().any(|word| word.to_lowercase() == cell.to_lowercase() || is_number(word))
    }

    /// The numbers among the further words.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        let number = |word: &String| match number::read(word.as_bytes()) {
            Reading::Number(value, _) => Some(value),
            _ => None,
        };
        self.also.iter().filter_map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_words_and_further_ones() {
        let usual = MissingWords::default();
        for word in [
            "", "NA", "na", "nan", "NaN", "-nan", "None", "NULL", "null", "<NA>", "#N/A", "n/a", "?",
            "#N/A N/A",
        ] {
            assert!(usual.contains(word), "{word}");
        }
        for word in ["-", ".", "nil", "missing", "\\N", "Nano", "0", "NA "] {
            assert!(!usual.contains(word), "{word}");
        }
        let further = MissingWords { also: vec!["nil".to_owned(), "-".to_owned()], only_these: false };
        assert!(further.contains("NIL") && further.contains("-") && further.contains("NA"));
        let sentinel = MissingWords { also: vec!["-999".to_owned(), "nil".to_owned()], only_these: false };
        assert!(sentinel.contains("-999.0") && sentinel.contains("-999") && !sentinel.contains("999"));
        assert_eq!(sentinel.numbers(), [-999.0]);
        let only = MissingWords { also: vec!["nil".to_owned()], only_these: true };
        assert!(only.contains("nil") && only.contains("") && !only.contains("NA"));
    }
}
