//! Mish.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::exp_of_nonpositive;

/// Mish (Misra 2020): a = z t with t = tanh(log(1 + exp(z))). The derivative is t + z (1 - t^2) / (1 + exp(-z)).
///
/// ```
/// use chainrule::activation::{Elementwise, Mish};
///
/// let sigma = Elementwise::Mish(Mish);
/// let a = sigma.value(1.0_f64);
/// assert!((a - 1.0_f64.exp().ln_1p().tanh()).abs() < 1e-15);
/// assert_eq!(sigma.derivative(0.0, 0.0), 0.6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mish;

impl Function for Mish {
    const FACTS: Facts = Facts {
        name: "mish",
        derivative_from_activation: false,
        kinks: &[],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = Mish;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        let (t, _) = tanh_of_softplus(z);
        z * t
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, z: T, _a: T) -> T {
        let (t, slope) = tanh_of_softplus(z);
        t + z * slope
    }
}

/// t = tanh(log(1 + exp(z))) and dt/dz = (1 - t^2) / (1 + exp(-z)).
///
/// tanh(log(c)) = (c^2 - 1) / (c^2 + 1). With e = exp(-|z|), and c^2 divided by exp(2 z) where z > 0:
///
/// ```text
/// z > 0:  t = (1 + 2 e) / (1 + 2 e + 2 e^2)      z <= 0:  t = (e^2 + 2 e) / (e^2 + 2 e + 2)
/// ```
#[inline(always)]
fn tanh_of_softplus<T: Scalar>(z: T) -> (T, T) {
    let e = exp_of_nonpositive(-z.abs());
    let positive = z > T::zero();
    let square = e * e;
    let numerator = T::TWO.mul_add(e, if positive { T::one() } else { square });
    let rest = T::TWO * if positive { square } else { T::one() };
    let denominator = numerator + rest;
    let t = numerator / denominator;
    // 1 - t = rest / denominator
    let slope = rest / denominator * (T::one() + t) * (if positive { T::one() } else { e }) / (T::one() + e);
    (t, slope)
}
