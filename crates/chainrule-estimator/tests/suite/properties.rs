//! What holds for any data: groups are not torn, time does not run backwards, weights act as repetition, rows without a
//! target are left out, and a target that a loss cannot use is named with its place.

use std::collections::BTreeSet;

use chainrule::{Loss, shuffled};
use chainrule_data::{Column, Dataset, Table, Task};
use chainrule_estimator::{
    Estimator, EstimatorError, EstimatorOptions, Measurement, Metrics, Part, Predictor, SplitPart, unobserved,
};

use crate::place::{Place, small};

const PARTS: [SplitPart; 3] = [SplitPart::Training, SplitPart::Validation, SplitPart::Test];

/// Whole numbers below `below`, the same for the same seed.
fn draws(count: usize, below: usize, seed: u64) -> Vec<usize> {
    shuffled(count.max(1) * below, seed, 7).into_iter().take(count).map(|number| number % below).collect()
}

/// A table in memory: two inputs, columns `key` and `moment`, and a number and a class to learn.
fn drawn(rows: usize, keys: usize, seed: u64) -> Dataset {
    let as_numbers = |numbers: &[usize]| numbers.iter().map(|n| *n as f64).collect::<Vec<_>>();
    let (one, two) = (as_numbers(&draws(rows, 17, seed)), as_numbers(&draws(rows, 9, seed + 1)));
    let key = draws(rows, keys, seed + 2);
    let moment = as_numbers(&draws(rows, 40, seed + 3));
    let noise = draws(rows, 5, seed + 4);
    let size: Vec<f64> = (0..rows).map(|i| 3.0 * one[i] - two[i] + noise[i] as f64).collect();
    let kind = size.iter().map(|size| if *size > 20.0 { "large" } else { "little" });
    let columns = vec![
        Column::numbers("one", &one),
        Column::numbers("two", &two),
        Column::texts("key", key.iter().map(|key| format!("k{key}"))),
        Column::numbers("moment", &moment),
        Column::numbers("size", &size),
        Column::texts("kind", kind),
    ];
    Dataset::from_table(Table::new("drawn", columns).unwrap())
}

fn quick(target: &str) -> EstimatorOptions {
    EstimatorOptions {
        targets: vec![target.to_owned()],
        layers: Some(vec![3]),
        epochs: Some(1),
        threads: Some(1),
        ..EstimatorOptions::default()
    }
}

/// The rows of the three parts; those that are empty have none.
fn parts_of(predictor: &Predictor, dataset: &Dataset) -> [Vec<usize>; 3] {
    PARTS.map(|part| predictor.rows_of_part(dataset, part).unwrap_or_default())
}

#[test]
fn no_group_stands_in_two_parts() {
    for seed in 0..24 {
        let (rows, keys) = (40 + 7 * seed as usize, 4 + seed as usize % 13);
        let dataset = drawn(rows, keys, 100 * seed);
        let share = [0.1, 0.2, 0.35][seed as usize % 3];
        for target in ["size", "kind"] {
            let options = EstimatorOptions {
                group: Some("key".to_owned()),
                seed,
                test: Some(Part::Share(share)),
                validation: Some(Part::Share(if seed % 4 == 0 { 0.0 } else { 0.2 })),
                ..quick(target)
            };
            let preparation = Estimator::new(options).prepare(&dataset).unwrap();
            let names = preparation.preprocessing().input_names();
            assert!(names.iter().all(|name| !name.starts_with("key")), "the group is no input: {names:?}");
            let counts =
                [preparation.training_rows(), preparation.validation_rows(), preparation.test_rows()];
            let predictor = preparation.fit(&mut unobserved).unwrap().predictor;
            let parts = parts_of(&predictor, &dataset);
            assert_eq!(parts.each_ref().map(Vec::len), counts, "seed {seed}");
            let groups = dataset.groups("key").unwrap();
            let of_part = |rows: &Vec<usize>| rows.iter().map(|&row| groups[row]).collect::<BTreeSet<_>>();
            let [training, validation, test] = parts.each_ref().map(of_part);
            assert!(training.is_disjoint(&validation) && training.is_disjoint(&test), "seed {seed}");
            assert!(validation.is_disjoint(&test), "seed {seed}");
            assert!(!training.is_empty() && !test.is_empty(), "seed {seed}");
            let mut all = parts.concat();
            all.sort_unstable();
            assert_eq!(all, (0..rows).collect::<Vec<_>>(), "seed {seed}: each row stands in one part");
        }
    }
}

#[test]
fn a_split_by_time_never_looks_ahead() {
    for seed in 0..24 {
        let rows = 50 + 5 * seed as usize;
        let dataset = drawn(rows, 6, 100 * seed + 50);
        let options = EstimatorOptions {
            time: Some("moment".to_owned()),
            seed,
            test: Some(Part::Share([0.1, 0.25][seed as usize % 2])),
            validation: Some(Part::Share([0.0, 0.1, 0.3][seed as usize % 3])),
            ..quick("size")
        };
        let preparation = Estimator::new(options).prepare(&dataset).unwrap();
        let names = preparation.preprocessing().input_names();
        assert!(!names.iter().any(|name| name.starts_with("moment")), "time is no input: {names:?}");
        let predictor = preparation.fit(&mut unobserved).unwrap().predictor;
        let parts = parts_of(&predictor, &dataset);
        let instants = dataset.instants("moment").unwrap();
        let least = |rows: &[usize]| rows.iter().map(|&row| instants[row]).fold(f64::INFINITY, f64::min);
        let most = |rows: &[usize]| rows.iter().map(|&row| instants[row]).fold(f64::NEG_INFINITY, f64::max);
        let [training, validation, test] = &parts;
        // Rows of one instant stand together, or a row would be learned from its own future.
        assert!(most(training) < least(validation).min(least(test)), "seed {seed}");
        assert!(most(validation) < least(test), "seed {seed}");
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..rows).collect::<Vec<_>>(), "seed {seed}");
    }
}

/// Every metric, and the loss.
fn all_numbers(measurement: &Measurement) -> Vec<f64> {
    let of = |metrics: &Metrics| match metrics {
        Metrics::Classification { accuracy, balanced_accuracy, f1, auc, .. } => {
            vec![*accuracy, *balanced_accuracy, *f1, auc.unwrap()]
        }
        Metrics::Regression { rmse, mae, r2 } => vec![*rmse, *mae, r2.unwrap()],
    };
    let mut numbers = of(&measurement.evaluation.metrics);
    measurement.targets.iter().for_each(|(_, metrics)| numbers.extend(of(metrics)));
    numbers.push(measurement.evaluation.loss);
    numbers
}

#[test]
fn weights_act_as_repetition_in_metrics() {
    for (seed, targets) in [(1, vec!["size"]), (2, vec!["kind"]), (3, vec!["size", "two"]), (4, vec!["kind"])]
    {
        let rows = 70;
        let plain = drawn(rows, 6, 1000 * seed);
        let weights = draws(rows, 5, seed);
        let weighted = with_column(
            &plain,
            Column::numbers("times", &weights.iter().map(|n| *n as f64).collect::<Vec<_>>()),
        );
        let ones = with_column(&plain, Column::numbers("times", &vec![1.0; rows]));
        let options =
            EstimatorOptions { targets: targets.iter().map(|name| (*name).to_owned()).collect(), ..small() };
        let predictor = Estimator::new(options).fit(&plain, &mut unobserved).unwrap();
        let every: Vec<usize> = (0..rows).collect();
        let repeated: Vec<usize> =
            every.iter().flat_map(|&row| std::iter::repeat_n(row, weights[row])).collect();
        let measure = |predictor: &Predictor, dataset: &Dataset, rows: &[usize]| {
            all_numbers(&predictor.evaluate_rows(dataset, rows, &mut Vec::new()).unwrap())
        };
        let with_repetition = measure(&predictor, &plain, &repeated);
        let without = measure(&predictor, &plain, &every);
        let predictor = predictor.with_weight(Some("times".to_owned()));
        let with_weights = measure(&predictor, &weighted, &every);
        assert_ne!(with_weights, without, "{targets:?}: weights change something");
        for (weighted, repeated) in with_weights.iter().zip(&with_repetition) {
            assert!(
                (weighted - repeated).abs() <= 1e-6 * repeated.abs(),
                "{with_weights:?}, {with_repetition:?}"
            );
        }
        assert_eq!(measure(&predictor, &ones, &every), without, "{targets:?}: weights of 1 change nothing");
    }
}

/// The same data with one more column.
fn with_column(dataset: &Dataset, column: Column) -> Dataset {
    let mut columns = dataset.table().unwrap().columns().to_vec();
    columns.push(column);
    Dataset::from_table(Table::new("drawn", columns).unwrap())
}

#[test]
fn a_model_keeps_its_weights_for_its_parts() {
    let plain = drawn(80, 6, 77);
    let weights: Vec<f64> = draws(80, 4, 5).into_iter().map(|n| 0.25 + n as f64).collect();
    let dataset = with_column(&plain, Column::numbers("times", &weights));
    let options = EstimatorOptions { weight: Some("times".to_owned()), ..quick("size") };
    let preparation = Estimator::new(options).prepare(&dataset).unwrap();
    assert!(!preparation.preprocessing().input_names().iter().any(|name| name == "times"));
    let fitted = preparation.fit(&mut unobserved).unwrap();
    let predictor = fitted.predictor;
    assert_eq!(predictor.recorded_weight().as_deref(), Some("times"));
    let rows = predictor.rows_of_part(&dataset, SplitPart::Test).unwrap();
    let unweighted = predictor.evaluate_rows(&dataset, &rows, &mut Vec::new()).unwrap();
    let weighted = predictor.with_weight(Some("times".to_owned()));
    let weighted = weighted.evaluate_rows(&dataset, &rows, &mut Vec::new()).unwrap();
    assert_eq!(Some(&weighted), fitted.test.as_ref());
    assert_ne!(weighted.evaluation.metrics, unweighted.evaluation.metrics);

    for (cell, problem) in [("-1", "-1"), ("", "missing"), ("much", "much")] {
        let place = Place::new();
        let text: String =
            (0..40).map(|i| format!("{i},{},{}\n", i % 3, if i == 20 { cell } else { "2" })).collect();
        let dataset = place.data("t.csv", &format!("a,size,times\n{text}"));
        let options = EstimatorOptions {
            weight: Some("times".to_owned()),
            task: Some(Task::Regression),
            ..quick("size")
        };
        let error = Estimator::new(options).prepare(&dataset).unwrap_err().to_string();
        assert!(error.contains("t.csv, line 22, column 'times'") && error.contains(problem), "{error}");
    }
}

#[test]
fn several_targets_are_learned_each_in_its_own_units() {
    let dataset = drawn(160, 6, 31);
    let far: Vec<f64> = (0..160)
        .map(|row| {
            1.7e9
                + 5.0
                    * dataset
                        .table()
                        .unwrap()
                        .column("one")
                        .unwrap()
                        .text(row)
                        .unwrap()
                        .parse::<f64>()
                        .unwrap()
        })
        .collect();
    let dataset = with_column(&dataset, Column::numbers("far", &far));
    let options = EstimatorOptions {
        targets: vec!["size".to_owned(), "far".to_owned()],
        ignore: vec!["kind".to_owned(), "key".to_owned(), "moment".to_owned()],
        layers: Some(vec![16]),
        epochs: Some(120),
        ..EstimatorOptions::default()
    };
    let fitted = Estimator::new(options).prepare(&dataset).unwrap().fit(&mut unobserved).unwrap();
    let test = fitted.test.unwrap();
    assert_eq!(test.targets.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["size", "far"]);
    let chainrule_estimator::Predictions::Numbers(numbers) = fitted.predictor.predict(&dataset).unwrap()
    else {
        panic!("numbers are predicted")
    };
    assert_eq!(numbers.names, ["size", "far"]);
    let rows = fitted.predictor.rows_of_part(&dataset, SplitPart::Test).unwrap();
    for (column, (name, metrics)) in test.targets.iter().enumerate() {
        let Metrics::Regression { rmse, r2, .. } = metrics else { panic!() };
        assert!(r2.unwrap() > 0.9, "{name}: {metrics:?}");
        let target = dataset.table().unwrap().column(name).unwrap();
        let squares = rows.iter().map(|&row| {
            let y: f64 = target.text(row).unwrap().parse().unwrap();
            (numbers.values[(row, column)] - y).powi(2)
        });
        let found = (squares.sum::<f64>() / rows.len() as f64).sqrt();
        assert!((found - rmse).abs() <= 1e-9 * rmse, "{name}: {found} and {rmse}");
    }
    let Metrics::Regression { r2, .. } = test.evaluation.metrics else { panic!() };
    let mean = test.targets.iter().map(|(_, metrics)| match metrics {
        Metrics::Regression { r2, .. } => r2.unwrap(),
        Metrics::Classification { .. } => panic!(),
    });
    assert!((r2.unwrap() - mean.sum::<f64>() / 2.0).abs() < 1e-12);
    for targets in [["size", "kind"], ["size", "size"]] {
        let options = EstimatorOptions { targets: targets.map(str::to_owned).to_vec(), ..small() };
        let error = Estimator::new(options).prepare(&dataset).unwrap_err().to_string();
        assert!(error.contains("several targets") && error.contains(targets[1]), "{error}");
    }
}

#[test]
fn rows_without_a_target_are_left_out_of_every_part() {
    let plain = drawn(90, 6, 8);
    let sizes: Vec<Option<f64>> =
        (0..90).map(|row| (row % 9 != 4).then_some((row * 7 % 31) as f64)).collect();
    let dataset = with_column(&plain, Column::optional_numbers("gaps", sizes));
    let options = EstimatorOptions { task: Some(Task::Regression), ..quick("gaps") };
    let preparation = Estimator::new(options).prepare(&dataset).unwrap();
    let note = preparation.notes().iter().find(|note| note.code == "missing_target").unwrap();
    assert!(note.message.contains("10 rows"), "{note}");
    let predictor = preparation.fit(&mut unobserved).unwrap().predictor;
    let mut all = parts_of(&predictor, &dataset).concat();
    all.sort_unstable();
    assert_eq!(all, (0..90).filter(|row| row % 9 != 4).collect::<Vec<_>>());
    assert_eq!(predictor.evaluate(&dataset).unwrap().rows, 80);
    assert_eq!(predictor.predict(&dataset).unwrap().rows(), 90);
    let error = predictor.evaluate_rows(&dataset, &[3, 4], &mut Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains("drawn, row 5") && error.contains("'gaps'") && error.contains("missing"),
        "{error}"
    );
}

#[test]
fn a_target_that_the_loss_cannot_use_is_named_with_its_place() {
    let place = Place::new();
    let text: String = (0..60).map(|i| format!("{i},{}\n", if i == 41 { -2 } else { i % 5 })).collect();
    let counts = place.data("counts.csv", &format!("x,n\n{text}"));
    for loss in [Loss::Poisson, Loss::BinaryCrossEntropy] {
        let options = EstimatorOptions { loss: Some(loss), task: Some(Task::Regression), ..quick("n") };
        let error = Estimator::new(options).prepare(&counts).unwrap_err();
        assert!(matches!(error, EstimatorError::Target { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains("counts.csv, line ") && error.contains("column 'n'"), "{error}");
    }
    let options = EstimatorOptions { loss: Some(Loss::Poisson), task: Some(Task::Regression), ..quick("n") };
    let error = Estimator::new(options.clone()).prepare(&counts).unwrap_err().to_string();
    assert!(error.contains("counts.csv, line 43, column 'n': the target is -2"), "{error}");
    // In data of a part's own, and in data that are measured.
    let good: String = (0..60).map(|i| format!("{i},{}\n", i % 5)).collect();
    let good = place.data("good.csv", &format!("x,n\n{good}"));
    let with_part = EstimatorOptions { test: Some(Part::Data(counts.clone())), ..options.clone() };
    let error = Estimator::new(with_part).prepare(&good).unwrap_err().to_string();
    assert!(error.contains("counts.csv, line 43, column 'n'"), "{error}");
    let predictor = Estimator::new(options).fit(&good, &mut unobserved).unwrap();
    let error = predictor.evaluate(&counts).unwrap_err().to_string();
    assert!(error.contains("counts.csv, line 43, column 'n'"), "{error}");
}
