//! One neuron for one sample, in both directions.

use chainrule::Activation;
use chainrule::activation::Elementwise;
use chainrule::trace::{Quantity, ValueId};
use serde::Serialize;

use super::explain::{explain_with, slope};
use super::reader::{DenseLayer, Reader};
use super::rule::{OutputRule, RuleName, output_rule};
use super::{Cell, Explanation};
use crate::words::{readable, short};
use crate::{Num, Refusal, Step};

/// A neuron, forward and backward.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NeuronReport {
    /// The dense layer, from 1.
    pub layer: usize,
    /// From 0.
    pub neuron: usize,
    /// From 0.
    pub sample: usize,
    /// In model files.
    pub activation_name: String,
    /// z
    pub pre_activation: Explanation,
    /// a
    pub activation: Explanation,
    /// sigma'(z); none for softmax. At an output whose delta does without it the trace has no such value.
    pub slope: Option<Explanation>,
    /// Dots of the activation round z; none for softmax.
    pub curve: Option<Curve>,
    /// Whether it lets error through.
    pub state: State,
    /// The same in words.
    pub state_sentence: String,
    /// dLoss/da; none at the output layer.
    pub error: Option<Explanation>,
    /// dLoss/dz
    pub delta: Explanation,
    /// Set at the output layer.
    pub output_rule: Option<OutputRule>,
}

/// Dots of an activation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Curve {
    /// Rising.
    pub z: Vec<f64>,
    /// sigma of each.
    pub a: Vec<Num>,
}

/// Whether a neuron lets error through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Active,
    /// Its slope is below 5 % of the largest that the activation has.
    Saturated,
    /// Its slope is 0 for this sample.
    Blocked,
    /// Its slope is 0 for every sample of the batch.
    Dead,
}

/// The slope, over the largest that the activation has, below which a neuron counts as saturated.
const SATURATED: f64 = 0.05;

/// Dots of a curve.
const DOTS: usize = 121;

/// Neuron `neuron` of layer `layer` for one sample.
///
/// # Errors
/// When there is no such layer, neuron or sample.
pub fn neuron(step: &Step, layer: usize, neuron: usize, sample: usize) -> Result<NeuronReport, Refusal> {
    let reader = Reader::new(step);
    let dense = reader.layer(layer)?;
    reader.check(&format!("neuron of layer {layer}"), neuron, dense.width)?;
    reader.check_sample(sample)?;
    let explained = |quantity: Quantity| {
        explain_with(&reader, &Cell { name: quantity.of(layer), row: sample, column: neuron })
    };
    let is_output = layer == reader.depth();
    let rule = is_output.then(|| output_rule(step));
    let sigma = dense.activation.elementwise();
    let slope = sigma.map(|_| slope(&reader, layer, sample, neuron)).transpose()?;
    let state = state_of(&reader, layer, dense, neuron, sample);
    Ok(NeuronReport {
        layer,
        neuron,
        sample,
        activation_name: readable(dense.activation.name()),
        pre_activation: explained(Quantity::PreActivation)?,
        activation: explained(Quantity::Activation)?,
        curve: sigma
            .map(|sigma| curve(sigma, reader.number(Quantity::PreActivation.of(layer), sample, neuron))),
        state,
        state_sentence: sentence(dense.activation, state, slope.as_ref(), rule.as_ref()),
        slope,
        error: if is_output { None } else { Some(explained(Quantity::Error)?) },
        delta: explained(Quantity::Delta)?,
        output_rule: rule,
    })
}

/// Round 0 and z, at least 6 to both sides.
fn curve(sigma: Elementwise, z: f64) -> Curve {
    let reach = if z.is_finite() { (1.25 * z.abs()).clamp(6.0, f64::MAX / 4.0) } else { 6.0 };
    let z = (0..DOTS).map(|i| reach * (2.0 * i as f64 / (DOTS - 1) as f64 - 1.0)).collect::<Vec<f64>>();
    let a = z.iter().map(|&z| sigma.value(z).into()).collect();
    Curve { z, a }
}

fn state_of(reader: &Reader<'_>, layer: usize, dense: &DenseLayer, neuron: usize, sample: usize) -> State {
    let Some(sigma) = dense.activation.elementwise() else { return State::Active };
    let slopes = slopes(reader, layer, sigma, neuron);
    if slopes.iter().all(|&slope| slope == 0.0) {
        return State::Dead;
    }
    match slopes[sample].abs() {
        0.0 => State::Blocked,
        slope if slope < SATURATED * largest_slope(sigma) => State::Saturated,
        _ => State::Active,
    }
}

/// sigma'(z) of a neuron for each sample.
fn slopes(reader: &Reader<'_>, layer: usize, sigma: Elementwise, neuron: usize) -> Vec<f64> {
    let (z, a) = (Quantity::PreActivation.of(layer), Quantity::Activation.of(layer));
    let number = |name: ValueId, sample| reader.number(name, sample, neuron);
    (0..reader.batch()).map(|i| sigma.derivative(number(z, i), number(a, i))).collect()
}

/// How many neurons of a layer let next to nothing through for every sample, and how many are dead.
pub(super) fn saturated_and_dead(reader: &Reader<'_>, layer: usize, dense: &DenseLayer) -> (usize, usize) {
    let Some(sigma) = dense.activation.elementwise() else { return (0, 0) };
    let least = SATURATED * largest_slope(sigma);
    let (mut saturated, mut dead) = (0, 0);
    for neuron in 0..dense.width {
        let slopes = slopes(reader, layer, sigma, neuron);
        if slopes.iter().all(|&slope| slope == 0.0) {
            dead += 1;
        } else if slopes.iter().all(|slope| slope.abs() < least) {
            saturated += 1;
        }
    }
    (saturated, dead)
}

/// The largest |sigma'|, on a fine grid: no activation has it outside, and 5 % of it need not be exact.
fn largest_slope(sigma: Elementwise) -> f64 {
    let points = (-2000..=2000).map(|i| f64::from(i) * 0.005);
    points.map(|z| sigma.derivative(z, sigma.value(z)).abs()).fold(0.0, f64::max)
}

fn sentence(
    sigma: Activation,
    state: State,
    slope: Option<&Explanation>,
    rule: Option<&OutputRule>,
) -> String {
    let Some(slope) = slope else {
        return "Softmax mixes all outputs: its derivative is a matrix, not one slope.".to_owned();
    };
    let (slope, name) = (slope.value.0, readable(sigma.name()));
    if slope.is_nan() {
        return "The slope is not a number: something before it overflowed or was not a number.".to_owned();
    }
    let said = match state {
        State::Active => format!("Active: the slope is {}, so error passes.", short(slope)),
        State::Saturated => format!(
            "Saturated: the slope is {}, below 5 % of the largest that {name} has, so little error passes.",
            short(slope)
        ),
        State::Blocked => {
            format!("Blocked for this sample: the slope of {name} is 0 at this z, so no error passes.")
        }
        State::Dead => {
            format!(
                "Dead: the slope of {name} is 0 for every sample of the batch, so its weights do not learn."
            )
        }
    };
    match rule {
        Some(rule) if rule.rule == RuleName::PredictionMinusTarget && sigma != Activation::Identity => {
            format!("{said} At this output that does not matter: delta does not contain the slope.")
        }
        _ => said,
    }
}
