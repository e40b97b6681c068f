//! The fused training step: the five steps in buffers made beforehand, on all threads.
//!
//! It equals the five public functions bit for bit and allocates nothing.

mod compiler;
mod gradient_step;
mod layout;
mod pass;
pub(crate) mod program;

use crate::error::{Error, Result};
use crate::forward::Mode;
use crate::inputs::Inputs;
use crate::kernel::arena::Cut;
use crate::kernel::buffer::{Buffer, aligned_length, zeros};
use crate::kernel::gemm::Accumulate;
use crate::kernel::parts::Scratch;
use crate::kernel::{Scalar, Threads};
use crate::loss::{Loss, Targets, WeightedSum};
use crate::memory::{MemoryPlan, StepModel, check_number, check_size};
use crate::network::Network;
use crate::optimizer::{Clipping, Optimizer, clip_on};
use crate::parameters::{Gradients, Parameters};
use gradient_step::{GradientStep, Learner, update_layer};
use pass::Pass;
use program::{GradientParts, Phase, Program, is_small};

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
    maximum_batch: usize,
    program: Program,
    parts: GradientParts,
    /// States, deltas and what else the program places.
    arena: Buffer<T>,
    /// s_i l_i for each sample.
    losses: Buffer<f64>,
    /// None where the update takes each part of them as it comes.
    gradients: Option<Gradients<T>>,
    /// The threads' own memory.
    scratch: Scratch<T>,
    /// How many threads the plan has reckoned with, if there is a plan.
    most_threads: Option<usize>,
    alone: Threads,
}

impl<T: Scalar> TrainingStep<T> {
    /// Reserves the buffers for batches of up to `maximum_batch` samples.
    ///
    /// # Errors
    /// When the loss does not fit the network, or a size overflows.
    #[inline(never)]
    pub fn new(
        network: &Network,
        loss: &Loss,
        clipping: Option<Clipping>,
        maximum_batch: usize,
    ) -> Result<Self> {
        check_size(network, maximum_batch)?;
        let program = Program::fast::<T>(network, maximum_batch, 1);
        let arena = program.length;
        TrainingStep::of_program(network, loss, clipping, maximum_batch, program, arena)
    }

    /// Reserves the buffers that the plan names, and no others: a step then holds what the plan's ledger says, the
    /// parameters and the optimizer's state included, which are the caller's.
    ///
    /// # Errors
    /// When the loss does not fit the network, or the plan is for another number type, or has not reckoned with clipping.
    #[inline(never)]
    pub fn planned(plan: MemoryPlan, loss: &Loss, clipping: Option<Clipping>) -> Result<Self> {
        check_number::<T>(plan.model.number_bytes)?;
        let arena = plan.arena_bytes() / size_of::<T>();
        let MemoryPlan {
            model: StepModel { network, batch_size, threads, keeps_gradients, .. },
            program,
            ..
        } = plan;
        if clipping.is_some() && !keeps_gradients {
            let expected = "one that keeps the gradients, for clipping";
            return Err(Error::shape("memory plan", expected, "one that does not"));
        }
        let mut step = TrainingStep::of_program(&network, loss, clipping, batch_size, program, arena)?;
        if keeps_gradients {
            step = step.keeping_gradients();
        }
        step.scratch.reserve(threads);
        step.most_threads = Some(threads);
        Ok(step)
    }

    fn of_program(
        network: &Network,
        loss: &Loss,
        clipping: Option<Clipping>,
        maximum_batch: usize,
        program: Program,
        arena: usize,
    ) -> Result<Self> {
        loss.check(network.output_width())?;
        if let Some(clipping) = &clipping {
            clipping.check()?;
        }
        Ok(TrainingStep {
            network: network.clone(),
            loss: loss.clone(),
            clipping,
            maximum_batch,
            arena: zeros(arena),
            losses: zeros(aligned_length::<f64>(maximum_batch)),
            gradients: clipping.is_some().then(|| network.zeros()),
            scratch: Scratch::new(program.scratch),
            most_threads: None,
            alone: Threads::single(),
            parts: GradientParts::new(network, program.rows),
            program,
        })
    }

    /// The same step, which keeps the gradients and updates when all are there, as a step with clipping does. It
    /// takes as many bytes more as the parameters have, and some time.
    pub fn keeping_gradients(mut self) -> Self {
        self.gradients.get_or_insert_with(|| self.network.zeros());
        self
    }

    /// The bytes of the buffers: states, deltas and gradients.
    pub fn bytes(&self) -> usize {
        let gradients = self.gradients.as_ref().map_or(0, Gradients::bytes);
        size_of_val(&self.arena[..]) + size_of_val(&self.losses[..]) + gradients + self.scratch.bytes()
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
    #[inline(never)]
    pub fn run(
        &mut self,
        threads: &Threads,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
        batch: Samples<'_, T>,
        mode: Mode,
    ) -> Result<WeightedSum> {
        self.check(parameters, optimizer, batch)?;
        if let Some(most) = self.most_threads.filter(|most| threads.count() > *most) {
            return Err(Error::shape(
                "threads",
                format!("at most {most}, for which memory was planned"),
                threads.count(),
            ));
        }
        let total_weight = self.loss.total_weight(batch.targets, batch.sample_weights)?;
        let rows = batch.inputs.rows();
        let threads = (!is_small(&self.network, rows)).then_some(threads);
        for first in (0..rows).step_by(self.program.rows) {
            let part = MicroBatch { batch, first, rows: self.program.rows.min(rows - first), total_weight };
            self.passes(threads, parameters, optimizer, part, mode)?;
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
        Ok(WeightedSum { loss: self.losses[..rows].iter().sum(), weight: total_weight })
    }

    fn check(
        &self,
        parameters: &Parameters<T>,
        optimizer: &Optimizer<T>,
        batch: Samples<'_, T>,
    ) -> Result<()> {
        let (rows, maximum) = (batch.inputs.rows(), self.maximum_batch);
        optimizer.check_shapes(parameters)?;
        self.network.check_parameters(parameters)?;
        self.network.check_inputs(batch.inputs.columns())?;
        if rows > maximum {
            return Err(Error::shape("batch", format!("at most {maximum} samples"), rows));
        }
        self.loss.check_targets(rows, self.network.output_width(), batch.targets, batch.sample_weights)
    }

    /// The phases of the program for some samples: steps 1 to 4, and 5 unless the gradients are kept.
    ///
    /// # Errors
    /// When the loss or a gradient is not finite.
    fn passes(
        &mut self,
        threads: Option<&Threads>,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
        part: MicroBatch<'_, T>,
        mode: Mode,
    ) -> Result<()> {
        let TrainingStep { network, loss, program, parts, arena, losses, gradients, scratch, alone, .. } =
            self;
        let (threads, MicroBatch { first, rows, .. }) = (threads.unwrap_or(alone), part);
        let cut = Cut::new(rows, threads.count(), program.most_rows);
        let losses = &mut losses[first..first + rows];
        let accumulate = if first == 0 { Accumulate::Replace } else { Accumulate::Add };
        let mut learner = Learner { parameters, optimizer, kept: gradients.as_mut(), scratch };
        for phase in &program.phases {
            match phase {
                Phase::Rows { places, operations } => {
                    let pass = part.pass(network, loss, learner.parameters, mode);
                    let scratch = &mut *learner.scratch;
                    places.for_each_block(threads, cut, arena, scratch, losses, |block, scratch, losses| {
                        operations.iter().for_each(|operation| pass.run(operation, block, scratch, losses));
                    });
                    if phase.has_loss(network) && !losses.iter().sum::<f64>().is_finite() {
                        let (quantity, layer) = pass
                            .first_not_finite(rows, program.most_rows, learner.scratch.own())
                            .unwrap_or(("loss", network.depth()));
                        return Err(not_finite(quantity, layer, learner.optimizer));
                    }
                }
                Phase::Gradients { layers, operands, target } => {
                    let step = GradientStep { network, parts, cut, layers: layers.clone(), operands };
                    let Some((quantity, layer)) = step.run(threads, arena, *target, accumulate, &mut learner)
                    else {
                        continue;
                    };
                    // Where nothing was applied, the forward pass can be looked at again.
                    let pass = part.pass(network, loss, learner.parameters, mode);
                    let nothing_applied = learner.kept.is_some();
                    let scratch = learner.scratch.own();
                    let look = || pass.first_not_finite(rows, program.most_rows, scratch);
                    let before = nothing_applied.then(look).flatten();
                    let (quantity, layer) = before.unwrap_or((quantity, layer));
                    return Err(not_finite(quantity, layer, learner.optimizer));
                }
                // Gradients that are kept are applied when all are there.
                Phase::Update { .. } if learner.kept.is_some() => {}
                Phase::Update { layer, gradient } => {
                    let gradients = &arena[*gradient..][..network.parameter_range(*layer).len()];
                    update_layer(threads, parts, *layer, gradients, &mut learner);
                }
                Phase::Move { from, to } => arena.copy_within(from.clone(), *to),
            }
        }
        Ok(())
    }
}

fn not_finite<T: Scalar>(quantity: &'static str, layer: usize, optimizer: &Optimizer<T>) -> Error {
    Error::NonFinite { quantity, layer, step: optimizer.steps() + 1, epoch: None }
}

/// Samples that go through the program together.
#[derive(Clone, Copy)]
struct MicroBatch<'a, T> {
    batch: Samples<'a, T>,
    /// The first of them.
    first: usize,
    rows: usize,
    /// The whole batch's.
    total_weight: f64,
}

impl<'a, T: Scalar> MicroBatch<'a, T> {
    fn pass(
        self,
        network: &'a Network,
        loss: &'a Loss,
        parameters: &'a Parameters<T>,
        mode: Mode,
    ) -> Pass<'a, T> {
        let MicroBatch { batch, first, total_weight, .. } = self;
        Pass { network, loss, parameters, mode, batch, total_weight, first_sample: first }
    }
}
