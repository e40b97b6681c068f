//! How large a thing may be asked for: every refusal says the limit and the value.

use std::time::Duration;

use chainrule::{Initialization, Network};
use serde::Serialize;

use crate::refusal::Refusal;

/// Dense layers of a network.
pub const LAYERS: usize = 64;
/// Neurons of a layer, and inputs.
pub const WIDTH: usize = 4096;
/// Weights and biases of a network.
pub const PARAMETERS: usize = 4_000_000;
/// Rows of a batch.
pub const SAMPLES: usize = 256;
/// Updates that one request may ask for.
pub const ITERATIONS_PER_REQUEST: usize = 1000;
/// Bytes of a request's body.
pub const BODY: usize = 4 * 1024 * 1024;
/// Numbers of a document that is shared.
pub const SHARED_NUMBERS: usize = 20_000;
/// Numbers of a document that a page carries with it.
pub const FILE_NUMBERS: usize = 1_000_000;
/// Numbers of a trace.
pub const TRACE_NUMBERS: usize = 24_000_000;
/// Numbers of the rows to choose a batch from: 64 MiB.
pub const POOL_NUMBERS: usize = 8 * 1024 * 1024;
/// How long one piece of work may take. Iterations that are not done then are left out.
pub const WORK_TIME: Duration = Duration::from_secs(10);
/// Multiplications and additions, about, that one request may ask for: some six times what is done in
/// [`WORK_TIME`] on two cores. More is refused before it starts.
pub const WORK: f64 = 3e11;

/// Bytes of documents, traces, the work on them and answers.
pub const KEPT_BYTES: usize = 512 * 1024 * 1024;

/// The limits that a page shows.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Limits {
    layers: usize,
    width: usize,
    parameters: usize,
    samples: usize,
    iterations_per_request: usize,
}

/// The limits that a page shows.
pub fn limits() -> Limits {
    Limits {
        layers: LAYERS,
        width: WIDTH,
        parameters: PARAMETERS,
        samples: SAMPLES,
        iterations_per_request: ITERATIONS_PER_REQUEST,
    }
}

/// Refuses a value above its limit.
pub(crate) fn at_most(what: &str, value: usize, limit: usize) -> Result<(), Refusal> {
    if value <= limit {
        return Ok(());
    }
    Err(Refusal::TooMuch(format!("{what}: {value} is more than the limit of {limit}")))
}

/// Checks the sizes of a network before any memory is taken for its parameters.
///
/// # Errors
/// Says the limit and the value.
pub fn check_network(network: &Network) -> Result<(), Refusal> {
    let own = network.layers().iter().filter(|layer| !layer.is_for_training_only()).count();
    at_most("layers", own, LAYERS)?;
    at_most("layers with dropout", network.depth(), 2 * LAYERS)?;
    for l in 0..=network.depth() {
        let what = if l == 0 { "inputs".to_owned() } else { format!("width of layer {l}") };
        at_most(&what, network.width(l), WIDTH)?;
    }
    at_most("parameters", network.parameter_count(), PARAMETERS)
}

/// Checks that a step of the network on so many rows can be held.
pub(crate) fn check_batch(network: &Network, samples: usize) -> Result<(), Refusal> {
    at_most("samples", samples, SAMPLES)?;
    let neurons: usize = (0..=network.depth()).map(|l| network.width(l)).sum();
    // Of each neuron z, a, the slope, the error and delta; of each parameter itself, its gradient and its
    // update.
    let numbers = 5 * samples * neurons + 3 * network.parameter_count();
    at_most("numbers in the trace", numbers, TRACE_NUMBERS)
}

/// Checks that so many updates are worth to be begun.
pub(crate) fn check_iterations(network: &Network, samples: usize, count: usize) -> Result<(), Refusal> {
    if count == 0 {
        return Err(Refusal::Invalid("iterations: 0; at least 1 is needed".to_owned()));
    }
    at_most("iterations", count, ITERATIONS_PER_REQUEST)?;
    // Copying and describing a parameter takes as long as so much arithmetic.
    let step = samples as f64 * network.step_flops() as f64 + 256.0 * network.parameter_count() as f64;
    let most = (WORK / step).floor().max(1.0) as usize;
    at_most("iterations of this network and batch", count, most)
}

/// Checks that drawing the weights is done in a while: orthogonal ones take a cube of work.
pub(crate) fn check_drawing(network: &Network, rule: Initialization) -> Result<(), Refusal> {
    if rule != Initialization::Orthogonal {
        return Ok(());
    }
    let work = |tensor: &chainrule::TensorLayout| tensor.count() * tensor.rows.min(tensor.columns);
    let largest = network.tensors().iter().map(work).max().unwrap_or(0);
    at_most("products for orthogonal weights", largest, 1_000_000_000)
}
