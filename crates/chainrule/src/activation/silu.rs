//! SiLU.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::sigmoid;

/// The sigmoid linear unit, or swish (Elfwing et al. 2018): a = z s with s = 1 / (1 + exp(-z)). The derivative is
/// s (1 + z (1 - s)).
///
/// ```
/// use chainrule::activation::{Elementwise, Silu};
///
/// let sigma = Elementwise::Silu(Silu);
/// let (z, s) = (3.0_f64.ln(), 0.75);
/// assert!((sigma.value(z) - z * s).abs() < 1e-15);
/// assert!((sigma.derivative(z, z * s) - s * (1.0 + z * 0.25)).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Silu;

impl Function for Silu {
    const FACTS: Facts = Facts {
        name: "silu",
        derivative_from_activation: false,
        kinks: &[],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = Silu;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        z * sigmoid(z)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, z: T, _a: T) -> T {
        let s = sigmoid(z);
        s * (T::one() + z * (T::one() - s))
    }
}
