//! A layer as a whole: what it costs, and what it does to the error signal.

use chainrule::trace::{Quantity, ValueId};
use serde::Serialize;

use super::neuron::saturated_and_dead;
use super::reader::Reader;
use crate::{Num, Refusal, Step};

/// Costs and gains of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LayerReport {
    /// The dense layer, from 1.
    pub layer: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// Of the whole batch.
    pub flops: LayerFlops,
    /// Of the values that the layer has in the trace.
    pub bytes: LayerBytes,
    /// None at the output layer.
    pub gain: Option<Gain>,
    /// Neurons whose slope is below 5 % of the activation's largest for every sample, those dead not counted.
    pub saturated: usize,
    /// Neurons whose slope is 0 for every sample.
    pub dead: usize,
    /// All of them.
    pub neurons: usize,
}

/// Two for each multiplication with its addition.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LayerFlops {
    /// z = a W^T
    pub forward: u64,
    /// delta W, what the layer below receives; 0 for layer 1.
    pub carry_back: u64,
    /// delta^T a
    pub gradients: u64,
    /// W - eta dW and b - eta db
    pub update: u64,
}

/// Eight bytes a number.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LayerBytes {
    /// W
    pub weight: usize,
    /// b
    pub bias: usize,
    /// z
    pub pre_activation: usize,
    /// a
    pub activation: usize,
    /// delta
    pub delta: usize,
    /// dW and db
    pub gradients: usize,
}

/// Root-mean-square sizes of the error signal on its way through a layer, and their ratios.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Gain {
    /// delta(l+1)
    pub delta_above: Num,
    /// dLoss/da(l)
    pub error: Num,
    /// delta(l)
    pub delta: Num,
    /// error / delta_above
    pub through_weights: Num,
    /// delta / error
    pub through_slope: Num,
    /// delta / delta_above
    pub whole: Num,
}

/// Layer `layer` of the step.
///
/// # Errors
/// When there is no such layer.
pub fn layer(step: &Step, layer: usize) -> Result<LayerReport, Refusal> {
    let reader = Reader::new(step);
    let dense = reader.layer(layer)?;
    let (weights, biases) = (dense.width * dense.inputs, if dense.bias { dense.width } else { 0 });
    let product = step.network.layers()[layer - 1].forward_flops(dense.inputs) * reader.batch() as u64;
    let numbers = reader.batch() * dense.width;
    let bytes = |count: usize| count * size_of::<f64>();
    let size =
        |value: ValueId| -> Result<f64, Refusal> { Ok(root_mean_square(&reader.value(value)?.values)) };
    let gain = if layer == reader.depth() {
        None
    } else {
        let above = size(reader.delta(layer + 1))?;
        let (error, delta) = (size(Quantity::Error.of(layer))?, size(Quantity::Delta.of(layer))?);
        Some(Gain {
            delta_above: above.into(),
            error: error.into(),
            delta: delta.into(),
            through_weights: (error / above).into(),
            through_slope: (delta / error).into(),
            whole: (delta / above).into(),
        })
    };
    let (saturated, dead) = saturated_and_dead(&reader, layer, dense);
    Ok(LayerReport {
        layer,
        parameters: weights + biases,
        flops: LayerFlops {
            forward: product,
            carry_back: if layer == 1 { 0 } else { product },
            gradients: product,
            update: 2 * (weights + biases) as u64,
        },
        bytes: LayerBytes {
            weight: bytes(weights),
            bias: bytes(biases),
            pre_activation: bytes(numbers),
            activation: bytes(numbers),
            delta: bytes(numbers),
            gradients: bytes(weights + biases),
        },
        gain,
        saturated,
        dead,
        neurons: dense.width,
    })
}

fn root_mean_square(values: &[f64]) -> f64 {
    super::matrix::norm(values.iter().copied()) / (values.len() as f64).sqrt()
}
