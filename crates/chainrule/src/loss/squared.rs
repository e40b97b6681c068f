//! Squared errors.

use super::describe::{Compute, Describe};
use super::rows::{Formula, Rows, Side};
use crate::kernel::Scalar;

/// l = 1/2 sum (a - y)^2.
#[derive(Clone, Copy)]
pub(super) struct HalfSquaredError;

impl Describe for HalfSquaredError {
    fn name(&self) -> &'static str {
        "half_squared_error"
    }

    fn formula(&self, _reads_probabilities: bool) -> String {
        "half the sum over the outputs of (a - y)^2".to_owned()
    }

    fn derivative_formula(&self, _reads_probabilities: bool) -> String {
        "a - y".to_owned()
    }

    fn natural_output_cancels(&self) -> bool {
        true
    }
}

impl Formula for HalfSquaredError {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, a: T, y: T) -> (T, T) {
        (T::HALF * (a - y) * (a - y), a - y)
    }
}

impl<T: Scalar> Compute<T> for HalfSquaredError {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        rows.sum_over_outputs(*self);
        Side::Activation
    }
}

/// l = mean over outputs of (a - y)^2.
#[derive(Clone, Copy)]
pub(super) struct MeanSquaredError;

impl Describe for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean_squared_error"
    }

    fn formula(&self, _reads_probabilities: bool) -> String {
        "the mean over the outputs of (a - y)^2".to_owned()
    }

    fn derivative_formula(&self, _reads_probabilities: bool) -> String {
        "2 (a - y) / n".to_owned()
    }
}

impl Formula for MeanSquaredError {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, a: T, y: T) -> (T, T) {
        ((a - y) * (a - y), T::TWO * (a - y))
    }
}

impl<T: Scalar> Compute<T> for MeanSquaredError {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        rows.mean_over_outputs(*self);
        Side::Activation
    }
}
