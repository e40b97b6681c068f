//! The loss, sample by sample.

use chainrule::{Loss, Mode, Targets, forward, output_error};
use serde::Serialize;

use super::Factor;
use super::reader::Reader;
use super::rule::readable;
use crate::{Num, Refusal, Step};

/// The loss of a batch and what it is the mean of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LossReport {
    /// The batch's loss.
    pub loss: Num,
    /// Its name in model files.
    pub loss_name: String,
    /// Its formula for one sample.
    pub formula: String,
    /// One entry for each sample.
    pub samples: Vec<SampleLoss>,
}

/// One sample's loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SampleLoss {
    /// Which sample, from 0.
    pub sample: usize,
    /// Its loss.
    pub loss: Num,
    /// a(L)
    pub outputs: Vec<Factor>,
    /// y
    pub targets: Vec<Factor>,
}

/// The loss, sample by sample.
///
/// # Errors
/// Never for a step that has been traced.
pub fn loss(step: &Step) -> Result<LossReport, Refusal> {
    let reader = Reader::new(step);
    let (output, width) = (format!("a.{}", reader.depth()), step.network.output_width());
    let of = |name: &str, sample| (0..width).map(|k| reader.factor(name, sample, k)).collect();
    let samples = sample_losses(&reader)?.into_iter().enumerate().map(|(sample, loss)| SampleLoss {
        sample,
        loss: loss.into(),
        outputs: of(&output, sample),
        targets: of("target", sample),
    });
    Ok(LossReport {
        loss: step.trace.loss().into(),
        loss_name: readable(step.loss.name()),
        formula: formula(&step.loss, step.network.output_activation().yields_probabilities()),
        samples: samples.collect(),
    })
}

/// Every sample's own loss: a row's results have the same bits whichever other rows are in the batch.
pub(super) fn sample_losses(reader: &Reader<'_>) -> Result<Vec<f64>, Refusal> {
    let step = reader.step;
    let (inputs, targets) = (step.inputs.view(), step.targets.view());
    let of_sample = |sample: usize| {
        let row = sample..sample + 1;
        let cache = forward(&step.network, &step.parameters, inputs.slice(row.clone()), Mode::Inference)?;
        let targets = Targets::Values(targets.slice(row));
        Ok(output_error(&step.network, &cache, &step.loss, targets, None)?.loss)
    };
    (0..reader.batch()).map(of_sample).collect()
}

pub(super) fn formula(loss: &Loss, reads_probabilities: bool) -> String {
    match loss {
        Loss::HalfSquaredError => "half the sum over the outputs of (a - y)^2".to_owned(),
        Loss::MeanSquaredError => "the mean over the outputs of (a - y)^2".to_owned(),
        Loss::MeanAbsoluteError => "the mean over the outputs of |a - y|".to_owned(),
        Loss::Huber { delta } => format!(
            "the mean over the outputs of d^2 / 2 where |d| <= {delta}, else {delta} (|d| - {delta} / 2), \
             with d = a - y"
        ),
        Loss::BinaryCrossEntropy if reads_probabilities => {
            "minus the sum over the outputs of y log a + (1 - y) log(1 - a)".to_owned()
        }
        Loss::BinaryCrossEntropy => {
            "minus the sum over the outputs of y log p + (1 - y) log(1 - p), with p = sigmoid(a)".to_owned()
        }
        Loss::CrossEntropy { label_smoothing, class_weights } => {
            let p = if reads_probabilities { "a" } else { "p" };
            let weight = if class_weights.is_some() { "w " } else { "" };
            let t = if *label_smoothing > 0.0 { "t" } else { "y" };
            let mut formula = format!("minus the sum over the classes of {weight}{t} log {p}");
            if !reads_probabilities {
                formula += ", with p = softmax(a)";
            }
            if *label_smoothing > 0.0 {
                formula += &format!(
                    ", with t = {} y + {label_smoothing} / the number of classes",
                    1.0 - label_smoothing
                );
            }
            if class_weights.is_some() {
                formula += ", with w the weight of each class";
            }
            formula
        }
        Loss::Poisson => "the mean over the outputs of exp(a) - y a".to_owned(),
        Loss::Quantile { quantile } => format!(
            "the mean over the outputs of {quantile} (y - a) where a < y, else {} (a - y)",
            1.0 - quantile
        ),
    }
}
