//! The one way to the terminal: lines on standard output and standard error, without control characters from files.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Error, Result};
use serde_json::Value;

/// Whether standard output is where a result goes.
static OUTPUT_IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Has what the program says go to standard error, because its result goes to standard output.
pub(crate) fn speak_on_standard_error() {
    OUTPUT_IS_TAKEN.store(true, Ordering::Relaxed);
}

/// Whether what the program says goes to standard error.
pub(crate) fn speaks_on_standard_error() -> bool {
    OUTPUT_IS_TAKEN.load(Ordering::Relaxed)
}

/// Prints lines on standard output; an error where nobody reads it any more.
pub(crate) fn say(lines: impl Display) -> Result<()> {
    print_line(&printable(&lines.to_string()))
}

/// Prints a JSON object on standard output.
pub(crate) fn say_json(value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    // JSON itself escapes only the first 32 of the control characters.
    let escaped = replaced(&text, |c| c != '\n' && is_control(c), |c| format!("\\u{:04x}", u32::from(c)));
    print_line(&escaped)
}

fn print_line(text: &str) -> Result<()> {
    match speaks_on_standard_error() {
        true => writeln!(io::stderr(), "{text}").context("standard error"),
        false => on_standard_output(writeln!(io::stdout(), "{text}")),
    }
}

/// What came of writing to standard output, with its name where that failed.
pub(crate) fn on_standard_output(written: io::Result<()>) -> Result<()> {
    written.context("standard output")
}

/// Prints a line on standard error. Where that is closed, nobody wants to know.
pub(crate) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", one_line(&line.to_string()));
}

/// Tells an error and what it came from.
pub(crate) fn tell_error(error: &Error) {
    tell(format!("error: {}", reasons(error)));
}

/// The error and what it came from, each thing said once: most errors of libraries repeat their source.
fn reasons(error: &Error) -> String {
    let mut text = String::new();
    for reason in error.chain().map(ToString::to_string) {
        match text.as_str() {
            "" => text = reason,
            said if said.contains(&reason) => {}
            _ => text += &format!(": {reason}"),
        }
    }
    text
}

/// The text without what would act on a terminal: control characters are written as `\u{1b}`, line breaks stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    replaced(text, |c| c != '\n' && is_control(c), |c| c.escape_unicode().to_string())
}

/// The same on one line: for names from files, whose line breaks would look like ours.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    replaced(text, is_control, |c| c.escape_unicode().to_string())
}

fn replaced(
    text: &str,
    is_replaced: impl Fn(char) -> bool,
    replacement: impl Fn(char) -> String,
) -> Cow<'_, str> {
    if !text.contains(&is_replaced) {
        return Cow::Borrowed(text);
    }
    let piece = |c: char| if is_replaced(c) { replacement(c) } else { c.to_string() };
    Cow::Owned(text.chars().map(piece).collect())
}

/// Control characters, and those that turn the direction of the text around.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether people watch: standard output is a terminal.
pub(crate) fn on_terminal() -> bool {
    io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(
            printable("a\u{1b}[31mb\u{9b}\r\tc\nd\u{7f}"),
            "a\\u{1b}[31mb\\u{9b}\\u{d}\\u{9}c\nd\\u{7f}"
        );
        assert_eq!(one_line("Ünï → 日\n\u{202e}x"), "Ünï → 日\\u{a}\\u{202e}x");
    }
}
