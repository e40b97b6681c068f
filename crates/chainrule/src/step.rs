//! The fused training step: the five steps in buffers made beforehand, on all threads.
//!
//! It equals the five public functions bit for bit, allocates nothing, and changes no parameter
//! unless the loss and every gradient are finite.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use aligned_vec::{AVec, ConstAlign};

use crate::backward::{backward, gradients, output_error};
use crate::error::{Error, Result};
use crate::forward::{Mode, forward, output};
use crate::inputs::Inputs;
use crate::kernel::elementwise::{Parts, all_finite, for_each_chunk};
use crate::kernel::panels::{Panels, from_rows, panel_width};
use crate::kernel::{Scalar, Threads};
use crate::layer::{Context, Stored, keeps_pre_activation};
use crate::loss::{Loss, Output, Targets, WeightedSum};
use crate::matrix::MatrixView;
use crate::network::Network;
use crate::optimizer::{Clipping, Optimizer, clip_on};
use crate::packed::PackedWeights;
use crate::parameters::{ALIGNMENT, Gradients, Parameters};

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
    weights: PackedWeights<T>,
    /// The blocks of rows, one behind the other; see [`Plan`].
    blocks: AVec<T, ConstAlign<ALIGNMENT>>,
    /// s_i l_i for each sample.
    losses: Vec<f64>,
    gradients: Gradients<T>,
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
        let first = first_with_parameters(network);
        Ok(TrainingStep {
            network: network.clone(),
            loss: loss.clone(),
            clipping,
            weights: PackedWeights::new(network, |l| l > first),
            blocks: AVec::__from_elem(ALIGNMENT, T::zero(), maximum_batch * plan.row),
            losses: vec![0.0; maximum_batch],
            gradients: network.zeros(),
            alone: Threads::single(),
            plan,
        })
    }

    /// The bytes of the buffers: packed weights, states, deltas and gradients.
    pub fn bytes(&self) -> usize {
        let states = size_of_val(&self.blocks[..]) + size_of_val(&self.losses[..]);
        states + self.weights.bytes() + self.gradients.bytes()
    }

    /// The gradients of the last step, after clipping.
    pub fn gradients(&self) -> &Gradients<T> {
        &self.gradients
    }

    /// Forward, output error, backward, gradients, update. Gives the batch's loss before the update.
    ///
    /// # Errors
    /// When the batch does not fit, and when the loss or a gradient is not finite: then nothing is changed.
    pub fn run(
        &mut self,
        threads: &Threads,
        parameters: &mut Parameters<T>,
        optimizer: &mut Optimizer<T>,
        batch: Samples<'_, T>,
        mode: Mode,
    ) -> Result<WeightedSum> {
        optimizer.check_shapes(parameters)?;
        let work = self.network.step_flops().saturating_mul(batch.inputs.rows() as u64);
        let threads = (work >= SERIAL_FLOPS).then_some(threads);
        let (sum, finite) = self.compute_gradients(threads, parameters, batch, mode)?;
        if !sum.loss.is_finite() || !finite {
            return Err(self.first_not_finite(parameters, batch, mode, optimizer.steps() + 1));
        }
        let threads = threads.unwrap_or(&self.alone);
        if let Some(clipping) = self.clipping {
            clip_on(threads, &mut self.gradients, clipping);
        }
        optimizer.update(threads, parameters, &self.gradients);
        Ok(sum)
    }

    /// Steps 1 to 4: the loss, and whether all gradients are finite.
    fn compute_gradients(
        &mut self,
        threads: Option<&Threads>,
        parameters: &Parameters<T>,
        batch: Samples<'_, T>,
        mode: Mode,
    ) -> Result<(WeightedSum, bool)> {
        let TrainingStep { network, loss, plan, weights, blocks, losses, gradients, alone, .. } = self;
        let threads = threads.unwrap_or(alone);
        let Samples { inputs, targets, sample_weights } = batch;
        let (b, depth) = (inputs.rows(), network.depth());
        network.check_parameters(parameters)?;
        network.check_inputs(inputs.columns())?;
        if b > plan.maximum_batch {
            return Err(Error::shape("batch", format!("at most {} samples", plan.maximum_batch), b));
        }
        loss.check_targets(b, network.output_width(), targets, sample_weights)?;
        let total_weight = loss.total_weight(targets, sample_weights)?;
        weights.pack(threads, parameters);

        let rows_in_block = rows_in_block(b, threads.count());
        let (blocks, losses) = (&mut blocks[..b * plan.row], &mut losses[..b]);
        let lengths = (rows_in_block * plan.row, rows_in_block);
        let pass = Pass { network, loss, plan, weights, parameters, mode, total_weight };
        let finite = AtomicBool::new(true);
        let gradient_parts = |blocks: &[T], which: Range<usize>, gradients: &mut Gradients<T>| {
            let buffers = [gradients.as_mut_slice(), &mut [], &mut [], &mut []];
            plan.parts.for_each(threads, which, buffers, |index, [gradient, ..]| {
                pass.gradient_part(index, blocks, rows_in_block, gradient);
                if !all_finite(gradient) {
                    finite.store(false, Relaxed);
                }
            });
        };
        for_each_chunk(threads, (blocks, losses), lengths, |index, block, losses| {
            let first = index * rows_in_block;
            let block = &mut Block { values: block, rows: losses.len(), first };
            let range = first..first + block.rows;
            pass.forward(block, inputs);
            let weights = sample_weights.map(|weights| &weights[range.clone()]);
            pass.output_error(block, targets.slice(range), weights, losses);
            if plan.keeps_deltas {
                (plan.first + 1..=depth).rev().for_each(|l| pass.propagate(block, l));
            }
        });
        if plan.keeps_deltas {
            gradient_parts(blocks, 0..plan.parts.count(), gradients);
        } else {
            for l in (plan.first..=depth).rev() {
                if l > plan.first {
                    for_each_chunk(threads, (blocks, losses), lengths, |index, block, losses| {
                        let first = index * rows_in_block;
                        pass.propagate(&mut Block { values: block, rows: losses.len(), first }, l);
                    });
                }
                gradient_parts(blocks, plan.layers[l - 1].parts.clone(), gradients);
            }
        }
        let sum = WeightedSum { loss: losses.iter().sum(), weight: total_weight };
        Ok((sum, finite.into_inner()))
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

/// Bytes of deltas up to which all of them are kept, so that a block of rows goes through the network
/// and back without waiting for others. Larger ones would only push activations out of the caches.
const KEPT_DELTAS: usize = 4 << 20;

/// Rows of the batch that go through the network together: as many blocks for each thread as are needed
/// for a block's activations to stay in a core's cache. Results do not depend on it.
fn rows_in_block(batch: usize, threads: usize) -> usize {
    let blocks = threads * batch.div_ceil(threads * 128);
    batch.div_ceil(blocks).next_multiple_of(8)
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
    layers: Vec<LayerPlan>,
    /// Row-major z(L), a(L), delta(L).
    output: [Region; 3],
    /// z(L), then delta(L), in panels; empty where the row-major ones are that.
    scratch: Region,
    /// Numbers in a row of the batch, all regions together.
    row: usize,
    /// Whether each layer has a region of its own for delta; otherwise neighbours take turns with two.
    keeps_deltas: bool,
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
        let (n_out, panel) = (network.output_width(), panel_width::<T>());
        let output = [(); 3].map(|()| reserve(n_out));
        let scratch = reserve(if n_out > panel { n_out } else { 0 });
        let hidden = || (1..depth).map(|l| network.width(l));
        let keeps_deltas = hidden().sum::<usize>() * maximum_batch * size_of::<T>() <= KEPT_DELTAS;
        let widest = hidden().max().unwrap_or(0);
        let in_turn = [(); 2].map(|()| reserve(if keeps_deltas { 0 } else { widest }));
        let rows_in_part = if network.step_flops() * (maximum_batch as u64) < 20_000_000 { 8 } else { 32 };
        let (mut ranges, mut part_places) = (Vec::new(), Vec::new());
        let layers = (1..=depth).map(|l| {
            let width = network.width(l);
            let is_last = l == depth;
            let keeps = !is_last && keeps_pre_activation(&network.layers()[l - 1], false);
            let pre_activation = reserve(if keeps { width } else { 0 });
            let activation = if is_last { output[1] } else { reserve(width) };
            let delta = match (is_last, keeps_deltas) {
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
        Plan { maximum_batch, input, layers, output, scratch, row, keeps_deltas, first, parts, part_places }
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
    weights: &'a PackedWeights<T>,
    parameters: &'a Parameters<T>,
    mode: Mode,
    total_weight: f64,
}

impl<T: Scalar> Pass<'_, T> {
    fn context(&self, l: usize, first_sample: usize) -> Context<'_, T> {
        let weights = self.weights.layer(l, self.parameters);
        Context { weights, layer: l, mode: self.mode, first_sample }
    }

    /// Step 1 for some rows.
    fn forward(&self, block: &mut Block<'_, T>, inputs: Inputs<'_, T>) {
        let (plan, depth) = (self.plan, self.network.depth());
        let (rows, first) = (block.rows, block.first);
        let [a0] = block.regions([plan.input]);
        inputs.write_panels(first..first + rows, a0);
        for l in 1..=depth {
            let layer = self.network.layers()[l - 1].compute();
            let (context, n_in) = (self.context(l, block.first), self.network.width(l - 1));
            if l < depth {
                let LayerPlan { pre_activation, activation, .. } = plan.layers[l - 1];
                let [input, z, a] = block.regions([plan.activation(l - 1), pre_activation, activation]);
                let z = (!z.is_empty()).then_some(z);
                layer.forward(context, Panels::new(input, rows, n_in), z, a);
            } else {
                let [z, a, _] = plan.output;
                let [input, scratch, z, a] = block.regions([plan.activation(l - 1), plan.scratch, z, a]);
                let activation = self.network.output_activation();
                output(layer, context, Panels::new(input, rows, n_in), activation, (scratch, z, a));
            }
        }
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

    /// Step 3 for some rows: delta(l-1) from delta(l).
    fn propagate(&self, block: &mut Block<'_, T>, l: usize) {
        let (plan, rows) = (self.plan, block.rows);
        let before = &plan.layers[l - 2];
        let regions = [plan.layers[l - 1].delta, before.pre_activation, before.activation, before.delta];
        let first = block.first;
        let [delta, z, a, error] = block.regions(regions);
        let delta = Panels::new(delta, rows, self.network.width(l));
        self.network.layers()[l - 1].compute().propagate(self.context(l, first), delta, error);
        let stored = Stored { pre_activation: z, activation: a };
        let layer = self.network.layers()[l - 2].compute();
        layer.error_to_delta(self.context(l - 1, first), stored, error);
    }

    /// Step 4 for one part of the gradients, over all rows of the batch.
    fn gradient_part(&self, index: usize, blocks: &[T], rows_in_block: usize, gradient: &mut [T]) {
        let plan = self.plan;
        let (l, tensor, part) = plan.part_places[index].clone();
        let length = rows_in_block * plan.row;
        let panels = |i: usize| {
            let block = &blocks[i * length..blocks.len().min((i + 1) * length)];
            let rows = block.len() / plan.row;
            let panels = |region: Region, width: usize| Panels::new(&block[region.of(rows)], rows, width);
            let delta = panels(plan.layers[l - 1].delta, self.network.width(l));
            (delta, panels(plan.activation(l - 1), self.network.width(l - 1)))
        };
        let count = blocks.len().div_ceil(length);
        self.network.layers()[l - 1].compute().gradient(tensor, part, count, &panels, gradient);
    }
}
