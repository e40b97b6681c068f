//! Step 1: forward, caching z(l) and a(l) for l = 1..L.

use crate::activation::{Activation, OutputActivation};
use crate::error::{Error, Result};
use crate::inputs::Inputs;
use crate::kernel::panels::{Panels, from_rows};
use crate::kernel::parts::{Scratch, for_each_chunk_with};
use crate::kernel::transpose::{transpose, transpose_to_rows};
use crate::kernel::{Scalar, Threads};
use crate::matrix::{Matrix, MatrixView};
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::walk::{Next, Shown, Walk};

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
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let inputs = Matrix::from_rows(&[[0.5, -1.0]]);
/// let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// let (w, b, z) = (parameters.weight(1), parameters.bias(1).unwrap(), cache.pre_activation(1));
/// let sum = 0.5 * w.element(0, 0) - 1.0 * w.element(0, 1) + b.element(0, 0);
/// assert!((z[(0, 0)] - sum).abs() < 1e-15);
/// assert_eq!(cache.activation(1)[(0, 0)].to_bits(), Activation::Tanh.elementwise().unwrap().value(z[(0, 0)]).to_bits());
/// # Ok::<(), chainrule::Error>(())
/// ```
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
        return Err(Error::Empty { what: "samples" });
    }
    let mut cache = Cache { mode, activations: vec![inputs.to_matrix()], pre_activations: Vec::new() };
    let room = || vec![T::zero(); batch * network.widest()];
    let (mut input, mut next) = (room(), room());
    transpose(
        Panels::new(&in_panels(inputs), batch, inputs.columns()),
        &mut input[..inputs.as_slice().len()],
    );
    let walk =
        Walk { network, parameters: parameters.view(), mode, rows: batch, first_sample: 0, threads: None };
    walk.forward(1..=network.depth(), [&mut input, &mut next], |l, shown, values| {
        let mut rows = Matrix::zeros(batch, network.width(l));
        transpose_to_rows(Panels::new(values, network.width(l), batch), rows.as_mut_slice());
        match shown {
            Shown::PreActivation => cache.pre_activations.push(rows),
            Shown::Activation => cache.activations.push(rows),
        }
        Next::On
    });
    let mut output = cache.pre_activation(network.depth()).clone();
    activate_output(network.output_activation(), network.output_width(), output.as_mut_slice());
    cache.activations.push(output);
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
    OutputActivation::from(activation).apply_in_place(width, values);
}

/// Samples that [`infer`] takes through the network at once.
pub(crate) const INFERENCE_BATCH: usize = 128;

/// The network's output for any number of samples, on all threads, keeping nothing else: [samples, n_L].
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let inputs = Matrix::from_rows(&[[0.5, -1.0]]);
/// let output = infer(&Threads::single(), &network, &parameters, inputs.view())?;
/// assert_eq!((output.rows(), output.columns()), (1, 2));
/// let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// assert_eq!(&output, cache.output());
/// # Ok::<(), chainrule::Error>(())
/// ```
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
    let widest = network.widest();
    let chunk = INFERENCE_BATCH * outputs;
    let rows = (z.as_mut_slice(), a.as_mut_slice());
    let mut scratch = Scratch::new(2 * samples.min(INFERENCE_BATCH) * widest);
    for_each_chunk_with(threads, rows, (chunk, chunk), &mut scratch, |block, z, a, scratch| {
        let rows = z.len() / outputs;
        let first_sample = block * INFERENCE_BATCH;
        let (next, input) = scratch.split_at_mut(scratch.len() / 2);
        let numbers = rows * network.input_width();
        inputs.write_panels(first_sample..first_sample + rows, &mut next[..numbers]);
        transpose(Panels::new(&next[..numbers], rows, network.input_width()), &mut input[..numbers]);
        // Otherwise the threads have blocks of samples each.
        let threads = (samples == 1).then_some(threads);
        let walk = Walk {
            network,
            parameters: parameters.view(),
            mode: Mode::Inference,
            rows,
            first_sample,
            threads,
        };
        let all = |_: usize, _: Shown, _: &mut [T]| Next::On;
        let output = walk.forward(1..=network.depth(), [input, next], all);
        transpose_to_rows(Panels::new(&output[..rows * outputs], outputs, rows), z);
        a.copy_from_slice(z);
        activate_output(network.output_activation(), outputs, a);
    });
    Ok((z, a))
}
