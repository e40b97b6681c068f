//! The records of a block, one after the other, with the line on which each starts.

use super::blocks::Rules;
use crate::options::Separator;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// What records look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) separator: Separator,
    pub(crate) quote: Option<u8>,
    pub(crate) comment: Option<u8>,
}

impl Format {
    /// What cutting into blocks depends on.
    pub(crate) fn rules(self) -> Rules {
        Rules { separator: self.separator, quote: self.quote, comment: self.comment }
    }
}

/// Reads records from bytes that begin with one and end with one. Blank lines are none.
pub(crate) struct Records<'a> {
    reader: Reader,
    bytes: &'a [u8],
    comment: Option<u8>,
    position: usize,
    /// The fields of the latest record, one after the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    count: usize,
    /// Where the latest record starts.
    start: usize,
    /// Lines that end before `counted`.
    lines: u64,
    counted: usize,
    /// Whether blank lines stand right above the line that was asked for last.
    blank_above: bool,
}

impl<'a> Records<'a> {
    pub(crate) fn new(bytes: &'a [u8], format: Format) -> Self {
        let reader = ReaderBuilder::new()
            .delimiter(format.separator.byte())
            .quote(format.quote.unwrap_or(b'"'))
            .quoting(format.quote.is_some())
            .comment(format.comment)
            .build();
        Self {
            reader,
            bytes,
            comment: format.comment,
            position: 0,
            text: vec![0; 1 << 10],
            ends: vec![0; 64],
            count: 0,
            start: 0,
            lines: 0,
            counted: 0,
            blank_above: false,
        }
    }

    /// Goes on to the next record; `false` at the end.
    pub(crate) fn advance(&mut self) -> bool {
        self.start = self.position;
        let (mut written, mut count) = (0, 0);
        loop {
            let input = &self.bytes[self.position..];
            let (result, read, wrote, ended) =
                self.reader.read_record(input, &mut self.text[written..], &mut self.ends[count..]);
            self.position += read;
            written += wrote;
            count += ended;
            match result {
                ReadRecordResult::Record => {
                    self.count = count;
                    return true;
                }
                ReadRecordResult::End => return false,
                // Nothing follows the last byte: asked again with no input, the reader ends the record.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.text.resize(2 * self.text.len(), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
            }
        }
    }

    /// How many fields the latest record has.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The fields of the latest record, without quotes and without white space around them.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends[..self.count].iter().map(move |&end| {
            let field = &self.text[start..end];
            start = end;
            field.trim_ascii()
        })
    }

    /// The same as texts; bytes that are none are replaced.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.fields().map(|field| trimmed(&String::from_utf8_lossy(field)).to_owned()).collect()
    }

    /// Where the latest record ends in the bytes.
    pub(crate) fn end(&self) -> usize {
        self.position
    }

    /// The line on which the latest record starts, counted from 0; after the last one, that of the end. Lines end with
    /// `\n`, `\r\n` or `\r`.
    pub(crate) fn line(&mut self) -> u64 {
        let mut start = self.start.max(self.counted);
        self.blank_above = false;
        loop {
            let rest = &self.bytes[start..];
            match rest.first() {
                Some(byte @ (b'\n' | b'\r')) => {
                    // The line is blank, unless these bytes end a comment or are the second of a line's two.
                    self.blank_above |= match start.checked_sub(1).map(|before| self.bytes[before]) {
                        None | Some(b'\n') => true,
                        Some(b'\r') => *byte == b'\r',
                        Some(_) => false,
                    };
                    start += 1;
                }
                Some(byte) if Some(*byte) == self.comment => {
                    start += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                }
                _ => break,
            }
        }
        self.lines += line_breaks(&self.bytes[self.counted..start]);
        self.counted = start;
        self.lines
    }

    /// Whether blank lines stand right above the latest [`line`](Self::line).
    pub(crate) fn has_blank_above(&self) -> bool {
        self.blank_above
    }
}

/// White space beyond ASCII that stands around cells: the no-break space of spreadsheets.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim()
}

/// How many lines end in these bytes.
pub(crate) fn line_breaks(bytes: &[u8]) -> u64 {
    let feeds = memchr::memchr_iter(b'\n', bytes).count();
    let returns = memchr::memchr_iter(b'\r', bytes).filter(|&at| bytes.get(at + 1) != Some(&b'\n')).count();
    (feeds + returns) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_know_their_lines() {
        let format = Format { separator: Separator::Byte(b','), quote: Some(b'"'), comment: Some(b'#') };
        let text = b"a,b\r\n\r\n# c,d\n\"x\ny\",2\r3,4\n\n\n5, 6 ";
        let mut records = Records::new(text, format);
        let mut found = Vec::new();
        while records.advance() {
            found.push((records.line(), records.texts()));
        }
        let expected = [(0, ["a", "b"]), (3, ["x\ny", "2"]), (5, ["3", "4"]), (8, ["5", "6"])];
        assert_eq!(found, expected.map(|(line, fields)| (line, fields.map(str::to_owned).to_vec())));
    }

    #[test]
    fn long_records_fit() {
        let text = vec!["0123456789"; 500].join(",");
        let format = Format { separator: Separator::Byte(b','), quote: None, comment: None };
        let mut records = Records::new(text.as_bytes(), format);
        assert!(records.advance());
        assert_eq!((records.len(), records.fields().all(|field| field == b"0123456789")), (500, true));
        assert!(!records.advance());
    }
}
