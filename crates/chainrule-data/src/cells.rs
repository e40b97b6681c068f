//! The cells of one column while they are collected: numbers as long as most cells are numbers, else texts.
//!
//! A builder stands for a piece of a column or for the whole; pieces are joined in their order, so that what comes out
//! does not depend on how the rows were divided.

use crate::number::{self, Reading};
use arrow_array::{Float64Array, StringArray, UInt32Array};
use arrow_buffer::NullBufferBuilder;
use std::collections::HashMap;

/// A column of numbers collects so many words before it is asked whether it is one of texts.
const FEW_WORDS: usize = 16;

/// Cells in their order.
pub(crate) enum Cells {
    Numbers(Numbers),
    Texts(Texts),
}

/// Cells most of which are numbers in the plain way of writing.
pub(crate) struct Numbers {
    /// One a cell; 0 where there is none.
    pub(crate) values: Vec<f64>,
    valid: NullBufferBuilder,
    pub(crate) decimals: Decimals,
    /// Cells that are neither numbers nor missing, by their position. In `values` they count as missing.
    pub(crate) words: Vec<(usize, Box<str>)>,
    present: usize,
}

/// How many digits follow the point of each number, as [`Reading::Number`] has them: the same everywhere, or one by one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decimals {
    Uniform(u8),
    Each(Vec<u8>),
}

/// Cells as keys into their different texts, which stand in the order of their first appearance.
pub(crate) struct Texts {
    pub(crate) keys: Vec<u32>,
    valid: NullBufferBuilder,
    key_of: HashMap<Box<str>, u32, foldhash::fast::RandomState>,
    pub(crate) distinct: Vec<Box<str>>,
    /// Whether some were made from numbers whose way of writing was not kept.
    pub(crate) is_lossy: bool,
}

impl Decimals {
    fn has_shortest(&self) -> bool {
        match self {
            Self::Uniform(decimals) => *decimals == number::SHORTEST,
            Self::Each(each) => each.contains(&number::SHORTEST),
        }
    }

    pub(crate) fn of(&self, position: usize) -> u8 {
        match self {
            Self::Uniform(decimals) => *decimals,
            Self::Each(each) => each[position],
        }
    }

    /// Adds a cell behind `length` others.
    fn push(&mut self, length: usize, decimals: u8) {
        match self {
            Self::Uniform(uniform) if length == 0 => *uniform = decimals,
            Self::Uniform(uniform) if *uniform == decimals => {}
            Self::Uniform(uniform) => {
                let mut each = vec![*uniform; length];
                each.push(decimals);
                *self = Self::Each(each);
            }
            Self::Each(each) => each.push(decimals),
        }
    }

    fn append(&mut self, length: usize, other: &Self, other_length: usize) {
        match (&mut *self, other) {
            (_, _) if other_length == 0 => {}
            (_, _) if length == 0 => *self = other.clone(),
            (Self::Uniform(one), Self::Uniform(two)) if one == two => {}
            (Self::Each(each), Self::Each(others)) => each.extend_from_slice(others),
            (Self::Each(each), Self::Uniform(other)) => each.resize(length + other_length, *other),
            (Self::Uniform(one), other) => {
                let mut each = vec![*one; length];
                each.extend((0..other_length).map(|position| other.of(position)));
                *self = Self::Each(each);
            }
        }
    }
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self {
            values: Vec::new(),
            valid: NullBufferBuilder::new(0),
            decimals: Decimals::Uniform(0),
            words: Vec::new(),
            present: 0,
        }
    }

    #[inline]
    fn push(&mut self, value: f64, decimals: u8) {
        self.decimals.push(self.values.len(), decimals);
        self.values.push(value);
        self.valid.append_non_null();
        self.present += 1;
    }

    fn push_missing(&mut self) {
        // The digits of a missing cell are those of its neighbour, so that they stay uniform.
        let decimals = match &self.decimals {
            Decimals::Uniform(uniform) => *uniform,
            Decimals::Each(each) => each.last().copied().unwrap_or(0),
        };
        self.decimals.push(self.values.len(), decimals);
        self.values.push(0.0);
        self.valid.append_null();
    }

    fn push_word(&mut self, word: &str) {
        self.words.push((self.values.len(), word.into()));
        self.push_missing();
    }

    /// How many cells are numbers.
    pub(crate) fn present(&self) -> usize {
        self.present
    }

    fn truncate(&mut self, length: usize) {
        self.words.retain(|(position, _)| *position < length);
        let gone = (length..self.values.len()).filter(|position| self.valid.is_valid(*position)).count();
        self.present -= gone;
        self.values.truncate(length);
        self.valid.truncate(length);
        if let Decimals::Each(each) = &mut self.decimals {
            each.truncate(length);
        }
    }

    fn append(&mut self, other: Self) {
        let length = self.values.len();
        self.decimals.append(length, &other.decimals, other.values.len());
        let mut valid = other.valid;
        match valid.finish() {
            Some(nulls) => self.valid.append_buffer(&nulls),
            None => self.valid.append_n_non_nulls(other.values.len()),
        }
        self.values.extend_from_slice(&other.values);
        self.words.extend(other.words.into_iter().map(|(position, word)| (length + position, word)));
        self.present += other.present;
    }

    /// Numbers as the texts they were read from, as far as these are plain.
    fn into_texts(self) -> Texts {
        let mut texts = Texts::new();
        texts.is_lossy = self.decimals.has_shortest();
        let mut valid = self.valid;
        let nulls = valid.finish();
        let mut words = self.words.into_iter().peekable();
        for (position, &value) in self.values.iter().enumerate() {
            match words.next_if(|(place, _)| *place == position) {
                Some((_, word)) => texts.push(&word),
                None if nulls.as_ref().is_some_and(|nulls| nulls.is_null(position)) => texts.push_missing(),
                None => texts.push(&number::text(value, self.decimals.of(position))),
            }
        }
        texts
    }

    pub(crate) fn finish(mut self) -> (Float64Array, Decimals, Vec<(usize, Box<str>)>) {
        self.values.shrink_to_fit();
        let array = Float64Array::new(self.values.into(), self.valid.finish());
        (array, self.decimals, self.words)
    }
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self {
            keys: Vec::new(),
            valid: NullBufferBuilder::new(0),
            key_of: HashMap::default(),
            distinct: Vec::new(),
            is_lossy: false,
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        let key = self.key(text);
        self.keys.push(key);
        self.valid.append_non_null();
    }

    pub(crate) fn push_missing(&mut self) {
        self.keys.push(0);
        self.valid.append_null();
    }

    /// The text of the last cell, where no other cell has it.
    pub(crate) fn last_if_unique(&self) -> Option<&str> {
        let (&last, others) = self.keys.split_last()?;
        let is_last = self.valid.is_valid(others.len()) && last as usize + 1 == self.distinct.len();
        (is_last && !others.contains(&last)).then(|| &*self.distinct[last as usize])
    }

    fn truncate(&mut self, length: usize) {
        self.keys.truncate(length);
        self.valid.truncate(length);
        // A text that only stood behind `length` goes, so that the texts are those of the cells.
        let used = self.keys.iter().enumerate().filter(|(position, _)| self.valid.is_valid(*position));
        let count = used.map(|(_, &key)| key as usize + 1).max().unwrap_or(0);
        self.distinct.truncate(count);
        self.key_of.retain(|_, key| (*key as usize) < count);
    }

    fn key(&mut self, text: &str) -> u32 {
        if let Some(&key) = self.key_of.get(text) {
            return key;
        }
        // A table of more than 4 billion different texts does not fit into memory before it comes to this.
        let key = u32::try_from(self.distinct.len()).expect("fewer than 2^32 different texts");
        self.key_of.insert(text.into(), key);
        self.distinct.push(text.into());
        key
    }

    fn append(&mut self, other: Self) {
        let mut valid = other.valid;
        match valid.finish() {
            Some(nulls) => self.valid.append_buffer(&nulls),
            None => self.valid.append_n_non_nulls(other.keys.len()),
        }
        self.is_lossy |= other.is_lossy;
        let translated: Vec<u32> = other.distinct.iter().map(|text| self.key(text)).collect();
        // The key of a missing cell says nothing, and there may be no text at all.
        self.keys
            .extend(other.keys.iter().map(|&key| translated.get(key as usize).copied().unwrap_or_default()));
    }

    pub(crate) fn finish(mut self) -> (UInt32Array, StringArray) {
        self.keys.shrink_to_fit();
        drop(self.key_of);
        let distinct = StringArray::from_iter_values(self.distinct.iter());
        (UInt32Array::new(self.keys.into(), self.valid.finish()), distinct)
    }
}

impl Cells {
    /// An empty column that takes numbers until it holds too many words, or texts only.
    pub(crate) fn new(as_texts: bool) -> Self {
        if as_texts { Self::Texts(Texts::new()) } else { Self::Numbers(Numbers::new()) }
    }

    /// Adds a cell that has no white space around it. Numbers among `missing_numbers` are missing, and so are texts that
    /// `is_missing`. `Err` is a cell that is no UTF-8 text.
    #[inline]
    pub(crate) fn push(
        &mut self,
        cell: &[u8],
        missing_numbers: &[f64],
        is_missing: impl Fn(&str) -> bool,
    ) -> Result<(), std::str::Utf8Error> {
        if let Self::Numbers(numbers) = self
            && let Reading::Number(value, decimals) = number::read(cell)
        {
            if missing_numbers.contains(&value) {
                numbers.push_missing();
                return Ok(());
            }
            numbers.push(value, decimals);
            return Ok(());
        }
        self.push_text(std::str::from_utf8(cell)?, is_missing);
        Ok(())
    }

    fn push_text(&mut self, text: &str, is_missing: impl Fn(&str) -> bool) {
        match self {
            Self::Numbers(numbers) if is_missing(text) => numbers.push_missing(),
            Self::Texts(texts) if is_missing(text) => texts.push_missing(),
            Self::Texts(texts) => texts.push(text),
            Self::Numbers(numbers) => {
                numbers.push_word(text);
                if numbers.words.len() > FEW_WORDS && numbers.words.len() > numbers.present {
                    self.turn_to_texts();
                }
            }
        }
    }

    /// Makes room for so many cells, where the system has it: the number is a guess.
    pub(crate) fn reserve(&mut self, length: usize) {
        let _ = match self {
            Self::Numbers(numbers) => numbers.values.try_reserve_exact(length),
            Self::Texts(texts) => texts.keys.try_reserve_exact(length),
        };
    }

    /// Leaves out the cells from `length` on.
    pub(crate) fn truncate(&mut self, length: usize) {
        match self {
            Self::Numbers(numbers) => numbers.truncate(length),
            Self::Texts(texts) => texts.truncate(length),
        }
    }

    pub(crate) fn is_missing(&self, position: usize) -> bool {
        match self {
            Self::Texts(texts) => !texts.valid.is_valid(position),
            Self::Numbers(numbers) => {
                !numbers.valid.is_valid(position) && numbers.words.iter().all(|(place, _)| *place != position)
            }
        }
    }

    pub(crate) fn turn_to_texts(&mut self) {
        if let Self::Numbers(numbers) = self {
            let numbers = std::mem::replace(numbers, Numbers::new());
            *self = Self::Texts(numbers.into_texts());
        }
    }

    /// Adds the cells of the rows that follow.
    pub(crate) fn append(&mut self, mut other: Self) {
        match (&mut *self, &mut other) {
            (Self::Numbers(_), Self::Texts(_)) => self.turn_to_texts(),
            (Self::Texts(_), Self::Numbers(_)) => other.turn_to_texts(),
            _ => {}
        }
        match (self, other) {
            (Self::Numbers(one), Self::Numbers(two)) => one.append(two),
            (Self::Texts(one), Self::Texts(two)) => one.append(two),
            _ => unreachable!("both were made texts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::missing::MissingWords;
    use arrow_array::Array;

    fn collect(cells: &[&str], parts: usize) -> Cells {
        let missing = MissingWords::default();
        let mut whole = Cells::new(false);
        for part in cells.chunks(cells.len().div_ceil(parts)) {
            let mut piece = Cells::new(false);
            part.iter()
                .for_each(|cell| piece.push(cell.as_bytes(), &[], |text| missing.contains(text)).unwrap());
            whole.append(piece);
        }
        whole
    }

    #[test]
    fn numbers_with_gaps_and_words_keep_their_texts() {
        let cells = ["1.50", "", "2", "nil", "-3.25", "NA", "7.0"];
        for parts in 1..=4 {
            let Cells::Numbers(numbers) = collect(&cells, parts) else { panic!() };
            assert_eq!(numbers.words, [(3, "nil".into())]);
            let (keys, distinct) = numbers.into_texts().finish();
            let text = |i: usize| keys.is_valid(i).then(|| distinct.value(keys.value(i) as usize));
            let expected = [Some("1.50"), None, Some("2"), Some("nil"), Some("-3.25"), None, Some("7.0")];
            assert_eq!((0..7).map(text).collect::<Vec<_>>(), expected, "{parts} parts");
        }
    }

    #[test]
    fn mostly_words_become_texts_in_any_number_of_parts() {
        let cells: Vec<String> =
            (0..200).map(|i| if i % 3 == 0 { format!("{i}.0") } else { format!("w{}", i % 7) }).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        for parts in [1, 2, 50] {
            let mut whole = collect(&cells, parts);
            whole.turn_to_texts();
            let Cells::Texts(texts) = whole else { panic!() };
            let (keys, distinct) = texts.finish();
            for (i, cell) in cells.iter().enumerate() {
                assert_eq!(distinct.value(keys.value(i) as usize), *cell, "{parts} parts, cell {i}");
            }
        }
    }

    #[test]
    fn codes_are_words_and_long_digits_are_codes() {
        let Cells::Numbers(numbers) = collect(&["1", "02", "12345678901234567890"], 1) else { panic!() };
        assert_eq!(numbers.words.len(), 2);
    }
}
