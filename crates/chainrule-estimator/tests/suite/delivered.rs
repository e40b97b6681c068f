//! What is measured is what is delivered: reported metrics are those of the predictions that come out.

use std::ops::ControlFlow;

use chainrule::{Loss, Matrix};
use chainrule_estimator::{
    Estimator, EstimatorOptions, Event, Metrics, Predictions, Preset, SplitPart, chosen_rows, unobserved,
};

use crate::place::{Place, small, small_table};

/// RMSE, MAE and R2 by their definitions.
fn by_definition(predicted: &[f64], targets: &[f64]) -> [f64; 3] {
    let n = targets.len() as f64;
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
    let errors: Vec<f64> = predicted.iter().zip(targets).map(|(p, y)| p - y).collect();
    let mean_target = mean(&mut targets.iter().copied());
    let mean_square = mean(&mut errors.iter().map(|e| e * e));
    let variance = mean(&mut targets.iter().map(|y| (y - mean_target).powi(2)));
    [mean_square.sqrt(), mean(&mut errors.iter().map(|e| e.abs())), 1.0 - mean_square / variance]
}

fn reported(metrics: &Metrics) -> [f64; 3] {
    match metrics {
        Metrics::Regression { rmse, mae, r2 } => [*rmse, *mae, r2.unwrap()],
        Metrics::Classification { .. } => panic!("numbers are measured"),
    }
}

/// Targets far from 0 that differ by far less than a number of 32 bits can tell: their means, steps and least RMSE.
const FAR: [(f64, f64); 3] = [(1.7e9, 10.0), (6_512_345.0, 0.13), (-4.0e12, 0.25)];

#[test]
fn predictions_far_from_0_have_the_errors_that_are_reported() {
    for (offset, step) in FAR {
        let place = Place::new();
        let targets: Vec<f64> = (0..120).map(|i| offset + step * f64::from(i)).collect();
        let lines = targets.iter().enumerate().map(|(i, y)| format!("{i},{y:?}\n"));
        let dataset = place.data("far.csv", &("x,when\n".to_owned() + &lines.collect::<String>()));
        let options =
            EstimatorOptions { layers: Some(vec![16]), epochs: Some(150), ..EstimatorOptions::default() };
        let fitted = Estimator::new(options).prepare(&dataset).unwrap().fit(&mut unobserved).unwrap();
        let predict =
            |rows: &[usize]| match fitted.predictor.predict_rows(&dataset, rows, &mut Vec::new()).unwrap() {
                Predictions::Numbers(numbers) => numbers.values.into_vec(),
                Predictions::Classes(_) => panic!("numbers are predicted"),
            };
        let all = chosen_rows(&dataset, 0..120, false).unwrap();
        let predicted = predict(&all);
        assert!(predicted.iter().any(|&p| f64::from(p as f32) != p), "{offset}: not rounded to 32 bits");
        let expected = by_definition(&predicted, &targets);
        assert_eq!(
            reported(&fitted.predictor.evaluate(&dataset).unwrap().evaluation.metrics),
            expected,
            "{offset}"
        );
        assert!(expected[0] < 20.0 * step && expected[2] > 0.9, "{offset}: {expected:?} is learned");

        for (part, measured) in [(SplitPart::Test, &fitted.test), (SplitPart::Validation, &fitted.validation)]
        {
            let measured = measured.as_ref().unwrap();
            let rows = fitted.predictor.rows_of_part(&dataset, part).unwrap();
            let targets: Vec<f64> = rows.iter().map(|&row| targets[row]).collect();
            assert_eq!(
                reported(&measured.evaluation.metrics),
                by_definition(&predict(&rows), &targets),
                "{offset}: {part:?}"
            );
            assert_eq!(&fitted.predictor.evaluate_rows(&dataset, &rows, &mut Vec::new()).unwrap(), measured);
        }
    }
}

#[test]
fn epochs_are_reported_in_the_units_of_the_target() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(80));
    let options = EstimatorOptions { targets: vec!["size".to_owned()], epochs: Some(8), ..small() };
    let mut epochs = Vec::new();
    let preparation = Estimator::new(options).prepare(&dataset).unwrap();
    let fitted = preparation
        .fit(&mut |event| {
            if let Event::Epoch { report, .. } = event {
                let validation = report.validation.clone().unwrap();
                epochs.push(reported(&validation.metrics));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    let (best, whole) =
        (epochs[fitted.best_epoch - 1], reported(&fitted.validation.unwrap().evaluation.metrics));
    for (epoch, whole) in best.into_iter().zip(whole) {
        assert!((epoch - whole).abs() <= 1e-5 * whole.abs(), "{best:?} and {whole:?}");
    }
}

#[test]
fn every_row_has_a_class_and_all_probabilities() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(60));
    for loss in [None, Some(Loss::BinaryCrossEntropy)] {
        let options = EstimatorOptions { loss: loss.clone(), ..small() };
        let predictor = Estimator::new(options).fit(&dataset, &mut unobserved).unwrap();
        let outputs = predictor.model().network.output_width();
        assert_eq!(outputs, if loss.is_some() { 1 } else { 2 });
        let Predictions::Classes(predicted) = predictor.predict(&dataset).unwrap() else { panic!() };
        assert_eq!(predicted.names, ["tall", "wide"]);
        assert_eq!((predicted.classes.len(), predicted.scores.columns()), (60, 2));
        let mut right = 0;
        let kinds: Vec<String> =
            small_table(60).lines().skip(1).map(|line| line.rsplit(',').next().unwrap().to_owned()).collect();
        for row in 0..60 {
            let probabilities = predicted.scores.row(row);
            assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{row}: {probabilities:?}");
            let name = if probabilities[1] > probabilities[0] { "wide" } else { "tall" };
            assert_eq!(predicted.name(row), name, "row {row}");
            right += usize::from(kinds[row] == name);
        }
        let Metrics::Classification { accuracy, .. } =
            predictor.evaluate(&dataset).unwrap().evaluation.metrics
        else {
            panic!()
        };
        assert_eq!(accuracy, right as f64 / 60.0, "{loss:?}");
    }
}

#[test]
fn prepared_rows_are_what_the_predictor_computes_with() {
    let place = Place::new();
    let dataset = place.data("table.csv", &small_table(40));
    let preset = Some(Preset::Fast);
    let options = EstimatorOptions { preset, targets: vec!["size".to_owned()], ..small() };
    let predictor = Estimator::new(options).fit(&dataset, &mut unobserved).unwrap();
    let prepared = predictor.prepare(&dataset, &[7, 3], &mut Vec::new()).unwrap();
    assert_eq!((prepared.rows(), prepared.samples().inputs.columns()), (2, 7));
    let names = predictor.preprocessing().unwrap().input_names();
    let expected = ["width", "height", "color=blue", "color=green", "color=red", "kind=tall", "kind=wide"];
    assert_eq!(names, expected);
    assert_eq!(predictor.output_names(&dataset).unwrap(), Some(vec!["size".to_owned()]));
    // Row 7: width (49 % 11) / 2 - 1.5 = 1, height (35 % 13) 10 = 90; row 3: width 3.5, height 20.
    assert_eq!(prepared.targets_in_own_units(), Some(&Matrix::from_rows(&[[121.0], [114.5]])));
    let outputs = chainrule::infer(
        &chainrule::Threads::single(),
        &predictor.model().network,
        &predictor.model().parameters,
        prepared.input_numbers().view(),
    )
    .unwrap();
    let scale = predictor.preprocessing().unwrap().target_scales().unwrap()[0];
    let Predictions::Numbers(numbers) = predictor.predict_rows(&dataset, &[7, 3], &mut Vec::new()).unwrap()
    else {
        panic!()
    };
    for i in 0..2 {
        let z = f64::from(outputs[(i, 0)]);
        assert_eq!(numbers.values[(i, 0)], z * scale.standard_deviation + scale.mean);
    }
}
