//! The trainer: every sample once an epoch, the last partial batch rightly weighted, early stopping, interruption,
//! divergence, schedules and metrics, each against plain loops.

use std::ops::ControlFlow;

use crate::common::*;
use chainrule::optimizer::Sgd;
use chainrule::*;

fn go_on<T>(_: &TrainingEvent<'_, T>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Gradient descent at a constant rate.
fn descent(learning_rate: f64) -> Rule {
    Rule::Sgd(Sgd { learning_rate, ..Sgd::default() })
}

/// Two layers for 3 inputs and 2 classes.
fn classifier() -> Network {
    Network::builder(3).dense(5, Activation::Tanh).dense(2, Activation::Softmax).build().unwrap()
}

/// A problem with `rows` samples that have weights of their own.
fn weighted_case(rows: usize) -> Case {
    let mut case = Case::new(classifier(), Loss::cross_entropy(), rows, 21);
    let mut numbers = Numbers::new(22);
    case.data.weights = Some((0..rows).map(|_| 0.2 + numbers.unit()).collect());
    case
}

fn trainer(case: &Case, options: &TrainingOptions) -> Trainer<f64> {
    Trainer::new(&case.network, &case.loss, case.parameters.clone(), options.clone()).unwrap()
}

/// The epochs of a run to its end.
fn epochs(
    case: &Case,
    validation: Option<&Data<f64>>,
    options: &TrainingOptions,
) -> (Vec<Epoch>, Trainer<f64>) {
    let mut trainer = trainer(case, options);
    let mut reports = Vec::new();
    let validation = validation.map(Data::samples);
    let ending = trainer.fit(&Threads::new(2), case.data.samples(), validation, &mut |event| {
        if let TrainingEvent::Epoch { report, .. } = event {
            reports.push((*report).clone());
        }
        ControlFlow::Continue(())
    });
    ending.unwrap();
    (reports, trainer)
}

#[test]
fn an_epochs_loss_is_the_weighted_mean_over_all_samples() {
    // 23 samples in batches of 5: the last one has 3. At rate 0 each batch sees the initial parameters.
    let case = weighted_case(23);
    let expected = case.five_steps().loss;
    for batch_size in [1, 5, 22, 23, 1000] {
        let options =
            TrainingOptions { epochs: 2, batch_size, optimizer: descent(0.0), ..TrainingOptions::default() };
        for report in epochs(&case, None, &options).0 {
            let error = (report.training_loss - expected).abs();
            assert!(error < 1e-14, "batches of {batch_size}: {} and {expected}", report.training_loss);
        }
    }
}

#[test]
fn an_epoch_is_the_five_steps_on_each_batch_of_a_shuffle() {
    let mut case = weighted_case(23);
    let dropout = Network::builder(3).dense(5, Activation::Tanh).dropout(0.4).dense(2, Activation::Softmax);
    case.network = dropout.build().unwrap();
    case.parameters = Numbers::new(24).parameters(&case.network);
    let options = TrainingOptions {
        epochs: 3,
        batch_size: 5,
        optimizer: descent(0.3),
        seed: 7,
        ..TrainingOptions::default()
    };
    let (_, trained) = epochs(&case, None, &options);
    let mut parameters = case.parameters.clone();
    let mut orders = Vec::new();
    let mut step = 0;
    for epoch in 0..3 {
        let order = shuffled(23, 7, epoch);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..23), "every sample once");
        for rows in order.chunks(5) {
            let batch = case.data.select(rows);
            // No mask of the dropout comes twice.
            let mode = Mode::Training { seed: 7, step };
            let gradients =
                five_steps(&case.network, &parameters, &case.loss, batch.samples(), mode).gradients;
            step += 1;
            for tensor in case.network.tensors() {
                let step = gradients.tensor(tensor);
                change(&mut parameters, tensor, |w| {
                    w.iter_mut().zip(step.iter()).for_each(|(w, g)| *w -= 0.3 * g)
                });
            }
        }
        orders.push(order);
    }
    assert!(orders[0] != orders[1] && orders[1] != orders[2], "each epoch has an order of its own");
    for tensor in case.network.tensors() {
        let error =
            distance(&trained.parameters().tensor(tensor).to_vec(), &parameters.tensor(tensor).to_vec());
        assert!(error < 1e-13, "{}: {error:e}", tensor.name);
    }
}

/// Schedules of decay, dropout and smoothing, factors of tensors and the moving average, beside the five steps with what each
/// step has.
#[test]
fn what_changes_during_a_run_is_what_the_schedules_say() {
    let of_rates = |factor: f64| {
        let network = Network::builder(3).dropout(0.1 * factor).dense(5, Activation::Tanh);
        network.dropout(0.4 * factor).dense(2, Activation::Softmax).build().unwrap()
    };
    let smoothed = |label_smoothing: f64| Loss::CrossEntropy { label_smoothing, class_weights: None };
    let mut case = weighted_case(23);
    case.network = of_rates(1.0);
    case.parameters = Numbers::new(24).parameters(&case.network);
    case.loss = smoothed(0.2);
    let factors = optimizer::TensorFactors { rate: 0.5, decay: 3.0, epsilon: 2.0 };
    let rule = optimizer::AdamW { learning_rate: 0.05, weight_decay: 0.3, ..optimizer::AdamW::default() };
    let flat = Schedule::FlatCosine { flat_fraction: 0.25 };
    let options = TrainingOptions {
        epochs: 3,
        batch_size: 5,
        optimizer: Rule::AdamW(rule.clone()),
        schedule: Schedule::LogCosine { cycles: 3 },
        decay_schedule: flat,
        dropout_schedule: Schedule::Cosine { minimum: 0.0 },
        smoothing_schedule: flat,
        tensors: [("layers.1.weight".to_owned(), factors)].into(),
        average: Some(0.8),
        seed: 7,
        ..TrainingOptions::default()
    };
    let (reports, trained) = epochs(&case, None, &options);
    let mut parameters = case.parameters.clone();
    let mut average = None;
    let mut optimizer = Optimizer::new(Rule::AdamW(rule), &parameters).unwrap();
    let of_tensor = |tensor: &TensorLayout| match tensor.name.as_str() {
        "layers.1.weight" => factors,
        _ => optimizer::TensorFactors::default(),
    };
    optimizer.set_factors(&parameters, of_tensor).unwrap();
    let (mut step, total) = (0, 15);
    for epoch in 0..3 {
        for rows in shuffled(23, 7, epoch).chunks(5) {
            let value = |schedule: Schedule, base| schedule.rate(base, step, total, 0);
            optimizer.set_learning_rate(value(options.schedule, 0.05));
            optimizer.set_weight_decay(value(flat, 0.3));
            let network = of_rates(value(options.dropout_schedule, 1.0));
            let (loss, mode) = (smoothed(value(flat, 0.2)), Mode::Training { seed: 7, step });
            let batch = case.data.select(rows);
            let gradients = five_steps(&network, &parameters, &loss, batch.samples(), mode).gradients;
            update(&mut optimizer, &mut parameters, &gradients).unwrap();
            let average = average.get_or_insert_with(|| parameters.clone());
            for tensor in case.network.tensors() {
                let new = parameters.tensor(tensor).to_vec();
                change(average, tensor, |w| {
                    w.iter_mut().zip(new).for_each(|(w, new)| *w = 0.8 * *w + 0.2 * new)
                });
            }
            step += 1;
        }
    }
    assert_eq!((step, reports.len()), (total, 3));
    let average = average.unwrap();
    for tensor in case.network.tensors() {
        let found = trained.parameters().tensor(tensor).to_vec();
        let error = distance(&found, &average.tensor(tensor).to_vec());
        assert!(error < 1e-12, "{}: {error:e}", tensor.name);
        assert!(distance(&found, &parameters.tensor(tensor).to_vec()) > 1e-3, "{}", tensor.name);
    }
}

#[test]
fn of_equal_epochs_the_last_is_kept_and_patience_counts_from_the_first() {
    let case = weighted_case(20);
    let validation = case.data.select(&[1, 4, 8]);
    let options = TrainingOptions {
        epochs: 9,
        patience: Some(4),
        optimizer: descent(0.0),
        ..TrainingOptions::default()
    };
    let (reports, trained) = epochs(&case, Some(&validation), &options);
    assert!(reports.iter().all(|report| report.best));
    assert_eq!((reports.len(), trained.best_epoch()), (5, 5));
}

#[test]
fn steps_count_their_samples() {
    let case = weighted_case(23);
    let options = TrainingOptions { epochs: 2, batch_size: 5, ..TrainingOptions::default() };
    let mut seen = Vec::new();
    let ending = trainer(&case, &options).fit(&Threads::single(), case.data.samples(), None, &mut |event| {
        match event {
            TrainingEvent::Step { epoch, samples, loss } => {
                assert!(loss.is_finite());
                seen.push((*epoch, *samples));
            }
            TrainingEvent::Epoch { report, .. } => seen.push((report.epoch, 0)),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    assert_eq!(ending.unwrap(), Ending::Finished);
    let epoch = |number| [5, 10, 15, 20, 23, 0].map(|samples| (number, samples));
    assert_eq!(seen, [epoch(1), epoch(2)].concat());
}

#[test]
fn early_stopping_restores_the_best_weights() {
    // Random targets: soon the network learns them by heart, and the validation loss rises.
    let case = weighted_case(20);
    let validation = Case::new(classifier(), Loss::cross_entropy(), 9, 23).data;
    let options = TrainingOptions {
        epochs: 500,
        batch_size: 6,
        optimizer: descent(0.5),
        patience: Some(4),
        ..TrainingOptions::default()
    };
    let mut best: Option<(f64, usize, Parameters<f64>)> = None;
    let mut count = 0;
    let mut trainer = trainer(&case, &options);
    let samples = validation.samples();
    let ending = trainer.fit(&Threads::single(), case.data.samples(), Some(samples), &mut |event| {
        if let TrainingEvent::Epoch { report, run } = event {
            count = report.epoch;
            let loss = report.validation.as_ref().unwrap().loss;
            let improved = best.as_ref().is_none_or(|(lowest, ..)| loss < *lowest);
            assert_eq!(report.best, improved);
            if improved {
                // An epoch that is the best keeps its own parameters.
                best = Some((loss, report.epoch, run.parameters().clone()));
            }
        }
        ControlFlow::Continue(())
    });
    assert_eq!(ending.unwrap(), Ending::StoppedEarly);
    let (loss, epoch, parameters) = best.unwrap();
    assert_eq!((trainer.epochs(), trainer.best_epoch()), (epoch + 4, epoch));
    assert_eq!(count, epoch + 4);
    assert_same_parameters("the best", trainer.parameters(), &parameters);
    let again =
        evaluate(&Threads::single(), &case.network, trainer.parameters(), &case.loss, samples).unwrap();
    assert_eq!(again.loss, loss);
}

/// The parameters with those of the last layer multiplied.
fn with_factor(network: &Network, parameters: &Parameters<f64>, factor: f64) -> Parameters<f64> {
    let mut parameters = parameters.clone();
    for tensor in network.layer_tensors(network.depth()) {
        let numbers: Vec<f64> = parameters.tensor(tensor).iter().map(|w| w * factor).collect();
        parameters.set_tensor(tensor, &numbers).unwrap();
    }
    parameters
}

#[test]
fn epochs_are_compared_after_their_best_temperature() {
    let mut case = weighted_case(20);
    let class_weights = Some(vec![0.5, 2.0]);
    case.loss = Loss::CrossEntropy { label_smoothing: 0.0, class_weights: class_weights.clone() };
    // The last of ten samples, of weight 0, is as if it were not there.
    let mut validation = Case::new(classifier(), Loss::cross_entropy(), 10, 24).data;
    validation.weights = Some((0..10).map(|i| if i < 9 { 0.5 + f64::from(i) / 3.0 } else { 0.0 }).collect());
    // As though one more sample had been seen, of both classes alike.
    let smoothed = Loss::CrossEntropy { label_smoothing: 0.1, class_weights };
    let options =
        TrainingOptions { epochs: 40, batch_size: 6, optimizer: descent(0.5), ..TrainingOptions::default() };
    let mut of_epochs = Vec::new();
    let ending = trainer(&case, &options).fit(&Threads::single(), case.data.samples(), None, &mut |event| {
        if let TrainingEvent::Epoch { run, .. } = event {
            of_epochs.push(run.parameters().clone());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(ending.unwrap(), Ending::Finished);

    let options = TrainingOptions { temperature_scaling: true, ..options };
    let (reports, trainer) = epochs(&case, Some(&validation), &options);
    let mut best = (f64::INFINITY, 0, case.parameters.clone());
    for (parameters, report) in of_epochs.iter().zip(&reports) {
        let loss_with = |loss: &Loss, factor: f64| {
            let scaled = with_factor(&case.network, parameters, factor);
            evaluate(&Threads::single(), &case.network, &scaled, loss, validation.samples()).unwrap().loss
        };
        // The loss is convex in the factor: thirds of the interval.
        let (mut low, mut high) = (1.0f64 / 16.0, 16.0f64);
        for _ in 0..200 {
            let (first, second) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if loss_with(&smoothed, first) < loss_with(&smoothed, second) {
                high = second
            } else {
                low = first
            }
        }
        let (expected, found) = (loss_with(&case.loss, low), report.validation.as_ref().unwrap().loss);
        assert!((found - expected).abs() < 1e-6 * expected, "{}: {found}, {expected}", report.epoch);
        if found <= best.0 {
            best = (found, report.epoch, with_factor(&case.network, parameters, low));
        }
    }
    let (loss, epoch, expected) = best;
    assert_eq!((trainer.best_epoch(), trainer.best_loss()), (epoch, Some(loss)));
    assert!(epoch > 1 && epoch < 40, "epoch {epoch}");
    assert_same_shape_and_close(&expected, trainer.parameters(), 1e-5);
}

fn assert_same_shape_and_close(expected: &Parameters<f64>, found: &Parameters<f64>, tolerance: f64) {
    for tensor in expected.tensors() {
        let pairs = expected.tensor(tensor).to_vec().into_iter().zip(found.tensor(tensor).to_vec());
        for (expected, found) in pairs {
            assert!((expected - found).abs() < tolerance * expected.abs().max(0.1), "{}", tensor.name);
        }
    }
}

#[test]
fn a_temperature_is_for_cross_entropy_of_logits() {
    let options = TrainingOptions { temperature_scaling: true, ..TrainingOptions::default() };
    let refused = |network: NetworkBuilder, loss: Loss| {
        let network = network.build().unwrap();
        let parameters = network.initialize::<f64>(1);
        Trainer::new(&network, &loss, parameters, options.clone()).err().map(|error| error.to_string())
    };
    let dense = |activation| Network::builder(3).dense(2, activation);
    assert_eq!(refused(dense(Activation::Softmax), Loss::cross_entropy()), None);
    assert_eq!(refused(dense(Activation::Identity), Loss::cross_entropy()), None);
    for (network, loss) in [
        (dense(Activation::Identity), Loss::MeanSquaredError),
        (dense(Activation::Sigmoid), Loss::BinaryCrossEntropy),
        (dense(Activation::Sigmoid), Loss::cross_entropy()),
    ] {
        let message = refused(network, loss).unwrap();
        assert!(message.starts_with("temperature_scaling = true: needs cross-entropy"), "{message}");
    }
}

#[test]
fn without_validation_the_last_epoch_counts() {
    let case = weighted_case(20);
    let options =
        TrainingOptions { epochs: 6, batch_size: 7, patience: Some(1), ..TrainingOptions::default() };
    let (reports, trainer) = epochs(&case, None, &options);
    assert_eq!(reports.len(), 6, "patience has nothing to wait for");
    assert!(reports.iter().all(|report| report.best && report.validation.is_none()));
    assert_eq!(trainer.best_epoch(), 6);
}

#[test]
fn an_interrupted_run_has_the_best_parameters_so_far() {
    let case = weighted_case(20);
    let data = Case::new(classifier(), Loss::cross_entropy(), 9, 23).data;
    let options = TrainingOptions { epochs: 50, batch_size: 7, ..TrainingOptions::default() };
    // In the middle of epoch 3, the best is one of the completed epochs; in the middle of the first, what there is.
    for (last_epoch, completed) in [(3, 2), (1, 0)] {
        let mut trainer = trainer(&case, &options);
        let mut best = case.parameters.clone();
        let mut stops = 0;
        let validation = Some(data.samples());
        let ending =
            trainer.fit(&Threads::single(), case.data.samples(), validation, &mut |event| match event {
                TrainingEvent::Step { epoch, samples: 14, .. } if *epoch == last_epoch => {
                    stops += 1;
                    ControlFlow::Break(())
                }
                TrainingEvent::Epoch { report, run } if report.best => {
                    best = run.parameters().clone();
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Continue(()),
            });
        assert_eq!((ending.unwrap(), stops, trainer.epochs()), (Ending::Interrupted, 1, completed));
        if completed > 0 {
            assert_same_parameters("the best", trainer.parameters(), &best);
        } else {
            let start =
                evaluate(&Threads::single(), &case.network, &best, &case.loss, case.data.samples()).unwrap();
            let network = &case.network;
            let end =
                evaluate(&Threads::single(), network, trainer.parameters(), &case.loss, case.data.samples());
            assert!(end.unwrap().loss < start.loss, "two steps are better than none");
        }
    }
}

#[test]
fn a_run_that_diverges_keeps_its_last_good_parameters() {
    let network =
        Network::builder(3).dense(8, Activation::Relu).dense(1, Activation::Identity).build().unwrap();
    let case = Case::new(network, Loss::HalfSquaredError, 20, 31);
    let options = TrainingOptions {
        epochs: 100,
        batch_size: 6,
        optimizer: descent(50.0),
        warmup_epochs: 40.0,
        ..TrainingOptions::default()
    };
    let mut trainer = trainer(&case, &options);
    let mut last = None;
    let result = trainer.fit(&Threads::single(), case.data.samples(), None, &mut |event| {
        if let TrainingEvent::Epoch { report, run } = event {
            last = Some((report.epoch, run.parameters().clone()));
        }
        ControlFlow::Continue(())
    });
    let (epoch, parameters) = last.expect("the first epochs, at a low rate, are good");
    let Err(Error::NonFinite { step, epoch: Some(in_epoch), .. }) = result else { panic!("{result:?}") };
    assert_eq!(in_epoch, epoch + 1);
    assert_eq!((step - 1) / 4, epoch as u64, "four steps an epoch, counted from 1");
    assert_eq!(trainer.best_epoch(), epoch);
    assert_same_parameters("the last good", trainer.parameters(), &parameters);
}

#[test]
fn the_learning_rate_follows_its_schedule() {
    // 20 samples in batches of 6 are 4 steps an epoch; a report has the rate of the epoch's last step.
    let case = weighted_case(20);
    let rate = |schedule, warmup_epochs, epoch: usize| {
        let options = TrainingOptions {
            epochs: 6,
            batch_size: 6,
            schedule,
            warmup_epochs,
            optimizer: descent(0.1),
            ..TrainingOptions::default()
        };
        epochs(&case, None, &options).0[epoch - 1].learning_rate
    };
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-15, "{found} and {expected}");
    near(rate(Schedule::Constant, 0.0, 6), 0.1);
    near(rate(Schedule::Step { every: 2, factor: 0.5 }, 0.0, 2), 0.1);
    near(rate(Schedule::Step { every: 2, factor: 0.5 }, 0.0, 3), 0.05);
    near(rate(Schedule::Step { every: 2, factor: 0.5 }, 0.0, 6), 0.025);
    // Step 7 of 24, counted from 0.
    near(
        rate(Schedule::Cosine { minimum: 0.02 }, 0.0, 2),
        0.02 + 0.04 * (1.0 + (std::f64::consts::PI * 7.0 / 24.0).cos()),
    );
    // Twelve steps of warm-up: the 4th has 4 / 13 of the rate, the 12th 12 / 13, the 13th all of it.
    near(rate(Schedule::Constant, 3.0, 1), 0.1 * 4.0 / 13.0);
    near(rate(Schedule::Constant, 3.0, 3), 0.1 * 12.0 / 13.0);
    near(rate(Schedule::Constant, 3.0, 4), 0.1);
}

#[test]
fn a_plateau_lowers_the_rate_by_the_validation_loss() {
    let case = weighted_case(20);
    let validation = Case::new(classifier(), Loss::cross_entropy(), 9, 23).data;
    let schedule = Schedule::ReduceOnPlateau { factor: 0.5, patience: 1, threshold: 0.01 };
    let options = TrainingOptions {
        epochs: 40,
        batch_size: 6,
        schedule,
        optimizer: descent(0.5),
        ..TrainingOptions::default()
    };
    let (reports, _) = epochs(&case, Some(&validation), &options);
    let (mut expected, mut best, mut waited) = (0.5, f64::INFINITY, 0);
    for report in &reports {
        assert_eq!(report.learning_rate, expected, "epoch {}", report.epoch);
        let loss = report.validation.as_ref().unwrap().loss;
        if loss < best * 0.99 {
            (best, waited) = (loss, 0);
        } else {
            waited += 1;
            if waited > 1 {
                (expected, waited) = (expected * 0.5, 0);
            }
        }
    }
    assert!(expected < 0.1, "the rate fell more than twice: {expected}");
}

#[test]
fn a_bound_on_the_norm_is_shared_among_the_gradients() {
    let case = weighted_case(6);
    let count = case.parameters.count() as f64;
    // The smallest bound of each gradient, at rate 1, that moves a parameter of usual size.
    let least = f64::EPSILON / 2.0 * case.parameters.norm() / count.sqrt();
    let refusal = |clipping| {
        let options = TrainingOptions {
            optimizer: descent(1.0),
            clipping: Some(clipping),
            ..TrainingOptions::default()
        };
        let trainer = Trainer::new(&case.network, &case.loss, case.parameters.clone(), options);
        trainer.err().map(|error| error.to_string())
    };
    assert_eq!(refusal(Clipping::Value(1.1 * least)), None);
    assert_eq!(refusal(Clipping::GlobalNorm(1.1 * least * count.sqrt())), None);
    let (value, norm) = (0.9 * least, 0.9 * least * count.sqrt());
    for (clipping, name) in [
        (Clipping::Value(value), format!("clip_value = {value}")),
        (Clipping::GlobalNorm(norm), format!("clip_norm = {norm}")),
    ] {
        let message = refusal(clipping).unwrap();
        assert!(message.contains(&name) && message.contains("lets no weight change"), "{message}");
    }
}

#[test]
fn options_and_data_out_of_range_are_refused() {
    let case = weighted_case(20);
    let good = TrainingOptions::default;
    let cases = [
        ("epochs", TrainingOptions { epochs: 0, ..good() }),
        ("batch_size", TrainingOptions { batch_size: 0, ..good() }),
        ("patience", TrainingOptions { patience: Some(0), ..good() }),
        ("warmup_epochs", TrainingOptions { warmup_epochs: -1.0, ..good() }),
        ("warmup_epochs", TrainingOptions { warmup_epochs: f64::NAN, ..good() }),
        ("learning_rate", TrainingOptions { optimizer: descent(f64::NAN), ..good() }),
        ("learning_rate", TrainingOptions { optimizer: descent(-0.1), ..good() }),
        ("clip", TrainingOptions { clipping: Some(Clipping::Value(0.0)), ..good() }),
        ("clip", TrainingOptions { clipping: Some(Clipping::GlobalNorm(f64::NAN)), ..good() }),
        ("every", TrainingOptions { schedule: Schedule::Step { every: 0, factor: 0.1 }, ..good() }),
        ("cycles", TrainingOptions { schedule: Schedule::LogCosine { cycles: 0 }, ..good() }),
        (
            "flat_fraction",
            TrainingOptions { decay_schedule: Schedule::FlatCosine { flat_fraction: 1.0 }, ..good() },
        ),
        (
            "dropout_schedule",
            TrainingOptions {
                dropout_schedule: Schedule::ReduceOnPlateau { factor: 0.5, patience: 1, threshold: 0.0 },
                ..good()
            },
        ),
        ("average", TrainingOptions { average: Some(1.0), ..good() }),
        (
            "layers.7.weight",
            TrainingOptions {
                tensors: [("layers.7.weight".to_owned(), Default::default())].into(),
                ..good()
            },
        ),
    ];
    for (name, options) in cases {
        let result = Trainer::new(&case.network, &case.loss, case.parameters.clone(), options);
        let message = result.err().expect(name).to_string();
        assert!(message.contains(name), "{name}: {message}");
    }
    let mut wrong = case.parameters.clone();
    change_weight(&mut wrong, 1, |w| w[2] = f64::NAN);
    let message = Trainer::new(&case.network, &case.loss, wrong, good()).err().unwrap().to_string();
    assert!(message.contains("layers.0.weight"), "{message}");

    let fit = |data: &Data<f64>| {
        let result = trainer(&case, &good()).fit(&Threads::single(), data.samples(), None, &mut go_on);
        result.unwrap_err().to_string()
    };
    let mut data = case.data.clone();
    data.inputs[(4, 2)] = f64::INFINITY;
    let message = fit(&data);
    assert!(message.contains("row 4, column 2") && message.contains("inf"), "{message}");
    let mut data = case.data.clone();
    data.weights.as_mut().unwrap()[3] = -1.0;
    assert!(fit(&data).contains("row 3"));
    let mut data = case.data.clone();
    data.targets = OwnedTargets::Classes([vec![0; 19], vec![2]].concat());
    assert!(fit(&data).contains("row 19"));
    assert!(!fit(&case.data.select(&[])).is_empty(), "no samples");
    let narrow = Numbers::new(1).matrix(20, 2, 1.0);
    assert!(fit(&Data { inputs: narrow, ..case.data.clone() }).contains("3"));
}

/// Metrics by definition, class by class and pair by pair.
fn metrics_by_loops(scores: &Matrix<f64>, classes: &[u32]) -> [f64; 4] {
    let count = scores.columns();
    let largest = |row: &[f64]| (0..row.len()).rev().max_by(|&i, &j| row[i].total_cmp(&row[j])).unwrap();
    let predicted: Vec<usize> = (0..classes.len()).map(|i| largest(scores.row(i))).collect();
    let pairs = || classes.iter().map(|&class| class as usize).zip(predicted.iter().copied());
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let accuracy = share(pairs().filter(|(actual, guess)| actual == guess).count(), classes.len());
    let recall = |k| share(pairs().filter(|&p| p == (k, k)).count(), pairs().filter(|p| p.0 == k).count());
    let precision = |k| share(pairs().filter(|&p| p == (k, k)).count(), pairs().filter(|p| p.1 == k).count());
    let f1 = |k| 2.0 * precision(k) * recall(k) / (precision(k) + recall(k));
    let area = |k: usize| {
        let (mut won, mut all) = (0.0, 0.0);
        for (i, &positive) in classes.iter().enumerate() {
            for (j, &negative) in classes.iter().enumerate() {
                if positive as usize == k && negative as usize != k {
                    let difference = scores[(i, k)] - scores[(j, k)];
                    won += if difference > 0.0 {
                        1.0
                    } else if difference == 0.0 {
                        0.5
                    } else {
                        0.0
                    };
                    all += 1.0;
                }
            }
        }
        won / all
    };
    let of_all = |measure: &dyn Fn(usize) -> f64| {
        if count == 2 { measure(1) } else { mean((0..count).map(measure).collect()) }
    };
    [accuracy, mean((0..count).map(recall).collect()), of_all(&f1), of_all(&area)]
}

#[test]
fn metrics_of_classes_equal_their_definitions() {
    for (count, rows) in [(2, 90), (3, 120), (5, 301)] {
        let mut numbers = Numbers::new(count as u64);
        let mut inputs = Matrix::zeros(rows, count);
        // Tenths, so that there are ties between samples.
        (0..rows).for_each(|i| inputs.row_mut(i).fill_with(|| numbers.below(30) as f64 / 10.0));
        let classes: Vec<u32> = (0..rows).map(|_| numbers.below(count) as u32).collect();
        let (network, parameters) = passing_on(count, Activation::Softmax);
        let samples = Samples {
            inputs: inputs.view().into(),
            targets: Targets::Classes(&classes),
            sample_weights: None,
        };
        let found =
            evaluate(&Threads::new(2), &network, &parameters, &Loss::cross_entropy(), samples).unwrap();
        let outputs = infer(&Threads::single(), &network, &parameters, inputs.view()).unwrap();
        let expected = metrics_by_loops(&outputs, &classes);
        let Metrics::Classification { accuracy, balanced_accuracy, f1, auc, .. } = found.metrics else {
            panic!()
        };
        for (found, expected) in [accuracy, balanced_accuracy, f1, auc.unwrap()].into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{count} classes: {found} and {expected}");
        }
        let losses = (0..rows).map(|i| -outputs[(i, classes[i] as usize)].ln());
        let mean = losses.sum::<f64>() / rows as f64;
        assert!((found.loss - mean).abs() < 1e-12, "{} and {mean}", found.loss);
    }
}

#[test]
fn metrics_of_numbers_equal_their_definitions() {
    let mut numbers = Numbers::new(8);
    let (inputs, targets) = (numbers.matrix(301, 3, 2.0), numbers.matrix(301, 3, 2.0));
    let (network, parameters) = passing_on(3, Activation::Identity);
    let samples = Samples {
        inputs: inputs.view().into(),
        targets: Targets::Values(targets.view()),
        sample_weights: None,
    };
    let found = evaluate(&Threads::new(2), &network, &parameters, &Loss::MeanSquaredError, samples).unwrap();
    let Metrics::Regression { rmse, mae, r2 } = found.metrics else { panic!() };
    let count = 301.0;
    type Pairs = [(f64, f64)];
    let mean_of_columns = |measure: &dyn Fn(&Pairs) -> f64| {
        let column = |k: usize| (0..301).map(|i| (inputs[(i, k)], targets[(i, k)])).collect::<Vec<_>>();
        (0..3).map(|k| measure(&column(k))).sum::<f64>() / 3.0
    };
    let squares = |pairs: &Pairs| pairs.iter().map(|(a, y)| (a - y) * (a - y)).sum::<f64>();
    let deviations = |pairs: &Pairs| {
        let mean = pairs.iter().map(|(_, y)| y).sum::<f64>() / count;
        pairs.iter().map(|(_, y)| (y - mean) * (y - mean)).sum::<f64>()
    };
    let absolutes = |pairs: &Pairs| pairs.iter().map(|(a, y)| (a - y).abs()).sum::<f64>();
    let expected = [
        (rmse, mean_of_columns(&|pairs| (squares(pairs) / count).sqrt())),
        (mae, mean_of_columns(&|pairs| absolutes(pairs) / count)),
        (r2.unwrap(), mean_of_columns(&|pairs| 1.0 - squares(pairs) / deviations(pairs))),
        (found.loss, mean_of_columns(&|pairs| squares(pairs) / count)),
    ];
    for (found, expected) in expected {
        assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
    }
}
