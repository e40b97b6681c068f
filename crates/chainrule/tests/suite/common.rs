//! What the tests share: made-up numbers, data with an owner, the five steps in a row, comparisons.

// Each test file uses a part of this.
#![allow(dead_code)]

use chainrule::checkpoint::Planner;
use chainrule::gradient_check::{CheckOptions, CheckReport, TensorReport, check_gradients};
use chainrule::plan::{MemoryPlan, StepModel, StepShape};
use chainrule::*;

/// SplitMix64 (Steele, Lea, Flood 2014): numbers for tests, independent of the crate's own generator.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Numbers(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Uniform in 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in ±bound.
    pub(crate) fn within(&mut self, bound: f64) -> f64 {
        bound * (2.0 * self.unit() - 1.0)
    }

    /// Uniform in 0..bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound as u64) as usize
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize, bound: f64) -> Matrix<f64> {
        let data = (0..rows * columns).map(|_| self.within(bound)).collect();
        Matrix::from_vec(rows, columns, data).unwrap()
    }

    /// Weights that keep a signal's size, and biases that are not zero.
    pub(crate) fn parameters(&mut self, network: &Network) -> Parameters<f64> {
        let mut parameters = network.zeros::<f64>();
        for tensor in network.tensors() {
            let bound = if tensor.is_vector { 0.5 } else { 1.7 / (tensor.columns as f64).sqrt() };
            change(&mut parameters, tensor, |numbers| numbers.fill_with(|| self.within(bound)));
        }
        parameters
    }

    /// Targets that the loss accepts: distributions, labels (some of them certain), counts, or numbers.
    pub(crate) fn targets(&mut self, loss: &Loss, rows: usize, columns: usize) -> OwnedTargets<f64> {
        let mut values = Matrix::zeros(rows, columns);
        for i in 0..rows {
            let row = values.row_mut(i);
            match loss {
                Loss::CrossEntropy { .. } => {
                    row.fill_with(|| self.unit());
                    let sum: f64 = row.iter().sum();
                    row.iter_mut().for_each(|y| *y /= sum);
                }
                Loss::BinaryCrossEntropy => row.fill_with(|| match self.below(4) {
                    0 => 0.0,
                    1 => 1.0,
                    _ => self.unit(),
                }),
                Loss::Poisson => row.fill_with(|| self.below(5) as f64),
                _ => row.fill_with(|| self.within(1.5)),
            }
        }
        OwnedTargets::Values(values)
    }

    pub(crate) fn classes(&mut self, rows: usize, classes: usize) -> OwnedTargets<f64> {
        OwnedTargets::Classes((0..rows).map(|_| self.below(classes) as u32).collect())
    }

    /// Inputs in ±1.5, targets for the network's width, and no weights.
    pub(crate) fn data(&mut self, network: &Network, loss: &Loss, rows: usize) -> Data<f64> {
        let inputs = self.matrix(rows, network.input_width(), 1.5);
        let targets = self.targets(loss, rows, network.output_width());
        Data { inputs, targets, weights: None }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum OwnedTargets<T> {
    Values(Matrix<T>),
    Classes(Vec<u32>),
}

/// [`Samples`] with an owner.
#[derive(Clone, Debug)]
pub(crate) struct Data<T: Scalar> {
    pub(crate) inputs: Matrix<T>,
    pub(crate) targets: OwnedTargets<T>,
    pub(crate) weights: Option<Vec<T>>,
}

impl<T: Scalar> Data<T> {
    pub(crate) fn samples(&self) -> Samples<'_, T> {
        let targets = match &self.targets {
            OwnedTargets::Values(values) => Targets::Values(values.view()),
            OwnedTargets::Classes(classes) => Targets::Classes(classes),
        };
        Samples { inputs: self.inputs.view().into(), targets, sample_weights: self.weights.as_deref() }
    }

    pub(crate) fn len(&self) -> usize {
        self.inputs.rows()
    }

    /// The samples of these numbers, in this order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let pick = |m: &Matrix<T>| {
            let data = rows.iter().flat_map(|&i| m.row(i).to_vec()).collect();
            Matrix::from_vec(rows.len(), m.columns(), data).unwrap()
        };
        Data {
            inputs: pick(&self.inputs),
            targets: match &self.targets {
                OwnedTargets::Values(values) => OwnedTargets::Values(pick(values)),
                OwnedTargets::Classes(classes) => {
                    OwnedTargets::Classes(rows.iter().map(|&i| classes[i]).collect())
                }
            },
            weights: self.weights.as_ref().map(|weights| rows.iter().map(|&i| weights[i]).collect()),
        }
    }

    pub(crate) fn cast<U: Scalar>(&self) -> Data<U> {
        Data {
            inputs: self.inputs.cast(),
            targets: match &self.targets {
                OwnedTargets::Values(values) => OwnedTargets::Values(values.cast()),
                OwnedTargets::Classes(classes) => OwnedTargets::Classes(classes.clone()),
            },
            weights: self
                .weights
                .as_ref()
                .map(|weights| weights.iter().map(|w| U::from_f64(w.as_f64())).collect()),
        }
    }
}

/// What steps 1 to 4 give.
pub(crate) struct FiveSteps<T> {
    pub(crate) cache: Cache<T>,
    pub(crate) loss: f64,
    pub(crate) deltas: Deltas<T>,
    pub(crate) gradients: Gradients<T>,
}

/// Steps 1 to 4 by the public functions.
pub(crate) fn five_steps<T: Scalar>(
    network: &Network,
    parameters: &Parameters<T>,
    loss: &Loss,
    samples: Samples<'_, T>,
    mode: Mode,
) -> FiveSteps<T> {
    let cache = forward(network, parameters, samples.inputs.to_matrix().view(), mode).unwrap();
    let error = output_error(network, &cache, loss, samples.targets, samples.sample_weights).unwrap();
    let deltas = backward(network, parameters, &cache, error.delta).unwrap();
    let gradients = gradients(network, parameters, &cache, &deltas).unwrap();
    FiveSteps { cache, loss: error.loss, deltas, gradients }
}

/// Every loss in its default form.
pub(crate) fn losses() -> Vec<Loss> {
    Loss::all()
}

/// Every activation that a hidden layer can have.
pub(crate) fn hidden_activations() -> impl Iterator<Item = Activation> {
    Activation::ALL.iter().copied().filter(|activation| *activation != Activation::Softmax)
}

/// Counts over many gradient checks, so that a check of nothing does not pass unnoticed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Checked {
    /// Parameters compared.
    pub(crate) compared: usize,
    /// Those of them whose derivative is not zero.
    pub(crate) not_zero: usize,
    /// Parameters left out because a kink is within the step.
    pub(crate) at_kink: usize,
}

impl Checked {
    pub(crate) fn add(&mut self, other: Checked) {
        self.compared += other.compared;
        self.not_zero += other.not_zero;
        self.at_kink += other.at_kink;
    }

    /// Nearly all parameters were compared, and most derivatives were not zero.
    pub(crate) fn assert_meaningful(&self) {
        assert!(self.compared > 0 && self.at_kink * 100 <= self.compared, "{self:?}");
        assert!(self.not_zero * 4 >= self.compared * 3, "{self:?}");
    }
}

/// A network with its parameters, loss and data, in f64.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) network: Network,
    pub(crate) parameters: Parameters<f64>,
    pub(crate) loss: Loss,
    pub(crate) data: Data<f64>,
    pub(crate) mode: Mode,
}

impl Case {
    /// Random parameters and data.
    pub(crate) fn new(network: Network, loss: Loss, rows: usize, seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let parameters = numbers.parameters(&network);
        let data = numbers.data(&network, &loss, rows);
        Case { network, parameters, loss, data, mode: Mode::Inference }
    }

    pub(crate) fn five_steps(&self) -> FiveSteps<f64> {
        five_steps(&self.network, &self.parameters, &self.loss, self.data.samples(), self.mode)
    }

    /// These gradients against finite differences.
    pub(crate) fn report(&self, gradients: &Gradients<f64>) -> CheckReport {
        let options = CheckOptions { mode: self.mode, ..CheckOptions::default() };
        let samples = self.data.samples();
        check_gradients(&self.network, &self.parameters, &self.loss, samples, gradients, &options).unwrap()
    }

    /// Panics unless the step under every plan of its curve, whole and in two parts, gives these gradients bit for bit.
    fn assert_same_under_checkpointing(&self, expected: &Gradients<f64>) {
        let rule = Rule::Sgd(optimizer::Sgd { learning_rate: 0.0, ..optimizer::Sgd::default() });
        let (network, batch_size) = (&self.network, self.data.len());
        let shape = StepShape { network, rule: &rule, keeps_gradients: true, batch_size, threads: 1 };
        let threads = Threads::single();
        for parts in [1, 2] {
            let model = StepModel::new::<f64>(&shape, parts.min(batch_size), None).unwrap();
            let planner = Planner::new(model.chain());
            for point in planner.curve() {
                let limit = model.fixed_bytes() + point.bytes;
                let plan = MemoryPlan::scheduled::<f64>(model.clone(), &planner, limit).unwrap();
                let mut step = plan.training_step(&self.loss, None).unwrap();
                let samples = self.data.samples();
                let computed = step.gradients(&threads, &self.parameters, samples, self.mode).unwrap();
                let what = format!("{parts} parts, {limit} bytes, {:?}", network.layers());
                assert_same_parameters(&what, computed.gradients, expected);
            }
        }
    }

    /// Panics, naming tensor and element, unless backpropagation's gradients pass, and every memory plan gives the same.
    pub(crate) fn check(&self) -> Checked {
        let gradients = self.five_steps().gradients;
        self.assert_same_under_checkpointing(&gradients);
        let report = self.report(&gradients);
        for tensor in &report.tensors {
            let (name, worst) = (&tensor.tensor.name, &tensor.worst);
            assert!(
                tensor.passed,
                "{} of {:?}, {:?}, B {}: {worst:?}",
                name,
                self.network.layers(),
                self.loss,
                self.data.len()
            );
        }
        let sum = |f: &dyn Fn(&TensorReport) -> usize| report.tensors.iter().map(f).sum();
        let not_zero = self
            .network
            .tensors()
            .iter()
            .map(|tensor| gradients.tensor(tensor).iter().filter(|g| *g != 0.0).count());
        Checked {
            compared: sum(&|tensor| tensor.compared),
            not_zero: not_zero.sum(),
            at_kink: sum(&|tensor| tensor.at_kink),
        }
    }
}

/// Changes a tensor's numbers, which are given row by row.
pub(crate) fn change<T: Scalar>(
    parameters: &mut Parameters<T>,
    tensor: &TensorLayout,
    by: impl FnOnce(&mut [T]),
) {
    let mut numbers = parameters.tensor(tensor).to_vec();
    by(&mut numbers);
    parameters.set_tensor(tensor, &numbers).unwrap();
}

/// Changes W(l).
pub(crate) fn change_weight<T: Scalar>(parameters: &mut Parameters<T>, l: usize, by: impl FnOnce(&mut [T])) {
    change_nth(parameters, l, 0, by);
}

/// Changes b(l).
pub(crate) fn change_bias<T: Scalar>(parameters: &mut Parameters<T>, l: usize, by: impl FnOnce(&mut [T])) {
    change_nth(parameters, l, 1, by);
}

fn change_nth<T: Scalar>(parameters: &mut Parameters<T>, l: usize, number: usize, by: impl FnOnce(&mut [T])) {
    let tensor = parameters.tensors().iter().filter(|tensor| tensor.layer == l).nth(number).unwrap().clone();
    change(parameters, &tensor, by);
}

/// A network whose outputs before the activation are its inputs.
pub(crate) fn passing_on(width: usize, activation: Activation) -> (Network, Parameters<f64>) {
    let network = Network::builder(width).dense(width, activation).build().unwrap();
    let mut parameters = network.zeros();
    change_weight(&mut parameters, 1, |w| (0..width).for_each(|j| w[j * width + j] = 1.0));
    (network, parameters)
}

/// Panics at the first number whose bits differ.
pub(crate) fn assert_same_bits<T: Scalar>(what: &str, found: &[T], expected: &[T]) {
    assert_eq!(found.len(), expected.len(), "{what}: the lengths");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let same = found.as_f64().to_bits() == expected.as_f64().to_bits();
        assert!(same, "{what}[{index}]: {found:?} instead of {expected:?}");
    }
}

/// Panics at the first parameter whose bits differ.
pub(crate) fn assert_same_parameters<T: Scalar>(what: &str, found: &Parameters<T>, expected: &Parameters<T>) {
    assert!(found.same_shapes(expected), "{what}: the shapes");
    for tensor in expected.tensors() {
        assert_same_bits(
            &format!("{what}: {}", tensor.name),
            &found.tensor(tensor).to_vec(),
            &expected.tensor(tensor).to_vec(),
        );
    }
}

/// The largest difference, relative to the largest expected number; infinite where one is not a number.
pub(crate) fn distance<T: Scalar>(found: &[T], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0f64, |scale, value| scale.max(value.abs()));
    let differences = found.iter().zip(expected).map(|(a, b)| (a.as_f64() - b).abs());
    let largest =
        differences.fold(0.0f64, |largest, d| if d.is_nan() { f64::INFINITY } else { largest.max(d) });
    if largest == 0.0 { 0.0 } else { largest / scale.max(f64::MIN_POSITIVE) }
}
