//! Temperature scaling (Guo and others 2017, "On calibration of modern neural networks"): the one factor of z(L), the inverse of a
//! temperature, with the lowest loss on the validation samples. An epoch is compared with others after it (Berta and others 2025,
//! "Rethinking early stopping: refine, then calibrate"), since networks grow sure of themselves long before they stop to improve.

use super::metrics::{self, Evaluation};
use crate::activation::{Activation, OutputActivation};
use crate::error::{Error, Result};
use crate::forward::{INFERENCE_BATCH, infer_with_pre_activation};
use crate::kernel::parts::for_each_chunk;
use crate::kernel::{Scalar, Threads};
use crate::loss::{Loss, Output};
use crate::matrix::Matrix;
use crate::network::Network;
use crate::parameters::Parameters;
use crate::samples::Samples;

/// The factor is between the inverse of this and this.
const LARGEST: f64 = 16.0;
/// The interval of log factor is halved so often: then it is 3e-7 wide.
const HALVINGS: usize = 24;

/// Fails unless a factor of z(L) changes the loss as a temperature does. The last layer, which is dense, can take it.
pub(super) fn check(network: &Network, loss: &Loss) -> Result<()> {
    if loss.has_temperature(network.output_activation()) {
        return Ok(());
    }
    let allowed = "needs cross-entropy, and a last layer with softmax or without an activation";
    Err(Error::Hyperparameter { name: "temperature_scaling", value: "true".to_owned(), allowed })
}

/// The loss and the metrics with the best factor, and the factor.
pub(super) fn evaluate<T: Scalar>(
    threads: &Threads,
    network: &Network,
    parameters: &Parameters<T>,
    loss: &Loss,
    samples: Samples<'_, T>,
    positive_class: u32,
) -> Result<(Evaluation, f64)> {
    let activation = network.output_activation();
    let total_weight = metrics::check(network, loss, samples, positive_class)?;
    let (mut z, mut a) = infer_with_pre_activation(threads, network, parameters, samples.inputs)?;
    let smoothed = smoothed(loss, counted(samples));
    let factor =
        best_factor(|factor| slope(threads, &smoothed, activation, &z, samples, total_weight, factor));
    let scale = T::from_f64(factor);
    z.as_mut_slice().iter_mut().for_each(|z| *z *= scale);
    a.as_mut_slice().copy_from_slice(z.as_slice());
    OutputActivation::from(activation).apply_in_place(z.columns(), a.as_mut_slice());
    let found = metrics::measure(threads, loss, activation, (z, a), samples, total_weight, positive_class);
    Ok((found, factor))
}

/// Multiplies the last layer's parameters, and so z(L).
pub(super) fn multiply<T: Scalar>(network: &Network, parameters: &mut Parameters<T>, factor: f64) {
    let factor = T::from_f64(factor);
    for tensor in network.layer_tensors(network.depth()) {
        parameters.numbers_mut(tensor).iter_mut().for_each(|w| *w *= factor);
    }
}

/// Samples that are there: those of weight 0 are not.
fn counted<T: Scalar>(samples: Samples<'_, T>) -> usize {
    let weights = samples.sample_weights;
    weights
        .map_or(samples.inputs.rows(), |weights| weights.iter().filter(|weight| **weight > T::zero()).count())
}

/// The loss as though one more sample had been seen, of all classes alike. Without it a network that makes no mistake in
/// validation would be infinitely sure.
fn smoothed(loss: &Loss, rows: usize) -> Loss {
    let mut loss = loss.clone();
    if let Loss::CrossEntropy { label_smoothing, .. } = &mut loss {
        *label_smoothing += (1.0 - *label_smoothing) / (rows + 1) as f64;
    }
    loss
}

/// Where the slope of the loss, which grows with the factor, passes 0.
fn best_factor(slope: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-LARGEST.ln(), LARGEST.ln());
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        *(if slope(middle.exp()) < 0.0 { &mut low } else { &mut high }) = middle;
    }
    ((low + high) / 2.0).exp()
}

/// dLoss / d factor = sum over samples and outputs of delta z, with delta where z(L) is multiplied by the factor.
fn slope<T: Scalar>(
    threads: &Threads,
    loss: &Loss,
    activation: Activation,
    z: &Matrix<T>,
    samples: Samples<'_, T>,
    total_weight: f64,
    factor: f64,
) -> f64 {
    let width = z.columns();
    let mut slopes = vec![0.0; z.rows()];
    for_each_chunk(threads, (&mut slopes, &mut [()][..0]), (INFERENCE_BATCH, 1), |block, slopes, _| {
        let first = block * INFERENCE_BATCH;
        let rows = first..first + slopes.len();
        let z = &z.as_slice()[rows.start * width..rows.end * width];
        let scale = T::from_f64(factor);
        let scaled: Vec<T> = z.iter().map(|&z| z * scale).collect();
        let (mut a, mut delta) = (scaled.clone(), vec![T::zero(); z.len()]);
        OutputActivation::from(activation).apply_in_place(width, &mut a);
        let targets = samples.targets.slice(rows.clone());
        let weights = samples.sample_weights.map(|weights| &weights[rows]);
        let output = Output { activation, width, z: &scaled, a: &a };
        // The losses, which nobody asks for here, make room for the slopes.
        loss.output_error_rows(output, targets, weights, total_weight, &mut delta, slopes);
        for ((slope, z), delta) in slopes.iter_mut().zip(z.chunks_exact(width)).zip(delta.chunks_exact(width))
        {
            *slope = z.iter().zip(delta).map(|(z, delta)| z.as_f64() * delta.as_f64()).sum();
        }
    });
    slopes.iter().sum()
}
