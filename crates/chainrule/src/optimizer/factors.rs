//! What a tensor has of its own in an update: factors of the rule's learning rate, weight decay and epsilon.

use serde::{Deserialize, Serialize};

use super::{Rule, check_not_negative, check_positive};
use crate::error::Result;

/// Factors of a rule's hyperparameters, for one tensor; all 1 by default.
///
/// ```
/// use chainrule::TrainingOptions;
/// use chainrule::optimizer::TensorFactors;
/// // Biases, and other vectors, do not decay.
/// let vectors = TensorFactors { decay: 0.0, ..TensorFactors::default() };
/// let options = TrainingOptions { vectors, ..TrainingOptions::default() };
/// options.check()?;
/// # Ok::<(), chainrule::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TensorFactors {
    /// Of the learning rate; at least 0.
    pub rate: f64,
    /// Of the weight decay; at least 0.
    pub decay: f64,
    /// Of epsilon, where a rule has one; greater than 0.
    pub epsilon: f64,
}

impl Default for TensorFactors {
    fn default() -> Self {
        TensorFactors { rate: 1.0, decay: 1.0, epsilon: 1.0 }
    }
}

impl TensorFactors {
    /// Checks the ranges.
    ///
    /// # Errors
    /// Names the factor, its value and its range.
    pub fn check(&self) -> Result<()> {
        check_not_negative("rate factor", self.rate)?;
        check_not_negative("decay factor", self.decay)?;
        check_positive("epsilon factor", self.epsilon)
    }

    /// The rule as it is for the tensor.
    pub(super) fn of(&self, rule: &Rule) -> Rule {
        let mut own = rule.clone();
        own.set_learning_rate(self.rate * rule.learning_rate());
        own.set_weight_decay(self.decay * rule.weight_decay());
        if let Some(epsilon) = own.epsilon_mut() {
            *epsilon *= self.epsilon;
        }
        own
    }
}
