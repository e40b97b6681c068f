//! `chainrule trace`: every value of one training step on chosen rows.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use chainrule::trace::Trace;
use chainrule::{Mode, Rule, Scalar, trace, write_aside};
use chainrule_data::InputNumber;
use serde_json::{Value, json};

use crate::arguments::TraceArguments;
use crate::data::{Prepared, chosen_rows, load};
use crate::report::{bytes, counted, on_terminal, say, say_json, short, table};

/// The learning rate of plain gradient descent where none is given: large enough to see.
const SGD_LEARNING_RATE: f64 = 0.1;

/// Runs the command.
pub(crate) fn run(arguments: &TraceArguments) -> Result<ExitCode> {
    match arguments.dtype.as_str() {
        "f32" => run_in::<f32>(arguments),
        _ => run_in::<f64>(arguments),
    }
}

fn run_in<T: Scalar + InputNumber>(arguments: &TraceArguments) -> Result<ExitCode> {
    let format = arguments.output.as_deref().map(format_of).transpose()?;
    let (model, dataset, preprocessing) = load::<T>(&arguments.model, &arguments.data)?;
    let rows = chosen_rows(&dataset, &arguments.rows.0, false)?;
    let prepared = Prepared::<T>::new(&preprocessing, &dataset, &rows)?;
    let mut rule = arguments.optimizer.clone();
    match (arguments.learning_rate, &rule) {
        (Some(rate), _) => rule.set_learning_rate(rate),
        (None, Rule::Sgd(_)) => rule.set_learning_rate(SGD_LEARNING_RATE),
        (None, _) => {}
    }
    let (network, parameters) = (&model.network, &model.parameters);
    let trace = trace(network, parameters, &model.loss, prepared.samples(), &rule, Mode::Inference)?;
    let whole = || {
        json!({
            "network": network,
            "loss": model.loss,
            "optimizer": rule,
            "dtype": arguments.dtype,
            "rows": rows,
            "trace": trace,
        })
    };
    match (&arguments.output, format) {
        (Some(path), Some(format)) => {
            match format {
                Format::Json => write_aside(path, serde_json::to_string(&whole())?.as_bytes())?,
                Format::Tensors => trace.save_tensors(path)?,
            }
            let shown = path.display().to_string();
            if arguments.json {
                let loss = trace.loss();
                say_json(
                    &json!({ "events": trace.events.len(), "rows": rows, "loss": loss, "output": shown }),
                )?;
            } else {
                let (events, rows) = (counted(trace.events.len(), "event"), counted(rows.len(), "row"));
                say(format!("{events} on {rows} in {shown}, loss {}", short(trace.loss())))?;
            }
        }
        _ if arguments.json => say_json(&whole())?,
        _ => {
            say(summary(&trace))?;
            say("-o FILE.json or -o FILE.safetensors writes every value")?;
        }
    }
    Ok(ExitCode::SUCCESS)
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

/// The events as a table, for people.
fn summary<T: Scalar>(trace: &Trace<T>) -> comfy_table::Table {
    let mut shown =
        table(&["", "phase", "value", "shape", "root mean square", "live bytes", "what happens"], 0);
    for column in [1, 2, 3, 6] {
        if let Some(column) = shown.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Left);
        }
    }
    if on_terminal() {
        shown.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        shown.set_width(console::Term::stdout().size().1);
    }
    for event in &trace.events {
        let names: Vec<_> = event.outputs.iter().map(|value| value.name.as_str()).collect();
        let shape: Vec<_> = event.shape.iter().map(usize::to_string).collect();
        let values = &event.outputs[0].values;
        let squares: f64 = values.iter().map(|x| x.as_f64() * x.as_f64()).sum();
        let rms = (squares / values.len() as f64).sqrt();
        let phase = serde_json::to_value(event.phase).unwrap_or(Value::Null);
        shown.add_row(vec![
            (event.id + 1).to_string(),
            phase.as_str().unwrap_or_default().replace('_', " "),
            names.join(", "),
            shape.join(" x "),
            short(rms),
            bytes(event.live_bytes),
            event.sentence.clone(),
        ]);
    }
    shown
}
