//! Mazur's step-by-step example: 2-2-2 sigmoids with half squared error, every number worked out by hand.
//! Matt Mazur, "A Step by Step Backpropagation Example", 2015; here with 16 digits.

use crate::common::{change_bias, change_weight, five_steps};
use chainrule::optimizer::Sgd;
use chainrule::*;

/// (tensor or value, index, its number)
type Expected = (&'static str, usize, f64);

const LOSS: f64 = 0.298_371_108_760_002_7;
/// The loss after one step of SGD with learning rate 0.5, and the same with frozen biases, as Mazur's are.
const LOSS_AFTER: f64 = 0.280_471_446_791_430_16;
const LOSS_AFTER_WITH_FROZEN_BIASES: f64 = 0.291_027_773_693_599_33;

const DELTAS: [Expected; 3] = [
    ("delta.2", 0, 0.138_498_561_628_556_95),
    ("delta.2", 1, -0.038_098_236_516_556_236),
    ("delta.1", 0, 0.008_771_354_689_486_93),
];
const WEIGHT_GRADIENT: f64 = 0.082_167_040_564_230_77;

struct Example {
    network: Network,
    parameters: Parameters<f64>,
    inputs: Matrix<f64>,
    targets: Matrix<f64>,
}

impl Example {
    fn new() -> Self {
        let network =
            Network::builder(2).dense(2, Activation::Sigmoid).dense(2, Activation::Sigmoid).build().unwrap();
        let mut parameters = network.zeros();
        parameters.set(1, &Matrix::from_rows(&[[0.15, 0.20], [0.25, 0.30]]), &[0.35, 0.35]).unwrap();
        parameters.set(2, &Matrix::from_rows(&[[0.40, 0.45], [0.50, 0.55]]), &[0.60, 0.60]).unwrap();
        let (inputs, targets) = (Matrix::from_rows(&[[0.05, 0.10]]), Matrix::from_rows(&[[0.01, 0.99]]));
        Example { network, parameters, inputs, targets }
    }

    fn samples(&self) -> Samples<'_, f64> {
        Samples { inputs: self.inputs.view().into(), targets: (&self.targets).into(), sample_weights: None }
    }

    fn loss(&self, parameters: &Parameters<f64>) -> f64 {
        let loss = Loss::HalfSquaredError;
        five_steps(&self.network, parameters, &loss, self.samples(), Mode::Inference).loss
    }

    /// Both losses after the step that led to `updated`.
    fn assert_losses_after(&self, updated: &Parameters<f64>) {
        assert_close("loss after the step", self.loss(updated), LOSS_AFTER);
        let mut frozen = updated.clone();
        for l in [1, 2] {
            change_bias(&mut frozen, l, |b| self.parameters.bias(l).unwrap().copy_to(b));
        }
        assert_close("loss with frozen biases", self.loss(&frozen), LOSS_AFTER_WITH_FROZEN_BIASES);
    }
}

fn rule() -> Rule {
    Rule::Sgd(Sgd { learning_rate: 0.5, ..Sgd::default() })
}

fn assert_close(what: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-13 * expected.abs(), "{what}: {found} instead of {expected}");
}

#[test]
fn by_the_five_functions() {
    let example = Example::new();
    let Example { network, parameters, .. } = &example;
    let five = five_steps(network, parameters, &Loss::HalfSquaredError, example.samples(), Mode::Inference);
    assert_close("loss", five.loss, LOSS);
    for (name, index, expected) in DELTAS {
        let l = if name == "delta.2" { 2 } else { 1 };
        assert_close(name, five.deltas.delta(l)[(0, index)], expected);
    }
    assert_close("dW(2)", five.gradients.weight(2).element(0, 0), WEIGHT_GRADIENT);
    assert_eq!(five.gradients.bias(2).unwrap().to_vec(), five.deltas.delta(2).row(0));
    let mut updated = parameters.clone();
    update(&mut Optimizer::new(rule(), parameters).unwrap(), &mut updated, &five.gradients).unwrap();
    // Mazur's w5, rounded there to 0.35891648.
    assert_close("w5", updated.weight(2).element(0, 0), 0.40 - 0.5 * WEIGHT_GRADIENT);
    assert!((updated.weight(2).element(0, 0) - 0.358_916_48).abs() < 1e-8);
    example.assert_losses_after(&updated);
}

#[test]
fn by_the_fused_step() {
    let example = Example::new();
    let mut parameters = example.parameters.clone();
    let mut optimizer = Optimizer::new(rule(), &parameters).unwrap();
    let mut step =
        TrainingStep::new(&example.network, &Loss::HalfSquaredError, None, 1).unwrap().keeping_gradients();
    let threads = Threads::single();
    let sum = step.run(&threads, &mut parameters, &mut optimizer, example.samples(), None).unwrap();
    assert_close("loss", sum.mean(), LOSS);
    assert_close("dW(2)", step.kept_gradients().unwrap().weight(2).element(0, 0), WEIGHT_GRADIENT);
    // With one sample the bias gradients are the deltas.
    for (name, index, expected) in DELTAS {
        let l = if name == "delta.2" { 2 } else { 1 };
        assert_close(name, step.kept_gradients().unwrap().bias(l).unwrap().element(0, index), expected);
    }
    example.assert_losses_after(&parameters);
    let sum = step.run(&threads, &mut parameters, &mut optimizer, example.samples(), None).unwrap();
    assert_close("loss of the second step", sum.mean(), LOSS_AFTER);
}

#[test]
fn by_the_trace() {
    let example = Example::new();
    let Example { network, parameters, .. } = &example;
    let loss = Loss::HalfSquaredError;
    let trace = trace(network, parameters, &loss, example.samples(), &rule(), Mode::Inference).unwrap();
    let values = |name: &str| &trace.value(name.parse().unwrap()).unwrap().values;
    assert_close("loss", trace.loss(), LOSS);
    for (name, index, expected) in DELTAS {
        assert_close(name, values(name)[index], expected);
    }
    assert_close("dW(2)", values("weight_gradient.2")[0], WEIGHT_GRADIENT);
    let mut updated = parameters.clone();
    for l in [1, 2] {
        change_weight(&mut updated, l, |w| w.copy_from_slice(values(&format!("updated_weight.{l}"))));
        change_bias(&mut updated, l, |b| b.copy_from_slice(values(&format!("updated_bias.{l}"))));
    }
    example.assert_losses_after(&updated);
}
