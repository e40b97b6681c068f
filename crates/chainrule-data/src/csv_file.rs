//! CSV text to a [`Table`]: the separator, the header, and rows with exact line numbers.

use crate::error::{DataError, Place, Result};
use crate::table::Table;
use csv::{ReaderBuilder, StringRecord};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(crate) fn parse(file: &str, bytes: &[u8]) -> Result<Table> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(DataError::EmptyFile { file: file.to_owned() });
    }
    let separator = Separator::detect(bytes);
    let mut records = Records::new(file, bytes, separator);
    let mut record = StringRecord::new();

    let Some(line) = records.next(&mut record, &[])? else {
        return Err(DataError::EmptyFile { file: file.to_owned() });
    };
    if records.ends_in_quotes() {
        return Err(unclosed(file, line));
    }
    let header = header(file, line, &record)?;
    let width = header.len();
    let mut table = Table::new(file.to_owned(), header);

    let mut last_line = line;
    while let Some(line) = records.next(&mut record, table.header())? {
        if record.len() != width {
            if is_blank(&record) {
                continue;
            }
            if records.ends_in_quotes() {
                return Err(unclosed(file, line));
            }
            return Err(DataError::Ragged {
                file: file.to_owned(),
                line,
                expected: width,
                found: record.len(),
                separator: separator.name(),
            });
        }
        table.push_row(line, record.iter());
        last_line = line;
    }
    if records.ends_in_quotes() {
        return Err(unclosed(file, last_line));
    }
    if table.rows() == 0 {
        return Err(DataError::NoRows { file: file.to_owned() });
    }
    Ok(table)
}

fn is_blank(record: &StringRecord) -> bool {
    record.len() == 1 && record[0].trim().is_empty()
}

fn unclosed(file: &str, line: u64) -> DataError {
    DataError::UnclosedQuote { file: file.to_owned(), line }
}

fn header(file: &str, line: u64, record: &StringRecord) -> Result<Vec<String>> {
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    if let Some(index) = names.iter().position(String::is_empty) {
        return Err(DataError::EmptyColumnName { file: file.to_owned(), line, number: index + 1 });
    }
    let mut seen = std::collections::HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if let Some(first) = seen.insert(name.as_str(), index) {
            return Err(DataError::DuplicateColumnName {
                file: file.to_owned(),
                line,
                name: name.clone(),
                first: first + 1,
                second: index + 1,
            });
        }
    }
    Ok(names)
}

/// What stands between two fields.
#[derive(Clone, Copy)]
enum Separator {
    Comma,
    Semicolon,
    Tab,
}

impl Separator {
    /// The one that the header line has most of outside quotes; the comma where it has none.
    fn detect(bytes: &[u8]) -> Self {
        let mut counts = [0_usize; 3];
        let mut in_quotes = false;
        for byte in bytes.trim_ascii_start() {
            match byte {
                b'"' => in_quotes = !in_quotes,
                b'\n' | b'\r' if !in_quotes => break,
                b',' if !in_quotes => counts[0] += 1,
                b';' if !in_quotes => counts[1] += 1,
                b'\t' if !in_quotes => counts[2] += 1,
                _ => {}
            }
        }
        match counts {
            [comma, semicolon, tab] if semicolon > comma && semicolon >= tab => Self::Semicolon,
            [comma, _, tab] if tab > comma => Self::Tab,
            _ => Self::Comma,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Comma => "','",
            Self::Semicolon => "';'",
            Self::Tab => "tab",
        }
    }
}

/// The records of a CSV text, each with the line on which it starts.
///
/// The lines are counted here: the csv crate counts a record that follows blank lines from the first of them.
struct Records<'a> {
    file: &'a str,
    bytes: &'a [u8],
    reader: csv::Reader<&'a [u8]>,
    separator: Separator,
    /// Where the latest record starts, and on which line.
    start: usize,
    line: u64,
}

impl<'a> Records<'a> {
    fn new(file: &'a str, bytes: &'a [u8], separator: Separator) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator.byte())
            .from_reader(bytes);
        Self { file, bytes, reader, separator, start: 0, line: 1 }
    }

    /// Reads the next record and gives its line, or `None` at the end. `header` names the column in an error.
    fn next(&mut self, record: &mut StringRecord, header: &[String]) -> Result<Option<u64>> {
        let mut start = self.position();
        while matches!(self.bytes.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        let found = self.reader.read_record(record);
        if matches!(found, Ok(false)) {
            return Ok(None);
        }
        self.line += line_breaks(&self.bytes[self.start..start]);
        self.start = start;
        match found {
            Ok(_) => Ok(Some(self.line)),
            Err(error) => Err(self.describe(error, header)),
        }
    }

    /// Whether the latest record ends inside quotes, which the csv crate accepts at the end of a file.
    fn ends_in_quotes(&self) -> bool {
        let mut state = Quoting::FieldStart;
        for &byte in &self.bytes[self.start..self.position()] {
            state = match (state, byte) {
                (Quoting::FieldStart | Quoting::MaybeClosed, b'"') => Quoting::Quoted,
                (Quoting::Quoted, b'"') => Quoting::MaybeClosed,
                (Quoting::Quoted, _) => Quoting::Quoted,
                (_, byte) if byte == self.separator.byte() => Quoting::FieldStart,
                _ => Quoting::Plain,
            };
        }
        matches!(state, Quoting::Quoted)
    }

    fn position(&self) -> usize {
        let byte = usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX);
        byte.min(self.bytes.len())
    }

    fn describe(&self, error: csv::Error, header: &[String]) -> DataError {
        match error.into_kind() {
            csv::ErrorKind::Utf8 { err, .. } => DataError::NotUtf8 {
                place: Place {
                    file: self.file.to_owned(),
                    line: Some(self.line),
                    column: match header.get(err.field()) {
                        Some(name) => name.clone(),
                        None => (err.field() + 1).to_string(),
                    },
                },
            },
            csv::ErrorKind::Io(error) => crate::read::io(self.file, error),
            other => crate::read::io(self.file, std::io::Error::other(format!("{other:?}"))),
        }
    }
}

#[derive(Clone, Copy)]
enum Quoting {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of the quotes, or half of a doubled quote.
    MaybeClosed,
}

/// How many lines end in these bytes: `\n`, `\r\n`, or `\r` alone.
fn line_breaks(bytes: &[u8]) -> u64 {
    let ends = |index: usize| match bytes[index] {
        b'\n' => true,
        b'\r' => bytes.get(index + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..bytes.len()).filter(|&index| ends(index)).count() as u64
}
