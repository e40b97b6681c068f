//! `chainrule check`: a model's gradients against central finite differences, a line for each tensor.

use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::gradient_check;
use chainrule::gradient_check::{CheckOptions, CheckReport};
use chainrule_estimator::{Predictor, chosen_rows};
use serde_json::{Value, json};

use crate::arguments::CheckArguments;
use crate::progress::waited;
use crate::reading::say_notes;
use crate::report::{counted, grouped, short, table};
use crate::terminal::{say, say_json};

/// Rows that are taken where none are given, if there are as many.
const DEFAULT_ROWS: usize = 16;

/// What a check may take where there are many tensors: about three seconds.
const MOST_WORK: u64 = 6_000_000_000;

/// Rows of the table, where every tensor passed.
const ROWS: usize = 100;

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
        most_work: Some(MOST_WORK).filter(|_| !arguments.all_tensors),
        ..CheckOptions::default()
    };
    let report = waited("checking", || {
        gradient_check(&model.network, &model.parameters, &model.loss, prepared.samples(), &options)
    })?;
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
        if report.unchecked > 0 {
            say(format!(
                "{} of {} were NOT checked, as that would take long; --all-tensors checks them, too",
                grouped(report.unchecked as u64),
                counted(report.unchecked + report.tensors.len(), "tensor")
            ))?;
        }
    }
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn as_table(report: &CheckReport) -> comfy_table::Table {
    let header = ["layer", "tensor", "shape", "checked", "kinks", "worst error", "result"];
    let mut shown = table(&header, 3);
    // Of many, those that are wrong, and the first.
    let right = report.tensors.iter().filter(|entry| entry.passed).count();
    let mut left = if right > ROWS { ROWS - 1 } else { ROWS };
    for entry in &report.tensors {
        if entry.passed {
            if left == 0 {
                continue;
            }
            left -= 1;
        }
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
    if right > ROWS {
        let more = format!("... {} more, all ok; --json has them all", grouped((right + 1 - ROWS) as u64));
        shown.add_row(vec![String::new(), more]);
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
        "unchecked_tensors": report.unchecked,
    })
}
