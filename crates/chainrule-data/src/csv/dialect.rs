//! What a file looks like, from its first block: the separator, lines above the header, the header, and how rows are
//! wider or narrower than it.

use super::blocks::{Rules, scan, tidied};
use super::records::{Format, Records, line_breaks};
use crate::number::{self, NumberStyle};
use crate::options::{ReadOptions, Separator};

/// Bytes and records that are looked at.
const SAMPLE_BYTES: usize = 1 << 16;
const SAMPLE_RECORDS: usize = 100;
/// Lines above the header that may be a title.
const MOST_TITLES: usize = 20;
/// In the order in which they are preferred.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What was found out about a file.
#[derive(Debug)]
pub(crate) struct Dialect {
    pub(crate) format: Format,
    /// The names of the columns; those that have none are empty. Without a header line there are none.
    pub(crate) names: Option<Vec<String>>,
    /// How many fields a row has.
    pub(crate) width: usize,
    /// Where the rows start in the block, and on which line, counted from 1; and the header's line.
    pub(crate) rows_at: usize,
    pub(crate) rows_line: u64,
    pub(crate) header_line: u64,
    /// Where the header stands, titles included; empty where there is none.
    pub(crate) header: std::ops::Range<usize>,
    /// Lines above the header that were skipped because they are a title.
    pub(crate) titles: Vec<String>,
    /// Whether the header stood in a comment.
    pub(crate) header_in_comment: bool,
}

/// Looks at the first block of a file, which holds more than white space.
pub(crate) fn find(block: &[u8], options: &ReadOptions) -> Dialect {
    let comment = options.comment.unwrap_or(b'#');
    let comments = leading_comments(block, comment);
    let mut start = comments.last().map_or(0, |range| range.end);
    if block[start..].trim_ascii().is_empty() {
        // Nothing but comments: then they are none.
        start = 0;
    }
    let said = separator_line(&block[start..]);
    if let Some((_, end)) = said {
        start += end;
    }
    let sample = sample_of(&block[start..]);
    let separator = match (options.separator, said) {
        (Some(given), _) => given,
        (None, Some((said, _))) => Separator::Byte(said),
        (None, None) => separator_of(sample, options.quote),
    };
    let format = Format { separator, quote: options.quote, comment: options.comment };
    let records = records_of(sample, format);
    let width = usual_width(&records);

    let mut dialect = Dialect {
        format,
        names: None,
        width: width.max(1),
        rows_at: start,
        rows_line: 1 + line_breaks(&block[..start]),
        header_line: 0,
        header: start..start,
        titles: Vec::new(),
        header_in_comment: false,
    };
    if options.no_header {
        return dialect;
    }
    if start > 0
        && let Some(range) = comments.last()
        && let Some(names) = header_in_comment(&block[range.clone()], format, &records, width)
    {
        dialect.header_line = dialect.rows_line - 1;
        dialect.header = range.start + 1..range.end;
        dialect.header_in_comment = true;
        dialect.names = Some(fitted(names, &records, &mut dialect.width));
        return dialect;
    }
    let titles = titles(&records, width);
    let prepared = prepared(&block[start..], format.rules());
    let mut reader = Records::new(&prepared, format);
    for record in records.iter().take(titles) {
        reader.advance();
        dialect.titles.push(record.join(&char::from(separator.byte()).to_string()));
    }
    if reader.advance() {
        dialect.header_line = dialect.rows_line + reader.line();
        let names = reader.texts();
        // The rows go on in the bytes as they are, of which the prepared ones lack some spaces.
        let consumed =
            line_breaks(&prepared[..reader.end()]) + u64::from(!ends_line(&prepared[..reader.end()]));
        let (at, lines) = behind_lines(&block[start..], consumed);
        dialect.rows_at = start + at;
        dialect.header = start..start + at;
        dialect.rows_line += lines;
        dialect.names = Some(fitted(names, &records[titles + 1..], &mut dialect.width));
    }
    dialect
}

/// The line `sep=;` that spreadsheets write above the header: the separator, and where the line ends.
fn separator_line(bytes: &[u8]) -> Option<(u8, usize)> {
    let start = bytes.get(..4)?;
    let quoted = usize::from(bytes[0] == b'"');
    let named = start.eq_ignore_ascii_case(b"sep=") || bytes.get(1..5)?.eq_ignore_ascii_case(b"sep=");
    let separator = *bytes.get(4 + quoted)?;
    let end = behind_lines(bytes, 1).0;
    let is_alone = bytes.get(..end)?.trim_ascii_end().len() == 5 + 2 * quoted;
    (named && is_alone && !separator.is_ascii_alphanumeric()).then_some((separator, end))
}

fn ends_line(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n") || bytes.ends_with(b"\r")
}

/// Where so many lines end in the bytes, and how many there were.
fn behind_lines(bytes: &[u8], lines: u64) -> (usize, u64) {
    let (mut at, mut seen) = (0, 0);
    while seen < lines && at < bytes.len() {
        at += match memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
            None => bytes.len() - at,
            Some(offset) if bytes[at + offset..].starts_with(b"\r\n") => offset + 2,
            Some(offset) => offset + 1,
        };
        seen += 1;
    }
    (at, seen)
}

/// The bytes as blocks have them: with single spaces where spaces separate fields, and without spaces before quotes.
fn prepared(bytes: &[u8], rules: Rules) -> Vec<u8> {
    let spaces = scan(bytes, rules, true).spaces;
    tidied(bytes.to_vec(), &spaces, rules)
}

/// The lines at the top that are comments, blank lines aside.
fn leading_comments(block: &[u8], comment: u8) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = block[at..].iter().position(|byte| !matches!(byte, b'\n' | b'\r'))
        && block[at + offset] == comment
    {
        let start = at + offset;
        at = start + behind_lines(&block[start..], 1).0;
        found.push(start..at);
    }
    found
}

/// The start of the bytes, cut behind a line.
fn sample_of(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= SAMPLE_BYTES {
        return bytes;
    }
    let part = &bytes[..SAMPLE_BYTES];
    match memchr::memrchr2(b'\n', b'\r', part) {
        Some(end) => &part[..=end],
        None => bytes,
    }
}

fn records_of(sample: &[u8], format: Format) -> Vec<Vec<String>> {
    let bytes = prepared(sample, format.rules());
    let mut reader = Records::new(&bytes, format);
    let mut records = Vec::new();
    while records.len() < SAMPLE_RECORDS && reader.advance() {
        let record = reader.texts();
        if record.len() > 1 || !record[0].is_empty() {
            records.push(record);
        }
    }
    records
}

/// The number of fields that most records have, the first one left aside: it may be a header of another width.
fn usual_width(records: &[Vec<String>]) -> usize {
    usual_width_of_rows(if records.len() > 1 { &records[1..] } else { records }).unwrap_or(0)
}

/// The number of fields that most of these records have; of equally frequent ones the largest.
fn usual_width_of_rows(rows: &[Vec<String>]) -> Option<usize> {
    let mut widths: Vec<usize> = rows.iter().map(Vec::len).collect();
    widths.sort_unstable();
    let runs = widths.chunk_by(|one, two| one == two);
    runs.max_by_key(|run| (run.len(), run[0])).map(|run| run[0])
}

/// How many records above the header are a title: they have one field with a text, and the rows have more.
fn titles(records: &[Vec<String>], width: usize) -> usize {
    let is_title = |record: &Vec<String>| record.iter().skip(1).all(String::is_empty);
    if width < 2 {
        return 0;
    }
    let count = records.iter().take(MOST_TITLES).take_while(|record| is_title(record)).count();
    // What follows has to be a header; one name above rows of two fields may be the header of a table with row names.
    let is_header = records.get(count).is_some_and(|record| {
        record.len() + 1 >= width && record.iter().all(|field| number::plain(field).is_none())
    });
    if is_header { count } else { 0 }
}

/// The names in a comment right above the rows, where they are as many as the fields of a row and hold no number.
fn header_in_comment(
    line: &[u8],
    format: Format,
    records: &[Vec<String>],
    width: usize,
) -> Option<Vec<String>> {
    let text = line[1..].trim_ascii_start();
    let names = records_of(text, Format { comment: None, ..format }).into_iter().next()?;
    let has_number = |record: &[String]| record.iter().any(|field| number::plain(field).is_some());
    let is_header = width > 1 && names.len() == width && !has_number(&names) && has_number(records.first()?);
    is_header.then_some(names)
}

/// The names for rows that are wider or narrower than the header: row names before the first column, or separators at the
/// end of the header or of the rows.
fn fitted(mut names: Vec<String>, rows: &[Vec<String>], width: &mut usize) -> Vec<String> {
    let usual = usual_width_of_rows(rows).unwrap_or(names.len());
    let most_are_wider = 2 * rows.iter().filter(|row| row.len() == names.len() + 1).count() > rows.len();
    let last_are_empty = |count: usize| {
        rows.iter().all(|row| row.iter().rev().take(row.len().saturating_sub(count)).all(String::is_empty))
    };
    if most_are_wider && !last_are_empty(names.len()) {
        names.insert(0, String::new());
    }
    while usual < names.len() && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    *width = names.len();
    names
}

/// The separator that divides the records of a sample into equally many fields, each of which looks like one.
fn separator_of(sample: &[u8], quote: Option<u8>) -> Separator {
    let mut best = (Separator::Byte(b','), 0.0);
    for candidate in CANDIDATES {
        let separator = Separator::Byte(candidate);
        let score = score(sample, separator, quote);
        if score > best.1 + 1e-9 {
            best = (separator, score);
        }
    }
    if best.1 < 0.5 && spaces_fit(sample, quote) {
        return Separator::Spaces;
    }
    best.0
}

/// The share of records with the usual number of fields, times the share of fields that look like one: 0 to 1.
fn score(sample: &[u8], separator: Separator, quote: Option<u8>) -> f64 {
    let records = records_of(sample, Format { separator, quote, comment: None });
    let width = usual_width(&records);
    if width < 2 {
        return 0.0;
    }
    let near = |record: &&Vec<String>| record.len() == width || record.len() + 1 == width;
    let consistent = records.iter().filter(near).count() as f64 / records.len() as f64;
    let fields = records.iter().flatten();
    let good = fields.clone().filter(|field| looks_like_a_field(field, separator)).count();
    consistent * good as f64 / fields.count().max(1) as f64
}

/// A field holds none of the other separators, unless it is a number.
fn looks_like_a_field(field: &str, separator: Separator) -> bool {
    let others = |byte: u8| CANDIDATES.contains(&byte) && Separator::Byte(byte) != separator;
    !field.bytes().any(others) || NumberStyle::ALL.iter().any(|style| style.parse(field).is_some())
}

/// Whether spaces divide every record into equally many fields, one of which is a number in every row.
fn spaces_fit(sample: &[u8], quote: Option<u8>) -> bool {
    let records = records_of(sample, Format { separator: Separator::Spaces, quote, comment: None });
    let width = usual_width(&records);
    let rows = records.get(1..).unwrap_or_default();
    let is_number = |column: usize| rows.iter().all(|row| number::plain(&row[column]).is_some());
    width > 1
        && !rows.is_empty()
        && rows.iter().all(|row| row.len() == width)
        && (records[0].len() == width || records[0].len() + 1 == width)
        && (0..width).any(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> (String, Option<Vec<String>>, usize, u64) {
        let dialect = find(text.as_bytes(), &ReadOptions::default());
        (dialect.format.separator.words(), dialect.names, dialect.width, dialect.rows_line)
    }

    fn names(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn separators_are_found() {
        for (text, separator) in [
            ("a,b\n1,2\n", "','"),
            ("a;b\n1,5;2,5\n1,25;2,75\n", "';'"),
            ("a\tb\n1\t2\n", "tab"),
            ("a|b\n1|2\n", "'|'"),
            ("a  b   c\n1  2   x\n3  4   y\n", "spaces"),
            ("a\n1\n2\n", "','"),
            ("name\nNew York\nLos Angeles\n", "','"),
            ("a,b\n\"x;y\",1\n\"z;w\",2\n", "','"),
        ] {
            assert_eq!(found(text).0, separator, "{text}");
        }
    }

    #[test]
    fn headers_are_found_below_titles_and_comments() {
        for (text, header, width, line) in [
            ("a,b\n1,2\n", names(&["a", "b"]), 2, 2),
            ("Report,,\na,b,c\n1,2,3\n", names(&["a", "b", "c"]), 3, 3),
            ("Report\n\na,b,c\n1,2,3\n", names(&["a", "b", "c"]), 3, 4),
            ("# one\n# two\na,b\n1,2\n", names(&["a", "b"]), 2, 4),
            ("\n# one\n\n# two\na,b\n1,2\n", names(&["a", "b"]), 2, 6),
            ("# a,b\n1,2\n3,4\n", names(&["a", "b"]), 2, 2),
            (",colour\nOslo,red\nBergen,blue\n", names(&["", "colour"]), 2, 2),
            ("a,b\n1,2,3\n2,3,4\n", names(&["", "a", "b"]), 3, 2),
            ("a,b,\n1,2,\n2,3,\n", names(&["a", "b", ""]), 3, 2),
            ("a,b\n1,2,\n2,3,\n", names(&["a", "b"]), 2, 2),
            ("a,b,,\n1,2\n2,3\n", names(&["a", "b"]), 2, 2),
            ("\"x\ny\", \"b\"\n1,2\n", names(&["x\ny", "b"]), 2, 3),
            ("sep=;\na;b\n1;2\n", names(&["a", "b"]), 2, 3),
        ] {
            let (_, found_names, found_width, found_line) = found(text);
            assert_eq!((found_names, found_width, found_line), (header, width, line), "{text}");
        }
    }
}
