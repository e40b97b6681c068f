//! How a table is to be read, where it is not to be found out.

use crate::column::ReadAs;
use crate::error::{DataError, Result};
use crate::missing::MissingWords;
use std::collections::HashMap;

/// How to read a table. What is not said is found in the file.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `separator` | found | what stands between two fields |
/// | `no_header` | no | the first line is a row; columns are named `column_1`, `column_2`, ... |
/// | `decimal` | found | the decimal point of columns whose cells all agree with it |
/// | `thousands` | found | what stands between thousands, in columns whose cells all agree with it |
/// | `missing` | pandas' words and `?` | which cells are missing, beside empty ones |
/// | `comment` | leading `#` lines | lines that start with this are skipped, everywhere |
/// | `quote` | `"` | what stands around a field that holds separators |
/// | `encoding` | UTF-8, or UTF-16 where it is one | a label of the WHATWG's Encoding Standard, such as `latin1` |
/// | `types` | found | the types of columns |
/// | `learned` | nothing | how columns were read when a model was trained; columns that are not there do not matter |
/// | `threads` | all | how many threads read |
#[derive(Clone, Debug, PartialEq)]
pub struct ReadOptions {
    /// What stands between two fields.
    pub separator: Option<Separator>,
    /// Whether the first line is a row.
    pub no_header: bool,
    /// `.` or `,`.
    pub decimal: Option<char>,
    /// What stands between thousands.
    pub thousands: Option<char>,
    /// Which cells are missing.
    pub missing: MissingWords,
    /// Lines that start with this are skipped.
    pub comment: Option<u8>,
    /// What stands around fields; `None` where a quote is a character like others.
    pub quote: Option<u8>,
    /// The name of an encoding.
    pub encoding: Option<String>,
    /// The types of columns, by name.
    pub types: Vec<(String, ReadAs)>,
    /// How columns were read before, by name.
    pub learned: HashMap<String, ReadAs>,
    /// How many threads read; 0 for as many as the machine runs at once.
    pub threads: usize,
    /// Bytes that a thread reads at a time; what is read does not depend on it. Tests make it small.
    #[doc(hidden)]
    pub block: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            separator: None,
            no_header: false,
            decimal: None,
            thousands: None,
            missing: MissingWords::default(),
            comment: None,
            quote: Some(b'"'),
            encoding: None,
            types: Vec::new(),
            learned: HashMap::new(),
            threads: 0,
            block: 1 << 20,
        }
    }
}

/// What stands between two fields of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// One byte, such as `,`.
    Byte(u8),
    /// Any number of spaces and tabs.
    Spaces,
}

impl Separator {
    /// The separator of a name (`comma`, `semicolon`, `tab`, `pipe`, `spaces`), of `\t`, or the character itself.
    ///
    /// # Errors
    /// What is neither.
    pub fn from_name(name: &str) -> Result<Self> {
        Ok(Self::Byte(match name {
            "comma" => b',',
            "semicolon" => b';',
            "tab" | "\\t" => b'\t',
            "pipe" => b'|',
            "spaces" | "space" | " " => return Ok(Self::Spaces),
            _ => match name.as_bytes() {
                [byte]
                    if byte.is_ascii()
                        && !byte.is_ascii_alphanumeric()
                        && !matches!(byte, b'"' | b'\n' | b'\r') =>
                {
                    *byte
                }
                _ => {
                    return Err(DataError::Option {
                        option: "separator",
                        value: name.to_owned(),
                        expected: "comma, semicolon, tab, pipe, spaces, or one character that is no letter or digit",
                    });
                }
            },
        }))
    }

    /// The byte that separates fields once runs of spaces are made one.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Byte(byte) => byte,
            Self::Spaces => b' ',
        }
    }

    /// As messages have it.
    pub fn words(self) -> String {
        match self {
            Self::Byte(b'\t') => "tab".to_owned(),
            Self::Byte(byte) => format!("'{}'", char::from(byte)),
            Self::Spaces => "spaces".to_owned(),
        }
    }
}
