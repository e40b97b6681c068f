//! The identity.

use super::function::{Facts, Family, Function};
use crate::kernel::Scalar;

/// a = z, with the derivative 1: the output of regression.
///
/// ```
/// use chainrule::activation::{Elementwise, Identity};
///
/// let sigma = Elementwise::Identity(Identity);
/// assert_eq!((sigma.value(-2.5), sigma.derivative(-2.5, -2.5)), (-2.5, 1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity;

impl Function for Identity {
    const FACTS: Facts = Facts {
        name: "identity",
        derivative_from_activation: true,
        kinks: &[],
        yields_probabilities: false,
        family: Family::LinearAtZero,
    };
    const DEFAULT: Self = Identity;

    #[inline(always)]
    fn value<T: Scalar>(self, z: T) -> T {
        z
    }

    #[inline(always)]
    fn derivative<T: Scalar>(self, _z: T, _a: T) -> T {
        T::one()
    }
}
