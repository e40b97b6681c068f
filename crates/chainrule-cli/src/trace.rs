//! `chainrule trace`: every value of one training step on chosen rows.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::trace::{Stage, Trace, TraceEvent, Value};
use chainrule::{Mode, Rule, Scalar, trace, write_file};
use chainrule_data::InputNumber;
use chainrule_estimator::{Predictor, chosen_rows, row_place};
use chainrule_explorer_core::Sentences;
use serde::Serialize;
use serde_json::json;

use crate::arguments::TraceArguments;
use crate::output::{check_output, input_files};
use crate::reading::say_notes;
use crate::report::{bytes, counted, root_mean_square, short};
use crate::terminal::{say, say_json};

/// The learning rate of plain gradient descent where none is given: large enough to see.
const SGD_LEARNING_RATE: f64 = 0.1;

/// Rows that are taken where none are given, if there are as many.
const DEFAULT_ROWS: usize = 4;

/// Runs the command.
pub(crate) fn run(arguments: &TraceArguments) -> Result<ExitCode> {
    match arguments.dtype.as_str() {
        "f32" => run_in::<f32>(arguments),
        _ => run_in::<f64>(arguments),
    }
}

fn run_in<T: Scalar + InputNumber>(arguments: &TraceArguments) -> Result<ExitCode> {
    let format = arguments.output.as_deref().map(format_of).transpose()?;
    if let Some(path) = &arguments.output {
        let inputs = [vec![arguments.model.clone()], input_files(&arguments.data)].concat();
        check_output(path, &inputs)?;
    }
    let predictor = Predictor::<T>::load_as(&arguments.model)?;
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
    let mut rule = arguments.optimizer.clone();
    match (arguments.learning_rate, &rule) {
        (Some(rate), _) => rule.set_learning_rate(rate),
        (None, Rule::Sgd(_)) => rule.set_learning_rate(SGD_LEARNING_RATE),
        (None, _) => {}
    }
    let (network, parameters) = (&model.network, &model.parameters);
    let samples = prepared.samples();
    let trace = trace(network, parameters, &model.loss, samples, &rule, Mode::Inference)?;
    let sentences = Sentences { network, loss: &model.loss, samples, rule: &rule };
    if let Some((what, row, value)) = first_not_finite(&trace, rows.len()) {
        let place = row.map_or(dataset.name.clone(), |row| row_place(&dataset, rows[row]));
        bail!(
            "{place}: {what} is {value}, and with it much that follows; an input is far outside of what was learned, or \
             the parameters are too large"
        );
    }
    let whole = || {
        json!({
            "network": network,
            "loss": model.loss,
            "optimizer": rule,
            "dtype": arguments.dtype,
            "rows": rows,
            "trace": told(&trace, &sentences),
            "notes": notes,
        })
    };
    match (&arguments.output, format) {
        (Some(path), Some(format)) => {
            match format {
                Format::Json => write_file(path, serde_json::to_string(&whole())?.as_bytes())?,
                Format::Tensors => trace.save_tensors(path)?,
            }
            let shown = path.display().to_string();
            if arguments.json {
                let loss = trace.loss();
                say_json(
                    &json!({ "events": trace.events.len(), "rows": rows, "loss": loss, "output": shown, "notes": notes }),
                )?;
            } else {
                let (events, rows) = (counted(trace.events.len(), "event"), counted(rows.len(), "row"));
                say(format!("{events} on {rows} in {shown}, loss {}", short(trace.loss())))?;
            }
        }
        _ if arguments.json => say_json(&whole())?,
        _ => {
            say(summary(&trace, &sentences))?;
            say("-o FILE.json or -o FILE.safetensors writes every value")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The first value that is no number: its name and index, the row if it has one, and what it is.
fn first_not_finite<T: Scalar>(trace: &Trace<T>, rows: usize) -> Option<(String, Option<usize>, f64)> {
    let values = trace.events.iter().flat_map(|event| &event.outputs);
    values.into_iter().find_map(|value| {
        let index = value.values.iter().position(|number| !number.as_f64().is_finite())?;
        let columns = value.shape.last().copied().unwrap_or(1).max(1);
        let is_of_rows = value.shape.len() == 2 && value.shape[0] == rows;
        let place = match value.shape.len() {
            0 => String::new(),
            1 => format!("[{index}] (counted from 0)"),
            _ if is_of_rows => format!("[{}] of the row (counted from 0)", index % columns),
            _ => format!("[{}, {}] (counted from 0)", index / columns, index % columns),
        };
        let row = is_of_rows.then_some(index / columns);
        Some((format!("{}{place}", value.id), row, value.values[index].as_f64()))
    })
}

/// A trace with a sentence for each event.
#[derive(Serialize)]
#[serde(bound = "")]
struct Told<'a, T: Scalar> {
    given: &'a [Value<T>],
    events: Vec<ToldEvent<'a, T>>,
}

#[derive(Serialize)]
#[serde(bound = "")]
struct ToldEvent<'a, T: Scalar> {
    #[serde(flatten)]
    event: &'a TraceEvent<T>,
    sentence: String,
}

fn told<'a, T: Scalar>(trace: &'a Trace<T>, sentences: &Sentences<'_, T>) -> Told<'a, T> {
    let events = trace.events.iter().map(|event| ToldEvent { event, sentence: sentences.of(event) });
    Told { given: &trace.given, events: events.collect() }
}

enum Format {
    Json,
    Tensors,
}

fn format_of(path: &Path) -> Result<Format> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => Ok(Format::Json),
        Some("safetensors") => Ok(Format::Tensors),
        _ => bail!("{}: the name of a trace ends in .json or .safetensors", path.display()),
    }
}

/// The events for people: what happens, and what it gives.
fn summary<T: Scalar>(trace: &Trace<T>, sentences: &Sentences<'_, T>) -> String {
    let mut lines = Vec::new();
    let mut stage = None;
    for event in &trace.events {
        if stage.replace(event.stage) != Some(event.stage) {
            lines.push(format!("{}:", words(event.stage)));
        }
        lines.push(format!("{:>4}  {}", event.id + 1, sentences.of(event)));
        let outputs = event.outputs.iter().map(|value| {
            let shape: Vec<_> = value.shape.iter().map(usize::to_string).collect();
            let rms = short(root_mean_square(value.values.iter().map(|x| x.as_f64())));
            match shape.is_empty() {
                true => format!("{} = {}", value.id, short(value.values[0].as_f64())),
                false => format!("{} [{}], root mean square {rms}", value.id, shape.join(" x ")),
            }
        });
        let outputs = outputs.collect::<Vec<_>>().join("; ");
        lines.push(format!("      {outputs}; {} live", bytes(event.live_bytes as u64)));
    }
    lines.join("\n")
}

fn words(stage: Stage) -> &'static str {
    match stage {
        Stage::Forward => "1. Forward",
        Stage::OutputError => "2. Output error",
        Stage::Backward => "3. Backward",
        Stage::Gradients => "4. Gradients",
        Stage::Update => "5. Update",
    }
}
