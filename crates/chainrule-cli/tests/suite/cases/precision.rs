//! Kind A: what is measured is what is delivered, where 32 bits cannot tell targets apart.

use super::{case, number, numbers_of};

/// The root of the mean squared error.
fn rmse(predicted: &[f64], targets: &[f64]) -> f64 {
    assert_eq!(predicted.len(), targets.len());
    let squares = predicted.iter().zip(targets).map(|(p, y)| (p - y).powi(2));
    (squares.sum::<f64>() / targets.len() as f64).sqrt()
}

#[test]
fn written_predictions_have_the_error_that_is_reported() {
    let place = case("A-big-offset");
    for (file, target) in [("t", "when"), ("utm", "northing"), ("julian", "julian_day"), ("serial", "serial")]
    {
        let targets = numbers_of(&place.text(&format!("{file}.csv")), target);
        let summary = place.json(&format!("train {file}.csv --layers 16 --epochs 60 -o model --json"));
        let reported = place.json(&format!("evaluate model {file}.csv --json"));
        let written = numbers_of(&place.good(&format!("predict model {file}.csv")), "prediction");
        let objects = place.json(&format!("predict model {file}.csv --json"));
        let in_json: Vec<f64> = objects["predictions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|object| number(&object["prediction"]))
            .collect();
        assert_eq!(written, in_json, "{file}");
        let (found, told) = (rmse(&written, &targets), number(&reported["rmse"]));
        assert!((found - told).abs() <= 1e-9 * told, "{file}: {found} and {told}");
        assert!(number(&reported["r2"]) > 0.9, "{file}: {reported}");
        let test = place.json(&format!("evaluate model {file}.csv --part test --json"));
        assert_eq!(test["rmse"], summary["test"]["rmse"], "{file}");

        let ahead = numbers_of(&place.good(&format!("predict model {file}-new.csv")), "prediction");
        assert!(ahead.len() >= 5 && ahead.is_sorted_by(|one, next| one < next), "{file}: {ahead:?}");
    }
}
