//! `chainrule check`: a model's gradients against central finite differences, a line for each tensor.

use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::gradient_check;
use chainrule::gradient_check::{CheckOptions, CheckReport};
use chainrule_estimator::{Predictor, chosen_rows};
use serde_json::{Value, json};

use crate::arguments::CheckArguments;
use crate::reading::say_notes;
use crate::report::{counted, grouped, say, say_json, short, table};

/// Rows that are taken where none are given, if there are as many.
const DEFAULT_ROWS: usize = 16;

/// Runs the command; exit code 1 if a gradient is wrong.
pub(crate) fn run(arguments: &CheckArguments) -> Result<ExitCode> {
    let predictor = Predictor::<f64>::load_as(&arguments.model)?;
    let options = predictor.read_options(arguments.reading.options(None)?);
    let dataset = arguments.reading.read(&arguments.data, &options)?;
    let rows = match &arguments.rows {
        Some(rows) => chosen_rows(&dataset, rows.0.clone(), false)?,
        None => chosen_rows(&dataset, 0..DEFAULT_ROWS, true)?,
    };
    let mut notes = dataset.notes.clone();
    let prepared = predictor.prepare(&dataset, &rows, &mut notes)?;
    say_notes(&notes);
    let model = predictor.model();
    if arguments.tolerance <= 0.0 {
        bail!("--tolerance {}: must be greater than 0", arguments.tolerance);
    }
    let options = CheckOptions {
        tolerance: arguments.tolerance,
        samples_per_tensor: Some(arguments.samples).filter(|&samples| samples > 0),
        seed: arguments.seed,
        ..CheckOptions::default()
    };
    let report =
        gradient_check(&model.network, &model.parameters, &model.loss, prepared.samples(), &options)?;
    if arguments.json {
        let mut value = as_json(&report, rows.len());
        value["notes"] = json!(notes);
        say_json(&value)?;
    } else {
        say(format!(
            "gradients of the loss ({}) on {}, against central differences in f64",
            short(report.loss),
            counted(rows.len(), "row")
        ))?;
        say(as_table(&report))?;
        let verdict = if report.passed() { "passed" } else { "FAILED" };
        let tolerance = arguments.tolerance;
        say(format!(
            "{verdict}: worst relative error {:.1e}, tolerance {tolerance:e}",
            report.worst_error()
        ))?;
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn as_table(report: &CheckReport) -> comfy_table::Table {
    let header = ["layer", "tensor", "shape", "checked", "kinks", "worst error", "result"];
    let mut shown = table(&header, 3);
    for entry in &report.tensors {
        let shape: Vec<_> = entry.tensor.shape().iter().map(|n| grouped(*n as u64)).collect();
        let worst =
            entry.worst.as_ref().map_or("none".to_owned(), |worst| format!("{:.1e}", worst.relative_error));
        shown.add_row(vec![
            entry.tensor.layer.to_string(),
            entry.tensor.name.rsplit('.').next().unwrap_or_default().to_owned(),
            shape.join(" x "),
            grouped(entry.compared as u64),
            grouped(entry.at_kink as u64),
            worst,
            if entry.passed { "ok" } else { "WRONG" }.to_owned(),
        ]);
    }
    shown
}

fn as_json(report: &CheckReport, rows: usize) -> Value {
    let tensors: Vec<Value> = report
        .tensors
        .iter()
        .map(|entry| {
            let worst = entry.worst.as_ref().map(|worst| {
                json!({
                    "row": worst.row,
                    "column": worst.column,
                    "backpropagated": worst.backpropagated,
                    "numerical": worst.numerical,
                    "relative_error": worst.relative_error,
                })
            });
            json!({
                "layer": entry.tensor.layer,
                "tensor": entry.tensor.name,
                "shape": entry.tensor.shape(),
                "checked": entry.compared,
                "at_kink": entry.at_kink,
                "worst": worst,
                "norm_error": entry.norm_error,
                "passed": entry.passed,
            })
        })
        .collect();
    json!({
        "passed": report.passed(),
        "largest_relative_error": report.worst_error(),
        "loss": report.loss,
        "rows": rows,
        "tensors": tensors,
    })
}
