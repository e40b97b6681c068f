//! `chainrule predict`: a model's predictions as CSV, one line for each row.

use std::io::Write;
use std::iter;
use std::ops::Range;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule_data::{Dataset, Features, Table};
use chainrule_estimator::{Predictions, Predictor};
use serde_json::{Value, json};

use crate::arguments::PredictArguments;
use crate::output::{check_output, input_files};
use crate::reading::say_notes;
use crate::report::counted;
use crate::terminal::{on_standard_output, on_terminal, printable, say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &PredictArguments) -> Result<ExitCode> {
    let inputs = || [vec![arguments.model.clone()], input_files(&arguments.data)].concat();
    let output = arguments.output.as_ref().map(|path| check_output(path, &inputs())).transpose()?;
    let predictor =
        Predictor::load(&arguments.model)?.with_threads(arguments.common.threads.map(usize::from));
    let options = predictor.read_options(arguments.reading.options(arguments.common.threads)?);
    let dataset = arguments.reading.read(&arguments.data, &options)?;
    let table = copied_table(arguments, &dataset)?;
    let mut notes = dataset.notes.clone();
    let every_row: Vec<usize> = (0..dataset.rows()).collect();
    let predictions = predictor.predict_rows(&dataset, &every_row, &mut notes)?;
    say_notes(&notes);
    let header = header(&predictions, table);
    let rows = predictions.rows();
    let text = || csv_text(table, &header, &predictions, arguments.common.thread_count());
    match (output, &arguments.output) {
        (Some(output), Some(path)) => {
            let text = text();
            match output.is_standard_output() {
                true => print(&text)?,
                false => output.write(&text)?,
            }
            let shown = path.display().to_string();
            if arguments.common.json {
                say_json(&json!({ "rows": rows, "output": shown, "notes": notes }))?;
            } else {
                say(format!("{} in {shown}", counted(rows, "prediction")))?;
            }
        }
        _ if arguments.common.json => {
            let as_object = |row| json_row(&predictions, &header, row);
            let objects: Vec<Value> = (0..rows).map(as_object).collect();
            say_json(&json!({ "rows": rows, "predictions": objects, "notes": notes }))?;
        }
        _ => print(&text())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes on standard output. A file or another program gets the very bytes.
fn print(text: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = match on_terminal() {
        true => stdout.write_all(printable(&String::from_utf8_lossy(text)).as_bytes()),
        false => stdout.write_all(text),
    };
    on_standard_output(written.and_then(|()| stdout.flush()))
}

/// `prediction`, then `probability NAME` for each class, or `score NAME` where what comes out is no probability; or
/// `prediction` for a number, and with its target's name for each of several. Where the copied columns have such a name, ours
/// gets a number.
fn header(predictions: &Predictions, table: Option<&Table>) -> Vec<String> {
    let mut names: Vec<String> = match predictions {
        Predictions::Classes(classes) => {
            let what = if classes.are_probabilities { "probability" } else { "score" };
            let scores = classes.names.iter().map(|class| format!("{what} {class}"));
            iter::once("prediction".to_owned()).chain(scores).collect()
        }
        Predictions::Numbers(numbers) => match numbers.names.as_slice() {
            [_] => vec!["prediction".to_owned()],
            names => names.iter().map(|name| format!("prediction {name}")).collect(),
        },
    };
    let Some(table) = table else { return names };
    for index in 0..names.len() {
        let mut name = names[index].clone();
        let mut number = 2;
        while table.position(&name).is_some() || names[..index].contains(&name) {
            name = format!("{} {number}", names[index]);
            number += 1;
        }
        names[index] = name;
    }
    names
}

/// One row as a JSON object.
fn json_row(predictions: &Predictions, header: &[String], row: usize) -> Value {
    // Through its text, since 0.1 in 32 bits would be 0.10000000149011612 in 64.
    let score = |value: &f32| {
        let mut text = Vec::new();
        write_score(&mut text, *value);
        json!(String::from_utf8_lossy(&text).parse::<f64>().unwrap_or(f64::NAN))
    };
    let values: Vec<Value> = match predictions {
        Predictions::Classes(classes) => {
            let scores = classes.scores.row(row).iter().map(score);
            iter::once(json!(classes.name(row))).chain(scores).collect()
        }
        Predictions::Numbers(numbers) => numbers.values.row(row).iter().map(|value| json!(value)).collect(),
    };
    Value::Object(header.iter().cloned().zip(values).collect())
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

/// Rows that are written at a time, at least.
const PART: usize = 4096;

/// The header and a line for each row, written by several threads.
fn csv_text(table: Option<&Table>, header: &[String], predictions: &Predictions, threads: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut names = table.map(Table::header).unwrap_or_default();
    names.extend(header.iter().map(String::as_str));
    for (index, name) in names.into_iter().enumerate() {
        separate(&mut text, index == 0);
        write_cell(&mut text, name);
    }
    text.push(b'\n');
    let rows = predictions.rows();
    let part = rows.div_ceil(threads.max(1)).max(PART);
    let parts: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..rows)
            .step_by(part)
            .map(|start| scope.spawn(move || lines(table, predictions, start..(start + part).min(rows))))
            .collect();
        started
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    parts.iter().for_each(|part| text.extend_from_slice(part));
    text
}

fn lines(table: Option<&Table>, predictions: &Predictions, rows: Range<usize>) -> Vec<u8> {
    let mut text = Vec::with_capacity(rows.len() * 32);
    for row in rows {
        let mut is_first = true;
        for column in table.map(Table::columns).unwrap_or_default() {
            separate(&mut text, std::mem::take(&mut is_first));
            if let Some(cell) = column.text(row) {
                write_cell(&mut text, &cell);
            }
        }
        match predictions {
            Predictions::Classes(classes) => {
                separate(&mut text, is_first);
                write_cell(&mut text, classes.name(row));
                for value in classes.scores.row(row) {
                    text.push(b',');
                    write_score(&mut text, *value);
                }
            }
            Predictions::Numbers(numbers) => {
                for value in numbers.values.row(row) {
                    separate(&mut text, std::mem::take(&mut is_first));
                    write_number(&mut text, *value);
                }
            }
        }
        text.push(b'\n');
    }
    text
}

fn separate(text: &mut Vec<u8>, is_first: bool) {
    if !is_first {
        text.push(b',');
    }
}

/// The shortest text that reads back as the same 32-bit number. Writing to a vector does not fail, here and below.
fn write_score(text: &mut Vec<u8>, value: f32) {
    let _ = match value == 0.0 || (1e-4..1e7).contains(&value.abs()) {
        true => write!(text, "{value}"),
        false => write!(text, "{value:e}"),
    };
}

/// The shortest text that reads back as the same 64-bit number.
fn write_number(text: &mut Vec<u8>, value: f64) {
    let _ = match value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        true => write!(text, "{value}"),
        false => write!(text, "{value:e}"),
    };
}

/// A cell of a CSV line (RFC 4180): one with a comma, a quote, a line break, or spaces at its ends is quoted.
fn write_cell(text: &mut Vec<u8>, cell: &str) {
    let is_plain = !cell.contains([',', '"', '\n', '\r']) && cell.trim().len() == cell.len();
    match is_plain {
        true => text.extend_from_slice(cell.as_bytes()),
        false => {
            let _ = write!(text, "\"{}\"", cell.replace('"', "\"\""));
        }
    }
}
