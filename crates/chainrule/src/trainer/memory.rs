//! What a training run holds: the plan of its steps, and what the trainer keeps beside them.

use super::TrainingOptions;
use crate::error::{Error, Result};
use crate::forward::INFERENCE_BATCH;
use crate::kernel::Scalar;
use crate::loss::Targets;
use crate::network::Network;
use crate::plan::{Ledger, MemoryLimit, MemoryPlan, Purpose, StepShape};
use crate::samples::Samples;

/// The plan of a run's steps, and what is held beside a step. The samples themselves are the caller's.
#[derive(Clone, Debug)]
pub struct TrainingPlan {
    /// Each step.
    pub step: MemoryPlan,
    /// The parameters to keep, what a batch has of its own, and predictions for validation.
    pub beside: Ledger,
}

impl TrainingPlan {
    /// Plans a run with these options on these samples, within a limit if there is one. `measured` is how many samples
    /// are predicted at once to measure the network: those of validation, or of a test after the run.
    ///
    /// # Errors
    /// When nothing fits into the limit, with the smallest that can be kept and what would lower it; when a size overflows.
    #[inline(never)]
    pub fn new<T: Scalar>(
        network: &Network,
        options: &TrainingOptions,
        training: Samples<'_, T>,
        measured: usize,
        threads: usize,
        limit: Option<&MemoryLimit>,
    ) -> Result<Self> {
        let rows = training.inputs.rows();
        let shape = StepShape {
            network,
            rule: &options.optimizer,
            keeps_gradients: options.clipping.is_some(),
            batch_size: options.batch_size.min(rows),
            threads,
        };
        let unlimited = MemoryPlan::unlimited::<T>(&shape)?;
        let beside = beside(&shape, &unlimited, training, measured, options.average.is_some());
        let Some(limit) = limit else { return Ok(TrainingPlan { step: unlimited, beside }) };
        let held = beside.total();
        let left = MemoryLimit { bytes: limit.bytes.saturating_sub(held), ..limit.clone() };
        match MemoryPlan::within::<T>(&shape, &left) {
            Ok(step) => Ok(TrainingPlan { step, beside }),
            Err(Error::Memory { minimum, advice, .. }) => {
                Err(Error::Memory { limit: limit.bytes, minimum: minimum.saturating_add(held), advice })
            }
            Err(other) => Err(other),
        }
    }

    /// Everything that is held at the moment when most is.
    pub fn bytes(&self) -> u64 {
        self.step.bytes() + self.beside.total()
    }

    /// The same, tensor by tensor.
    pub fn ledger(&self) -> Ledger {
        let mut ledger = self.step.ledger().clone();
        ledger.entries.extend(self.beside.entries.iter().cloned());
        ledger
    }
}

fn beside<T: Scalar>(
    shape: &StepShape<'_>,
    plan: &MemoryPlan,
    training: Samples<'_, T>,
    measured: usize,
    averages: bool,
) -> Ledger {
    let mut ledger = Ledger::default();
    let parameters = plan.ledger().of(Purpose::Parameters);
    ledger.add(Purpose::KeptParameters, "the best parameters so far", parameters);
    if averages {
        ledger.add(Purpose::KeptParameters, "the moving average of the parameters", parameters);
    }
    let number = size_of::<T>();
    let target = match training.targets {
        Targets::Values(values) => values.columns() * number,
        Targets::Classes(_) => size_of::<u32>(),
    };
    let weight = if training.sample_weights.is_some() { number } else { 0 };
    let row = size_of::<usize>();
    ledger.add(Purpose::Batch, "the order of the samples", (training.inputs.rows() * row) as u64);
    ledger.add(
        Purpose::Batch,
        "the batch's rows and targets",
        (shape.batch_size * (row + target + weight)) as u64,
    );
    // z and a of the output, and each row's loss; then for classes, on each thread, the scores of one in their order.
    let network = shape.network;
    let output_width = network.output_width();
    // On each thread two layers of a block; or, where a temperature is sought, z, a and delta of the output.
    let buffers =
        shape.threads * INFERENCE_BATCH.min(measured) * (2 * network.widest()).max(3 * output_width);
    let outputs = 2 * measured * output_width;
    let sorted = shape.threads.min(output_width);
    let rows = measured * (size_of::<f64>() + sorted * size_of::<u128>());
    ledger.add(Purpose::Evaluation, "predictions", ((outputs + buffers) * number + rows) as u64);
    ledger
}
