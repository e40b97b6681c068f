//! Metrics are their definitions; a weight acts as repetition; the number of threads changes no bit.
//!
//! The cases are the same in every run. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` make more and others.

use crate::common::*;
use chainrule::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let rng_seed = match config.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1947),
        chosen => chosen,
    };
    ProptestConfig { rng_seed, failure_persistence: None, ..config }
}

/// What is predicted, for networks that pass their inputs on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// One output, classes 0 and 1.
    Binary,
    /// One output for each class.
    Classes,
    /// One distribution over the classes for each row.
    Distributions,
    /// Labels, each there or not.
    Labels,
    /// Numbers.
    Numbers,
}

/// Rows of tenths, so that there are ties, with a weight of 0 to 3 each, at least one of them above 0.
fn case(kind: Kind, width: usize, rows: usize, seed: u64) -> Case {
    let width = match kind {
        Kind::Binary => 1,
        Kind::Classes | Kind::Distributions => width.max(2),
        _ => width,
    };
    let (activation, loss) = match kind {
        Kind::Binary | Kind::Labels => (Activation::Sigmoid, Loss::BinaryCrossEntropy),
        Kind::Classes | Kind::Distributions => (Activation::Softmax, Loss::cross_entropy()),
        Kind::Numbers => (Activation::Identity, Loss::MeanSquaredError),
    };
    let (network, parameters) = passing_on(width, activation);
    let mut numbers = Numbers::new(seed);
    let mut tenths = || {
        Matrix::from_vec(
            rows,
            width,
            (0..rows * width).map(|_| numbers.below(40) as f64 / 10.0 - 2.0).collect(),
        )
        .unwrap()
    };
    let (inputs, tenths) = (tenths(), tenths());
    let targets = match kind {
        Kind::Binary | Kind::Classes => numbers.classes(rows, width.max(2)),
        Kind::Distributions | Kind::Labels => numbers.targets(&loss, rows, width),
        Kind::Numbers => OwnedTargets::Values(tenths),
    };
    let mut weights: Vec<f64> = (0..rows).map(|_| numbers.below(4) as f64).collect();
    let one = numbers.below(rows);
    weights[one] = weights[one].max(1.0);
    let data = Data { inputs, targets, weights: Some(weights) };
    Case { network, parameters, loss, data, mode: Mode::Inference }
}

fn drawn_case() -> impl Strategy<Value = Case> {
    let kinds = [Kind::Binary, Kind::Classes, Kind::Distributions, Kind::Labels, Kind::Numbers];
    (prop::sample::select(kinds.to_vec()), 1usize..=4, 1usize..=40, 0u64..1 << 32)
        .prop_map(|(kind, width, rows, seed)| case(kind, width, rows, seed))
}

fn measure<T: Scalar>(case: &Case, data: &Data<f64>) -> Evaluation {
    let (parameters, data) = (case.parameters.cast::<T>(), data.cast::<T>());
    evaluate_for(&Threads::single(), &case.network, &parameters, &case.loss, data.samples(), 0).unwrap()
}

/// Everything that is measured; NaN where there is none.
fn values(evaluation: &Evaluation) -> Vec<f64> {
    let none = f64::NAN;
    match evaluation.metrics {
        Metrics::Classification { accuracy, balanced_accuracy, f1, f1_class, auc } => {
            vec![accuracy, balanced_accuracy, f1, f1_class.map_or(none, f64::from), auc.unwrap_or(none)]
        }
        Metrics::Regression { rmse, mae, r2 } => vec![rmse, mae, r2.unwrap_or(none)],
    }
}

/// Both undefined, or the same within 1e-12, relative to what is more than 1.
fn same(found: f64, expected: f64) -> bool {
    found.is_nan() && expected.is_nan() || (found - expected).abs() <= 1e-12 * expected.abs().max(1.0)
}

fn near(found: &Evaluation, expected: &Evaluation) -> Result<(), TestCaseError> {
    // R2 of nearly equal targets magnifies any rounding; tenths are not nearly equal.
    prop_assert!(same(found.loss, expected.loss), "{:?} {:?}", found, expected);
    for (a, b) in values(found).into_iter().zip(values(expected)) {
        prop_assert!(same(a, b), "{:?} {:?}", found, expected);
    }
    Ok(())
}

/// These samples, each as often as its weight says, without weights.
fn repeated(data: &Data<f64>) -> Data<f64> {
    let weights = data.weights.as_ref().unwrap();
    let rows: Vec<usize> =
        (0..data.len()).flat_map(|row| std::iter::repeat_n(row, weights[row] as usize)).collect();
    Data { weights: None, ..data.select(&rows) }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_weight_is_a_number_of_repetitions(case in drawn_case()) {
        let repeated = repeated(&case.data);
        for (weighted, repeated) in [
            (measure::<f64>(&case, &case.data), measure::<f64>(&case, &repeated)),
            (measure::<f32>(&case, &case.data), measure::<f32>(&case, &repeated)),
        ] {
            near(&weighted, &repeated)?;
            if let Metrics::Classification { .. } = weighted.metrics {
                // Counts are whole numbers, so that nothing is rounded before the last division.
                prop_assert_eq!(&weighted.metrics, &repeated.metrics);
            }
        }
    }

    #[test]
    fn only_the_ratios_of_weights_matter(case in drawn_case(), scale in prop_oneof![Just(0.125), 0.01..100.0f64]) {
        let mut scaled = case.data.clone();
        scaled.weights.as_mut().unwrap().iter_mut().for_each(|weight| *weight *= scale);
        near(&measure::<f64>(&case, &scaled), &measure::<f64>(&case, &case.data))?;
    }

    #[test]
    fn weights_of_one_are_no_weights(case in drawn_case()) {
        let ones = Data { weights: Some(vec![1.0; case.data.len()]), ..case.data.clone() };
        let none = Data { weights: None, ..case.data.clone() };
        prop_assert_eq!(values(&measure::<f32>(&case, &ones)).iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            values(&measure::<f32>(&case, &none)).iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    }

    #[test]
    fn samples_of_weight_0_may_hold_anything(case in drawn_case(), which in any::<prop::sample::Index>()) {
        let which = which.index(case.data.len());
        let mut data = case.data.clone();
        data.weights.as_mut().unwrap()[which] = 0.0;
        prop_assume!(data.weights.as_ref().unwrap().iter().any(|weight| *weight > 0.0));
        let expected = measure::<f64>(&case, &data);
        data.inputs.row_mut(which).fill(f64::NAN);
        near(&measure::<f64>(&case, &data), &expected)?;
    }

    #[test]
    fn the_positive_class_is_only_that_of_f1(case in drawn_case()) {
        let data = &case.data;
        let of = |class| {
            let (network, parameters, loss) = (&case.network, &case.parameters, &case.loss);
            evaluate_for(&Threads::single(), network, parameters, loss, data.samples(), class).unwrap()
        };
        let (first, second) = (of(0), of(1));
        let found = evaluate(&Threads::single(), &case.network, &case.parameters, &case.loss, data.samples());
        prop_assert_eq!(values(&found.unwrap()).iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
            values(&second).iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        prop_assert_eq!(first.loss.to_bits(), second.loss.to_bits());
        match (&first.metrics, &second.metrics) {
            (Metrics::Classification { f1_class: Some(0), .. }, Metrics::Classification { f1_class: Some(1), .. }) => {
                for (index, (a, b)) in values(&first).into_iter().zip(values(&second)).enumerate() {
                    prop_assert!(index == 2 || index == 3 || a.to_bits() == b.to_bits());
                }
            }
            (a, b) => prop_assert_eq!(a, b),
        }
    }

    #[test]
    fn real_weights_follow_the_definitions(case in drawn_case(), seed in any::<u64>()) {
        let mut numbers = Numbers::new(seed);
        let mut data = case.data.clone();
        data.weights.as_mut().unwrap().iter_mut().for_each(|weight| *weight *= numbers.unit() + 0.1);
        let found = measure::<f64>(&case, &data);
        let weights = data.weights.as_ref().unwrap();
        let outputs = infer(&Threads::single(), &case.network, &case.parameters, data.inputs.view()).unwrap();
        let expected = match &data.targets {
            OwnedTargets::Classes(classes) => of_classes(&outputs, classes, weights),
            OwnedTargets::Values(values) if case.loss == Loss::MeanSquaredError => {
                of_numbers(&outputs, values, weights)
            }
            // Labels and distributions come down to classes.
            OwnedTargets::Values(_) => return Ok(()),
        };
        for (found, expected) in values(&found).into_iter().zip(expected) {
            prop_assert!(same(found, expected), "{} {} {:?}", found, expected, case);
        }
    }
}

/// Class by class and pair by pair, F1 of class 0 of two.
fn of_classes(outputs: &Matrix<f64>, classes: &[u32], weights: &[f64]) -> Vec<f64> {
    let count = outputs.columns().max(2);
    let score = |i: usize, k: usize| match outputs.columns() {
        1 if k == 0 => 1.0 - outputs[(i, 0)],
        1 => outputs[(i, 0)],
        _ => outputs[(i, k)],
    };
    // The first of the largest, except that a single output of one half is class 1.
    let predicted = |i: usize| match outputs.columns() {
        1 => usize::from(outputs[(i, 0)] >= 0.5),
        _ => (0..count).rev().max_by(|&a, &b| score(i, a).total_cmp(&score(i, b))).unwrap(),
    };
    let weight_where = |holds: &dyn Fn(usize, usize) -> bool| -> f64 {
        (0..classes.len()).filter(|&i| holds(classes[i] as usize, predicted(i))).map(|i| weights[i]).sum()
    };
    let actual = |k: usize| weight_where(&|class, _| class == k);
    let guessed = |k: usize| weight_where(&|_, guess| guess == k);
    let right = |k: usize| weight_where(&|class, guess| class == k && guess == k);
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let f1 = |k: usize| {
        let denominator = actual(k) + guessed(k);
        if denominator == 0.0 { 0.0 } else { 2.0 * right(k) / denominator }
    };
    let area = |k: usize| {
        let (mut won, mut all) = (0.0, 0.0);
        for (i, _) in classes.iter().enumerate().filter(|(_, class)| **class as usize == k) {
            for (j, _) in classes.iter().enumerate().filter(|(_, class)| **class as usize != k) {
                let pair = weights[i] * weights[j];
                let order = score(i, k).total_cmp(&score(j, k)) as i8;
                won += pair * (0.5 + 0.5 * f64::from(order));
                all += pair;
            }
        }
        won / all
    };
    let occurring = |k: &usize| actual(*k) > 0.0;
    vec![
        weight_where(&|class, guess| class == guess) / weights.iter().sum::<f64>(),
        mean((0..count).filter(occurring).map(|k| right(k) / actual(k)).collect()),
        if count == 2 {
            f1(0)
        } else {
            mean((0..count).filter(|&k| actual(k) + guessed(k) > 0.0).map(f1).collect())
        },
        if count == 2 { 0.0 } else { f64::NAN },
        if count == 2 { area(1) } else { mean((0..count).map(area).collect()) },
    ]
}

fn of_numbers(outputs: &Matrix<f64>, targets: &Matrix<f64>, weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let weighted = |term: &dyn Fn(usize) -> f64| -> f64 {
        weights.iter().enumerate().map(|(i, weight)| weight * term(i)).sum::<f64>() / total
    };
    let mut sums = [0.0; 3];
    for k in 0..targets.columns() {
        let error = |i: usize| outputs[(i, k)] - targets[(i, k)];
        let mean = weighted(&|i| targets[(i, k)]);
        let variance = weighted(&|i| (targets[(i, k)] - mean).powi(2));
        let present: Vec<f64> =
            (0..weights.len()).filter(|&i| weights[i] > 0.0).map(|i| targets[(i, k)]).collect();
        let constant = present.iter().all(|y| *y == present[0]);
        let squares = weighted(&|i| error(i).powi(2));
        sums[0] += squares.sqrt();
        sums[1] += weighted(&|i| error(i).abs());
        sums[2] += if constant { f64::NAN } else { 1.0 - squares / variance };
    }
    sums.iter().map(|sum| sum / targets.columns() as f64).collect()
}

#[test]
fn every_loss_has_the_bits_of_the_five_functions_on_any_number_of_threads() {
    let activations = [Activation::Identity, Activation::Sigmoid, Activation::Softmax, Activation::Softplus];
    for (loss, activation) in losses().into_iter().flat_map(|loss| activations.map(|a| (loss.clone(), a))) {
        for (width, classes) in [(3, false), (3, true), (1, false)] {
            let probabilities =
                matches!(loss, Loss::CrossEntropy { .. }) || activation == Activation::Softmax;
            if width == 1 && probabilities {
                continue;
            }
            let network =
                Network::builder(4).dense(5, Activation::Tanh).dense(width, activation).build().unwrap();
            // Several blocks of rows, the last a partial one.
            let mut case = Case::new(network, loss.clone(), 700, 3);
            let mut numbers = Numbers::new(4);
            if classes {
                case.data.targets = numbers.classes(700, width);
            }
            case.data.weights = Some((0..700).map(|_| numbers.unit()).collect());
            let of = |threads: usize| {
                let (threads, samples) = (Threads::new(threads), case.data.samples());
                evaluate(&threads, &case.network, &case.parameters, &case.loss, samples).unwrap()
            };
            let one = of(1);
            let what = format!("{loss:?}, {activation:?}, {width} outputs");
            assert_eq!(one.loss.to_bits(), case.five_steps().loss.to_bits(), "{what}");
            for threads in [2, 3] {
                let several = of(threads);
                assert_eq!(one.loss.to_bits(), several.loss.to_bits(), "{what}");
                assert_same_bits(&what, &values(&one), &values(&several));
            }
        }
    }
}

#[test]
fn unweighted_metrics_have_the_bits_of_plain_sums() {
    let case = case(Kind::Numbers, 1, 301, 5);
    let data = Data { weights: None, ..case.data.clone() };
    let OwnedTargets::Values(targets) = &data.targets else { panic!() };
    let (a, y) = (data.inputs.as_slice(), targets.as_slice());
    let n = y.len() as f64;
    let squares: f64 = a.iter().zip(y).map(|(a, y)| (a - y) * (a - y)).sum();
    let absolutes: f64 = a.iter().zip(y).map(|(a, y)| (a - y).abs()).sum();
    let mean = y.iter().sum::<f64>() / n;
    let deviations: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
    let expected = [(squares / n).sqrt(), absolutes / n, 1.0 - squares / deviations];
    assert_same_bits("metrics", &values(&measure::<f64>(&case, &data)), &expected);
}

#[test]
fn numbers_in_their_own_units() {
    let (predictions, targets) = ([1.0, 30.0, 2.0, 10.0, 4.0, 20.0], [1.0, 10.0, 3.0, 10.0, 2.0, 10.0]);
    let columns = Metrics::of_each_column(&predictions, &targets, 2, None).unwrap();
    let first = Metrics::Regression { rmse: (5.0f64 / 3.0).sqrt(), mae: 1.0, r2: Some(1.0 - 5.0 / 2.0) };
    let second = Metrics::Regression { rmse: (500.0f64 / 3.0).sqrt(), mae: 10.0, r2: None };
    assert_eq!(columns, [first, second]);
    let Metrics::Regression { rmse, mae, r2 } = Metrics::of_numbers(&predictions, &targets, 2, None).unwrap()
    else {
        panic!()
    };
    assert!((rmse - ((5.0f64 / 3.0).sqrt() + (500.0f64 / 3.0).sqrt()) / 2.0).abs() < 1e-12);
    assert_eq!((mae, r2), (5.5, None));
    // One column is itself, and the engine's own.
    let one = Metrics::of_numbers(&predictions, &targets, 1, Some(&[1.0; 6])).unwrap();
    assert_eq!(vec![one], Metrics::of_each_column(&predictions, &targets, 1, None).unwrap());
    let case = case(Kind::Numbers, 3, 50, 8);
    let OwnedTargets::Values(values) = &case.data.targets else { panic!() };
    let (a, y, weights) = (case.data.inputs.as_slice(), values.as_slice(), case.data.weights.as_deref());
    assert_eq!(measure::<f64>(&case, &case.data).metrics, Metrics::of_numbers(a, y, 3, weights).unwrap());
}

#[test]
fn numbers_that_nothing_can_be_measured_from_are_refused() {
    let refused = |predictions: &[f64], targets: &[f64], columns, weights: Option<&[f64]>| {
        let error = Metrics::of_numbers(predictions, targets, columns, weights).unwrap_err();
        let same = Metrics::of_each_column(predictions, targets, columns, weights).unwrap_err();
        assert_eq!(error.to_string(), same.to_string());
        error
    };
    let (four, infinite) = ([1.0; 4], [1.0, 2.0, 3.0, f64::INFINITY]);
    assert!(matches!(
        refused(&four, &infinite, 2, None),
        Error::Value { what: "targets", row: 1, column: 1, .. }
    ));
    assert!(matches!(refused(&four, &four, 2, Some(&[1.0, -1.0])), Error::Value { row: 1, column: 0, .. }));
    for (error, part) in [
        (refused(&[], &[], 2, None), "no samples"),
        (refused(&four, &four, 0, None), "columns"),
        (refused(&four, &four, 3, None), "rows of 3"),
        (refused(&four[..2], &four, 2, None), "predictions"),
        (refused(&four, &four, 2, Some(&[1.0])), "sample weights"),
        (refused(&four, &four, 2, Some(&[0.0, 0.0])), "weights of all samples"),
    ] {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_positive_class_is_one_of_two() {
    let case = case(Kind::Binary, 1, 5, 1);
    let samples = case.data.samples();
    let found = evaluate_for(&Threads::single(), &case.network, &case.parameters, &case.loss, samples, 2);
    assert!(found.unwrap_err().to_string().contains("positive_class = 2"));
}

#[test]
fn the_class_of_f1_is_written_where_there_is_one() {
    let two = measure::<f64>(&case(Kind::Classes, 2, 30, 2), &case(Kind::Classes, 2, 30, 2).data);
    let three = measure::<f64>(&case(Kind::Classes, 3, 30, 2), &case(Kind::Classes, 3, 30, 2).data);
    for (evaluation, class) in [(two, Some(0)), (three, None)] {
        let written = serde_json::to_value(&evaluation).unwrap();
        assert_eq!(written.get("f1_class").and_then(serde_json::Value::as_u64), class);
        assert_eq!(written.get("f1_class").is_some(), class.is_some());
        assert_eq!(serde_json::from_value::<Evaluation>(written).unwrap(), evaluation);
    }
    // As records without it have it.
    let text = r#"{"loss":0.5,"accuracy":1.0,"balanced_accuracy":1.0,"f1":1.0,"auc":null}"#;
    let found: Evaluation = serde_json::from_str(text).unwrap();
    assert!(matches!(found.metrics, Metrics::Classification { f1_class: None, auc: None, .. }));
}

/// F1 of the epochs' validation is of the class that was set.
#[test]
fn the_trainer_measures_f1_of_its_positive_class() {
    let case = case(Kind::Classes, 2, 30, 9);
    let data = Data { weights: None, ..case.data.clone() };
    let f1_of = |class: Option<u32>| {
        let options = TrainingOptions { epochs: 1, ..TrainingOptions::default() };
        let mut trainer = Trainer::new(&case.network, &case.loss, case.parameters.clone(), options).unwrap();
        if let Some(class) = class {
            trainer.set_positive_class(class).unwrap();
        }
        let mut found = None;
        let samples = data.samples();
        trainer
            .fit(&Threads::single(), samples, Some(samples), &mut |event| {
                if let TrainingEvent::Epoch { report, .. } = event {
                    found = report.validation.clone();
                }
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        let found = found.unwrap();
        let class = class.unwrap_or(1);
        let (network, parameters) = (&case.network, trainer.parameters());
        let expected =
            evaluate_for(&Threads::single(), network, parameters, &case.loss, samples, class).unwrap();
        assert_eq!(found, expected);
        values(&found)[2]
    };
    assert_eq!(f1_of(None), f1_of(Some(1)));
    assert_ne!(f1_of(Some(0)), f1_of(Some(1)));
}
