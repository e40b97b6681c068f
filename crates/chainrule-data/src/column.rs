//! A column of a table: a name, a type, and its cells on Arrow arrays.
//!
//! Numbers stand in a [`Float64Array`], everything else as keys into the column's different texts. A column of numbers
//! remembers how each was written, as far as a category may need it, and the cells that were no numbers.

use crate::cells::{Cells, Decimals};
use crate::number::{self, NumberStyle};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, StringArray, UInt32Array, types::UInt32Type,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Numbers.
    Number,
    /// One of two words for true and false.
    Truth,
    /// One of several texts.
    Category,
    /// Dates, times, or both.
    Date,
    /// Texts most of which occur once: identifiers, names, prose.
    Text,
    /// A number of the row, which says nothing about it.
    Index,
    /// Nothing: every cell is missing.
    Empty,
}

impl ColumnType {
    /// The name of the type, as flags and messages have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Truth => "truth",
            Self::Category => "category",
            Self::Date => "date",
            Self::Text => "text",
            Self::Index => "index",
            Self::Empty => "empty",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Number, Self::Truth, Self::Category, Self::Date, Self::Text, Self::Index]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// How one column is to be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadAs {
    /// Its type.
    pub kind: Option<ColumnType>,
    /// How its dates are written, in the notation of `strftime`, such as `%d/%m/%Y`.
    pub date_format: Option<String>,
    /// How its numbers are written.
    pub style: Option<NumberStyle>,
}

/// A named column with a type. Columns of one table have the same length.
#[derive(Clone, Debug)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    /// Whether the user said the type, so that a cell which does not fit is an error.
    pub(crate) is_given: bool,
    pub(crate) values: Values,
}

#[derive(Clone, Debug)]
pub(crate) enum Values {
    Numbers(NumberCells),
    Texts(Dictionary),
}

/// The cells of a column of numbers.
#[derive(Clone, Debug)]
pub(crate) struct NumberCells {
    /// Null where a cell is missing or is one of `words`.
    pub(crate) values: Float64Array,
    pub(crate) decimals: Decimals,
    pub(crate) style: NumberStyle,
    /// Cells that are neither numbers nor missing, by row.
    pub(crate) words: Arc<[(usize, Box<str>)]>,
    /// The texts of the cells, where they were not written in the plain way.
    pub(crate) written: Option<Dictionary>,
}

/// Texts as keys into the different ones, which stand in the order of their first appearance.
#[derive(Clone, Debug)]
pub(crate) struct Dictionary {
    /// Null where a cell is missing.
    pub(crate) keys: UInt32Array,
    pub(crate) distinct: StringArray,
    /// How dates are written, in chrono's notation, where they are dates.
    pub(crate) date_format: Option<Arc<str>>,
    /// Whether some were made from numbers whose way of writing was not kept.
    pub(crate) is_lossy: bool,
}

impl Dictionary {
    pub(crate) fn key(&self, row: usize) -> Option<usize> {
        self.keys.is_valid(row).then(|| self.keys.value(row) as usize)
    }

    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        self.key(row).map(|key| self.distinct.value(key))
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.distinct.len()).map(|key| self.distinct.value(key))
    }

    /// How often each text occurs.
    pub(crate) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.distinct.len()];
        self.keys.iter().flatten().for_each(|key| counts[key as usize] += 1);
        counts
    }
}

impl Column {
    /// A column of numbers.
    pub fn numbers(name: impl Into<String>, numbers: &[f64]) -> Self {
        Self::optional_numbers(name, numbers.iter().map(|&number| Some(number)))
    }

    /// A column of numbers, some of which are missing. `NaN` is missing, too.
    pub fn optional_numbers(name: impl Into<String>, numbers: impl IntoIterator<Item = Option<f64>>) -> Self {
        let values: Float64Array =
            numbers.into_iter().map(|number| number.filter(|number| !number.is_nan())).collect();
        Self::of_numbers(name.into(), values)
    }

    pub(crate) fn of_numbers(name: String, values: Float64Array) -> Self {
        let kind = match values.null_count() == values.len() {
            true => ColumnType::Empty,
            false => ColumnType::Number,
        };
        let decimals = Decimals::Uniform(number::SHORTEST);
        let (style, words, written) = (NumberStyle::PLAIN, Arc::from([]), None);
        let values = Values::Numbers(NumberCells { values, decimals, style, words, written });
        Self { name, kind, is_given: false, values }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its cells are.
    pub fn kind(&self) -> ColumnType {
        self.kind
    }

    /// How many cells it has, missing ones included.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Numbers(numbers) => numbers.values.len(),
            Values::Texts(texts) => texts.keys.len(),
        }
    }

    /// Whether it has no cells.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its cells as an Arrow array: [`Float64Array`], or [`DictionaryArray`] of texts.
    pub fn array(&self) -> ArrayRef {
        match &self.values {
            Values::Numbers(numbers) => Arc::new(numbers.values.clone()),
            Values::Texts(texts) => {
                let (keys, distinct) = (texts.keys.clone(), Arc::new(texts.distinct.clone()));
                // The keys were made for these texts.
                Arc::new(DictionaryArray::<UInt32Type>::new(keys, distinct))
            }
        }
    }

    /// A cell as its text, as far as numbers keep theirs: digits stand as they were, exponents may not. `None` where it is
    /// missing.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        match &self.values {
            Values::Texts(texts) => texts.text(row).map(Cow::Borrowed),
            Values::Numbers(NumberCells { written: Some(texts), .. }) => texts.text(row).map(Cow::Borrowed),
            Values::Numbers(numbers) => {
                if let Some(word) = numbers.word(row) {
                    return Some(Cow::Borrowed(word));
                }
                let is_there = numbers.values.is_valid(row);
                let decimals = numbers.decimals.of(row);
                is_there.then(|| Cow::Owned(number::text(numbers.values.value(row), decimals)))
            }
        }
    }

    /// Whether a cell is missing.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.values {
            Values::Texts(texts) => texts.keys.is_null(row),
            Values::Numbers(numbers) => numbers.values.is_null(row) && numbers.word(row).is_none(),
        }
    }

    /// How many cells are missing.
    pub fn missing(&self) -> usize {
        match &self.values {
            Values::Texts(texts) => texts.keys.null_count(),
            Values::Numbers(numbers) => numbers.values.null_count() - numbers.words.len(),
        }
    }

    /// Whether its texts were made from numbers whose way of writing was not kept.
    pub(crate) fn has_lost_texts(&self) -> bool {
        matches!(&self.values, Values::Texts(texts) if texts.is_lossy)
    }

    /// Its numbers, where they say all that their cells say: none of these is a word or a code, whose text says more.
    pub(crate) fn plain_numbers(&self) -> Option<&Float64Array> {
        let Values::Numbers(numbers) = &self.values else { return None };
        let has_code = || {
            let written = numbers.written.iter().flat_map(Dictionary::texts);
            !self.is_given && written.into_iter().any(number::is_code)
        };
        (numbers.words.is_empty() && !has_code()).then_some(&numbers.values)
    }

    /// The cells as keys into their texts, whatever the type.
    pub(crate) fn dictionary(&self) -> Cow<'_, Dictionary> {
        match &self.values {
            Values::Texts(texts) => Cow::Borrowed(texts),
            Values::Numbers(NumberCells { written: Some(texts), .. }) => Cow::Borrowed(texts),
            Values::Numbers(_) => {
                let mut texts = crate::cells::Texts::new();
                for row in 0..self.len() {
                    match self.text(row) {
                        Some(text) => texts.push(&text),
                        None => texts.push_missing(),
                    }
                }
                let (keys, distinct) = texts.finish();
                Cow::Owned(Dictionary { keys, distinct, date_format: None, is_lossy: false })
            }
        }
    }

    /// The cells as numbers, those of `missing` words and of missing cells as null; `Err` is the row of the first cell that
    /// is no number.
    pub(crate) fn as_numbers(
        &self,
        is_missing: impl Fn(&str) -> bool,
    ) -> Result<Cow<'_, Float64Array>, usize> {
        match &self.values {
            Values::Numbers(numbers) => match numbers.words.iter().find(|(_, word)| !is_missing(word)) {
                None => Ok(Cow::Borrowed(&numbers.values)),
                Some((row, _)) => Err(*row),
            },
            Values::Texts(texts) => {
                let value_of: Vec<Option<f64>> = texts.texts().map(number::plain).collect();
                let mut values = Vec::with_capacity(texts.keys.len());
                for row in 0..texts.keys.len() {
                    values.push(match texts.key(row) {
                        None => None,
                        Some(key) if value_of[key].is_some() => value_of[key],
                        Some(key) if is_missing(texts.distinct.value(key)) => None,
                        Some(_) => return Err(row),
                    });
                }
                Ok(Cow::Owned(values.into()))
            }
        }
    }

    /// How this column was read.
    pub(crate) fn read_as(&self) -> ReadAs {
        let (style, date_format) = match &self.values {
            Values::Numbers(numbers) => (Some(numbers.style), None),
            Values::Texts(texts) => (None, texts.date_format.as_deref().map(str::to_owned)),
        };
        // Truth values may be written in another way, and of an empty column nothing is known.
        let kind = match self.kind {
            ColumnType::Truth | ColumnType::Empty => None,
            kind => Some(kind),
        };
        ReadAs { kind, date_format, style }
    }

    /// Bytes that its arrays hold.
    pub fn bytes(&self) -> usize {
        let of_texts =
            |texts: &Dictionary| texts.keys.get_array_memory_size() + texts.distinct.get_array_memory_size();
        match &self.values {
            Values::Texts(texts) => of_texts(texts),
            Values::Numbers(numbers) => {
                let decimals = match &numbers.decimals {
                    Decimals::Uniform(_) => 0,
                    Decimals::Each(each) => each.len(),
                };
                numbers.values.get_array_memory_size()
                    + decimals
                    + numbers.written.as_ref().map_or(0, of_texts)
            }
        }
    }
}

impl NumberCells {
    pub(crate) fn word(&self, row: usize) -> Option<&str> {
        let found = self.words.binary_search_by_key(&row, |(row, _)| *row);
        found.ok().map(|index| &*self.words[index].1)
    }
}

/// A column from cells that were collected in the order of their rows.
pub(crate) fn values_of(cells: Cells) -> Values {
    match cells {
        Cells::Texts(texts) => {
            let is_lossy = texts.is_lossy;
            let (keys, distinct) = texts.finish();
            Values::Texts(Dictionary { keys, distinct, date_format: None, is_lossy })
        }
        Cells::Numbers(numbers) => {
            let (values, decimals, words) = numbers.finish();
            let (style, words, written) = (NumberStyle::PLAIN, words.into(), None);
            Values::Numbers(NumberCells { values, decimals, style, words, written })
        }
    }
}
