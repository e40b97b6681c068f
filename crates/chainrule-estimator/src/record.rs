//! What a model file says of its training: written after a run, read again by whoever asks for a part of its data.

use chainrule::{Ending, TrainingOptions};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Result;
use crate::identity::Identity;
use crate::measure::Measurement;
use crate::option_error::OptionError;

/// What a run started from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The data's name.
    pub(crate) data: String,
    /// Rows of the data, those that did not train included.
    pub(crate) rows: usize,
    pub(crate) identity: Identity,
    pub(crate) options: TrainingOptions,
    /// The class that F1 is for, where there are two.
    pub(crate) positive: Option<String>,
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
    record["split"] = json!(origin.identity.split);
    record["options"] = json!(origin.options);
    record["fingerprint"] = json!(origin.identity);
    if let Some(positive) = &origin.positive {
        record["positive"] = json!(positive);
    }
    record
}

/// Whether a model with this record was trained on data of that name and size.
pub(crate) fn is_of_data(record: Option<&Value>, name: &str, rows: usize) -> bool {
    record.is_some_and(|record| record["data"] == json!(name) && record["rows"] == json!(rows))
}

/// The name of the class that F1 is for.
pub(crate) fn positive(record: Option<&Value>) -> Option<&str> {
    record?["positive"].as_str()
}

/// What a model with this record was trained on.
pub(crate) fn identity(record: Option<&Value>) -> Result<Identity> {
    let Some(record) = record else { return Err(OptionError::PartWithoutRecord.into()) };
    let Some(identity) = record.get("fingerprint") else {
        return Err(OptionError::PartWithoutFingerprint.into());
    };
    let identity = serde_json::from_value(identity.clone());
    Ok(identity.map_err(|error| OptionError::PartWithoutSplit { problem: error.to_string() })?)
}
