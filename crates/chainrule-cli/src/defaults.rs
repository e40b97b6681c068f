//! What a step takes where the command line does not say: what the model was trained with, else what is usual.

use chainrule::{Model, TrainingOptions};

/// Rows in a step where neither the command line nor the model names a number.
pub(crate) const DEFAULT_BATCH: usize = 128;

/// The options that a model was trained with, if its file has them.
pub(crate) fn recorded_options(model: &Model<f32>) -> Option<TrainingOptions> {
    let options: TrainingOptions =
        serde_json::from_value(model.training.as_ref()?["options"].clone()).ok()?;
    options.check().is_ok().then_some(options)
}
