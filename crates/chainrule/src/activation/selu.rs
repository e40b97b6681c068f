//! SELU.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::exp_m1_of_nonpositive;

/// The scaled exponential linear unit (Klambauer et al. 2017), with the paper's constants scale = 1.0507... and
/// alpha = 1.6732...: a = scale z where z > 0, else scale alpha (exp(z) - 1). The derivative is scale where z > 0,
/// else a + scale alpha.
///
/// ```
/// use chainrule::activation::{Elementwise, Selu};
///
/// let sigma = Elementwise::Selu(Selu);
/// assert_eq!(sigma.value(1.0), 1.0507009873554805);
/// assert_eq!(sigma.derivative(2.0, sigma.value(2.0)), 1.0507009873554805);
/// assert!((sigma.value(-40.0_f64) + 1.7580993408473766).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selu;

pub(super) const SCALE: f64 = 1.0507009873554804934193349852946;
/// The product with the paper's alpha, 1.6732632423543772848170429916717.
pub(super) const SCALE_ALPHA: f64 = 1.7580993408473768599402175208123;

impl Function for Selu {
    const FACTS: Facts = Facts {
        name: "selu",
        derivative_from_activation: true,
        kinks: &[0.0],
        yields_probabilities: false,
        family: Family::SelfNormalizing,
    };
    const DEFAULT: Self = Selu;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        if z > T::zero() {
            T::from_f64(SCALE) * z
        } else {
            T::from_f64(SCALE_ALPHA) * exp_m1_of_nonpositive(z)
        }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        if a > T::zero() { T::from_f64(SCALE) } else { a + T::from_f64(SCALE_ALPHA) }
    }
}
