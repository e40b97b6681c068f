//! What a step takes where the command line does not say: what the model was trained with, else what is usual.

use chainrule::{Model, TrainingOptions};

/// Rows in a step where neither the command line nor the model names a number.
pub(crate) const DEFAULT_BATCH: usize = 128;

/// More rows than in any step that is planned, as `--batch` has it.
pub(crate) const MOST_BATCH: u64 = u32::MAX as u64;

/// The options that a model was trained with, if its file has them and their step can be planned.
pub(crate) fn recorded_options(model: &Model<f32>) -> Option<TrainingOptions> {
    let options: TrainingOptions =
        serde_json::from_value(model.training.as_ref()?["options"].clone()).ok()?;
    (options.check().is_ok() && options.batch_size as u64 <= MOST_BATCH).then_some(options)
}
