//! Gradients against central finite differences, in f64.
//!
//! For a parameter w, dLoss/dw is compared with D(h) = (Loss(w + h) - Loss(w - h)) / 2h, whose error is of
//! the order of h^2 (truncation) + 1e-16 / h (round-off). Where that is not good enough, because the loss is
//! strongly curved or the derivative very small, Richardson's extrapolation (4 D(h) - D(2h)) / 3 is tried with
//! larger steps: its truncation error is of the order of h^4. Where some z, or an output of a loss with
//! corners, passes a kink between w - h and w + h, there is no derivative to compare with: such a parameter
//! is counted as "at a kink" and not as a failure.
//!
//! A loss is computed by a forward pass from the parameter's layer on; [`CheckOptions::most_work`] says what becomes of
//! networks with thousands of tensors.

mod sides;

use std::collections::VecDeque;
use std::ops::Range;

use crate::backward::{backward, gradients, output_error};
use crate::error::{Error, Result};
use crate::forward::forward;
use crate::loss::{Loss, Output};
use crate::matrix::Matrix;
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::{Gradients, Parameters, TensorLayout};
use crate::random::{Purpose, Random, Stream};
use crate::samples::Samples;
use crate::watch::tell;
use sides::{Ends, Sides};

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
    /// Work after which no other tensor is begun, in multiplications and what takes as long; some 10^9 are a second. There
    /// are at least [`FEWEST_TENSORS`] that are checked: the first, the last, and others spread over the layers, drawn at
    /// random. Default none: all are.
    pub most_work: Option<u64>,
    /// Whether dropout drops; default inference.
    pub mode: Mode,
}

impl Default for CheckOptions {
    fn default() -> Self {
        let (step, tolerance) = (1e-5, 1e-6);
        let (samples_per_tensor, most_work) = (None, None);
        CheckOptions { step, tolerance, samples_per_tensor, seed: 0, most_work, mode: Mode::Inference }
    }
}

/// Tensors that are checked whatever it takes, if there are so many.
pub const FEWEST_TENSORS: usize = 32;

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
    /// One entry for each tensor that was checked, in the order of the layers.
    pub tensors: Vec<TensorReport>,
    /// How many tensors were not checked, because of [`CheckOptions::most_work`].
    pub unchecked: usize,
}

impl CheckReport {
    /// Whether every tensor that was checked passed, and anything was compared at all.
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
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let (inputs, wanted) = (Matrix::from_rows(&[[0.5, -1.0]]), Matrix::from_rows(&[[0.3]]));
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::from(&wanted), sample_weights: None };
/// let options = gradient_check::CheckOptions::default();
/// let report = gradient_check(&network, &parameters, &Loss::HalfSquaredError, samples, &options)?;
/// assert!(report.passed() && report.worst_error() < 1e-6);
/// assert_eq!(report.tensors.iter().map(|tensor| tensor.compared).sum::<usize>(), 2 * 3 + 3 + 3 + 1);
/// # Ok::<(), chainrule::Error>(())
/// ```
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
    let gradients = gradients(network, parameters, &cache, &deltas)?;
    check_gradients(network, parameters, loss, samples, &gradients, options)
}

/// Checks gradients from anywhere.
///
/// ```
/// use chainrule::*;
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let (inputs, wanted) = (Matrix::from_rows(&[[0.5, -1.0]]), Matrix::from_rows(&[[0.3]]));
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::from(&wanted), sample_weights: None };
/// let loss = Loss::HalfSquaredError;
/// let mut gradients = reference::compute(&network, &parameters, &loss, samples, Mode::Inference, None)?.gradients;
/// let options = gradient_check::CheckOptions::default();
/// let check = |gradients: &Gradients<f64>| {
///     gradient_check::check_gradients(&network, &parameters, &loss, samples, gradients, &options)
/// };
/// assert!(check(&gradients)?.passed());
/// // A wrong one is found, and named.
/// let tensor = network.layer_tensors(1)[0].clone();
/// gradients.set_element(&tensor, 2, 1, 0.5);
/// let report = check(&gradients)?;
/// let worst = report.tensors[0].worst.as_ref().unwrap();
/// assert!(!report.passed() && (worst.row, worst.column) == (2, 1));
/// # Ok::<(), chainrule::Error>(())
/// ```
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
    let mut checker = Checker::new(network, parameters, loss, samples, gradients, options)?;
    let all = parameters.tensors().len();
    let order = if options.most_work.is_some() { spread(all, options.seed) } else { (0..all).collect() };
    let mut reports = Vec::new();
    for index in order {
        let done = reports.len();
        if options.most_work.is_some_and(|most| done >= FEWEST_TENSORS && checker.work() >= most) {
            break;
        }
        // What ends first: the tensors, or the work that may be done.
        let share = |checker: &Checker<'_>, part: f64| {
            let done = done as f64 + part;
            let of_work = options.most_work.map_or(0.0, |most| checker.work() as f64 / most.max(1) as f64);
            f64::max(done / all as f64, f64::min(done / FEWEST_TENSORS as f64, of_work.min(1.0)))
        };
        reports.push((index, checker.report(index, share)?));
    }
    reports.sort_by_key(|(index, _)| *index);
    let tensors: Vec<_> = reports.into_iter().map(|(_, report)| report).collect();
    Ok(CheckReport { loss: checker.loss(), unchecked: all - tensors.len(), tensors })
}

/// 0..count in an order of which every beginning is spread over all: the first, the last, and then again and again one from the
/// middle of the largest gap between those before, drawn at random.
fn spread(count: usize, seed: u64) -> Vec<usize> {
    let mut random = Random::new(Stream::new(seed, Purpose::Sampling, 0, 1, 0));
    let mut order: Vec<usize> = (0..count.min(1)).chain((1..count).last()).collect();
    let mut gaps: VecDeque<Range<usize>> = VecDeque::new();
    gaps.push_back(1..count.saturating_sub(1));
    while let Some(gap) = gaps.pop_front() {
        if gap.is_empty() {
            continue;
        }
        let quarter = gap.len() / 4;
        let middle = gap.start + quarter + random.below(gap.len() - 2 * quarter);
        order.push(middle);
        gaps.extend([gap.start..middle, middle + 1..gap.end]);
    }
    order
}

/// The relative round-off at which a derivative still counts as measured.
const MEASURABLE: f64 = 1e-6;

/// Two losses, one for each side of a parameter, and what they say about its derivative.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The step, in the parameter's own unit.
    pub h: f64,
    /// Loss(w + h)
    pub loss_up: f64,
    /// Loss(w - h)
    pub loss_down: f64,
    /// (Loss(w + h) - Loss(w - h)) / 2h, where 2h is the distance of w + h and w - h after rounding. NaN
    /// where h is so small that they are one number.
    pub derivative: f64,
    /// A kink between w - h and w + h: the derivative then says nothing.
    pub kink: Option<Kink>,
}

/// What passes a kink. All numbers but the layer's count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kink {
    /// z of a neuron passes a point where sigma' jumps.
    Neuron {
        /// The layer, from 1.
        layer: usize,
        /// Which of its neurons.
        neuron: usize,
        /// Row of the batch.
        sample: usize,
    },
    /// An output passes a corner of the loss.
    Loss {
        /// Which output.
        output: usize,
        /// Row of the batch.
        sample: usize,
    },
}

/// Compares single parameters' derivatives; what [`check_gradients`] does for many.
///
/// ```
/// use chainrule::gradient_check::{CheckOptions, Checker};
/// use chainrule::*;
///
/// let network = Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Identity).build()?;
/// let parameters = network.initialize::<f64>(1);
/// let (inputs, wanted) = (Matrix::from_rows(&[[0.5, -1.0]]), Matrix::from_rows(&[[0.3]]));
/// let (loss, targets) = (Loss::HalfSquaredError, Targets::from(&wanted));
/// let cache = forward(&network, &parameters, inputs.view(), Mode::Inference)?;
/// let error = output_error(&network, &cache, &loss, targets, None)?;
/// let deltas = backward(&network, &parameters, &cache, error.delta)?;
/// let gradients = gradients(&network, &parameters, &cache, &deltas)?;
///
/// let samples = Samples { inputs: inputs.view().into(), targets, sample_weights: None };
/// let options = CheckOptions::default();
/// let mut checker = Checker::new(&network, &parameters, &loss, samples, &gradients, &options)?;
/// // The weight from input 2 to neuron 1: element 1 of tensor 0.
/// let difference = checker.difference(0, 1, 1e-5)?;
/// assert!((difference.derivative - gradients.weight(1).element(0, 1)).abs() < 1e-9);
/// assert_eq!(difference.kink, None);
/// let error = checker.difference(0, 6, 1e-5).unwrap_err();
/// assert_eq!(error.to_string(), "there is no number 6 among the elements of layers.0.weight; there are 6, counted from 0");
/// # Ok::<(), chainrule::Error>(())
/// ```
pub struct Checker<'a> {
    network: &'a Network,
    loss: &'a Loss,
    samples: Samples<'a, f64>,
    gradients: &'a Gradients<f64>,
    options: &'a CheckOptions,
    /// Those checked, but for the moments in which one of them is moved.
    parameters: Parameters<f64>,
    sides: Sides<'a>,
    center_loss: f64,
    /// What the loss's rounding errors are relative to: it is a difference of numbers as large as z(L).
    magnitude: f64,
    /// The largest derivative's magnitude in each tensor.
    largest: Vec<f64>,
}

impl<'a> Checker<'a> {
    /// One for these gradients.
    ///
    /// # Errors
    /// When shapes do not fit, or the loss is not finite.
    pub fn new(
        network: &'a Network,
        parameters: &Parameters<f64>,
        loss: &'a Loss,
        samples: Samples<'a, f64>,
        gradients: &'a Gradients<f64>,
        options: &'a CheckOptions,
    ) -> Result<Self> {
        network.check_parameters(gradients)?;
        let size = |values: &[f64]| values.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
        let largest = gradients.tensors().iter().map(|tensor| size(gradients.numbers(tensor))).collect();
        let cache = forward(network, parameters, samples.inputs.to_matrix().view(), options.mode)?;
        let error = output_error(network, &cache, loss, samples.targets, samples.sample_weights)?;
        let center_loss = error.loss;
        if !center_loss.is_finite() {
            return Err(Error::Data(format!("the loss is {center_loss}: there is no gradient to check")));
        }
        Ok(Checker {
            network,
            loss,
            samples,
            gradients,
            options,
            parameters: parameters.clone(),
            sides: Sides::new(network, &cache),
            center_loss,
            magnitude: center_loss.abs() + size(cache.pre_activation(network.depth()).as_slice()),
            largest,
        })
    }

    /// What the forward passes took so far, in the unit of [`CheckOptions::most_work`].
    pub fn work(&self) -> u64 {
        self.sides.work
    }

    /// The report of one tensor. `share` tells how much of everything is done when a part of this tensor is, from 0 to 1.
    fn report(&mut self, index: usize, share: impl Fn(&Checker<'_>, f64) -> f64) -> Result<TensorReport> {
        let mut report = TensorReport {
            tensor: self.network.tensors()[index].clone(),
            compared: 0,
            at_kink: 0,
            worst: None,
            norm_error: 0.0,
            passed: true,
        };
        let (mut difference, mut sizes) = (0.0, (0.0, 0.0));
        let chosen = self.chosen(index);
        for (number, &element) in chosen.iter().enumerate() {
            tell(share(self, number as f64 / chosen.len() as f64));
            let Some(comparison) = self.compare(index, element)? else {
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
        let worst = report.worst.as_ref();
        report.passed = worst.is_none_or(|worst| worst.relative_error <= self.options.tolerance);
        Ok(report)
    }

    /// The loss at the parameters checked.
    pub fn loss(&self) -> f64 {
        self.center_loss
    }

    /// h of the first difference that [`compare`](Self::compare) takes of an element.
    ///
    /// # Errors
    /// When there is no such tensor or element.
    pub fn step(&self, tensor: usize, element: usize) -> Result<f64> {
        let layout = self.layout(tensor, element)?;
        let w = self.parameters.tensor(layout).element(element / layout.columns, element % layout.columns);
        Ok(self.options.step * w.abs().max(1.0))
    }

    /// Which elements of a tensor the options ask for, in order; none of a tensor that there is not.
    pub fn chosen(&self, tensor: usize) -> Vec<usize> {
        let Some(layout) = self.network.tensors().get(tensor) else { return Vec::new() };
        let mut elements: Vec<usize> = (0..layout.count()).collect();
        if let Some(samples) = self.options.samples_per_tensor.filter(|&samples| samples < elements.len()) {
            let stream = Stream::new(self.options.seed, Purpose::Sampling, tensor, 0, 0);
            Random::new(stream).shuffle(&mut elements);
            elements.truncate(samples);
            elements.sort_unstable();
        }
        elements
    }

    /// The best comparison of up to four differences for one element (counted row by row) of the tensor at a
    /// place in [`Network::tensors`]; none where each step passes a kink.
    ///
    /// # Errors
    /// When there is no such tensor or element.
    pub fn compare(&mut self, tensor: usize, element: usize) -> Result<Option<Comparison>> {
        let layout = self.layout(tensor, element)?;
        let (row, column) = (element / layout.columns, element % layout.columns);
        let backpropagated = self.gradients.tensor(layout).element(row, column);
        let step = self.step(tensor, element)?;
        let mut best: Option<Comparison> = None;
        for (factor, extrapolated) in [(1.0, false), (10.0, true), (100.0, true), (0.1, true)] {
            let h = step * factor;
            let Difference { kink: None, derivative: mut numerical, .. } =
                self.passes(tensor, element, h, false)?
            else {
                continue;
            };
            if extrapolated {
                let Difference { kink: None, derivative: wide, .. } =
                    self.passes(tensor, element, 2.0 * h, false)?
                else {
                    continue;
                };
                numerical = (4.0 * numerical - wide) / 3.0;
            }
            let round_off = 4.0 * f64::EPSILON * self.magnitude / h;
            let smallest = (1e-4 * self.largest[tensor]).max(round_off / MEASURABLE).max(f64::MIN_POSITIVE);
            let scale = backpropagated.abs().max(numerical.abs()).max(smallest);
            let relative_error = (backpropagated - numerical).abs() / scale;
            let comparison = Comparison { row, column, backpropagated, numerical, relative_error };
            if best.as_ref().is_none_or(|best| comparison.relative_error < best.relative_error) {
                best = Some(comparison);
            }
            if relative_error <= self.options.tolerance {
                break;
            }
        }
        Ok(best)
    }

    /// (Loss(w + h) - Loss(w - h)) / 2h for one element of a tensor.
    ///
    /// # Errors
    /// When there is no such tensor or element.
    pub fn difference(&mut self, tensor: usize, element: usize, h: f64) -> Result<Difference> {
        self.passes(tensor, element, h, true)
    }

    /// The same; but the losses, and the derivative, are NaN where there is a kink, unless `whole` passes are wanted.
    fn passes(&mut self, tensor: usize, element: usize, h: f64, whole: bool) -> Result<Difference> {
        let layout = self.layout(tensor, element)?;
        let w = self.parameters.tensor(layout).element(element / layout.columns, element % layout.columns);
        let sides = [w + h, w - h];
        let Ends { mut kink, outputs } =
            self.sides.run(&mut self.parameters, (layout, element), sides, whole);
        let [loss_up, loss_down] = match &outputs {
            None if kink.is_some() && !whole => [f64::NAN; 2],
            None => [self.center_loss; 2],
            Some([(z_up, up), (z_down, down)]) => {
                kink = kink.or_else(|| self.corner_between(up, down));
                [self.loss_of(z_up, up)?, self.loss_of(z_down, down)?]
            }
        };
        let derivative = (loss_up - loss_down) / (sides[0] - sides[1]);
        Ok(Difference { h, loss_up, loss_down, derivative, kink })
    }

    fn layout(&self, tensor: usize, element: usize) -> Result<&'a TensorLayout> {
        let tensors = self.network.tensors();
        let fail = |what: &str, index, count| Error::Index { what: what.to_owned(), index, count };
        let layout = tensors.get(tensor).ok_or_else(|| fail("tensors", tensor, tensors.len()))?;
        if element >= layout.count() {
            return Err(fail(&format!("elements of {}", layout.name), element, layout.count()));
        }
        Ok(layout)
    }

    fn loss_of(&self, z: &Matrix<f64>, a: &Matrix<f64>) -> Result<f64> {
        let Samples { targets, sample_weights, .. } = self.samples;
        let (activation, width) = (self.network.output_activation(), self.network.output_width());
        let output = Output { activation, width, z: z.as_slice(), a: a.as_slice() };
        let mut delta = vec![0.0; a.as_slice().len()];
        Ok(self.loss.output_error(output, targets, sample_weights, &mut delta)?.mean())
    }

    /// The first corner of the loss that lies between two outputs.
    fn corner_between(&self, up: &Matrix<f64>, down: &Matrix<f64>) -> Option<Kink> {
        let n = self.network.output_width();
        for sample in 0..up.rows() {
            let target = self.samples.targets.row(sample);
            let corner = (0..n)
                .find(|&j| self.loss.has_corner_between(up[(sample, j)], down[(sample, j)], target.at(j, n)));
            if let Some(output) = corner {
                return Some(Kink::Loss { output, sample });
            }
        }
        None
    }
}
