//! ReLU with a slope on its flat side.

use super::function::{Facts, Family, Function};
use crate::error::{Result, require};
use crate::kernel::Scalar;

/// The leaky rectified linear unit (Maas et al. 2013): a = z where z > 0, else negative_slope z. The derivative is
/// 1 where z > 0, else negative_slope.
///
/// ```
/// use chainrule::activation::{Elementwise, LeakyRelu};
///
/// let sigma = Elementwise::LeakyRelu(LeakyRelu { negative_slope: 0.25 });
/// assert_eq!((sigma.value(2.0), sigma.value(-2.0)), (2.0, -0.5));
/// assert_eq!((sigma.derivative(2.0, 2.0), sigma.derivative(-2.0, -0.5)), (1.0, 0.25));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeakyRelu {
    /// At least 0 and finite; default 0.01.
    pub negative_slope: f64,
}

impl Function for LeakyRelu {
    const FACTS: Facts = Facts {
        name: "leaky_relu",
        derivative_from_activation: true,
        kinks: &[0.0],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = LeakyRelu { negative_slope: 0.01 };

    fn check(self) -> Result<()> {
        let holds = (0.0..f64::INFINITY).contains(&self.negative_slope);
        require(holds, "negative_slope", self.negative_slope, "must be at least 0 and finite")
    }

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        if z > T::zero() { z } else { T::from_f64(self.negative_slope) * z }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        if a > T::zero() { T::one() } else { T::from_f64(self.negative_slope) }
    }
}
