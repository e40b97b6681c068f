//! The logistic function.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::sigmoid;

/// The logistic function: a = 1 / (1 + exp(-z)), with the derivative a (1 - a).
///
/// ```
/// use chainrule::activation::{Elementwise, Sigmoid};
///
/// let sigma = Elementwise::Sigmoid(Sigmoid);
/// assert_eq!((sigma.value(0.0), sigma.derivative(0.0, 0.5)), (0.5, 0.25));
/// assert!((sigma.value(3.0_f64.ln()) - 0.75).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sigmoid;

impl Function for Sigmoid {
    const FACTS: Facts = Facts {
        name: "sigmoid",
        derivative_from_activation: true,
        kinks: &[],
        yields_probabilities: true,
        family: Family::LinearAtZero,
    };
    const DEFAULT: Self = Sigmoid;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        sigmoid(z)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        a * (T::one() - a)
    }
}
