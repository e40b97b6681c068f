//! What the analysis says of a step, beside the trace, beside differences and beside published numbers.

mod formula;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chainrule::layer::{LayerNorm, Scale};
use chainrule::trace::{Computation, Quantity, ValueId, trace};
use chainrule::{Activation, Loss, Matrix, Mode, Network, Rule, Samples, Targets, forward, output_error};
use chainrule_explorer_core::analysis::*;
use chainrule_explorer_core::{Num, Refusal, Sentences, Step};

/// Numbers in +-1, by a linear congruential generator.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn step_of(network: Network, loss: Loss, rows: usize, seed: u64) -> Step {
    let mut next = numbers(seed);
    let mut parameters = network.zeros::<f64>();
    for tensor in network.tensors() {
        let drawn: Vec<f64> = (0..tensor.count()).map(|_| next()).collect();
        parameters.set_tensor(tensor, &drawn).unwrap();
    }
    let (n, outputs) = (network.input_width(), network.output_width());
    let inputs = Matrix::from_vec(rows, n, (0..rows * n).map(|_| 1.5 * next()).collect()).unwrap();
    let mut targets = Matrix::zeros(rows, outputs);
    for i in 0..rows {
        let row = targets.row_mut(i);
        row.fill_with(|| next().abs());
        if let (Loss::CrossEntropy { .. }, true) = (&loss, seed.is_multiple_of(2)) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|y| *y /= sum);
        }
    }
    Step::new(network, Arc::new(parameters), loss, Arc::new(inputs), Arc::new(targets), 0.3).unwrap()
}

fn network(inputs: usize, layers: &[(usize, Activation)]) -> Network {
    let add = |builder: chainrule::NetworkBuilder, &(width, sigma): &(usize, Activation)| {
        builder.dense(width, sigma)
    };
    layers.iter().fold(Network::builder(inputs), add).build().unwrap()
}

/// All losses with all outputs, deep and shallow, without biases, in batches of 1, 3, 8 and
/// 33.
fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    let mut losses = Loss::all();
    losses.push(Loss::CrossEntropy { label_smoothing: 0.1, class_weights: None });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.0, class_weights: Some(vec![1.0, 0.5, 3.0]) });
    losses.push(Loss::CrossEntropy { label_smoothing: 0.2, class_weights: Some(vec![1.0, 0.0, 3.0]) });
    for loss in losses {
        for &output in Activation::ALL {
            let seed = steps.len() as u64;
            let hidden = Activation::ALL[steps.len() % (Activation::ALL.len() - 1)];
            let network = Network::builder(3).dense(5, hidden).dense_without_bias(4, hidden);
            let network = network.dense(3, output).build().unwrap();
            steps.push(step_of(network, loss.clone(), [1, 3, 8, 33][steps.len() % 4], seed));
        }
    }
    let wide = [(70, Activation::Relu), (40, Activation::Softmax)];
    steps.push(step_of(network(300, &wide), Loss::cross_entropy(), 5, 1000));
    steps.push(step_of(network(1, &[(1, Activation::Tanh)]), Loss::HalfSquaredError, 1, 1001));
    steps
}

fn id(name: &str) -> ValueId {
    name.parse().unwrap()
}

fn cells(step: &Step) -> Vec<Cell> {
    let mut cells = Vec::new();
    for value in step.trace.values() {
        let columns = value.shape.last().copied().unwrap_or(1);
        // Large matrices by every 97th cell.
        let stride = if value.values.len() > 2000 { 97 } else { 1 };
        cells.extend((0..value.values.len()).step_by(stride).map(|index| Cell {
            name: value.id,
            row: index / columns,
            column: index % columns,
        }));
    }
    cells
}

fn traced(step: &Step, name: &str, row: usize, column: usize) -> f64 {
    let value = step.trace.value(id(name)).unwrap();
    value.values[row * value.shape.last().copied().unwrap_or(1) + column]
}

fn bits(number: f64) -> u64 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

/// What the terms of an explanation come to.
fn result(explanation: &Explanation) -> f64 {
    let last = explanation.terms.last().unwrap().partial.0;
    match (explanation.divisor, explanation.function.as_deref(), &*explanation.cell.name.to_string()) {
        (Some(sum), Some("softmax"), _) => explanation.terms[0].product.0 / sum.0,
        (Some(count), _, "loss") => last / count.0,
        (Some(count), ..) => last * (1.0 / count.0),
        (None, ..) => last,
    }
}

#[test]
fn the_terms_of_every_number_give_it_bit_for_bit() {
    let (mut exact, mut to_rounding) = (0, 0);
    for step in steps() {
        let rule = output_rule(&step);
        let output = id(&format!("delta.{}", step.network.depth()));
        for cell in cells(&step) {
            let explanation = explain(&step, &cell).unwrap();
            let value = traced(&step, &cell.name.to_string(), cell.row, cell.column);
            let what = format!("{cell:?} {:?} {:?}: {explanation:?}", step.loss, rule.rule);
            assert_eq!(explanation.value.0.to_bits(), value.to_bits(), "{what}");
            assert!(explanation.sentence.ends_with('.') && !explanation.sentence.contains("  "), "{what}");
            let is_given = step.trace.given.iter().any(|given| given.id == cell.name);
            assert_eq!(explanation.terms.is_empty(), is_given, "{what}");
            assert_eq!(explanation.operation.is_none(), is_given, "{what}");
            if is_given {
                continue;
            }
            for factor in explanation.terms.iter().flat_map(|term| &term.factors).chain(&explanation.start) {
                assert!(!factor.label.is_empty());
                let Some(cell) = &factor.cell else { continue };
                let value = traced(&step, &cell.name.to_string(), cell.row, cell.column);
                let is_itself = factor.value.0.to_bits() == value.to_bits();
                let says_otherwise = ["smoothed", "weight", "1 - ", "-target"];
                assert!(is_itself || says_otherwise.iter().any(|word| factor.label.contains(word)), "{what}");
            }
            for term in &explanation.terms {
                if let ([one, other], None) = (&term.factors[..], &explanation.function) {
                    let (product, factors) = (term.product.0, one.value.0 * other.value.0);
                    assert_eq!(bits(product), bits(factors), "{what}");
                }
            }
            let result = result(&explanation);
            let is_product = cell.name == output
                && explanation.divisor.is_none()
                && rule.rule != RuleName::PredictionMinusTarget;
            if is_product {
                let size = explanation.terms.iter().map(|term| term.product.0.abs()).sum::<f64>();
                assert!((result - value).abs() <= 1e-14 * size.max(value.abs()), "{result} {what}");
                to_rounding += 1;
            } else {
                assert_eq!(bits(result), bits(value), "{result} {what}");
                exact += 1;
            }
        }
    }
    assert!(exact > 50_000 && to_rounding > 1000, "{exact} {to_rounding}");
}

/// A formula with its numbers, as it is read: [1] is a number.
fn as_read(written: &Written) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Number(factor) => format!("[{}]", factor.label),
    };
    written.pieces.iter().map(piece).collect()
}

#[test]
fn formulas_that_are_written_out_come_to_the_number() {
    let mut written = BTreeSet::new();
    let mut computed = 0;
    for step in steps() {
        let report = loss(&step).unwrap();
        let samples = report.samples.iter().map(|sample| (sample.loss.0, sample.written.clone()));
        let explained = cells(&step).into_iter().map(|cell| {
            let explanation = explain(&step, &cell).unwrap();
            (explanation.value.0, explanation.written)
        });
        // Those of neurons have the slope of the output too, which is not in every trace.
        let output = step.network.depth();
        let neurons =
            (0..step.network.output_width()).filter_map(|k| neuron(&step, output, k, 0).unwrap().slope);
        let slopes = neurons.map(|slope| (slope.value.0, slope.written)).collect::<Vec<_>>();
        for (expected, formula) in explained.chain(samples).chain(slopes) {
            let Some(formula) = formula else { continue };
            let text = as_read(&formula);
            assert!(!text.contains("{}") && !text.contains("  "), "{text}");
            written.extend(formula.formula.clone());
            let Some(value) = formula::value(&formula) else { continue };
            let tolerance = 1e-9 * expected.abs().max(1e-3);
            assert!((value - expected).abs() <= tolerance, "{value} {expected}: {text} {formula:?}");
            computed += 1;
        }
    }
    assert!(computed > 20_000, "{computed}");
    for formula in [
        "a (1 - a)",
        "1 - a^2",
        "1 - exp(-a)",
        "max(z, 0)",
        "1 / (1 + exp(-z))",
        "z Phi(z)",
        "1 / 6 where -3 < z < 3",
    ] {
        assert!(written.contains(formula), "{formula}: {written:#?}");
    }
}

#[test]
fn losses_are_written_out_as_one_says_them() {
    let of = |loss: Loss, output: Activation, targets: &[f64]| {
        let mut step = step_of(network(3, &[(targets.len(), output)]), loss, 1, 2);
        step.targets = Arc::new(Matrix::from_vec(1, targets.len(), targets.to_vec()).unwrap());
        let step =
            Step::new(step.network, step.parameters, step.loss, step.inputs, step.targets, 0.3).unwrap();
        let cell = Cell { name: ValueId::LOSS, row: 0, column: 0 };
        as_read(&explain(&step, &cell).unwrap().written.unwrap())
    };
    let smoothed = Loss::CrossEntropy { label_smoothing: 0.1, class_weights: None };
    assert_eq!(of(Loss::cross_entropy(), Activation::Softmax, &[0.0, 1.0]), "-ln [a(1)[2]]");
    assert_eq!(
        of(smoothed, Activation::Softmax, &[0.0, 1.0]),
        "-([target[1], smoothed: 0.9 * 0 + 0.1 / 2] * ln [a(1)[1]] + [target[2], smoothed: 0.9 * 1 + 0.1 / 2] * ln [a(1)[2]])"
    );
    assert_eq!(of(Loss::BinaryCrossEntropy, Activation::Sigmoid, &[0.0]), "-ln(1 - [a(1)[1]])");
    assert_eq!(
        of(Loss::HalfSquaredError, Activation::Identity, &[0.5, 2.0]),
        "1 / 2 * (([a(1)[1]] - [target[1]])^2 + ([a(1)[2]] - [target[2]])^2)"
    );
    assert_eq!(of(Loss::MeanAbsoluteError, Activation::Tanh, &[0.5]), "|[a(1)[1]] - [target[1]]|");
}

#[test]
fn formulas_read_well() {
    let network = network(3, &[(4, Activation::Tanh), (2, Activation::Softmax)]);
    let step = step_of(network, Loss::cross_entropy(), 2, 2);
    let cell = |name: &str, row, column| Cell { name: id(name), row, column };
    let labels = |name: &str, row, column| -> Vec<String> {
        let explanation = explain(&step, &cell(name, row, column)).unwrap();
        let factors = explanation.terms.iter().flat_map(|term| term.factors.clone());
        explanation.start.into_iter().chain(factors).map(|factor| factor.label).collect()
    };
    let z = labels("z.1", 1, 2);
    assert_eq!(z[..3], ["b(1)[3]", "W(1)[3, 1]", "a(0)[1] of sample 2"]);
    assert_eq!(z.len(), 7);
    assert_eq!(
        labels("error.1", 0, 3),
        ["W(2)[1, 4]", "delta(2)[1] of sample 1", "W(2)[2, 4]", "delta(2)[2] of sample 1"]
    );
    assert_eq!(labels("delta.1", 0, 1), ["error(1)[2] of sample 1", "slope(1)[2] of sample 1"]);
    assert_eq!(labels("delta.2", 1, 0), ["a(2)[1] of sample 2", "target[1] of sample 2"]);
    assert_eq!(labels("updated_weight.1", 0, 1), ["W(1)[1, 2]", "minus the learning rate", "dW(1)[1, 2]"]);
    assert_eq!(labels("bias_gradient.2", 0, 1), ["delta(2)[2] of sample 1", "delta(2)[2] of sample 2"]);
    assert_eq!(labels("a.2", 0, 1), ["z(2)[2] of sample 1", "z(2)[1] of sample 1"]);
    assert_eq!(labels("loss", 0, 0), ["loss of sample 1", "loss of sample 2"]);
    let sentence = explain(&step, &cell("z.1", 0, 1)).unwrap().sentence;
    assert_eq!(sentence, "Neuron 2 of layer 1 adds its bias and 3 weighted inputs.");

    let json = serde_json::to_value(explain(&step, &cell("a.0", 0, 0)).unwrap()).unwrap();
    assert_eq!(json["operation"], "given");
    assert!(json["start"].is_null() && json["divisor"].is_null() && json["function"].is_null());
    let json = serde_json::to_value(explain(&step, &cell("delta.1", 0, 0)).unwrap()).unwrap();
    assert_eq!((&json["operation"], &json["cell"]["name"]), (&"delta".into(), &"delta.1".into()));
}

/// Matt Mazur's worked example, "A Step by Step Backpropagation Example" (2015).
#[test]
fn the_worked_example_has_its_known_numbers() {
    let network = network(2, &[(2, Activation::Sigmoid), (2, Activation::Sigmoid)]);
    let mut parameters = network.zeros::<f64>();
    parameters.set(1, &Matrix::from_rows(&[[0.15, 0.20], [0.25, 0.30]]), &[0.35, 0.35]).unwrap();
    parameters.set(2, &Matrix::from_rows(&[[0.40, 0.45], [0.50, 0.55]]), &[0.60, 0.60]).unwrap();
    let inputs = Arc::new(Matrix::from_rows(&[[0.05, 0.10]]));
    let targets = Arc::new(Matrix::from_rows(&[[0.01, 0.99]]));
    let step =
        Step::new(network, Arc::new(parameters), Loss::HalfSquaredError, inputs, targets, 0.5).unwrap();
    let near =
        |found: Num, expected: f64| assert!((found.0 - expected).abs() < 1e-15, "{found:?} {expected}");
    near(loss(&step).unwrap().loss, 0.298_371_108_760_002_7);
    near(loss(&step).unwrap().samples[0].loss, 0.298_371_108_760_002_7);
    let outputs = [0.138_498_561_628_556_95, -0.038_098_236_516_556_236];
    for (j, delta) in outputs.into_iter().enumerate() {
        let report = neuron(&step, 2, j, 0).unwrap();
        near(report.delta.value, delta);
        near(report.delta.terms[0].partial, delta);
        assert_eq!(report.delta.terms[0].factors[0].label, format!("error(2)[{}]", j + 1));
        assert_eq!(report.output_rule.unwrap().rule, RuleName::ThroughSlope);
        assert!(report.error.is_none() && report.state == State::Active);
    }
    let edge = edge(&step, 2, 0, 0, 0).unwrap();
    near(edge.gradient.value, 0.082_167_040_564_230_77);
    near(edge.paths.total, 0.082_167_040_564_230_77);
    let hidden = neuron(&step, 1, 0, 0).unwrap();
    near(hidden.delta.value, 0.008_771_354_689_486_937);
    assert!(hidden.error.is_some() && hidden.output_rule.is_none());
    let board = outer(&step, 2, Some(0)).unwrap();
    near(board.values[0], 0.082_167_040_564_230_77);
    assert!(check_all(&step, 1, &AtomicBool::new(false)).unwrap().passed);
}

#[test]
fn the_paths_of_a_weight_sum_to_its_gradient() {
    let mut complete = 0;
    for step in steps() {
        let layers = step.network.layers().iter().filter(|layer| layer.name() == "dense").count();
        for l in 1..=layers {
            let weight = step.trace.value(id(&format!("weight.{l}"))).unwrap().shape.clone();
            let (to, from, sample) = (weight[0] - 1, weight[1] / 2, step.inputs.rows() - 1);
            let report = edge(&step, l, to, from, sample).unwrap();
            let expected = traced(&step, &format!("delta.{l}"), sample, to)
                * traced(&step, &format!("a.{}", l - 1), sample, from);
            assert_eq!(report.paths.total.0, expected);
            let contributions = report.paths.listed.iter().map(|path| path.contribution.0);
            let size: f64 = contributions.clone().map(f64::abs).sum();
            let sum: f64 = contributions.clone().sum();
            assert!(contributions.clone().map(f64::abs).is_sorted_by(|one, next| one >= next));
            for path in &report.paths.listed {
                let product: f64 = path.factors.iter().map(|factor| factor.value.0).product();
                assert!((product - path.contribution.0).abs() <= 1e-15 * size);
                assert_eq!((path.neurons[0], path.neurons.len()), (to, layers - l + 1));
                assert_eq!(path.factors.len(), 2 * path.neurons.len());
            }
            if report.paths.complete {
                assert!((sum - expected).abs() <= 1e-13 * size.max(expected.abs()), "{sum} {expected}");
                assert_eq!(report.paths.listed.len() as f64, report.paths.count);
                complete += 1;
            } else {
                assert_eq!(report.paths.listed.len(), 64);
            }
            // Its terms, and the sums that they belong to.
            let [w, a] = &report.forward.factors[..] else { panic!("two factors") };
            assert_eq!(w, &report.weight);
            assert_eq!(a.cell, Some(Cell { name: id(&format!("a.{}", l - 1)), row: sample, column: from }));
            let delta = &report.backward.factors[1];
            assert_eq!(delta.cell, Some(Cell { name: id(&format!("delta.{l}")), row: sample, column: to }));
        }
    }
    assert!(complete > 100, "{complete}");
}

/// The listed paths are the largest of all: beside all 6 * 5 * 4 of them.
#[test]
fn the_largest_paths_are_listed() {
    for (seed, sigma) in [(1, Activation::Tanh), (2, Activation::Relu), (3, Activation::Gelu)] {
        let layers = [(3, sigma), (6, sigma), (5, sigma), (4, Activation::Identity)];
        let step = step_of(network(2, &layers), Loss::HalfSquaredError, 2, seed);
        let report = edge(&step, 1, 1, 0, 1).unwrap();
        assert_eq!((report.paths.count, report.paths.listed.len()), (120.0, 64));
        assert!(!report.paths.complete);
        let get = |name: &str, row, column| traced(&step, name, row, column);
        let mut all = Vec::new();
        for i in 0..6 {
            for j in 0..5 {
                for k in 0..4 {
                    let way = get("slope.1", 1, 1) * get("weight.2", i, 1) * get("slope.2", 1, i);
                    let way = way * get("weight.3", j, i) * get("slope.3", 1, j) * get("weight.4", k, j);
                    all.push((get("a.0", 1, 0) * way * get("delta.4", 1, k)).abs());
                }
            }
        }
        all.sort_by(|one, other| other.total_cmp(one));
        for (path, expected) in report.paths.listed.iter().zip(all) {
            assert!((path.contribution.0.abs() - expected).abs() <= 1e-14 * expected);
        }
        let distinct: BTreeSet<_> = report.paths.listed.iter().map(|p| &p.neurons).collect();
        assert_eq!(distinct.len(), 64);
    }
}

#[test]
fn deep_and_wide_networks_do_not_take_longer() {
    let layers = vec![(60, Activation::Relu); 200];
    let mut step = step_of(network(3, &layers), Loss::HalfSquaredError, 1, 9);
    for zeros in [false, true] {
        if zeros {
            let parameters = Arc::new(step.network.zeros());
            let (inputs, targets) = (Arc::clone(&step.inputs), Arc::clone(&step.targets));
            step = Step::new(step.network, parameters, step.loss, inputs, targets, 0.1).unwrap();
        }
        let started = std::time::Instant::now();
        let report = edge(&step, 1, 0, 0, 0).unwrap();
        assert_eq!((report.paths.count, report.paths.listed.len()), (f64::MAX, 64));
        assert!(started.elapsed().as_secs() < 5);
    }
}

#[test]
fn the_sensitivity_of_an_input_is_its_derivative() {
    for step in steps().into_iter().filter(|step| step.inputs.rows() == 3).take(30) {
        for column in 0..3 {
            let report = input(&step, column, 1).unwrap();
            let loss_at = |h: f64| {
                let mut inputs = (*step.inputs).clone();
                inputs[(1, column)] += h;
                let cache = forward(&step.network, &step.parameters, inputs.view(), Mode::Inference).unwrap();
                let targets = Targets::Values(step.targets.view());
                output_error(&step.network, &cache, &step.loss, targets, None).unwrap().loss
            };
            let h = 1e-6;
            let numerical = (loss_at(h) - loss_at(-h)) / (2.0 * h);
            let found = report.sensitivity.value.0;
            assert!((found - numerical).abs() < 1e-7 * (1.0 + numerical.abs()), "{found} {numerical}");
            assert_eq!(report.terms.len(), 5);
            for (j, term) in report.terms.iter().enumerate() {
                let z = explain(&step, &Cell { name: id("z.1"), row: 1, column: j }).unwrap();
                assert_eq!(term, &z.terms[column]);
            }
        }
    }
}

#[test]
fn samples_losses_and_boards_sum_to_the_batch() {
    for step in steps() {
        let report = loss(&step).unwrap();
        let mean =
            report.samples.iter().map(|sample| sample.loss.0).sum::<f64>() / report.samples.len() as f64;
        assert_eq!(bits(mean), bits(step.trace.loss()));
        assert_eq!(report.samples[0].outputs.len(), step.network.output_width());
        assert!(report.formula.len() > 10);
        let whole = outer(&step, 2, None).unwrap();
        assert!(whole.side.is_none() && whole.top.is_none());
        let mut sums = vec![0.0; whole.values.len()];
        for sample in 0..step.inputs.rows() {
            let board = outer(&step, 2, Some(sample)).unwrap();
            assert_eq!(board.shape, whole.shape);
            let (side, top) = (board.side.unwrap(), board.top.unwrap());
            for (index, value) in board.values.iter().enumerate() {
                sums[index] += value.0;
                assert_eq!(value.0, side[index / top.len()].0 * top[index % top.len()].0);
            }
        }
        for (sum, value) in sums.iter().zip(whole.values) {
            assert!((sum - value.0).abs() < 1e-13 * (1.0 + sum.abs()));
        }
        if step.inputs.rows() > 4 {
            break;
        }
    }
}

#[test]
fn a_matrix_has_its_norms_and_extremes() {
    let network = network(2, &[(3, Activation::Identity)]);
    let mut parameters = network.zeros::<f64>();
    let weight = Matrix::from_rows(&[[3.0, 4.0], [-5.0, 12.0], [1e200, 1e200]]);
    parameters.set(1, &weight, &[0.0; 3]).unwrap();
    let inputs = Arc::new(Matrix::from_rows(&[[0.0, 0.0]]));
    let targets = Arc::new(Matrix::zeros(1, 3));
    let step =
        Step::new(network, Arc::new(parameters), Loss::HalfSquaredError, inputs, targets, 0.5).unwrap();
    let report = matrix(&step, id("weight.1")).unwrap();
    assert_eq!(report.row_norms[..2], [Num(5.0), Num(13.0)]);
    assert!((report.row_norms[2].0 / (2f64.sqrt() * 1e200) - 1.0).abs() < 1e-14);
    assert_eq!(report.column_norms.len(), 2);
    assert_eq!((report.largest.row, report.largest.column), (2, 0));
    assert_eq!((report.smallest.row, report.smallest.column), (1, 0));
    assert!(matches!(matrix(&step, id("bias.1")), Err(Refusal::Invalid(_))));
    assert!(matches!(matrix(&step, id("loss")), Err(Refusal::Invalid(_))));
    assert!(matches!(matrix(&step, id("weight.2")), Err(Refusal::Missing(_))));
}

#[test]
fn layers_and_neurons_say_what_state_they_are_in() {
    let network = network(1, &[(4, Activation::Relu), (2, Activation::Sigmoid), (1, Activation::Identity)]);
    let mut parameters = network.zeros::<f64>();
    // Active for both samples, for the second one, for none; and 0 for both.
    let weight = Matrix::from_rows(&[[1.0], [1.0], [1.0], [0.0]]);
    parameters.set(1, &weight, &[5.0, 0.0, -5.0, 0.0]).unwrap();
    let weight = Matrix::from_rows(&[[0.95, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]]);
    parameters.set(2, &weight, &[0.0, 0.0]).unwrap();
    parameters.set(3, &Matrix::from_rows(&[[2.0, 2.0]]), &[0.0]).unwrap();
    let inputs = Arc::new(Matrix::from_rows(&[[-1.0], [1.0]]));
    let targets = Arc::new(Matrix::zeros(2, 1));
    let step =
        Step::new(network, Arc::new(parameters), Loss::HalfSquaredError, inputs, targets, 0.5).unwrap();
    let state = |layer, index, sample| {
        let report = neuron(&step, layer, index, sample).unwrap();
        assert!(report.state_sentence.ends_with('.'));
        report.state
    };
    assert_eq!(
        [state(1, 0, 0), state(1, 1, 0), state(1, 1, 1)],
        [State::Active, State::Blocked, State::Active]
    );
    assert_eq!([state(1, 2, 1), state(1, 3, 0), state(2, 0, 0)], [State::Dead, State::Dead, State::Active]);
    // z is 3.8 and 5.7: 8 % and 1 % of the largest slope.
    assert_eq!([state(2, 0, 1), state(2, 1, 1)], [State::Saturated, State::Saturated]);
    let first = layer(&step, 1).unwrap();
    assert_eq!((first.saturated, first.dead, first.neurons, first.parameters), (0, 2, 4, 8));
    let second = layer(&step, 2).unwrap();
    assert_eq!((second.saturated, second.dead), (1, 0));
    assert_eq!((second.flops.forward, second.flops.carry_back, second.flops.update), (32, 32, 20));
    assert_eq!((first.flops.carry_back, second.bytes.weight, second.bytes.delta), (0, 64, 32));
    let gain = second.gain.unwrap();
    let near = |one: f64, other: f64| assert!((one - other).abs() < 1e-14 * other.abs(), "{one} {other}");
    near(gain.through_weights.0 * gain.through_slope.0, gain.whole.0);
    // dLoss/da(2) is 2 delta(3), for both neurons.
    near(gain.through_weights.0, 2.0);
    assert!(layer(&step, 3).unwrap().gain.is_none());
    let report = neuron(&step, 2, 1, 0).unwrap();
    let curve = report.curve.unwrap();
    assert!(curve.z.is_sorted() && curve.z.len() == curve.a.len());
    let z = report.pre_activation.value.0;
    assert!(curve.z[0] < z && z < curve.z[curve.z.len() - 1]);
}

#[test]
fn one_cell_is_checked_with_its_curve() {
    let step =
        step_of(network(3, &[(4, Activation::Tanh), (2, Activation::Softmax)]), Loss::cross_entropy(), 3, 4);
    for (name, row, column) in [("weight.1", 3, 2), ("bias.2", 0, 1)] {
        let cell = Cell { name: id(name), row, column };
        let check = check_cell(&step, &cell).unwrap();
        assert_eq!((check.verdict, check.kink), (Verdict::Agrees, None));
        assert!(check.digits >= 7, "{}", check.digits);
        assert_eq!(check.backpropagated.0, traced(&step, &name.replace('.', "_gradient."), row, column));
        assert_eq!(check.value.0, traced(&step, name, row, column));
        let slope = (check.loss_up.0 - check.loss_down.0) / (2.0 * check.h);
        assert!((slope - check.numerical.0).abs() < 1e-9);
        // Truncation to the left, round-off to the right, the best between.
        let errors: Vec<f64> = check.curve.iter().map(|point| point.error.0).collect();
        let best = (0..errors.len()).min_by(|&i, &j| errors[i].total_cmp(&errors[j])).unwrap();
        assert!((2..9).contains(&best) && errors[0] > 1e3 * errors[best], "{errors:?}");
        assert!(errors[13] > 1e3 * errors[best] && check.curve[0].h > check.curve[13].h);
    }
    for (name, row, column) in [("weight.1", 4, 0), ("weight.1", 0, 3), ("bias.1", 1, 0), ("weight.3", 0, 0)]
    {
        let cell = Cell { name: id(name), row, column };
        assert!(matches!(check_cell(&step, &cell), Err(Refusal::Missing(_))), "{cell:?}");
    }
    let z = Cell { name: id("z.1"), row: 0, column: 0 };
    assert!(check_cell(&step, &z).unwrap_err().to_string().contains("no parameter"));
}

#[test]
fn kinks_are_said_in_words_and_are_no_failures() {
    let network = network(1, &[(2, Activation::Relu), (1, Activation::Identity)]);
    let mut parameters = network.zeros::<f64>();
    parameters.set(1, &Matrix::from_rows(&[[1.0], [1.0]]), &[1.0, -2.0]).unwrap();
    parameters.set(2, &Matrix::from_rows(&[[1.0, 1.0]]), &[0.0]).unwrap();
    let inputs = Arc::new(Matrix::from_rows(&[[1.0], [2.0]]));
    let targets = Arc::new(Matrix::zeros(2, 1));
    let parameters = Arc::new(parameters);
    let step = Step::new(network, parameters, Loss::HalfSquaredError, inputs, targets, 0.5).unwrap();
    let check = check_cell(&step, &Cell { name: id("bias.1"), row: 0, column: 1 }).unwrap();
    assert_eq!(check.verdict, Verdict::Kink);
    assert_eq!(check.kink.unwrap(), "z(1)[2] of sample 2 passes a kink of relu between w - h and w + h");
    assert!(check.sentence.starts_with("Not differentiable here: z(1)[2]"));
    assert!(check.curve.iter().all(|point| point.at_kink));
    let all = check_all(&step, 3, &AtomicBool::new(false)).unwrap();
    assert!(all.passed && all.sampled.is_none() && all.revision == 3);
    let names: Vec<_> = all.tensors.iter().map(|tensor| tensor.name.to_string()).collect();
    assert_eq!(names, ["weight.1", "bias.1", "weight.2", "bias.2"]);
    assert_eq!((all.tensors[1].compared, all.tensors[1].at_kink), (1, 1));
    assert_eq!(all.tensors[1].cells[1].verdict, Verdict::Kink);
    assert_eq!(all.tensors[1].worst, Some(0));
}

/// Gradients that are wrong must not pass: those of a trace whose bias gradient was changed.
#[test]
fn a_wrong_gradient_differs() {
    let mut step =
        step_of(network(2, &[(3, Activation::Tanh), (2, Activation::Identity)]), Loss::Poisson, 3, 5);
    let outputs = step.trace.events.iter_mut().flat_map(|event| &mut event.outputs);
    let wrong = outputs.into_iter().find(|value| value.id == id("bias_gradient.1")).unwrap();
    wrong.values[1] *= 1.001;
    let all = check_all(&step, 1, &AtomicBool::new(false)).unwrap();
    assert!(!all.passed && all.sentence.starts_with("1 of 17"), "{}", all.sentence);
    assert_eq!((all.tensors[1].worst, all.tensors[1].cells[1].verdict), (Some(1), Verdict::Differs));
    let one = check_cell(&step, &Cell { name: id("bias.1"), row: 0, column: 1 }).unwrap();
    assert_eq!((one.verdict, one.digits), (Verdict::Differs, 3));
    assert!(one.sentence.starts_with("They differ"));
}

#[test]
fn rules_come_with_a_reason() {
    for step in steps() {
        let output = step.network.output_activation();
        let rule = output_rule(&step);
        let expected = match (step.loss.has_short_form(output), output) {
            (true, _) => RuleName::PredictionMinusTarget,
            (false, Activation::Softmax) => RuleName::ThroughJacobian,
            (false, _) => RuleName::ThroughSlope,
        };
        assert_eq!(rule.rule, expected);
        let sentences = rule.reason.matches(". ").count() + 1;
        assert!(rule.reason.ends_with('.') && (2..=4).contains(&sentences), "{}", rule.reason);
    }
    assert_eq!(serde_json::to_value(RuleName::ThroughJacobian).unwrap(), "through_jacobian");
}

#[test]
fn nonsense_is_refused_with_what_is_allowed() {
    let step =
        step_of(network(70, &[(60, Activation::Tanh), (2, Activation::Identity)]), Loss::Poisson, 3, 5);
    let missing = |result: Result<(), Refusal>, words: &str| match result {
        Err(Refusal::Missing(message)) => assert!(message.contains(words), "{message}"),
        other => panic!("{other:?}"),
    };
    let huge = usize::MAX;
    for (row, column) in [(3, 0), (0, 60), (huge, huge)] {
        let cell = Cell { name: id("z.1"), row, column };
        missing(explain(&step, &cell).map(drop), "3 rows and 60 columns");
    }
    for name in ["z.9", "a.3", "z.18446744073709551615"] {
        let cell = Cell { name: id(name), row: 0, column: 0 };
        missing(explain(&step, &cell).map(drop), "layers are 1 to 2");
        missing(check_cell(&step, &cell).map(drop), "layers are 1 to 2");
    }
    for l in [0, 3, huge] {
        missing(neuron(&step, l, 0, 0).map(drop), "1 to 2");
        missing(edge(&step, l, 0, 0, 0).map(drop), "1 to 2");
        missing(layer(&step, l).map(drop), "1 to 2");
        missing(outer(&step, l, None).map(drop), "1 to 2");
    }
    missing(neuron(&step, 1, 60, 0).map(drop), "0 to 59");
    missing(neuron(&step, 1, 0, huge).map(drop), "0 to 2");
    missing(edge(&step, 2, huge, 0, 0).map(drop), "0 to 1");
    missing(edge(&step, 2, 0, 60, 0).map(drop), "neuron of layer 1");
    missing(edge(&step, 1, 0, 70, 0).map(drop), "input with the number 70");
    missing(edge(&step, 1, 0, 0, 3).map(drop), "sample with the number 3");
    missing(outer(&step, 2, Some(3)).map(drop), "sample with the number 3");
    missing(input(&step, 70, 0).map(drop), "0 to 69");
    missing(input(&step, 0, 3).map(drop), "0 to 2");
    assert!(matches!(outer(&step, 1, None), Err(Refusal::TooMuch(_))));
}

/// Numbers that are none go through everything.
#[test]
fn what_is_not_finite_is_explained_too() {
    for (loss, output) in [
        (Loss::cross_entropy(), Activation::Softmax),
        (Loss::MeanSquaredError, Activation::Softmax),
        (Loss::BinaryCrossEntropy, Activation::Softmax),
        (Loss::Poisson, Activation::Identity),
        (Loss::HalfSquaredError, Activation::Relu),
    ] {
        for bad in [f64::NAN, f64::INFINITY, 1e308] {
            let network = network(2, &[(3, Activation::Relu), (3, Activation::Gelu), (2, output)]);
            let step = step_of(network, loss.clone(), 2, 6);
            let mut parameters = (*step.parameters).clone();
            parameters.set_element(&step.network.layer_tensors(1)[0], 0, 0, bad);
            parameters.set_element(&step.network.layer_tensors(3)[0], 0, 1, -bad);
            let (inputs, targets) = (Arc::clone(&step.inputs), Arc::clone(&step.targets));
            let step =
                Step::new(step.network, Arc::new(parameters), step.loss, inputs, targets, 0.1).unwrap();
            for cell in cells(&step) {
                serde_json::to_string(&explain(&step, &cell).unwrap()).unwrap();
                let _ = check_cell(&step, &cell);
                let _ = matrix(&step, cell.name);
            }
            for l in 1..=3 {
                serde_json::to_string(&layer(&step, l).unwrap()).unwrap();
                serde_json::to_string(&edge(&step, l, 0, 0, 1).unwrap()).unwrap();
                serde_json::to_string(&neuron(&step, l, 0, 1).unwrap()).unwrap();
                serde_json::to_string(&outer(&step, l, Some(0)).unwrap()).unwrap();
            }
            serde_json::to_string(&input(&step, 0, 1).unwrap()).unwrap();
            serde_json::to_string(&chainrule_explorer_core::analysis::loss(&step).unwrap()).unwrap();
            let _ = check_all(&step, 1, &AtomicBool::new(false));
        }
    }
}

#[test]
fn products_come_with_their_terms_and_transposes() {
    let rows = |rows: &[&[f64]]| -> Vec<Vec<Num>> {
        rows.iter().map(|row| row.iter().map(|&x| Num(x)).collect()).collect()
    };
    let (a, b) =
        (rows(&[&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]]), rows(&[&[7.0, 1.0], &[8.0, 0.5], &[9.0, -1.0]]));
    let product = multiply(&a, &b).unwrap();
    assert_eq!(product.product, rows(&[&[50.0, -1.0], &[122.0, 0.5]]));
    assert_eq!(product.product_transposed, rows(&[&[50.0, 122.0], &[-1.0, 0.5]]));
    assert_eq!(product.transposes_multiplied, product.product_transposed);
    assert_eq!(
        product.terms[1][0],
        [[4.0, 7.0, 28.0], [5.0, 8.0, 40.0], [6.0, 9.0, 54.0]].map(|t| t.map(Num))
    );
    let wide = vec![vec![Num(1.0); 9]];
    let refused = |a: &[Vec<Num>], b: &[Vec<Num>], words: &str| {
        let message = multiply(a, b).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    refused(&a, &a, "A is 2 x 3 and B is 2 x 3");
    refused(&wide, &a, "at most 8 x 8");
    refused(&a, &vec![vec![Num(1.0)]; 9], "at most 8 x 8");
    refused(&[], &a, "A is empty");
    refused(&a, &[vec![], vec![], vec![]], "B is empty");
    refused(&rows(&[&[1.0, 2.0], &[1.0]]), &a, "row 2 of A has 1");
}

/// What no sentence was written for is told by its formula.
#[test]
fn other_kinds_of_layers_are_told_by_their_formulas() {
    let network = Network::builder(3)
        .layer(Scale {}.into())
        .dense(4, Activation::Gelu)
        .layer(LayerNorm::default().into())
        .dense(2, Activation::Softmax)
        .build()
        .unwrap();
    let step = step_of(network, Loss::cross_entropy(), 5, 8);
    let sentences: Vec<String> = step.trace.events.iter().map(|event| step.sentence(event)).collect();
    for expected in [
        "Layer 1 (scale): a(1) = a(0) * w(1), elementwise.",
        "Layer 3 (layer norm): a(3) = x w(3) + b(3), x = (a(2) - mean) / sqrt(variance + epsilon), over each sample's inputs.",
        "Layer 2: each of 4 neurons adds up its 3 weighted inputs and its bias: z(2) = W(2) a(1) + b(2).",
        "Layer 1 (scale): dw(1) = the column sums of dLoss/da(1) * a(0).",
    ] {
        assert!(sentences.iter().any(|sentence| sentence == expected), "{expected}: {sentences:#?}");
    }
    for cell in cells(&step) {
        let explanation = explain(&step, &cell).unwrap();
        assert!(explanation.sentence.ends_with('.'), "{}", explanation.sentence);
        let value = traced(&step, &cell.name.to_string(), cell.row, cell.column);
        assert_eq!(explanation.value.0.to_bits(), value.to_bits(), "{cell:?}");
    }
    for name in ["weight.1", "weight.3", "bias.3"] {
        let check = check_cell(&step, &Cell { name: id(name), row: 0, column: 1 }).unwrap();
        assert_eq!(check.verdict, Verdict::Agrees, "{name}: {}", check.sentence);
    }
    assert!(
        check_all(&step, 1, &AtomicBool::new(false))
            .unwrap()
            .tensors
            .iter()
            .all(|tensor| tensor.worst.is_some())
    );
    for l in [2, 4] {
        neuron(&step, l, 0, 0).unwrap();
        layer(&step, l).unwrap();
        edge(&step, l, 0, 0, 0).unwrap();
    }
    let refused = neuron(&step, 3, 0, 0).unwrap_err().to_string();
    assert!(refused.contains("layer norm"), "{refused}");
}

#[test]
fn every_event_has_a_sentence_and_the_short_form_is_said_as_it_is() {
    for step in steps() {
        for event in &step.trace.events {
            let sentence = step.sentence(event);
            assert!(sentence.ends_with('.') && sentence.len() > 20, "{sentence}");
        }
    }
    let network = Network::builder(2).dense(3, Activation::Softmax).build().unwrap();
    let inputs = Matrix::from_rows(&[[0.5, -1.0], [1.5, 0.25]]);
    let said = |loss: Loss, targets: Targets<'_, f64>, weights: Option<&[f64]>| {
        let samples = Samples { inputs: inputs.view().into(), targets, sample_weights: weights };
        let (rule, parameters) = (Rule::from_name("sgd").unwrap(), network.initialize(1));
        let trace = trace(&network, &parameters, &loss, samples, &rule, Mode::Inference).unwrap();
        let event = trace.events.iter().find(|event| event.operation == Computation::OutputDelta).unwrap();
        assert_eq!(event.outputs[0].id, Quantity::Delta.of(1));
        Sentences { network: &network, loss: &loss, samples, rule: &rule }.of(event)
    };
    let one_hot = Matrix::from_rows(&[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
    let two_of_them = Matrix::from_rows(&[[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let start = "Output error: for this loss and output, delta(1) is the prediction";
    let plain = Loss::cross_entropy();
    let loss = |label_smoothing, class_weights: bool| Loss::CrossEntropy {
        label_smoothing,
        class_weights: class_weights.then(|| vec![1.0, 2.0, 0.5]),
    };
    assert_eq!(
        said(plain.clone(), (&one_hot).into(), None),
        format!("{start} minus the target, over the batch size.")
    );
    assert_eq!(
        said(plain.clone(), (&two_of_them).into(), None),
        format!(
            "{start}, times the sum over all classes of the target, minus the target, over the batch size."
        )
    );
    assert_eq!(
        said(loss(0.1, false), (&one_hot).into(), None),
        format!("{start} minus the smoothed target, over the batch size.")
    );
    let weighted = "target times its class's weight";
    assert_eq!(
        said(loss(0.0, true), Targets::Classes(&[0, 1]), None),
        format!(
            "{start}, times the sum over all classes of the {weighted}, minus the {weighted}, over the \
             sum of the samples' class weights."
        )
    );
    assert_eq!(
        said(plain, (&one_hot).into(), Some(&[1.0, 2.0])),
        format!("{start} minus the target, times the sample's weight, over the sum of all weights.")
    );
}
