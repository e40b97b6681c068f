//! `chainrule evaluate`: the loss and the metrics of a model on data.

use std::process::ExitCode;

use anyhow::Result;
use chainrule_data::Note;
use chainrule_estimator::{Predictor, SplitPart};
use serde_json::json;

use crate::arguments::{EvaluateArguments, Which};
use crate::flags::in_flags;
use crate::reading::say_notes;
use crate::report::measurement_lines;
use crate::terminal::{say, say_json};

/// Runs the command.
pub(crate) fn run(arguments: &EvaluateArguments) -> Result<ExitCode> {
    let predictor = Predictor::load(&arguments.model)?
        .with_threads(arguments.common.threads.map(usize::from))
        .with_positive(arguments.positive.clone())
        .map_err(in_flags)?;
    let options = predictor.read_options(arguments.reading.options(arguments.common.threads)?);
    let dataset = arguments.reading.read(&arguments.data, &options)?;
    let part = match arguments.part {
        Which::All => None,
        Which::Training => Some(SplitPart::Training),
        Which::Validation => Some(SplitPart::Validation),
        Which::Test => Some(SplitPart::Test),
    };
    // A part is measured as it was in training.
    let weight = arguments.weight.clone().or_else(|| part.and_then(|_| predictor.recorded_weight()));
    let predictor = predictor.with_weight(weight);
    let mut notes = dataset.notes.clone();
    let rows = match part {
        None => predictor.rows_with_targets(&dataset, &mut notes)?,
        Some(part) => predictor.rows_of_part(&dataset, part).map_err(in_flags)?,
    };
    let measurement = predictor.evaluate_rows(&dataset, &rows, &mut notes)?;
    if predictor.was_trained_on(&dataset) && part.is_none() {
        notes.push(Note::new(
            "training_rows",
            "these rows include those that the model was trained on; --part test takes the others",
        ));
    }
    say_notes(&notes);
    if arguments.common.json {
        let mut value = serde_json::to_value(&measurement)?;
        value["data"] = json!(dataset.name);
        value["model"] = json!(arguments.model.display().to_string());
        value["notes"] = json!(notes);
        say_json(&value)?;
    } else {
        say(measurement_lines(&measurement))?;
    }
    Ok(ExitCode::SUCCESS)
}
