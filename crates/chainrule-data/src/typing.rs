//! Decides what the cells of a column are, once, when all of them have been read.
//!
//! A column holds numbers where nine tenths of its cells are numbers in one way of writing; truth values, dates or
//! categories where all its cells are; texts where most cells occur once. Columns are looked at one by one, with one
//! exception: whether `1,234` is a thousand or a little more than one is told by the other columns of the file.

use crate::cells::{Cells, Decimals, Texts};
use crate::column::{Column, ColumnType, Dictionary, NumberCells, ReadAs, Values, values_of};
use crate::date;
use crate::names;
use crate::note::Note;
use crate::number::{self, NumberStyle, Reading};
use crate::truth::are_truths;
use arrow_array::Array;
use std::sync::Arc;

/// A column is one of numbers where at least this share of its cells are.
pub(crate) const MOSTLY: f64 = 0.9;
/// A column with more different texts than this, most of which occur once, is one of texts.
const LEAST_TEXTS: usize = 64;
/// A way of writing is looked at closer where it fits most of so many texts.
const SAMPLE: usize = 64;
/// So many numbers of a kind are a habit.
const HABIT: usize = 3;

/// What is known of all columns of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hints {
    pub(crate) decimal: Option<char>,
    pub(crate) thousands: Option<char>,
    pub(crate) separator: u8,
}

/// Gives each column its type. The notes say what was taken for what where another reading is possible.
pub(crate) fn type_columns(
    columns: Vec<(String, Cells, ReadAs)>,
    hints: Hints,
    notes: &mut Vec<Note>,
) -> Vec<Column> {
    let drafts: Vec<Draft> =
        columns.into_iter().map(|(name, cells, wanted)| Draft::new(name, cells, wanted, hints)).collect();
    let commas = commas_of(&drafts, hints);
    // The columns of each style, and whether its comma might be read the other way.
    let mut found: Vec<(NumberStyle, bool, Vec<String>)> = Vec::new();
    let mut typed = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let wanted_style = draft.wanted.style;
        let is_guess = draft.fit.is_some_and(|fit| fit.is_ambiguous);
        let told = notes.len();
        let column = draft.finish(commas, hints, notes);
        if let Values::Numbers(numbers) = &column.values
            && numbers.style != NumberStyle::PLAIN
            && Some(numbers.style) != wanted_style
            && notes.len() == told
        {
            match found.iter_mut().find(|(style, guess, _)| (*style, *guess) == (numbers.style, is_guess)) {
                Some((_, _, names)) => names.push(column.name.clone()),
                None => found.push((numbers.style, is_guess, vec![column.name.clone()])),
            }
        }
        typed.push(column);
    }
    for (style, is_guess, columns) in found {
        let noun = if columns.len() == 1 { "column" } else { "columns" };
        let sign = match style.sign {
            Some(sign) => format!("; the sign {sign} is left out"),
            None => String::new(),
        };
        let other = match (is_guess, style.decimal) {
            (false, _) => "",
            (true, ',') => "; --thousands , takes the comma for the mark between thousands",
            (true, _) => "; --decimal , takes the comma for the decimal point",
        };
        notes.push(Note::new(
            if is_guess { "ambiguous_comma" } else { "number_style" },
            format!("{noun} {}: numbers with {}{sign}{other}", names::list(&columns), style.words()),
        ));
    }
    typed
}

/// Columns whose type is found, or said, after their cells are there.
impl Column {
    /// A column of texts, whose type (truth values, dates, categories, texts) is found as for a file.
    pub fn texts<S: AsRef<str>>(name: impl Into<String>, texts: impl IntoIterator<Item = S>) -> Self {
        Self::optional_texts(name, texts.into_iter().map(Some))
    }

    /// A column of texts, some of which are missing.
    pub fn optional_texts<S: AsRef<str>>(
        name: impl Into<String>,
        texts: impl IntoIterator<Item = Option<S>>,
    ) -> Self {
        let mut collected = Texts::new();
        for text in texts {
            match text.as_ref().map(|text| text.as_ref().trim()).filter(|text| !text.is_empty()) {
                Some(text) => collected.push(text),
                None => collected.push_missing(),
            }
        }
        of_texts(name.into(), collected)
    }

    /// The same column as another type, as far as its cells allow.
    pub fn with_type(self, kind: ColumnType) -> Self {
        retyped(self, kind)
    }
}

/// Gives a column of texts that was made in memory its type.
fn of_texts(name: String, texts: Texts) -> Column {
    let mut values = values_of(Cells::Texts(texts));
    let Values::Texts(dictionary) = &mut values else { unreachable!("made of texts") };
    let kind = kind_of_texts(dictionary, None).0;
    Column { name, kind, is_given: false, values }
}

/// A column as another type. Cells that do not fit stay what they are, and whoever uses them finds the place.
fn retyped(column: Column, kind: ColumnType) -> Column {
    let Column { name, values, kind: found, .. } = column;
    let values = match (kind, values) {
        (ColumnType::Number, Values::Texts(texts)) => {
            let style = best_style(&texts, &texts.counts(), &[]).map_or(NumberStyle::PLAIN, |fit| fit.style);
            Values::Numbers(numbers_of(texts, style))
        }
        (ColumnType::Number | ColumnType::Index, values) => values,
        (_, Values::Numbers(numbers)) => {
            let column = Column {
                name: String::new(),
                kind: found,
                is_given: false,
                values: Values::Numbers(numbers),
            };
            Values::Texts(column.dictionary().into_owned())
        }
        (_, texts) => texts,
    };
    let mut column = Column { name, kind, is_given: true, values };
    if let (ColumnType::Date, Values::Texts(texts)) = (kind, &mut column.values) {
        set_date_format(texts, None);
    }
    column
}

/// A column between the two looks at it.
struct Draft {
    name: String,
    wanted: ReadAs,
    values: Values,
    /// The best way to read its texts as numbers, where there is one.
    fit: Option<Fit>,
}

/// How well a way of writing fits a column of texts.
#[derive(Clone, Copy)]
struct Fit {
    style: NumberStyle,
    /// The share of cells that are numbers.
    share: f64,
    /// Whether the comma may stand for the decimal point as well as between thousands.
    is_ambiguous: bool,
}

/// What a comma between one to three digits and exactly three digits is in a file.
#[derive(Clone, Copy)]
struct Commas {
    is_decimal: bool,
}

impl Draft {
    fn new(name: String, mut cells: Cells, wanted: ReadAs, hints: Hints) -> Self {
        let as_texts = !matches!(wanted.kind, None | Some(ColumnType::Number | ColumnType::Index));
        let preferred = preferred_styles(wanted.style, hints);
        if let Cells::Numbers(numbers) = &cells {
            // Words that are numbers in another way of writing, or codes: how all cells are written has to be seen.
            let written_otherwise = |word: &str| {
                matches!(number::read(word.as_bytes()), Reading::Code)
                    || word.bytes().any(|byte| byte.is_ascii_digit())
                        && styles(&preferred, NumberStyle::sign_of(word))
                            .any(|style| style.parse(word).is_some())
            };
            let is_mixed = numbers.words.iter().any(|(_, word)| written_otherwise(word));
            let is_worded = !numbers.words.is_empty() && share_of_numbers(numbers) < MOSTLY;
            if as_texts || is_mixed || (is_worded && wanted.kind.is_none()) {
                cells.turn_to_texts();
            }
        }
        let values = values_of(cells);
        let fit = match &values {
            Values::Texts(texts) if !as_texts => best_style(texts, &texts.counts(), &preferred),
            _ => None,
        };
        Self { name, wanted, values, fit }
    }

    fn finish(self, commas: Commas, hints: Hints, notes: &mut Vec<Note>) -> Column {
        let Self { name, wanted, values, fit } = self;
        let is_given = wanted.kind.is_some();
        let (kind, values) = match values {
            Values::Numbers(numbers)
                if numbers.words.is_empty() && numbers.values.null_count() == numbers.values.len() =>
            {
                (ColumnType::Empty, Values::Numbers(numbers))
            }
            Values::Numbers(numbers) => {
                let numbers = points_of(numbers, &name, &wanted, hints, notes);
                (ColumnType::Number, Values::Numbers(numbers))
            }
            Values::Texts(mut texts) => match (fit, wanted.kind) {
                (Some(fit), kind) if kind.is_some() || fit.share >= MOSTLY => {
                    if kind.is_none() && fit.style == NumberStyle::PLAIN && are_codes(&texts) {
                        notes.push(Note::new(
                            "codes",
                            format!(
                                "column '{name}': digits that start with 0 are taken for codes, a category; \
                                 --types {name}=number reads them as numbers"
                            ),
                        ));
                        (ColumnType::Category, Values::Texts(texts))
                    } else {
                        let style = resolve(fit, commas);
                        (ColumnType::Number, Values::Numbers(numbers_of(texts, style)))
                    }
                }
                (_, Some(ColumnType::Date)) => {
                    set_date_format(&mut texts, wanted.date_format.as_deref());
                    (ColumnType::Date, Values::Texts(texts))
                }
                (_, Some(kind)) => (kind, Values::Texts(texts)),
                (_, None) => {
                    let (kind, swapped) = kind_of_texts(&mut texts, wanted.date_format.as_deref());
                    if swapped {
                        let format = texts.date_format.as_deref().unwrap_or_default();
                        let other = date::mirrored(format).unwrap_or_default();
                        notes.push(Note::new(
                            "month_first",
                            format!(
                                "column '{name}': dates are read with the month before the day, as nothing in it tells; \
                                 --types {name}=date:{other} reads the day first"
                            ),
                        ));
                    }
                    (kind, Values::Texts(texts))
                }
            },
        };
        let kind = match (kind, wanted.kind) {
            (ColumnType::Empty, _) | (_, None) => kind,
            (_, Some(wanted)) => wanted,
        };
        Column { name, kind, is_given, values }
    }
}

fn share_of_numbers(numbers: &crate::cells::Numbers) -> f64 {
    let present = numbers.present();
    present as f64 / (present + numbers.words.len()).max(1) as f64
}

/// The styles that somebody asked for, first of all that of the training data.
fn preferred_styles(style: Option<NumberStyle>, hints: Hints) -> Vec<NumberStyle> {
    let mut preferred: Vec<NumberStyle> = style.into_iter().collect();
    if hints.decimal.is_some() || hints.thousands.is_some() {
        let asked = NumberStyle::ALL.into_iter().filter(|style| {
            hints.decimal.is_none_or(|decimal| style.decimal == decimal)
                && hints.thousands.is_none_or(|thousands| style.thousands == Some(thousands))
        });
        preferred.extend(asked);
        if let (Some(thousands), decimal) = (hints.thousands, hints.decimal) {
            let decimal = decimal.unwrap_or(if thousands == '.' { ',' } else { '.' });
            preferred.push(NumberStyle { decimal, thousands: Some(thousands), sign: None });
        }
    }
    preferred
}

fn styles(preferred: &[NumberStyle], sign: Option<char>) -> impl Iterator<Item = NumberStyle> {
    let with_sign = move |style: NumberStyle| NumberStyle { sign: sign.or(style.sign), ..style };
    preferred.iter().copied().chain(NumberStyle::ALL).map(with_sign)
}

fn best_style(texts: &Dictionary, counts: &[usize], preferred: &[NumberStyle]) -> Option<Fit> {
    let present: usize = counts.iter().sum();
    if present == 0 {
        return None;
    }
    let sample = texts.distinct.len().min(SAMPLE);
    let signs = texts.texts().take(sample).filter_map(NumberStyle::sign_of);
    let sign = signs.clone().next().filter(|_| 2 * signs.count() > sample);
    let fitting = |style: NumberStyle| {
        let parses = |text: &str| style.parse(text).is_some();
        let promising = 2 * texts.texts().take(sample).filter(|text| parses(text)).count() >= sample;
        let cells = |(text, count): (&str, &usize)| if parses(text) { *count } else { 0 };
        if promising { texts.texts().zip(counts).map(cells).sum() } else { 0 }
    };
    let mut best: Option<(NumberStyle, usize)> = None;
    let mut thousands = 0;
    for style in styles(preferred, sign) {
        let fit = fitting(style);
        if (style.decimal, style.thousands) == ('.', Some(',')) {
            thousands = fit;
        }
        if fit > best.map_or(0, |(_, most)| most) {
            best = Some((style, fit));
        }
    }
    let (style, fit) = best?;
    let is_comma = (style.decimal, style.thousands) == (',', None);
    let was_asked =
        preferred.iter().any(|asked| (asked.decimal, asked.thousands) == (style.decimal, style.thousands));
    let share = fit as f64 / present as f64;
    Some(Fit { style, share, is_ambiguous: is_comma && thousands == fit && !was_asked })
}

/// What commas are in the columns where it is clear, else what they are in files with this separator.
fn commas_of(drafts: &[Draft], hints: Hints) -> Commas {
    let clear = |decimal: char| {
        drafts.iter().any(|draft| match (&draft.values, draft.fit) {
            (_, Some(fit)) => {
                fit.share >= MOSTLY
                    && !fit.is_ambiguous
                    && fit.style.decimal == decimal
                    && (decimal == ',' || fit.style.thousands.is_some())
            }
            (Values::Numbers(numbers), None) if decimal == '.' => match &numbers.decimals {
                Decimals::Uniform(decimals) => !matches!(decimals, 0 | 3 | &number::SHORTEST),
                Decimals::Each(each) => {
                    each.iter().any(|decimals| !matches!(decimals, 0 | 3 | &number::SHORTEST))
                }
            },
            _ => false,
        })
    };
    match (clear(','), clear('.')) {
        (true, false) => Commas { is_decimal: true },
        (false, true) => Commas { is_decimal: false },
        _ => Commas { is_decimal: hints.separator == b';' },
    }
}

/// The style, where the comma may be either.
fn resolve(fit: Fit, commas: Commas) -> NumberStyle {
    match (fit.is_ambiguous, commas.is_decimal) {
        (false, _) => fit.style,
        (true, true) => NumberStyle { decimal: ',', thousands: None, ..fit.style },
        (true, false) => NumberStyle { decimal: '.', thousands: Some(','), ..fit.style },
    }
}

/// Whether points in a column of plain numbers stand between thousands, as in `289` beside `1.572`: then every number is
/// below a thousand and has no point, or has one that three digits follow.
fn points_of(
    numbers: NumberCells,
    name: &str,
    wanted: &ReadAs,
    hints: Hints,
    notes: &mut Vec<Note>,
) -> NumberCells {
    if matches!(numbers.decimals, Decimals::Uniform(decimals) if decimals != 3) {
        return numbers;
    }
    let (mut grouped, mut whole) = (0_usize, 0_usize);
    for row in 0..numbers.values.len() {
        if numbers.values.is_null(row) {
            continue;
        }
        match (numbers.decimals.of(row), numbers.values.value(row).abs()) {
            (3, 1.0..1000.0) => grouped += 1,
            (0, 1.0..1000.0) => whole += 1,
            // Nothing is nothing in both ways of writing.
            (0, 0.0) => {}
            _ => return numbers,
        }
    }
    let style = NumberStyle { decimal: ',', thousands: Some('.'), sign: None };
    let is_asked = hints.thousands == Some('.') || hints.decimal == Some(',');
    let is_wanted = wanted.style == Some(style) || is_asked;
    let is_refused = !is_wanted && (wanted.style.is_some() || hints.decimal == Some('.'));
    if grouped == 0 || is_refused {
        return numbers;
    }
    if !is_wanted && (grouped < HABIT || whole < HABIT) {
        if whole == 0 && grouped < HABIT {
            return numbers;
        }
        notes.push(Note::new(
            "ambiguous_point",
            format!(
                "column '{name}': three digits follow every point; it is taken for the decimal point, and \
                 --thousands . reads it as the mark between thousands"
            ),
        ));
        return numbers;
    }
    if !is_wanted {
        notes.push(Note::new(
            "thousands_point",
            format!(
                "column '{name}': the point is taken for the mark between thousands, as numbers without it are below \
                 1000; --decimal . reads it as the decimal point"
            ),
        ));
    }
    let column = Column {
        name: String::new(),
        kind: ColumnType::Number,
        is_given: false,
        values: Values::Numbers(numbers),
    };
    let written = column.dictionary().into_owned();
    let Values::Numbers(numbers) = column.values else { unreachable!("made of numbers") };
    let values = (0..numbers.values.len())
        .map(|row| {
            let value = numbers.values.is_valid(row).then(|| numbers.values.value(row));
            value.map(|value| if numbers.decimals.of(row) == 3 { (value * 1000.0).round() } else { value })
        })
        .collect();
    NumberCells { values, style, written: Some(written), ..numbers }
}

/// Whether digits are codes: some start with a zero, and all are equally long, or most start with one.
fn are_codes(texts: &Dictionary) -> bool {
    let counts = texts.counts();
    let (mut codes, mut others) = (0, 0);
    for (text, count) in texts.texts().zip(&counts) {
        if number::has_leading_zero(text) { codes += count } else { others += count }
    }
    let mut lengths = texts.texts().map(str::len);
    let first = lengths.next();
    codes > 0 && (codes > others || lengths.all(|length| Some(length) == first))
}

/// The cells of texts as numbers in a style; texts that are none are words.
fn numbers_of(texts: Dictionary, style: NumberStyle) -> NumberCells {
    let value_of: Vec<Option<f64>> = texts.texts().map(|text| style.parse(text)).collect();
    let mut words = Vec::new();
    let mut values = Vec::with_capacity(texts.keys.len());
    for row in 0..texts.keys.len() {
        let key = texts.key(row);
        let value = key.and_then(|key| value_of[key]);
        if let (Some(key), None) = (key, value) {
            words.push((row, texts.distinct.value(key).into()));
        }
        values.push(value);
    }
    let (decimals, words) = (Decimals::Uniform(number::SHORTEST), words.into());
    NumberCells { values: values.into(), decimals, style, words, written: Some(texts) }
}

/// The type of texts that are no numbers, and whether day and month may be swapped.
fn kind_of_texts(texts: &mut Dictionary, date_format: Option<&str>) -> (ColumnType, bool) {
    let present = texts.keys.len() - texts.keys.null_count();
    if present == 0 {
        return (ColumnType::Empty, false);
    }
    if are_truths(texts.texts()) {
        return (ColumnType::Truth, false);
    }
    if let Some((format, swapped)) = date::format_of(texts.texts(), date_format) {
        texts.date_format = Some(Arc::from(format));
        return (ColumnType::Date, swapped);
    }
    let distinct = texts.distinct.len();
    let is_text = distinct > LEAST_TEXTS && distinct > present / 2;
    (if is_text { ColumnType::Text } else { ColumnType::Category }, false)
}

/// Where a column is said to hold dates, the format that was given, or the one that fits; where none fits all, the one
/// that fits the first.
fn set_date_format(texts: &mut Dictionary, given: Option<&str>) {
    let found = date::format_of(texts.texts(), given).map(|(format, _)| format);
    let of_first = || date::format_of(texts.texts().take(1), None).map(|(format, _)| format);
    let format = given.map(str::to_owned).or(found).or_else(of_first);
    texts.date_format = Some(Arc::from(format.unwrap_or_else(|| date::DATE_FORMATS[0].to_owned())));
}
