//! What to tell when a step met an infinity or a NaN: where the first one is.

use super::Samples;
use crate::backward::{backward, gradients, output_error};
use crate::error::Error;
use crate::forward::{Mode, forward};
use crate::kernel::Scalar;
use crate::kernel::elementwise::all_finite;
use crate::loss::Loss;
use crate::network::Network;
use crate::parameters::Parameters;

/// Computes the step again, value by value, and names the first that is not finite.
pub(super) fn first_not_finite<T: Scalar>(
    (network, parameters, loss): (&Network, &Parameters<T>, &Loss),
    batch: Samples<'_, T>,
    mode: Mode,
    step: u64,
) -> Error {
    let depth = network.depth();
    let found = |quantity, layer| Error::NonFinite { quantity, layer, step, epoch: None };
    let inputs = batch.inputs.to_matrix();
    if !all_finite(inputs.as_slice()) {
        return found("input", 0);
    }
    if let Some(tensor) = parameters.first_not_finite() {
        return found("parameter", tensor.layer);
    }
    let cache = match forward(network, parameters, inputs.view(), mode) {
        Ok(cache) => cache,
        Err(error) => return error,
    };
    for l in 1..=depth {
        for (quantity, matrix) in [("z", cache.pre_activation(l)), ("a", cache.activation(l))] {
            if !all_finite(matrix.as_slice()) {
                return found(quantity, l);
            }
        }
    }
    let result = output_error(network, &cache, loss, batch.targets, batch.sample_weights).and_then(|error| {
        if !error.loss.is_finite() {
            return Ok(Some(("loss", depth)));
        }
        let deltas = backward(network, parameters, &cache, error.delta)?;
        for l in (1..=depth).rev() {
            if !all_finite(deltas.delta(l).as_slice()) {
                return Ok(Some(("delta", l)));
            }
        }
        let gradients = gradients(network, &cache, &deltas)?;
        Ok(gradients.first_not_finite().map(|tensor| ("gradient", tensor.layer)))
    });
    match result {
        Ok(Some((quantity, layer))) => found(quantity, layer),
        Ok(None) => found("loss", depth),
        Err(error) => error,
    }
}
