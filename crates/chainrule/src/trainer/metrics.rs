//! How good predictions are: loss, and what people ask for beside it.
//!
//! Sample weights count in the loss; the metrics count every sample once.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::forward::infer_with_pre_activation;
use crate::kernel::{Scalar, Threads};
use crate::loss::{Loss, Output, Targets};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::step::Samples;

/// The loss and the metrics on some samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The weighted mean.
    pub loss: f64,
    /// What fits the kind of target.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// Metrics for classes or for numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Metrics {
    /// For class targets (and labels of binary cross-entropy, each output a class of its own).
    Classification {
        /// The share of right predictions.
        accuracy: f64,
        /// The mean of the classes' recalls, over the classes that occur.
        balanced_accuracy: f64,
        /// 2 TP / (2 TP + FP + FN): of class 1 where there are two classes, else the mean over the classes that
        /// occur or are predicted.
        f1: f64,
        /// The area under the receiver operating characteristic: of class 1 where there are two, else the mean of
        /// each class against the rest; none where a class does not occur, or everything is one class.
        auc: Option<f64>,
    },
    /// For number targets.
    Regression {
        /// The square root of the mean squared error.
        rmse: f64,
        /// The mean absolute error.
        mae: f64,
        /// 1 - (sum of squared errors) / (sum of squared deviations from the mean); none for constant targets.
        r2: Option<f64>,
    },
}

impl Metrics {
    /// The metric to show where there is room for one: its name and value.
    pub fn headline(&self) -> (&'static str, f64) {
        match self {
            Metrics::Classification { accuracy, .. } => ("accuracy", *accuracy),
            Metrics::Regression { rmse, .. } => ("RMSE", *rmse),
        }
    }

    /// The same metrics where targets and predictions were divided by `scale`.
    pub fn rescaled(self, scale: f64) -> Metrics {
        match self {
            Metrics::Regression { rmse, mae, r2 } => {
                Metrics::Regression { rmse: rmse * scale, mae: mae * scale, r2 }
            }
            classification => classification,
        }
    }
}

/// The loss and the metrics of a network on any number of samples.
///
/// # Errors
/// When shapes do not fit or a target is out of range.
pub fn evaluate<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    loss: &Loss,
    samples: Samples<'_, T>,
) -> Result<Evaluation> {
    let Samples { inputs, targets, sample_weights } = samples;
    let width = network.output_width();
    loss.check(width)?;
    loss.check_targets(inputs.rows(), width, targets, sample_weights)?;
    let (z, mut a) = infer_with_pre_activation(threads, network, parameters, inputs)?;
    let activation = network.output_activation();
    let mut delta = vec![T::zero(); z.as_slice().len()];
    let output = Output { activation, width, z: z.as_slice(), a: a.as_slice() };
    let loss_value = loss.output_error(output, targets, sample_weights, &mut delta)?.mean();
    for i in 0..a.rows() {
        loss.output_to_prediction(activation, a.row_mut(i));
    }
    let metrics = match (targets, loss) {
        (Targets::Classes(classes), _) => of_classes(&a, classes),
        (Targets::Values(values), Loss::BinaryCrossEntropy) => of_labels(a.as_slice(), values.as_slice()),
        (Targets::Values(values), Loss::CrossEntropy { .. }) => {
            let classes: Vec<u32> = (0..values.rows()).map(|i| largest(values.row(i))).collect();
            of_classes(&a, &classes)
        }
        (Targets::Values(values), _) => of_numbers(a.as_slice(), values.as_slice()),
    };
    Ok(Evaluation { loss: loss_value, metrics })
}

/// The class that a row of predictions stands for: the largest output, or whether a single output is at
/// least one half.
pub fn predicted_class<T: Scalar>(prediction: &[T]) -> u32 {
    match prediction {
        [single] => u32::from(*single >= T::from_f64(0.5)),
        row => largest(row),
    }
}

fn largest<T: Scalar>(row: &[T]) -> u32 {
    let mut best = 0;
    for (k, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = k;
        }
    }
    best as u32
}

fn of_classes<T: Scalar>(predictions: &Matrix<T>, classes: &[u32]) -> Metrics {
    let count = predictions.columns().max(2);
    let predicted: Vec<u32> = (0..classes.len()).map(|i| predicted_class(predictions.row(i))).collect();
    let score = |i: usize, class: usize| {
        if predictions.columns() == 1 { predictions[(i, 0)] } else { predictions[(i, class)] }
    };
    let scores = |class: usize| (0..classes.len()).map(|i| score(i, class).as_f64()).collect::<Vec<_>>();
    classification(classes, &predicted, count, &scores)
}

/// Each label is a question of its own: is it there?
fn of_labels<T: Scalar>(predictions: &[T], labels: &[T]) -> Metrics {
    let half = T::from_f64(0.5);
    let classes: Vec<u32> = labels.iter().map(|y| u32::from(*y >= half)).collect();
    let predicted: Vec<u32> = predictions.iter().map(|p| u32::from(*p >= half)).collect();
    let scores = |_: usize| predictions.iter().map(|p| p.as_f64()).collect();
    classification(&classes, &predicted, 2, &scores)
}

fn classification(
    classes: &[u32],
    predicted: &[u32],
    count: usize,
    scores: &dyn Fn(usize) -> Vec<f64>,
) -> Metrics {
    let (mut actual, mut guessed, mut right) = (vec![0u64; count], vec![0u64; count], vec![0u64; count]);
    for (&class, &guess) in classes.iter().zip(predicted) {
        actual[class as usize] += 1;
        guessed[guess as usize] += 1;
        right[class as usize] += u64::from(class == guess);
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let recalls = (0..count).filter(|&k| actual[k] > 0).map(|k| right[k] as f64 / actual[k] as f64);
    let f1 = |k: usize| {
        let denominator = actual[k] + guessed[k];
        if denominator == 0 { 0.0 } else { 2.0 * right[k] as f64 / denominator as f64 }
    };
    let areas: Option<Vec<f64>> = if count == 2 {
        area_under_curve(&scores(1), classes, 1).map(|area| vec![area])
    } else {
        (0..count).map(|k| area_under_curve(&scores(k), classes, k as u32)).collect()
    };
    Metrics::Classification {
        accuracy: right.iter().sum::<u64>() as f64 / classes.len() as f64,
        balanced_accuracy: mean(recalls.collect()),
        f1: if count == 2 {
            f1(1)
        } else {
            mean((0..count).filter(|&k| actual[k] + guessed[k] > 0).map(f1).collect())
        },
        auc: areas.map(mean),
    }
}

/// The probability that a sample of the class has a higher score than one of another, ties counting one
/// half (Mann and Whitney): from ranks, ties sharing their mean rank.
fn area_under_curve(scores: &[f64], classes: &[u32], class: u32) -> Option<f64> {
    if scores.iter().any(|score| score.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&i, &j| scores[i].total_cmp(&scores[j]));
    let positives = classes.iter().filter(|&&c| c == class).count() as f64;
    let negatives = classes.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let (mut rank_sum, mut start) = (0.0, 0);
    while start < order.len() {
        let same = order[start..].iter().take_while(|&&i| scores[i] == scores[order[start]]).count();
        let rank = start as f64 + (same as f64 + 1.0) / 2.0;
        let inside = order[start..start + same].iter().filter(|&&i| classes[i] == class).count();
        rank_sum += rank * inside as f64;
        start += same;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

fn of_numbers<T: Scalar>(predictions: &[T], targets: &[T]) -> Metrics {
    let n = targets.len() as f64;
    let errors = || predictions.iter().zip(targets).map(|(a, y)| a.as_f64() - y.as_f64());
    let squares: f64 = errors().map(|e| e * e).sum();
    let mean = targets.iter().map(|y| y.as_f64()).sum::<f64>() / n;
    let deviations: f64 = targets.iter().map(|y| (y.as_f64() - mean).powi(2)).sum();
    Metrics::Regression {
        rmse: (squares / n).sqrt(),
        mae: errors().map(f64::abs).sum::<f64>() / n,
        r2: (deviations > 0.0).then(|| 1.0 - squares / deviations),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let Metrics::Classification { accuracy, balanced_accuracy, f1, auc } =
            of_classes(&p, &[0, 0, 0, 1, 1, 2])
        else {
            panic!()
        };
        assert!((accuracy - 4.0 / 6.0).abs() < 1e-15);
        assert!((balanced_accuracy - (2.0 / 3.0 + 0.5 + 1.0) / 3.0).abs() < 1e-15);
        assert!((f1 - (4.0 / 6.0 + 0.5 + 1.0) / 3.0).abs() < 1e-15);
        // Pairs in order: class 0 (0.8, 0.6, 0.2 against 0.3, 0.5, 0.1) 7 of 9; class 1 (0.5, 0.4 against
        // 0.1, 0.3, 0.7, 0.2) 6 of 8; class 2 all.
        assert!((auc.unwrap() - (7.0 / 9.0 + 6.0 / 8.0 + 1.0) / 3.0).abs() < 1e-15, "{auc:?}");
    }

    #[test]
    fn two_classes_single_output_and_ties() {
        let p = Matrix::from_rows(&[[0.9], [0.5], [0.5], [0.1f64]]);
        let Metrics::Classification { accuracy, f1, auc, .. } = of_classes(&p, &[1, 1, 0, 0]) else {
            panic!()
        };
        assert_eq!((accuracy, auc), (0.75, Some(3.5 / 4.0)));
        assert!((f1 - 0.8).abs() < 1e-15);
        let Metrics::Classification { auc, balanced_accuracy, .. } = of_classes(&p, &[1, 1, 1, 1]) else {
            panic!()
        };
        assert_eq!((auc, balanced_accuracy), (None, 0.75));
    }

    #[test]
    fn metrics_of_numbers_are_those_counted_by_hand() {
        let metrics = of_numbers(&[1.0, 2.0, 4.0], &[1.0, 3.0, 2.0]);
        let expected =
            Metrics::Regression { rmse: (5.0f64 / 3.0).sqrt(), mae: 1.0, r2: Some(1.0 - 5.0 / 2.0) };
        assert_eq!(metrics, expected);
        let Metrics::Regression { r2, .. } = of_numbers(&[1.0], &[1.0]) else { panic!() };
        assert_eq!(r2, None);
    }
}
