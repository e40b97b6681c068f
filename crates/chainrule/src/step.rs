//! The fused training step: the five steps in buffers made beforehand, on all threads.
//!
//! It equals the five public functions bit for bit, allocates nothing, and changes no parameter
//! unless the loss and every gradient are finite.

use crate::backward::{backward, gradients, output_error};
use crate::error::{Error, Result};
use crate::forward::{Mode, forward};
use crate::kernel::elementwise::all_finite;
use crate::kernel::{Scalar, Threads};
use crate::layer::{Context, Stored, keeps_pre_activation};
use crate::loss::{Loss, Output, Targets, WeightedSum};
use crate::matrix::MatrixView;
use crate::network::Network;
use crate::optimizer::{Clipping, Optimizer, clip_on};
use crate::parameters::{Gradients, Parameters};

/// Inputs and targets: a batch, or a whole data set.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a, T> {
    /// a(0), shape [B, n_0].
    pub inputs: MatrixView<'a, T>,
    /// B rows or classes.
    pub targets: Targets<'a, T>,
    /// One weight for each sample, or none.
    pub sample_weights: Option<&'a [T]>,
}

/// The values of one layer that the backward pass reads.
struct LayerState<T> {
    /// z, [B, n_l]; empty where sigma' comes from a.
    pre_activation: Vec<T>,
    /// a, [B, n_l].
    activation: Vec<T>,
}

/// Everything that training steps on batches of up to a certain size need.
pub struct TrainingStep<T> {
    network: Network,
    loss: Loss,
    clipping: Option<Clipping>,
    maximum_batch: usize,
    states: Vec<LayerState<T>>,
    /// delta(l) and the error carried back from it, [B, widest layer] each.
    deltas: [Vec<T>; 2],
    gradients: Gradients<T>,
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
        let widest = (1..=network.depth()).map(|l| network.width(l)).max().unwrap_or(0);
        let total: u128 = (0..=network.depth()).map(|l| network.width(l) as u128).sum();
        if total * maximum_batch as u128 > isize::MAX as u128 / 64 {
            let reason = format!("a batch of {maximum_batch} samples is too large for this network");
            return Err(Error::Data(reason));
        }
        let states = (1..=network.depth()).map(|l| {
            let keeps = keeps_pre_activation(&network.layers()[l - 1], l == network.depth());
            let count = maximum_batch * network.width(l);
            LayerState {
                pre_activation: vec![T::zero(); if keeps { count } else { 0 }],
                activation: vec![T::zero(); count],
            }
        });
        Ok(TrainingStep {
            network: network.clone(),
            loss: loss.clone(),
            clipping,
            maximum_batch,
            states: states.collect(),
            deltas: [(); 2].map(|()| vec![T::zero(); maximum_batch * widest]),
            gradients: network.zeros(),
        })
    }

    /// The bytes of the buffers: states, deltas and gradients.
    pub fn bytes(&self) -> usize {
        let states = self.states.iter().map(|s| s.pre_activation.len() + s.activation.len());
        let deltas = self.deltas.iter().map(Vec::len);
        states.chain(deltas).sum::<usize>() * size_of::<T>() + self.gradients.bytes()
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
        let sum = self.compute_gradients(threads, parameters, batch, mode)?;
        if !sum.loss.is_finite() || !all_finite(self.gradients.as_slice()) {
            return Err(self.first_not_finite(parameters, batch, mode, optimizer.steps() + 1));
        }
        if let Some(clipping) = self.clipping {
            clip_on(threads, &mut self.gradients, clipping);
        }
        optimizer.update(threads, parameters, &self.gradients);
        Ok(sum)
    }

    /// Steps 1 to 4.
    fn compute_gradients(
        &mut self,
        threads: &Threads,
        parameters: &Parameters<T>,
        Samples { inputs, targets, sample_weights }: Samples<'_, T>,
        mode: Mode,
    ) -> Result<WeightedSum> {
        let TrainingStep { network, loss, states, gradients, .. } = self;
        let (b, depth) = (inputs.rows(), network.depth());
        network.check_parameters(parameters)?;
        network.check_inputs(inputs.columns())?;
        if b > self.maximum_batch {
            return Err(Error::shape("batch", format!("at most {} samples", self.maximum_batch), b));
        }
        loss.check_targets(b, network.output_width(), targets, sample_weights)?;
        let context = |layer: usize| Context { threads, parameters, layer, mode };

        for l in 1..=depth {
            let (before, from) = states.split_at_mut(l - 1);
            let input = input_of(network, before, inputs, l)?;
            let state = &mut from[0];
            let count = b * network.width(l);
            let keeps = !state.pre_activation.is_empty();
            let z = keeps.then(|| &mut state.pre_activation[..count]);
            let a = &mut state.activation[..count];
            network.layers()[l - 1].compute().forward(context(l), input, z, a);
        }

        let [delta, error] = &mut self.deltas;
        let (mut delta, mut error) = (delta, error);
        let last = stored(network, states, depth, b);
        let (activation, width) = (network.output_activation(), network.output_width());
        let output = Output { activation, width, z: last.pre_activation, a: last.activation };
        let sum = loss.output_error(output, targets, sample_weights, &mut delta[..b * width])?;

        for l in (1..=depth).rev() {
            let layer = network.layers()[l - 1].compute();
            let delta_view = MatrixView::new(b, network.width(l), &delta[..b * network.width(l)])?;
            layer.gradients(threads, l, delta_view, input_of(network, states, inputs, l)?, gradients);
            if l == 1 {
                break;
            }
            let error_slice = &mut error[..b * network.width(l - 1)];
            layer.propagate(context(l), delta_view, error_slice);
            let before = network.layers()[l - 2].compute();
            before.error_to_delta(context(l - 1), stored(network, states, l - 1, b), error_slice);
            std::mem::swap(&mut delta, &mut error);
        }
        Ok(sum)
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
        if !all_finite(batch.inputs.as_slice()) {
            return found("input", 0);
        }
        if let Some(tensor) = parameters.first_not_finite() {
            return found("parameter", tensor.layer);
        }
        let cache = match forward(network, parameters, batch.inputs, mode) {
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

/// a(l-1).
fn input_of<'a, T: Scalar>(
    network: &Network,
    states: &'a [LayerState<T>],
    inputs: MatrixView<'a, T>,
    l: usize,
) -> Result<MatrixView<'a, T>> {
    if l == 1 {
        return Ok(inputs);
    }
    let (rows, columns) = (inputs.rows(), network.width(l - 1));
    MatrixView::new(rows, columns, &states[l - 2].activation[..rows * columns])
}

/// What layer l kept of a batch of `rows` samples.
fn stored<'a, T: Scalar>(
    network: &Network,
    states: &'a [LayerState<T>],
    l: usize,
    rows: usize,
) -> Stored<'a, T> {
    let (state, count) = (&states[l - 1], rows * network.width(l));
    Stored {
        pre_activation: &state.pre_activation[..count.min(state.pre_activation.len())],
        activation: &state.activation[..count],
    }
}
