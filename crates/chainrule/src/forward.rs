//! Step 1: forward, caching z(l) and a(l) for l = 1..L.

use crate::activation::{Activation, softmax_rows};
use crate::error::{Error, Result};
use crate::inputs::Inputs;
use crate::kernel::panels::{Panels, from_rows};
use crate::kernel::parts::for_each_chunk;
use crate::kernel::transpose::{transpose, transpose_to_rows};
use crate::kernel::{Scalar, Threads};
use crate::layer::{Context, LayerWeights};
use crate::matrix::{Matrix, MatrixView};
use crate::network::Network;
use crate::parameters::Parameters;

/// Whether dropout drops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Nothing is random.
    Inference,
    /// Dropout masks are drawn from (seed, step, layer, sample).
    Training {
        /// The run's seed.
        seed: u64,
        /// The step's number.
        step: u64,
    },
}

/// Every z and a of one forward pass.
#[derive(Clone, Debug)]
pub struct Cache<T> {
    pub(crate) mode: Mode,
    /// a(0)..a(L)
    activations: Vec<Matrix<T>>,
    /// z(1)..z(L)
    pre_activations: Vec<Matrix<T>>,
}

impl<T: Scalar> Cache<T> {
    /// a(l), shape [B, n_l]; a(0) is the input.
    pub fn activation(&self, l: usize) -> &Matrix<T> {
        &self.activations[l]
    }

    /// z(l), shape [B, n_l], l from 1. For dropout, which has no sigma, it equals a(l).
    pub fn pre_activation(&self, l: usize) -> &Matrix<T> {
        &self.pre_activations[l - 1]
    }

    /// a(L), shape [B, n_L].
    pub fn output(&self) -> &Matrix<T> {
        self.activation(self.depth())
    }

    /// B, the number of samples.
    pub fn batch_size(&self) -> usize {
        self.activations[0].rows()
    }

    /// L.
    pub fn depth(&self) -> usize {
        self.pre_activations.len()
    }
}

/// z(l) = a(l-1) W(l)^T + b(l), a(l) = sigma(z(l)), for l = 1..L.
///
/// `inputs` has shape [B, n_0]. Everything is kept for the backward pass.
///
/// # Errors
/// When there are no inputs, or inputs or parameters do not have the network's shapes.
#[inline(never)]
pub fn forward<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    inputs: MatrixView<'_, T>,
    mode: Mode,
) -> Result<Cache<T>> {
    network.check_parameters(parameters)?;
    network.check_inputs(inputs.columns())?;
    let batch = inputs.rows();
    if batch == 0 {
        return Err(Error::Data("there are no samples; at least 1 is needed".to_owned()));
    }
    let mut cache = Cache { mode, activations: vec![inputs.to_matrix()], pre_activations: Vec::new() };
    let mut input = vec![T::zero(); inputs.as_slice().len()];
    transpose(Panels::new(&in_panels(inputs), batch, inputs.columns()), &mut input);
    for l in 1..=network.depth() {
        let (layer, n_in, width) =
            (network.layers()[l - 1].compute(), network.width(l - 1), network.width(l));
        let context = Context { weights: LayerWeights::of(parameters, l), layer: l, mode, first_sample: 0 };
        let mut values = vec![T::zero(); batch * width];
        layer.pre_activation(context, Panels::new(&input, n_in, batch), &mut values);
        let rows_of = |values: &[T]| {
            let mut rows = Matrix::zeros(batch, width);
            transpose_to_rows(Panels::new(values, width, batch), rows.as_mut_slice());
            rows
        };
        let z = rows_of(&values);
        let a = if l < network.depth() {
            layer.activate(&mut values);
            rows_of(&values)
        } else {
            let mut a = z.clone();
            activate_output(network.output_activation(), width, a.as_mut_slice());
            a
        };
        cache.pre_activations.push(z);
        cache.activations.push(a);
        input = values;
    }
    Ok(cache)
}

/// A matrix copied into panels.
pub(crate) fn in_panels<T: Scalar>(matrix: MatrixView<'_, T>) -> Vec<T> {
    let mut panels = vec![T::zero(); matrix.as_slice().len()];
    from_rows(matrix.into(), &mut panels);
    panels
}

/// Turns z(L), row by row, into a(L), in place.
pub(crate) fn activate_output<T: Scalar>(activation: Activation, width: usize, values: &mut [T]) {
    if activation == Activation::Softmax {
        softmax_rows(values, width);
    }
    activation.apply_in_place(values);
}

/// Samples that [`infer`] takes through the network at once.
pub(crate) const INFERENCE_BATCH: usize = 128;

/// The network's output for any number of samples, on all threads, keeping nothing else: [samples, n_L].
///
/// # Errors
/// When the inputs or the parameters do not have the network's shapes.
#[inline(never)]
pub fn infer<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    inputs: MatrixView<'_, T>,
) -> Result<Matrix<T>> {
    let (z, a) = infer_with_pre_activation(threads, network, parameters, inputs.into())?;
    drop(z);
    Ok(a)
}

/// z(L) and a(L), each [samples, n_L].
pub(crate) fn infer_with_pre_activation<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    inputs: Inputs<'_, T>,
) -> Result<(Matrix<T>, Matrix<T>)> {
    network.check_parameters(parameters)?;
    network.check_inputs(inputs.columns())?;
    let (samples, outputs) = (inputs.rows(), network.output_width());
    let mut z = Matrix::zeros(samples, outputs);
    let mut a = Matrix::zeros(samples, outputs);
    let widest = (0..=network.depth()).map(|l| network.width(l)).max().unwrap_or(0);
    let chunk = INFERENCE_BATCH * outputs;
    let rows = (z.as_mut_slice(), a.as_mut_slice());
    for_each_chunk(threads, rows, (chunk, chunk), |block, z, a| {
        let rows = z.len() / outputs;
        let first_sample = block * INFERENCE_BATCH;
        let mut buffers = [(); 2].map(|()| vec![T::zero(); rows * widest]);
        let [mut next, mut previous] = buffers.each_mut().map(|buffer| &mut buffer[..]);
        let n_0 = network.input_width();
        inputs.write_panels(first_sample..first_sample + rows, &mut previous[..rows * n_0]);
        transpose(Panels::new(&previous[..rows * n_0], rows, n_0), &mut next[..rows * n_0]);
        std::mem::swap(&mut previous, &mut next);
        for l in 1..=network.depth() {
            let (layer, n_in, n_out) =
                (network.layers()[l - 1].compute(), network.width(l - 1), network.width(l));
            let (mode, weights) = (Mode::Inference, LayerWeights::of(parameters, l));
            let context = Context { weights, layer: l, mode, first_sample };
            let values = &mut next[..rows * n_out];
            layer.pre_activation(context, Panels::new(&previous[..rows * n_in], n_in, rows), values);
            if l < network.depth() {
                layer.activate(values);
            }
            std::mem::swap(&mut previous, &mut next);
        }
        transpose_to_rows(Panels::new(&previous[..rows * outputs], outputs, rows), z);
        a.copy_from_slice(z);
        activate_output(network.output_activation(), outputs, a);
    });
    Ok((z, a))
}
