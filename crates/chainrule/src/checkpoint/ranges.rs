//! Ranges of a list: which of them hold the same, and what the largest number in one is, in constant time.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::RangeInclusive;

/// Numbers the stretches of a list by content.
pub(super) struct Stretches {
    /// The class of the stretch of 2^j symbols from each place on.
    classes: Vec<Vec<u32>>,
}

impl Stretches {
    pub(super) fn new<S: Eq + Hash>(symbols: impl Iterator<Item = S>) -> Self {
        let mut classes = vec![numbered(symbols)];
        let mut length = 1;
        while let Some(last) = classes.last()
            && last.len() > length
        {
            let joined = numbered(last.iter().copied().zip(last[length..].iter().copied()));
            classes.push(joined);
            length *= 2;
        }
        Stretches { classes }
    }

    /// Equal for equal stretches from `start` to `end`, both included, of one length, and for no others.
    pub(super) fn class(&self, start: usize, end: usize) -> (u32, u32) {
        let j = (end - start + 1).ilog2() as usize;
        (self.classes[j][start], self.classes[j][end + 1 - (1 << j)])
    }
}

/// The same number for the same thing.
pub(super) fn numbered<S: Eq + Hash>(things: impl Iterator<Item = S>) -> Vec<u32> {
    let mut numbers = HashMap::new();
    things
        .map(|thing| {
            let unused = numbers.len() as u32;
            *numbers.entry(thing).or_insert(unused)
        })
        .collect()
}

/// The largest number of any range of a list.
pub(super) struct RangeMaximum {
    /// The largest of the 2^j numbers from each place on.
    largest: Vec<Vec<u64>>,
}

impl RangeMaximum {
    pub(super) fn new(numbers: Vec<u64>) -> Self {
        let mut largest = vec![numbers];
        let mut length = 1;
        while let Some(last) = largest.last()
            && last.len() > length
        {
            let joined = last.iter().zip(&last[length..]).map(|(one, other)| *one.max(other)).collect();
            largest.push(joined);
            length *= 2;
        }
        RangeMaximum { largest }
    }

    /// 0 for an empty range.
    pub(super) fn of(&self, range: RangeInclusive<usize>) -> u64 {
        let (start, end) = range.into_inner();
        if start > end {
            return 0;
        }
        let j = (end - start + 1).ilog2() as usize;
        self.largest[j][start].max(self.largest[j][end + 1 - (1 << j)])
    }
}
