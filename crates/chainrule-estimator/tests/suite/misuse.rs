//! Options that suit neither each other nor the data: errors that name them, as fields or as the caller likes.

use chainrule::{Loss, Rule};
use chainrule_estimator::{Estimator, EstimatorError, EstimatorOptions, OptionError, Part};

use crate::place::{Place, small, small_table};

#[test]
fn options_that_do_not_go_together_are_named() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let number = || vec!["size".to_owned()];
    let cases = [
        (
            EstimatorOptions { momentum: Some(0.9), ..small() },
            "momentum belongs to optimizer sgd and rmsprop, not to adamw",
        ),
        (
            EstimatorOptions { quantile: Some(0.9), ..small() },
            "quantile belongs to loss quantile, not to cross-entropy",
        ),
        (
            EstimatorOptions { huber_delta: Some(2.0), ..small() },
            "huber_delta belongs to loss huber, not to cross-entropy",
        ),
        (
            EstimatorOptions { targets: number(), label_smoothing: Some(0.1), ..small() },
            "label_smoothing belongs to loss cross-entropy, not to half-squared-error",
        ),
        (
            EstimatorOptions { targets: number(), balance_classes: true, ..small() },
            "balance_classes belongs to loss cross-entropy, not to half-squared-error",
        ),
        (
            EstimatorOptions { targets: number(), loss: Some(Loss::cross_entropy()), ..small() },
            "loss cross-entropy is for classes, but the target is a number; give task classification, or another loss",
        ),
        (
            EstimatorOptions { patience: Some(3), validation: Some(Part::Share(0.0)), ..small() },
            "patience: stopping early needs validation rows; give validation a share or data, or leave it out",
        ),
        (
            EstimatorOptions { group: Some("color".to_owned()), time: Some("width".to_owned()), ..small() },
            "group and time are two ways to split the rows; give one of them",
        ),
        (
            EstimatorOptions { targets: number(), positive: Some("wide".to_owned()), ..small() },
            "positive: F1 is of one class where there are two, but here the target is a number; leave it out",
        ),
        (
            EstimatorOptions { positive: Some("round".to_owned()), ..small() },
            "positive round: the classes are tall and wide",
        ),
    ];
    for (options, message) in cases {
        let error = Estimator::new(options).prepare(&dataset).unwrap_err();
        assert!(matches!(error, EstimatorError::Option(_)), "{error}");
        assert_eq!(error.to_string(), message);
    }
    let error = OptionError::NeedsClasses.message(|option| format!("<{option}>"));
    assert!(
        error.starts_with("<loss> cross-entropy") && error.contains("give <task> classification"),
        "{error}"
    );
}

#[test]
fn a_column_with_another_use_is_not_the_target() {
    let place = Place::new();
    let visits = small_table(60).replacen('\n', ",visit\n", 1);
    let visits: Vec<String> = (visits.lines().enumerate())
        .map(|(line, row)| if line == 0 { format!("{row}\n") } else { format!("{row},{}\n", 1 + line / 6) })
        .collect();
    let dataset = place.data("table.csv", &visits.concat());
    let visit = || Some("visit".to_owned());
    for options in [
        EstimatorOptions { ignore: vec!["visit".to_owned()], ..small() },
        EstimatorOptions { weight: visit(), ..small() },
        EstimatorOptions { group: visit(), ..small() },
        EstimatorOptions { time: visit(), ..small() },
    ] {
        let preparation = Estimator::new(options.clone()).prepare(&dataset).unwrap();
        assert_eq!(preparation.preprocessing().target_names(), ["kind"], "{options:?}");
        let both = EstimatorOptions { targets: vec!["visit".to_owned()], ..options };
        let error = Estimator::new(both).prepare(&dataset).unwrap_err().to_string();
        assert!(error.contains("'visit' is the target, and cannot be ignored"), "{error}");
    }
    let visits = EstimatorOptions { weight: visit(), ignore: vec!["kind".to_owned()], ..small() };
    let preparation = Estimator::new(visits).prepare(&dataset).unwrap();
    assert_eq!(preparation.preprocessing().target_names(), ["size"]);
}

#[test]
fn options_out_of_range_are_refused() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let mut sgd = Rule::from_name("sgd").unwrap();
    sgd.set_learning_rate(0.1);
    let cases = [
        (EstimatorOptions { epochs: Some(0), ..small() }, "epochs"),
        (EstimatorOptions { batch_size: Some(0), ..small() }, "batch_size"),
        (EstimatorOptions { patience: Some(0), ..small() }, "patience"),
        (EstimatorOptions { dropout: Some(1.0), ..small() }, "dropout"),
        (EstimatorOptions { dropout: Some(-0.5), ..small() }, "dropout"),
        (EstimatorOptions { dropout: Some(f64::NAN), ..small() }, "dropout"),
        (EstimatorOptions { warmup: f64::INFINITY, ..small() }, "warmup"),
        (EstimatorOptions { learning_rate: Some(f64::NAN), ..small() }, "learning_rate"),
        (EstimatorOptions { optimizer: Some(sgd), momentum: Some(1.5), ..small() }, "momentum"),
        (EstimatorOptions { validation: Some(Part::Share(1.5)), ..small() }, "1.5"),
        (EstimatorOptions { test: Some(Part::Share(f64::NAN)), ..small() }, "NaN"),
        (EstimatorOptions { layers: Some(vec![4, 0]), ..small() }, "layer"),
        (EstimatorOptions { layers: Some(vec![99_999_999_999]), ..small() }, "more than this machine has"),
        (EstimatorOptions { targets: vec!["kidn".to_owned()], ..small() }, "did you mean 'kind'"),
    ];
    for (options, word) in cases {
        let shown = format!("{options:?}");
        let error = Estimator::new(options).prepare(&dataset).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(word), "'{word}' is not in: {error}, for {shown}");
    }
}

#[test]
fn parameters_of_a_loss_are_kept_where_no_option_says_otherwise() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    let loss_of = |options| Estimator::new(options).prepare(&dataset).unwrap().loss().clone();
    let number = || EstimatorOptions { targets: vec!["size".to_owned()], ..small() };
    let huber = |delta| Loss::Huber { delta };
    assert_eq!(loss_of(EstimatorOptions { loss: Some(huber(2.5)), ..number() }), huber(2.5));
    let options = EstimatorOptions { loss: Some(huber(2.5)), huber_delta: Some(0.5), ..number() };
    assert_eq!(loss_of(options), huber(0.5));
    let smooth = |label_smoothing| Loss::CrossEntropy { label_smoothing, class_weights: None };
    assert_eq!(loss_of(EstimatorOptions { loss: Some(smooth(0.3)), ..small() }), smooth(0.3));
    let balanced = loss_of(EstimatorOptions { balance_classes: true, ..small() });
    let Loss::CrossEntropy { class_weights: Some(weights), .. } = balanced else { panic!("{balanced:?}") };
    assert_eq!(weights.len(), 2);
}
