//! Which cells stand for a missing value.

use serde::{Deserialize, Serialize};

/// The words that stand for a missing value, beside the empty cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MissingWords {
    /// Further words, in any letter case.
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
        usual || self.also.iter().any(|word| word.to_lowercase() == cell.to_lowercase())
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
        let only = MissingWords { also: vec!["nil".to_owned()], only_these: true };
        assert!(only.contains("nil") && only.contains("") && !only.contains("NA"));
    }
}
