//! `chainrule predict`: a model's predictions as CSV, one line for each row.

use std::fmt::Write;
use std::iter;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::{infer, predicted_class, write_aside};
use chainrule_data::{Dataset, Features, Preprocessing};
use serde_json::{Value, json};

use crate::arguments::PredictArguments;
use crate::data::{inputs, load};
use crate::output::check_output;
use crate::report::{counted, say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &PredictArguments) -> Result<ExitCode> {
    if let Some(path) = &arguments.output {
        check_output(path, &[&arguments.model, Path::new(&arguments.data)])?;
    }
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
    let lines: Vec<Vec<Cell>> =
        (0..outputs.rows()).map(|i| prediction(&preprocessing, outputs.row(i))).collect();
    let header = header(&preprocessing, outputs.columns());

    let json_rows = || -> Vec<Value> {
        let as_object = |line: &Vec<Cell>| header.iter().cloned().zip(line.iter().map(Cell::json)).collect();
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

/// A cell of a prediction.
enum Cell {
    Class(String),
    Number(f32),
}

impl Cell {
    /// A number is the shortest text that reads back as the same number.
    fn text(&self) -> String {
        match self {
            Cell::Class(name) => name.clone(),
            Cell::Number(value) if *value == 0.0 || (1e-4..1e7).contains(&value.abs()) => value.to_string(),
            Cell::Number(value) => format!("{value:e}"),
        }
    }

    fn json(&self) -> Value {
        match self {
            Cell::Class(name) => json!(name),
            // Through its text, since 0.1 in 32 bits would be 0.10000000149011612 in 64.
            Cell::Number(_) => json!(self.text().parse::<f64>().unwrap_or(f64::NAN)),
        }
    }
}

/// The cells of one row: the class and every class's probability, or the numbers.
fn prediction(preprocessing: &Preprocessing, output: &[f32]) -> Vec<Cell> {
    let Some(classes) = preprocessing.class_names() else {
        let scale = preprocessing.target_scale();
        let undone = |&value: &f32| scale.map_or(value, |scale| scale.undo(f64::from(value)) as f32);
        return output.iter().map(undone).map(Cell::Number).collect();
    };
    let mut cells = vec![Cell::Class(classes[predicted_class(output) as usize].clone())];
    match output {
        [of_second] => cells.extend([1.0 - of_second, *of_second].map(Cell::Number)),
        all => cells.extend(all.iter().copied().map(Cell::Number)),
    }
    cells
}

fn csv_text(
    arguments: &PredictArguments,
    dataset: &Dataset,
    header: &[String],
    lines: &[Vec<Cell>],
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
        let cells: Vec<String> = line.iter().map(Cell::text).collect();
        write_line(&mut text, copied.into_iter().flatten().chain(cells.iter().map(String::as_str)));
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
