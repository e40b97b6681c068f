//! Names and counts as messages show them.

/// The candidate most similar to `name`, where it is similar enough to be what was meant.
/// Case does not count: `Age` is `age`.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const SIMILAR_ENOUGH: f64 = 0.5;
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let similarity = strsim::normalized_damerau_levenshtein(&wanted, &candidate.to_lowercase());
            (similarity, candidate)
        })
        .filter(|(similarity, _)| *similarity >= SIMILAR_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// A text of the user's as it fits into one line of a message: control characters escaped, a long end cut off.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == LONGEST {
            shown.push_str("...");
            break;
        }
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// `'a', 'b' and 17 more`
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 20;
    let quoted: Vec<String> =
        names.iter().take(SHOWN).map(|name| format!("'{}'", shown(name.as_ref()))).collect();
    let mut text = quoted.join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// A whole number of at least 0 with commas between thousands.
///
/// ```
/// assert_eq!(chainrule_data::thousands(1797), "1,797");
/// ```
pub fn thousands(number: impl std::fmt::Display) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `1,797 rows`
pub(crate) fn count(number: usize, singular: &str, plural: &str) -> String {
    let noun = if number == 1 { singular } else { plural };
    format!("{} {noun}", thousands(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_ignores_case_and_small_slips() {
        let columns = ["age", "income", "City"];
        assert_eq!(nearest("INCOM", columns), Some("income".to_owned()));
        assert_eq!(nearest("city", columns), Some("City".to_owned()));
        assert_eq!(nearest("xyzzy", columns), None);
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..23).map(|i| format!("c{i}")).collect();
        assert!(list(&names).ends_with("'c19' and 3 more"));
        assert_eq!(list(&["a", "b"]), "'a', 'b'");
    }

    #[test]
    fn texts_fit_into_a_line() {
        assert_eq!(shown("Tromsø\n\u{1b}[2J"), "Tromsø\\n\\u{1b}[2J");
        assert_eq!(shown(&"ø".repeat(60)), "ø".repeat(60));
        assert_eq!(shown(&"ø".repeat(61)), "ø".repeat(60) + "...");
    }

    #[test]
    fn counts_have_separators() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1797), "1,797");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(count(1, "row", "rows"), "1 row");
    }
}
