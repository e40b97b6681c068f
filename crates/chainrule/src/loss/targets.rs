//! What the network should have answered, and whether a loss can use it.

use super::Loss;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::matrix::{Matrix, MatrixView};

/// What the network should have answered, one row or one class index for each sample.
///
/// ```
/// use chainrule::{Matrix, Targets};
/// let wanted = Matrix::from_rows(&[[0.5, 1.0], [2.0, -1.0], [0.0, 0.0]]);
/// let numbers = Targets::from(&wanted);
/// assert_eq!((numbers.len(), numbers.slice(1..3).len()), (3, 2));
/// let classes = Targets::<f32>::Classes(&[0, 2, 1]);
/// assert_eq!(classes.slice(1..2), Targets::Classes(&[2]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Targets<'a, T> {
    /// [B, n_L]: numbers, labels in 0..=1, or a distribution over the classes.
    Values(MatrixView<'a, T>),
    /// One class index for each sample, from 0. A network with a single output reads 0 and 1 as numbers;
    /// losses other than cross-entropy read an index as a one-hot row.
    Classes(&'a [u32]),
}

impl<'a, T: Scalar> Targets<'a, T> {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        match self {
            Targets::Values(values) => values.rows(),
            Targets::Classes(classes) => classes.len(),
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sample `i`.
    pub(crate) fn row(&self, i: usize) -> RowTarget<'a, T> {
        match self {
            Targets::Values(values) => RowTarget::Values(values.row(i)),
            Targets::Classes(classes) => RowTarget::Class(classes[i] as usize),
        }
    }

    /// The samples of `range`.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Targets<'a, T> {
        match self {
            Targets::Values(values) => Targets::Values(values.slice(range)),
            Targets::Classes(classes) => Targets::Classes(&classes[range]),
        }
    }
}

impl<'a, T: Scalar> From<&'a Matrix<T>> for Targets<'a, T> {
    fn from(values: &'a Matrix<T>) -> Self {
        Targets::Values(values.view())
    }
}

/// The target of one sample.
#[derive(Clone, Copy)]
pub(crate) enum RowTarget<'a, T> {
    Values(&'a [T]),
    Class(usize),
}

impl<T: Scalar> RowTarget<'_, T> {
    /// y_k; a class is a one-hot row, or the number itself where there is one output.
    #[inline(always)]
    pub(crate) fn at(&self, k: usize, outputs: usize) -> T {
        match *self {
            RowTarget::Values(values) => values[k],
            RowTarget::Class(class) if outputs == 1 => T::from_f64(class as f64),
            RowTarget::Class(class) => T::from_f64(f64::from(u8::from(class == k))),
        }
    }
}

/// The targets that a loss can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetRange {
    /// All finite numbers.
    Finite,
    /// Finite numbers of at least 0: counts.
    NotNegative,
    /// Numbers from 0 to 1: labels, or each class's share.
    UnitInterval,
}

impl TargetRange {
    fn contains(self, y: f64) -> bool {
        match self {
            TargetRange::Finite => y.is_finite(),
            TargetRange::NotNegative => (0.0..=f64::MAX).contains(&y),
            TargetRange::UnitInterval => (0.0..=1.0).contains(&y),
        }
    }

    /// What a number is told that is not in it.
    fn refusal(self) -> &'static str {
        match self {
            TargetRange::Finite => "must be finite",
            TargetRange::NotNegative => "a count must be at least 0 and finite",
            TargetRange::UnitInterval => "must be in 0..=1",
        }
    }

    /// The range in words.
    ///
    /// ```
    /// assert_eq!(chainrule::Loss::Poisson.target_range().words(), "numbers of at least 0");
    /// ```
    pub fn words(self) -> &'static str {
        match self {
            TargetRange::Finite => "finite numbers",
            TargetRange::NotNegative => "numbers of at least 0",
            TargetRange::UnitInterval => "numbers from 0 to 1",
        }
    }
}

impl Loss {
    /// Checks that targets and weights fit the loss: their number, class indices below `outputs`, finite
    /// numbers, labels and distributions in 0..=1, counts of at least 0, weights of at least 0.
    ///
    /// # Errors
    /// Names the row and column of the first that does not.
    #[inline(never)]
    pub fn check_targets<T: Scalar>(
        &self,
        samples: usize,
        outputs: usize,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<()> {
        if samples == 0 {
            return Err(Error::Empty { what: "samples" });
        }
        if outputs == 0 {
            return Err(Error::Empty { what: "outputs" });
        }
        if targets.len() != samples {
            let (expected, found) = (format!("{samples} rows"), format!("{} rows", targets.len()));
            return Err(Error::shape("targets", expected, found));
        }
        match targets {
            Targets::Classes(classes) => check_classes(classes, outputs)?,
            Targets::Values(values) => check_values(values, outputs, self.target_range())?,
        }
        let Some(weights) = sample_weights else { return Ok(()) };
        if weights.len() != samples {
            return Err(Error::shape("sample weights", samples, weights.len()));
        }
        let bad = weights.iter().position(|w| !(0.0..f64::INFINITY).contains(&w.as_f64()));
        if let Some(row) = bad {
            let reason = format!("{} must be at least 0 and finite", weights[row]);
            return Err(Error::Value { what: "sample weights", row, column: 0, reason });
        }
        Ok(())
    }
}

fn check_classes(classes: &[u32], outputs: usize) -> Result<()> {
    let limit = outputs.max(2);
    let Some(row) = classes.iter().position(|&class| class as usize >= limit) else { return Ok(()) };
    let reason = format!("class {} is not below {limit}", classes[row]);
    Err(Error::Value { what: "targets", row, column: 0, reason })
}

fn check_values<T: Scalar>(values: MatrixView<'_, T>, outputs: usize, range: TargetRange) -> Result<()> {
    if values.columns() != outputs {
        let found = format!("{} columns", values.columns());
        return Err(Error::shape("targets", format!("{outputs} columns"), found));
    }
    let bad = values.as_slice().iter().position(|y| !range.contains(y.as_f64()));
    let Some(index) = bad else { return Ok(()) };
    let (row, column) = (index / outputs, index % outputs);
    let reason = format!("{} {}", values[(row, column)], range.refusal());
    Err(Error::Value { what: "targets", row, column, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_out_of_range_are_named() {
        let message = |loss: &Loss, values: &[f64]| {
            let values = MatrixView::new(1, values.len(), values).unwrap();
            loss.check_targets(1, 2, Targets::Values(values), None).unwrap_err().to_string()
        };
        assert!(message(&Loss::Poisson, &[1.0, -1.0]).contains("row 0, column 1"));
        assert!(message(&Loss::BinaryCrossEntropy, &[1.5, 0.0]).contains("1.5 must be in 0..=1"));
        assert!(message(&Loss::MeanSquaredError, &[f64::NAN, 0.0]).contains("must be finite"));
        assert!(message(&Loss::MeanSquaredError, &[0.0]).contains("expected 2 columns, found 1"));
        let classes: Targets<'_, f64> = Targets::Classes(&[0, 5]);
        let error = Loss::cross_entropy().check_targets(2, 3, classes, None).unwrap_err();
        assert!(error.to_string().contains("row 1") && error.to_string().contains("class 5"));
        let ok: Targets<'_, f64> = Targets::Classes(&[0, 1]);
        for weights in [[1.0, -1.0], [1.0, f64::NAN]] {
            assert!(Loss::cross_entropy().check_targets(2, 3, ok, Some(&weights)).is_err());
        }
    }

    #[test]
    fn each_range_ends_where_it_says() {
        let ends = |range: TargetRange| [-1.0, 0.0, 1.0, 1.5, f64::INFINITY].map(|y| range.contains(y));
        assert_eq!(ends(TargetRange::Finite), [true, true, true, true, false]);
        assert_eq!(ends(TargetRange::NotNegative), [false, true, true, true, false]);
        assert_eq!(ends(TargetRange::UnitInterval), [false, true, true, false, false]);
        let all = [TargetRange::Finite, TargetRange::NotNegative, TargetRange::UnitInterval];
        assert!(all.iter().all(|range| !range.contains(f64::NAN)));
    }
}
