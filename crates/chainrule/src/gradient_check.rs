//! Gradients against central finite differences, in f64.
//!
//! For a parameter w, dLoss/dw is compared with D(h) = (Loss(w + h) - Loss(w - h)) / 2h, whose error is of
//! the order of h^2 (truncation) + 1e-16 / h (round-off). Where that is not good enough, because the loss is
//! strongly curved or the derivative very small, Richardson's extrapolation (4 D(h) - D(2h)) / 3 is tried with
//! larger steps: its truncation error is of the order of h^4. Where some z, or an output of a loss with
//! corners, passes a kink between w - h and w + h, there is no derivative to compare with: such a parameter
//! is counted as "at a kink" and not as a failure.

use crate::backward::{backward, gradients, output_error};
use crate::error::{Error, Result};
use crate::forward::{Cache, Mode, forward};
use crate::loss::Loss;
use crate::network::Network;
use crate::parameters::{Gradients, Parameters, TensorLayout};
use crate::random::{Purpose, Random, Stream};
use crate::step::Samples;

/// How thoroughly to check.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// h, relative to max(1, |w|); default 1e-5. Where the error is above the tolerance, extrapolated
    /// differences with h / 10, 10 h and 100 h are tried as well, and the best counts.
    pub step: f64,
    /// The largest relative error that passes; default 1e-6.
    pub tolerance: f64,
    /// Parameters to check in each tensor, drawn at random; default all.
    pub samples_per_tensor: Option<usize>,
    /// For drawing.
    pub seed: u64,
    /// Whether dropout drops; default inference.
    pub mode: Mode,
}

impl Default for CheckOptions {
    fn default() -> Self {
        let (step, tolerance) = (1e-5, 1e-6);
        CheckOptions { step, tolerance, samples_per_tensor: None, seed: 0, mode: Mode::Inference }
    }
}

/// One parameter's two derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Row in the tensor (0 for a bias).
    pub row: usize,
    /// Column in the tensor.
    pub column: usize,
    /// From backpropagation.
    pub backpropagated: f64,
    /// From differences.
    pub numerical: f64,
    /// |difference| over the larger of the two derivatives, or over the smallest derivative that differences can
    /// measure, if both are below it: a ten-thousandth of the tensor's largest derivative, or a million times the
    /// differences' own round-off, 4 epsilon (|Loss| + largest |z(L)|) / h.
    pub relative_error: f64,
}

/// One tensor's result.
#[derive(Clone, Debug)]
pub struct TensorReport {
    /// Which tensor.
    pub tensor: TensorLayout,
    /// How many parameters were compared.
    pub compared: usize,
    /// How many have a kink within the step.
    pub at_kink: usize,
    /// The parameter with the largest relative error; none if none was compared.
    pub worst: Option<Comparison>,
    /// |backpropagated - numerical| / (|backpropagated| + |numerical|), as vectors of all compared parameters.
    pub norm_error: f64,
    /// Whether the largest relative error is within the tolerance.
    pub passed: bool,
}

/// The result of a check.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// The loss at the parameters checked.
    pub loss: f64,
    /// One entry for each tensor, in the order of the layers.
    pub tensors: Vec<TensorReport>,
}

impl CheckReport {
    /// Whether every tensor passed, and anything was compared at all.
    pub fn passed(&self) -> bool {
        self.tensors.iter().all(|report| report.passed)
            && self.tensors.iter().any(|report| report.compared > 0)
    }

    /// The largest relative error of all.
    pub fn worst_error(&self) -> f64 {
        let errors = self.tensors.iter().filter_map(|report| report.worst.as_ref());
        errors.map(|worst| worst.relative_error).fold(0.0, f64::max)
    }
}

/// Checks the gradients that backpropagation gives for any network, loss and data.
///
/// # Errors
/// When shapes do not fit, or the loss is not finite.
pub fn gradient_check(
    network: &Network,
    parameters: &Parameters<f64>,
    loss: &Loss,
    samples: Samples<'_, f64>,
    options: &CheckOptions,
) -> Result<CheckReport> {
    let cache = forward(network, parameters, samples.inputs.to_matrix().view(), options.mode)?;
    let error = output_error(network, &cache, loss, samples.targets, samples.sample_weights)?;
    let deltas = backward(network, parameters, &cache, error.delta)?;
    let gradients = gradients(network, &cache, &deltas)?;
    check_gradients(network, parameters, loss, samples, &gradients, options)
}

/// Checks gradients from anywhere.
///
/// # Errors
/// When shapes do not fit, or the loss is not finite.
pub fn check_gradients(
    network: &Network,
    parameters: &Parameters<f64>,
    loss: &Loss,
    samples: Samples<'_, f64>,
    gradients: &Gradients<f64>,
    options: &CheckOptions,
) -> Result<CheckReport> {
    network.check_parameters(gradients)?;
    let mut probe = Probe { network, loss, samples, mode: options.mode, parameters: parameters.clone() };
    let (center_loss, cache) = probe.loss()?;
    if !center_loss.is_finite() {
        return Err(Error::Data(format!("the loss is {center_loss}: there is no gradient to check")));
    }
    let z = cache.pre_activation(network.depth()).as_slice();
    let largest_z = z.iter().fold(0.0f64, |largest, z| largest.max(z.abs()));
    let center = Center { loss: center_loss, magnitude: center_loss.abs() + largest_z };
    let mut tensors = Vec::new();
    for (index, tensor) in parameters.tensors().iter().enumerate() {
        let values = gradients.tensor(tensor);
        let largest = values.iter().fold(0.0f64, |largest, g| largest.max(g.abs()));
        let mut report = TensorReport {
            tensor: tensor.clone(),
            compared: 0,
            at_kink: 0,
            worst: None,
            norm_error: 0.0,
            passed: true,
        };
        let (mut difference, mut sizes) = (0.0, (0.0, 0.0));
        for element in chosen(tensor.count(), index, options) {
            let comparison = compare(&mut probe, tensor, element, values[element], largest, center, options)?;
            let Some(comparison) = comparison else {
                report.at_kink += 1;
                continue;
            };
            report.compared += 1;
            difference += (comparison.backpropagated - comparison.numerical).powi(2);
            sizes.0 += comparison.backpropagated.powi(2);
            sizes.1 += comparison.numerical.powi(2);
            // NaN is worse than anything.
            let worse = report.worst.as_ref().is_none_or(|worst: &Comparison| {
                comparison.relative_error.is_nan() || comparison.relative_error > worst.relative_error
            });
            if worse {
                report.worst = Some(comparison);
            }
        }
        let size: f64 = f64::sqrt(sizes.0) + f64::sqrt(sizes.1);
        report.norm_error = if size > 0.0 { f64::sqrt(difference) / size } else { 0.0 };
        report.passed = report.worst.as_ref().is_none_or(|worst| worst.relative_error <= options.tolerance);
        tensors.push(report);
    }
    Ok(CheckReport { loss: center.loss, tensors })
}

/// Which elements of a tensor to check, in order.
fn chosen(count: usize, index: usize, options: &CheckOptions) -> Vec<usize> {
    let mut elements: Vec<usize> = (0..count).collect();
    if let Some(samples) = options.samples_per_tensor.filter(|&samples| samples < count) {
        let stream = Stream::new(options.seed, Purpose::Sampling, index, 0, 0);
        Random::new(stream).shuffle(&mut elements);
        elements.truncate(samples);
        elements.sort_unstable();
    }
    elements
}

/// The relative round-off at which a derivative still counts as measured.
const MEASURABLE: f64 = 1e-6;

/// The best comparison of up to four differences; none where each step passes a kink.
fn compare(
    probe: &mut Probe<'_>,
    tensor: &TensorLayout,
    element: usize,
    backpropagated: f64,
    largest: f64,
    center: Center,
    options: &CheckOptions,
) -> Result<Option<Comparison>> {
    let mut best: Option<Comparison> = None;
    for (factor, extrapolated) in [(1.0, false), (10.0, true), (100.0, true), (0.1, true)] {
        let w = probe.parameters.tensor(tensor)[element];
        let h = options.step * factor * w.abs().max(1.0);
        let Some(mut numerical) = probe.difference(tensor, element, w, h)? else { continue };
        if extrapolated {
            let Some(wide) = probe.difference(tensor, element, w, 2.0 * h)? else { continue };
            numerical = (4.0 * numerical - wide) / 3.0;
        }
        let round_off = 4.0 * f64::EPSILON * center.magnitude / h;
        let derivative = backpropagated.abs().max(numerical.abs());
        let scale = derivative.max(1e-4 * largest).max(round_off / MEASURABLE).max(f64::MIN_POSITIVE);
        let relative_error = (backpropagated - numerical).abs() / scale;
        let (row, column) = (element / tensor.columns, element % tensor.columns);
        let comparison = Comparison { row, column, backpropagated, numerical, relative_error };
        if best.as_ref().is_none_or(|best| comparison.relative_error < best.relative_error) {
            best = Some(comparison);
        }
        if relative_error <= options.tolerance {
            break;
        }
    }
    Ok(best)
}

/// The loss at the parameters checked.
#[derive(Clone, Copy)]
struct Center {
    loss: f64,
    /// What its rounding errors are relative to: the loss is a difference of numbers as large as z(L).
    magnitude: f64,
}

/// A loss as a function of one parameter.
struct Probe<'a> {
    network: &'a Network,
    loss: &'a Loss,
    samples: Samples<'a, f64>,
    mode: Mode,
    parameters: Parameters<f64>,
}

impl Probe<'_> {
    fn loss(&self) -> Result<(f64, Cache<f64>)> {
        let Samples { inputs, targets, sample_weights } = self.samples;
        let cache = forward(self.network, &self.parameters, inputs.to_matrix().view(), self.mode)?;
        let error = output_error(self.network, &cache, self.loss, targets, sample_weights)?;
        Ok((error.loss, cache))
    }

    /// (Loss(w + h) - Loss(w - h)) / 2h for one parameter, which then has the value w again; none at a kink.
    fn difference(&mut self, tensor: &TensorLayout, element: usize, w: f64, h: f64) -> Result<Option<f64>> {
        let mut at = |value: f64| {
            self.parameters.tensor_mut(tensor)[element] = value;
            self.loss()
        };
        let ((up, cache_up), (down, cache_down)) = (at(w + h)?, at(w - h)?);
        self.parameters.tensor_mut(tensor)[element] = w;
        let derivative = (up - down) / ((w + h) - (w - h));
        Ok((!self.passes_kink(&cache_up, &cache_down)).then_some(derivative))
    }

    fn passes_kink(&self, up: &Cache<f64>, down: &Cache<f64>) -> bool {
        let depth = self.network.depth();
        let hidden = (1..=depth).any(|l| {
            let kinks = self.network.layers()[l - 1].describe().activation().kinks();
            let pairs = up.pre_activation(l).as_slice().iter().zip(down.pre_activation(l).as_slice());
            let passes = |a: f64, b: f64, k: f64| a != b && (a - k) * (b - k) <= 0.0;
            !kinks.is_empty() && pairs.into_iter().any(|(&a, &b)| kinks.iter().any(|&k| passes(a, b, k)))
        });
        let n = self.network.output_width();
        let (up, down) = (up.output(), down.output());
        hidden
            || (0..up.rows()).any(|i| {
                let target = self.samples.targets.row(i);
                (0..n).any(|j| self.loss.has_corner_between(up[(i, j)], down[(i, j)], target.at(j, n)))
            })
    }
}
