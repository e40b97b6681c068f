//! Text as it is drawn: coloured pieces, formulas, numbers, how wide they are, and where lines break.

use super::colours::Ink;

/// A piece of a line in one colour; raised as an exponent is, or on the line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) ink: Ink,
    pub(super) raised: bool,
}

/// A line of text.
pub(super) type Line = Vec<Span>;

/// A raised piece's part of the line's size.
pub(super) const RAISED: f64 = 0.66;

/// What text is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    Bold,
    /// Numbers.
    Mono,
}

/// A piece on the line.
pub(super) fn span(text: impl Into<String>, ink: Ink) -> Span {
    Span { text: text.into(), ink, raised: false }
}

/// A line of one piece.
pub(super) fn plain(text: impl Into<String>, ink: Ink) -> Line {
    vec![span(text, ink)]
}

/// A formula with each symbol in the colour of its kind: "z^(1) = W^(1) a^(0) + b^(1)", where what is behind ^
/// is raised.
pub(super) fn formula(text: &str) -> Line {
    let mut line: Line = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_letter = |c: char| c.is_alphabetic() || c == '′';
        if let Some(raised) = rest.strip_prefix('^') {
            let length = match raised.find(')') {
                Some(end) if raised.starts_with('(') => end + 1,
                _ => raised.chars().next().map_or(0, char::len_utf8),
            };
            let ink = line.iter().rev().find(|span| !span.raised).map_or(Ink::Text, |span| span.ink);
            line.push(Span { text: raised[..length].to_owned(), ink, raised: true });
            rest = &raised[length..];
            continue;
        }
        let is_word = is_letter(first);
        let length = rest.find(|c| c == '^' || is_letter(c) != is_word).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(length);
        line.push(span(piece, ink_of_symbol(piece)));
        rest = after;
    }
    line
}

fn ink_of_symbol(symbol: &str) -> Ink {
    match symbol {
        "a" => Ink::A,
        "z" | "σ′" => Ink::Z,
        "W" | "b" | "Wᵀ" => Ink::W,
        "δ" | "e" => Ink::Delta,
        "dW" | "db" => Ink::Gradient,
        _ => Ink::Text,
    }
}

/// The text of a line as it is read aloud or searched.
#[cfg(test)]
pub(super) fn text_of(line: &[Span]) -> String {
    line.iter().map(|span| span.text.as_str()).collect()
}

/// The widths of the printable ASCII characters in hundredths of the size: DejaVu Sans, than which hardly any
/// other sans-serif face is wider, so that what fits here fits everywhere.
#[rustfmt::skip]
const PLAIN: [u8; 95] = [
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34,
    84, 84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69, 99,
    69, 62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53,
    40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,
];
/// The same in bold.
#[rustfmt::skip]
const BOLD: [u8; 95] = [
    35, 46, 53, 84, 70, 101, 88, 31, 46, 46, 53, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40,
    84, 84, 84, 59, 100, 78, 77, 74, 84, 69, 69, 83, 84, 38, 38, 78, 64, 100, 84, 86, 74, 86, 78, 73, 69, 82, 78, 111,
    78, 73, 73, 46, 37, 46, 84, 50, 50, 68, 72, 60, 72, 68, 44, 72, 72, 35, 35, 67, 35, 105, 72, 69, 72, 72, 50, 60,
    48, 72, 66, 93, 65, 66, 59, 72, 37, 72, 84,
];

fn character_width(character: char, face: Face) -> f64 {
    let table = match face {
        Face::Mono => return 0.61,
        Face::Plain => &PLAIN,
        Face::Bold => &BOLD,
    };
    let ascii = (character as usize).checked_sub(32).and_then(|index| table.get(index));
    let hundredths = match (ascii, character) {
        (Some(&width), _) => width,
        (None, '·') => 38,
        (None, '′') => 27,
        (None, 'δ' | 'η' | '∂' | '²') => 72,
        (None, _) => 100,
    };
    f64::from(hundredths) / 100.0
}

/// How wide a line is at most.
pub(super) fn width(line: &[Span], size: f64, face: Face) -> f64 {
    let of_span = |span: &Span| {
        let size = if span.raised { size * RAISED } else { size };
        span.text.chars().map(|character| size * character_width(character, face)).sum::<f64>()
    };
    line.iter().map(of_span).sum()
}

/// Words in lines of at most that width.
pub(super) fn wrapped(text: &str, size: f64, face: Face, most: f64) -> Vec<String> {
    let measured = |text: &str| width(&plain(text, Ink::Text), size, face);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if measured(&format!("{line} {word}")) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Pieces in lines of at most that width; lines break between pieces.
pub(super) fn wrapped_pieces(pieces: Vec<Line>, size: f64, face: Face, most: f64) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if width(line, size, face) + width(&piece, size, face) <= most => line.extend(piece),
            _ => lines.push(piece),
        }
    }
    lines
}

/// So many letters of a text, with an ellipsis where there are more.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A number as the page writes it, with so many significant digits and a printed sign.
pub(super) fn number(value: f64, digits: usize) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    match value {
        nan if nan.is_nan() => return "NaN".to_owned(),
        0.0 => return "0".to_owned(),
        infinite if infinite.is_infinite() => return if value > 0.0 { "+∞" } else { "−∞" }.to_owned(),
        _ => {}
    }
    let size = value.abs();
    let scientific = format!("{size:.*e}", digits - 1);
    let exponent: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let decimals = digits as i32 - 1 - exponent;
    if !(1e-3..1e5).contains(&size) || decimals < 0 {
        return format!("{sign}{}", scientific.replace('-', "−"));
    }
    format!("{sign}{size:.*}", decimals as usize)
}

/// How many decimals give so many digits to numbers of this size, and the smallest that they can write; none where
/// decimals do not suit them.
pub(super) fn decimals(size: f64, digits: usize) -> Option<(usize, f64)> {
    let powers = [1000.0, 100.0, 10.0, 1.0, 0.1, 0.01, 1e-3];
    let power = powers.iter().position(|&power| size >= power)?;
    let decimals = (digits + power).saturating_sub(4);
    (size < 10_000.0).then(|| (decimals, [1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6][decimals.min(6)]))
}

/// A number with so many decimals.
pub(super) fn with_decimals(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_on_the_page() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.6479, "−0.648"),
            (1.0, "1.00"),
            (12.345, "12.3"),
            (0.000_123_4, "1.23e−4"),
            (0.9996, "1.00"),
            (-123_456.0, "−1.23e5"),
            (99_999.0, "1.00e5"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(value, 3), expected);
        }
    }

    #[test]
    fn a_matrix_has_as_many_decimals_as_its_largest_number_needs() {
        assert_eq!(decimals(0.14, 2), Some((2, 0.01)));
        assert_eq!(decimals(1.2, 3), Some((2, 0.01)));
        assert_eq!(decimals(250.0, 2), Some((0, 1.0)));
        assert_eq!(decimals(2e-4, 3), None);
        assert_eq!(with_decimals(-0.08, 2), "−0.08");
    }

    #[test]
    fn a_formula_colours_its_symbols_and_raises_their_layers() {
        let line = formula("δ^(1) = W^(2)^T δ^(2)");
        assert_eq!(text_of(&line), "δ(1) = W(2)T δ(2)");
        let inks: Vec<_> = line.iter().map(|span| (span.text.as_str(), span.ink, span.raised)).collect();
        assert_eq!(inks[1], ("(1)", Ink::Delta, true));
        assert_eq!(inks[5], ("T", Ink::W, true));
    }
}
