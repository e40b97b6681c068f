//! The shape of a table that people and programs write: names and row numbers that were left out, columns and lines that
//! are none.

use super::dialect::Dialect;
use crate::cells::Cells;
use crate::column::{Column, ColumnType, ReadAs, Values};
use crate::error::{DataError, Result};
use crate::names;
use crate::note::Note;
use crate::number;
use crate::table::Lines;
use crate::typing::{Hints, type_columns};
use arrow_array::Array;

/// Words that stand before a sum below the last row.
const TOTALS: [&str; 12] = [
    "total",
    "totals",
    "grand total",
    "subtotal",
    "sum",
    "average",
    "mean",
    "summe",
    "gesamt",
    "insgesamt",
    "suma",
    "totale",
];

/// Names of columns that programs give to the numbers of rows.
const INDEX_NAMES: [&str; 10] =
    ["index", "id", "row", "rownames", "row_names", "rowid", "row_id", "rownum", "no", "nr"];

/// The names of the columns. One without a name gets `column_N`; the first one, if rows are numbered there, is the index.
pub(super) fn names_of(file: &str, dialect: &Dialect, notes: &mut Vec<Note>) -> Result<Vec<String>> {
    let separator = dialect.format.separator;
    if !matches!(separator, crate::options::Separator::Byte(b',')) {
        let verb = if matches!(separator, crate::options::Separator::Spaces) { "stand" } else { "stands" };
        notes.push(Note::new("separator", format!("{} {verb} between fields", separator.words())));
    }
    let Some(given) = &dialect.names else {
        return Ok((1..=dialect.width).map(|number| format!("column_{number}")).collect());
    };
    for title in &dialect.titles {
        notes.push(Note::new(
            "title",
            format!("the line '{}' above the header is skipped, as a title", names::shown(title)),
        ));
    }
    if dialect.header_in_comment {
        notes.push(Note::new("header_in_comment", "the comment above the rows is taken for the header"));
    }
    let mut found: Vec<String> = Vec::with_capacity(given.len());
    let mut positions = std::collections::HashMap::new();
    for (index, name) in given.iter().enumerate() {
        if name.is_empty() {
            found.push(String::new());
            continue;
        }
        if let Some(first) = positions.insert(name.as_str(), index) {
            return Err(DataError::DuplicateColumnName {
                file: file.to_owned(),
                line: dialect.header_line,
                name: name.clone(),
                first: first + 1,
                second: index + 1,
            });
        }
        found.push(name.clone());
    }
    for index in 0..found.len() {
        if found[index].is_empty() {
            let mut name = format!("column_{}", index + 1);
            while found.contains(&name) {
                name.push('_');
            }
            found[index] = name;
        }
    }
    Ok(found)
}

/// Types the columns, and takes out what is no column and no row.
pub(super) fn finish(
    mut columns: Vec<(String, Cells, ReadAs)>,
    rows: usize,
    lines: &Lines,
    dialect: &Dialect,
    hints: Hints,
    notes: &mut Vec<Note>,
) -> Vec<Column> {
    if let Some(word) = totals_word(&columns, rows) {
        columns.iter_mut().for_each(|(_, cells, _)| cells.truncate(rows - 1));
        let line = lines.of(rows - 1).unwrap_or_default();
        notes.push(Note::new(
            "totals",
            format!("line {line}, '{word}', is left out, as a sum of the rows above it"),
        ));
    }
    let unnamed: Vec<bool> = match &dialect.names {
        Some(names) => names.iter().map(String::is_empty).collect(),
        None => vec![false; columns.len()],
    };
    let is_given: Vec<bool> = columns.iter().map(|(_, _, wanted)| wanted.kind.is_some()).collect();
    let mut typed = type_columns(columns, hints, notes);
    if dialect.names.is_some() {
        note_header_of_numbers(&typed, notes);
    }

    // Columns without a name: nothing at the end of each line, or the numbers of the rows.
    let count = typed.len();
    let kept: Vec<bool> = typed
        .iter()
        .zip(&unnamed)
        .map(|(column, is_unnamed)| !(*is_unnamed && column.kind == ColumnType::Empty && count > 1))
        .collect();
    let empty = kept.iter().filter(|kept| !**kept).count();
    let mut positions = kept.iter();
    typed.retain(|_| positions.next().is_some_and(|kept| *kept));
    let kept = |of: Vec<bool>| -> Vec<bool> {
        of.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(of, _)| of).collect()
    };
    let (unnamed, is_given) = (kept(unnamed), kept(is_given));
    if empty > 0 {
        let what = names::count(empty, "column", "columns");
        notes.push(Note::new("empty_columns", format!("{what} without a name and without values left out")));
    }
    let others = typed.len() > 2;
    for (index, column) in typed.iter_mut().enumerate() {
        if is_given[index] || column.kind == ColumnType::Empty {
            continue;
        }
        let is_unnamed = unnamed[index];
        let lowered = column.name.to_lowercase();
        let is_named_index = INDEX_NAMES.contains(&lowered.as_str()) || is_unnamed_of_pandas(&column.name);
        let name = column.name.clone();
        if index == 0 && is_unnamed && others {
            column.kind = ColumnType::Index;
            notes.push(Note::new(
                "index",
                format!(
                    "the first column has no name: it is taken for the numbers or names of the rows, and left out; \
                     --types '{name}=number' or category keeps it"
                ),
            ));
        } else if is_unnamed {
            notes.push(Note::new(
                "unnamed",
                format!("column {} has no name; it is called '{name}'", index + 1),
            ));
        } else if counts_rows(column) {
            if is_named_index && others {
                column.kind = ColumnType::Index;
                notes.push(Note::new(
                    "index",
                    format!(
                        "column '{name}' counts the rows, and is left out; --types '{name}=number' keeps it"
                    ),
                ));
            } else {
                notes.push(Note::new(
                    "row_counter",
                    format!("column '{name}' counts the rows; if it says nothing else, --ignore '{name}' leaves it out"),
                ));
            }
        }
    }
    typed
}

/// The name that pandas gives to an index that it has read without one.
fn is_unnamed_of_pandas(name: &str) -> bool {
    name.strip_prefix("Unnamed: ")
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'_'))
}

/// Whether a column holds 0, 1, 2, ... or 1, 2, 3, ... in this order.
fn counts_rows(column: &Column) -> bool {
    const LEAST: usize = 10;
    let Values::Numbers(numbers) = &column.values else { return false };
    let values = numbers.values.values();
    let first = values.first().copied().unwrap_or(-1.0);
    values.len() >= LEAST
        && numbers.values.null_count() == 0
        && (first == 0.0 || first == 1.0)
        && values.windows(2).all(|pair| pair[1] == pair[0] + 1.0)
}

/// The word for a sum in the last row: the only word in a column of numbers, or beside empty cells.
fn totals_word(columns: &[(String, Cells, ReadAs)], rows: usize) -> Option<String> {
    if rows < 3 {
        return None;
    }
    let last = rows - 1;
    let has_gap = columns.iter().any(|(_, cells, _)| cells.is_missing(last));
    columns.iter().filter(|(_, _, wanted)| wanted.kind.is_none()).find_map(|(_, cells, _)| {
        let (word, is_alone) = match cells {
            Cells::Numbers(numbers) => match numbers.words.as_slice() {
                [(row, word)] if *row == last => (&**word, true),
                _ => return None,
            },
            Cells::Texts(texts) => (texts.last_if_unique()?, false),
        };
        let plain = word.trim_end_matches([':', '.']).trim().to_lowercase();
        (TOTALS.contains(&plain.as_str()) && (is_alone || has_gap)).then(|| names::shown(word))
    })
}

/// Where the names of the columns of numbers are numbers themselves, the header may be a row.
fn note_header_of_numbers(columns: &[Column], notes: &mut Vec<Note>) {
    let mut of_numbers = columns.iter().filter(|column| column.kind == ColumnType::Number).peekable();
    if of_numbers.peek().is_some() && of_numbers.all(|column| number::plain(&column.name).is_some()) {
        let shown: Vec<&str> = columns.iter().map(Column::name).take(4).collect();
        notes.push(Note::new(
            "header_like_a_row",
            format!(
                "the first line ({}) is taken for the names of the columns, although it looks like a row; \
                 --no-header takes it for one",
                names::list(&shown)
            ),
        ));
    }
}

/// What to do about a row with another number of fields.
pub(super) fn advice(fields: &[String], expected: usize, dialect: &Dialect) -> String {
    let separator = dialect.format.separator.words();
    if fields.len() < expected {
        return format!(
            "fields are separated by {separator}; the line may have been cut off, or a field may hold a line break \
             without quotes around it"
        );
    }
    let comma = dialect.format.separator == crate::options::Separator::Byte(b',');
    let digits = |field: &String| !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit());
    if comma && fields.windows(2).any(|pair| digits(&pair[0]) && digits(&pair[1])) {
        return "if its numbers have commas, put them in double quotes, or separate fields by semicolons"
            .to_owned();
    }
    format!(
        "put a field that contains the separator {separator} in double quotes, or give another --separator"
    )
}
