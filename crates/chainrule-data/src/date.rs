//! Dates and times as people write them, and the numbers that a network learns from them.
//!
//! A text is a date in one of the known formats, a time, or both. A time keeps the clock of its place: an offset from UTC
//! at its end is read over, since the hour of the day is what habits follow.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};

/// The ways to write a date, in chrono's notation. Where day and month cannot be told apart in a whole column, the first
/// that fits holds: the month before the day. `%B` reads short names of months, too.
pub(crate) const DATE_FORMATS: [&str; 19] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d %B %Y",
    "%d-%B-%Y",
    "%B %d, %Y",
    "%B %d %Y",
    "%d. %B %Y",
    "%a, %d %b %Y",
    "%Y%m%dT",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%B-%y",
];

/// No date, only a time.
pub(crate) const NO_DATE: &str = "";

/// Formats that fit the same texts, one with the day first and one with the month.
const MIRRORED: [(&str, &str); 3] =
    [("%m/%d/%Y", "%d/%m/%Y"), ("%m-%d-%Y", "%d-%m-%Y"), ("%m/%d/%y", "%d/%m/%y")];

/// The format that reads day and month the other way round, where there is one.
pub(crate) fn mirrored(format: &str) -> Option<&'static str> {
    MIRRORED.iter().find(|(month_first, _)| *month_first == format).map(|(_, day_first)| *day_first)
}

/// The numbers that are learned from a date and time, by name.
pub(crate) const PARTS: [&str; 6] = ["year", "month", "day", "weekday", "hour", "days"];

/// The date and time that a text is in this format; the format may name no time, or be [`NO_DATE`].
pub(crate) fn parse(text: &str, format: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    if !(text.is_ascii() && (4..=40).contains(&text.len())) {
        return None;
    }
    if format == NO_DATE {
        return Some(NaiveDate::default().and_time(time(text)?));
    }
    if let Ok(whole) = NaiveDateTime::parse_from_str(text, format) {
        return Some(whole);
    }
    let (date, rest) = NaiveDate::parse_and_remainder(text, format).ok()?;
    // A year of fewer digits than the format says is something else: `1.2.13` is a version, not a day.
    let written = &text[..text.len() - rest.len()];
    let digits = |count: usize| {
        written.len() >= count && written.bytes().rev().take(count).all(|byte| byte.is_ascii_digit())
    };
    let is_whole = match format {
        "%d.%m.%y" => written.len() == 8,
        _ if format.ends_with("%y") => digits(2),
        _ if format.starts_with("%Y") => text.bytes().take(4).all(|byte| byte.is_ascii_digit()),
        _ => !format.ends_with("%Y") || digits(4),
    };
    if !is_whole {
        return None;
    }
    let midnight = NaiveTime::default();
    let rest = match rest {
        "" | "Z" => return Some(date.and_time(midnight)),
        rest if rest.starts_with([' ', 'T', 't', ',']) || format.ends_with('T') => {
            rest.trim_start_matches([' ', 'T', 't', ','])
        }
        _ => return None,
    };
    let basic = || NaiveTime::parse_and_remainder(rest, "%H%M%S").ok().filter(|_| format.ends_with('T'));
    let basic = || basic().filter(|(_, rest)| is_offset(rest)).map(|(time, _)| time);
    Some(date.and_time(time(rest).or_else(basic)?))
}

fn time(text: &str) -> Option<NaiveTime> {
    // "10:00 PM" before "10:00", whose rest would be "PM".
    for format in ["%I:%M:%S %p", "%I:%M %p", "%H:%M:%S%.f", "%H:%M"] {
        if let Ok((time, rest)) = NaiveTime::parse_and_remainder(text, format)
            && is_offset(rest.trim())
        {
            return Some(time);
        }
    }
    None
}

/// `Z`, `UTC`, `+02:00`, `+0200`, `+02`, or nothing.
fn is_offset(rest: &str) -> bool {
    match rest.as_bytes() {
        [] | b"Z" | b"z" | b"UTC" | b"GMT" => true,
        [b'+' | b'-', digits @ ..] => {
            let count = digits.iter().filter(|byte| byte.is_ascii_digit()).count();
            matches!(count, 2 | 4) && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b':')
        }
        _ => false,
    }
}

/// The format of all these texts, and whether another that swaps day and month fits them as well.
pub(crate) fn format_of<'a>(
    texts: impl Iterator<Item = &'a str> + Clone,
    preferred: Option<&'a str>,
) -> Option<(String, bool)> {
    let fits = |format: &str| texts.clone().all(|text| parse(text, format).is_some());
    texts.clone().next()?;
    let format = preferred.into_iter().chain(DATE_FORMATS).chain([NO_DATE]).find(|format| fits(format))?;
    let ambiguous = preferred != Some(format) && mirrored(format).is_some_and(fits);
    Some((format.to_owned(), ambiguous))
}

/// A part of a date and time: year, month 1 to 12, day 1 to 31, weekday 0 (Monday) to 6, hour with its fraction, and the
/// days since 1970-01-01 with their fraction.
pub(crate) fn part(instant: NaiveDateTime, name: &str) -> f64 {
    let seconds = f64::from(instant.num_seconds_from_midnight()) + f64::from(instant.nanosecond()) * 1e-9;
    match name {
        "year" => f64::from(instant.year()),
        "month" => f64::from(instant.month()),
        "day" => f64::from(instant.day()),
        "weekday" => f64::from(instant.weekday().num_days_from_monday()),
        "hour" => seconds / 3600.0,
        _ => {
            let days = instant.date().signed_duration_since(NaiveDate::default()).num_days();
            days as f64 + seconds / 86_400.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, format: &str) -> [f64; 6] {
        let instant = parse(text, format).unwrap_or_else(|| panic!("{text} as {format}"));
        PARTS.map(|name| part(instant, name))
    }

    #[test]
    fn dates_and_times_in_their_formats() {
        assert_eq!(parts("2021-02-03", "%Y-%m-%d"), [2021.0, 2.0, 3.0, 2.0, 0.0, 18661.0]);
        let noon = [2021.0, 2.0, 3.0, 2.0, 12.5, 18661.0 + 12.5 / 24.0];
        for (text, format) in [
            ("2021-02-03 12:30", "%Y-%m-%d"),
            ("2021-02-03T12:30:00Z", "%Y-%m-%d"),
            ("2021-02-03T12:30:00.000+02:00", "%Y-%m-%d"),
            ("03.02.2021 12:30:00", "%d.%m.%Y"),
            ("2/3/2021 12:30 PM", "%m/%d/%Y"),
            ("3 Feb 2021 12:30", "%d %b %Y"),
            ("Feb 3, 2021 12:30", "%b %d, %Y"),
            ("03.02.21 12:30", "%d.%m.%y"),
            ("2/3/21 12:30", "%m/%d/%y"),
            ("03-Feb-21 12:30", "%d-%b-%y"),
        ] {
            assert_eq!(parts(text, format), noon, "{text}");
        }
        assert_eq!(parts("23:15", NO_DATE)[4], 23.25);
        for (text, format) in [
            ("2021-02-30", "%Y-%m-%d"),
            ("2021-02-03x", "%Y-%m-%d"),
            ("2021-02-03 25:00", "%Y-%m-%d"),
            ("12", NO_DATE),
            ("03/02/21", "%Y/%m/%d"),
            ("12/31/99", "%m/%d/%Y"),
            ("1.2.13", "%Y.%m.%d"),
            ("1.2.13", "%d.%m.%y"),
            ("3/2/2021", "%m/%d/%y"),
        ] {
            assert_eq!(parse(text, format), None, "{text}");
        }
    }

    #[test]
    fn a_column_has_one_format() {
        let format = |texts: &[&str]| format_of(texts.iter().copied(), None);
        assert_eq!(format(&["2021-02-03", "2021-12-31 10:00"]), Some(("%Y-%m-%d".to_owned(), false)));
        assert_eq!(format(&["1/2/2021", "3/4/2021"]), Some(("%m/%d/%Y".to_owned(), true)));
        assert_eq!(format(&["1/2/2021", "13/4/2021"]), Some(("%d/%m/%Y".to_owned(), false)));
        assert_eq!(format(&["1/2/2021", "1/13/2021"]), Some(("%m/%d/%Y".to_owned(), false)));
        assert_eq!(format(&["12/31/99", "01/01/00"]), Some(("%m/%d/%y".to_owned(), false)));
        assert_eq!(format(&["03/02/21"]), Some(("%m/%d/%y".to_owned(), true)));
        assert_eq!(format(&["1.2.13", "1.10.2"]), None);
        assert_eq!(format(&["10:00", "23:59:59"]), Some((NO_DATE.to_owned(), false)));
        assert_eq!(format(&["2021-02-03", "soon"]), None);
        let preferred = format_of(["1/2/2021"].into_iter(), Some("%d/%m/%Y"));
        assert_eq!(preferred, Some(("%d/%m/%Y".to_owned(), false)));
    }
}
