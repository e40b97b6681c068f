//! A stream of bytes cut into blocks of whole records, so that each can be read on its own.
//!
//! A quote opens a field where a separator or a line break stands before it, spaces aside, and closes it where no second
//! quote follows; in between, line breaks end nothing. Spaces before an opening quote are taken out here, since they are
//! not part of the field.

use crate::options::Separator;
use crate::source::Bytes;
use std::io::Read;
use std::ops::Range;

/// What cutting depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) separator: Separator,
    pub(crate) quote: Option<u8>,
    /// Lines that start with this hold no quotes.
    pub(crate) comment: Option<u8>,
}

/// Cuts a stream into blocks.
pub(crate) struct Blocks {
    bytes: Bytes,
    rules: Rules,
    size: usize,
    /// What was read behind the last whole record.
    carried: Vec<u8>,
    is_over: bool,
}

impl Blocks {
    pub(crate) fn new(bytes: Bytes, rules: Rules, size: usize) -> Self {
        Self { bytes, rules, size, carried: Vec::new(), is_over: false }
    }

    /// The next block, with the last record whole; `None` at the end.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut block = std::mem::take(&mut self.carried);
        let mut wanted = self.size.max(block.len() + self.size / 2);
        while !self.is_over {
            block.reserve(wanted.saturating_sub(block.len()));
            let missing = wanted - block.len();
            let read = (&mut self.bytes).take(missing as u64).read_to_end(&mut block)?;
            self.is_over = read < missing;
            let scan = scan(&block, self.rules, self.is_over);
            let end = if self.is_over { block.len() } else { scan.end };
            if self.is_over || end > 0 {
                self.carried = block.split_off(end);
                return Ok((!block.is_empty()).then(|| tidied(block, &scan.spaces, self.rules)));
            }
            // A record that is longer than a block.
            wanted *= 2;
        }
        Ok(None)
    }
}

/// What a scan of a block's bytes found.
pub(crate) struct Scan {
    /// Where the last whole record ends; 0 where none does.
    pub(crate) end: usize,
    /// The spaces before opening quotes.
    pub(crate) spaces: Vec<Range<usize>>,
    /// Where a quote opens that is not closed.
    pub(crate) open: Option<usize>,
}

/// Looks at bytes that begin with a record. `is_all` says that nothing follows them.
pub(crate) fn scan(bytes: &[u8], rules: Rules, is_all: bool) -> Scan {
    let mut found = Scan { end: 0, spaces: Vec::new(), open: None };
    // Where the part outside of quotes begins, and where to look for the next quote.
    let (mut outside, mut next) = (0, 0);
    while let Some(quote) = rules.quote {
        let Some(at) = memchr::memchr(quote, &bytes[next..]).map(|offset| next + offset) else { break };
        let opening = opens(bytes, outside, at, rules.separator);
        let Some(spaces) = opening.filter(|_| !is_in_comment(bytes, outside, at, rules.comment)) else {
            next = at + 1;
            continue;
        };
        found.end = last_break(bytes, outside..at, false).unwrap_or(found.end);
        let Some(close) = closing(bytes, quote, at + 1, is_all) else {
            found.open = Some(at);
            return found;
        };
        if !spaces.is_empty() {
            found.spaces.push(spaces);
        }
        outside = close + 1;
        next = outside;
    }
    found.end = last_break(bytes, outside..bytes.len(), is_all).unwrap_or(found.end);
    found
}

/// The spaces before a quote that opens a field; `None` where the quote is a character like others.
fn opens(bytes: &[u8], outside: usize, at: usize, separator: Separator) -> Option<Range<usize>> {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t') && Separator::Byte(byte) != separator;
    let spaces = bytes[outside..at].iter().rev().take_while(|byte| is_space(**byte)).count();
    let start = at - spaces;
    let opens = match start.checked_sub(1).map(|before| bytes[before]) {
        None => true,
        // A field has just been closed, and no separator follows.
        Some(_) if start == outside && outside > 0 => false,
        Some(b'\n' | b'\r') => true,
        Some(byte) => match separator {
            Separator::Byte(separator) => byte == separator,
            Separator::Spaces => spaces > 0,
        },
    };
    opens.then_some(start..at)
}

/// Whether a place outside of quotes is in a comment.
fn is_in_comment(bytes: &[u8], outside: usize, at: usize, comment: Option<u8>) -> bool {
    let Some(comment) = comment else { return false };
    match memchr::memrchr2(b'\n', b'\r', &bytes[outside..at]) {
        Some(line_break) => bytes[outside + line_break + 1] == comment,
        None => outside == 0 && bytes[0] == comment,
    }
}

/// Where the quote stands that closes a field.
fn closing(bytes: &[u8], quote: u8, mut from: usize, is_all: bool) -> Option<usize> {
    loop {
        let at = from + memchr::memchr(quote, &bytes[from..])?;
        match bytes.get(at + 1) {
            Some(&next) if next == quote => from = at + 2,
            Some(_) => return Some(at),
            None => return is_all.then_some(at),
        }
    }
}

/// Where the last line in a range ends, behind its break. A carriage return at the end may be half of a break.
fn last_break(bytes: &[u8], range: Range<usize>, is_all: bool) -> Option<usize> {
    let (start, part) = (range.start, &bytes[range.clone()]);
    if let Some(at) = memchr::memrchr(b'\n', part) {
        return Some(start + at + 1);
    }
    let at = start + memchr::memrchr(b'\r', part)?;
    match bytes.get(at + 1) {
        None if !is_all => last_break(bytes, start..at, false),
        Some(b'\n') => None,
        _ => Some(at + 1),
    }
}

/// The bytes with single spaces where spaces separate fields, else without the spaces before opening quotes.
pub(crate) fn tidied(bytes: Vec<u8>, spaces: &[Range<usize>], rules: Rules) -> Vec<u8> {
    match rules.separator {
        Separator::Spaces => single_spaces(&bytes, rules),
        Separator::Byte(_) if spaces.is_empty() => bytes,
        Separator::Byte(_) => without(&bytes, spaces),
    }
}

fn without(bytes: &[u8], ranges: &[Range<usize>]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for range in ranges.iter().take_while(|range| range.end <= bytes.len()) {
        kept.extend_from_slice(&bytes[from..range.start]);
        from = range.end;
    }
    kept.extend_from_slice(&bytes[from..]);
    kept
}

/// Runs of spaces and tabs outside of quotes as one space; none at either end of a line.
fn single_spaces(bytes: &[u8], rules: Rules) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut in_quotes = false;
    let mut in_comment = false;
    let mut pending = false;
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if !in_quotes && !pending && matches!(text.last(), None | Some(b'\n' | b'\r')) {
            in_comment = Some(byte) == rules.comment;
        }
        if Some(byte) == rules.quote && !in_comment {
            let begins = pending || matches!(text.last(), None | Some(b'\n' | b'\r'));
            if in_quotes && bytes.next_if_eq(&byte).is_some() {
                text.push(byte);
            } else {
                in_quotes = !in_quotes && begins;
            }
        }
        match byte {
            b' ' | b'\t' if !in_quotes => pending = !matches!(text.last(), None | Some(b'\n' | b'\r')),
            b'\n' | b'\r' if !in_quotes => {
                pending = false;
                text.push(byte);
            }
            _ => {
                if std::mem::take(&mut pending) {
                    text.push(b' ');
                }
                text.push(byte);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { separator: Separator::Byte(b','), quote: Some(b'"'), comment: None };

    fn blocks(text: &str, size: usize, rules: Rules) -> Vec<String> {
        let bytes: Bytes = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut blocks = Blocks::new(bytes, rules, size);
        let mut found = Vec::new();
        while let Some(block) = blocks.next().unwrap() {
            found.push(String::from_utf8(block).unwrap());
        }
        found
    }

    #[test]
    fn blocks_end_with_records_whatever_their_size() {
        let text = "a,b\n1,\"x\ny\"\n\"\"\"q\"\",\n\",2\n5\" pipe,3\n\n4,\"\"\n";
        let records = ["a,b\n", "1,\"x\ny\"\n", "\"\"\"q\"\",\n\",2\n", "5\" pipe,3\n", "\n", "4,\"\"\n"];
        for size in 1..60 {
            let found = blocks(text, size, RULES);
            assert_eq!(found.concat(), text, "size {size}");
            let mut ends = Vec::new();
            records.iter().fold(0, |at, record| {
                ends.push(at + record.len());
                at + record.len()
            });
            found.iter().fold(0, |at, block| {
                assert!(ends.contains(&(at + block.len())), "size {size}: {block:?}");
                at + block.len()
            });
        }
        assert!(blocks(text, 8, RULES).len() > 2);
    }

    #[test]
    fn carriage_returns_end_records_and_are_not_torn_from_their_line_feeds() {
        for size in 1..20 {
            let found = blocks("a,b\r\n1,2\r\n3,4\r\n", size, RULES);
            assert!(found.iter().all(|block| block.ends_with("\r\n")), "{found:?}");
            let found = blocks("a,b\r1,2\r3,4", size, RULES);
            assert_eq!(found.concat(), "a,b\r1,2\r3,4");
            assert!(found[..found.len() - 1].iter().all(|block| block.ends_with('\r')), "{found:?}");
        }
    }

    #[test]
    fn spaces_before_quotes_go() {
        assert_eq!(blocks("\"a\", \"b, c\" , d\n", 99, RULES), ["\"a\",\"b, c\" , d\n"]);
        assert_eq!(blocks("a \"b\", c\n", 99, RULES), ["a \"b\", c\n"]);
        assert_eq!(blocks("\"a\" \"b\",\"c\"\n", 99, RULES), ["\"a\" \"b\",\"c\"\n"]);
    }

    #[test]
    fn runs_of_spaces_are_one_separator() {
        let rules = Rules { separator: Separator::Spaces, quote: Some(b'"'), comment: None };
        assert_eq!(blocks("  a   b \n1 \t \"x  y\"\n", 99, rules), ["a b\n1 \"x  y\"\n"]);
        assert_eq!(blocks("5\"  b\n\"a \"\"  b\"  2\n", 99, rules), ["5\" b\n\"a \"\"  b\" 2\n"]);
    }

    #[test]
    fn quotes_in_comments_open_nothing() {
        let rules = Rules { comment: Some(b'#'), ..RULES };
        let text = "# a, \"b\n1,\"x\n#y\"\n#,\"\n2,3\n";
        assert_eq!(scan(text.as_bytes(), rules, true).open, None);
        for size in 1..40 {
            let found = blocks(text, size, rules);
            assert_eq!(found.concat(), text, "size {size}");
            assert!(found.iter().all(|block| !block.ends_with("\"x\n")), "{found:?}");
        }
        let rules = Rules { separator: Separator::Spaces, ..rules };
        assert_eq!(blocks("# \"b\n1  \"x  y\"\n", 99, rules), ["# \"b\n1 \"x  y\"\n"]);
    }

    #[test]
    fn a_quote_that_stays_open_is_found() {
        let text = b"a,b\n1,\"x\n2,3\n";
        assert_eq!(scan(text, RULES, true).open, Some(6));
        assert_eq!(scan(b"a,b\n1,2\n", RULES, true).open, None);
    }
}
