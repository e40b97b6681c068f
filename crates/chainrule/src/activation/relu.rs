//! ReLU.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;

/// The rectified linear unit (Nair and Hinton 2010): a = max(z, 0). The derivative is 1 where z > 0, else 0, at
/// z = 0 too.
///
/// ```
/// use chainrule::activation::{Elementwise, Relu};
///
/// let sigma = Elementwise::Relu(Relu);
/// assert_eq!((sigma.value(-3.0), sigma.value(2.0)), (0.0, 2.0));
/// assert_eq!((sigma.derivative(0.0, 0.0), sigma.derivative(2.0, 2.0)), (0.0, 1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relu;

impl Function for Relu {
    const FACTS: Facts = Facts {
        name: "relu",
        derivative_from_activation: true,
        kinks: &[0.0],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = Relu;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        // Not `max`, which would turn NaN into 0 and hide a run that diverges.
        // The sum changes nothing but -0, which becomes 0. Without it the compiler would write under a mask where numbers
        // change in place, and that takes ten times as long on AMD's processors.
        (if T::zero() > z { T::zero() } else { z }) + T::zero()
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        if a > T::zero() { T::one() } else { a * T::zero() }
    }
}
