//! The logistic function's piecewise linear stand-in.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;

/// The hard sigmoid (Courbariaux et al. 2015, with PyTorch's slope): a = z/6 + 1/2, cut off at 0 and 1. The
/// derivative is 1/6 where 0 < a < 1, else 0.
///
/// ```
/// use chainrule::activation::{Elementwise, HardSigmoid};
///
/// let sigma = Elementwise::HardSigmoid(HardSigmoid);
/// assert_eq!((sigma.value(-4.0), sigma.value(1.5), sigma.value(4.0)), (0.0, 0.75, 1.0));
/// assert_eq!((sigma.derivative(1.5, 0.75), sigma.derivative(4.0, 1.0)), (1.0 / 6.0, 0.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardSigmoid;

impl Function for HardSigmoid {
    const FACTS: Facts = Facts {
        name: "hard_sigmoid",
        derivative_from_activation: true,
        kinks: &[-3.0, 3.0],
        yields_probabilities: true,
        family: Family::LinearAtZero,
    };
    const DEFAULT: Self = HardSigmoid;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        let (three, six) = (T::from_f64(3.0), T::from_f64(6.0));
        if z <= -three {
            T::zero()
        } else if z >= three {
            T::one()
        } else {
            (z + three) / six
        }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        if a > T::zero() && a < T::one() { T::from_f64(1.0 / 6.0) } else { a * T::zero() }
    }
}
