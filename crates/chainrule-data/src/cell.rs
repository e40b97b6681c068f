//! What one cell of a table is: missing, a number, or a text.

/// The meaning of a cell, read on its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Number(f64),
    /// `nan`, `inf`, or digits whose value does not fit into 64 bits.
    NotFinite,
    Text,
}

/// Whether a cell stands for a missing value: empty, `NA`, `N/A`, `?` or `null`, in upper or lower case.
/// The cell has no white space around it.
pub fn is_missing(cell: &str) -> bool {
    match cell.len() {
        0 => true,
        1 => cell == "?",
        2 => cell.eq_ignore_ascii_case("na"),
        3 => cell.eq_ignore_ascii_case("n/a"),
        4 => cell.eq_ignore_ascii_case("null"),
        _ => false,
    }
}

impl Cell {
    pub(crate) fn parse(cell: &str) -> Self {
        if is_missing(cell) {
            return Self::Missing;
        }
        match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            Ok(_) => Self::NotFinite,
            Err(_) => Self::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_cell() {
        for missing in ["", "NA", "na", "N/A", "?", "null", "NULL"] {
            assert_eq!(Cell::parse(missing), Cell::Missing, "{missing}");
        }
        for (cell, number) in [("1", 1.0), ("-2.5", -2.5), ("+1e3", 1e3), (".5", 0.5)] {
            assert_eq!(Cell::parse(cell), Cell::Number(number), "{cell}");
        }
        for not_finite in ["nan", "NaN", "-inf", "+Infinity", "1e999"] {
            assert_eq!(Cell::parse(not_finite), Cell::NotFinite, "{not_finite}");
        }
        for text in ["Oslo", "1,5", "0x10", "1_000", "??", "nu"] {
            assert_eq!(Cell::parse(text), Cell::Text, "{text}");
        }
    }
}
