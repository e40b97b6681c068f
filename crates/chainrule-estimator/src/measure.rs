//! How good a model is: the engine's loss, and metrics of the very predictions that are delivered.
//!
//! The engine measures numbers on the network's scale. Here predictions are first put into the target's own units, in
//! 64 bits, and compared with the targets as they stand in the data: RMSE = sqrt(mean (p - y)^2), MAE = mean |p - y|,
//! R2 = 1 - sum (p - y)^2 / sum (y - mean y)^2.

use chainrule::{Evaluation, Metrics, Model, Scalar, Threads, evaluate};
use chainrule_data::{InputNumber, TargetScale};
use serde::Serialize;

use crate::error::Result;
use crate::outputs::{in_own_units, outputs};
use crate::samples::PreparedSamples;

/// Loss and metrics on some rows. Metrics of numbers are in the target's own units; the loss is the one that training
/// makes small, on the network's scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// The loss, and the metrics that fit the target.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// How many rows were measured.
    pub rows: usize,
}

pub(crate) fn measure<T: Scalar + InputNumber>(
    threads: &Threads,
    model: &Model<T>,
    prepared: &PreparedSamples<T>,
    scale: Option<TargetScale>,
) -> Result<Measurement> {
    let samples = prepared.samples();
    let mut evaluation = evaluate(threads, &model.network, &model.parameters, &model.loss, samples)?;
    if let (Metrics::Regression { .. }, Some(targets)) =
        (&evaluation.metrics, prepared.targets_in_own_units())
    {
        let predictions = in_own_units(&outputs(threads, model, prepared.input_numbers().view())?, scale);
        evaluation.metrics = of_numbers(predictions.as_slice(), targets.as_slice());
    }
    Ok(Measurement { evaluation, rows: prepared.rows() })
}

fn of_numbers(predictions: &[f64], targets: &[f64]) -> Metrics {
    let n = targets.len() as f64;
    let errors = || predictions.iter().zip(targets).map(|(p, y)| p - y);
    let squares: f64 = errors().map(|error| error * error).sum();
    let mean = targets.iter().sum::<f64>() / n;
    let deviations: f64 = targets.iter().map(|y| (y - mean).powi(2)).sum();
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
    fn metrics_of_numbers_are_those_counted_by_hand() {
        let metrics = of_numbers(&[1.0, 2.0, 4.0], &[1.0, 3.0, 2.0]);
        let expected =
            Metrics::Regression { rmse: (5.0f64 / 3.0).sqrt(), mae: 1.0, r2: Some(1.0 - 5.0 / 2.0) };
        assert_eq!(metrics, expected);
        let Metrics::Regression { r2, .. } = of_numbers(&[1.0], &[1.0]) else { panic!() };
        assert_eq!(r2, None);
    }
}
