//! What a loss says of itself, and what it computes.

use super::rows::{Rows, Side};
use super::targets::TargetRange;
use crate::activation::Activation;
use crate::error::Result;

/// What a loss is.
pub(super) trait Describe {
    /// The name in model files.
    fn name(&self) -> &'static str;

    /// l of one sample, in words and symbols. a is a probability, or a logit where the loss is for probabilities.
    fn formula(&self, reads_probabilities: bool) -> String;

    /// dl/da of one sample, in symbols; n is the number of outputs.
    fn derivative_formula(&self, reads_probabilities: bool) -> String;

    /// Checks the parameters against the number of outputs.
    fn check(&self, _outputs: usize) -> Result<()> {
        Ok(())
    }

    /// The output activation that it is made for.
    fn natural_output(&self) -> Activation {
        Activation::Identity
    }

    /// Whether with that output sigma' cancels, so that delta(L) is (prediction - target) / B.
    fn natural_output_cancels(&self) -> bool {
        false
    }

    /// The targets that it can use.
    fn target_range(&self) -> TargetRange {
        TargetRange::Finite
    }

    /// Whether l is never below 0.
    fn is_never_negative(&self) -> bool {
        true
    }

    /// w, one for each class, which weigh the samples whose targets are class indices.
    fn class_weights(&self) -> Option<&[f64]> {
        None
    }

    /// The outputs a at which the loss for the target `y` has a corner: a jump of its first or second derivative.
    fn corners(&self, _y: f64) -> [Option<f64>; 2] {
        [None; 2]
    }
}

/// What a loss computes.
pub(super) trait Compute<T> {
    /// Fills in each row's l_i, with its class weights, and the derivative of it; says by what.
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side;

    /// What delta(L) is computed with for a target y_k.
    fn counted_target(&self, y: T, _k: usize, _outputs: usize) -> T {
        y
    }

    /// Turns rows of `width` outputs into the predictions that the loss stands for, in place.
    fn outputs_to_predictions(&self, _reads_probabilities: bool, _width: usize, _outputs: &mut [T]) {}
}
