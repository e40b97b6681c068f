//! The hyperbolic tangent.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::tanh;

/// The hyperbolic tangent: a = (exp(z) - exp(-z)) / (exp(z) + exp(-z)), with the derivative 1 - a^2.
///
/// ```
/// use chainrule::activation::{Elementwise, Tanh};
///
/// let sigma = Elementwise::Tanh(Tanh);
/// let a = sigma.value(3.0_f64.ln());
/// assert!((a - 0.8).abs() < 1e-15 && (sigma.derivative(3.0_f64.ln(), a) - 0.36).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tanh;

impl Function for Tanh {
    const FACTS: Facts = Facts {
        name: "tanh",
        derivative_from_activation: true,
        kinks: &[],
        yields_probabilities: false,
        family: Family::LinearAtZero,
    };
    const DEFAULT: Self = Tanh;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        tanh(z)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        T::one() - a * a
    }
}
