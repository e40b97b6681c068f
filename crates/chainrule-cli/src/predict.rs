//! `chainrule predict`: a model's predictions as CSV, one line for each row.

use std::fmt::Write;
use std::iter;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::{infer, predicted_class, write_aside};
use chainrule_data::{Dataset, Features, Preprocessing};
use serde_json::{Value, json};

use crate::arguments::PredictArguments;
use crate::data::{inputs, load};
use crate::report::{counted, say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &PredictArguments) -> Result<ExitCode> {
    let (model, dataset, preprocessing) = load::<f32>(&arguments.model, &arguments.data)?;
    let rows: Vec<usize> = (0..dataset.rows()).collect();
    let inputs = inputs::<f32>(&preprocessing, &dataset, &rows)?;
    let threads = arguments.common.threads();
    let mut outputs = infer(&threads, &model.network, &model.parameters, inputs.view())?;
    for i in 0..outputs.rows() {
        model.loss.output_to_prediction(model.network.output_activation(), outputs.row_mut(i));
        if let Some(column) = outputs.row(i).iter().position(|value| !value.is_finite()) {
            bail!(
                "row {i}: output {column} is {}; an input is far outside of what was learned",
                outputs[(i, column)]
            );
        }
    }
    let lines: Vec<Vec<String>> =
        (0..outputs.rows()).map(|i| prediction(&preprocessing, outputs.row(i))).collect();
    let header = header(&preprocessing, outputs.columns());

    let json_rows = || -> Vec<Value> {
        let as_object =
            |line: &Vec<String>| header.iter().cloned().zip(line.iter().map(|cell| json!(cell))).collect();
        lines.iter().map(as_object).map(Value::Object).collect()
    };
    let csv = csv_text(arguments, &dataset, &header, &lines)?;
    match &arguments.output {
        Some(path) => {
            write_aside(path, csv.as_bytes())?;
            let shown = path.display().to_string();
            if arguments.common.json {
                say_json(&json!({ "rows": lines.len(), "output": shown }))?;
            } else {
                say(format!("{} in {shown}", counted(lines.len(), "prediction")))?;
            }
        }
        None if arguments.common.json => {
            say_json(&json!({ "rows": lines.len(), "predictions": json_rows() }))?;
        }
        None => say(csv.trim_end_matches('\n'))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `prediction`, then one column for each class; or one `prediction` for each number.
fn header(preprocessing: &Preprocessing, outputs: usize) -> Vec<String> {
    match preprocessing.class_names() {
        Some(classes) => {
            let probabilities = classes.iter().map(|class| format!("probability {class}"));
            iter::once("prediction".to_owned()).chain(probabilities).collect()
        }
        None if outputs == 1 => vec!["prediction".to_owned()],
        None => (1..=outputs).map(|output| format!("prediction {output}")).collect(),
    }
}

/// The cells of one row: the class and every class's probability, or the numbers.
fn prediction(preprocessing: &Preprocessing, output: &[f32]) -> Vec<String> {
    let Some(classes) = preprocessing.class_names() else {
        let scale = preprocessing.target_scale();
        let undone = |&value: &f32| scale.map_or(value, |scale| scale.undo(f64::from(value)) as f32);
        return output.iter().map(undone).map(number).collect();
    };
    let mut cells = vec![classes[predicted_class(output) as usize].clone()];
    match output {
        [of_second] => cells.extend([1.0 - of_second, *of_second].map(number)),
        all => cells.extend(all.iter().copied().map(number)),
    }
    cells
}

/// The shortest text that reads back as the same number.
fn number(value: f32) -> String {
    if value == 0.0 || (1e-4..1e7).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

fn csv_text(
    arguments: &PredictArguments,
    dataset: &Dataset,
    header: &[String],
    lines: &[Vec<String>],
) -> Result<String> {
    let table = match &dataset.features {
        Features::Table(table) if arguments.with_inputs => Some(table),
        Features::Images(_) if arguments.with_inputs => {
            bail!("{}: images have no columns to copy; leave out --with-inputs", dataset.name)
        }
        _ => None,
    };
    let mut text = String::new();
    let copied = table.map(|table| table.header().iter().map(String::as_str));
    write_line(&mut text, copied.into_iter().flatten().chain(header.iter().map(String::as_str)));
    for (row, line) in lines.iter().enumerate() {
        let copied = table.map(|table| table.row(row));
        write_line(&mut text, copied.into_iter().flatten().chain(line.iter().map(String::as_str)));
    }
    Ok(text)
}

/// One CSV line (RFC 4180): cells with a comma, a quote or a line break are quoted.
fn write_line<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            // Writing to a String does not fail.
            let _ = write!(text, "\"{}\"", cell.replace('"', "\"\""));
        } else {
            text.push_str(cell);
        }
    }
    text.push('\n');
}
