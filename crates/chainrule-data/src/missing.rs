//! Which cells stand for a missing value.

use crate::number;
use serde::{Deserialize, Serialize};

/// The words that stand for a missing value, beside the empty cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MissingWords {
    /// Further words, in any letter case. One that is a number stands for it however it is written: `-999` for `-999.0`.
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
        let is_same = |word: &String| {
            let value = value_of(word);
            word.to_lowercase() == cell.to_lowercase() || value.is_some() && value == value_of(cell)
        };
        usual || self.also.iter().any(is_same)
    }

    /// The words that are numbers.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        self.also.iter().filter_map(|word| value_of(word)).collect()
    }
}

/// The number that a word is; none where its text says more than its value.
fn value_of(word: &str) -> Option<f64> {
    number::plain(word).filter(|_| !number::is_code(word))
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
        let numbers =
            MissingWords { also: vec!["-999".to_owned(), "none at all".to_owned()], only_these: false };
        assert!(numbers.contains("-999") && numbers.contains("-999.00") && !numbers.contains("999"));
        assert_eq!(numbers.numbers(), [-999.0]);
        let only = MissingWords { also: vec!["nil".to_owned()], only_these: true };
        assert!(only.contains("nil") && only.contains("") && !only.contains("NA"));
    }
}
