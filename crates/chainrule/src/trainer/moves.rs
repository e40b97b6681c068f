//! Whether options let parameters move at all: a run in which every step is lost in rounding learns nothing, and says nothing.

use super::TrainingOptions;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::optimizer::Clipping;
use crate::parameters::Parameters;

/// Checks that the largest step which the options allow is not lost in rounding beside a parameter of usual size, the root
/// mean square. A bound on the norm of all gradients is shared among them. A learning rate of 0 is taken at its word.
///
/// # Errors
/// Names the option that is to blame: a bound of clipping, else a warm-up that is longer than the run, else the learning rate.
pub(super) fn check_moves<T: Scalar>(options: &TrainingOptions, parameters: &Parameters<T>) -> Result<()> {
    let root = (parameters.count() as f64).sqrt();
    let usual = parameters.norm() / root;
    let (rule, rate) = (&options.optimizer, options.optimizer.learning_rate());
    if usual == 0.0 || rate == 0.0 {
        return Ok(());
    }
    // The share of the warm-up that the run reaches.
    let reached = (options.epochs as f64 / options.warmup_epochs).min(1.0);
    let least = T::epsilon().as_f64() / 2.0 * usual;
    let moves = |bound: f64, reached: f64| rule.largest_step(bound) * reached > least;
    // The bound as it was given, and that of a usual gradient.
    let (name, given, bound) = match options.clipping {
        Some(Clipping::Value(bound)) => ("clip_value", bound, bound),
        Some(Clipping::GlobalNorm(bound)) => ("clip_norm", bound, bound / root),
        None => ("learning_rate", rate, f64::INFINITY),
    };
    if moves(bound, reached) {
        return Ok(());
    }
    let refuse =
        |name, value: f64, allowed| Err(Error::Hyperparameter { name, value: value.to_string(), allowed });
    match () {
        () if !moves(f64::INFINITY, 1.0) => refuse(
            "learning_rate",
            rate,
            "lets no weight change, since each step is lost in rounding; give a larger one",
        ),
        () if !moves(bound, 1.0) => refuse(
            name,
            given,
            "lets no weight change, since each step is lost in rounding; give a larger one",
        ),
        () => refuse(
            "warmup_epochs",
            options.warmup_epochs,
            "lets no weight change before the run ends, since each step is lost in rounding; give a shorter warm-up",
        ),
    }
}
