//! Metrics of classes: from weighted counts of actual, predicted and rightly predicted classes, and from ranks.

use super::{Metrics, Weights};
use crate::kernel::parts::for_each_chunk;
use crate::kernel::{Scalar, Threads};
use crate::matrix::MatrixView;

/// The class that a row of predictions stands for: the largest output, or whether a single output is at
/// least one half.
///
/// ```
/// use chainrule::predicted_class;
/// assert_eq!(predicted_class(&[0.2, 0.5, 0.3]), 1);
/// assert_eq!(predicted_class(&[0.7]), 1);
/// ```
#[inline(never)]
pub fn predicted_class<T: Scalar>(prediction: &[T]) -> u32 {
    match prediction {
        [single] => u32::from(*single >= T::from_f64(0.5)),
        row => largest(row),
    }
}

/// The first of the largest values.
pub(super) fn largest<T: Scalar>(row: &[T]) -> u32 {
    let mut best = 0;
    for (k, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = k;
        }
    }
    best as u32
}

/// The metrics of predictions, one row for each class index. The weights are not all 0. `positive` is the class
/// that F1 is for where there are two.
pub(super) fn of_classes<T: Scalar>(
    threads: &Threads,
    predictions: MatrixView<'_, T>,
    classes: &[u32],
    weights: &Weights,
    positive: u32,
) -> Metrics {
    let outputs = predictions.columns();
    let count = outputs.max(2);
    // The weights of the samples of each class, of those predicted to be of it, and of those that are both.
    let (mut actual, mut guessed, mut right) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
    for (i, &class) in classes.iter().enumerate() {
        let (weight, guess) = (weights.of(i), predicted_class(predictions.row(i)));
        actual[class as usize] += weight;
        guessed[guess as usize] += weight;
        if class == guess {
            right[class as usize] += weight;
        }
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let recalls = (0..count).filter(|&k| actual[k] > 0.0).map(|k| right[k] / actual[k]);
    let f1 = |k: usize| {
        let denominator = actual[k] + guessed[k];
        if denominator == 0.0 { 0.0 } else { 2.0 * right[k] / denominator }
    };
    let two = count == 2;
    let area = |class: usize| {
        let scores = predictions.as_slice().iter().skip(class.min(outputs - 1)).step_by(outputs);
        area_under_curve(scores.map(|score| score.as_f64()), classes, class as u32, weights)
    };
    let mut areas = vec![None; if two { 1 } else { count }];
    for_each_chunk(threads, (&mut areas, &mut [()][..0]), (1, 1), |k, areas, _| {
        areas[0] = area(if two { 1 } else { k });
    });
    Metrics::Classification {
        accuracy: right.iter().sum::<f64>() / actual.iter().sum::<f64>(),
        balanced_accuracy: mean(recalls.collect()),
        f1: if two {
            f1(positive as usize)
        } else {
            mean((0..count).filter(|&k| actual[k] + guessed[k] > 0.0).map(f1).collect())
        },
        f1_class: two.then_some(positive),
        auc: areas.into_iter().collect::<Option<Vec<f64>>>().map(mean),
    }
}

/// The probability that a sample of the class has a higher score than one of another, ties counting one half (Mann
/// and Whitney), each pair weighing the product of its weights.
fn area_under_curve(
    scores: impl Iterator<Item = f64>,
    classes: &[u32],
    class: u32,
    weights: &Weights,
) -> Option<f64> {
    let (mut positives, mut negatives) = (0.0, 0.0);
    for (row, &actual) in classes.iter().enumerate() {
        *(if actual == class { &mut positives } else { &mut negatives }) += weights.of(row);
    }
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    // Scores and rows as one integer each, since integers are sorted fastest.
    let mut order = Vec::with_capacity(classes.len());
    for (row, score) in scores.enumerate().filter(|&(row, _)| weights.of(row) > 0.0) {
        if score.is_nan() {
            return None;
        }
        order.push(u128::from(ascending_bits(score)) << 64 | row as u128);
    }
    order.sort_unstable();
    let (mut won, mut below) = (0.0, 0.0);
    for ties in order.chunk_by(|a, b| a >> 64 == b >> 64) {
        let (mut inside, mut outside) = (0.0, 0.0);
        for row in ties.iter().map(|&tie| tie as u64 as usize) {
            *(if classes[row] == class { &mut inside } else { &mut outside }) += weights.of(row);
        }
        won += inside * (below + outside / 2.0);
        below += outside;
    }
    Some(won / (positives * negatives))
}

/// Integers in the order of the numbers, which are not NaN; the two zeros are equal.
fn ascending_bits(number: f64) -> u64 {
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    fn metrics(
        predictions: &Matrix<f64>,
        classes: &[u32],
        weights: Option<&[f64]>,
        positive: u32,
    ) -> Metrics {
        of_classes(&Threads::single(), predictions.view(), classes, &Weights::new(weights), positive)
    }

    #[test]
    fn metrics_of_classes_are_those_counted_by_hand() {
        // Actual 0 0 0 1 1 2; predicted 0 0 1 1 0 2.
        let p = Matrix::from_rows(&[
            [0.8, 0.1, 0.1],
            [0.6, 0.3, 0.1],
            [0.2, 0.7, 0.1],
            [0.3, 0.5, 0.2],
            [0.5, 0.4, 0.1],
            [0.1, 0.2, 0.7f64],
        ]);
        let Metrics::Classification { accuracy, balanced_accuracy, f1, f1_class, auc } =
            metrics(&p, &[0, 0, 0, 1, 1, 2], None, 1)
        else {
            panic!()
        };
        assert!((accuracy - 4.0 / 6.0).abs() < 1e-15);
        assert!((balanced_accuracy - (2.0 / 3.0 + 0.5 + 1.0) / 3.0).abs() < 1e-15);
        assert!((f1 - (4.0 / 6.0 + 0.5 + 1.0) / 3.0).abs() < 1e-15);
        assert_eq!(f1_class, None);
        // Pairs in order: class 0 (0.8, 0.6, 0.2 against 0.3, 0.5, 0.1) 7 of 9; class 1 (0.5, 0.4 against
        // 0.1, 0.3, 0.7, 0.2) 6 of 8; class 2 all.
        assert!((auc.unwrap() - (7.0 / 9.0 + 6.0 / 8.0 + 1.0) / 3.0).abs() < 1e-15, "{auc:?}");
    }

    #[test]
    fn two_classes_single_output_and_ties() {
        let p = Matrix::from_rows(&[[0.9], [0.5], [0.5], [0.1f64]]);
        let classes = [1, 1, 0, 0];
        let Metrics::Classification { accuracy, f1, f1_class, auc, .. } = metrics(&p, &classes, None, 1)
        else {
            panic!()
        };
        assert_eq!((accuracy, f1_class, auc), (0.75, Some(1), Some(3.5 / 4.0)));
        assert!((f1 - 0.8).abs() < 1e-15);
        // Of class 0: one right, two actual, one predicted.
        let Metrics::Classification { f1, f1_class, auc, .. } = metrics(&p, &classes, None, 0) else {
            panic!()
        };
        assert_eq!((f1_class, auc), (Some(0), Some(3.5 / 4.0)));
        assert!((f1 - 2.0 / 3.0).abs() < 1e-15);
        let Metrics::Classification { auc, balanced_accuracy, .. } = metrics(&p, &[1, 1, 1, 1], None, 1)
        else {
            panic!()
        };
        assert_eq!((auc, balanced_accuracy), (None, 0.75));
    }

    #[test]
    fn weights_count_by_hand_at_every_scale() {
        let p = Matrix::from_rows(&[[0.9], [0.4], [0.5], [0.1], [f64::NAN]]);
        for scale in [1.0, 1e-200, 1e200] {
            let weights = [3.0, 1.0, 2.0, 1.0, 0.0].map(|weight| scale * weight);
            let found = metrics(&p, &[1, 1, 0, 0, 1], Some(&weights), 1);
            let Metrics::Classification { accuracy, balanced_accuracy, f1, auc, .. } = found else {
                panic!()
            };
            // Right: 3 of 4 and 1 of 3; predicted to be 1: 3 + 2. Won: 3 * 3 and 1 * 1 of 4 * 3 pairs.
            for (found, expected) in [
                (accuracy, 4.0 / 7.0),
                (balanced_accuracy, (3.0 / 4.0 + 1.0 / 3.0) / 2.0),
                (f1, 6.0 / 9.0),
                (auc.unwrap(), 10.0 / 12.0),
            ] {
                assert!((found - expected).abs() < 1e-15, "{scale}: {found} and {expected}");
            }
        }
    }

    #[test]
    fn integers_are_in_the_order_of_numbers() {
        let numbers = [f64::NEG_INFINITY, -2.5, -1e-310, -0.0, 1e-310, 0.25, 3.0, f64::INFINITY];
        assert!(numbers.map(ascending_bits).is_sorted_by(|a, b| a < b));
        assert_eq!(ascending_bits(-0.0), ascending_bits(0.0));
    }
}
