//! Which rule gives delta(L), and why.

use chainrule::{Activation, Loss};
use serde::Serialize;

use crate::Step;
use crate::sentences::ShortForm;
use crate::words::{plain, readable};

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
    /// Where the prediction has each target, smoothed and nothing else, taken off it: how it is smoothed.
    pub smoothing: Option<Smoothing>,
}

/// A smoothed target: `kept` y + `added`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Smoothing {
    /// 1 - label_smoothing
    pub kept: f64,
    /// label_smoothing over the number of classes.
    pub added: f64,
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
    if let Some(form) = ShortForm::of(&step.loss, output, step.samples()) {
        let reason = short_form(step, &form);
        let smoothing = match step.loss {
            Loss::CrossEntropy { label_smoothing, class_weights: None }
                if form.sums_to_one && label_smoothing > 0.0 =>
            {
                let added = label_smoothing / step.network.output_width() as f64;
                Some(Smoothing { kept: 1.0 - label_smoothing, added })
            }
            _ => None,
        };
        return OutputRule { rule: RuleName::PredictionMinusTarget, reason, targets_as_given, smoothing };
    }
    let derivative = loss_derivative(step);
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
        return OutputRule { rule: RuleName::ThroughJacobian, reason, targets_as_given, smoothing: None };
    }
    let reason = format!(
        "delta is dLoss/da times the slope of {output_name} at z, over the samples of the batch. For one \
         sample {loss_name} has dLoss/da = {derivative}. {instead}"
    );
    OutputRule { rule: RuleName::ThroughSlope, reason, targets_as_given, smoothing: None }
}

/// dLoss/da of one sample in symbols, with t for a target that is not counted as it is given.
pub(super) fn loss_derivative(step: &Step) -> String {
    let formula = step.loss.derivative_formula(step.network.output_activation());
    match step.loss {
        Loss::CrossEntropy { label_smoothing: 0.0, class_weights: None } => formula,
        Loss::CrossEntropy { .. } => format!("{}, t the target as it is counted", formula.replace('y', "t")),
        _ => formula,
    }
}

/// Whether nothing is smoothed or weighted, and the targets of each sample sum to 1 where they are classes'.
fn targets_as_given(step: &Step) -> bool {
    let outputs = step.network.output_width();
    let as_given = |i: usize| {
        let mut row = step.targets.row(i).iter().enumerate();
        row.all(|(k, &y)| step.loss.counted_target(y, k, outputs) == y)
    };
    let form = ShortForm::of(&step.loss, step.loss.natural_output(), step.samples());
    (0..step.targets.rows()).all(as_given) && form.is_none_or(|form| form.sums_to_one)
}

fn short_form(step: &Step, form: &ShortForm) -> String {
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
        _ => {
            let prediction = match form.sums_to_one {
                true => "the prediction".to_owned(),
                false => format!(
                    "the prediction (times the sum of the {} over all classes, which is not 1 for every sample)",
                    form.target
                ),
            };
            let target = form.target;
            let (t, smoothed) = match &step.loss {
                Loss::CrossEntropy { label_smoothing, class_weights } if *label_smoothing > 0.0 => {
                    let (kept, classes) = (1.0 - label_smoothing, step.network.output_width());
                    let weight = if class_weights.is_some() { ", times the class's weight" } else { "" };
                    ("t", format!(" with t = {} y + {label_smoothing} / {classes}{weight}", plain(kept)))
                }
                Loss::CrossEntropy { class_weights: Some(_), .. } => {
                    ("t", " with t = y times its class's weight".to_owned())
                }
                _ => ("y", String::new()),
            };
            format!(
                "Cross-entropy has dLoss/da = -{t} / a{smoothed}, and softmax's matrix of derivatives takes the \
                 division away again: delta is {prediction} minus the {target}. {end}"
            )
        }
    }
}
