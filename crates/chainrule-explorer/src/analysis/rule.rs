//! Which rule gives delta(L), and why.

use chainrule::{Activation, Loss};
use serde::Serialize;

use crate::Step;

/// How delta(L) is computed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct OutputRule {
    /// The rule.
    pub rule: RuleName,
    /// Why, in two or three sentences.
    pub reason: String,
    /// Whether the loss counts the targets as they are given: without smoothing and weights, and, for classes, with
    /// a sum of 1.
    pub targets_as_given: bool,
}

/// The three ways to delta(L).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
    /// a - y: loss and output activation cancel.
    PredictionMinusTarget,
    /// dLoss/da times sigma'(z).
    ThroughSlope,
    /// Softmax with another loss: its derivative is a matrix.
    ThroughJacobian,
}

/// The rule of this step's loss and output activation.
pub fn output_rule(step: &Step) -> OutputRule {
    let output = step.network.output_activation();
    let (loss_name, output_name) = (readable(step.loss.name()), readable(output.name()));
    let targets_as_given = targets_as_given(step);
    if step.loss.has_short_form(output) {
        let reason = short_form(step);
        return OutputRule { rule: RuleName::PredictionMinusTarget, reason, targets_as_given };
    }
    let derivative = loss_derivative(&step.loss, output);
    let instead = match (&step.loss, output) {
        (Loss::MeanSquaredError, Activation::Identity) if step.network.output_width() == 2 => {
            "With 2 outputs the factor 2 / n happens to be 1, so that a - y would be right here, and with \
             any other number of outputs wrong."
                .to_owned()
        }
        (Loss::MeanSquaredError, Activation::Identity) => {
            "The short form a - y would leave out the factor 2 / n.".to_owned()
        }
        (Loss::HalfSquaredError, _) => {
            format!(
                "The short form a - y holds with identity only: here it would leave out \
                 {output_name}'s part."
            )
        }
        (Loss::BinaryCrossEntropy | Loss::CrossEntropy { .. }, _) => {
            let natural = readable(step.loss.natural_output().name());
            format!(
                "The short form a - y holds with {natural} only, whose derivative \
                 cancels the loss's own."
            )
        }
        _ => "The short form a - y would be the derivative of another loss.".to_owned(),
    };
    if output == Activation::Softmax {
        let reason = format!(
            "Every softmax output depends on every z, so its derivative is a matrix: delta is that matrix \
             times dLoss/da. For one sample {loss_name} has dLoss/da = {derivative}. {instead}"
        );
        return OutputRule { rule: RuleName::ThroughJacobian, reason, targets_as_given };
    }
    let reason = format!(
        "delta is dLoss/da times the slope of {output_name} at z, over the samples of the batch. For one \
         sample {loss_name} has dLoss/da = {derivative}. {instead}"
    );
    OutputRule { rule: RuleName::ThroughSlope, reason, targets_as_given }
}

fn targets_as_given(step: &Step) -> bool {
    let Loss::CrossEntropy { .. } = step.loss else { return true };
    let outputs = step.network.output_width();
    (0..step.targets.rows()).all(|i| {
        let row = step.targets.row(i);
        let same = row.iter().enumerate().all(|(k, &y)| step.loss.counted_target(y, k, outputs) == y);
        same && (row.iter().sum::<f64>() - 1.0).abs() < 1e-9
    })
}

fn short_form(step: &Step) -> String {
    let end = "It is divided by the number of samples, since the loss is their mean.";
    match &step.loss {
        Loss::HalfSquaredError => format!(
            "Half squared error has dLoss/da = a - y, and identity has the slope 1 everywhere: delta is the \
             prediction minus the target. {end}"
        ),
        Loss::BinaryCrossEntropy => format!(
            "Binary cross-entropy has dLoss/da = (a - y) / (a (1 - a)), and sigmoid's slope is a (1 - a): \
             they cancel, and delta is the prediction minus the target. {end}"
        ),
        loss => {
            let (smoothed, weighted) = match loss {
                Loss::CrossEntropy { label_smoothing, class_weights } => {
                    (*label_smoothing > 0.0, class_weights.is_some())
                }
                _ => (false, false),
            };
            let outputs = step.network.output_width();
            let counted = |i: usize| -> f64 {
                let row = step.targets.row(i).iter().enumerate();
                row.map(|(k, &y)| loss.counted_target(y, k, outputs)).sum()
            };
            let sums_to_one = (0..step.targets.rows()).all(|i| (counted(i) - 1.0).abs() < 1e-9);
            let target = match (smoothed, weighted) {
                (false, false) => "target",
                (true, false) => "smoothed target",
                (false, true) => "target times its class's weight",
                (true, true) => "smoothed target times its class's weight",
            };
            let prediction = match sums_to_one {
                true => "the prediction".to_owned(),
                false => format!(
                    "the prediction (times the sum of the {target} over all classes, which is not 1 for \
                     every sample)"
                ),
            };
            format!(
                "Cross-entropy has dLoss/da = -y / a, and softmax's matrix of derivatives takes the \
                 division away again: delta is {prediction} minus the {target}. {end}"
            )
        }
    }
}

/// dl/da of one sample, in symbols; n is the number of outputs.
pub(super) fn loss_derivative(loss: &Loss, output: Activation) -> String {
    let reads_probabilities = output.yields_probabilities();
    match loss {
        Loss::HalfSquaredError => "a - y".to_owned(),
        Loss::MeanSquaredError => "2 (a - y) / n".to_owned(),
        Loss::MeanAbsoluteError => "sign(a - y) / n".to_owned(),
        Loss::Huber { delta } => format!("(a - y, cut off at -{delta} and {delta}) / n"),
        Loss::Quantile { quantile } => {
            format!("{} / n where a is above y, -{quantile} / n where it is below", 1.0 - quantile)
        }
        Loss::Poisson => "(exp(a) - y) / n".to_owned(),
        Loss::BinaryCrossEntropy if reads_probabilities => "(a - y) / (a (1 - a))".to_owned(),
        Loss::BinaryCrossEntropy => "sigmoid(a) - y".to_owned(),
        Loss::CrossEntropy { .. } if reads_probabilities => "-y / a".to_owned(),
        Loss::CrossEntropy { .. } => "softmax(a) - y".to_owned(),
    }
}

/// A name of a model file as people write it.
pub(crate) fn readable(name: &str) -> String {
    match name {
        "binary_cross_entropy" => "binary cross-entropy".to_owned(),
        "cross_entropy" => "cross-entropy".to_owned(),
        _ => name.replace('_', " "),
    }
}
