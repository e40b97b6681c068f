//! `chainrule inspect`: what is in a model file.

use std::process::ExitCode;

use anyhow::Result;
use chainrule::{Model, Parameters};
use chainrule_data::{InputPreprocessing, Preprocessing};
use serde_json::{Value, json};

use crate::arguments::InspectArguments;
use crate::report::{bytes, counted, grouped, loss_words, network_table, say, say_json, short, table};

/// Runs the command.
pub(crate) fn run(arguments: &InspectArguments) -> Result<ExitCode> {
    let model = Model::<f32>::load(&arguments.model)?;
    if arguments.json {
        say_json(&as_json(arguments, &model)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let count = model.network.parameter_count();
    say(format!(
        "{}: {} parameters, {}",
        arguments.model.display(),
        grouped(count as u64),
        bytes(4 * count as u64)
    ))?;
    say(network_table(&model.network))?;
    say(tensor_table(&model.parameters))?;
    say(format!(
        "loss: {}; {} FLOPs for each row of a training step",
        loss_words(&model.loss),
        grouped(model.network.step_flops())
    ))?;
    if let Some(value) = &model.preprocessing {
        match serde_json::from_value::<Preprocessing>(value.clone()) {
            Ok(preprocessing) => say_preprocessing(&preprocessing)?,
            Err(error) => say(format!("preprocessing: not this program's ({error})"))?,
        }
    }
    if let Some(record) = &model.training {
        say_training(record)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tensor_table(parameters: &Parameters<f32>) -> comfy_table::Table {
    let mut shown = table(&["tensor", "shape", "smallest", "largest", "root mean square"], 2);
    for tensor in parameters.tensors() {
        let values = parameters.tensor(tensor);
        let shape: Vec<_> = tensor.shape().iter().map(|n| grouped(*n as u64)).collect();
        let (smallest, largest, rms) = statistics(values);
        shown.add_row(vec![
            tensor.name.clone(),
            shape.join(" x "),
            short(smallest),
            short(largest),
            short(rms),
        ]);
    }
    shown
}

fn statistics(values: &[f32]) -> (f64, f64, f64) {
    let numbers = || values.iter().map(|&value| f64::from(value));
    let smallest = numbers().fold(f64::INFINITY, f64::min);
    let largest = numbers().fold(f64::NEG_INFINITY, f64::max);
    let rms = (numbers().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt();
    (smallest, largest, rms)
}

fn say_preprocessing(preprocessing: &Preprocessing) -> Result<()> {
    match &preprocessing.inputs {
        InputPreprocessing::Images(images) => {
            say(format!("inputs: images of {} x {} pixels", images.height, images.width))?;
        }
        InputPreprocessing::Columns(columns) => {
            let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
            say(format!("inputs: {} ({})", counted(columns.len(), "column"), names.join(", ")))?;
        }
    }
    let target = preprocessing.target_name();
    match (preprocessing.class_names(), preprocessing.target_scale()) {
        (Some(classes), _) => say(format!("target: '{target}', one of {}", classes.join(", "))),
        (None, Some(scale)) => say(format!(
            "target: the number '{target}', mean {}, standard deviation {}",
            short(scale.mean),
            short(scale.standard_deviation)
        )),
        (None, None) => say(format!("target: the number '{target}'")),
    }
}

fn say_training(record: &Value) -> Result<()> {
    let text = |key: &str| record[key].as_str().unwrap_or("unknown data").to_owned();
    let number = |key: &str| record[key].as_u64().unwrap_or_default();
    say(format!(
        "training: {}, {} rows, {} epochs (best {})",
        text("data"),
        grouped(number("training_rows")),
        grouped(number("epochs")),
        grouped(number("best_epoch"))
    ))?;
    for part in ["validation", "test"] {
        if let Some(measured) = record[part].as_object() {
            let entries = measured.iter().filter_map(|(name, value)| match value.as_u64() {
                Some(count) => Some(format!("{name} {}", grouped(count))),
                None => Some(format!("{} {}", name.replace('_', " "), short(value.as_f64()?))),
            });
            say(format!("{part}: {}", entries.collect::<Vec<_>>().join(", ")))?;
        }
    }
    Ok(())
}

fn as_json(arguments: &InspectArguments, model: &Model<f32>) -> Result<Value> {
    let tensors: Vec<Value> = model
        .parameters
        .tensors()
        .iter()
        .map(|tensor| {
            let (smallest, largest, rms) = statistics(model.parameters.tensor(tensor));
            json!({
                "name": tensor.name,
                "layer": tensor.layer,
                "shape": tensor.shape(),
                "smallest": smallest,
                "largest": largest,
                "root_mean_square": rms,
            })
        })
        .collect();
    Ok(json!({
        "model": arguments.model.display().to_string(),
        "network": serde_json::to_value(&model.network)?,
        "loss": serde_json::to_value(&model.loss)?,
        "parameters": model.network.parameter_count(),
        "bytes": 4 * model.network.parameter_count(),
        "step_flops_per_row": model.network.step_flops(),
        "tensors": tensors,
        "preprocessing": model.preprocessing,
        "training": model.training,
    }))
}
