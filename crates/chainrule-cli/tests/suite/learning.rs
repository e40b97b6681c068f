//! What `train` reaches with its defaults.

use std::fmt::Write;

use crate::place::Place;

#[test]
fn digits_are_learned() {
    let place = Place::new();
    let summary = place.json("train digits --json");
    let accuracy = summary["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.975, "{summary}");
    assert_eq!(summary["model"], "digits.safetensors");
    assert_eq!(place.names(), ["digits.safetensors"]);
    let rows = |part: &str| summary[part]["rows"].as_u64().unwrap();
    assert_eq!(summary["training_rows"].as_u64().unwrap() + rows("validation") + rows("test"), 1797);
    for part in ["validation", "test"] {
        let again = place.json(&format!("evaluate digits.safetensors digits --part {part} --json"));
        assert_eq!(again["accuracy"], summary[part]["accuracy"]);
        assert_eq!(again["loss"], summary[part]["loss"]);
    }
}

#[test]
fn two_spirals_are_learned() {
    let mut table = String::from("x,y,arm\n");
    for i in 0..500 {
        for arm in 0..2 {
            let radius = ((f64::from(i) + 0.5) / 500.0).sqrt();
            let angle = std::f64::consts::PI * (3.5 * radius + f64::from(arm));
            writeln!(table, "{:.6},{:.6},{arm}", radius * angle.cos(), radius * angle.sin()).unwrap();
        }
    }
    let place = Place::with(&[("spirals.csv", &table)]);
    let summary = place.json("train spirals.csv --json");
    assert!(summary["test"]["accuracy"].as_f64().unwrap() >= 0.99, "{summary}");
}

#[test]
fn a_number_is_learned_in_its_own_units() {
    let mut table = String::from("a,b,c,price\n");
    for i in 0..400 {
        let (a, b, c) = (f64::from(i * 37 % 101) / 101.0, f64::from(i * 53 % 97) / 97.0, f64::from(i % 7));
        writeln!(table, "{a},{b},{c},{}", 5e5 + 2e5 * (3.0 * a).sin() * b + 1e4 * c).unwrap();
    }
    let place = Place::with(&[("houses.csv", &table)]);
    let summary = place.json("train houses.csv --target price --json");
    assert!(summary["test"]["r2"].as_f64().unwrap() > 0.98, "{summary}");
    // The root mean square error is that of the predictions, in the units of the table.
    let evaluated = place.json("evaluate houses.safetensors houses.csv --json");
    let predictions = place.good("predict houses.safetensors houses.csv --with-inputs");
    let mut squares = Vec::new();
    for line in predictions.lines().skip(1) {
        let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        squares.push((cells[4] - cells[3]).powi(2));
    }
    let rmse = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
    let told = evaluated["rmse"].as_f64().unwrap();
    assert_eq!(squares.len(), 400);
    assert!((rmse - told).abs() < 1e-5 * rmse, "{rmse} and {told}");
}
