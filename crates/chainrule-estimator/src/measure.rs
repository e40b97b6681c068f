//! How good a model is: the engine's loss, and metrics of the very predictions that are delivered.
//!
//! The engine measures numbers on the network's scale. Here predictions are first put into the target's own units, in
//! 64 bits, and compared with the targets as they stand in the data: RMSE = sqrt(mean (p - y)^2), MAE = mean |p - y|,
//! R2 = 1 - sum (p - y)^2 / sum (y - mean y)^2. Sample weights count rows as often as they say.

use chainrule::{Error, Evaluation, Metrics, Model, Scalar, Threads, evaluate_for};
use chainrule_data::{InputNumber, Preprocessing};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::{EstimatorError, Result};
use crate::outputs::{in_own_units, outputs};
use crate::predictions::output_name;
use crate::samples::PreparedSamples;

/// Loss and metrics on some rows. Metrics of numbers are in the target's own units; the loss is the one that training
/// makes small, on the network's scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The loss, and the metrics that fit the target: of several targets their means.
    pub evaluation: Evaluation,
    /// How many rows were measured.
    pub rows: usize,
    /// The class that F1 is for, where there are two.
    pub f1_class: Option<String>,
    /// The metrics of each target by its name, where there are several.
    pub targets: Vec<(String, Metrics)>,
}

impl Serialize for Measurement {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let of = |value: serde_json::Result<serde_json::Value>| value.map_err(serde::ser::Error::custom);
        let mut map = serializer.serialize_map(None)?;
        if let serde_json::Value::Object(fields) = of(serde_json::to_value(&self.evaluation))? {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "f1_class") {
                map.serialize_entry(name, value)?;
            }
        }
        if let Some(class) = &self.f1_class {
            map.serialize_entry("f1_class", class)?;
        }
        if !self.targets.is_empty() {
            let mut targets = Vec::new();
            for (name, metrics) in &self.targets {
                let mut value = of(serde_json::to_value(metrics))?;
                value["name"] = name.as_str().into();
                targets.push(value);
            }
            map.serialize_entry("targets", &targets)?;
        }
        map.serialize_entry("rows", &self.rows)?;
        map.end()
    }
}

/// What is measured.
pub(crate) struct Measured<'a, T> {
    pub(crate) model: &'a Model<T>,
    pub(crate) prepared: &'a PreparedSamples<T>,
    pub(crate) preprocessing: &'a Preprocessing,
    /// The class that F1 is for, where there are two.
    pub(crate) positive: u32,
}

/// Measures; `place` says what a row of the samples is called in a message.
///
/// # Errors
/// [`EstimatorError::NotFinite`] and [`EstimatorError::NotMeasured`], and those of the engine.
pub(crate) fn measure<T: Scalar + InputNumber>(
    threads: &Threads,
    of: &Measured<'_, T>,
    place: &dyn Fn(usize) -> String,
) -> Result<Measurement> {
    let Measured { model, prepared, preprocessing, positive } = *of;
    let Model { network, parameters, loss, .. } = model;
    let mut evaluation = evaluate_for(threads, network, parameters, loss, prepared.samples(), positive)?;
    let mut targets = Vec::new();
    if let (Metrics::Regression { .. }, Some(numbers)) =
        (&evaluation.metrics, prepared.targets_in_own_units())
    {
        let scales = preprocessing.target_scales();
        let predictions = outputs(threads, model, prepared.input_numbers().view())?;
        let predictions = in_own_units(&predictions, scales.as_deref());
        let (columns, weights) = (numbers.columns(), prepared.exact_weights());
        let (predictions, numbers) = (predictions.as_slice(), numbers.as_slice());
        evaluation.metrics = Metrics::of_numbers(predictions, numbers, columns, weights)?;
        if columns > 1 {
            let names = preprocessing.target_names().into_iter().map(str::to_owned);
            targets = names.zip(Metrics::of_each_column(predictions, numbers, columns, weights)?).collect();
        }
    }
    if !is_finite(&evaluation) {
        return Err(not_finite(threads, of, place)?);
    }
    Ok(Measurement { targets, ..measurement_of(evaluation, prepared, preprocessing) })
}

fn is_finite(evaluation: &Evaluation) -> bool {
    let all = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
    evaluation.loss.is_finite()
        && match evaluation.metrics {
            Metrics::Classification { accuracy, balanced_accuracy, f1, auc, .. } => {
                all(&[accuracy, balanced_accuracy, f1, auc.unwrap_or_default()])
            }
            Metrics::Regression { rmse, mae, r2 } => all(&[rmse, mae, r2.unwrap_or_default()]),
        }
}

/// Which row makes a measurement that is no number: the first output that is none, else the one that is farthest from 0.
fn not_finite<T: Scalar + InputNumber>(
    threads: &Threads,
    of: &Measured<'_, T>,
    place: &dyn Fn(usize) -> String,
) -> Result<EstimatorError> {
    let Measured { model, prepared, preprocessing, .. } = *of;
    let outputs = outputs(threads, model, prepared.input_numbers().view())?;
    let columns = outputs.columns();
    let numbers = in_own_units(&outputs, preprocessing.target_scales().as_deref());
    let numbers = numbers.as_slice();
    let first = numbers.iter().position(|number| !number.is_finite());
    let farthest =
        || (0..numbers.len()).max_by(|&one, &two| numbers[one].abs().total_cmp(&numbers[two].abs()));
    let Some(index) = first.or_else(farthest) else {
        return Ok(Error::Empty { what: "rows" }.into());
    };
    let (place, value) = (place(index / columns), numbers[index]);
    let output = output_name(preprocessing, index % columns, columns);
    let problem = match preprocessing.class_names() {
        Some(_) => {
            "and the loss of such scores is no number any more; leave the row out, or train with rows like it"
        }
        None => {
            "so far from its target that the loss is no number any more; leave the row out, or train with targets of such a \
             size"
        }
    };
    Ok(match value.is_finite() {
        true => EstimatorError::NotMeasured { place, output, value, problem },
        false => EstimatorError::NotFinite { place, output, value },
    })
}

/// A measurement from what the engine found on these samples.
pub(crate) fn measurement_of<T: Scalar + InputNumber>(
    evaluation: Evaluation,
    prepared: &PreparedSamples<T>,
    preprocessing: &Preprocessing,
) -> Measurement {
    let f1_class = match (&evaluation.metrics, preprocessing.class_names()) {
        (Metrics::Classification { f1_class: Some(class), .. }, Some(names)) => {
            names.get(*class as usize).cloned()
        }
        _ => None,
    };
    Measurement { evaluation, rows: prepared.rows(), f1_class, targets: Vec::new() }
}
