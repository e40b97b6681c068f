//! Softplus.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::{exp_m1_of_nonpositive, softplus};

/// Softplus (Dugas et al. 2001): a = log(1 + exp(z)), with the derivative 1 / (1 + exp(-z)) = 1 - exp(-a).
///
/// ```
/// use chainrule::activation::{Elementwise, Softplus};
///
/// let sigma = Elementwise::Softplus(Softplus);
/// let a = sigma.value(0.0_f64);
/// assert!((a - 2.0_f64.ln()).abs() < 1e-15 && (sigma.derivative(0.0, a) - 0.5).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softplus;

impl Function for Softplus {
    const FACTS: Facts = Facts {
        name: "softplus",
        derivative_from_activation: true,
        kinks: &[],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = Softplus;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        softplus(z)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        -exp_m1_of_nonpositive(-a)
    }
}
