//! Robust scaling: what numbers far from the others do least to.
//!
//! x' = (x - median) / range, where range is the distance of the quartiles, or half of that of the extremes where the quartiles
//! are equal; then x' / sqrt(1 + (x' / 3)^2), which lies within ±3. Quantiles are interpolated linearly, as NumPy's are.

use serde::{Deserialize, Serialize};

use super::{InputColumn, bucket_of};
use crate::number::NumberStyle;

/// What robust scaling subtracts and divides by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobustScale {
    /// The median of the training rows.
    pub median: f64,
    /// The distance of the quartiles, or half of that of the extremes; greater than 0.
    pub range: f64,
}

impl RobustScale {
    /// The scale of some numbers; `None` where there are none, or all are the same. They are sorted.
    pub(super) fn of(values: &mut [f64]) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let (first, last) = (*values.first()?, *values.last()?);
        let [low, median, high] = [0.25, 0.5, 0.75].map(|share| quantile(values, share));
        let range = if high > low { high - low } else { last / 2.0 - first / 2.0 };
        (range > 0.0 && range.is_finite()).then_some(Self { median, range })
    }

    /// x on this scale, within ±3.
    pub fn scaled(self, x: f64) -> f64 {
        let scaled = (x - self.median) / self.range;
        let third = scaled / 3.0;
        // Where the square would overflow, the bound is reached long since.
        if third.abs() > 1e100 { 3f64.copysign(third) } else { scaled / (1.0 + third * third).sqrt() }
    }
}

/// The quantile of sorted numbers: between the two that are nearest, in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place as usize, place.fract());
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    // The difference of two large numbers may overflow.
    if part == 0.0 { low } else { low * (1.0 - part) + high * part }
}

/// A column of numbers, or of truth values, which are 1 and 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobustColumn {
    /// The column's name.
    pub name: String,
    /// What is subtracted and divided by.
    pub scale: RobustScale,
    /// Whether cells were missing in training. A missing number is then a missing input (NaN), for which the network has learned
    /// something; without, it is the median. A missing truth value is 1/2.
    pub missing: bool,
    /// Words in this column that stand for a missing value, beside those of all columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// How its numbers were written, where not in the plain way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<NumberStyle>,
}

/// A column of few categories: one input for each, 1 for the cell's and 0 for the others, each scaled. Of two categories there
/// is one input, 1 for the first and -1 for the second, scaled. A cell without a category, or with another, is 0 everywhere, scaled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHotColumn {
    /// The column's name.
    pub name: String,
    /// The categories of the training rows, sorted, at most [`MOST_ONE_HOT`].
    pub categories: Vec<String>,
    /// The scale of each input.
    pub scales: Vec<RobustScale>,
}

/// A column of more categories than this becomes an index into a table of learned vectors.
pub const MOST_ONE_HOT: usize = 8;

/// A column of many categories: one input, the index of the cell's category, or of its group behind them. It is missing (NaN)
/// where the cell has another category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexColumn {
    /// The column's name.
    pub name: String,
    /// The categories of the training rows, sorted, at most [`MOST_INDEXED`]; the empty one stands for missing cells.
    pub categories: Vec<String>,
    /// The groups of the rarer categories, where there are more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<u32>,
}

/// A column has at most this many categories of its own in a table: the most frequent ones of the training rows.
pub const MOST_INDEXED: usize = 1024;

impl OneHotColumn {
    /// The column with the scales of `counts`: how many of `rows` training rows have each category.
    pub(super) fn fit(name: String, categories: Vec<String>, counts: &[usize], rows: usize) -> Self {
        let of = |ones: usize, minus_ones: usize| {
            let mut values = vec![0.0; rows];
            values[..ones].fill(1.0);
            values[ones..ones + minus_ones].fill(-1.0);
            // What is the same in all rows stays as it is; only a category that nobody has could be.
            RobustScale::of(&mut values).unwrap_or(RobustScale { median: 0.0, range: 1.0 })
        };
        let scales = match *counts {
            [first, second] => vec![of(first, second)],
            _ => counts.iter().map(|&count| of(count, 0)).collect(),
        };
        Self { name, categories, scales }
    }

    /// The inputs of a cell with this category, or without one that was learned.
    pub(super) fn inputs(&self, category: Option<&str>) -> Vec<f64> {
        let position = category.and_then(|category| self.position(category));
        let raw = |input: usize| match (self.categories.len(), position) {
            (2, Some(position)) => [1.0, -1.0][position],
            _ => f64::from(u8::from(position == Some(input))),
        };
        self.scales.iter().enumerate().map(|(input, scale)| scale.scaled(raw(input))).collect()
    }

    pub(super) fn position(&self, category: &str) -> Option<usize> {
        self.categories.iter().position(|known| known == category)
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        let name = |category: &String| format!("{}={category}", self.name);
        self.categories.iter().take(self.scales.len()).map(name).collect()
    }
}

impl IndexColumn {
    /// How many rows a table for it has.
    pub fn table_rows(&self) -> usize {
        self.categories.len() + self.buckets.len()
    }

    /// The index of a category, where one was learned.
    pub(super) fn index(&self, category: &str) -> Option<usize> {
        let own = self.categories.binary_search_by(|known| known.as_str().cmp(category)).ok();
        let group = || self.buckets.binary_search(&bucket_of(category)).ok();
        // Nobody is in the group of the missing.
        own.or_else(|| {
            (!category.is_empty()).then(group).flatten().map(|group| self.categories.len() + group)
        })
    }
}

/// In the order in which their inputs stand together: numbers, single inputs, categories, indices.
pub(super) fn order(column: &InputColumn) -> u8 {
    match column {
        InputColumn::Robust(column) if column.missing => 0,
        InputColumn::Robust(_) => 1,
        InputColumn::Index(_) => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_those_of_quartiles_or_extremes() {
        let scale = |values: &[f64]| RobustScale::of(&mut values.to_vec());
        assert_eq!(scale(&[4.0, 1.0, 3.0, 2.0]), Some(RobustScale { median: 2.5, range: 1.5 }));
        assert_eq!(scale(&[5.0, 0.0, 0.0, 0.0, 0.0]), Some(RobustScale { median: 0.0, range: 2.5 }));
        assert_eq!((scale(&[]), scale(&[3.0, 3.0])), (None, None));
        let extreme = scale(&[-f64::MAX, -f64::MAX, 0.0, f64::MAX, f64::MAX]);
        assert_eq!(extreme, None, "their distance is no number");
    }

    #[test]
    fn every_number_lands_within_three() {
        let scale = RobustScale { median: 1.0, range: 2.0 };
        assert_eq!((scale.scaled(1.0), scale.scaled(f64::MAX)), (0.0, 3.0));
        assert_eq!(scale.scaled(-1e200), -3.0);
        assert!((scale.scaled(3.0) - 1.0 / (1.0f64 + 1.0 / 9.0).sqrt()).abs() < 1e-15);
        for x in [1e10, 1e99, 1e101, 1e307] {
            assert!((scale.scaled(x) - 3.0).abs() < 1e-8, "{x}");
        }
    }

    #[test]
    fn two_categories_are_one_input() {
        let column = OneHotColumn::fit("c".to_owned(), vec!["a".to_owned(), "b".to_owned()], &[3, 1], 4);
        // Of 1, 1, 1, -1: median 1, quartiles 1/2 and 1.
        assert_eq!(column.scales, [RobustScale { median: 1.0, range: 0.5 }]);
        let scale = column.scales[0];
        assert_eq!(column.inputs(Some("a")), [0.0]);
        assert_eq!(column.inputs(Some("b")), [scale.scaled(-1.0)]);
        assert_eq!(column.inputs(Some("else")), [scale.scaled(0.0)]);
        assert_eq!(column.inputs(None), column.inputs(Some("else")));
    }
}
