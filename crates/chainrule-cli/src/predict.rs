//! `chainrule predict`: a model's predictions as CSV, one line for each row.

use std::borrow::Cow;
use std::fmt::Write;
use std::iter;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::write_aside;
use chainrule_data::{Dataset, Features, Table, read};
use chainrule_estimator::{Predictions, Predictor};
use serde_json::{Value, json};

use crate::arguments::PredictArguments;
use crate::output::check_output;
use crate::report::{counted, say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &PredictArguments) -> Result<ExitCode> {
    if let Some(path) = &arguments.output {
        check_output(path, &[&arguments.model, Path::new(&arguments.data)])?;
    }
    let predictor =
        Predictor::load(&arguments.model)?.with_threads(arguments.common.threads.map(usize::from));
    let dataset = read(&arguments.data)?;
    let table = copied_table(arguments, &dataset)?;
    let predictions = predictor.predict(&dataset)?;
    let header = header(&predictions);

    let json_rows = || -> Vec<Value> {
        let as_object = |row| {
            let cells = cells(&predictions, row);
            header.iter().cloned().zip(cells.iter().map(Cell::json)).collect()
        };
        (0..predictions.rows()).map(as_object).map(Value::Object).collect()
    };
    let rows = predictions.rows();
    match &arguments.output {
        Some(path) => {
            write_aside(path, csv_text(table, &header, &predictions).as_bytes())?;
            let shown = path.display().to_string();
            if arguments.common.json {
                say_json(&json!({ "rows": rows, "output": shown }))?;
            } else {
                say(format!("{} in {shown}", counted(rows, "prediction")))?;
            }
        }
        None if arguments.common.json => {
            say_json(&json!({ "rows": rows, "predictions": json_rows() }))?;
        }
        None => say(csv_text(table, &header, &predictions).trim_end_matches('\n'))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `prediction`, then one column for each class; or one `prediction` for each number.
fn header(predictions: &Predictions) -> Vec<String> {
    match predictions {
        Predictions::Classes(classes) => {
            let probabilities = classes.names.iter().map(|class| format!("probability {class}"));
            iter::once("prediction".to_owned()).chain(probabilities).collect()
        }
        Predictions::Numbers(numbers) => match numbers.values.columns() {
            1 => vec!["prediction".to_owned()],
            outputs => (1..=outputs).map(|output| format!("prediction {output}")).collect(),
        },
    }
}

/// A cell of a prediction.
enum Cell<'a> {
    Class(&'a str),
    Probability(f32),
    Number(f64),
}

impl Cell<'_> {
    /// A number is the shortest text that reads back as the same number of the same type.
    fn text(&self) -> Cow<'_, str> {
        match self {
            Cell::Class(name) => Cow::Borrowed(name),
            Cell::Probability(value) if *value == 0.0 || (1e-4..1e7).contains(&value.abs()) => {
                Cow::Owned(value.to_string())
            }
            Cell::Probability(value) => Cow::Owned(format!("{value:e}")),
            Cell::Number(value) if *value == 0.0 || (1e-4..1e16).contains(&value.abs()) => {
                Cow::Owned(value.to_string())
            }
            Cell::Number(value) => Cow::Owned(format!("{value:e}")),
        }
    }

    fn json(&self) -> Value {
        match self {
            Cell::Class(name) => json!(name),
            // Through its text, since 0.1 in 32 bits would be 0.10000000149011612 in 64.
            Cell::Probability(_) => json!(self.text().parse::<f64>().unwrap_or(f64::NAN)),
            Cell::Number(value) => json!(value),
        }
    }
}

/// The cells of one row: the class and every class's probability, or the numbers.
fn cells(predictions: &Predictions, row: usize) -> Vec<Cell<'_>> {
    match predictions {
        Predictions::Classes(classes) => {
            let probabilities = classes.probabilities.row(row).iter().copied().map(Cell::Probability);
            iter::once(Cell::Class(classes.name(row))).chain(probabilities).collect()
        }
        Predictions::Numbers(numbers) => numbers.values.row(row).iter().copied().map(Cell::Number).collect(),
    }
}

/// The table whose columns are copied, if they are.
fn copied_table<'a>(arguments: &PredictArguments, dataset: &'a Dataset) -> Result<Option<&'a Table>> {
    match &dataset.features {
        Features::Table(table) => Ok(arguments.with_inputs.then_some(table)),
        Features::Images(_) if arguments.with_inputs => {
            bail!("{}: images have no columns to copy; leave out --with-inputs", dataset.name)
        }
        Features::Images(_) => Ok(None),
    }
}

fn csv_text(table: Option<&Table>, header: &[String], predictions: &Predictions) -> String {
    let mut text = String::new();
    let copied = table.map(|table| table.header().iter().map(String::as_str));
    write_line(&mut text, copied.into_iter().flatten().chain(header.iter().map(String::as_str)));
    for row in 0..predictions.rows() {
        let cells = cells(predictions, row);
        let cells: Vec<Cow<'_, str>> = cells.iter().map(Cell::text).collect();
        let copied = table.map(|table| table.row(row));
        write_line(&mut text, copied.into_iter().flatten().chain(cells.iter().map(|cell| &**cell)));
    }
    text
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
