//! Runs: the same bytes again, with other threads, and after a checkpoint; what is left of one that diverges.

use std::ops::ControlFlow;

use chainrule::{Rule, Schedule};
use chainrule_estimator::{
    Ending, Estimator, EstimatorError, EstimatorOptions, Event, MemoryOptions, OptionError, Part, Predictor,
    Preset, SplitPart, unobserved,
};

use crate::place::{Place, small, small_table};

#[test]
fn a_fit_again_on_other_threads_or_within_a_limit_is_the_same_file() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(120));
    let least = {
        let bytes = Some(1);
        let options = EstimatorOptions { memory: MemoryOptions { bytes, ..Default::default() }, ..small() };
        match Estimator::new(options).prepare(&dataset).unwrap_err() {
            EstimatorError::Engine(chainrule::Error::Memory { minimum, .. }) => minimum,
            other => panic!("{other}"),
        }
    };
    let limited = MemoryOptions { bytes: Some(least + 200), ..MemoryOptions::default() };
    for (name, threads, memory) in [
        ("first", Some(1), MemoryOptions::default()),
        ("again", Some(1), MemoryOptions::default()),
        ("threads", Some(3), MemoryOptions::default()),
        ("limited", Some(1), limited),
    ] {
        let options = EstimatorOptions { threads, memory, dropout: Some(0.1), ..small() };
        let preparation = Estimator::new(options).prepare(&dataset).unwrap();
        assert!(memory.bytes.is_none_or(|bytes| preparation.plan().bytes() <= bytes));
        preparation.fit(&mut unobserved).unwrap().predictor.save(&place.path(name)).unwrap();
        assert!(place.bytes(name) == place.bytes("first"), "{name}");
    }
    // A preparation is not used up.
    let preparation =
        Estimator::new(EstimatorOptions { dropout: Some(0.1), ..small() }).prepare(&dataset).unwrap();
    drop(dataset);
    for name in ["second", "third"] {
        preparation.fit(&mut unobserved).unwrap().predictor.save(&place.path(name)).unwrap();
        assert!(place.bytes(name) == place.bytes("first"), "{name}");
    }
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(90));
    let options = EstimatorOptions { schedule: Some(Schedule::Constant), epochs: Some(6), ..small() };
    Estimator::new(options.clone())
        .fit(&dataset, &mut unobserved)
        .unwrap()
        .save(&place.path("whole"))
        .unwrap();

    let checkpoint = Some(place.path("run"));
    let interrupted = EstimatorOptions { checkpoint: checkpoint.clone(), ..options.clone() };
    let fitted = Estimator::new(interrupted)
        .prepare(&dataset)
        .unwrap()
        .fit(&mut |event| match event {
            Event::Epoch { report, .. } if report.epoch == 2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
    assert_eq!((fitted.epochs, fitted.ending), (2, Ending::Interrupted));
    // Of classes the validation is known without another pass.
    assert!(fitted.validation.is_some() && fitted.test.is_none() && fitted.not_measured.is_empty());

    let resumed = EstimatorOptions { resume: checkpoint, ..options };
    let preparation = Estimator::new(resumed.clone()).prepare(&dataset).unwrap();
    let run = preparation.start().unwrap();
    assert_eq!(run.epochs(), 2);
    run.fit(&mut unobserved).unwrap().predictor.save(&place.path("resumed")).unwrap();
    assert!(place.bytes("resumed") == place.bytes("whole"));

    for (other, differs) in [
        (EstimatorOptions { learning_rate: Some(0.5), ..resumed.clone() }, "training options"),
        (EstimatorOptions { layers: Some(vec![6]), ..resumed.clone() }, "network"),
        (EstimatorOptions { label_smoothing: Some(0.1), ..resumed.clone() }, "loss"),
    ] {
        let error = Estimator::new(other).fit(&dataset, &mut unobserved).unwrap_err();
        let EstimatorError::Option(OptionError::OtherRun { what, .. }) = error else { panic!("{error}") };
        assert_eq!(what, differs);
    }
    let other = small_table(90).replacen("red", "blue", 1);
    let other = place.data("table.csv", &other);
    for (options, dataset, differs) in [
        (EstimatorOptions { seed: 1, ..resumed.clone() }, &dataset, "how the rows are split"),
        (EstimatorOptions { weight: Some("size".to_owned()), ..resumed.clone() }, &dataset, "sample weights"),
        (
            EstimatorOptions { targets: vec!["color".to_owned()], ..resumed.clone() },
            &dataset,
            "the target: 'color'",
        ),
        (resumed.clone(), &other, "the data: column 'color' has other values"),
    ] {
        let error = Estimator::new(options).fit(dataset, &mut unobserved).unwrap_err();
        let EstimatorError::Option(OptionError::OtherData { difference, .. }) = error else {
            panic!("{error}")
        };
        assert!(difference.contains(differs), "{difference}");
    }
    let nowhere = EstimatorOptions { checkpoint: Some(place.path("no/where")), ..small() };
    let error = Estimator::new(nowhere).fit(&dataset, &mut unobserved).unwrap_err();
    assert!(error.to_string().contains("where"), "{error}");
}

#[test]
fn a_run_owns_its_checkpoint_and_goes_on_without_it() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(90));
    let folder = place.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let checkpoint = Some(folder.join("run"));
    let options = EstimatorOptions { checkpoint, epochs: Some(5), ..small() };
    let preparation = Estimator::new(options).prepare(&dataset).unwrap();
    let run = preparation.start().unwrap();
    let second = preparation.start().err().expect("the checkpoint has one owner").to_string();
    assert!(second.contains("another run writes to it"), "{second}");
    // It is claimed before what is to be gone on from is read.
    let nothing = Some(place.path("nothing"));
    let resumed = EstimatorOptions { resume: nothing, checkpoint: Some(folder.join("run")), ..small() };
    let third = Estimator::new(resumed).prepare(&dataset).unwrap().start().err().unwrap().to_string();
    assert!(third.contains("another run writes to it"), "{third}");
    let mut noticed = Vec::new();
    let fitted = run
        .fit(&mut |event| {
            match event {
                Event::Epoch { report, .. } if report.epoch == 3 => std::fs::remove_dir_all(&folder).unwrap(),
                Event::Noticed(note) => noticed.push(note.code),
                _ => {}
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((fitted.epochs, fitted.epochs_before, fitted.ending), (5, 0, Ending::Finished));
    assert_eq!(fitted.rows_seen, 5 * preparation.training_rows() as u64);
    assert_eq!(noticed, ["checkpoint_not_written", "checkpoint_behind"]);
    let messages: Vec<&str> = fitted.notes.iter().map(|note| note.message.as_str()).collect();
    assert!(messages[0].starts_with("the checkpoint of epoch 3 could not be written: "), "{messages:?}");
    assert!(messages[1].ends_with("is of epoch 2, the last one that could be written"), "{messages:?}");
    std::fs::create_dir(&folder).unwrap();
    preparation.fit(&mut unobserved).unwrap();
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "the checkpoint alone");
}

#[test]
fn parts_are_shares_or_data_of_their_own() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let preparation = Estimator::new(small()).prepare(&dataset).unwrap();
    let sizes = |preparation: &chainrule_estimator::Preparation| {
        (preparation.training_rows(), preparation.validation_rows(), preparation.test_rows())
    };
    assert_eq!(sizes(&preparation), (42, 6, 12));
    let predictor = preparation.fit(&mut unobserved).unwrap().predictor;
    let mut rows: Vec<usize> = [SplitPart::Training, SplitPart::Validation, SplitPart::Test]
        .into_iter()
        .flat_map(|part| predictor.rows_of_part(&dataset, part).unwrap())
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..60).collect::<Vec<_>>(), "each row stands in one part");
    assert!(predictor.was_trained_on(&dataset));

    let options = EstimatorOptions {
        validation: Some(Part::Data(place.data("valid.csv", &small_table(7)))),
        test: Some(Part::Share(0.0)),
        ..small()
    };
    let preparation = Estimator::new(options).prepare(&dataset).unwrap();
    assert_eq!(sizes(&preparation), (60, 7, 0));
    let fitted = preparation.fit(&mut unobserved).unwrap();
    assert!(fitted.test.is_none());
    assert_eq!(fitted.validation.unwrap().rows, 7);
}

#[test]
fn a_run_that_diverges_hands_out_what_was_good() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(200));
    let mut sgd = Rule::from_name("sgd").unwrap();
    sgd.set_learning_rate(3.0);
    let options = EstimatorOptions {
        targets: vec!["size".to_owned()],
        optimizer: Some(sgd),
        schedule: Some(Schedule::Constant),
        preset: Some(Preset::Fast),
        warmup: 100.0,
        activation: Some(chainrule::Activation::Relu),
        layers: Some(vec![20; 4]),
        batch_size: Some(20),
        epochs: Some(200),
        ..EstimatorOptions::default()
    };
    let error = Estimator::new(options.clone()).fit(&dataset, &mut unobserved).unwrap_err();
    let EstimatorError::Diverged { error, epoch, last_good } = error else { panic!("{error}") };
    assert!(epoch > 0 && error.to_string().contains("learning rate"), "{epoch}: {error}");
    assert_eq!(last_good.training.as_ref().unwrap()["ending"], "diverged");
    let loss = Predictor::of_model(*last_good).unwrap().evaluate(&dataset).unwrap().evaluation.loss;
    assert!(loss.is_finite(), "{loss}");

    // An epoch that ends, after which the validation loss is no number, leaves nothing good.
    let far = small_table(20) + "1e38,1e38,red,1,tall\n";
    let validation = Some(Part::Data(place.data("far.csv", &far)));
    let far = EstimatorOptions { learning_rate: Some(1e-3), warmup: 0.0, validation, ..options.clone() };
    let error = Estimator::new(far).fit(&dataset, &mut unobserved).unwrap_err();
    assert!(
        matches!(error, EstimatorError::Engine(chainrule::Error::NonFinite { epoch: Some(1), .. })),
        "{error}"
    );

    let at_once = EstimatorOptions { learning_rate: Some(1e30), warmup: 0.0, ..options };
    let error = Estimator::new(at_once).fit(&dataset, &mut unobserved).unwrap_err();
    assert!(matches!(error, EstimatorError::Engine(chainrule::Error::NonFinite { .. })), "{error}");
}
