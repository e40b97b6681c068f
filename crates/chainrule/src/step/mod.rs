//! The fused training step: the five steps in buffers made beforehand, on all threads.
//!
//! It equals the five public functions bit for bit and allocates nothing.

mod gradient_step;
mod non_finite;
mod pass;
mod plan;

use crate::error::{Error, Result};
use crate::forward::Mode;
use crate::inputs::Inputs;
use crate::kernel::buffer::{Buffer, zeros};
use crate::kernel::elementwise::Scratch;
use crate::kernel::{Scalar, Threads};
use crate::loss::{Loss, Targets, WeightedSum};
use crate::network::Network;
use crate::optimizer::{Clipping, Optimizer, clip_on};
use crate::parameters::{Gradients, Parameters};
use gradient_step::GradientStep;
use non_finite::first_not_finite;
use pass::Pass;
use plan::{Cut, Plan};

/// Inputs and targets: a batch, or a whole data set.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a, T> {
    /// a(0), shape [B, n_0].
    pub inputs: Inputs<'a, T>,
    /// B rows or classes.
    pub targets: Targets<'a, T>,
    /// One weight for each sample, or none.
    pub sample_weights: Option<&'a [T]>,
}

/// Everything that training steps on batches of up to a certain size need.
pub struct TrainingStep<T> {
    network: Network,
    loss: Loss,
    clipping: Option<Clipping>,
    plan: Plan,
    /// The blocks of rows, one behind the other; see [`Plan`].
    blocks: Buffer<T>,
    /// s_i l_i for each sample.
    losses: Vec<f64>,
    /// None where the update takes each part of them as it comes.
    gradients: Option<Gradients<T>>,
    /// For those parts.
    scratch: Scratch<T>,
    alone: Threads,
}

impl<T: Scalar> TrainingStep<T> {
    /// Reserves the buffers for batches of up to `maximum_batch` samples.
    ///
    /// # Errors
    /// When the loss does not fit the network, or a size overflows.
    pub fn new(
        network: &Network,
        loss: &Loss,
        clipping: Option<Clipping>,
        maximum_batch: usize,
    ) -> Result<Self> {
        loss.check(network.output_width())?;
        if let Some(clipping) = &clipping {
            clipping.check()?;
        }
        let total: u128 = (0..=network.depth()).map(|l| network.width(l) as u128).sum();
        if total * maximum_batch as u128 > isize::MAX as u128 / 64 {
            let reason = format!("a batch of {maximum_batch} samples is too large for this network");
            return Err(Error::Data(reason));
        }
        let plan = Plan::new::<T>(network, maximum_batch);
        let keeps_gradients = clipping.is_some();
        Ok(TrainingStep {
            network: network.clone(),
            loss: loss.clone(),
            clipping,
            blocks: zeros(maximum_batch * plan.row),
            losses: vec![0.0; maximum_batch],
            gradients: keeps_gradients.then(|| network.zeros()),
            scratch: Scratch::new(if keeps_gradients { 0 } else { plan.parts.longest() }),
            alone: Threads::single(),
            plan,
        })
    }

    /// The same step, which keeps the gradients and updates when all are there, as a step with clipping does. It
    /// takes as many bytes more as the parameters have, and some time.
    pub fn keeping_gradients(mut self) -> Self {
        self.gradients.get_or_insert_with(|| self.network.zeros());
        self.scratch = Scratch::new(0);
        self
    }

    /// The bytes of the buffers: states, deltas and gradients.
    pub fn bytes(&self) -> usize {
        let states = size_of_val(&self.blocks[..]) + size_of_val(&self.losses[..]);
        let gradients = self.gradients.as_ref().map_or(0, Gradients::bytes);
        states + gradients + self.scratch.bytes()
    }

    /// The gradients of the last step, after clipping. None unless there is clipping, or they are kept: the
    /// update takes each part of them as it comes.
    pub fn gradients(&self) -> Option<&Gradients<T>> {
        self.gradients.as_ref()
    }

    /// Forward, output error, backward, gradients, update. Gives the batch's loss before the update.
    ///
    /// # Errors
    /// When the batch does not fit, and when the loss or a gradient is not finite: then nothing is changed.
    /// There is one exception: where the gradients are not kept, the loss is finite and a gradient is not, others may
    /// have been applied. No parameter becomes infinite or NaN by it, and the step does not count.
    pub fn run(
        &mut self,
        threads: &Threads,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
        batch: Samples<'_, T>,
        mode: Mode,
    ) -> Result<WeightedSum> {
        self.check(parameters, optimizer, batch)?;
        let total_weight = self.loss.total_weight(batch.targets, batch.sample_weights)?;
        let work = self.network.step_flops().saturating_mul(batch.inputs.rows() as u64);
        let threads = (work >= SERIAL_FLOPS).then_some(threads);
        let finite = self.passes(threads, parameters, optimizer, batch, mode, total_weight)?;
        let losses = &self.losses[..batch.inputs.rows()];
        let sum = WeightedSum { loss: losses.iter().sum(), weight: total_weight };
        if !finite {
            return Err(first_not_finite(
                (&self.network, parameters, &self.loss),
                batch,
                mode,
                optimizer.steps() + 1,
            ));
        }
        let threads = threads.unwrap_or(&self.alone);
        match &mut self.gradients {
            None => optimizer.count_step(),
            Some(gradients) => {
                if let Some(clipping) = self.clipping {
                    clip_on(threads, gradients, clipping);
                }
                optimizer.update(threads, parameters, gradients);
            }
        }
        Ok(sum)
    }

    fn check(
        &self,
        parameters: &Parameters<T>,
        optimizer: &Optimizer<T>,
        batch: Samples<'_, T>,
    ) -> Result<()> {
        let (rows, maximum) = (batch.inputs.rows(), self.plan.maximum_batch);
        optimizer.check_shapes(parameters)?;
        self.network.check_parameters(parameters)?;
        self.network.check_inputs(batch.inputs.columns())?;
        if rows > maximum {
            return Err(Error::shape("batch", format!("at most {maximum} samples"), rows));
        }
        self.loss.check_targets(rows, self.network.output_width(), batch.targets, batch.sample_weights)
    }

    /// Steps 1 to 4, and 5 unless the gradients are kept: whether the loss and all gradients are finite.
    ///
    /// # Errors
    /// When a gradient is not finite and others were applied.
    fn passes(
        &mut self,
        threads: Option<&Threads>,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
        batch: Samples<'_, T>,
        mode: Mode,
        total_weight: f64,
    ) -> Result<bool> {
        let TrainingStep { network, loss, plan, blocks, losses, gradients, alone, scratch, .. } = self;
        let (threads, depth, first) = (threads.unwrap_or(alone), network.depth(), plan.first);
        let cut = Cut::new(batch.inputs.rows(), threads.count());
        let pass = Pass { network, loss, plan, parameters, mode, total_weight };
        cut.for_each(threads, plan, blocks, losses, |block, losses| {
            pass.forward(block, batch, losses);
            if plan.deltas_together {
                pass.backward(block, 1..=depth);
            }
        });
        let losses = &mut losses[..cut.batch];
        if !losses.iter().sum::<f64>().is_finite() {
            return Ok(false);
        }
        if plan.deltas_together {
            let step = GradientStep { network, plan, blocks, cut };
            return step.run(threads, 1..=depth, gradients.as_mut(), scratch, parameters, optimizer);
        }
        // A layer's gradients follow its delta, and its update comes after its weight has carried the error back.
        for l in (first..=depth).rev() {
            if l > first {
                let pass = Pass { network, loss, plan, parameters, mode, total_weight };
                cut.for_each(threads, plan, blocks, losses, |block, _| pass.backward(block, l..=l));
            }
            let step = GradientStep { network, plan, blocks, cut };
            if !step.run(threads, l..=l, gradients.as_mut(), scratch, parameters, optimizer)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Steps on less work than this are faster on one thread.
const SERIAL_FLOPS: u64 = 400_000;
