//! A run that is written down, read and continued equals an uninterrupted one, bit for bit.

use std::ops::ControlFlow;
use std::path::Path;

use crate::common::*;
use chainrule::optimizer::{Adagrad, Adam, AdamW, AmsGrad, Lamb, Lion, NAdam, RmsProp, Sgd, TensorFactors};
use chainrule::*;
use tempfile::TempDir;

/// What a run was, epoch by epoch, and where it ended.
struct Record<T> {
    epochs: Vec<Epoch>,
    ending: Ending,
    best_epoch: usize,
    parameters: Parameters<T>,
}

/// A small problem with dropout, whose last batch is a partial one.
struct Problem<T: Scalar> {
    network: Network,
    loss: Loss,
    training: Data<T>,
    validation: Data<T>,
}

impl<T: Scalar> Problem<T> {
    fn new() -> Self {
        let network = Network::builder(4)
            .dense(9, Activation::Silu)
            .dropout(0.2)
            .dense(6, Activation::Tanh)
            .dense(3, Activation::Softmax)
            .build()
            .unwrap();
        let loss = Loss::cross_entropy();
        let mut numbers = Numbers::new(11);
        let mut data = |rows: usize| {
            let data = numbers.data(&network, &loss, rows);
            Data { weights: Some((0..rows).map(|_| 0.5 + numbers.unit()).collect()), ..data }.cast()
        };
        let (training, validation) = (data(29), data(8));
        Problem { network, loss, training, validation }
    }

    fn trainer(&self, options: &TrainingOptions) -> Trainer<T> {
        Trainer::new(&self.network, &self.loss, self.network.initialize(2), options.clone()).unwrap()
    }

    /// Trains on. After epoch `save_after` the run is written to `path` and, if `stop` says so, broken off.
    fn fit(&self, trainer: &mut Trainer<T>, threads: usize, save: Option<(usize, &Path, bool)>) -> Record<T> {
        let mut epochs = Vec::new();
        let (training, validation) = (self.training.samples(), Some(self.validation.samples()));
        let result = trainer.fit(&Threads::new(threads), training, validation, &mut |event| {
            let TrainingEvent::Epoch { report, run } = event else { return ControlFlow::Continue(()) };
            epochs.push((*report).clone());
            match save {
                Some((epoch, path, stop)) if epoch == report.epoch => {
                    run.save(path).unwrap();
                    if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                }
                _ => ControlFlow::Continue(()),
            }
        });
        let (ending, best_epoch) = (result.unwrap(), trainer.best_epoch());
        Record { epochs, ending, best_epoch, parameters: trainer.parameters().clone() }
    }
}

fn assert_resumed_equals_whole<T: Scalar>(what: &str, options: &TrainingOptions) {
    let problem = Problem::<T>::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    let whole = problem.fit(&mut problem.trainer(options), 1, None);
    for (after, stop, threads) in [(1, true, 1), (3, false, 2), (4, true, 3)] {
        problem.fit(&mut problem.trainer(options), 1, Some((after, &path, stop)));
        let mut resumed = Trainer::<T>::resume(&path, None).unwrap();
        assert_eq!((resumed.epochs(), resumed.options()), (after, options), "{what}");
        let rest = problem.fit(&mut resumed, threads, None);
        let what = format!("{what}, resumed after epoch {after}");
        assert_eq!(rest.epochs, whole.epochs[after..], "{what}");
        assert_eq!((rest.ending, rest.best_epoch), (whole.ending, whole.best_epoch), "{what}");
        assert_same_parameters(&what, &rest.parameters, &whole.parameters);
    }
    assert!(whole.epochs.len() > 4, "{what}: stopped too early to be resumed");
}

#[test]
fn with_every_optimizer() {
    let rules = [
        Rule::Sgd(Sgd {
            momentum: 0.9,
            nesterov: true,
            weight_decay: 0.01,
            learning_rate: 0.05,
            ..Sgd::default()
        }),
        Rule::Adam(Adam::default()),
        Rule::AdamW(AdamW { learning_rate: 0.02, ..AdamW::default() }),
        Rule::RmsProp(RmsProp { momentum: 0.5, centered: true, learning_rate: 0.002, ..RmsProp::default() }),
        Rule::Adagrad(Adagrad { learning_rate_decay: 0.1, ..Adagrad::default() }),
        Rule::AmsGrad(AmsGrad { learning_rate: 0.02, ..AmsGrad::default() }),
        // What is multiplied from step to step lies in no buffer of the file.
        Rule::NAdam(NAdam { learning_rate: 0.02, momentum_decay: 0.5, ..NAdam::default() }),
        Rule::Lion(Lion { learning_rate: 0.01, weight_decay: 0.1, ..Lion::default() }),
        Rule::Lamb(Lamb { learning_rate: 0.02, ..Lamb::default() }),
    ];
    assert_eq!(
        rules.each_ref().map(Rule::name).as_slice(),
        Rule::all().iter().map(Rule::name).collect::<Vec<_>>()
    );
    for optimizer in rules {
        let what = optimizer.name();
        let vectors = TensorFactors { rate: 0.5, decay: 0.0, epsilon: 10.0 };
        let options = TrainingOptions {
            epochs: 7,
            batch_size: 8,
            optimizer,
            vectors,
            seed: 4,
            ..TrainingOptions::default()
        };
        assert_resumed_equals_whole::<f32>(what, &options);
        assert_resumed_equals_whole::<f64>(what, &options);
    }
}

#[test]
fn with_every_schedule() {
    let mut schedules = Schedule::ALL.to_vec();
    schedules.push(Schedule::Step { every: 2, factor: 0.5 });
    schedules.push(Schedule::ReduceOnPlateau { factor: 0.5, patience: 0, threshold: 0.1 });
    for schedule in schedules {
        for warmup_epochs in [0.0, 1.5, 5.0] {
            let options = TrainingOptions {
                epochs: 7,
                batch_size: 8,
                schedule,
                warmup_epochs,
                clipping: Some(Clipping::GlobalNorm(0.3)),
                optimizer: Rule::Adam(Adam { learning_rate: 0.03, ..Adam::default() }),
                ..TrainingOptions::default()
            };
            assert_resumed_equals_whole::<f32>(
                &format!("{}, warm-up {warmup_epochs}", schedule.name()),
                &options,
            );
        }
    }
}

#[test]
fn with_an_average_and_all_that_changes() {
    let flat = Schedule::FlatCosine { flat_fraction: 0.5 };
    let options = TrainingOptions {
        epochs: 7,
        batch_size: 8,
        optimizer: Rule::AdamW(AdamW { learning_rate: 0.02, weight_decay: 0.1, ..AdamW::default() }),
        schedule: Schedule::LogCosine { cycles: 4 },
        decay_schedule: flat,
        dropout_schedule: flat,
        smoothing_schedule: flat,
        tensors: [("layers.0.weight".to_owned(), TensorFactors { rate: 0.5, ..TensorFactors::default() })]
            .into(),
        average: Some(0.7),
        temperature_scaling: true,
        seed: 3,
        ..TrainingOptions::default()
    };
    assert_resumed_equals_whole::<f32>("average", &options);
    assert_resumed_equals_whole::<f64>("average", &options);
}

#[test]
fn with_early_stopping() {
    let options = TrainingOptions {
        epochs: 60,
        batch_size: 8,
        patience: Some(3),
        optimizer: Rule::Adam(Adam { learning_rate: 0.05, ..Adam::default() }),
        ..TrainingOptions::default()
    };
    let problem = Problem::<f32>::new();
    let whole = problem.fit(&mut problem.trainer(&options), 1, None);
    assert_eq!(whole.ending, Ending::StoppedEarly);
    assert_resumed_equals_whole::<f32>("patience", &options);
}

#[test]
fn a_finished_run_goes_on_for_more_epochs() {
    let problem = Problem::<f32>::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    let options = |epochs| TrainingOptions { epochs, batch_size: 8, ..TrainingOptions::default() };
    let mut short = problem.trainer(&options(3));
    problem.fit(&mut short, 1, None);
    short.save(&path).unwrap();
    let rest = problem.fit(&mut Trainer::resume(&path, Some(6)).unwrap(), 1, None);
    let whole = problem.fit(&mut problem.trainer(&options(6)), 1, None);
    assert_eq!(rest.epochs, whole.epochs[3..]);
    assert_same_parameters("6 epochs", &rest.parameters, &whole.parameters);
}

#[test]
fn files_that_are_no_run_are_refused() {
    let problem = Problem::<f32>::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    let options = TrainingOptions { epochs: 2, batch_size: 8, ..TrainingOptions::default() };
    let mut trainer = problem.trainer(&options);
    problem.fit(&mut trainer, 1, None);
    trainer.save(&path).unwrap();
    assert!(Trainer::<f32>::resume(&path, None).is_ok());
    let message = Trainer::<f64>::resume(&path, None).err().unwrap().to_string();
    assert!(message.contains("F32") && message.contains("F64"), "{message}");

    let whole = std::fs::read(&path).unwrap();
    let refused = |what: &str, bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let message = Trainer::<f32>::resume(&path, None).err().expect(what).to_string();
        assert!(message.contains("run"), "{what}: {message}");
    };
    for length in (0..whole.len()).step_by(7) {
        refused(&format!("{length} bytes"), &whole[..length]);
    }
    let end = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(whole[8..end].to_vec()).unwrap();
    for (from, to) in [
        (r#"\"steps\""#, r#"\"stops\""#),
        (r#"\"batch_size\":8"#, r#"\"batch_size\":0"#),
        (r#"\"width\":9"#, r#"\"width\":8"#),
        ("optimizer.1.layers.0.bias", "optimizer.7.layers.0.bias"),
        ("chainrule_training", "chainrule_trainings"),
        // What no run comes to.
        (r#"\"kept_epoch\":"#, r#"\"kept_epoch\":9"#),
        (r#"\"kept_loss\":"#, r#"\"kept_loss\":-"#),
        (r#"\"scale\":1.0"#, r#"\"scale\":0.5"#),
    ] {
        assert!(header.contains(from), "{from}");
        let header = header.replace(from, to);
        refused(from, &[&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &whole[end..]].concat());
    }
    let (network, loss) = (problem.network.clone(), problem.loss.clone());
    let parameters = network.initialize::<f32>(0);
    Model { network, loss, parameters, preprocessing: None, training: None }.save(&path).unwrap();
    let message = Trainer::<f32>::resume(&path, None).err().unwrap().to_string();
    assert!(message.contains("checkpoint"), "{message}");
}

#[test]
fn a_run_is_not_written_down_within_an_epoch() {
    let problem = Problem::<f32>::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    let mut trainer = problem.trainer(&TrainingOptions { batch_size: 8, ..TrainingOptions::default() });
    let training = problem.training.samples();
    let ending = trainer.fit(&Threads::single(), training, None, &mut |event| match event {
        TrainingEvent::Step { epoch: 2, samples: 16, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(ending.unwrap(), Ending::Interrupted);
    assert!(trainer.save(&path).unwrap_err().to_string().contains("between epochs"));
    assert!(!path.exists());
}

/// The file is of a version whose checkpoints had no place for a record.
#[test]
fn a_checkpoint_without_a_record_goes_on() {
    let network =
        Network::builder(2).dense(3, Activation::Tanh).dense(1, Activation::Sigmoid).build().unwrap();
    let loss = Loss::BinaryCrossEntropy;
    let mut numbers = Numbers::new(17);
    let mut data = |rows: usize| {
        let data = numbers.data(&network, &loss, rows);
        Data { targets: numbers.classes(rows, 2), ..data }.cast::<f32>()
    };
    let (training, validation) = (data(11), data(6));
    let fit = |trainer: &mut Trainer<f32>| {
        let (training, validation) = (training.samples(), Some(validation.samples()));
        trainer.fit(&Threads::single(), training, validation, &mut |_| ControlFlow::Continue(())).unwrap();
    };
    let options = TrainingOptions {
        epochs: 5,
        batch_size: 4,
        optimizer: Rule::Sgd(Sgd { momentum: 0.9, learning_rate: 0.05, ..Sgd::default() }),
        ..TrainingOptions::default()
    };
    let mut whole = Trainer::new(&network, &loss, network.initialize::<f32>(2), options.clone()).unwrap();
    fit(&mut whole);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/checkpoint-without-record.safetensors");
    let mut resumed = Trainer::<f32>::resume(&path, Some(5)).unwrap();
    assert_eq!((resumed.epochs(), resumed.record(), resumed.positive_class()), (2, None, 1));
    assert_eq!(resumed.options(), &options);
    fit(&mut resumed);
    assert_same_parameters("5 epochs", resumed.parameters(), whole.parameters());
}

#[test]
fn a_record_and_the_positive_class_come_back() {
    let problem = Problem::<f32>::new();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    let options = TrainingOptions { epochs: 2, batch_size: 8, ..TrainingOptions::default() };
    let mut trainer = problem.trainer(&options);
    trainer.save(&path).unwrap();
    let plain = std::fs::read(&path).unwrap();
    let plain = String::from_utf8_lossy(&plain);
    assert!(!plain.contains("record") && !plain.contains("positive_class"), "only what was set is written");

    let record = serde_json::json!({ "rows": 29, "columns": ["\u{e5}", "b \"c\""], "seen": null });
    trainer.set_record(Some(record.clone()));
    trainer.set_positive_class(0).unwrap();
    assert!(trainer.set_positive_class(2).unwrap_err().to_string().contains("positive_class = 2"));
    problem.fit(&mut trainer, 1, Some((1, &path, true)));
    let mut resumed = Trainer::<f32>::resume(&path, None).unwrap();
    assert_eq!((resumed.record(), resumed.positive_class()), (Some(&record), 0));
    // And again from there.
    problem.fit(&mut resumed, 1, None);
    resumed.save(&path).unwrap();
    let mut again = Trainer::<f32>::resume(&path, None).unwrap();
    assert_eq!((again.epochs(), again.record(), again.positive_class()), (2, Some(&record), 0));
    again.set_record(None);
    again.save(&path).unwrap();
    assert_eq!(Trainer::<f32>::resume(&path, None).unwrap().record(), None);
}
