//! The fused training step: the five steps in buffers made beforehand, on all threads.
//!
//! It equals the five public functions bit for bit and allocates nothing.

use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::backward::{backward, gradients, output_error};
use crate::error::{Error, Result};
use crate::forward::{Mode, activate_output, forward};
use crate::inputs::Inputs;
use crate::kernel::buffer::{Buffer, zeros};
use crate::kernel::elementwise::{Parts, Scratch, all_finite, for_each_chunk};
use crate::kernel::panels::{Blocks, Panels, from_rows, panel_width};
use crate::kernel::transpose::transpose;
use crate::kernel::{Scalar, Threads};
use crate::layer::{Context, LayerWeights, Stored, keeps_pre_activation};
use crate::loss::{Loss, Output, Targets, WeightedSum};
use crate::matrix::MatrixView;
use crate::network::Network;
use crate::optimizer::{Clipping, Optimizer, clip_on};
use crate::parameters::{Gradients, Parameters};

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
        let finite = match self.plan.passes {
            Passes::Whole => self.whole_passes(threads, parameters, optimizer, batch, mode, total_weight)?,
            Passes::ByLayer => {
                self.passes_by_layer(threads, parameters, optimizer, batch, mode, total_weight)?
            }
        };
        let losses = &self.losses[..batch.inputs.rows()];
        let sum = WeightedSum { loss: losses.iter().sum(), weight: total_weight };
        if !finite {
            return Err(self.first_not_finite(parameters, batch, mode, optimizer.steps() + 1));
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

    /// Steps 1 to 4, and 5 unless the gradients are kept, where each block of rows goes through all layers and
    /// back without waiting for others: whether the loss and all gradients are finite.
    ///
    /// # Errors
    /// When a gradient is not finite and others were applied.
    fn whole_passes(
        &mut self,
        threads: Option<&Threads>,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
        batch: Samples<'_, T>,
        mode: Mode,
        total_weight: f64,
    ) -> Result<bool> {
        let TrainingStep { network, loss, plan, blocks, losses, gradients, alone, scratch, .. } =
            self;
        let (threads, depth) = (threads.unwrap_or(alone), network.depth());
        let pass = Pass { network, loss, plan, parameters, mode, total_weight };
        let cut = Cut::new(batch.inputs.rows(), threads.count());
        cut.for_each(threads, plan, blocks, losses, |block, losses| {
            pass.forward(block, batch, losses);
            pass.backward(block, 1..=depth);
        });
        if !all_are_finite(&losses[..cut.batch]) {
            return Ok(false);
        }
        let step = GradientStep { network, plan, blocks, cut };
        step.run(threads, 1..=depth, gradients.as_mut(), scratch, parameters, optimizer)
    }

    /// The same layer by layer, where a layer's gradients follow its delta.
    ///
    /// # Errors
    /// When a gradient is not finite and others were applied.
    fn passes_by_layer(
        &mut self,
        threads: Option<&Threads>,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
        batch: Samples<'_, T>,
        mode: Mode,
        total_weight: f64,
    ) -> Result<bool> {
        let TrainingStep { network, loss, plan, blocks, losses, gradients, alone, scratch, .. } =
            self;
        let (threads, depth) = (threads.unwrap_or(alone), network.depth());
        let cut = Cut::new(batch.inputs.rows(), threads.count());
        let pass = Pass { network, loss, plan, parameters, mode, total_weight };
        cut.for_each(threads, plan, blocks, losses, |block, losses| pass.forward(block, batch, losses));
        let mut finite = all_are_finite(&losses[..cut.batch]);
        for l in (plan.first..=depth).rev() {
            if !finite {
                break;
            }
            if l > plan.first {
                let pass = Pass { network, loss, plan, parameters, mode, total_weight };
                cut.for_each(threads, plan, blocks, losses, |block, _| pass.backward(block, l..=l));
            }
            let step = GradientStep { network, plan, blocks, cut };
            finite = step.run(threads, l..=l, gradients.as_mut(), scratch, parameters, optimizer)?;
        }
        Ok(finite)
    }

    /// Computes the step again, value by value, and names the first that is not finite.
    fn first_not_finite(
        &self,
        parameters: &Parameters<T>,
        batch: Samples<'_, T>,
        mode: Mode,
        step: u64,
    ) -> Error {
        let (network, depth) = (&self.network, self.network.depth());
        let found = |quantity, layer| Error::NonFinite { quantity, layer, step, epoch: None };
        let inputs = batch.inputs.to_matrix();
        if !all_finite(inputs.as_slice()) {
            return found("input", 0);
        }
        if let Some(tensor) = parameters.first_not_finite() {
            return found("parameter", tensor.layer);
        }
        let cache = match forward(network, parameters, inputs.view(), mode) {
            Ok(cache) => cache,
            Err(error) => return error,
        };
        for l in 1..=depth {
            for (quantity, matrix) in [("z", cache.pre_activation(l)), ("a", cache.activation(l))] {
                if !all_finite(matrix.as_slice()) {
                    return found(quantity, l);
                }
            }
        }
        let result = output_error(network, &cache, &self.loss, batch.targets, batch.sample_weights).and_then(
            |error| {
                if !error.loss.is_finite() {
                    return Ok(Some(("loss", depth)));
                }
                let deltas = backward(network, parameters, &cache, error.delta)?;
                for l in (1..=depth).rev() {
                    if !all_finite(deltas.delta(l).as_slice()) {
                        return Ok(Some(("delta", l)));
                    }
                }
                let gradients = gradients(network, &cache, &deltas)?;
                Ok(gradients.first_not_finite().map(|tensor| ("gradient", tensor.layer)))
            },
        );
        match result {
            Ok(Some((quantity, layer))) => found(quantity, layer),
            Ok(None) => found("loss", depth),
            Err(error) => error,
        }
    }
}

/// Steps on less work than this are faster on one thread.
const SERIAL_FLOPS: u64 = 400_000;

/// Bytes of weights, and of deltas, up to which a block of rows goes through all layers and back at once. Larger ones
/// would only push each other out of the caches.
const WEIGHTS_TOGETHER: usize = 4 << 20;
const DELTAS_TOGETHER: usize = 4 << 20;

/// How a step goes through the network.
#[derive(Clone, Copy, PartialEq)]
enum Passes {
    /// A block of rows goes through all layers and back, then come the gradients of all layers.
    Whole,
    /// Layer by layer, all blocks of rows; a layer's gradients and update as soon as its delta is there.
    ByLayer,
}

/// How the rows of a batch are cut into blocks: as many for each thread as are needed for a block's
/// activations to stay in a core's cache. Results do not depend on it.
#[derive(Clone, Copy)]
struct Cut {
    batch: usize,
    rows_in_block: usize,
}

impl Cut {
    fn new(batch: usize, threads: usize) -> Self {
        let blocks = threads * batch.div_ceil(threads * 128);
        Cut { batch, rows_in_block: batch.div_ceil(blocks).next_multiple_of(8) }
    }

    /// The rows of block `index`.
    fn rows(self, index: usize) -> Range<usize> {
        let start = index * self.rows_in_block;
        start..self.batch.min(start + self.rows_in_block)
    }

    /// Calls `body` with each block and the places of its samples' losses, on all threads.
    fn for_each<T: Scalar>(
        self,
        threads: &Threads,
        plan: &Plan,
        blocks: &mut [T],
        losses: &mut [f64],
        body: impl Fn(&mut Block<'_, T>, &mut [f64]) + Sync,
    ) {
        let buffers = (&mut blocks[..self.batch * plan.row], &mut losses[..self.batch]);
        let lengths = (self.rows_in_block * plan.row, self.rows_in_block);
        for_each_chunk(threads, buffers, lengths, |index, values, losses| {
            let Range { start: first, .. } = self.rows(index);
            body(&mut Block { values, rows: losses.len(), first }, losses);
        });
    }
}

/// The first layer that has parameters: no error is carried back from it.
fn first_with_parameters(network: &Network) -> usize {
    network.tensors().first().map_or(1, |tensor| tensor.layer)
}

/// Where everything lies in a block of rows. A region that starts at `s` and is `w` wide is elements
/// `s * rows..(s + w) * rows` of a block of `rows` rows.
struct Plan {
    maximum_batch: usize,
    /// a(0).
    input: Region,
    /// The forward pass's values with samples as columns: layers take turns.
    turned: [Region; 2],
    layers: Vec<LayerPlan>,
    /// Row-major z(L), a(L), delta(L).
    output: [Region; 3],
    /// z(L), then delta(L), in panels; empty where the row-major ones are that.
    scratch: Region,
    /// Numbers in a row of the batch, all regions together.
    row: usize,
    /// Whole passes need a region for each delta; layer by layer, neighbours take turns with two.
    passes: Passes,
    /// The first layer with parameters.
    first: usize,
    /// Parts of the gradients, one task each: rows of a weight, or a bias.
    parts: Parts,
    /// The layer, the number of its tensor, and the rows that each part is.
    part_places: Vec<(usize, usize, Range<usize>)>,
}

/// A layer's regions and tasks.
struct LayerPlan {
    /// z; empty where sigma' comes from a.
    pre_activation: Region,
    activation: Region,
    delta: Region,
    /// Its parts of the gradients.
    parts: Range<usize>,
}

/// Columns of a block.
#[derive(Clone, Copy, Default)]
struct Region {
    start: usize,
    width: usize,
}

impl Region {
    fn of(self, rows: usize) -> Range<usize> {
        match self.width {
            0 => 0..0,
            width => self.start * rows..(self.start + width) * rows,
        }
    }
}

impl Plan {
    fn new<T: Scalar>(network: &Network, maximum_batch: usize) -> Self {
        let depth = network.depth();
        let mut row = 0;
        let mut reserve = |width: usize| {
            row += width;
            Region { start: row - width, width }
        };
        let input = reserve(network.width(0));
        let widest = (0..=depth).map(|l| network.width(l)).max().unwrap_or(0);
        let turned = [(); 2].map(|()| reserve(widest));
        let (n_out, panel) = (network.output_width(), panel_width::<T>());
        let output = [(); 3].map(|()| reserve(n_out));
        let scratch = reserve(if n_out > panel { n_out } else { 0 });
        let hidden = || (1..depth).map(|l| network.width(l));
        let deltas = hidden().sum::<usize>() * maximum_batch * size_of::<T>();
        let weights = network.parameter_count() * size_of::<T>();
        let whole = weights <= WEIGHTS_TOGETHER && deltas <= DELTAS_TOGETHER;
        let passes = if whole { Passes::Whole } else { Passes::ByLayer };
        let widest = hidden().max().unwrap_or(0);
        let in_turn = [(); 2].map(|()| reserve(if whole { 0 } else { widest }));
        let rows_in_part = if network.step_flops() * (maximum_batch as u64) < 20_000_000 { 8 } else { 16 };
        let (mut ranges, mut part_places) = (Vec::new(), Vec::new());
        let layers = (1..=depth).map(|l| {
            let width = network.width(l);
            let is_last = l == depth;
            let keeps = !is_last && keeps_pre_activation(&network.layers()[l - 1], false);
            let pre_activation = reserve(if keeps { width } else { 0 });
            let activation = if is_last { output[1] } else { reserve(width) };
            let delta = match (is_last, whole) {
                (true, _) if n_out > panel => scratch,
                (true, _) => output[2],
                (false, true) => reserve(width),
                (false, false) => Region { width, ..in_turn[l % 2] },
            };
            let first_part = ranges.len();
            for (number, tensor) in network.tensors().iter().filter(|tensor| tensor.layer == l).enumerate() {
                let (rows, length) =
                    if tensor.is_vector { (tensor.columns, 1) } else { (tensor.rows, tensor.columns) };
                let step = if tensor.is_vector { rows } else { rows_in_part };
                for start in (0..rows).step_by(step) {
                    let rows = start..rows.min(start + step);
                    ranges.push(tensor.offset() + rows.start * length..tensor.offset() + rows.end * length);
                    part_places.push((l, number, rows));
                }
            }
            LayerPlan { pre_activation, activation, delta, parts: first_part..ranges.len() }
        });
        let layers = layers.collect();
        let first = first_with_parameters(network);
        let parts = Parts::new(ranges);
        Plan { maximum_batch, input, turned, layers, output, scratch, row, passes, first, parts, part_places }
    }

    /// a(l), in panels.
    fn activation(&self, l: usize) -> Region {
        if l == 0 { self.input } else { self.layers[l - 1].activation }
    }
}

/// Some rows of the batch and their values.
struct Block<'a, T> {
    values: &'a mut [T],
    rows: usize,
    /// The batch's sample that row 0 is.
    first: usize,
}

impl<T> Block<'_, T> {
    /// Regions to change, which do not overlap.
    fn regions<const N: usize>(&mut self, regions: [Region; N]) -> [&mut [T]; N] {
        let rows = self.rows;
        self.values.get_disjoint_mut(regions.map(|region| region.of(rows))).expect("regions do not overlap")
    }
}

/// One step's constants.
struct Pass<'a, T> {
    network: &'a Network,
    loss: &'a Loss,
    plan: &'a Plan,
    parameters: &'a Parameters<T>,
    mode: Mode,
    total_weight: f64,
}

impl<T: Scalar> Pass<'_, T> {
    fn context(&self, l: usize, first_sample: usize) -> Context<'_, T> {
        let weights = LayerWeights::of(self.parameters, l);
        Context { weights, layer: l, mode: self.mode, first_sample }
    }

    /// Steps 1 and 2 for some rows.
    fn forward(&self, block: &mut Block<'_, T>, batch: Samples<'_, T>, losses: &mut [f64]) {
        let (plan, depth, rows, first) = (self.plan, self.network.depth(), block.rows, block.first);
        let samples = first..first + rows;
        let turned = |l: usize| Region { width: self.network.width(l), ..plan.turned[l % 2] };
        let [input, next] = block.regions([plan.input, turned(0)]);
        batch.inputs.write_panels(samples.clone(), input);
        transpose(Panels::new(input, rows, self.network.width(0)), next);
        for l in 1..=depth {
            let layer = self.network.layers()[l - 1].compute();
            let [previous, values] = block.regions([turned(l - 1), turned(l)]);
            let previous = Panels::new(previous, self.network.width(l - 1), rows);
            layer.pre_activation(self.context(l, first), previous, values);
            if l < depth {
                let LayerPlan { pre_activation, activation, .. } = plan.layers[l - 1];
                let [values, z, a] = block.regions([turned(l), pre_activation, activation]);
                if !z.is_empty() {
                    transpose(Panels::new(values, self.network.width(l), rows), z);
                }
                layer.activate(values);
                transpose(Panels::new(values, self.network.width(l), rows), a);
            }
        }
        let width = self.network.output_width();
        let [z, a, _] = plan.output;
        let [values, scratch, z, a] = block.regions([turned(depth), plan.scratch, z, a]);
        let values = Panels::new(values, width, rows);
        if scratch.is_empty() {
            transpose(values, z);
        } else {
            transpose(values, scratch);
            Panels::new(scratch, rows, width).to_rows(z);
        }
        a.copy_from_slice(z);
        activate_output(self.network.output_activation(), width, a);
        let sample_weights = batch.sample_weights.map(|weights| &weights[samples.clone()]);
        self.output_error(block, batch.targets.slice(samples), sample_weights, losses);
    }

    /// Step 2 for some rows.
    fn output_error(
        &self,
        block: &mut Block<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
        losses: &mut [f64],
    ) {
        let (activation, width) = (self.network.output_activation(), self.network.output_width());
        let [z, a, delta] = self.plan.output;
        let [z, a, delta, scratch] = block.regions([z, a, delta, self.plan.scratch]);
        let output = Output { activation, width, z, a };
        self.loss.output_error_rows(output, targets, sample_weights, self.total_weight, delta, losses);
        if !scratch.is_empty() {
            from_rows(MatrixView::new(losses.len(), width, delta).expect("rows of the output"), scratch);
        }
    }

    /// Step 3 for some rows: delta(l-1) from delta(l) for these layers l, from the last to the first.
    fn backward(&self, block: &mut Block<'_, T>, layers: RangeInclusive<usize>) {
        let (plan, rows, first) = (self.plan, block.rows, block.first);
        for l in layers.rev().take_while(|&l| l > plan.first) {
            let before = &plan.layers[l - 2];
            let regions = [plan.layers[l - 1].delta, before.pre_activation, before.activation, before.delta];
            let [delta, z, a, error] = block.regions(regions);
            let delta = Panels::new(delta, rows, self.network.width(l));
            self.network.layers()[l - 1].compute().propagate(self.context(l, first), delta, error);
            let stored = Stored { pre_activation: z, activation: a };
            let layer = self.network.layers()[l - 2].compute();
            layer.error_to_delta(stored, error);
        }
    }
}

/// Whether a sum of losses is finite.
fn all_are_finite(losses: &[f64]) -> bool {
    losses.iter().sum::<f64>().is_finite()
}

/// Step 4, and 5 where gradients are not kept, from the values of all blocks.
struct GradientStep<'a, T> {
    network: &'a Network,
    plan: &'a Plan,
    blocks: &'a [T],
    cut: Cut,
}

impl<T: Scalar> GradientStep<'_, T> {
    /// The gradients of some layers, kept or applied: whether all are finite.
    ///
    /// # Errors
    /// When one is not finite and others were applied.
    fn run(
        &self,
        threads: &Threads,
        layers: RangeInclusive<usize>,
        kept: Option<&mut Gradients<T>>,
        scratch: &mut Scratch<T>,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
    ) -> Result<bool> {
        let plan = self.plan;
        let which = plan.layers[layers.start() - 1].parts.start..plan.layers[layers.end() - 1].parts.end;
        // The last layer with a gradient that is not finite; 0 if all are.
        let bad = AtomicUsize::new(0);
        let note = |index: usize| bad.fetch_max(plan.part_places[index].0, Relaxed);
        if let Some(gradients) = kept {
            let buffers = [gradients.as_mut_slice(), &mut [], &mut [], &mut []];
            plan.parts.for_each(threads, which, buffers, |index, [gradient, ..]| {
                self.part(index, gradient);
                if !all_finite(gradient) {
                    note(index);
                }
            });
            return Ok(bad.into_inner() == 0);
        }
        let number = optimizer.steps() + 1;
        let (next, [m, v, u]) = optimizer.next_step();
        let buffers = [parameters.as_mut_slice(), m, v, u];
        plan.parts.for_each_with(threads, which, buffers, scratch, |index, [w, m, v, u], gradient| {
            let gradient = &mut gradient[..w.len()];
            self.part(index, gradient);
            if all_finite(gradient) {
                next.update(w, gradient, [m, v, u]);
            } else {
                note(index);
            }
        });
        let bad = bad.into_inner();
        if bad == 0 {
            return Ok(true);
        }
        let delta = layers.rev().take_while(|&l| l >= bad).find(|&l| !self.delta_is_finite(l));
        let (quantity, layer) = delta.map_or(("gradient", bad), |l| ("delta", l));
        Err(Error::NonFinite { quantity, layer, step: number, epoch: None })
    }

    /// delta(l).
    fn delta(&self, l: usize) -> Blocks<'_, T> {
        self.region(self.plan.layers[l - 1].delta, self.network.width(l))
    }

    /// A region of all blocks.
    fn region(&self, region: Region, width: usize) -> Blocks<'_, T> {
        let (row, cut) = (self.plan.row, self.cut);
        Blocks::new(&self.blocks[..cut.batch * row], row, cut.rows_in_block, region.start, width)
    }

    /// One part of the gradients, over all rows of the batch.
    fn part(&self, index: usize, gradient: &mut [T]) {
        let (l, tensor, part) = self.plan.part_places[index].clone();
        let layer = self.network.layers()[l - 1].compute();
        let input = self.region(self.plan.activation(l - 1), self.network.width(l - 1));
        layer.gradient(tensor, part, self.delta(l), input, gradient);
    }

    fn delta_is_finite(&self, l: usize) -> bool {
        let delta = self.delta(l);
        (0..delta.count()).all(|block| all_finite(delta.get(block).data()))
    }
}
