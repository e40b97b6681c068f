//! What a layer's forward pass costs in time on this machine.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kernel::Scalar;
use crate::kernel::panels::Panels;
use crate::kernel::transpose::transpose;
use crate::layer::{Context, LayerTensors};
use crate::mode::Mode;
use crate::network::Network;
use crate::parameters::{ParameterLayout, Parameters};

/// Rows that are taken through a layer.
const ROWS: usize = 128;

/// A layer is timed again until this is over, at least three times.
const TIME: Duration = Duration::from_millis(5);

/// Where there are many different layers, each has a share of this.
const LONGEST: Duration = Duration::from_secs(1);

/// Inputs, and numbers of a weight, of what is timed. Of a larger layer a part is timed, and counts for the whole.
const MOST_INPUTS: usize = 1 << 14;
const MOST_WEIGHTS: usize = 1 << 22;

/// The time of F_l in nanoseconds, for 128 rows on one thread, for each layer of the step's chain: the shortest of
/// several. Layers of the same shapes and kind are timed once.
///
/// What matters to a plan is how the layers' costs compare, and that changes little with rows and threads.
///
/// ```
/// use chainrule::plan::*;
/// use chainrule::*;
/// let network = Network::builder(64).dense(64, Activation::Relu).dense(64, Activation::Relu).dense(1, Activation::Identity).build()?;
/// let rule = Rule::from_name("adam")?;
/// let shape = StepShape { network: &network, rule: &rule, keeps_gradients: false, batch_size: 1000, threads: 1 };
/// let costs = plan::measure_forward_costs::<f32>(&network);
/// assert_eq!(costs.len(), 3);
/// let limit = MemoryLimit { forward_costs: Some(costs), ..MemoryLimit::of(1 << 20) };
/// assert!(MemoryPlan::within::<f32>(&shape, &limit)?.bytes() <= 1 << 20);
/// # Ok::<(), chainrule::Error>(())
/// ```
#[inline(never)]
pub fn measure_forward_costs<T: Scalar>(network: &Network) -> Vec<u64> {
    let layers = network.first_with_parameters()..=network.depth();
    let shape = |l: usize| (network.width(l - 1), network.width(l));
    // The layers that are timed, by their shapes; and for each layer the one that stands for it.
    let mut known: HashMap<(usize, usize), Vec<usize>> = HashMap::new();
    let stand_in = |l: usize| {
        let alike = known.entry(shape(l)).or_default();
        let same = alike.iter().find(|other| network.layers()[**other - 1] == network.layers()[l - 1]);
        same.copied().unwrap_or_else(|| {
            alike.push(l);
            l
        })
    };
    let stand_ins: Vec<usize> = layers.map(stand_in).collect();
    let timed = known.values().map(Vec::len).sum::<usize>();
    let time = LONGEST.div_f64(timed as f64).min(TIME);
    let mut costs = HashMap::new();
    let cost = |l: usize| *costs.entry(l).or_insert_with(|| measure_layer::<T>(network, l, time));
    stand_ins.into_iter().map(cost).collect()
}

fn measure_layer<T: Scalar>(network: &Network, l: usize, time: Duration) -> u64 {
    let layer = &network.layers()[l - 1];
    let n_in = network.width(l - 1).min(MOST_INPUTS);
    let (mut tensors, outputs) = (layer.kind().tensors(n_in), layer.output_width(n_in));
    // Where there are products, outputs can be left out: rows of the matrix, and their numbers of what stands beside it.
    let has_products = tensors.first().is_some_and(|tensor| !tensor.is_vector && tensor.rows == outputs);
    let width = if has_products { outputs.min(MOST_WEIGHTS / n_in).max(1) } else { outputs };
    let share = match has_products {
        true => (n_in * width) as f64 / (network.width(l - 1) as f64 * network.width(l) as f64),
        false => width as f64 / network.width(l) as f64,
    };
    for tensor in &mut tensors {
        let of_outputs = if tensor.is_vector { &mut tensor.columns } else { &mut tensor.rows };
        *of_outputs = if *of_outputs == outputs { width } else { *of_outputs };
    }
    // Numbers of no special kind: zeros and subnormal ones may have other costs.
    let numbers =
        |count: usize| -> Vec<T> { (0..count).map(|i| T::from_f64((i % 17) as f64 / 17.0 - 0.45)).collect() };
    let mut parameters = Parameters::zeros(Arc::new(ParameterLayout::new(iter::once(tensors))));
    for tensor in parameters.tensors().to_vec() {
        parameters.set_tensor(&tensor, &numbers(tensor.count())).expect("as many as the tensor has");
    }
    let input = numbers(ROWS * n_in);
    let (mut values, mut state) = (numbers(ROWS * width), numbers(ROWS * width));
    let tensors = LayerTensors::of(parameters.view(), 1);
    let mode = Mode::Training { seed: 0, step: 0 };
    let layer = layer.compute();
    let start = Instant::now();
    let (mut shortest, mut rounds) = (Duration::MAX, 0);
    while rounds < 3 || start.elapsed() < time {
        let round = Instant::now();
        let context = Context { tensors, layer: l, mode, first_sample: 0, threads: None };
        layer.pre_activation(context, Panels::new(&input, n_in, ROWS), &mut values);
        layer.activate(&mut values);
        transpose(Panels::new(&values, width, ROWS), &mut state);
        shortest = shortest.min(round.elapsed());
        rounds += 1;
    }
    std::hint::black_box(&state);
    ((shortest.as_nanos() as f64 / share) as u64).max(1)
}
