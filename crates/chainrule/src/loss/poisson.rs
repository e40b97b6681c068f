//! The likelihood of counts.

use super::describe::{Compute, Describe};
use super::rows::{Formula, Rows, Side};
use super::targets::TargetRange;
use crate::kernel::Scalar;
use crate::kernel::functions::exp;

/// l = mean over outputs of exp(a) - y a: a is the logarithm of the rate of a count y.
#[derive(Clone, Copy)]
pub(super) struct Poisson;

impl Describe for Poisson {
    fn name(&self) -> &'static str {
        "poisson"
    }

    fn formula(&self, _reads_probabilities: bool) -> String {
        "the mean over the outputs of exp(a) - y a".to_owned()
    }

    fn derivative_formula(&self, _reads_probabilities: bool) -> String {
        "(exp(a) - y) / n".to_owned()
    }

    fn target_range(&self) -> TargetRange {
        TargetRange::NotNegative
    }

    fn is_never_negative(&self) -> bool {
        false
    }
}

impl Formula for Poisson {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, a: T, y: T) -> (T, T) {
        let rate = exp(a);
        (rate - y * a, rate - y)
    }
}

impl<T: Scalar> Compute<T> for Poisson {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        rows.mean_over_outputs(*self);
        Side::Activation
    }

    /// The rate.
    fn outputs_to_predictions(&self, _reads_probabilities: bool, _width: usize, outputs: &mut [T]) {
        outputs.iter_mut().for_each(|a| *a = exp(*a));
    }
}
