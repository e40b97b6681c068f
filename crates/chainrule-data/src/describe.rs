//! What is in a data set, column by column: types, gaps, different values, and how values are spread.

use crate::column::{Column, ColumnType, Values};
use crate::date;
use crate::parallel;
use crate::statistics::Statistics;
use crate::table::Table;
use arrow_array::Array;
use serde::Serialize;
use std::collections::HashSet;

/// Bars of a histogram.
pub const BINS: usize = 12;
/// Texts that are shown of a column.
const SHOWN: usize = 5;

/// What one column holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Missing cells.
    pub missing: usize,
    /// Different values, missing cells aside.
    pub distinct: usize,
    /// Cells among numbers that are none, and taken for missing.
    #[serde(skip_serializing_if = "is_zero")]
    pub odd: usize,
    /// Of numbers, and of dates in days since 1970-01-01.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberSummary>,
    /// Of dates, the earliest and the latest as they are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(String, String)>,
    /// Of other texts, the most frequent ones and how often they occur.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frequent: Vec<(String, usize)>,
}

/// How numbers are spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NumberSummary {
    /// The smallest.
    pub minimum: f64,
    /// Their mean.
    pub mean: f64,
    /// Their population standard deviation.
    pub standard_deviation: f64,
    /// The largest.
    pub maximum: f64,
    /// How many are in each of [`BINS`] equally wide parts from the smallest to the largest.
    pub histogram: Vec<usize>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Table {
    /// What each column holds, found by so many threads.
    pub fn summaries(&self, threads: usize) -> Vec<ColumnSummary> {
        parallel::map(threads, self.cells(), self.columns(), Column::summary)
    }
}

impl Column {
    /// What this column holds.
    pub fn summary(&self) -> ColumnSummary {
        let mut summary = ColumnSummary {
            name: self.name.clone(),
            kind: self.kind,
            missing: self.missing(),
            distinct: 0,
            odd: 0,
            numbers: None,
            range: None,
            frequent: Vec::new(),
        };
        match &self.values {
            Values::Numbers(numbers) => {
                let values: Vec<f64> = match numbers.values.null_count() {
                    0 => numbers.values.values().to_vec(),
                    _ => numbers.values.iter().flatten().collect(),
                };
                let distinct: HashSet<u64, foldhash::fast::RandomState> =
                    values.iter().map(|value| (value + 0.0).to_bits()).collect();
                summary.distinct = distinct.len();
                summary.odd = numbers.words.len();
                summary.numbers = NumberSummary::of(&values);
            }
            Values::Texts(texts) => {
                let counts = texts.counts();
                let mut frequent: Vec<(&str, usize)> =
                    texts.texts().zip(counts).filter(|(_, count)| *count > 0).collect();
                summary.distinct = frequent.len();
                if let (ColumnType::Date, Some(format)) = (self.kind, texts.date_format.as_deref()) {
                    let day = |text: &str| Some(date::part(date::parse(text, format)?, "days"));
                    let days: Vec<(f64, &str, usize)> = frequent
                        .iter()
                        .filter_map(|(text, count)| Some((day(text)?, *text, *count)))
                        .collect();
                    let repeated = days.iter().flat_map(|(day, _, count)| std::iter::repeat_n(*day, *count));
                    summary.numbers = NumberSummary::of(&repeated.collect::<Vec<_>>());
                    let by_day =
                        |one: &&(f64, &str, usize), two: &&(f64, &str, usize)| one.0.total_cmp(&two.0);
                    let ends = days.iter().min_by(by_day).zip(days.iter().max_by(by_day));
                    summary.range = ends.map(|(first, last)| (first.1.to_owned(), last.1.to_owned()));
                }
                frequent.sort_by(|one, two| two.1.cmp(&one.1).then(one.0.cmp(two.0)));
                let shown = frequent.into_iter().take(if summary.range.is_some() { 0 } else { SHOWN });
                summary.frequent = shown.map(|(text, count)| (text.to_owned(), count)).collect();
            }
        }
        summary
    }
}

impl NumberSummary {
    /// `None` where there are no numbers, or where they are not finite.
    fn of(values: &[f64]) -> Option<Self> {
        let minimum = values.iter().copied().fold(f64::INFINITY, f64::min);
        let maximum = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let statistics = Statistics::of(values)?;
        let mut histogram = vec![0; BINS];
        // Half of the width, so that it does not overflow.
        let half = maximum / 2.0 - minimum / 2.0;
        for value in values {
            let share = if half > 0.0 { (value / 2.0 - minimum / 2.0) / half } else { 0.0 };
            histogram[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
        }
        let standard_deviation = if statistics.is_constant { 0.0 } else { statistics.standard_deviation };
        Some(Self { minimum, mean: statistics.mean, standard_deviation, maximum, histogram })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_summed_up() {
        let summary = Column::optional_numbers("a", [Some(1.0), Some(1.0), None, Some(4.0)]).summary();
        assert_eq!((summary.missing, summary.distinct), (1, 2));
        let numbers = summary.numbers.unwrap();
        assert_eq!((numbers.minimum, numbers.mean, numbers.maximum), (1.0, 2.0, 4.0));
        assert!((numbers.standard_deviation - 2.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!((numbers.histogram[0], numbers.histogram[BINS - 1]), (2, 1));

        let summary = Column::optional_texts("b", [Some("x"), Some("y"), Some("y"), None]).summary();
        assert_eq!((summary.kind, summary.missing, summary.distinct), (ColumnType::Category, 1, 2));
        assert_eq!(summary.frequent, [("y".to_owned(), 2), ("x".to_owned(), 1)]);
    }
}
