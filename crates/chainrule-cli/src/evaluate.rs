//! `chainrule evaluate`: the loss and the metrics of a model on data.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chainrule::{Model, evaluate};
use chainrule_data::{Dataset, Preprocessing, Task};
use serde_json::{Value, json};

use crate::arguments::{EvaluateArguments, Which};
use crate::data::{Prepared, load};
use crate::report::{counted, evaluation_json, metrics_line, say, say_json};
use crate::split::{SplitRule, split_rows};

/// Runs the command.
pub(crate) fn run(arguments: &EvaluateArguments) -> Result<ExitCode> {
    let (model, dataset, preprocessing) = load::<f32>(&arguments.model, &arguments.data)?;
    let rows = match arguments.part {
        Which::All => (0..dataset.rows()).collect(),
        part => part_of_training(&model, &preprocessing, &dataset, part)?,
    };
    let prepared = Prepared::<f32>::new(&preprocessing, &dataset, &rows)?;
    let threads = arguments.common.threads();
    let Model { network, parameters, loss, training, .. } = &model;
    let mut evaluation = evaluate(&threads, network, parameters, loss, prepared.samples())?;
    let scale = preprocessing.target_scale().map_or(1.0, |scale| scale.standard_deviation);
    evaluation.metrics = evaluation.metrics.rescaled(scale);
    let same_data = training.as_ref().is_some_and(|record| {
        record["data"] == json!(dataset.name) && record["rows"] == json!(dataset.rows())
    });
    if arguments.common.json {
        let mut value = evaluation_json(&evaluation, prepared.rows());
        value["data"] = json!(dataset.name);
        value["model"] = json!(arguments.model.display().to_string());
        say_json(&value)?;
    } else {
        let metrics = metrics_line(evaluation.loss, &evaluation.metrics);
        say(format!("{metrics} ({})", counted(prepared.rows(), "row")))?;
        if same_data && arguments.part == Which::All {
            say(
                "note: these rows include those that the model was trained on; --part test takes the others",
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The rows that were this part of the data when the model was trained.
fn part_of_training(
    model: &Model<f32>,
    preprocessing: &Preprocessing,
    dataset: &Dataset,
    part: Which,
) -> Result<Vec<usize>> {
    let Some(record) = &model.training else {
        bail!("the model has no record of its training, so its parts are not known; leave out --part");
    };
    if record["rows"] != json!(dataset.rows()) {
        bail!(
            "{}: has {}, but the model was trained on data of {}: --part needs the same data",
            dataset.name,
            counted(dataset.rows(), "row"),
            record["rows"].as_u64().map_or("unknown size".to_owned(), |rows| counted(rows as usize, "row")),
        );
    }
    let rule: SplitRule = serde_json::from_value(record.get("split").cloned().unwrap_or(Value::Null))
        .context("the model's record of its training does not say how the data was split")?;
    let task = if preprocessing.class_names().is_some() { Task::Classification } else { Task::Regression };
    let target = match &dataset.features {
        chainrule_data::Features::Table(_) => Some(preprocessing.target_name()),
        chainrule_data::Features::Images(_) => None,
    };
    let split = split_rows(dataset, target, task, &rule)?;
    let rows = match part {
        Which::Validation => split.validation,
        Which::Test => split.test,
        _ => split.training,
    };
    if rows.is_empty() {
        bail!("{}: no rows of this data were set aside for that part", dataset.name);
    }
    Ok(rows)
}
