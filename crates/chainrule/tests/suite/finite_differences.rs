//! Finite differences in f64 agree with backpropagation for every activation, loss, output and depth.

use crate::common::*;
use chainrule::gradient_check::{CheckOptions, CheckReport, Checker, FEWEST_TENSORS, Kink, gradient_check};
use chainrule::*;

/// Samples; different from every width below.
const ROWS: usize = 7;

/// 2 inputs, up to three hidden layers of 5, 4 and 6 neurons, `outputs` outputs.
fn network(depth: usize, hidden: Activation, outputs: usize, output: Activation) -> Network {
    let widths = [5, 4, 6];
    let builder = widths[..depth - 1].iter().fold(Network::builder(2), |b, &width| b.dense(width, hidden));
    builder.dense(outputs, output).build().unwrap()
}

/// Every hidden activation, loss and output activation at one depth.
fn check_depth(depth: usize) {
    let mut checked = Checked::default();
    let mut networks = 0;
    // Depth 1 has no hidden layer: any one activation stands for all.
    let kinds = if depth == 1 { 1 } else { hidden_activations().count() };
    for hidden in hidden_activations().take(kinds) {
        for loss in losses() {
            for output in Activation::ALL {
                let network = network(depth, hidden, 3, *output);
                checked.add(Case::new(network, loss.clone(), ROWS, networks).check());
                networks += 1;
            }
        }
    }
    assert_eq!(networks as usize, kinds * losses().len() * Activation::ALL.len());
    checked.assert_meaningful();
}

#[test]
fn depth_1() {
    check_depth(1);
}

#[test]
fn depth_2() {
    check_depth(2);
}

#[test]
fn depth_3() {
    check_depth(3);
}

#[test]
fn depth_4() {
    check_depth(4);
}

#[test]
fn a_single_output() {
    let mut checked = Checked::default();
    for (index, output) in hidden_activations().enumerate() {
        for loss in losses().into_iter().filter(|loss| !matches!(loss, Loss::CrossEntropy { .. })) {
            let seed = 100 + index as u64;
            let mut case = Case::new(network(2, Activation::Tanh, 1, output), loss, ROWS, seed);
            checked.add(case.check());
            // Classes 0 and 1, as numbers.
            case.data.targets = Numbers::new(seed).classes(ROWS, 2);
            checked.add(case.check());
        }
    }
    checked.assert_meaningful();
}

#[test]
fn class_indices_for_every_loss_and_output() {
    let mut checked = Checked::default();
    for (index, output) in Activation::ALL.iter().enumerate() {
        for loss in losses() {
            let mut case =
                Case::new(network(2, Activation::Silu, 3, *output), loss, ROWS, 200 + index as u64);
            case.data.targets = Numbers::new(index as u64).classes(ROWS, 3);
            checked.add(case.check());
        }
    }
    checked.assert_meaningful();
}

#[test]
fn label_smoothing_and_class_weights() {
    let mut checked = Checked::default();
    let weights = Some(vec![0.25, 3.0, 1.5]);
    let one_class_does_not_count = Some(vec![2.0, 0.0, 1.0]);
    for (label_smoothing, class_weights) in
        [(0.1, None), (0.0, weights.clone()), (0.3, weights), (0.2, one_class_does_not_count)]
    {
        let loss = Loss::CrossEntropy { label_smoothing, class_weights };
        for output in Activation::ALL {
            for classes in [false, true] {
                let mut case = Case::new(network(3, Activation::Mish, 3, *output), loss.clone(), ROWS, 300);
                if classes {
                    case.data.targets = OwnedTargets::Classes(vec![0, 2, 1, 1, 0, 2, 2]);
                }
                checked.add(case.check());
            }
        }
    }
    checked.assert_meaningful();
}

#[test]
fn sample_weights_one_of_them_zero() {
    let mut checked = Checked::default();
    for loss in losses() {
        for output in Activation::ALL {
            let mut case = Case::new(network(3, Activation::Gelu, 3, *output), loss.clone(), ROWS, 400);
            case.data.weights = Some(vec![1.0, 0.5, 0.0, 2.0, 0.125, 7.0, 1.0]);
            checked.add(case.check());
        }
    }
    // Together with class weights, which multiply.
    let class_weights = Some(vec![0.25, 3.0, 1.5]);
    let loss = Loss::CrossEntropy { label_smoothing: 0.1, class_weights };
    let mut case = Case::new(network(2, Activation::Tanh, 3, Activation::Softmax), loss, ROWS, 401);
    case.data.weights = Some(vec![1.0, 0.5, 0.0, 2.0, 0.125, 7.0, 1.0]);
    case.data.targets = OwnedTargets::Classes(vec![0, 2, 1, 1, 0, 2, 2]);
    checked.add(case.check());
    checked.assert_meaningful();
}

#[test]
fn hyperparameters_of_losses_and_activations() {
    let mut checked = Checked::default();
    let deltas = [0.1, 0.7, 4.0].map(|delta| Loss::Huber { delta });
    let quantiles = [0.05, 0.3, 0.9].map(|quantile| Loss::Quantile { quantile });
    for loss in deltas.into_iter().chain(quantiles) {
        for output in Activation::ALL {
            checked.add(Case::new(network(2, Activation::Tanh, 3, *output), loss.clone(), ROWS, 500).check());
        }
    }
    let slopes = [0.0, 0.3, 1.0, 2.5].map(|negative_slope| Activation::LeakyRelu { negative_slope });
    let alphas = [0.2, 1.7].map(|alpha| Activation::Elu { alpha });
    for activation in slopes.into_iter().chain(alphas) {
        for loss in losses() {
            checked.add(Case::new(network(3, activation, 3, activation), loss, ROWS, 501).check());
        }
    }
    checked.assert_meaningful();
}

#[test]
fn layers_without_a_bias() {
    let mut checked = Checked::default();
    for hidden in hidden_activations() {
        for (first, second, third) in [(false, false, false), (true, false, true), (false, true, false)] {
            let dense = |width, activation, bias| Layer::Dense(layer::Dense { width, activation, bias });
            let network = Network::builder(2)
                .layer(dense(5, hidden, first))
                .layer(dense(4, hidden, second))
                .layer(dense(3, Activation::Softmax, third))
                .build()
                .unwrap();
            assert_eq!(network.tensors().len(), 3 + [first, second, third].iter().filter(|b| **b).count());
            checked.add(Case::new(network, Loss::cross_entropy(), ROWS, 600).check());
        }
    }
    checked.assert_meaningful();
}

#[test]
fn dropout_while_training() {
    let mut checked = Checked::default();
    for hidden in hidden_activations() {
        let places = [
            Network::builder(3).dense(8, hidden).dropout(0.3).dense(2, Activation::Identity),
            Network::builder(3).dropout(0.2).dense(8, hidden).dense(2, Activation::Identity),
            Network::builder(3)
                .dropout(0.1)
                .dropout(0.1)
                .dense(8, hidden)
                .dropout(0.25)
                .dropout(0.5)
                .dense(6, hidden)
                .dropout(0.0)
                .dense(2, Activation::Softmax),
        ];
        for builder in places {
            for loss in [Loss::HalfSquaredError, Loss::cross_entropy()] {
                let mut case = Case::new(builder.clone().build().unwrap(), loss, ROWS, 700);
                checked.add(case.check());
                let inference = case.five_steps();
                case.mode = Mode::Training { seed: 5, step: 3 };
                checked.add(case.check());
                assert_ne!(case.five_steps().loss, inference.loss, "nothing was dropped");
            }
        }
    }
    assert!(
        checked.at_kink * 100 <= checked.compared && checked.not_zero * 2 >= checked.compared,
        "{checked:?}"
    );
}

#[test]
fn one_sample() {
    let mut checked = Checked::default();
    for hidden in hidden_activations() {
        for loss in losses() {
            checked.add(Case::new(network(3, hidden, 3, loss.natural_output()), loss, 1, 800).check());
        }
    }
    assert!(checked.not_zero * 2 >= checked.compared, "{checked:?}");
}

#[test]
fn a_kink_is_named_a_kink_and_not_a_failure() {
    // All z(1) are 0: every parameter of layer 1 moves some z across ReLU's kink.
    let network = network(2, Activation::Relu, 3, Activation::Identity);
    let mut case = Case::new(network, Loss::HalfSquaredError, ROWS, 900);
    change_weight(&mut case.parameters, 1, |w| w.fill(0.0));
    change_bias(&mut case.parameters, 1, |b| b.fill(0.0));
    let options = CheckOptions::default();
    let report = |case: &Case| {
        gradient_check(&case.network, &case.parameters, &case.loss, case.data.samples(), &options).unwrap()
    };
    let kinks =
        |case: &Case| -> Vec<_> { report(case).tensors.iter().map(|t| (t.compared, t.at_kink)).collect() };
    assert!(report(&case).passed());
    assert_eq!(kinks(&case), [(0, 10), (0, 5), (15, 0), (3, 0)]);
    // One neuron alone at its kink.
    change_bias(&mut case.parameters, 1, |b| b.copy_from_slice(&[1.0, -1.0, 0.0, 2.0, -0.5]));
    assert!(report(&case).passed());
    assert_eq!(kinks(&case), [(8, 2), (4, 1), (15, 0), (3, 0)]);
    // The slopes on both sides are averaged by a central difference: it is the kink that must be seen, not the error.
    let z = forward(&case.network, &case.parameters, case.data.inputs.view(), Mode::Inference).unwrap();
    assert!((0..ROWS).all(|i| z.pre_activation(1)[(i, 2)] == 0.0));

    // The corner of |a - y| at a = y, in the output.
    let output = z.output().clone();
    case.loss = Loss::MeanAbsoluteError;
    case.data.targets = OwnedTargets::Values(output);
    assert!(report(&case).passed());
    let [.., weights, biases] = kinks(&case)[..] else { unreachable!() };
    // W(2) of the neurons whose a is 0 for every sample moves nothing.
    assert_eq!((weights, biases), ((9, 6), (0, 3)));
}

#[test]
fn a_loss_of_zero_has_derivatives_of_zero() {
    let network = Network::builder(2).dense_without_bias(5, Activation::Tanh).dense(3, Activation::Identity);
    let mut case = Case::new(network.build().unwrap(), Loss::HalfSquaredError, ROWS, 1000);
    case.parameters = case.network.zeros();
    case.data.targets = OwnedTargets::Values(Matrix::zeros(ROWS, 3));
    let checked = case.check();
    assert_eq!((checked.compared, checked.not_zero), (10 + 15 + 3, 0));
}

/// One parameter at a time gives what the whole check gives, and leaves the parameters as they were.
#[test]
fn single_comparisons_are_those_of_the_whole_check() {
    let case = Case::new(network(3, Activation::Gelu, 3, Activation::Tanh), Loss::Poisson, ROWS, 700);
    let gradients = case.five_steps().gradients;
    let report = case.report(&gradients);
    let (options, samples) = (CheckOptions::default(), case.data.samples());
    let mut checker =
        Checker::new(&case.network, &case.parameters, &case.loss, samples, &gradients, &options).unwrap();
    assert_eq!(checker.loss(), report.loss);
    for (index, expected) in report.tensors.iter().enumerate() {
        let elements = checker.chosen(index);
        assert_eq!(elements.len(), expected.tensor.count());
        let mut worst = 0.0f64;
        for element in elements {
            let comparison = checker.compare(index, element).unwrap().unwrap();
            worst = worst.max(comparison.relative_error);
            let h = checker.step(index, element).unwrap();
            let difference = checker.difference(index, element, h).unwrap();
            assert_eq!(difference.kink, None);
            let slope = (difference.loss_up - difference.loss_down) / (2.0 * h);
            assert!((difference.derivative - slope).abs() <= 1e-9 * slope.abs().max(1e-2));
            assert!((difference.derivative - comparison.backpropagated).abs() < 1e-8);
        }
        assert_eq!(worst, expected.worst.as_ref().unwrap().relative_error);
    }
    for (tensor, element) in [(0, 10), (6, 0), (usize::MAX, 0)] {
        assert!(checker.compare(tensor, element).is_err());
        assert!(checker.difference(tensor, element, 1e-5).is_err());
        assert!(checker.step(tensor, element).is_err());
    }
    assert!(checker.chosen(6).is_empty());
    // Too small a step to move the weight at all.
    assert!(checker.difference(0, 0, 1e-40).unwrap().derivative.is_nan());
}

#[test]
fn a_kink_is_named() {
    let builder = Network::builder(1).dense(2, Activation::Identity).dropout(0.5);
    let network = builder.dense(2, Activation::Relu).dense(1, Activation::Identity).build().unwrap();
    let mut parameters = network.zeros::<f64>();
    change_weight(&mut parameters, 1, |w| w.copy_from_slice(&[1.0, 1.0]));
    // The second neuron's z in the first sample is 0.
    change_weight(&mut parameters, 3, |w| w.copy_from_slice(&[1.0, 1.0, 2.0, -1.0]));
    change_weight(&mut parameters, 4, |w| w.copy_from_slice(&[1.0, 1.0]));
    change_bias(&mut parameters, 3, |b| b[1] = -2.0);
    change_bias(&mut parameters, 1, |b| b[1] = 1.0);
    let (inputs, targets) = (Matrix::from_rows(&[[3.0], [-1.0]]), Matrix::from_rows(&[[7.0], [0.5]]));
    let samples = Samples { inputs: inputs.view().into(), targets: (&targets).into(), sample_weights: None };
    let check = |parameters: &Parameters<f64>, tensor: usize, element: usize| {
        let loss = Loss::MeanAbsoluteError;
        let (gradients, options) = (network.zeros(), CheckOptions::default());
        let mut checker = Checker::new(&network, parameters, &loss, samples, &gradients, &options).unwrap();
        let compared = checker.compare(tensor, element).unwrap();
        (checker.difference(tensor, element, 1e-3).unwrap().kink, compared)
    };
    let kink = Kink::Neuron { layer: 3, neuron: 1, sample: 0 };
    assert_eq!(check(&parameters, 0, 0), (Some(kink), None));
    // With b(2)[2] = 6 that z is 8, and the output 7 + 8.
    change_bias(&mut parameters, 3, |b| b[1] = 6.0);
    change_bias(&mut parameters, 4, |b| b[0] = -8.0);
    assert_eq!(check(&parameters, 4, 1), (Some(Kink::Loss { output: 0, sample: 0 }), None));
}

/// Passes that begin at a parameter's layer, and end where nothing is changed any more, give the losses of whole passes.
#[test]
fn differences_are_those_of_whole_passes() {
    let relu = Activation::Relu;
    let builder = Network::builder(3).dense(4, relu).dropout(0.3).dense_without_bias(20, Activation::Gelu);
    let builder = builder.dense(5, relu).dense(3, Activation::LeakyRelu { negative_slope: 0.2 }).dropout(0.5);
    let network = builder.dense(4, relu).dense(3, Activation::Softmax).build().unwrap();
    let modes = [Mode::Inference, Mode::Training { seed: 3, step: 1 }];
    for (seed, mode) in [(21, modes[0]), (22, modes[1]), (23, modes[0]), (24, modes[1])] {
        for loss in [Loss::cross_entropy(), Loss::MeanAbsoluteError] {
            let case = Case::new(network.clone(), loss, ROWS, seed);
            let (samples, gradients) = (case.data.samples(), case.network.zeros());
            let options = CheckOptions { mode, ..CheckOptions::default() };
            let mut checker =
                Checker::new(&network, &case.parameters, &case.loss, samples, &gradients, &options).unwrap();
            for (index, tensor) in network.tensors().iter().enumerate() {
                for element in 0..tensor.count() {
                    let h = 0.05;
                    let loss_at = |step: f64| {
                        let mut moved = case.parameters.clone();
                        change(&mut moved, tensor, |numbers| numbers[element] += step);
                        let cache = forward(&network, &moved, case.data.inputs.view(), mode).unwrap();
                        let (targets, weights) = (samples.targets, samples.sample_weights);
                        let error = output_error(&network, &cache, &case.loss, targets, weights);
                        (error.unwrap().loss, cache)
                    };
                    let ((up, above), (down, below)) = (loss_at(h), loss_at(-h));
                    let found = checker.difference(index, element, h).unwrap();
                    let what = format!("{} {element} of seed {seed}", tensor.name);
                    assert_eq!(found.loss_up.to_bits(), up.to_bits(), "{what}");
                    assert_eq!(found.loss_down.to_bits(), down.to_bits(), "{what}");
                    let first = first_kink(&network, &above, &below);
                    if first.is_some() || !matches!(found.kink, Some(Kink::Loss { .. })) {
                        assert_eq!(found.kink, first, "{what}");
                    }
                }
            }
        }
    }
}

/// The first z that passes a kink between two passes, row by row.
fn first_kink(network: &Network, above: &Cache<f64>, below: &Cache<f64>) -> Option<Kink> {
    for (index, layer) in network.layers().iter().enumerate() {
        let Some(activation) = layer.activation() else { continue };
        let (above, below) = (above.pre_activation(index + 1), below.pre_activation(index + 1));
        for sample in 0..above.rows() {
            for neuron in 0..above.columns() {
                let (a, b) = (above[(sample, neuron)], below[(sample, neuron)]);
                if activation.kinks().iter().any(|k| a != b && (a - k) * (b - k) <= 0.0) {
                    return Some(Kink::Neuron { layer: index + 1, neuron, sample });
                }
            }
        }
    }
    None
}

/// Behind a layer that is off for all samples, nothing is computed again.
#[test]
fn passes_end_where_nothing_changes() {
    let deep = (0..50).fold(Network::builder(2), |builder, _| builder.dense(3, Activation::Relu));
    let network = deep.dense(1, Activation::Identity).build().unwrap();
    let mut case = Case::new(network, Loss::HalfSquaredError, ROWS, 31);
    change_weight(&mut case.parameters, 3, |w| w.fill(0.0));
    change_bias(&mut case.parameters, 3, |b| b.fill(-1.0));
    let (options, gradients) = (CheckOptions::default(), case.network.zeros());
    let samples = case.data.samples();
    let mut checker =
        Checker::new(&case.network, &case.parameters, &case.loss, samples, &gradients, &options).unwrap();
    let mut work_of = |tensor: usize| {
        let before = checker.work();
        let difference = checker.difference(tensor, 0, 1e-5).unwrap();
        (checker.work() - before, difference)
    };
    // The last layer alone, which has tensors 100 and 101; and three of 51.
    let (of_the_last, _) = work_of(100);
    let (to_layer_3, difference) = work_of(0);
    assert!(of_the_last < to_layer_3 && to_layer_3 < 4 * of_the_last, "{of_the_last}, {to_layer_3}");
    assert_eq!((difference.loss_up, difference.derivative), (difference.loss_down, 0.0));
}

#[test]
fn a_check_with_an_end_tells_what_it_left_out() {
    let deep = (0..99).fold(Network::builder(2), |builder, _| builder.dense(3, Activation::Tanh));
    let network = deep.dense(1, Activation::Identity).build().unwrap();
    let case = Case::new(network, Loss::HalfSquaredError, ROWS, 32);
    let check = |seed: u64, most_work: Option<u64>| {
        let options = CheckOptions { seed, most_work, ..CheckOptions::default() };
        gradient_check(&case.network, &case.parameters, &case.loss, case.data.samples(), &options).unwrap()
    };
    let whole = check(1, None);
    assert_eq!((whole.tensors.len(), whole.unchecked), (200, 0));
    let lines = |report: &CheckReport| -> Vec<String> {
        report.tensors.iter().map(|tensor| format!("{tensor:?}")).collect()
    };
    // Where there is work enough, it is the same check.
    assert_eq!(lines(&check(1, Some(u64::MAX))), lines(&whole));
    let few = check(1, Some(0));
    assert_eq!((few.tensors.len(), few.unchecked), (FEWEST_TENSORS, 200 - FEWEST_TENSORS));
    let places: Vec<usize> = few
        .tensors
        .iter()
        .map(|report| 2 * (report.tensor.layer - 1) + usize::from(report.tensor.is_vector))
        .collect();
    assert_eq!((places[0], places[FEWEST_TENSORS - 1]), (0, 199));
    // Spread over all, and each as in the whole check.
    assert!(places.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] < 40), "{places:?}");
    let of_whole = lines(&whole);
    assert!(lines(&few).iter().zip(&places).all(|(line, &place)| *line == of_whole[place]));
    assert_eq!(lines(&check(1, Some(0))), lines(&few));
    assert_ne!(lines(&check(2, Some(0))), lines(&few));
    // More work is for more tensors.
    let counts: Vec<usize> = (20..32).map(|power| check(1, Some(1 << power)).tensors.len()).collect();
    assert!(counts.is_sorted(), "{counts:?}");
    assert!(counts.iter().any(|&count| FEWEST_TENSORS < count && count < 200), "{counts:?}");
}
