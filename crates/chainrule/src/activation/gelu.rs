//! GELU.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::normal_tail;

/// The Gaussian error linear unit (Hendrycks and Gimpel 2016): a = z Phi(z), with Phi the distribution function of
/// the normal distribution. The derivative is Phi(z) + z phi(z), with phi(z) = exp(-z^2 / 2) / sqrt(2 pi).
///
/// ```
/// use chainrule::activation::{Elementwise, Gelu};
///
/// let sigma = Elementwise::Gelu(Gelu);
/// let a = sigma.value(1.0_f64);
/// assert!((a - 0.8413447460685429).abs() < 1e-15);
/// assert!((sigma.derivative(1.0, a) - 1.0833154705876864).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gelu;

impl Function for Gelu {
    const FACTS: Facts = Facts {
        name: "gelu",
        derivative_from_activation: false,
        kinks: &[],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = Gelu;

    /// z Phi(z) = max(z, 0) - |z| (1 - Phi(|z|)), which keeps the left tail's digits. Error: f32 6.0 ulp, f64 5.9 ulp,
    /// both far out in that tail, where the two polynomials of M, their ratio, the exponential and two products are
    /// each rounded.
    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        let x = bounded_magnitude(z);
        let (exponential, ratio) = normal_tail(x);
        let positive_part = if z <= T::zero() { T::zero() } else { z };
        (-x * ratio).mul_add(exponential, positive_part)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, z: T, _a: T) -> T {
        let x = bounded_magnitude(z);
        let (exponential, ratio) = normal_tail(x);
        // Phi(z) + z phi(z) = 1 - (Phi(-z) - z phi(z)), so that both signs need the same number of |z|.
        let tail = exponential * (-x).mul_add(T::INVERSE_SQRT_TAU, ratio);
        if z > T::zero() { T::one() - tail } else { tail }
    }
}

/// |z|, but no more than where the normal distribution's tail is 0.
#[inline(always)]
fn bounded_magnitude<T: Scalar>(z: T) -> T {
    if T::NORMAL_TAIL_IS_ZERO < z.abs() { T::NORMAL_TAIL_IS_ZERO } else { z.abs() }
}
