//! What turns the last layer's z into its a: a function of one number, or softmax, a function of a row.

use super::softmax::{softmax_jacobian, softmax_rows};
use super::{Activation, Elementwise};
use crate::kernel::Scalar;

/// The last layer's sigma.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OutputActivation {
    Elementwise(Elementwise),
    Softmax,
}

impl From<Activation> for OutputActivation {
    fn from(activation: Activation) -> Self {
        activation.elementwise().map_or(OutputActivation::Softmax, OutputActivation::Elementwise)
    }
}

impl OutputActivation {
    /// Turns rows of `width` z into a, in place.
    pub(crate) fn apply_in_place<T: Scalar>(&self, width: usize, values: &mut [T]) {
        match self {
            OutputActivation::Elementwise(sigma) => sigma.apply_in_place(values),
            OutputActivation::Softmax => softmax_rows(values, width),
        }
    }

    /// Turns dLoss/da of rows of `width` into delta, in place.
    pub(crate) fn turn_error_into_delta<T: Scalar>(&self, width: usize, z: &[T], a: &[T], error: &mut [T]) {
        match self {
            OutputActivation::Elementwise(sigma) => sigma.multiply_by_derivative(z, a, error),
            OutputActivation::Softmax => {
                for (a, error) in a.chunks_exact(width).zip(error.chunks_exact_mut(width)) {
                    softmax_jacobian(a, error);
                }
            }
        }
    }
}
