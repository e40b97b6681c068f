//! What is measured is what is delivered: written predictions have the errors that were reported.

use crate::place::Place;

/// The root of the mean squared error, and the mean absolute one.
fn errors(predicted: &[f64], targets: &[f64]) -> [f64; 2] {
    let n = targets.len() as f64;
    let errors = || predicted.iter().zip(targets).map(|(p, y)| p - y);
    [(errors().map(|e| e * e).sum::<f64>() / n).sqrt(), errors().map(f64::abs).sum::<f64>() / n]
}

#[test]
fn predictions_far_from_0_are_written_with_all_their_digits() {
    for (offset, step) in [(1.7e9, 10.0), (6_512_345.0, 0.13), (-2.0e14, 3.0)] {
        let targets: Vec<f64> = (0..200).map(|i| offset + step * f64::from(i)).collect();
        let lines: String = targets.iter().enumerate().map(|(i, y)| format!("{i},{y:?}\n")).collect();
        let place = Place::with(&[("t.csv", &format!("x,y\n{lines}"))]);
        let summary = place.json("train t.csv --layers 16 --epochs 60 --json");
        let notes = summary["notes"].as_array().unwrap();
        assert!(notes.iter().all(|note| note["code"] == "row_counter"), "{notes:?}");
        let reported = place.json("evaluate t.safetensors t.csv --json");
        let csv: Vec<f64> = place
            .good("predict t.safetensors t.csv")
            .lines()
            .skip(1)
            .map(|line| {
                assert!(!line.contains('e'), "{line}");
                line.parse().unwrap()
            })
            .collect();
        let json: Vec<f64> = place.json("predict t.safetensors t.csv --json")["predictions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["prediction"].as_f64().unwrap())
            .collect();
        assert_eq!(csv, json);
        let [rmse, mae] = errors(&csv, &targets);
        let number = |key: &str| reported[key].as_f64().unwrap();
        assert_eq!([number("rmse"), number("mae")], [rmse, mae], "{offset}");
        assert!(csv.iter().any(|&p| f64::from(p as f32) != p), "{offset}: not rounded to 32 bits");
        // The run's own report is of the test rows alone.
        let test = place.json("evaluate t.safetensors t.csv --part test --json");
        assert_eq!(summary["test"]["rmse"], test["rmse"]);
    }
}
