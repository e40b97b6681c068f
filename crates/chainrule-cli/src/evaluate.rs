//! `chainrule evaluate`: the loss and the metrics of a model on data.

use std::process::ExitCode;

use anyhow::Result;
use chainrule_data::read;
use chainrule_estimator::{Measurement, Predictor, SplitPart};
use serde_json::json;

use crate::arguments::{EvaluateArguments, Which};
use crate::flags::in_flags;
use crate::report::{counted, metrics_line, say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &EvaluateArguments) -> Result<ExitCode> {
    let predictor =
        Predictor::load(&arguments.model)?.with_threads(arguments.common.threads.map(usize::from));
    let dataset = read(&arguments.data)?;
    let part = match arguments.part {
        Which::All => None,
        Which::Training => Some(SplitPart::Training),
        Which::Validation => Some(SplitPart::Validation),
        Which::Test => Some(SplitPart::Test),
    };
    let measurement = match part {
        None => predictor.evaluate(&dataset)?,
        Some(part) => {
            let rows = predictor.rows_of_part(&dataset, part).map_err(in_flags)?;
            predictor.evaluate_rows(&dataset, &rows)?
        }
    };
    if arguments.common.json {
        let mut value = serde_json::to_value(&measurement)?;
        value["data"] = json!(dataset.name);
        value["model"] = json!(arguments.model.display().to_string());
        say_json(&value)?;
    } else {
        let Measurement { evaluation, rows, .. } = measurement;
        let metrics = metrics_line(evaluation.loss, &evaluation.metrics);
        say(format!("{metrics} ({})", counted(rows, "row")))?;
        if predictor.was_trained_on(&dataset) && part.is_none() {
            say(
                "note: these rows include those that the model was trained on; --part test takes the others",
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
