//! What each command prints and writes when all is well.

use chainrule::Model;
use serde_json::Value;

use crate::place::{Place, small_table, trained};

#[test]
fn predictions_are_those_of_the_formulas() {
    // All rows are training rows, so means and deviations are those of the table.
    let place = Place::with(&[("table.csv", &small_table(60))]);
    place.good("train table.csv --layers 6,5 --activation tanh --epochs 5 --validation 0 --test 0");
    place.good("predict table.safetensors table.csv -o out.csv");
    let rows: Vec<Vec<String>> = place
        .text("table.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect();
    let column = |j: usize| -> Vec<f64> { rows.iter().map(|row| row[j].parse().unwrap()).collect() };
    let standardized = |j: usize| -> Vec<f64> {
        let values = column(j);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / values.len() as f64;
        values.iter().map(|x| (x - mean) / variance.sqrt()).collect()
    };
    let (width, height, size) = (standardized(0), standardized(1), standardized(3));
    let model = Model::<f64>::load(&place.path("table.safetensors")).unwrap();
    let tensors: Vec<(Vec<usize>, Vec<f64>)> = model
        .parameters
        .tensors()
        .iter()
        .map(|tensor| (tensor.shape(), model.parameters.tensor(tensor).to_vec()))
        .collect();
    let out = place.text("out.csv");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("prediction,probability tall,probability wide"));
    for (i, row) in rows.iter().enumerate() {
        let color = ["blue", "green", "red"].map(|color| f64::from(u8::from(row[2] == color)));
        let mut a = vec![width[i], height[i], color[0], color[1], color[2], size[i]];
        for (l, pair) in tensors.chunks(2).enumerate() {
            let [(shape, weight), (_, bias)] = pair else { panic!("a weight and a bias for each layer") };
            let z = (0..shape[0])
                .map(|j| bias[j] + (0..shape[1]).map(|k| weight[j * shape[1] + k] * a[k]).sum::<f64>());
            a = if l < 2 { z.map(f64::tanh).collect() } else { z.collect() };
        }
        let total: f64 = a.iter().map(|z| z.exp()).sum();
        let probabilities: Vec<f64> = a.iter().map(|z| z.exp() / total).collect();
        let cells: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!(cells[0], ["tall", "wide"][usize::from(probabilities[1] > probabilities[0])], "row {i}");
        for (cell, probability) in cells[1..].iter().zip(&probabilities) {
            let predicted: f64 = cell.parse().unwrap();
            assert!((predicted - probability).abs() < 1e-5, "row {i}: {predicted} and {probability}");
        }
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn a_run_without_a_terminal_prints_plain_lines() {
    let place = Place::with(&[("table.csv", &small_table(60))]);
    let output = place.good("train table.csv --layers 6,5 --dropout 0.1 --epochs 20");
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "table.csv: 60 rows of 5 columns");
    assert!(
        lines[1].starts_with("learning 2 classes of 'kind' from 42 rows; 6 to validate, 12 to test"),
        "{}",
        lines[1]
    );
    assert!(
        output.contains("network: 6 -> 6 silu -> dropout 0.1 -> 5 silu -> dropout 0.1 -> 2 softmax"),
        "{output}"
    );
    assert_eq!(lines.iter().filter(|line| line.starts_with("epoch ")).count(), 10, "{output}");
    assert!(lines.iter().any(|line| line.starts_with("test       accuracy ")), "{output}");
    assert!(lines.contains(&"model      table.safetensors"), "{output}");
    assert!(!output.contains('\u{1b}') && !output.contains('\r'), "{output:?}");
}

#[test]
fn parts_can_be_files() {
    let place = Place::with(&[
        ("table.csv", &small_table(60)),
        ("valid.csv", &small_table(7)),
        ("test.csv", &small_table(9)),
    ]);
    let summary = place.json("train table.csv --validation valid.csv --test test.csv --epochs 2 --json");
    assert_eq!(summary["training_rows"], 60);
    assert_eq!(
        (&summary["validation"]["rows"], &summary["test"]["rows"]),
        (&Value::from(7), &Value::from(9))
    );
    let measured = place.json("evaluate table.safetensors test.csv --json");
    assert_eq!(measured["loss"], summary["test"]["loss"]);
    let summary = place.json("train table.csv --validation 0 --test 0 --epochs 2 --json");
    assert!(summary["validation"].is_null() && summary["test"].is_null());
}

#[test]
fn every_command_prints_one_json_object() {
    let place = trained();
    let summary = place.json("train table.csv --epochs 2 --json");
    for key in
        ["test", "validation", "epochs", "seconds", "model", "training_rows", "rows_per_second", "parameters"]
    {
        assert!(!summary[key].is_null(), "{key} is in {summary}");
    }
    for key in ["loss", "accuracy", "balanced_accuracy", "f1", "auc"] {
        assert!(summary["validation"].as_object().unwrap().contains_key(key), "{key} is in {summary}");
    }
    assert!(place.json("evaluate model.safetensors table.csv --json")["loss"].is_number());
    let predicted = place.json("predict model.safetensors table.csv --json");
    assert_eq!(predicted["predictions"].as_array().unwrap().len(), 60);
    let first = &predicted["predictions"][0];
    assert!(first["prediction"].is_string() && first["probability tall"].is_number(), "{first}");
    assert_eq!(place.json("predict model.safetensors table.csv -o out.csv --json")["rows"], 60);
    let checked = place.json("check model.safetensors table.csv --json");
    assert_eq!(checked["passed"], true);
    assert_eq!(checked["tensors"].as_array().unwrap().len(), 6);
    let inspected = place.json("inspect model.safetensors --json");
    assert_eq!(inspected["parameters"], 6 * 6 + 6 + 6 * 5 + 5 + 5 * 2 + 2);
    assert_eq!(
        place.json("trace model.safetensors table.csv --json")["rows"],
        serde_json::json!([0, 1, 2, 3])
    );
}

#[test]
fn the_check_is_a_table_and_its_exit_code_tells_the_result() {
    let place = trained();
    let output = place.good("check model.safetensors table.csv");
    for (layer, tensor, shape) in
        [("1", "weight", "6 x 6"), ("1", "bias", "6"), ("2", "weight", "5 x 6"), ("3", "bias", "2")]
    {
        let is_line = |line: &str| {
            let words = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>();
            words.starts_with(&[layer, tensor, shape]) && words.last() == Some(&"ok")
        };
        assert!(output.lines().any(is_line), "{layer} {tensor}: {output}");
    }
    assert!(output.lines().last().unwrap().starts_with("passed: "), "{output}");
    let run = place.run("check model.safetensors table.csv --tolerance 1e-30");
    assert_eq!(run.code, Some(1), "{}", run.output);
    assert!(run.output.contains("WRONG") && run.output.contains("FAILED"), "{}", run.output);
    let run = place.run("check model.safetensors table.csv --tolerance 1e-30 --json");
    assert_eq!(run.code, Some(1));
    assert!(run.output.contains("\"passed\": false"));
}

#[test]
fn a_model_is_shown() {
    let place = trained();
    let output = place.good("inspect model.safetensors");
    for words in [
        "89 parameters",
        "layers.1.weight",
        "5 x 6",
        "silu",
        "softmax",
        "cross entropy",
        "'kind'",
        "tall, wide",
    ] {
        assert!(output.contains(words), "'{words}' is not in {output}");
    }
}

#[test]
fn every_loss_and_activation_trains() {
    let place = Place::with(&[("table.csv", &small_table(40))]);
    let activations =
        "identity relu leaky-relu elu selu sigmoid tanh softplus gelu gelu-tanh silu mish hard-sigmoid";
    for activation in activations.split(' ') {
        place.good(&format!("train table.csv --activation {activation} --epochs 2 --layers 7"));
    }
    let losses = "half-squared-error mean-squared-error mean-absolute-error huber poisson quantile";
    for loss in losses.split(' ') {
        place.good(&format!("train table.csv --target size --loss {loss} --epochs 2 --layers 7"));
        let value = place.json("evaluate table.safetensors table.csv --json");
        assert!(value["rmse"].is_number(), "{loss}: {value}");
    }
    for loss in ["cross-entropy", "binary-cross-entropy", "half-squared-error"] {
        place.good(&format!("train table.csv --target color --loss {loss} --epochs 2 --layers 7"));
        place.good(&format!("train table.csv --loss {loss} --epochs 2 --layers 7"));
        let header = place.good("predict table.safetensors table.csv");
        let what = if loss == "half-squared-error" { "score" } else { "probability" };
        assert!(header.starts_with(&format!("prediction,{what} tall,{what} wide")), "{loss}: {header}");
    }
    for optimizer in "sgd adam adamw rmsprop adagrad".split(' ') {
        for schedule in "constant step cosine one-cycle reduce-on-plateau".split(' ') {
            place.good(&format!("train table.csv --optimizer {optimizer} --schedule {schedule} --warmup 1 --epochs 3 --layers 7"));
        }
    }
    let initializations =
        "glorot-uniform glorot-normal he-uniform he-normal lecun-normal pytorch-linear orthogonal zeros";
    for initialization in initializations.split(' ') {
        place.good(&format!("train table.csv --initialization {initialization} --epochs 1 --layers 7"));
    }
}
