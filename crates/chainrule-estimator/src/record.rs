//! What a model file says of its training: written after a run, read again by whoever asks for a part of its data.

use chainrule::{Ending, TrainingOptions};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Result;
use crate::measure::Measurement;
use crate::option_error::OptionError;
use crate::split::SplitRule;

/// What a run started from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The data's name.
    pub(crate) data: String,
    /// Rows of the data, those that did not train included.
    pub(crate) rows: usize,
    pub(crate) split: SplitRule,
    pub(crate) options: TrainingOptions,
}

/// What became of a run.
#[derive(Serialize)]
pub(crate) struct Outcome<'a> {
    pub(crate) training_rows: usize,
    pub(crate) validation: Option<&'a Measurement>,
    pub(crate) test: Option<&'a Measurement>,
    pub(crate) epochs: usize,
    pub(crate) best_epoch: usize,
    pub(crate) ending: Ending,
}

/// The record of a run that came to an end.
pub(crate) fn of_run(origin: &Origin, outcome: &Outcome<'_>) -> Value {
    with_origin(origin, serde_json::to_value(outcome).expect("an outcome is plain data"))
}

/// The record of the last good parameters of a run that diverged.
pub(crate) fn of_diverged(origin: &Origin, epochs: usize) -> Value {
    with_origin(origin, json!({ "epochs": epochs, "ending": "diverged" }))
}

fn with_origin(origin: &Origin, mut record: Value) -> Value {
    record["data"] = json!(origin.data);
    record["rows"] = json!(origin.rows);
    record["split"] = json!(origin.split);
    record["options"] = json!(origin.options);
    record
}

/// Whether a model with this record was trained on data of that name and size.
pub(crate) fn is_of_data(record: Option<&Value>, name: &str, rows: usize) -> bool {
    record.is_some_and(|record| record["data"] == json!(name) && record["rows"] == json!(rows))
}

/// How data of that name and size were split when a model with this record was trained.
pub(crate) fn split_rule(record: Option<&Value>, file: &str, rows: usize) -> Result<SplitRule> {
    let Some(record) = record else { return Err(OptionError::PartWithoutRecord.into()) };
    if record["rows"] != json!(rows) {
        let trained_rows = record["rows"].as_u64();
        return Err(OptionError::PartOfOtherData { file: file.to_owned(), rows, trained_rows }.into());
    }
    let rule = serde_json::from_value(record.get("split").cloned().unwrap_or(Value::Null));
    Ok(rule.map_err(|error| OptionError::PartWithoutSplit { problem: error.to_string() })?)
}
