//! `chainrule inspect`: what is in a model file.

use std::process::ExitCode;

use anyhow::Result;
use chainrule::plan::{MemoryPlan, StepShape};
use chainrule::{Model, Parameters, Rule, TensorView};
use chainrule_data::{InputPreprocessing, Preprocessing};
use chainrule_estimator::Predictor;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::arguments::InspectArguments;
use crate::defaults::{DEFAULT_BATCH, MOST_BATCH, recorded_options};
use crate::report::{
    bytes, counted, grouped, ledger_table, loss_words, network_table, root_mean_square, short, table,
};
use crate::terminal::{one_line, say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &InspectArguments) -> Result<ExitCode> {
    let predictor = Predictor::load(&arguments.model)?;
    let model = predictor.model();
    if arguments.json {
        say_json(&as_json(arguments, model)?)?;
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
    let (shape, plan) = training_step(model)?;
    say(format!(
        "a training step of {} with {} holds {}, on {}:",
        counted(shape.batch_size, "row"),
        shape.rule.name(),
        bytes(plan.bytes()),
        counted(shape.threads, "thread")
    ))?;
    say(ledger_table(plan.ledger()))?;
    if let Some(preprocessing) = predictor.preprocessing() {
        say_preprocessing(preprocessing)?;
    }
    if let Some(record) = &model.training {
        say_training(record)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the memory of a step depends on.
struct Step {
    rule: Rule,
    keeps_gradients: bool,
    batch_size: usize,
    threads: usize,
}

/// A step as the model was trained, or of 128 rows with plain gradient descent where the file does not say; and its plan.
fn training_step(model: &Model<f32>) -> Result<(Step, MemoryPlan)> {
    let options = recorded_options(model);
    let step = Step {
        rule: options.as_ref().map_or(Rule::from_name("sgd")?, |options| options.optimizer.clone()),
        keeps_gradients: options.as_ref().is_some_and(|options| options.clipping.is_some()),
        batch_size: options.as_ref().map_or(DEFAULT_BATCH, |options| options.batch_size),
        threads: std::thread::available_parallelism().map_or(1, |count| count.get()),
    };
    let plan = MemoryPlan::unlimited::<f32>(&StepShape {
        network: &model.network,
        rule: &step.rule,
        keeps_gradients: step.keeps_gradients,
        batch_size: step.batch_size,
        threads: step.threads,
    })?;
    Ok((step, plan))
}

/// Rows of the table of tensors.
const TENSOR_ROWS: usize = 100;

fn tensor_table(parameters: &Parameters<f32>) -> comfy_table::Table {
    let mut shown = table(&["tensor", "shape", "smallest", "largest", "root mean square"], 2);
    let tensors = parameters.tensors();
    let cut = if tensors.len() > TENSOR_ROWS { TENSOR_ROWS } else { tensors.len() };
    for tensor in &tensors[..cut] {
        let shape: Vec<_> = tensor.shape().iter().map(|n| grouped(*n as u64)).collect();
        let (smallest, largest, rms) = statistics(parameters.tensor(tensor));
        shown.add_row(vec![
            tensor.name.clone(),
            shape.join(" x "),
            short(smallest),
            short(largest),
            short(rms),
        ]);
    }
    if tensors.len() > cut {
        let more = format!("... {} more; --json has them all", grouped((tensors.len() - cut) as u64));
        shown.add_row(vec![more]);
    }
    shown
}

fn statistics(tensor: TensorView<'_, f32>) -> (f64, f64, f64) {
    let numbers = || tensor.iter().map(f64::from);
    let smallest = numbers().fold(f64::INFINITY, f64::min);
    let largest = numbers().fold(f64::NEG_INFINITY, f64::max);
    (smallest, largest, root_mean_square(numbers()))
}

fn say_preprocessing(preprocessing: &Preprocessing) -> Result<()> {
    match &preprocessing.inputs {
        InputPreprocessing::Images(images) => {
            say(format!("inputs: images of {} x {} pixels", images.height, images.width))?;
        }
        InputPreprocessing::Columns(columns) => {
            let names: Vec<_> = columns.iter().map(|column| one_line(column.name())).collect();
            say(format!("inputs: {} ({})", counted(columns.len(), "column"), names.join(", ")))?;
        }
    }
    let targets: Vec<_> = preprocessing.target_names().into_iter().map(one_line).collect();
    if let Some(classes) = preprocessing.class_names() {
        let classes: Vec<_> = classes.iter().map(|class| one_line(class)).collect();
        return say(format!("target: '{}', one of {}", targets[0], classes.join(", ")));
    }
    for (target, scale) in targets.into_iter().zip(preprocessing.target_scales().unwrap_or_default()) {
        say(format!(
            "target: the number '{target}', mean {}, standard deviation {}",
            short(scale.mean),
            short(scale.standard_deviation)
        ))?;
    }
    Ok(())
}

/// What is shown of a record of training.
#[derive(Deserialize)]
struct Record {
    data: String,
    epochs: usize,
    best_epoch: Option<usize>,
    training_rows: Option<u64>,
    validation: Option<Map<String, Value>>,
    test: Option<Map<String, Value>>,
    #[serde(default)]
    options: Value,
}

impl Record {
    /// The record, or why it is none.
    fn read(value: &Value) -> Result<Self, String> {
        let record = Record::deserialize(value).map_err(|error| error.to_string())?;
        match (record.best_epoch, record.options["batch_size"].as_u64()) {
            (Some(best), _) if best > record.epochs => {
                Err(format!("best_epoch is {best}, after {} epochs", record.epochs))
            }
            (_, Some(rows)) if rows > MOST_BATCH => {
                Err(format!("batch_size is {rows}, and no step of more than {MOST_BATCH} rows is planned"))
            }
            _ => Ok(record),
        }
    }
}

fn say_training(record: &Value) -> Result<()> {
    let record = match Record::read(record) {
        Ok(record) => record,
        Err(reason) => {
            return say(format!("training: a record that this program does not understand ({reason})"));
        }
    };
    let rows = record.training_rows.map_or(String::new(), |rows| format!(", {} rows", grouped(rows)));
    let best = record.best_epoch.map_or(String::new(), |best| format!(" (best {})", grouped(best as u64)));
    let epochs = counted(record.epochs, "epoch");
    say(format!("training: {}{rows}, {epochs}{best}", one_line(&record.data)))?;
    for (part, measured) in [("validation", &record.validation), ("test", &record.test)] {
        if let Some(measured) = measured {
            let entries = measured.iter().filter_map(|(name, value)| {
                let name = one_line(name).replace('_', " ");
                match value.as_u64() {
                    Some(count) => Some(format!("{name} {}", grouped(count))),
                    None => Some(format!("{name} {}", short(value.as_f64()?))),
                }
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
    let (step, plan) = training_step(model)?;
    Ok(json!({
        "step": {
            "batch": step.batch_size,
            "optimizer": step.rule.name(),
            "threads": step.threads,
            "bytes": plan.bytes(),
            "ledger": plan.ledger().entries,
        },
        "model": arguments.model.display().to_string(),
        "network": serde_json::to_value(&model.network)?,
        "loss": serde_json::to_value(&model.loss)?,
        "parameters": model.network.parameter_count(),
        "bytes": 4 * model.network.parameter_count(),
        "step_flops_per_row": model.network.step_flops(),
        "tensors": tensors,
        "preprocessing": model.preprocessing,
        "training": model.training,
        "training_problem": model.training.as_ref().and_then(|record| Record::read(record).err()),
    }))
}
