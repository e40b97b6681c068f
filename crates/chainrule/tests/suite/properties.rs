//! Random networks: gradients pass the check, the fused step has the functions' bits, and a batch is a weighted mean.
//!
//! The cases are the same in every run. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` make more and others.

use crate::common::*;
use chainrule::gradient_check::{CheckOptions, gradient_check};
use chainrule::optimizer::{Adam, Sgd};
use chainrule::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let rng_seed = match config.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1986),
        chosen => chosen,
    };
    // Eight times the usual number: a case takes less than a millisecond.
    ProptestConfig { cases: 8 * config.cases, rng_seed, failure_persistence: None, ..config }
}

/// One hidden layer, or the last.
#[derive(Clone, Debug)]
struct DrawnLayer {
    width: usize,
    activation: usize,
    bias: bool,
    /// The rate of a dropout layer in front of it, if any.
    dropout: Option<f64>,
}

fn drawn_layer() -> impl Strategy<Value = DrawnLayer> {
    let rate = prop_oneof![2 => Just(None), 1 => (0.0..0.7f64).prop_map(Some)];
    (1usize..=12, 0..Activation::ALL.len(), prop::bool::weighted(0.7), rate)
        .prop_map(|(width, activation, bias, dropout)| DrawnLayer { width, activation, bias, dropout })
}

fn drawn_loss() -> impl Strategy<Value = Loss> {
    let cross_entropy =
        (prop_oneof![Just(0.0), 0.0..0.5f64], prop::option::of(prop::collection::vec(0.1..3.0f64, 12)));
    prop_oneof![
        Just(Loss::HalfSquaredError),
        Just(Loss::MeanSquaredError),
        Just(Loss::MeanAbsoluteError),
        (0.1..3.0f64).prop_map(|delta| Loss::Huber { delta }),
        Just(Loss::BinaryCrossEntropy),
        Just(Loss::Poisson),
        (0.05..0.95f64).prop_map(|quantile| Loss::Quantile { quantile }),
        cross_entropy.prop_map(|(label_smoothing, class_weights)| Loss::CrossEntropy {
            label_smoothing,
            class_weights
        }),
    ]
}

fn build((inputs, layers, mut loss, classes, weighted, rows, seed): Drawn) -> Case {
    let mut builder = Network::builder(inputs);
    for (index, drawn) in layers.iter().enumerate() {
        let DrawnLayer { mut width, activation, bias, dropout } = *drawn;
        let last = index + 1 == layers.len();
        let activation = match Activation::ALL[activation] {
            Activation::Softmax if !last => Activation::Tanh,
            activation => activation,
        };
        // Probabilities of several classes need several outputs.
        let of_classes = matches!(loss, Loss::CrossEntropy { .. })
            || loss == Loss::BinaryCrossEntropy && activation == Activation::Softmax;
        if last && of_classes {
            width = width.max(2);
        }
        if let Some(rate) = dropout {
            builder = builder.dropout(rate);
        }
        builder = builder.layer(Layer::Dense(layer::Dense { width, activation, bias }));
    }
    let network = builder.build().unwrap();
    let outputs = network.output_width();
    if let Loss::CrossEntropy { class_weights: Some(weights), .. } = &mut loss {
        weights.truncate(outputs);
    }
    let mut case = Case::new(network, loss, rows, seed);
    let mut numbers = Numbers::new(seed + 1);
    if classes {
        case.data.targets = numbers.classes(rows, outputs.max(2));
    }
    case.data.weights = weighted.then(|| (0..rows).map(|_| 0.25 + numbers.unit()).collect());
    case
}

/// Inputs, layers, loss, whether targets are classes, whether samples are weighted, batch size, seed.
type Drawn = (usize, Vec<DrawnLayer>, Loss, bool, bool, usize, u64);

/// A network of 1 to 4 dense layers, with data of at least `rows` samples and at most 9.
fn drawn_case(rows: usize) -> impl Strategy<Value = Case> {
    let layers = prop::collection::vec(drawn_layer(), 1..=4);
    (1usize..=12, layers, drawn_loss(), any::<bool>(), any::<bool>(), rows..=9, 0u64..1 << 32).prop_map(build)
}

/// The loss and the gradients of these samples; nothing is dropped, because masks differ from sample to sample.
fn compute(case: &Case, data: &Data<f64>) -> (f64, Gradients<f64>) {
    let five = five_steps(&case.network, &case.parameters, &case.loss, data.samples(), Mode::Inference);
    (five.loss, five.gradients)
}

/// Losses to 1e-12, gradients to 1e-10 of the tensor's largest, and of 1 where all are small.
fn near(
    case: &Case,
    found: &(f64, Gradients<f64>),
    expected: &(f64, Gradients<f64>),
) -> Result<(), TestCaseError> {
    let (loss, expected_loss) = (found.0, expected.0);
    prop_assert!(
        (loss - expected_loss).abs() <= 1e-12 * expected_loss.abs().max(1.0),
        "{} {}",
        loss,
        expected_loss
    );
    for tensor in case.network.tensors() {
        let (found, expected) = (found.1.tensor(tensor), expected.1.tensor(tensor));
        let scale = expected.iter().fold(1.0f64, |scale, g| scale.max(g.abs()));
        for (index, (found, expected)) in found.iter().zip(expected.iter()).enumerate() {
            let name = &tensor.name;
            prop_assert!(
                (found - expected).abs() <= 1e-10 * scale,
                "{}[{}]: {} {}",
                name,
                index,
                found,
                expected
            );
        }
    }
    Ok(())
}

/// The weights of all samples, 1 where there are none.
fn weights(data: &Data<f64>) -> Vec<f64> {
    data.weights.clone().unwrap_or_else(|| vec![1.0; data.len()])
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn gradients_are_those_of_finite_differences(case in drawn_case(1), training in any::<bool>()) {
        let mode = if training { Mode::Training { seed: 4, step: 2 } } else { Mode::Inference };
        let options = CheckOptions { samples_per_tensor: Some(5), mode, ..CheckOptions::default() };
        let samples = case.data.samples();
        let report = gradient_check(&case.network, &case.parameters, &case.loss, samples, &options).unwrap();
        prop_assert!(report.passed(), "{:?}", report);
    }

    #[test]
    fn the_fused_step_has_the_bits_of_the_five_functions(case in drawn_case(1), norm in prop::option::of(0.01..10.0f64)) {
        let (loss, samples) = (&case.loss, case.data.samples());
        let mode = Mode::Training { seed: 8, step: 0 };
        let rule = Rule::Adam(Adam { weight_decay: 0.01, ..Adam::default() });
        let clipping = norm.map(Clipping::GlobalNorm);
        let mut expected = case.parameters.clone();
        let mut five = five_steps(&case.network, &expected, loss, samples, mode);
        if let Some(clipping) = clipping {
            clip(&mut five.gradients, clipping);
        }
        update(&mut Optimizer::new(rule.clone(), &expected).unwrap(), &mut expected, &five.gradients).unwrap();

        let mut parameters = case.parameters.clone();
        let mut optimizer = Optimizer::new(rule, &parameters).unwrap();
        let mut step = TrainingStep::new(&case.network, loss, clipping, 9).unwrap().keeping_gradients();
        let sum = step.run(&Threads::single(), &mut parameters, &mut optimizer, samples, Some(8)).unwrap();
        prop_assert_eq!(sum.mean().to_bits(), five.loss.to_bits());
        assert_same_parameters("gradient", step.kept_gradients().unwrap(), &five.gradients);
        assert_same_parameters("parameter", &parameters, &expected);
    }

    #[test]
    fn the_order_of_samples_does_not_matter(case in drawn_case(2), seed in any::<u64>()) {
        let order = shuffled(case.data.len(), seed, 0);
        near(&case, &compute(&case, &case.data.select(&order)), &compute(&case, &case.data))?;
    }

    #[test]
    fn every_sample_twice_is_every_sample_once(case in drawn_case(1)) {
        let twice: Vec<usize> = (0..case.data.len()).chain(0..case.data.len()).collect();
        near(&case, &compute(&case, &case.data.select(&twice)), &compute(&case, &case.data))?;
    }

    #[test]
    fn a_weight_of_two_is_the_sample_twice(case in drawn_case(1), which in any::<prop::sample::Index>()) {
        let which = which.index(case.data.len());
        let mut weighted = case.data.clone();
        let mut doubled = weights(&case.data);
        doubled[which] *= 2.0;
        weighted.weights = Some(doubled);
        let twice: Vec<usize> = (0..case.data.len()).chain([which]).collect();
        near(&case, &compute(&case, &weighted), &compute(&case, &case.data.select(&twice)))?;
    }

    #[test]
    fn a_weight_of_zero_leaves_the_sample_out(case in drawn_case(2), which in any::<prop::sample::Index>()) {
        let which = which.index(case.data.len());
        let mut weighted = case.data.clone();
        let mut some = weights(&case.data);
        some[which] = 0.0;
        weighted.weights = Some(some);
        // Whatever the sample holds.
        weighted.inputs.row_mut(which).fill(3.0);
        let others: Vec<usize> = (0..case.data.len()).filter(|&i| i != which).collect();
        near(&case, &compute(&case, &weighted), &compute(&case, &case.data.select(&others)))?;
    }

    #[test]
    fn a_batch_is_the_weighted_mean_of_its_parts(case in drawn_case(2), cut in any::<prop::sample::Index>()) {
        let cut = 1 + cut.index(case.data.len() - 1);
        let parts = [(0..cut).collect::<Vec<_>>(), (cut..case.data.len()).collect()];
        let still = Rule::Sgd(Sgd { learning_rate: 0.0, ..Sgd::default() });
        let mut parameters = case.parameters.clone();
        let mut optimizer = Optimizer::new(still, &parameters).unwrap();
        let mut step = TrainingStep::new(&case.network, &case.loss, None, case.data.len()).unwrap().keeping_gradients();
        let mut sum = WeightedSum::default();
        let mut gradients = case.network.zeros::<f64>();
        let mut run = |data: &Data<f64>| {
            let sum = step.run(&Threads::single(), &mut parameters, &mut optimizer, data.samples(), None);
            (sum.unwrap(), step.kept_gradients().unwrap().clone())
        };
        let (whole, expected) = run(&case.data);
        for part in parts {
            let (part, part_gradients) = run(&case.data.select(&part));
            sum.add(part);
            for tensor in case.network.tensors() {
                let terms = part_gradients.tensor(tensor);
                change(&mut gradients, tensor, |totals| {
                    for (total, term) in totals.iter_mut().zip(terms.iter()) {
                        *total += part.weight / whole.weight * term;
                    }
                });
            }
        }
        prop_assert!((sum.weight - whole.weight).abs() <= 1e-12 * whole.weight);
        near(&case, &(sum.mean(), gradients), &(whole.mean(), expected))?;
    }
}
