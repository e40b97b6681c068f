//! PyTorch's values: losses, outputs, every gradient by name, and ten steps of every optimizer.
//! `oracle/make_values.py` made them.

use std::collections::BTreeMap;

use chainrule::optimizer::TensorFactors;
use chainrule::*;
use serde::Deserialize;

use crate::common::assert_same_parameters;

#[derive(Deserialize)]
struct Oracle {
    networks: Vec<NetworkCase>,
    optimizers: Vec<OptimizerCase>,
}

#[derive(Deserialize)]
struct NetworkCase {
    name: String,
    network: Network,
    loss: Loss,
    /// What is missing is null.
    inputs: Vec<Vec<Option<f64>>>,
    targets: OracleTargets,
    sample_weights: Option<Vec<f64>>,
    parameters: BTreeMap<String, Tensor>,
    f64: Expected,
    f32: Expected,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum OracleTargets {
    Values(Vec<Vec<f64>>),
    Classes(Vec<u32>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tensor {
    Matrix(Vec<Vec<f64>>),
    Vector(Vec<f64>),
}

impl Tensor {
    fn values(&self) -> Vec<f64> {
        match self {
            Tensor::Matrix(rows) => rows.concat(),
            Tensor::Vector(values) => values.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Expected {
    loss: f64,
    outputs: Vec<Vec<f64>>,
    gradients: BTreeMap<String, Tensor>,
}

#[derive(Deserialize)]
struct OptimizerCase {
    name: String,
    network: String,
    optimizer: Rule,
    clip: Option<Clipping>,
    #[serde(default)]
    vectors: TensorFactors,
    f64: ExpectedRun,
    f32: ExpectedRun,
}

#[derive(Deserialize)]
struct ExpectedRun {
    losses: Vec<f64>,
    parameters: BTreeMap<String, Tensor>,
}

fn oracle() -> Oracle {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../oracle/values.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn matrix<T: Scalar>(rows: &[Vec<f64>]) -> Matrix<T> {
    let data = rows.concat().into_iter().map(T::from_f64).collect();
    Matrix::from_vec(rows.len(), rows[0].len(), data).unwrap()
}

/// The case's data in one number type.
struct Loaded<T> {
    parameters: Parameters<T>,
    inputs: Matrix<T>,
    values: Option<Matrix<T>>,
    classes: Vec<u32>,
    weights: Option<Vec<T>>,
}

impl<T: Scalar> Loaded<T> {
    fn new(case: &NetworkCase) -> Self {
        let mut parameters = case.network.zeros::<T>();
        let tensors = parameters.tensors().to_vec();
        assert_eq!(tensors.len(), case.parameters.len(), "{}", case.name);
        for tensor in &tensors {
            let values = case.parameters[&tensor.name].values();
            let values: Vec<T> = values.into_iter().map(T::from_f64).collect();
            parameters.set_tensor(tensor, &values).unwrap();
        }
        let (values, classes) = match &case.targets {
            OracleTargets::Values(rows) => (Some(matrix(rows)), vec![]),
            OracleTargets::Classes(classes) => (None, classes.clone()),
        };
        let weights = case.sample_weights.as_ref();
        let weights = weights.map(|w| w.iter().map(|w| T::from_f64(*w)).collect());
        let row = |row: &Vec<Option<f64>>| row.iter().map(|x| x.unwrap_or(f64::NAN)).collect();
        let inputs: Vec<Vec<f64>> = case.inputs.iter().map(row).collect();
        Loaded { parameters, inputs: matrix(&inputs), values, classes, weights }
    }

    fn batch(&self) -> Samples<'_, T> {
        let targets = match &self.values {
            Some(values) => Targets::Values(values.view()),
            None => Targets::Classes(&self.classes),
        };
        Samples { inputs: self.inputs.view().into(), targets, sample_weights: self.weights.as_deref() }
    }
}

/// |a - b| relative to the larger of |b| and `scale`, the tensor's own size: the rounding error of a sum is
/// relative to its terms, which may cancel.
fn close(what: &str, found: f64, expected: f64, scale: f64, tolerance: f64) {
    let bound = tolerance * expected.abs().max(scale);
    assert!((found - expected).abs() <= bound, "{what}: {found} instead of {expected}");
}

fn compare<T: Scalar>(
    what: &str,
    found: &Parameters<T>,
    expected: &BTreeMap<String, Tensor>,
    tolerance: f64,
) {
    for tensor in found.tensors() {
        let expected = expected[&tensor.name].values();
        let values = found.tensor(tensor).to_vec();
        assert_eq!(values.len(), expected.len());
        let largest = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        for (index, (found, expected)) in values.iter().zip(&expected).enumerate() {
            let what = format!("{what}: {}[{index}]", tensor.name);
            close(&what, found.as_f64(), *expected, 0.1 * largest.max(1e-30), tolerance);
        }
    }
}

fn check_network<T: Scalar>(case: &NetworkCase, expected: &Expected, tolerance: f64) {
    let data = Loaded::<T>::new(case);
    let Samples { inputs, targets, sample_weights } = data.batch();
    let network = &case.network;
    let cache = forward(network, &data.parameters, inputs.to_matrix().view(), Mode::Inference).unwrap();
    let error = output_error(network, &cache, &case.loss, targets, sample_weights).unwrap();
    let what = format!("{} {}", case.name, T::NAME);
    close(&format!("{what}: loss"), error.loss, expected.loss, 0.0, tolerance);
    for (i, row) in expected.outputs.iter().enumerate() {
        let largest = row.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        for (j, expected) in row.iter().enumerate() {
            let found = cache.output()[(i, j)].as_f64();
            close(&format!("{what}: output {i} {j}"), found, *expected, 0.1 * largest, tolerance);
        }
    }
    let deltas = backward(network, &data.parameters, &cache, error.delta).unwrap();
    let found = gradients(network, &data.parameters, &cache, &deltas).unwrap();
    compare(&what, &found, &expected.gradients, tolerance);
}

#[test]
fn losses_and_gradients_are_pytorchs() {
    let oracle = oracle();
    assert!(oracle.networks.len() >= 12);
    for case in &oracle.networks {
        check_network::<f64>(case, &case.f64, 1e-10);
        // What is normalized is a difference of numbers that are much larger.
        let normalizes = case.network.layers().iter().any(|layer| layer.name() == "layer_norm");
        check_network::<f32>(case, &case.f32, if normalizes { 3e-5 } else { 1e-5 });
    }
}

#[test]
fn the_oracle_covers_every_activation_and_loss() {
    let oracle = oracle();
    for activation in Activation::ALL {
        let uses = |case: &&NetworkCase| {
            let text = serde_json::to_string(&case.network).unwrap();
            text.contains(&format!("\"{}\"", activation.name()))
        };
        assert!(oracle.networks.iter().filter(uses).count() >= 2, "{activation:?}");
    }
    for loss in Loss::all() {
        for weighted in [false, true] {
            let uses = |case: &NetworkCase| {
                case.loss.name() == loss.name() && case.sample_weights.is_some() == weighted
            };
            assert!(oracle.networks.iter().any(uses), "{loss:?}, weighted: {weighted}");
        }
    }
    for kind in ["scale", "layer_norm", "learned_activation", "columns"] {
        assert!(oracle.networks.iter().any(|case| case.network.layers().iter().any(|l| l.name() == kind)));
    }
    for piece in ["as_is", "periodic", "piecewise_linear", "table"] {
        let text = |case: &NetworkCase| serde_json::to_string(&case.network).unwrap();
        assert!(oracle.networks.iter().any(|case| text(case).contains(&format!("\"{piece}\""))), "{piece}");
    }
    for rule in Rule::all() {
        assert!(oracle.optimizers.iter().any(|case| case.optimizer.name() == rule.name()));
    }
}

fn check_optimizer<T: Scalar>(
    case: &OptimizerCase,
    network: &NetworkCase,
    expected: &ExpectedRun,
    tolerance: f64,
) {
    let data = Loaded::<T>::new(network);
    let mut parameters = data.parameters.clone();
    let mut optimizer = Optimizer::new(case.optimizer.clone(), &parameters).unwrap();
    let factors =
        |tensor: &TensorLayout| if tensor.is_vector { case.vectors } else { TensorFactors::default() };
    optimizer.set_factors(&parameters, factors).unwrap();
    let step = || TrainingStep::new(&network.network, &network.loss, case.clip, data.inputs.rows()).unwrap();
    let (mut fused, mut stopping) = (step(), step());
    let (mut same, mut same_optimizer) = (parameters.clone(), optimizer.clone());
    let what = format!("{} {}", case.name, T::NAME);
    let threads = Threads::single();
    for expected in &expected.losses {
        let sum = fused.run(&threads, &mut parameters, &mut optimizer, data.batch(), None).unwrap();
        close(&format!("{what}: loss"), sum.mean(), *expected, 0.0, tolerance);
        // The same by the update of whole tensors.
        let computed = stopping.gradients(&threads, &same, data.batch(), Mode::Inference).unwrap();
        same_optimizer.update(&threads, &mut same, computed.gradients).unwrap();
    }
    assert_same_parameters(&what, &same, &parameters);
    compare(&what, &parameters, &expected.parameters, tolerance);
    // The moves themselves, not only where they end: what ten steps changed is much more than the tolerance.
    for tensor in parameters.tensors() {
        let before = data.parameters.tensor(tensor);
        let moved = before
            .iter()
            .zip(parameters.tensor(tensor).iter())
            .any(|(a, b)| (a - b).abs() > T::from_f64(1e-3));
        assert!(moved, "{what}: {} has hardly moved", tensor.name);
    }
}

#[test]
fn ten_steps_of_every_optimizer_are_pytorchs() {
    let oracle = oracle();
    for case in &oracle.optimizers {
        let network = oracle.networks.iter().find(|network| network.name == case.network).unwrap();
        check_optimizer::<f64>(case, network, &case.f64, 1e-10);
        check_optimizer::<f32>(case, network, &case.f32, 1e-5);
    }
}
