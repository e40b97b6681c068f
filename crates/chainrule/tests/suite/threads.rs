//! Losses, gradients, parameters and predictions have the same bits on any number of threads.

use crate::common::*;
use chainrule::optimizer::Adam;
use chainrule::plan::{MemoryPlan, StepShape};
use chainrule::*;

struct Run<T> {
    losses: Vec<f64>,
    gradients: Gradients<T>,
    parameters: Parameters<T>,
    state: Vec<Parameters<T>>,
    predictions: Matrix<T>,
}

/// Five steps of Adam with clipping by norm, then predictions for more samples than one batch of inference.
fn train<T: Scalar>(case: &Case, count: usize) -> Run<T> {
    let threads = Threads::new(count);
    assert_eq!(threads.count(), count);
    let data = case.data.cast::<T>();
    let mut parameters = case.parameters.cast::<T>();
    let rule = Rule::Adam(Adam { learning_rate: 0.01, ..Adam::default() });
    let mut optimizer = Optimizer::new(rule, &parameters).unwrap();
    let clipping = Some(Clipping::GlobalNorm(0.01));
    let mut step =
        TrainingStep::new(&case.network, &case.loss, clipping, data.len()).unwrap().keeping_gradients();
    let losses = (0..5).map(|_| {
        step.run(&threads, &mut parameters, &mut optimizer, data.samples(), Some(3)).unwrap().mean()
    });
    let losses = losses.collect();
    let mut numbers = Numbers::new(1);
    // 257: a batch of 256, and a single sample.
    let inputs = numbers.matrix(257, case.network.input_width(), 1.0).cast::<T>();
    let predictions = infer(&threads, &case.network, &parameters, inputs.view()).unwrap();
    let gradients = step.kept_gradients().unwrap().clone();
    Run { losses, gradients, parameters, state: optimizer.state().to_vec(), predictions }
}

fn assert_same_on_any_number_of_threads<T: Scalar>(case: &Case) {
    let alone: Run<T> = train(case, 1);
    assert!(alone.losses.iter().all(|loss| loss.is_finite()));
    assert!(alone.losses.windows(2).all(|pair| pair[0] != pair[1]), "{:?}", alone.losses);
    // Clipping took place: the norm is its bound.
    let norm = alone.gradients.norm();
    assert!((norm - 0.01).abs() < 1e-5, "{norm}");
    for count in [2, 3, 4, 5] {
        let together: Run<T> = train(case, count);
        let what = format!("{count} threads, {}", T::NAME);
        assert_same_bits(&format!("{what}: losses"), &together.losses, &alone.losses);
        assert_same_parameters(&format!("{what}: gradients"), &together.gradients, &alone.gradients);
        assert_same_parameters(&format!("{what}: parameters"), &together.parameters, &alone.parameters);
        for (together, alone) in together.state.iter().zip(&alone.state) {
            assert_same_parameters(&format!("{what}: state"), together, alone);
        }
        let (found, expected) = (together.predictions.as_slice(), alone.predictions.as_slice());
        assert_same_bits(&format!("{what}: predictions"), found, expected);
    }
}

fn check(network: NetworkBuilder, loss: Loss, rows: usize) {
    let case = Case::new(network.build().unwrap(), loss, rows, 1);
    assert_same_on_any_number_of_threads::<f32>(&case);
    assert_same_on_any_number_of_threads::<f64>(&case);
}

#[test]
fn a_classifier_of_images() {
    use Activation::*;
    let network = Network::builder(784).dense(512, Relu).dropout(0.2).dense(256, Gelu).dense(10, Softmax);
    check(network, Loss::cross_entropy(), 128);
}

#[test]
fn four_layers_of_256_and_a_large_batch() {
    use Activation::*;
    let network =
        Network::builder(256).dense(256, Tanh).dense(256, Relu).dense(256, Silu).dense(256, Identity);
    check(network, Loss::MeanSquaredError, 1024);
}

#[test]
fn widths_that_no_tile_divides() {
    use Activation::*;
    let network = Network::builder(33).dense(517, Mish).dense(129, Elu { alpha: 1.0 }).dense(3, Sigmoid);
    check(network, Loss::BinaryCrossEntropy, 65);
}

/// The clock decides whether its steps take one thread or all; the first of them take both by turns.
#[test]
fn a_network_of_middle_size() {
    let network =
        || Network::builder(64).dense(64, Activation::Relu).dropout(0.2).dense(10, Activation::Softmax);
    check(network(), Loss::cross_entropy(), 64);
    // Memory that was planned for several threads is enough for one, which takes all rows in one block.
    let case = Case::new(network().build().unwrap(), Loss::cross_entropy(), 64, 1);
    let (network, data, rule) = (&case.network, case.data.cast::<f32>(), Rule::from_name("adam").unwrap());
    let parameters = [1, 2, 3, 5].map(|threads| {
        let shape =
            StepShape { network, rule: &rule, keeps_gradients: false, batch_size: data.len(), threads };
        let plan = MemoryPlan::unlimited::<f32>(&shape).unwrap();
        let mut step = plan.training_step::<f32>(&case.loss, None).unwrap();
        let mut parameters = case.parameters.cast::<f32>();
        let mut optimizer = Optimizer::new(rule.clone(), &parameters).unwrap();
        let threads = Threads::new(threads);
        for _ in 0..20 {
            step.run(&threads, &mut parameters, &mut optimizer, data.samples(), Some(3)).unwrap();
        }
        parameters
    });
    for together in &parameters[1..] {
        assert_same_parameters("planned steps", together, &parameters[0]);
    }
}

#[test]
fn a_network_too_small_to_divide() {
    use Activation::*;
    let network = Network::builder(2).dense(8, Tanh).dense(8, Softplus).dense(1, Identity);
    check(network, Loss::HalfSquaredError, 32);
}

/// Weights of more than 4 MiB go layer by layer, with a layer's gradients beside the next propagation: applied as they come
/// they change the parameters as those do that are kept until all are there.
fn gradients_beside_propagations<T: Scalar>() {
    use Activation::*;
    let network = Network::builder(300)
        .dense(1100, Relu)
        .layer(layer::LayerNorm::default().into())
        .dense(1000, Silu)
        .dropout(0.2)
        .dense(70, Tanh)
        .layer(layer::Scale {}.into())
        .dense(3, Identity)
        .build()
        .unwrap();
    let case = Case::new(network, Loss::MeanSquaredError, 75, 1);
    let data = case.data.cast::<T>();
    let train = |count: usize, keeps: bool| {
        let (threads, mut parameters) = (Threads::new(count), case.parameters.cast::<T>());
        let rule = Rule::Adam(Adam { learning_rate: 0.01, ..Adam::default() });
        let mut optimizer = Optimizer::new(rule, &parameters).unwrap();
        let mut step = TrainingStep::new(&case.network, &case.loss, None, data.len()).unwrap();
        if keeps {
            step = step.keeping_gradients();
        }
        for _ in 0..3 {
            step.run(&threads, &mut parameters, &mut optimizer, data.samples(), Some(3)).unwrap();
        }
        parameters
    };
    let expected = train(1, true);
    for (count, keeps) in (1..=5).flat_map(|count| [(count, false), (count, true)]) {
        let what = format!("{count} threads, gradients kept: {keeps}, {}", T::NAME);
        assert_same_parameters(&what, &train(count, keeps), &expected);
    }
}

#[test]
fn a_network_that_goes_layer_by_layer() {
    gradients_beside_propagations::<f32>();
    gradients_beside_propagations::<f64>();
}

/// Outputs of the same samples, all at once by the cached pass and in batches by `infer`.
#[test]
fn predictions_are_the_outputs_of_the_forward_pass() {
    use Activation::*;
    let network = Network::builder(5)
        .dense(300, Gelu)
        .dense(20, Tanh)
        .dropout(0.5)
        .dense(40, Relu)
        .dense(13, Silu)
        .dense(7, Softmax)
        .build()
        .unwrap();
    let mut numbers = Numbers::new(2);
    let parameters = numbers.parameters(&network);
    for samples in [1, 2, 255, 256, 257, 600] {
        let inputs = numbers.matrix(samples, 5, 1.0);
        let cache = forward(&network, &parameters, inputs.view(), Mode::Inference).unwrap();
        let predictions = infer(&Threads::new(2), &network, &parameters, inputs.view()).unwrap();
        assert_eq!((predictions.rows(), predictions.columns()), (samples, 7));
        assert!(distance(predictions.as_slice(), cache.output().as_slice()) < 1e-14, "{samples} samples");
    }
    let none = Matrix::<f64>::zeros(0, 5);
    assert_eq!(infer(&Threads::single(), &network, &parameters, none.view()).unwrap().rows(), 0);
}

/// Parameters and losses after some steps of plain gradient descent, in f32.
fn descend(
    (network, loss, data): (&Network, &Loss, &Data<f32>),
    start: &Parameters<f32>,
    count: usize,
    steps: u64,
) -> (Vec<f64>, Parameters<f32>) {
    let threads = Threads::new(count);
    let mut parameters = start.clone();
    let mut rule = Rule::from_name("sgd").unwrap();
    rule.set_learning_rate(0.01);
    let mut optimizer = Optimizer::new(rule, &parameters).unwrap();
    let mut step = TrainingStep::new(network, loss, None, data.len()).unwrap();
    let losses = (0..steps).map(|_| {
        step.run(&threads, &mut parameters, &mut optimizer, data.samples(), Some(3)).unwrap().mean()
    });
    (losses.collect(), parameters)
}

/// The shapes of `chainrule bench`: the same bits on 1, 2, 3 and 8 threads and from run to run, wherever the
/// allocator puts the buffers.
#[test]
fn every_workload_of_the_benchmark() {
    use Activation::*;
    let chain = |widths: &[usize], hidden: Activation, output: Activation| {
        let last = widths.len() - 1;
        (1..=last).fold(Network::builder(widths[0]), |builder, l| {
            builder.dense(widths[l], if l == last { output } else { hidden })
        })
    };
    let (mse, entropy) = (Loss::MeanSquaredError, Loss::cross_entropy());
    for (network, loss, batch, steps) in [
        (chain(&[2, 8, 8, 1], Tanh, Sigmoid), Loss::BinaryCrossEntropy, 32, 5),
        (chain(&[64, 64, 10], Relu, Softmax), entropy.clone(), 64, 5),
        (chain(&[32, 256, 256, 256, 1], Relu, Identity), mse.clone(), 256, 5),
        (chain(&[784, 512, 256, 10], Relu, Softmax), entropy, 128, 5),
        (chain(&[1024; 6], Relu, Identity), mse.clone(), 512, 2),
        (chain(&[256; 65], Relu, Identity), mse.clone(), 1024, 2),
        (chain(&[4096; 5], Relu, Identity), mse, 1024, 1),
    ] {
        let network = network.build().unwrap();
        let start = network.initialize::<f32>(1);
        let data = Numbers::new(1).data(&network, &loss, batch).cast::<f32>();
        let problem = (&network, &loss, &data);
        let (losses, parameters) = descend(problem, &start, 1, steps);
        assert!(losses.iter().all(|loss| loss.is_finite()) && parameters != start);
        for count in [1, 2, 3, 8] {
            // Moves what the allocator gives next.
            let _moved = vec![1u8; 4097 * count];
            let (found, found_parameters) = descend(problem, &start, count, steps);
            let what = format!("{count} threads, {batch} rows");
            assert_same_bits(&format!("{what}: losses"), &found, &losses);
            assert_same_parameters(&format!("{what}: parameters"), &found_parameters, &parameters);
        }
    }
}
