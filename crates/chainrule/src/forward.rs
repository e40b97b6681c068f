//! Step 1: forward, caching z(l) and a(l) for l = 1..L.

use crate::error::{Error, Result};
use crate::kernel::{Scalar, Threads};
use crate::layer::Context;
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
pub fn forward<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    inputs: MatrixView<'_, T>,
    mode: Mode,
) -> Result<Cache<T>> {
    network.check_parameters(parameters)?;
    network.check_inputs(inputs.columns())?;
    let threads = &Threads::single();
    let batch = inputs.rows();
    if batch == 0 {
        return Err(Error::Data("there are no samples; at least 1 is needed".to_owned()));
    }
    let mut cache = Cache { mode, activations: vec![inputs.to_matrix()], pre_activations: Vec::new() };
    for (index, layer) in network.layers().iter().enumerate() {
        let l = index + 1;
        let context = Context { threads, parameters, layer: l, mode };
        let mut z = Matrix::zeros(batch, network.width(l));
        let mut a = Matrix::zeros(batch, network.width(l));
        let input = cache.activations[index].view();
        layer.compute().forward(context, input, Some(z.as_mut_slice()), a.as_mut_slice());
        cache.pre_activations.push(z);
        cache.activations.push(a);
    }
    Ok(cache)
}

/// Samples that [`infer`] takes through the network at once.
const INFERENCE_BATCH: usize = 256;

/// The network's output for any number of samples, on all threads, keeping nothing else: [samples, n_L].
///
/// # Errors
/// When the inputs or the parameters do not have the network's shapes.
pub fn infer<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    inputs: MatrixView<'_, T>,
) -> Result<Matrix<T>> {
    let (z, a) = infer_with_pre_activation(threads, network, parameters, inputs)?;
    drop(z);
    Ok(a)
}

/// z(L) and a(L), each [samples, n_L].
pub(crate) fn infer_with_pre_activation<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    inputs: MatrixView<'_, T>,
) -> Result<(Matrix<T>, Matrix<T>)> {
    network.check_parameters(parameters)?;
    network.check_inputs(inputs.columns())?;
    let (samples, outputs) = (inputs.rows(), network.output_width());
    let mut z = Matrix::zeros(samples, outputs);
    let mut output = Matrix::zeros(samples, outputs);
    let widest = (1..network.depth()).map(|l| network.width(l)).max().unwrap_or(0);
    let mut buffers = [(); 2].map(|()| vec![T::zero(); INFERENCE_BATCH.min(samples) * widest]);
    for start in (0..samples).step_by(INFERENCE_BATCH) {
        let end = (start + INFERENCE_BATCH).min(samples);
        let batch = end - start;
        for (index, layer) in network.layers().iter().enumerate() {
            let l = index + 1;
            let [previous, next] = &mut buffers;
            let input = if l == 1 {
                inputs.slice(start..end)
            } else {
                MatrixView::new(batch, network.width(index), &previous[..batch * network.width(index)])?
            };
            let context = Context { threads, parameters, layer: l, mode: Mode::Inference };
            if l < network.depth() {
                let a = &mut next[..batch * network.width(l)];
                layer.compute().forward(context, input, None, a);
            } else {
                let part = start * outputs..end * outputs;
                let (z, a) = (&mut z.as_mut_slice()[part.clone()], &mut output.as_mut_slice()[part]);
                layer.compute().forward(context, input, Some(z), a);
            }
            buffers.swap(0, 1);
        }
    }
    Ok((z, output))
}
