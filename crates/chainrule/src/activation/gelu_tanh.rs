//! GELU's tanh form.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;
use crate::kernel::functions::sigmoid;

/// GELU's tanh form (Hendrycks and Gimpel 2016): a = z/2 (1 + tanh(u)) with u = sqrt(2/pi) (z + 0.044715 z^3), which
/// is z s with s = 1 / (1 + exp(-2 u)). The derivative is s + z s (1 - s) 2 u'.
///
/// ```
/// use chainrule::activation::{Elementwise, GeluTanh};
///
/// let sigma = Elementwise::GeluTanh(GeluTanh);
/// let a = sigma.value(1.0_f64);
/// assert!((a - 0.8411919906082768).abs() < 1e-15);
/// assert!((sigma.derivative(1.0, a) - 1.0829640838457826).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeluTanh;

const SQRT_8_OVER_PI: f64 = 1.595_769_121_605_730_8;

impl Function for GeluTanh {
    const FACTS: Facts = Facts {
        name: "gelu_tanh",
        derivative_from_activation: false,
        kinks: &[],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = GeluTanh;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        z * sigmoid(twice_u(z))
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, z: T, _a: T) -> T {
        let s = sigmoid(twice_u(z));
        let slope = T::from_f64(SQRT_8_OVER_PI) * (T::one() + T::from_f64(3.0 * 0.044715) * z * z);
        s + z * s * (T::one() - s) * slope
    }
}

#[inline(always)]
fn twice_u<T: Scalar>(z: T) -> T {
    T::from_f64(SQRT_8_OVER_PI) * (z + T::from_f64(0.044715) * z * z * z)
}
