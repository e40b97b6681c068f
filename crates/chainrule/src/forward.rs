//! Step 1: forward, caching z(l) and a(l) for l = 1..L.

use crate::activation::{Activation, softmax_rows};
use crate::error::{Error, Result};
use crate::inputs::Inputs;
use crate::kernel::elementwise::for_each_chunk;
use crate::kernel::panels::{Panels, from_rows, panel_width};
use crate::kernel::{Scalar, Threads};
use crate::layer::{Compute, Context};
use crate::matrix::{Matrix, MatrixView};
use crate::network::Network;
use crate::packed::PackedWeights;
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
    let batch = inputs.rows();
    if batch == 0 {
        return Err(Error::Data("there are no samples; at least 1 is needed".to_owned()));
    }
    let mut weights = PackedWeights::new(network, |_| false);
    weights.pack(&Threads::single(), parameters);
    let mut cache = Cache { mode, activations: vec![inputs.to_matrix()], pre_activations: Vec::new() };
    let mut input = in_panels(inputs);
    for l in 1..=network.depth() {
        let (layer, width) = (network.layers()[l - 1].compute(), network.width(l));
        let context = Context { weights: weights.layer(l, parameters), layer: l, mode, first_sample: 0 };
        let (mut z, mut a) = (Matrix::zeros(batch, width), Matrix::zeros(batch, width));
        let input_panels = Panels::new(&input, batch, network.width(l - 1));
        let mut a_panels = vec![T::zero(); batch * width];
        if l < network.depth() {
            let mut z_panels = vec![T::zero(); batch * width];
            layer.forward(context, input_panels, Some(&mut z_panels), &mut a_panels);
            Panels::new(&z_panels, batch, width).to_rows(z.as_mut_slice());
            Panels::new(&a_panels, batch, width).to_rows(a.as_mut_slice());
        } else {
            let activation = network.output_activation();
            output(
                layer,
                context,
                input_panels,
                activation,
                (&mut a_panels, z.as_mut_slice(), a.as_mut_slice()),
            );
        }
        cache.pre_activations.push(z);
        cache.activations.push(a);
        input = a_panels;
    }
    Ok(cache)
}

/// A matrix copied into panels.
pub(crate) fn in_panels<T: Scalar>(matrix: MatrixView<'_, T>) -> Vec<T> {
    let mut panels = vec![T::zero(); matrix.as_slice().len()];
    from_rows(matrix, &mut panels);
    panels
}

/// The last layer: z and a row by row, as losses take them. The first buffer is scratch, as large as z; it
/// may be empty where z is one panel.
pub(crate) fn output<T: Scalar>(
    layer: &dyn Compute<T>,
    context: Context<'_, T>,
    input: Panels<'_, T>,
    activation: Activation,
    (scratch, z, a): (&mut [T], &mut [T], &mut [T]),
) {
    let (rows, width) = (input.rows(), z.len() / input.rows());
    if width <= panel_width::<T>() {
        layer.pre_activation(context, input, z);
    } else {
        layer.pre_activation(context, input, scratch);
        Panels::new(scratch, rows, width).to_rows(z);
    }
    a.copy_from_slice(z);
    if activation == Activation::Softmax {
        softmax_rows(a, width);
    }
    activation.apply_in_place(a);
}

/// Samples that [`infer`] takes through the network at once.
const INFERENCE_BATCH: usize = 128;

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
    let mut weights = PackedWeights::new(network, |_| false);
    weights.pack(threads, parameters);
    let widest = (0..=network.depth()).map(|l| network.width(l)).max().unwrap_or(0);
    let chunk = INFERENCE_BATCH * outputs;
    let rows = (z.as_mut_slice(), a.as_mut_slice());
    for_each_chunk(threads, rows, (chunk, chunk), |block, z, a| {
        let rows = z.len() / outputs;
        let first_sample = block * INFERENCE_BATCH;
        let mut buffers = [(); 2].map(|()| vec![T::zero(); rows * widest]);
        let input = &mut buffers[0][..rows * network.input_width()];
        inputs.write_panels(first_sample..first_sample + rows, input);
        for l in 1..=network.depth() {
            let layer = network.layers()[l - 1].compute();
            let (mode, weights) = (Mode::Inference, weights.layer(l, parameters));
            let context = Context { weights, layer: l, mode, first_sample };
            let [previous, next] = &mut buffers;
            let (n_in, n_out) = (network.width(l - 1), network.width(l));
            let input = Panels::new(&previous[..rows * n_in], rows, n_in);
            if l < network.depth() {
                layer.forward(context, input, None, &mut next[..rows * n_out]);
            } else {
                let scratch = &mut next[..rows * n_out];
                output(layer, context, input, network.output_activation(), (scratch, &mut *z, &mut *a));
            }
            buffers.swap(0, 1);
        }
    });
    Ok((z, a))
}
