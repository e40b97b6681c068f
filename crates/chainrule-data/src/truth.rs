//! Truth values as people write them.

/// Pairs of words that are written for false and true in one column.
const PAIRS: [(&str, &str); 5] = [("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on")];

/// The truth value that a word of any pair stands for, in any letter case; also of `0` and `1`.
pub(crate) fn truth(text: &str) -> Option<bool> {
    let text = text.trim();
    for (no, yes) in PAIRS {
        if text.eq_ignore_ascii_case(no) {
            return Some(false);
        }
        if text.eq_ignore_ascii_case(yes) {
            return Some(true);
        }
    }
    match crate::number::plain(text) {
        Some(0.0) => Some(false),
        Some(1.0) => Some(true),
        _ => None,
    }
}

/// Whether all these texts are of one pair.
pub(crate) fn are_truths<'a>(mut texts: impl Iterator<Item = &'a str> + Clone) -> bool {
    let is_of =
        |text: &str, (no, yes): (&str, &str)| text.eq_ignore_ascii_case(no) || text.eq_ignore_ascii_case(yes);
    let Some(first) = texts.clone().next() else { return false };
    match PAIRS.into_iter().find(|pair| is_of(first, *pair)) {
        Some(pair) => texts.all(|text| is_of(text, pair)),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_equal() {
        for yes in ["True", "TRUE", "true", "1", "1.0", "yes", "Y", "t", "on"] {
            assert_eq!(truth(yes), Some(true), "{yes}");
        }
        for no in ["False", "no", "0", "N", "f", "OFF", "0.0"] {
            assert_eq!(truth(no), Some(false), "{no}");
        }
        assert_eq!((truth("2"), truth("maybe"), truth("")), (None, None, None));
        assert!(are_truths(["True", "FALSE", "true"].into_iter()));
        assert!(!are_truths(["yes", "true"].into_iter()) && !are_truths(["a"].into_iter()));
        assert!(!are_truths(["1", "0"].into_iter()) && !are_truths(std::iter::empty()));
    }
}
