//! ELU.

use super::function::{Facts, Family, Function};
use crate::error::{Result, require};
use crate::kernel::Scalar;
use crate::kernel::functions::exp_m1_of_nonpositive;

/// The exponential linear unit (Clevert et al. 2016): a = z where z > 0, else alpha (exp(z) - 1). The derivative is
/// 1 where z > 0, else a + alpha.
///
/// ```
/// use chainrule::activation::{Elementwise, Elu};
///
/// let sigma = Elementwise::Elu(Elu { alpha: 2.0 });
/// let a = sigma.value(-1.0_f64);
/// assert!((a - 2.0 * (-1.0_f64).exp_m1()).abs() < 1e-15);
/// assert_eq!(sigma.derivative(-1.0, a), a + 2.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elu {
    /// Greater than 0 and finite; default 1.
    pub alpha: f64,
}

impl Function for Elu {
    const FACTS: Facts = Facts {
        name: "elu",
        derivative_from_activation: true,
        kinks: &[0.0],
        yields_probabilities: false,
        family: Family::Rectifier,
    };
    const DEFAULT: Self = Elu { alpha: 1.0 };

    fn check(self) -> Result<()> {
        let holds = self.alpha > 0.0 && self.alpha.is_finite();
        require(holds, "alpha", self.alpha, "must be greater than 0 and finite")
    }

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        if z > T::zero() { z } else { T::from_f64(self.alpha) * exp_m1_of_nonpositive(z) }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, a: T) -> T {
        if a > T::zero() { T::one() } else { a + T::from_f64(self.alpha) }
    }
}
