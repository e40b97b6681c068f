//! CSV text to a [`Table`]: blocks of whole records are read on all threads, each column into its own cells, and the
//! pieces joined in their order.

mod blocks;
mod dialect;
mod records;
mod shape;

use crate::cells::Cells;
use crate::column::{Column, ColumnType, ReadAs};
use crate::error::{DataError, Place, Result};
use crate::missing::MissingWords;
use crate::names;
use crate::note::Note;
use crate::options::ReadOptions;
use crate::parallel;
use crate::source::{Bytes, Source};
use crate::table::{Lines, Table};
use crate::typing::Hints;
use blocks::{Blocks, scan};
use dialect::Dialect;
use records::{Records, line_breaks};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};

/// The file is looked at by its first bytes, in steps of so many.
const LOOK: usize = 1 << 20;
/// Lines that are looked at, at least.
const LEAST_LINES: u64 = 3;
/// A block holds at least so many rows of a wide table.
const LEAST_ROWS: usize = 64;

/// Reads a table. The notes say what was found.
///
/// Numbers are kept as numbers, so that a column which turns out to hold texts has lost how some of them were written,
/// such as `1e5` or `+5`. Such a file is read a second time from what `again` opens.
pub(crate) fn read(
    file: &str,
    source: Source,
    again: Option<&dyn Fn() -> Result<Source>>,
    options: &ReadOptions,
) -> Result<(Table, Vec<Note>)> {
    let (table, notes) = read_once(file, source, &[], options)?;
    let lossy: Vec<&str> =
        table.columns().iter().filter(|column| column.has_lost_texts()).map(Column::name).collect();
    match again {
        Some(again) if !lossy.is_empty() => read_once(file, again()?, &lossy, options),
        _ => Ok((table, notes)),
    }
}

/// Reads a table, the columns of the names `as_texts` as texts.
fn read_once(
    file: &str,
    source: Source,
    as_texts: &[&str],
    options: &ReadOptions,
) -> Result<(Table, Vec<Note>)> {
    let Source { mut bytes, length } = source;
    let io = |error| crate::error::io(file, error);
    let mut first = Vec::new();
    loop {
        let count = (&mut bytes).take(LOOK as u64).read_to_end(&mut first).map_err(io)?;
        // A header may be longer than one look.
        if count < LOOK || line_breaks(&first) >= LEAST_LINES {
            break;
        }
    }
    if first.trim_ascii().is_empty() {
        return Err(DataError::EmptyFile { file: file.to_owned() });
    }
    let dialect = dialect::find(&first, options);
    check_header(file, &first, &dialect)?;
    let mut notes = Vec::new();
    let names = shape::names_of(file, &dialect, &mut notes)?;
    let wanted = wanted_of(file, &names, options)?;
    let is_text =
        |(name, wanted): (&String, &ReadAs)| reads_texts(wanted) || as_texts.contains(&name.as_str());
    let layout = Layout {
        file,
        names: &names,
        as_texts: names.iter().zip(&wanted).map(is_text).collect(),
        missing: &options.missing,
        missing_numbers: options.missing.numbers(),
        dialect: &dialect,
    };

    let rules = dialect.format.rules();
    let row_bytes = first.len() / line_breaks(&first).max(1) as usize;
    let is_small = options.block < LOOK;
    let size = if is_small { options.block.max(1) } else { options.block.max(LEAST_ROWS * row_bytes) };
    let rest: Bytes = Box::new(Cursor::new(first[dialect.rows_at..].to_vec()).chain(bytes));
    drop(first);
    let blocks = Blocks::new(rest, rules, size);
    let joined = join(&layout, blocks, length, options.threads)?;
    if joined.rows == 0 {
        return Err(DataError::NoRows { file: file.to_owned() });
    }
    let hints = Hints {
        decimal: options.decimal,
        thousands: options.thousands,
        separator: dialect.format.separator.byte(),
    };
    let Joined { columns, lines, blank, rows, .. } = joined;
    let columns =
        names.iter().cloned().zip(columns).zip(wanted).map(|((name, cells), wanted)| (name, cells, wanted));
    if names.len() == 1 && blank.above_row {
        notes.push(Note::new(
            "blank_lines",
            "blank lines are skipped; a missing value of a single column has to be written, as NA or \"\"",
        ));
    }
    let columns = shape::finish(columns.collect(), rows, &lines, &dialect, hints, &mut notes);
    Ok((Table::with_lines(file.to_owned(), columns, lines)?, notes))
}

/// What is known of each column: what the user said, else what a model learned.
fn wanted_of(file: &str, names: &[String], options: &ReadOptions) -> Result<Vec<ReadAs>> {
    for (name, _) in &options.types {
        if !names.contains(name) {
            return Err(DataError::NoColumn {
                file: file.to_owned(),
                name: name.clone(),
                nearest: names::nearest(name, names.iter().map(String::as_str)),
                columns: names::list(names),
            });
        }
    }
    let given: BTreeMap<&str, &ReadAs> =
        options.types.iter().map(|(name, read_as)| (name.as_str(), read_as)).collect();
    let wanted = |name: &String| {
        given.get(name.as_str()).copied().or_else(|| options.learned.get(name)).cloned().unwrap_or_default()
    };
    Ok(names.iter().map(wanted).collect())
}

/// Refuses a header that goes on to the end of the file, and one that is no text.
fn check_header(file: &str, first: &[u8], dialect: &Dialect) -> Result<()> {
    let header = &first[dialect.header.clone()];
    let first_line = 1 + line_breaks(&first[..dialect.header.start]);
    if let Some(open) = scan(header, dialect.format.rules(), true).open {
        let line = first_line + line_breaks(&header[..open]);
        return Err(DataError::UnclosedQuote { file: file.to_owned(), line });
    }
    if std::str::from_utf8(header).is_ok() {
        return Ok(());
    }
    let mut records = Records::new(header, dialect.format);
    while records.advance() {
        let wrong = records.fields().position(|field| std::str::from_utf8(field).is_err());
        if let Some(index) = wrong {
            let (line, column) = (Some(first_line + records.line()), (index + 1).to_string());
            let place = Place { file: file.to_owned(), line, row: None, column: column.into() };
            return Err(DataError::NotUtf8 { place });
        }
    }
    Ok(())
}

fn reads_texts(wanted: &ReadAs) -> bool {
    matches!(
        wanted.kind,
        Some(ColumnType::Category | ColumnType::Date | ColumnType::Truth | ColumnType::Text)
    )
}

/// What every block is read with.
struct Layout<'a> {
    file: &'a str,
    names: &'a [String],
    /// Which columns keep all their cells as texts.
    as_texts: Vec<bool>,
    missing: &'a MissingWords,
    missing_numbers: Vec<f64>,
    dialect: &'a Dialect,
}

/// What came out of one block.
struct Piece {
    columns: Vec<Cells>,
    rows: usize,
    /// Lines of its rows, counted from 0 at its start.
    lines: Lines,
    blank: Blank,
    /// How many lines it has.
    line_count: u64,
    bytes: usize,
}

/// Where blank lines are: above a row, and behind the last one.
#[derive(Clone, Copy, Default)]
struct Blank {
    above_row: bool,
    at_end: bool,
}

/// The pieces so far, in their order.
struct Joined {
    columns: Vec<Cells>,
    lines: Lines,
    blank: Blank,
    rows: usize,
    next_line: u64,
    next: usize,
    waiting: BTreeMap<usize, Result<Piece>>,
    failure: Option<DataError>,
    /// Bytes of the whole file, where known.
    length: Option<u64>,
}

fn join(layout: &Layout<'_>, mut blocks: Blocks, length: Option<u64>, threads: usize) -> Result<Joined> {
    let io = |error| crate::error::io(layout.file, error);
    let threads = parallel::count(threads);
    let joined = Mutex::new(Joined {
        columns: layout.as_texts.iter().map(|as_texts| Cells::new(*as_texts)).collect(),
        lines: Lines::default(),
        blank: Blank::default(),
        rows: 0,
        next_line: layout.dialect.rows_line,
        next: 0,
        waiting: BTreeMap::new(),
        failure: None,
        length,
    });
    let lock = || joined.lock().unwrap_or_else(PoisonError::into_inner);
    let work = |index: usize, block: &[u8]| {
        let piece = layout.read(block);
        lock().take(index, piece);
    };
    let first = blocks.next().map_err(io)?;
    let second = blocks.next().map_err(io)?;
    let (sender, receiver) = sync_channel::<(usize, Vec<u8>)>(threads);
    let receiver = Mutex::new(receiver);
    let read: std::io::Result<()> = match (first, second) {
        (None, _) => Ok(()),
        (Some(only), None) => {
            work(0, &only);
            Ok(())
        }
        (Some(first), Some(second)) => std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((index, block)) = receive(&receiver) {
                        work(index, &block);
                    }
                });
            }
            let mut index = 0;
            let mut next = Some(first);
            let mut after = Some(second);
            while let Some(block) = next {
                // Whoever receives lives as long as this scope.
                let _ = sender.send((index, block));
                index += 1;
                next = match after.take() {
                    Some(block) => Some(block),
                    None if lock().failure.is_some() => None,
                    None => blocks.next()?,
                };
            }
            drop(sender);
            Ok(())
        }),
    };
    let joined = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (joined.failure, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(io(error)),
        (None, Ok(())) => Ok(Joined { failure: None, ..joined }),
    }
}

fn receive<T>(receiver: &Mutex<Receiver<T>>) -> Option<T> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Joined {
    /// Takes a piece, and joins those whose turn it is.
    fn take(&mut self, index: usize, piece: Result<Piece>) {
        self.waiting.insert(index, piece);
        while let Some(piece) = self.waiting.remove(&self.next) {
            self.next += 1;
            if self.failure.is_some() {
                continue;
            }
            match piece {
                Ok(piece) => self.append(piece),
                Err(error) => self.failure = Some(at_line(error, self.next_line)),
            }
        }
    }

    fn append(&mut self, piece: Piece) {
        if let (0, Some(length)) = (self.rows, self.length) {
            // The rows to come, if all blocks are like the first.
            let expected = length as f64 / piece.bytes.max(1) as f64 * piece.rows as f64;
            self.columns.iter_mut().for_each(|column| column.reserve(expected as usize));
        }
        for &(row, line) in piece.lines.runs() {
            self.lines.push(self.rows + row, self.next_line + line);
        }
        self.blank = match piece.rows {
            0 => Blank { at_end: self.blank.at_end || piece.blank.at_end, ..self.blank },
            _ => Blank {
                above_row: self.blank.above_row || self.blank.at_end || piece.blank.above_row,
                at_end: piece.blank.at_end,
            },
        };
        for (column, cells) in self.columns.iter_mut().zip(piece.columns) {
            column.append(cells);
        }
        self.rows += piece.rows;
        self.next_line += piece.line_count;
    }
}

/// The line that an error in a piece counts from the start of the piece, as one of the file.
fn at_line(mut error: DataError, first: u64) -> DataError {
    match &mut error {
        DataError::Ragged { line, .. } | DataError::UnclosedQuote { line, .. } => *line += first,
        DataError::NotUtf8 { place } => place.line = place.line.map(|line| line + first),
        _ => {}
    }
    error
}

impl Layout<'_> {
    /// Reads the records of a block. Lines in errors count from its start.
    fn read(&self, block: &[u8]) -> Result<Piece> {
        let format = self.dialect.format;
        let mut columns: Vec<Cells> = self.as_texts.iter().map(|as_texts| Cells::new(*as_texts)).collect();
        let width = columns.len();
        let line_count = line_breaks(block);
        let mut records = Records::new(block, format);
        let mut lines = Lines::default();
        let mut rows = 0;
        let is_missing = |text: &str| self.missing.contains(text);
        while records.advance() {
            let len = records.len();
            if len != width {
                let is_blank = |field: &[u8]| field.is_empty();
                if len == 1 && records.fields().all(is_blank) {
                    continue;
                }
                if len < width || !records.fields().skip(width).all(is_blank) {
                    return Err(self.ragged(block, &mut records));
                }
            }
            let mut failed = None;
            for (index, (column, field)) in columns.iter_mut().zip(records.fields()).enumerate() {
                if column.push(field, &self.missing_numbers, is_missing).is_err() {
                    failed = Some(index);
                    break;
                }
            }
            if let Some(index) = failed {
                return Err(DataError::NotUtf8 {
                    place: Place {
                        file: self.file.to_owned(),
                        line: Some(records.line()),
                        row: None,
                        column: names::shown(&self.names[index]).into(),
                    },
                });
            }
            rows += 1;
        }
        if let Some(open) = self.open_quote(block) {
            let line = line_breaks(&block[..open]);
            return Err(DataError::UnclosedQuote { file: self.file.to_owned(), line });
        }
        let ends_line = block.ends_with(b"\n") || block.ends_with(b"\r");
        let mut blank = Blank::default();
        if line_count + u64::from(!ends_line) == rows as u64 {
            if rows > 0 {
                lines.push(0, 0);
            }
        } else {
            (lines, blank) = self.lines_of(block, width);
        }
        Ok(Piece { columns, rows, lines, blank, line_count, bytes: block.len() })
    }

    /// The line of every row, where they are not simply one after the other, and what blank lines there are.
    fn lines_of(&self, block: &[u8], width: usize) -> (Lines, Blank) {
        let mut records = Records::new(block, self.dialect.format);
        let (mut lines, mut blank) = (Lines::default(), Blank::default());
        let mut row = 0;
        while records.advance() {
            if width != 1 && records.len() == 1 && records.fields().all(<[u8]>::is_empty) {
                continue;
            }
            lines.push(row, records.line());
            blank.above_row |= records.has_blank_above();
            row += 1;
        }
        records.line();
        blank.at_end = records.has_blank_above();
        (lines, blank)
    }

    fn open_quote(&self, block: &[u8]) -> Option<usize> {
        let quote = self.dialect.format.quote?;
        memchr::memchr(quote, block)?;
        scan(block, self.dialect.format.rules(), true).open
    }

    fn ragged(&self, block: &[u8], records: &mut Records<'_>) -> DataError {
        let line = records.line();
        if let Some(open) = self.open_quote(block).filter(|open| *open < records.end()) {
            let line = line_breaks(&block[..open]);
            return DataError::UnclosedQuote { file: self.file.to_owned(), line };
        }
        DataError::Ragged {
            file: self.file.to_owned(),
            line,
            expected: self.names.len(),
            found: records.len(),
            advice: shape::advice(&records.texts(), self.names.len(), self.dialect),
        }
    }
}
