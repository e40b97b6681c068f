//! Metrics of numbers: root mean squared error, mean absolute error, and the coefficient of determination.
//!
//! For each column, over the rows i with their weights w_i, prediction a and target y:
//!
//! ```text
//! RMSE = sqrt(sum w (a - y)^2 / sum w)        MAE = sum w |a - y| / sum w
//! R2   = 1 - sum w (a - y)^2 / sum w (y - m)^2,        m = sum w y / sum w
//! ```

use super::{Metrics, Weights};
use crate::kernel::Scalar;

/// The metrics of one column, or their mean.
#[derive(Clone, Copy)]
pub(super) struct Errors {
    rmse: f64,
    mae: f64,
    r2: Option<f64>,
}

impl From<Errors> for Metrics {
    fn from(Errors { rmse, mae, r2 }: Errors) -> Self {
        Metrics::Regression { rmse, mae, r2 }
    }
}

/// What is added up over the rows of a column.
#[derive(Clone, Default)]
struct Sums {
    squares: f64,
    absolutes: f64,
    targets: f64,
    deviations: f64,
    first: Option<f64>,
    differs: bool,
}

/// The metrics of each column of [rows, `columns`] numbers. The weights are not all 0.
pub(super) fn of_each_column<T: Scalar>(
    predictions: &[T],
    targets: &[T],
    columns: usize,
    weights: &Weights,
) -> Vec<Errors> {
    let scales = scales(predictions, targets, columns);
    let mut sums = vec![Sums::default(); columns];
    let mut total = 0.0;
    // Rows of weight 0 are not there, whatever they hold.
    let rows = || {
        let rows = predictions.chunks_exact(columns).zip(targets.chunks_exact(columns)).enumerate();
        rows.map(|(i, (a, y))| (weights.of(i), a, y)).filter(|(weight, ..)| *weight > 0.0)
    };
    for (weight, a, y) in rows() {
        total += weight;
        for (((sums, scale), a), y) in sums.iter_mut().zip(&scales).zip(a).zip(y) {
            let (a, y) = (scale * a.as_f64(), scale * y.as_f64());
            let error = a - y;
            sums.squares += weight * (error * error);
            sums.absolutes += weight * error.abs();
            sums.targets += weight * y;
            sums.differs |= *sums.first.get_or_insert(y) != y;
        }
    }
    for (weight, _, y) in rows() {
        for ((sums, scale), y) in sums.iter_mut().zip(&scales).zip(y) {
            let deviation = scale * y.as_f64() - sums.targets / total;
            sums.deviations += weight * (deviation * deviation);
        }
    }
    let errors = |(sums, scale): (&Sums, &f64)| Errors {
        rmse: (sums.squares / total).sqrt() / scale,
        mae: sums.absolutes / total / scale,
        // The mean of equal targets is rounded, so that deviations from it need not be 0.
        r2: (sums.differs && sums.deviations > 0.0).then(|| 1.0 - sums.squares / sums.deviations),
    };
    sums.iter().zip(&scales).map(errors).collect()
}

/// A power of two for each column, which rounds nothing and keeps squares of its numbers from becoming infinite or 0; 1
/// where they are of usual size.
fn scales<T: Scalar>(predictions: &[T], targets: &[T], columns: usize) -> Vec<f64> {
    const USUAL: std::ops::RangeInclusive<f64> = 1e-100..=1e100;
    let mut largest = vec![0.0f64; columns];
    for row in predictions.chunks_exact(columns).chain(targets.chunks_exact(columns)) {
        largest.iter_mut().zip(row).for_each(|(largest, x)| *largest = largest.max(x.as_f64().abs()));
    }
    let scale = |largest: f64| match largest == 0.0 || !largest.is_finite() || USUAL.contains(&largest) {
        true => 1.0,
        // Half of what would be 1, so that the difference of two of the largest numbers is in range as well.
        false => 2f64.powi(-(largest.log2() as i32).clamp(-1000, 1000) - 1),
    };
    largest.into_iter().map(scale).collect()
}

/// The mean over the columns; no R2 where one has none.
pub(super) fn mean(columns: &[Errors]) -> Errors {
    let count = columns.len() as f64;
    Errors {
        rmse: columns.iter().map(|errors| errors.rmse).sum::<f64>() / count,
        mae: columns.iter().map(|errors| errors.mae).sum::<f64>() / count,
        r2: columns.iter().map(|errors| errors.r2).sum::<Option<f64>>().map(|sum| sum / count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(predictions: &[f64], targets: &[f64], columns: usize, weights: Option<&[f64]>) -> Metrics {
        mean(&of_each_column(predictions, targets, columns, &Weights::new(weights))).into()
    }

    #[test]
    fn metrics_of_numbers_are_those_counted_by_hand() {
        let expected =
            Metrics::Regression { rmse: (5.0f64 / 3.0).sqrt(), mae: 1.0, r2: Some(1.0 - 5.0 / 2.0) };
        assert_eq!(metrics(&[1.0, 2.0, 4.0], &[1.0, 3.0, 2.0], 1, None), expected);
        // The third row twice: squares 0, 1, 4, 4; targets 1, 3, 2, 2 with mean 2.
        let expected =
            Metrics::Regression { rmse: (9.0f64 / 4.0).sqrt(), mae: 5.0 / 4.0, r2: Some(1.0 - 9.0 / 2.0) };
        assert_eq!(metrics(&[1.0, 2.0, 4.0], &[1.0, 3.0, 2.0], 1, Some(&[1.0, 1.0, 2.0])), expected);
    }

    #[test]
    fn numbers_of_any_size_are_measured_alike() {
        let (predictions, targets) = ([1.0, 2.0, 4.0, -1.5], [1.0, 3.0, 2.0, 1.0]);
        let Metrics::Regression { rmse, mae, r2 } = metrics(&predictions, &targets, 1, None) else {
            panic!()
        };
        for exponent in [-900, -400, 400, 900, 1021] {
            let factor = 2f64.powi(exponent);
            let scaled = |numbers: [f64; 4]| numbers.map(|number| number * factor);
            let expected = Metrics::Regression { rmse: rmse * factor, mae: mae * factor, r2 };
            assert_eq!(metrics(&scaled(predictions), &scaled(targets), 1, None), expected, "2^{exponent}");
        }
    }

    #[test]
    fn equal_targets_have_no_r2() {
        // Ten times 0.1 add up to less than 1.
        for targets in [vec![1.0], vec![0.1; 10]] {
            let Metrics::Regression { r2, .. } = metrics(&vec![0.2; targets.len()], &targets, 1, None) else {
                panic!()
            };
            assert_eq!(r2, None);
        }
        // The row that differs is not there.
        let weighted = metrics(&[1.0, 1.5, f64::NAN], &[1.0, 1.0, 7.0], 1, Some(&[0.3, 0.1, 0.0]));
        let Metrics::Regression { rmse, r2, .. } = weighted else { panic!() };
        assert!(rmse.is_finite() && r2.is_none(), "{weighted:?}");
    }
}
