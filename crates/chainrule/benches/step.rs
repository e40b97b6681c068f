//! Times of training steps, activations, plans and inference, with the allocations that they make.
//!
//! `cargo bench -p chainrule` runs all, `cargo bench -p chainrule -- steps` those of that name.

use chainrule::*;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const THREADS: [usize; 2] = [1, 2];

/// A network, its loss and rows of data for it.
struct Workload {
    network: Network,
    loss: Loss,
    inputs: Matrix<f32>,
    targets: Matrix<f32>,
}

impl Workload {
    fn new(widths: &[usize], activation: Activation, loss: Loss, rows: usize) -> Self {
        let last = widths.len() - 1;
        let mut builder = Network::builder(widths[0]);
        for &width in &widths[1..last] {
            builder = builder.dense(width, activation);
        }
        let network = builder.dense(widths[last], loss.natural_output()).build().unwrap();
        Self::of(network, loss, rows)
    }

    fn of(network: Network, loss: Loss, rows: usize) -> Self {
        let mut inputs = Matrix::zeros(rows, network.input_width());
        for (index, value) in inputs.as_mut_slice().iter_mut().enumerate() {
            *value = (0.7 * index as f32).sin() * std::f32::consts::SQRT_2;
        }
        // One-hot rows are targets for every loss.
        let mut targets = Matrix::zeros(rows, network.output_width());
        (0..rows).for_each(|i| targets[(i, i * 7 % network.output_width())] = 1.0);
        Workload { network, loss, inputs, targets }
    }

    fn time_steps(&self, bencher: Bencher<'_, '_>, threads: usize, rule: &str) {
        let threads = Threads::new(threads);
        let mut parameters = self.network.initialize::<f32>(1);
        let mut rule = Rule::from_name(rule).unwrap();
        rule.set_learning_rate(1e-6);
        let mut optimizer = Optimizer::new(rule, &parameters).unwrap();
        let mut step = TrainingStep::new(&self.network, &self.loss, None, self.inputs.rows()).unwrap();
        let samples = Samples {
            inputs: self.inputs.view().into(),
            targets: Targets::Values(self.targets.view()),
            sample_weights: None,
        };
        bencher
            .counter(ItemsCount::new(self.inputs.rows()))
            .bench_local(|| step.run(&threads, &mut parameters, &mut optimizer, samples, Some(1)).unwrap());
    }
}

/// One training step; items are rows.
mod steps {
    use super::*;

    #[divan::bench(args = THREADS)]
    fn playground(bencher: Bencher<'_, '_>, threads: usize) {
        let workload = Workload::new(&[2, 8, 8, 1], Activation::Tanh, Loss::BinaryCrossEntropy, 32);
        workload.time_steps(bencher, threads, "sgd");
    }

    #[divan::bench(args = THREADS)]
    fn digits(bencher: Bencher<'_, '_>, threads: usize) {
        let workload = Workload::new(&[64, 64, 10], Activation::Relu, Loss::cross_entropy(), 64);
        workload.time_steps(bencher, threads, "sgd");
    }

    #[divan::bench(args = THREADS)]
    fn tabular(bencher: Bencher<'_, '_>, threads: usize) {
        let widths = [32, 256, 256, 256, 1];
        let workload = Workload::new(&widths, Activation::Relu, Loss::MeanSquaredError, 256);
        workload.time_steps(bencher, threads, "sgd");
    }

    #[divan::bench(args = THREADS)]
    fn mnist(bencher: Bencher<'_, '_>, threads: usize) {
        let workload = Workload::new(&[784, 512, 256, 10], Activation::Relu, Loss::cross_entropy(), 128);
        workload.time_steps(bencher, threads, "sgd");
    }

    #[divan::bench(args = ["sgd", "adam", "adamw", "rmsprop", "adagrad"])]
    fn mnist_by_rule(bencher: Bencher<'_, '_>, rule: &str) {
        let workload = Workload::new(&[784, 512, 256, 10], Activation::Relu, Loss::cross_entropy(), 128);
        workload.time_steps(bencher, 1, rule);
    }
}

/// A step of a layer from 4 inputs to 1024 neurons, in which the activation is most of the work; items are rows.
#[divan::bench(args = ["identity", "relu", "tanh", "sigmoid", "gelu", "silu", "softmax"])]
fn activations(bencher: Bencher<'_, '_>, name: &str) {
    let activation = Activation::from_name(name).unwrap();
    let network = Network::builder(4).dense(1024, activation).build().unwrap();
    let workload = Workload::of(network, Loss::MeanSquaredError, 256);
    workload.time_steps(bencher, 1, "sgd");
}

/// A step of three layers of 256: without dropout, with masks behind each of them that drop nothing and so need no random
/// words, and with some that do; items are rows.
#[divan::bench(args = [0.0, 1e-12, 0.25])]
fn dropout(bencher: Bencher<'_, '_>, rate: f64) {
    let mut builder = Network::builder(32);
    for _ in 0..3 {
        builder = builder.dense(256, Activation::Relu);
        if rate > 0.0 {
            builder = builder.dropout(rate);
        }
    }
    let network = builder.dense(1, Activation::Identity).build().unwrap();
    let workload = Workload::of(network, Loss::MeanSquaredError, 256);
    workload.time_steps(bencher, 1, "sgd");
}

/// The curve of memory against recomputation, and the smallest limit; items are layers.
mod plans {
    use chainrule::checkpoint::{Chain, Planner};

    use super::*;

    /// States of these widths, with delta beside them.
    fn chain(layers: usize, width: impl Fn(usize) -> u64) -> Chain {
        let widths: Vec<u64> = (0..=layers).map(width).collect();
        let costs = widths.windows(2).map(|pair| pair[0] * pair[1]).collect();
        let extra = (1..=layers).map(|l| if l > 1 { widths[l - 1] } else { 0 }).collect();
        Chain::new(widths[1..].to_vec(), costs, extra).unwrap()
    }

    /// Between 16 and 2048.
    fn unequal(l: usize) -> u64 {
        16 + (l as u64 + 7).wrapping_mul(0x9E37_79B9_7F4A_7C15) % 2033
    }

    #[divan::bench(args = [20, 100, 1000], sample_count = 5, sample_size = 1)]
    fn equal_widths(bencher: Bencher<'_, '_>, layers: usize) {
        let chain = chain(layers, |_| 512);
        bencher.counter(ItemsCount::new(layers)).bench_local(|| Planner::new(&chain));
    }

    #[divan::bench(args = [20, 100, 1000], sample_count = 5, sample_size = 1)]
    fn unequal_widths(bencher: Bencher<'_, '_>, layers: usize) {
        let chain = chain(layers, unequal);
        bencher.counter(ItemsCount::new(layers)).bench_local(|| Planner::new(&chain));
    }

    #[divan::bench(args = [20, 100, 1000], sample_count = 5, sample_size = 1)]
    fn smallest_limit(bencher: Bencher<'_, '_>, layers: usize) {
        let chain = chain(layers, unequal);
        bencher.counter(ItemsCount::new(layers)).bench_local(|| Planner::least_bytes(&chain));
    }
}

/// Predictions; items are rows.
#[divan::bench(args = [1, 64, 1024])]
fn inference_of_mnist(bencher: Bencher<'_, '_>, rows: usize) {
    let Workload { network, inputs, .. } =
        Workload::new(&[784, 512, 256, 10], Activation::Relu, Loss::cross_entropy(), rows);
    let (threads, parameters) = (Threads::new(2), network.initialize::<f32>(1));
    bencher
        .counter(ItemsCount::new(rows))
        .bench_local(|| infer(&threads, &network, &parameters, inputs.view()).unwrap());
}
