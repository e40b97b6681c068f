//! Steps 2 to 4: the output error, the error signals of all layers, and the gradients.

use crate::error::{Error, Result};
use crate::forward::{Cache, in_panels};
use crate::kernel::Scalar;
use crate::kernel::gemm::Accumulate;
use crate::kernel::panels::Panels;
use crate::layer::{GradientContext, LayerTensors};
use crate::loss::{Loss, Output, Targets};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::parameters::{Gradients, Parameters};
use crate::walk::Walk;

/// What step 2 gives.
#[derive(Clone, Debug)]
pub struct OutputError<T> {
    /// The batch's loss: the weighted mean over its samples.
    pub loss: f64,
    /// delta(L), shape [B, n_L].
    pub delta: Matrix<T>,
}

/// Step 2: the loss, and delta(L) = dLoss/dz(L), from the output and the targets.
///
/// For softmax with cross-entropy, sigmoid with binary cross-entropy and identity with half squared error
/// delta(L) is (prediction - target) / B. Every other pair works too: see [`Loss`].
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let inputs = Matrix::from_rows(&[[0.5, -1.0]]);
/// let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// let error = output_error(&network, &cache, &Loss::cross_entropy(), Targets::Classes(&[1]), None)?;
/// // Softmax with cross-entropy: the prediction less the target.
/// assert!((error.delta[(0, 0)] - cache.output()[(0, 0)]).abs() < 1e-15);
/// assert!((error.delta[(0, 1)] - (cache.output()[(0, 1)] - 1.0)).abs() < 1e-15);
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// # Errors
/// When targets or weights do not fit the loss or the batch.
#[inline(never)]
pub fn output_error<T: Scalar>(
    network: &Network,
    cache: &Cache<T>,
    loss: &Loss,
    targets: Targets<'_, T>,
    sample_weights: Option<&[T]>,
) -> Result<OutputError<T>> {
    check_cache(network, cache)?;
    let (batch, width) = (cache.batch_size(), network.output_width());
    loss.check(width)?;
    loss.check_targets(batch, width, targets, sample_weights)?;
    let output = Output {
        activation: network.output_activation(),
        width,
        z: cache.pre_activation(cache.depth()).as_slice(),
        a: cache.output().as_slice(),
    };
    let mut delta = Matrix::zeros(batch, width);
    let sum = loss.output_error(output, targets, sample_weights, delta.as_mut_slice())?;
    Ok(OutputError { loss: sum.mean(), delta })
}

/// delta(1)..delta(L).
#[derive(Clone, Debug)]
pub struct Deltas<T>(Vec<Matrix<T>>);

impl<T> From<Vec<Matrix<T>>> for Deltas<T> {
    /// delta(1)..delta(L), in this order.
    fn from(deltas: Vec<Matrix<T>>) -> Self {
        Deltas(deltas)
    }
}

impl<T: Scalar> Deltas<T> {
    /// delta(l), shape [B, n_l], l from 1.
    pub fn delta(&self, l: usize) -> &Matrix<T> {
        &self.0[l - 1]
    }
}

/// Step 3: delta(l) = (delta(l+1) W(l+1)) * sigma'(z(l)), for l = L-1..1.
///
/// ```
/// # use chainrule::*;
/// # let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// # let parameters = network.initialize::<f64>(1);
/// # let inputs = Matrix::from_rows(&[[0.5, -1.0]]);
/// # let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// # let error = output_error(&network, &cache, &Loss::cross_entropy(), Targets::Classes(&[1]), None)?;
/// let deltas = backward(&network, &parameters, &cache, error.delta)?;
/// // delta(1) of the first neuron: the error that its two weights carry back, times tanh' = 1 - a^2.
/// let (w, a) = (parameters.weight(2), cache.activation(1)[(0, 0)]);
/// let carried = deltas.delta(2).row(0).iter().zip([w.element(0, 0), w.element(1, 0)]).map(|(d, w)| d * w).sum::<f64>();
/// assert!((deltas.delta(1)[(0, 0)] - carried * (1.0 - a * a)).abs() < 1e-15);
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// # Errors
/// When an argument does not have the network's shapes.
#[inline(never)]
pub fn backward<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    cache: &Cache<T>,
    output_delta: Matrix<T>,
) -> Result<Deltas<T>> {
    network.check_parameters(parameters)?;
    check_cache(network, cache)?;
    let output = cache.output();
    check_delta(network.depth(), output, &output_delta)?;
    let mut deltas = vec![output_delta];
    for l in (1..network.depth()).rev() {
        let mut delta = carry_back(network, parameters, cache, l, &deltas[deltas.len() - 1]);
        through_activation(network, cache, l, &mut delta);
        deltas.push(delta);
    }
    deltas.reverse();
    Ok(Deltas(deltas))
}

/// dLoss/da(l) from delta(l+1): the error carried back through W(l+1).
pub(crate) fn carry_back<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    cache: &Cache<T>,
    l: usize,
    delta: &Matrix<T>,
) -> Matrix<T> {
    let (rows, width) = (cache.batch_size(), network.width(l));
    let walk = Walk {
        network,
        parameters: parameters.view(),
        mode: cache.mode,
        rows,
        first_sample: 0,
        threads: None,
    };
    let input = walk.backward_reads_input(l + 1).then(|| in_panels(cache.activation(l).view()));
    let mut panels = vec![T::zero(); rows * width];
    walk.carry_back(l + 1, &in_panels(delta.view()), input.as_deref(), &mut panels);
    let mut error = Matrix::zeros(rows, width);
    Panels::new(&panels, rows, width).to_rows(error.as_mut_slice());
    error
}

/// dLoss/da(l) * sigma'(z(l)) = delta(l), in place.
pub(crate) fn through_activation<T: Scalar>(
    network: &Network,
    cache: &Cache<T>,
    l: usize,
    error: &mut Matrix<T>,
) {
    let layer = &network.layers()[l - 1];
    let mut state =
        if layer.keeps_pre_activation() { cache.pre_activation(l) } else { cache.activation(l) }.clone();
    layer.compute().error_to_delta(state.as_mut_slice(), error.as_mut_slice());
}

/// Step 4: dW(l) = delta(l)^T a(l-1), db(l) = the column sums of delta(l).
///
/// Those of a dense layer do not depend on its parameters; of other kinds some do, such as [`Columns`](crate::layer::Columns).
///
/// ```
/// # use chainrule::*;
/// # let network = Network::builder(2).dense(3, Activation::Tanh).dense(2, Activation::Softmax).build()?;
/// # let parameters = network.initialize::<f64>(1);
/// # let inputs = Matrix::from_rows(&[[0.5, -1.0]]);
/// # let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// # let error = output_error(&network, &cache, &Loss::cross_entropy(), Targets::Classes(&[1]), None)?;
/// # let deltas = backward(&network, &parameters, &cache, error.delta)?;
/// let gradients = gradients(&network, &parameters, &cache, &deltas)?;
/// // Of one sample: the outer product of delta(1) and the inputs.
/// assert_eq!(gradients.weight(1).element(2, 1), deltas.delta(1)[(0, 2)] * inputs[(0, 1)]);
/// assert_eq!(gradients.bias(1).unwrap().to_vec(), deltas.delta(1).row(0));
/// # Ok::<(), chainrule::Error>(())
/// ```
///
/// # Errors
/// When an argument does not have the network's shapes.
#[inline(never)]
pub fn gradients<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    cache: &Cache<T>,
    deltas: &Deltas<T>,
) -> Result<Gradients<T>> {
    network.check_parameters(parameters)?;
    check_cache(network, cache)?;
    if deltas.0.len() != network.depth() {
        return Err(Error::shape("deltas", network.depth(), deltas.0.len()));
    }
    let mut gradients = network.zeros();
    for l in 1..=network.depth() {
        check_delta(l, cache.activation(l), deltas.delta(l))?;
        let (delta, input) = (deltas.delta(l).view(), cache.activation(l - 1).view());
        let (delta_panels, input_panels) = (in_panels(delta), in_panels(input));
        let delta = Panels::new(&delta_panels, delta.rows(), delta.columns());
        let input = Panels::new(&input_panels, input.rows(), input.columns());
        for (number, tensor) in network.layer_tensors(l).iter().enumerate() {
            let layer = network.layers()[l - 1].compute();
            let tensors = Some(LayerTensors::of(parameters.view(), l));
            let context = GradientContext { tensor: number, tensors };
            let gradient = gradients.numbers_mut(tensor);
            for (piece, range) in tensor.pieces::<T>(tensor.rows) {
                let gradient = &mut gradient[range];
                layer.gradient(context, &piece, delta.into(), input.into(), Accumulate::Replace, gradient);
            }
        }
    }
    Ok(gradients)
}

fn check_cache<T: Scalar>(network: &Network, cache: &Cache<T>) -> Result<()> {
    if cache.depth() != network.depth() {
        return Err(Error::shape("layers in the cache", network.depth(), cache.depth()));
    }
    for l in 0..=network.depth() {
        let (expected, found) = (network.width(l), cache.activation(l).columns());
        if expected != found {
            return Err(Error::shape(format!("width of a({l}) in the cache"), expected, found));
        }
    }
    Ok(())
}

fn check_delta<T: Scalar>(l: usize, a: &Matrix<T>, delta: &Matrix<T>) -> Result<()> {
    let shape = |m: &Matrix<T>| format!("{} x {}", m.rows(), m.columns());
    if shape(a) != shape(delta) {
        return Err(Error::shape(format!("delta({l})"), shape(a), shape(delta)));
    }
    Ok(())
}
