//! A training step and its buffers. It equals the five public functions bit for bit and allocates nothing.

use std::ops::RangeInclusive;

use super::cut::{GradientParts, flops};
use super::fast::fast_program;
use super::gradient_step::{Beside, GradientStep, Learning, update_layer};
use super::pace::{Pace, Turn};
use super::pass::MicroBatch;
use super::program::{Phase, Program};
use crate::error::{Error, Result, require};
use crate::kernel::arena::{Cut, Work};
use crate::kernel::buffer::{Buffer, aligned_length, zeros};
use crate::kernel::gemm::Accumulate;
use crate::kernel::parts::Scratch;
use crate::kernel::{Scalar, Threads};
use crate::loss::{Loss, WeightedSum};
use crate::mode::Mode;
use crate::network::Network;
use crate::optimizer::{Clipping, Optimizer, clip_on};
use crate::parameters::{Gradients, Parameters};
use crate::samples::Samples;

/// Everything that training steps on batches of up to a certain size need.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(3).dense(4, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// let mut parameters = network.initialize::<f32>(1);
/// let mut optimizer = Optimizer::new(Rule::from_name("adam")?, &parameters)?;
/// let inputs = Matrix::from_rows(&[[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]]);
/// let batch = Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[0, 1]), sample_weights: None };
/// let threads = Threads::available();
/// let mut step = TrainingStep::new(&network, &Loss::cross_entropy(), None, 2)?;
///
/// // All in one: forward, output error, backward, gradients, update.
/// let before = step.run(&threads, &mut parameters, &mut optimizer, batch, None)?.mean();
///
/// // Or up to the gradients, which one may look at, add to those of others, or clip, before the update.
/// let computed = step.gradients(&threads, &parameters, batch, Mode::Inference)?;
/// assert!(computed.loss.mean() < before);
/// optimizer.update(&threads, &mut parameters, computed.gradients)?;
/// # Ok::<(), chainrule::Error>(())
/// ```
pub struct TrainingStep<T> {
    network: Network,
    /// The network with its own rates of dropout, where they were changed.
    original: Option<Network>,
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
    /// How many threads memory was planned for, if it was planned.
    most_threads: Option<usize>,
    alone: Threads,
    /// Whether a step is faster on one thread.
    pace: Pace,
}

/// The threads of a step: those that were given, or the calling one.
#[derive(Clone, Copy)]
struct Chosen<'a> {
    all: &'a Threads,
    alone: bool,
}

impl<'a> Chosen<'a> {
    /// The threads, where `alone` is the calling one.
    fn or(self, alone: &'a Threads) -> &'a Threads {
        if self.alone { alone } else { self.all }
    }
}

/// What a plan reserves for a step.
pub(crate) struct Reserve {
    pub(crate) maximum_batch: usize,
    pub(crate) program: Program,
    /// Numbers in the arena.
    pub(crate) arena: usize,
    pub(crate) keeps_gradients: bool,
    pub(crate) threads: usize,
}

/// What a step that stops at the gradients gives.
#[derive(Debug)]
pub struct StepGradients<'a, T> {
    /// The batch's loss.
    pub loss: WeightedSum,
    /// dW(l) and db(l) of all layers, clipped if the step clips; in the step's own buffer until its next call.
    pub gradients: &'a mut Gradients<T>,
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
        let program = fast_program::<T>(network, maximum_batch, 1);
        let arena = program.length;
        TrainingStep::of_program(network, loss, clipping, maximum_batch, program, arena)
    }

    /// Reserves these buffers and no others, whatever is called later.
    ///
    /// # Errors
    /// When the loss does not fit the network, or there is to be clipping and gradients are not kept.
    pub(crate) fn reserved(
        network: &Network,
        loss: &Loss,
        clipping: Option<Clipping>,
        reserve: Reserve,
    ) -> Result<Self> {
        let Reserve { maximum_batch, program, arena, keeps_gradients, threads } = reserve;
        if clipping.is_some() && !keeps_gradients {
            let expected = "one that keeps the gradients, for clipping";
            return Err(Error::shape("memory plan", expected, "one that does not"));
        }
        let mut step = TrainingStep::of_program(network, loss, clipping, maximum_batch, program, arena)?;
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
            original: None,
            loss: loss.clone(),
            clipping,
            maximum_batch,
            arena: zeros(arena),
            losses: zeros(aligned_length::<f64>(maximum_batch)),
            gradients: clipping.is_some().then(|| network.zeros()),
            scratch: Scratch::new(program.scratch),
            most_threads: None,
            alone: Threads::single(),
            pace: Pace::default(),
            parts: GradientParts::new::<T>(network, program.rows),
            program,
        })
    }

    /// The same step, which keeps the gradients and updates when all are there, as a step with clipping does. It
    /// takes as many bytes more as the parameters have, and some time.
    pub fn keeping_gradients(mut self) -> Self {
        self.gradients.get_or_insert_with(|| self.network.zeros());
        self
    }

    /// Sets the rate of each layer of dropout to `factor` times its own, in 0..=1, for the steps to come.
    ///
    /// # Errors
    /// For another factor.
    pub fn set_dropout_factor(&mut self, factor: f64) -> Result<()> {
        require((0.0..=1.0).contains(&factor), "dropout factor", factor, "must be at least 0 and at most 1")?;
        let original = self.original.get_or_insert_with(|| self.network.clone());
        self.network.set_dropout(original, factor);
        Ok(())
    }

    /// Sets the label smoothing of cross-entropy, in 0..1, for the steps to come. Other losses have none and stay as they are.
    ///
    /// # Errors
    /// For another number.
    pub fn set_label_smoothing(&mut self, smoothing: f64) -> Result<()> {
        if let Loss::CrossEntropy { label_smoothing, .. } = &mut self.loss {
            *label_smoothing = smoothing;
        }
        self.loss.check(self.network.output_width())
    }

    /// The bytes of the buffers: states, deltas and gradients.
    pub fn bytes(&self) -> usize {
        let gradients = self.gradients.as_ref().map_or(0, Gradients::bytes);
        size_of_val(&self.arena[..]) + size_of_val(&self.losses[..]) + gradients + self.scratch.bytes()
    }

    /// The gradients of the last step, after clipping. None unless they are kept: the update takes each part of them
    /// as it comes.
    pub fn kept_gradients(&self) -> Option<&Gradients<T>> {
        self.gradients.as_ref()
    }

    /// Forward, output error, backward, gradients, update. Gives the batch's loss before the update.
    ///
    /// Dropout masks are drawn from `seed` and the number of steps that the optimizer has taken; without a seed nothing is
    /// dropped.
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
        seed: Option<u64>,
    ) -> Result<WeightedSum> {
        optimizer.check_shapes(parameters)?;
        let step = optimizer.steps();
        let mode = seed.map_or(Mode::Inference, |seed| Mode::Training { seed, step });
        if optimizer.rule().takes_whole_tensors() {
            self.keep_gradients()?;
        }
        let turn = self.pace.begin(flops(&self.network, batch.inputs.rows()), threads);
        let threads = Chosen { all: threads, alone: turn.alone };
        let loss = if self.gradients.is_some() {
            let loss = self.compute(threads, parameters, batch, mode, step, &mut |_, _| {})?;
            let gradients = self.gradients.as_mut().expect("they are kept");
            optimizer.apply(threads.or(&self.alone), parameters, gradients);
            loss
        } else {
            let total_weight = self.check(threads.all, parameters, batch)?;
            let learning = Learning::Apply { parameters, optimizer };
            let loss = self.all_passes(threads, learning, batch, total_weight, mode, step, &mut |_, _| {})?;
            optimizer.count_step();
            loss
        };
        self.pace.end(turn);
        Ok(loss)
    }

    /// Forward, output error, backward, gradients: a step that stops before the update, and changes nothing but its own
    /// buffers. With [`Optimizer::update`] behind it, it equals [`TrainingStep::run`] bit for bit.
    ///
    /// The first call reserves a buffer for the gradients, unless they are kept already.
    ///
    /// ```
    /// use chainrule::*;
    /// let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
    /// let (mut parameters, threads) = (network.initialize::<f32>(1), Threads::new(2));
    /// let mut optimizer = Optimizer::new(Rule::from_name("adam")?, &parameters)?;
    /// let inputs = Matrix::from_rows(&[[0.5f32, -1.0], [0.0, 2.0]]);
    /// let samples = Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[0, 1]), sample_weights: None };
    /// let mut step = TrainingStep::new(&network, &Loss::cross_entropy(), None, 2)?;
    /// let computed = step.gradients(&threads, &parameters, samples, Mode::Inference)?;
    /// // Here others' gradients could be added.
    /// optimizer.update(&threads, &mut parameters, computed.gradients)?;
    /// # Ok::<(), chainrule::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the batch does not fit; when the loss or a gradient is not finite; when memory was planned without a place
    /// for the gradients.
    #[inline(never)]
    pub fn gradients(
        &mut self,
        threads: &Threads,
        parameters: &Parameters<T>,
        batch: Samples<'_, T>,
        mode: Mode,
    ) -> Result<StepGradients<'_, T>> {
        let turn = self.pace.begin(flops(&self.network, batch.inputs.rows()), threads);
        let loss = self.kept_gradients_of(turn, threads, parameters, batch, mode, &mut |_, _| {})?;
        self.pace.end(turn);
        Ok(self.computed(loss))
    }

    /// The same, and tells the observer of each layer with parameters as soon as its gradient is final, from the last layer to the first:
    /// its number, and the gradients, of which those of this layer and of all behind it are final, but for clipping, which
    /// needs them all. In small networks all are ready at once.
    ///
    /// # Errors
    /// As for [`TrainingStep::gradients`].
    #[inline(never)]
    pub fn gradients_observed(
        &mut self,
        threads: &Threads,
        parameters: &Parameters<T>,
        batch: Samples<'_, T>,
        mode: Mode,
        observer: &mut dyn FnMut(usize, &Gradients<T>),
    ) -> Result<StepGradients<'_, T>> {
        // What the observer does takes time, too.
        let turn = self.pace.as_found(flops(&self.network, batch.inputs.rows()), threads);
        let loss = self.kept_gradients_of(turn, threads, parameters, batch, mode, observer)?;
        Ok(self.computed(loss))
    }

    /// The same, and gives the loss.
    fn kept_gradients_of(
        &mut self,
        turn: Turn,
        threads: &Threads,
        parameters: &Parameters<T>,
        batch: Samples<'_, T>,
        mode: Mode,
        observer: &mut dyn FnMut(usize, &Gradients<T>),
    ) -> Result<WeightedSum> {
        self.keep_gradients()?;
        let step = match mode {
            Mode::Training { step, .. } => step,
            Mode::Inference => 0,
        };
        let threads = Chosen { all: threads, alone: turn.alone };
        self.compute(threads, parameters, batch, mode, step, observer)
    }

    /// What a step that stops at the gradients gives.
    fn computed(&mut self, loss: WeightedSum) -> StepGradients<'_, T> {
        StepGradients { loss, gradients: self.gradients.as_mut().expect("they are kept") }
    }

    /// Makes sure that there is a buffer for the gradients.
    fn keep_gradients(&mut self) -> Result<()> {
        if self.gradients.is_none() {
            if self.most_threads.is_some() {
                let expected = "one that keeps the gradients";
                return Err(Error::shape("memory plan", expected, "one that does not"));
            }
            self.gradients = Some(self.network.zeros());
        }
        Ok(())
    }

    /// Steps 1 to 4, with clipping, into the kept gradients.
    fn compute(
        &mut self,
        threads: Chosen<'_>,
        parameters: &Parameters<T>,
        batch: Samples<'_, T>,
        mode: Mode,
        step: u64,
        observer: &mut dyn FnMut(usize, &Gradients<T>),
    ) -> Result<WeightedSum> {
        let total_weight = self.check(threads.all, parameters, batch)?;
        let mut gradients = self.gradients.take().unwrap_or_else(|| self.network.zeros());
        let learning = Learning::Keep { parameters, gradients: &mut gradients };
        let loss = self.all_passes(threads, learning, batch, total_weight, mode, step, observer);
        if let (Ok(_), Some(clipping)) = (&loss, self.clipping) {
            clip_on(threads.or(&self.alone), &mut gradients, clipping);
        }
        self.gradients = Some(gradients);
        loss
    }

    /// Checks the arguments of a step; gives the sum of the samples' weights.
    fn check(&self, threads: &Threads, parameters: &Parameters<T>, batch: Samples<'_, T>) -> Result<f64> {
        let (rows, maximum) = (batch.inputs.rows(), self.maximum_batch);
        self.network.check_parameters(parameters)?;
        self.network.check_inputs(batch.inputs.columns())?;
        if rows > maximum {
            return Err(Error::shape("batch", format!("at most {maximum} samples"), rows));
        }
        self.loss.check_targets(rows, self.network.output_width(), batch.targets, batch.sample_weights)?;
        if let Some(most) = self.most_threads.filter(|most| threads.count() > *most) {
            return Err(Error::shape(
                "threads",
                format!("at most {most}, for which memory was planned"),
                threads.count(),
            ));
        }
        self.loss.total_weight(batch.targets, batch.sample_weights)
    }

    /// The program, once for each micro-batch.
    fn all_passes(
        &mut self,
        threads: Chosen<'_>,
        mut learning: Learning<'_, T>,
        batch: Samples<'_, T>,
        total_weight: f64,
        mode: Mode,
        step: u64,
        observer: &mut dyn FnMut(usize, &Gradients<T>),
    ) -> Result<WeightedSum> {
        let rows = batch.inputs.rows();
        for first in (0..rows).step_by(self.program.rows) {
            let count = self.program.rows.min(rows - first);
            let part =
                MicroBatch { batch, first, rows: count, is_last: first + count == rows, total_weight, mode };
            self.passes(threads, &mut learning, part, observer).map_err(|(quantity, layer)| {
                Error::NonFinite { quantity, layer, step: step + 1, epoch: None }
            })?;
        }
        Ok(WeightedSum { loss: self.losses[..rows].iter().sum(), weight: total_weight })
    }

    /// The phases of the program for some samples: steps 1 to 4, and 5 unless the gradients are kept.
    ///
    /// # Errors
    /// When the loss or a gradient is not finite: the first value that is not, and its layer.
    fn passes(
        &mut self,
        threads: Chosen<'_>,
        learning: &mut Learning<'_, T>,
        part: MicroBatch<'_, T>,
        observer: &mut dyn FnMut(usize, &Gradients<T>),
    ) -> Result<(), (&'static str, usize)> {
        let TrainingStep { network, loss, program, parts, arena, losses, scratch, alone, .. } = self;
        let MicroBatch { first, rows, .. } = part;
        // One thread that works alone has the memory of all.
        let most_rows = if threads.alone { Cut::most_rows(rows, 1) } else { program.most_rows };
        let threads = threads.or(alone);
        let cut = Cut::new(rows, threads.count(), most_rows);
        let losses = &mut losses[first..first + rows];
        let accumulate = if first == 0 { Accumulate::Replace } else { Accumulate::Add };
        let fixed = (&*network, &*loss, program.most_rows);
        for phase in &program.phases {
            match phase {
                Phase::Rows { places, operations } => {
                    let pass = part.pass(network, loss, learning.parameters().view());
                    let work = Work { threads, cut, arena, scratch, row_numbers: losses };
                    places.for_each_block(work, |block, scratch, losses| {
                        pass.run_all(operations, block, scratch, losses);
                    });
                    if phase.has_loss(network) && !losses.iter().sum::<f64>().is_finite() {
                        let all = learning.parameters();
                        let found = pass.first_not_finite(rows, program.most_rows, all, scratch.own());
                        return Err(found.unwrap_or(("loss", network.depth())));
                    }
                }
                Phase::Gradients { layers, operands, destination } => {
                    let step = GradientStep { network, parts, cut, layers: layers.clone(), operands };
                    let bad = step.run(threads, arena, *destination, accumulate, learning, scratch);
                    gradients_are_there(fixed, part, layers.clone(), bad, learning, scratch, observer)?;
                }
                Phase::RowsAndGradients { places, operations, layer, operands } => {
                    let layers = *layer..=*layer;
                    let operands = std::slice::from_ref(operands);
                    let step = GradientStep { network, parts, cut, layers: layers.clone(), operands };
                    let beside = Beside { places, operations, part, loss, losses };
                    let bad = step.run_beside(threads, arena, accumulate, learning, scratch, beside);
                    gradients_are_there(fixed, part, layers, bad, learning, scratch, observer)?;
                }
                Phase::Update { layer, gradient } => {
                    // Gradients that are kept are applied when all are there.
                    if let Learning::Apply { parameters, optimizer } = learning {
                        let gradients = &arena[*gradient..][..network.parameter_range(*layer).len()];
                        update_layer(threads, parts, *layer, gradients, parameters, optimizer);
                    }
                }
                Phase::Move { from, to } => arena.copy_within(from.clone(), *to),
            }
        }
        Ok(())
    }
}

/// Fails unless all sizes of a step can be computed with.
pub(crate) fn check_size(network: &Network, batch_size: usize) -> Result<()> {
    if batch_size == 0 {
        return Err(Error::Empty { what: "samples in a batch" });
    }
    let widths: u128 = (0..=network.depth()).map(|l| network.width(l) as u128).sum();
    if widths * batch_size as u128 > isize::MAX as u128 / 64 {
        let reason = format!("a batch of {batch_size} samples is too large for this network");
        return Err(Error::TooLarge(reason));
    }
    // With gradients and up to three numbers of an optimizer for each.
    if network.parameter_count() as u128 > isize::MAX as u128 / 64 {
        let reason = format!("{} parameters are too many to be trained", network.parameter_count());
        return Err(Error::TooLarge(reason));
    }
    Ok(())
}

/// What follows the gradients of some layers: where one is `bad`, what went wrong first; else the observer is told of them, if
/// they are final.
fn gradients_are_there<T: Scalar>(
    (network, loss, most_rows): (&Network, &Loss, usize),
    part: MicroBatch<'_, T>,
    layers: RangeInclusive<usize>,
    bad: Option<(&'static str, usize)>,
    learning: &Learning<'_, T>,
    scratch: &mut Scratch<T>,
    observer: &mut dyn FnMut(usize, &Gradients<T>),
) -> Result<(), (&'static str, usize)> {
    let Learning::Keep { parameters, gradients } = learning else { return bad.map_or(Ok(()), Err) };
    if let Some(found) = bad {
        // Nothing was applied, so the forward pass can be looked at again.
        let pass = part.pass(network, loss, parameters.view());
        let before = pass.first_not_finite(part.rows, most_rows, parameters, scratch.own());
        return Err(before.unwrap_or(found));
    }
    if part.is_last {
        let layers = layers.rev().filter(|&l| !network.layer_tensors(l).is_empty());
        layers.for_each(|l| observer(l, gradients));
    }
    Ok(())
}
