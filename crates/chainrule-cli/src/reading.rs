//! How data are read: flags as options of the readers, and what was noticed on the way.

use anyhow::{Result, bail};
use chainrule_data::{ColumnType, Dataset, MissingWords, Note, ReadAs, ReadOptions, Separator, read_with};
use clap::Args;

use crate::terminal::tell;

/// Flags of commands that read a table.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ReadArguments {
    /// What stands between fields: comma, semicolon, tab, pipe, spaces, or a character; found if not given
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, help_heading = "Reading")]
    pub(crate) separator: Option<String>,
    /// The first line is a row; columns are called column_1, column_2, ...
    #[arg(long, help_heading = "Reading")]
    pub(crate) no_header: bool,
    /// The decimal point of columns that can be read with it: . or ,; found if not given
    #[arg(long, value_name = "CHARACTER", help_heading = "Reading")]
    pub(crate) decimal: Option<char>,
    /// What stands between thousands in columns that can be read with it; found if not given
    #[arg(long, value_name = "CHARACTER", help_heading = "Reading")]
    pub(crate) thousands: Option<char>,
    /// Further words that stand for a missing value, separated by commas
    #[arg(
        long,
        value_name = "WORDS",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Reading"
    )]
    pub(crate) missing: Vec<String>,
    /// Words such as NA, None and null are words: only empty cells and those of --missing are missing
    #[arg(long, help_heading = "Reading")]
    pub(crate) keep_words: bool,
    /// Lines that start with this character are skipped; # above the header if not given
    #[arg(long, value_name = "CHARACTER", help_heading = "Reading")]
    pub(crate) comment: Option<char>,
    /// What stands around fields that hold separators, or none; \" if not given
    #[arg(long, value_name = "CHARACTER", help_heading = "Reading")]
    pub(crate) quote: Option<String>,
    /// Such as latin1 or utf-16; UTF-8, or UTF-16 where the file begins like it, if not given
    #[arg(long, value_name = "NAME", help_heading = "Reading")]
    pub(crate) encoding: Option<String>,
    /// Types of columns, such as age=number,zip=category,when=date:%d/%m/%Y: number, category, truth, date, text or index
    #[arg(long, value_name = "COLUMN=TYPE", help_heading = "Reading")]
    pub(crate) types: Vec<String>,
}

impl ReadArguments {
    /// The options that the flags stand for.
    pub(crate) fn options(&self, threads: Option<u16>) -> Result<ReadOptions> {
        let quote = match self.quote.as_deref() {
            None => Some(b'"'),
            Some("none") => None,
            Some(given) => Some(byte("quote", given)?),
        };
        let comment =
            self.comment.map(|given| byte("comment", given.encode_utf8(&mut [0; 4]))).transpose()?;
        if let Some(decimal) = self.decimal.filter(|decimal| !matches!(decimal, '.' | ',')) {
            bail!("--decimal {decimal}: a decimal point is . or ,");
        }
        if let Some(thousands) = self.thousands.filter(char::is_ascii_alphanumeric) {
            bail!("--thousands {thousands}: between thousands stands no letter and no digit");
        }
        if self.thousands.is_some() && self.thousands == self.decimal {
            bail!("--decimal and --thousands: one character cannot be both");
        }
        let mut types = Vec::new();
        for entry in type_entries(&self.types) {
            types.push(type_of(&entry)?);
        }
        Ok(ReadOptions {
            separator: self.separator.as_deref().map(Separator::from_name).transpose()?,
            no_header: self.no_header,
            decimal: self.decimal,
            thousands: self.thousands,
            missing: self.missing_words(),
            comment,
            quote,
            encoding: self.encoding.clone(),
            types,
            threads: threads.map_or(0, usize::from),
            ..ReadOptions::default()
        })
    }

    /// What is read as missing.
    pub(crate) fn missing_words(&self) -> MissingWords {
        MissingWords { also: self.missing.clone(), only_these: self.keep_words }
    }

    /// Reads data with these options. Flags for tables and data that are none are refused.
    pub(crate) fn read(&self, source: &str, options: &ReadOptions) -> Result<Dataset> {
        let dataset = read_with(source, options)?;
        if dataset.table().is_none()
            && let Some(flag) = self.given()
        {
            bail!("{flag} is for tables, but {source} holds images; leave it out");
        }
        Ok(dataset)
    }

    /// The first flag that was given.
    fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--separator", self.separator.is_some()),
            ("--no-header", self.no_header),
            ("--decimal", self.decimal.is_some()),
            ("--thousands", self.thousands.is_some()),
            ("--missing", !self.missing.is_empty()),
            ("--keep-words", self.keep_words),
            ("--comment", self.comment.is_some()),
            ("--quote", self.quote.is_some()),
            ("--encoding", self.encoding.is_some()),
            ("--types", !self.types.is_empty()),
        ];
        flags.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }
}

fn byte(flag: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii_punctuation() => Ok(*byte),
        _ => bail!("--{flag} {text}: expected one ASCII character that is no letter, digit or space"),
    }
}

/// The entries of `--types`. A comma separates entries, unless what follows it is none: a part of a date's format.
fn type_entries(given: &[String]) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for text in given {
        let mut is_first = true;
        for part in text.split(',') {
            match entries.last_mut().filter(|_| !is_first && !part.contains('=')) {
                Some(last) => {
                    last.push(',');
                    last.push_str(part);
                }
                None => entries.push(part.to_owned()),
            }
            is_first = false;
        }
    }
    entries
}

fn type_of(entry: &str) -> Result<(String, ReadAs)> {
    let Some((name, kind)) = entry.rsplit_once('=') else {
        bail!("--types {entry}: expected COLUMN=TYPE, such as age=number");
    };
    let (kind, date_format) = match kind.split_once(':') {
        Some(("date", format)) => ("date", Some(format.to_owned())),
        _ => (kind, None),
    };
    let Some(found) = ColumnType::from_name(kind.trim()) else {
        bail!(
            "--types {entry}: '{kind}' is no type; give number, category, truth, date, date:FORMAT, text or index"
        );
    };
    let column = name.trim().to_owned();
    Ok((column, ReadAs { kind: Some(found), date_format, style: None }))
}

/// The columns of `--ignore`: each text is the name of a column, or names separated by commas.
pub(crate) fn ignored_columns(given: &[String], dataset: &Dataset) -> Vec<String> {
    let is_column = |name: &str| dataset.table().is_some_and(|table| table.position(name).is_some());
    let names = |text: &String| match is_column(text) {
        true => vec![text.clone()],
        false => text.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    given.iter().flat_map(names).collect()
}

/// Tells people what was noticed. It does not belong to a command's result.
pub(crate) fn say_notes(notes: &[Note]) {
    for note in notes {
        tell(format!("note: {note}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read() {
        let arguments = ReadArguments {
            types: vec!["a=number,b c=category,when=date:%b %d, %Y".to_owned(), "x=y=truth".to_owned()],
            ..ReadArguments::default()
        };
        let types = arguments.options(None).unwrap().types;
        let found: Vec<_> = types
            .iter()
            .map(|(name, read)| (name.as_str(), read.kind, read.date_format.as_deref()))
            .collect();
        let expected = [
            ("a", Some(ColumnType::Number), None),
            ("b c", Some(ColumnType::Category), None),
            ("when", Some(ColumnType::Date), Some("%b %d, %Y")),
            ("x=y", Some(ColumnType::Truth), None),
        ];
        assert_eq!(found, expected);
        for wrong in ["a", "a=float", "a=date("] {
            let arguments = ReadArguments { types: vec![wrong.to_owned()], ..ReadArguments::default() };
            assert!(arguments.options(None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_that_are_none_are_refused() {
        let decimal = ReadArguments { decimal: Some('x'), ..ReadArguments::default() };
        let quote = ReadArguments { quote: Some("ab".to_owned()), ..ReadArguments::default() };
        let both = ReadArguments { decimal: Some(','), thousands: Some(','), ..ReadArguments::default() };
        for wrong in [decimal, quote, both] {
            assert!(wrong.options(None).is_err());
        }
    }
}
