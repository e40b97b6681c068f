//! The loss, sample by sample.

use chainrule::trace::{Quantity, ValueId};
use chainrule::{Mode, Targets, forward, output_error};
use serde::Serialize;

use super::reader::Reader;
use super::reader::counted_target;

use super::{Factor, Written, written};
use crate::words::readable;
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
    /// The targets as the loss counts them, with how they come about; none where they are as given.
    pub counted: Option<Vec<Factor>>,
    /// The loss with its numbers, where it is short enough to be read.
    pub written: Option<Written>,
}

/// The loss, sample by sample.
///
/// # Errors
/// Never for a step that has been traced.
pub fn loss(step: &Step) -> Result<LossReport, Refusal> {
    let reader = Reader::new(step);
    let (output, width) = (Quantity::Activation.of(reader.depth()), step.network.output_width());
    let of = |name: ValueId, sample| (0..width).map(|k| reader.factor(name, sample, k)).collect();
    let counted = |sample| {
        let targets: Vec<Factor> = (0..width).map(|k| counted_target(&reader, sample, k)).collect();
        let given = targets.iter().zip(reader.target(sample)).all(|(counted, y)| counted.value.0 == *y);
        (!given).then_some(targets)
    };
    let samples = sample_losses(&reader)?.into_iter().enumerate().map(|(sample, loss)| SampleLoss {
        sample,
        loss: loss.into(),
        outputs: of(output, sample),
        targets: of(ValueId::TARGET, sample),
        counted: counted(sample),
        written: written::sample_loss(&reader, sample),
    });
    Ok(LossReport {
        loss: step.trace.loss().into(),
        loss_name: readable(step.loss.name()),
        formula: step.loss.formula(step.network.output_activation()),
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
