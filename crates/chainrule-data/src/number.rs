//! Numbers as text: the plain way of writing them, and the other ways that people use.
//!
//! The plain way is `[+-]digits[.digits][e[+-]digits]`. A plain number of at most 15 digits is m / 10^k with m < 2^53 and
//! k <= 22, both exact, so one division gives the nearest 64-bit number; longer ones go through the standard library.

use serde::{Deserialize, Serialize};

/// What a cell says when it is read as a plain number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reading {
    /// A number; infinite where its value does not fit into 64 bits. With it, how many digits follow its point, or
    /// [`SHORTEST`].
    Number(f64, u8),
    /// Digits that start with a zero, as postal codes do, or too many of them for a 64-bit number: its text says more than
    /// its value.
    Code,
    /// Anything else.
    Other,
}

/// The number is written again as the shortest text that reads back as it, not with so many digits after the point.
pub(crate) const SHORTEST: u8 = u8::MAX;

const EXACT: u64 = 1_000_000_000_000_000;
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Reads a cell that has no white space around it.
pub(crate) fn read(cell: &[u8]) -> Reading {
    let (sign, digits) = match cell {
        [b'-', rest @ ..] => (b'-', rest),
        [b'+', rest @ ..] => (b'+', rest),
        rest => (b' ', rest),
    };
    let (mut mantissa, mut point) = (0_u64, digits.len());
    if digits.len() > 17 {
        return read_any(cell);
    }
    for (position, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => mantissa = mantissa * 10 + u64::from(byte - b'0'),
            b'.' if point == digits.len() => point = position,
            _ => return read_any(cell),
        }
    }
    let has_point = point < digits.len();
    let decimals = if has_point { digits.len() - point - 1 } else { 0 };
    if point + decimals == 0 {
        return Reading::Other;
    }
    let leading_zero = point > 1 && digits[0] == b'0';
    if leading_zero && !has_point {
        return Reading::Code;
    }
    if mantissa >= EXACT || decimals >= POWERS.len() {
        return read_any(cell);
    }
    let magnitude = mantissa as f64 / POWERS[decimals];
    let value = if sign == b'-' { -magnitude } else { magnitude };
    let is_regular = sign != b'+' && !leading_zero && point > 0 && (decimals > 0 || !has_point);
    Reading::Number(value, if is_regular { decimals as u8 } else { SHORTEST })
}

/// Numbers with many digits or an exponent, and infinity.
fn read_any(cell: &[u8]) -> Reading {
    let unsigned = cell.strip_prefix(b"-").or_else(|| cell.strip_prefix(b"+")).unwrap_or(cell);
    let starts = unsigned.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.');
    if !starts {
        let infinite = unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity");
        let value = if cell[..].starts_with(b"-") { f64::NEG_INFINITY } else { f64::INFINITY };
        return if infinite { Reading::Number(value, SHORTEST) } else { Reading::Other };
    }
    if unsigned.len() > 15 && unsigned.iter().all(u8::is_ascii_digit) {
        return Reading::Code;
    }
    match std::str::from_utf8(cell).ok().and_then(|text| text.parse().ok()) {
        Some(value) => Reading::Number(value, SHORTEST),
        None => Reading::Other,
    }
}

/// Whether the text of digits says more than its value.
pub(crate) fn is_code(text: &str) -> bool {
    read(text.as_bytes()) == Reading::Code
}

/// Whether a text is of digits that start with a zero and go on.
pub(crate) fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && all_digits(text)
}

/// The number that a text is, in the plain way or as a code.
pub(crate) fn plain(text: &str) -> Option<f64> {
    match read(text.as_bytes()) {
        Reading::Number(value, _) if value.is_finite() => Some(value),
        Reading::Code => text.parse().ok(),
        _ => None,
    }
}

/// A number as a text, with so many digits after the point, or [`SHORTEST`].
pub(crate) fn text(value: f64, decimals: u8) -> String {
    match decimals {
        SHORTEST if value == 0.0 || (1e-5..1e16).contains(&value.abs()) => format!("{value}"),
        SHORTEST => format!("{value:e}"),
        decimals => format!("{value:.*}", usize::from(decimals)),
    }
}

/// A way of writing numbers other than the plain one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberStyle {
    /// What stands before the fraction: `.` or `,`.
    pub decimal: char,
    /// What stands between groups of three digits, if anything does. A space also stands for a no-break space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// A percent sign or the sign of a currency that stands before or after every number, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<char>,
}

const SIGNS: [char; 6] = ['%', '$', '€', '£', '¥', '₹'];
const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];

impl NumberStyle {
    /// The plain way.
    pub const PLAIN: Self = Self { decimal: '.', thousands: None, sign: None };

    /// Every style that is looked for, without signs; styles that can be mistaken for one another stand in the order in
    /// which they are preferred.
    pub(crate) const ALL: [Self; 11] = {
        const fn style(decimal: char, thousands: Option<char>) -> NumberStyle {
            NumberStyle { decimal, thousands, sign: None }
        }
        [
            style('.', None),
            style(',', None),
            style('.', Some(',')),
            style(',', Some('.')),
            style('.', Some(' ')),
            style(',', Some(' ')),
            style('.', Some('\'')),
            style(',', Some('\'')),
            style('.', Some('’')),
            style(',', Some('’')),
            style('.', Some('_')),
        ]
    };

    /// The number that a text is in this style: digits are grouped by three everywhere, or nowhere.
    pub(crate) fn parse(self, text: &str) -> Option<f64> {
        let mut text = text.trim();
        if let Some(sign) = self.sign {
            // "-$5" and "$-5", "5 %" and "5%".
            let (minus, rest) = match text.strip_prefix(['-', '−']) {
                Some(rest) => ("-", rest),
                None => ("", text),
            };
            let stripped = rest.strip_prefix(sign).or_else(|| rest.strip_suffix(sign))?;
            let number = format!("{minus}{}", stripped.trim_matches(SPACES));
            return Self { sign: None, ..self }.parse(&number);
        }
        let minus = text.starts_with(['-', '−']);
        if let Some(rest) = text.strip_prefix(['-', '−', '+']) {
            text = rest;
        }
        if !text.starts_with(|first: char| first.is_ascii_digit() || first == self.decimal) {
            return None;
        }
        let (whole, rest) = match text.find([self.decimal, 'e', 'E']) {
            Some(end) => text.split_at(end),
            None => (text, ""),
        };
        let mut plain = String::with_capacity(text.len() + 1);
        if minus {
            plain.push('-');
        }
        match self.thousands {
            Some(thousands) if whole.contains(|c| is_separator(c, thousands)) => {
                let mut groups = whole.split(|c| is_separator(c, thousands));
                let first = groups.next()?;
                if !(1..=3).contains(&first.len()) || !all_digits(first) || first.starts_with('0') {
                    return None;
                }
                plain.push_str(first);
                for group in groups {
                    if group.len() != 3 || !all_digits(group) {
                        return None;
                    }
                    plain.push_str(group);
                }
            }
            _ if all_digits(whole) => plain.push_str(whole),
            _ => return None,
        }
        match rest.strip_prefix(self.decimal) {
            Some(fraction) => {
                plain.push('.');
                plain.push_str(fraction);
            }
            None => plain.push_str(rest),
        }
        self::plain(&plain)
    }

    /// In words, for messages: `a decimal comma and '.' between thousands`.
    pub(crate) fn words(self) -> String {
        let decimal = match self.decimal {
            ',' => "a decimal comma",
            _ => "a decimal point",
        };
        let mut words = decimal.to_owned();
        if let Some(thousands) = self.thousands {
            words += &format!(" and '{thousands}' between thousands");
        }
        if let Some(sign) = self.sign {
            words += &format!(" and the sign {sign}");
        }
        words
    }

    /// The sign that a text begins or ends with.
    pub(crate) fn sign_of(text: &str) -> Option<char> {
        let unsigned = text.trim().trim_start_matches(['-', '−']);
        [unsigned.chars().next(), unsigned.chars().next_back()]
            .into_iter()
            .flatten()
            .find(|c| SIGNS.contains(c))
    }
}

fn is_separator(character: char, thousands: char) -> bool {
    character == thousands || (thousands == ' ' && SPACES.contains(&character))
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers_are_the_nearest_ones() {
        for cell in [
            "0",
            "1",
            "-2.5",
            "0.1",
            "123456.789",
            "999999999999999",
            "0.000000000000001",
            "1e5",
            "1E-300",
            "0.30000000000000004",
            "1.7976931348623157e308",
            "5e-324",
            "900719925474099.3",
            "00.5",
            "5.",
            ".5",
            "+5",
            "-0",
            "-0.0",
            "0.1234567890123456789",
        ] {
            let Reading::Number(value, decimals) = read(cell.as_bytes()) else { panic!("{cell}") };
            assert_eq!(value.to_bits(), cell.parse::<f64>().unwrap().to_bits(), "{cell}");
            assert_eq!(text(value, decimals).parse::<f64>().unwrap().to_bits(), value.to_bits(), "{cell}");
            if decimals != SHORTEST {
                assert_eq!(text(value, decimals), cell);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for cell in
            ["", "-", "+", ".", "-.", "1,5", "0x10", "1_000", "e5", "1e", "--1", "1.2.3", "nan", "i", "12a"]
        {
            assert_eq!(read(cell.as_bytes()), Reading::Other, "{cell}");
        }
        for code in
            ["01", "007", "00", "-012", "00000000000000000000123", "9007199254740993", "1700000000000000000"]
        {
            assert_eq!(read(code.as_bytes()), Reading::Code, "{code}");
        }
        for infinite in ["inf", "-Infinity", "1e999"] {
            assert!(
                matches!(read(infinite.as_bytes()), Reading::Number(value, _) if value.is_infinite()),
                "{infinite}"
            );
        }
    }

    #[test]
    fn digits_after_the_point_are_kept() {
        for cell in ["1.50", "2.00", "0.10", "1.10", "-3.000"] {
            let Reading::Number(value, decimals) = read(cell.as_bytes()) else { panic!("{cell}") };
            assert_eq!(text(value, decimals), cell);
        }
    }

    #[test]
    fn styles_read_what_they_are_for() {
        let style = |decimal, thousands, sign| NumberStyle { decimal, thousands, sign };
        for (written, style, value) in [
            ("8,65", style(',', None, None), Some(8.65)),
            ("-9,33", style(',', None, None), Some(-9.33)),
            ("1.234,5", style(',', Some('.'), None), Some(1234.5)),
            ("1,234,567.25", style('.', Some(','), None), Some(1_234_567.25)),
            ("12,34", style('.', Some(','), None), None),
            ("1234,567", style('.', Some(','), None), None),
            ("0,567", style('.', Some(','), None), None),
            ("1 234,5", style(',', Some(' '), None), Some(1234.5)),
            ("1\u{a0}234", style('.', Some(' '), None), Some(1234.0)),
            ("1'234.5", style('.', Some('\''), None), Some(1234.5)),
            ("−5", style('.', None, None), Some(-5.0)),
            ("12.5 %", style('.', None, Some('%')), Some(12.5)),
            ("-$1,200", style('.', Some(','), Some('$')), Some(-1200.0)),
            ("€ 3,50", style(',', None, Some('€')), Some(3.5)),
            ("abc", style(',', None, None), None),
            ("1,2,3", style(',', None, None), None),
        ] {
            assert_eq!(style.parse(written), value, "{written}");
        }
    }
}
