//! The fast path equals the plain loops of the reference, and the fused step equals the five functions in bits.

use crate::common::*;
use chainrule::optimizer::{Adagrad, Adam, RmsProp, Sgd};
use chainrule::reference::compute;
use chainrule::*;

/// Around the sizes of vectors, of the kernels' blocks and of tiles.
const SIZES: [usize; 7] = [1, 15, 16, 17, 127, 128, 129];

/// Numbers that both types hold exactly: multiples of 1/16 in ±1. Products of two and sums of 129 of them are
/// exact in `f32` too, so that the first layer's z lies on the same side of every kink in both types.
fn round(values: &mut [f64]) {
    values.iter_mut().for_each(|value| *value = (*value * 16.0).round() / 16.0);
}

fn case(widths: [usize; 3], rows: usize, hidden: Activation, loss: Loss, seed: u64) -> Case {
    let network =
        Network::builder(widths[0]).dense(widths[1], hidden).dense(widths[2], loss.natural_output());
    let mut case = Case::new(network.build().unwrap(), loss, rows, seed);
    round(case.data.inputs.as_mut_slice());
    for tensor in case.network.tensors() {
        // Small weights would be rounded to zero; the last layer's need no exactness but in f32.
        change(&mut case.parameters, tensor, |values| {
            if tensor.layer == 1 {
                values.iter_mut().for_each(|w| *w = (*w * (tensor.columns as f64).sqrt()).clamp(-1.0, 1.0));
                round(values);
            } else {
                values.iter_mut().for_each(|w| *w = f64::from(*w as f32));
            }
        });
    }
    if let OwnedTargets::Values(values) = &case.data.targets {
        case.data.targets = OwnedTargets::Values(values.cast::<f32>().cast());
    }
    // Keeps z(1) at the size of its bias and a few inputs, by an exact factor.
    let power = 2f64.powi(-((widths[0] as f64).log2() / 2.0).round() as i32);
    case.data.inputs.as_mut_slice().iter_mut().for_each(|x| *x *= power);
    case
}

/// The largest distance of any value of steps 1 to 4 from the reference's.
fn distances<T: Scalar>(case: &Case, expected: &reference::Values) -> Vec<(String, f64)> {
    let (parameters, data) = (case.parameters.cast::<T>(), case.data.cast::<T>());
    let found = five_steps(&case.network, &parameters, &case.loss, data.samples(), case.mode);
    let mut distances = vec![("loss".to_owned(), distance(&[found.loss], &[expected.loss]))];
    for l in 1..=case.network.depth() {
        let pairs = [
            ("z", found.cache.pre_activation(l), &expected.z[l]),
            ("a", found.cache.activation(l), &expected.a[l]),
            ("delta", found.deltas.delta(l), &expected.delta[l]),
        ];
        for (name, found, expected) in pairs {
            assert_eq!((found.rows(), found.columns()), (expected.rows(), expected.columns()));
            distances.push((format!("{name}({l})"), distance(found.as_slice(), expected.as_slice())));
        }
    }
    for tensor in case.network.tensors() {
        let (found, expected) = (found.gradients.tensor(tensor), expected.gradients.tensor(tensor));
        distances.push((tensor.name.clone(), distance(&found.to_vec(), &expected.to_vec())));
    }
    distances
}

fn assert_near<T: Scalar>(what: &str, case: &Case, expected: &reference::Values, bound: f64) {
    for (name, distance) in distances::<T>(case, expected) {
        assert!(distance <= bound, "{what}, {}: {name} is {distance:e} away, more than {bound:e}", T::NAME);
    }
}

fn reference_of(case: &Case) -> reference::Values {
    compute(&case.network, &case.parameters, &case.loss, case.data.samples(), case.mode, None).unwrap()
}

#[test]
fn all_sizes_of_inputs_layers_and_batches() {
    let activations: Vec<_> = hidden_activations().collect();
    let losses = losses();
    let mut index = 0;
    for n_in in SIZES {
        for n_hidden in SIZES {
            for rows in SIZES {
                let (hidden, loss) =
                    (activations[index % activations.len()], losses[index % losses.len()].clone());
                let what = format!("{n_in}-{n_hidden}-3, B {rows}, {hidden:?}, {loss:?}");
                let case = case([n_in, n_hidden, 3], rows, hidden, loss, index as u64);
                let expected = reference_of(&case);
                assert_near::<f64>(&what, &case, &expected, 2e-14);
                assert_near::<f32>(&what, &case, &expected, 5e-6);
                index += 1;
            }
        }
    }
}

#[test]
fn all_sizes_of_outputs() {
    for (index, n_out) in SIZES.into_iter().enumerate() {
        for rows in SIZES {
            for loss in losses() {
                if n_out == 1 && matches!(loss, Loss::CrossEntropy { .. }) {
                    continue;
                }
                let what = format!("9-33-{n_out}, B {rows}, {loss:?}");
                let case = case([9, 33, n_out], rows, Activation::Tanh, loss, 1000 + index as u64);
                let expected = reference_of(&case);
                assert_near::<f64>(&what, &case, &expected, 2e-14);
                assert_near::<f32>(&what, &case, &expected, 5e-6);
            }
        }
    }
}

/// Every pair of loss and output activation, with weights, classes and dropout, in f64.
#[test]
fn every_loss_with_every_output() {
    for loss in [
        losses(),
        vec![
            Loss::CrossEntropy { label_smoothing: 0.2, class_weights: Some(vec![0.5, 2.0, 0.0, 1.0]) },
            Loss::Huber { delta: 0.3 },
            Loss::Quantile { quantile: 0.8 },
        ],
    ]
    .concat()
    {
        for (index, output) in Activation::ALL.iter().enumerate() {
            let network = Network::builder(3)
                .dropout(0.1)
                .dense(9, Activation::GeluTanh)
                .dropout(0.4)
                .dense_without_bias(6, Activation::Selu)
                .dense(4, *output)
                .build()
                .unwrap();
            let mut case = Case::new(network, loss.clone(), 11, 2000 + index as u64);
            let what = format!("{loss:?} {output:?}");
            assert_near::<f64>(&what, &case, &reference_of(&case), 2e-14);
            case.mode = Mode::Training { seed: 9, step: 4 };
            case.data.weights = Some((0..11).map(|i| f64::from(i % 4) / 2.0).collect());
            assert_near::<f64>(&what, &case, &reference_of(&case), 2e-14);
            case.data.targets = Numbers::new(1).classes(11, 4);
            assert_near::<f64>(&what, &case, &reference_of(&case), 2e-14);
        }
    }
}

/// One fused step after the other beside the five functions, on batches of several sizes in the same buffers.
fn assert_fused_equals_functions<T: Scalar>(
    what: &str,
    case: &Case,
    batches: &[usize],
    rule: &Rule,
    clipping: Option<Clipping>,
    threads: &Threads,
) {
    let Case { network, loss, data, .. } = case;
    let mut expected = case.parameters.cast::<T>();
    let mut parameters = expected.clone();
    let mut expected_optimizer = Optimizer::new(rule.clone(), &expected).unwrap();
    let mut optimizer = Optimizer::new(rule.clone(), &parameters).unwrap();
    let maximum = batches.iter().copied().max().unwrap();
    let mut step = TrainingStep::new(network, loss, clipping, maximum).unwrap().keeping_gradients();
    // The same in the form that applies gradients as they come.
    let mut applied = parameters.clone();
    let mut applied_optimizer = optimizer.clone();
    let mut applying = TrainingStep::new(network, loss, clipping, maximum).unwrap();
    for (index, &rows) in batches.iter().enumerate() {
        let rows: Vec<usize> = (data.len() - rows..data.len()).collect();
        let data = data.select(&rows).cast::<T>();
        let mode = Mode::Training { seed: 77, step: index as u64 };
        let mut five = five_steps(network, &expected, loss, data.samples(), mode);
        if let Some(clipping) = clipping {
            clip(&mut five.gradients, clipping);
        }
        update(&mut expected_optimizer, &mut expected, &five.gradients).unwrap();

        let sum = step.run(threads, &mut parameters, &mut optimizer, data.samples(), Some(77)).unwrap();
        let what = format!("{what}, {}, step {index}", T::NAME);
        assert_same_bits(&format!("{what}: loss"), &[sum.mean()], &[five.loss]);
        assert_same_parameters(&format!("{what}: gradient"), step.kept_gradients().unwrap(), &five.gradients);
        assert_same_parameters(&format!("{what}: parameter"), &parameters, &expected);

        let sum =
            applying.run(threads, &mut applied, &mut applied_optimizer, data.samples(), Some(77)).unwrap();
        assert_same_bits(&format!("{what}: loss"), &[sum.mean()], &[five.loss]);
        assert_eq!(applying.kept_gradients().is_some(), clipping.is_some() || rule.takes_whole_tensors());
        assert_same_parameters(&format!("{what}: applied"), &applied, &expected);
    }
    assert_eq!(optimizer.steps(), batches.len() as u64);
    for (buffer, expected) in applied_optimizer.state().iter().zip(expected_optimizer.state()) {
        assert_same_parameters(&format!("{what}: optimizer state, applied"), buffer, expected);
    }
    for (buffer, expected) in optimizer.state().iter().zip(expected_optimizer.state()) {
        assert_same_parameters(&format!("{what}: optimizer state"), buffer, expected);
    }
}

#[test]
fn the_fused_step_has_the_bits_of_the_five_functions() {
    let threads = Threads::single();
    let rule = Rule::Adam(Adam::default());
    for hidden in hidden_activations() {
        for (index, loss) in losses().into_iter().enumerate() {
            for output in [loss.natural_output(), Activation::Tanh, Activation::Softmax] {
                let network = Network::builder(3)
                    .dropout(0.1)
                    .dense(17, hidden)
                    .dropout(0.3)
                    .dense_without_bias(6, hidden)
                    .dense(4, output)
                    .build()
                    .unwrap();
                let mut case = Case::new(network, loss.clone(), 9, index as u64);
                case.data.weights = (index % 2 == 1).then(|| (0..9).map(|i| f64::from(i % 3)).collect());
                let what = format!("{hidden:?} {loss:?} {output:?}");
                assert_fused_equals_functions::<f64>(&what, &case, &[9, 1, 5], &rule, None, &threads);
                assert_fused_equals_functions::<f32>(&what, &case, &[9, 1, 5], &rule, None, &threads);
            }
        }
    }
}

#[test]
fn every_rule_and_clipping_updates_alike() {
    let threads = Threads::single();
    let momentum = Sgd { learning_rate: 0.1, momentum: 0.9, ..Sgd::default() };
    let others = [
        Rule::Sgd(Sgd { dampening: 0.3, weight_decay: 0.01, ..momentum.clone() }),
        Rule::Sgd(Sgd { nesterov: true, ..momentum }),
        Rule::RmsProp(RmsProp { momentum: 0.5, centered: true, ..RmsProp::default() }),
        Rule::Adagrad(Adagrad { learning_rate_decay: 0.1, initial_accumulator: 0.2, ..Adagrad::default() }),
    ];
    for rule in Rule::all().into_iter().chain(others) {
        for clipping in [
            None,
            Some(Clipping::Value(0.01)),
            Some(Clipping::GlobalNorm(0.05)),
            Some(Clipping::GlobalNorm(1e9)),
        ] {
            let network =
                Network::builder(5).dense(33, Activation::Mish).dropout(0.5).dense(3, Activation::Softmax);
            let case = Case::new(network.build().unwrap(), Loss::cross_entropy(), 8, 3000);
            let what = format!("{rule:?} {clipping:?}");
            assert_fused_equals_functions::<f64>(&what, &case, &[8, 7, 8, 1, 2], &rule, clipping, &threads);
            assert_fused_equals_functions::<f32>(&what, &case, &[8, 7, 8, 1, 2], &rule, clipping, &threads);
        }
    }
}

/// Large enough that the work is divided among threads, while the five functions use one.
#[test]
fn the_fused_step_on_threads_has_the_bits_of_the_five_functions() {
    let threads = Threads::new(3);
    let rule = Rule::Sgd(Sgd { learning_rate: 0.05, momentum: 0.9, ..Sgd::default() });
    for (n_in, n_hidden, rows) in
        [(129, 257, 128), (300, 129, 127), (17, 1000, 129), (1000, 200, 15), (1500, 1400, 1)]
    {
        let network = Network::builder(n_in)
            .dense(n_hidden, Activation::Gelu)
            .dropout(0.2)
            .dense(127, Activation::Relu)
            .dense(10, Activation::Softmax)
            .build()
            .unwrap();
        let case = Case::new(network, Loss::cross_entropy(), rows, 4000);
        let what = format!("{n_in}-{n_hidden}-127-10, B {rows}");
        let batches = [rows, rows.div_ceil(2), rows];
        let clipping = Some(Clipping::GlobalNorm(0.5));
        assert_fused_equals_functions::<f64>(&what, &case, &batches, &rule, clipping, &threads);
        assert_fused_equals_functions::<f32>(&what, &case, &batches, &rule, clipping, &threads);
    }
}

/// Networks that are too large for whole passes: by their weights, and by their deltas.
#[test]
fn a_large_network_has_the_bits_of_the_five_functions() {
    use Activation::*;
    let by_weights = Network::builder(1030).dense(1100, Relu).dropout(0.2).dense(1033, Gelu).dense(70, Tanh);
    let by_deltas = Network::builder(3).dense(520, Silu).dropout(0.1).dense(530, Relu).dense(2, Softmax);
    for (builder, loss, rows) in
        [(by_weights, Loss::MeanSquaredError, 21), (by_deltas, Loss::cross_entropy(), 1040)]
    {
        let case = Case::new(builder.build().unwrap(), loss, rows, 5);
        for (threads, clipping) in [(1, None), (3, None), (2, Some(Clipping::Value(1e-3)))] {
            let rule = Rule::Adam(Adam::default());
            let batches = [rows, rows / 2 + 1];
            assert_fused_equals_functions::<f32>(
                "large",
                &case,
                &batches,
                &rule,
                clipping,
                &Threads::new(threads),
            );
        }
    }
}
