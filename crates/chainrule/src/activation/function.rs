//! What an activation says of itself, and the loops that run it over a layer's numbers.

use crate::error::Result;
use crate::kernel::Scalar;
use crate::kernel::vectorized::{Loop, run_loop};

/// What is known of an activation beside its formulas.
pub(crate) struct Facts {
    /// The name in model files.
    pub(crate) name: &'static str,
    /// Whether sigma'(z) can be computed from a = sigma(z) alone, so that z need not be kept.
    pub(crate) derivative_from_activation: bool,
    /// The points z where sigma' jumps.
    pub(crate) kinks: &'static [f64],
    /// Whether a can be read as a probability.
    pub(crate) yields_probabilities: bool,
    pub(crate) family: Family,
}

/// What an activation does to the variance of its input, which decides how the weights before it start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Family {
    /// It keeps the variance of a small input: identity, and those bounded on both sides.
    LinearAtZero,
    /// It lets one side through, and so about half of the variance: ReLU and its relatives.
    Rectifier,
    /// It brings mean 0 and variance 1 about by itself: SELU.
    SelfNormalizing,
}

/// sigma, a function of one number.
///
/// At a kink the derivative is that of the flatter side; in particular ReLU'(0) = 0. What `value` and `derivative`
/// need is `#[inline(always)]`, as they are: only so is it compiled for the machine's vectors.
pub(super) trait Function: Copy {
    const FACTS: Facts;

    /// With the parameters that it has where none are given.
    const DEFAULT: Self;

    /// Checks the ranges of the parameters.
    fn check(self) -> Result<()> {
        Ok(())
    }

    /// sigma(z).
    fn value<T: Scalar>(self, z: T) -> T;

    /// sigma'(z), where a = sigma(z). Where it comes from a alone, `z` may be any number.
    fn derivative<T: Scalar>(self, z: T, a: T) -> T;
}

/// Replaces each z by sigma(z).
pub(super) fn apply_in_place<T: Scalar>(sigma: impl Function, values: &mut [T]) {
    struct Body<'a, F, T>(F, &'a mut [T]);

    impl<F: Function, T: Scalar> Loop for Body<'_, F, T> {
        #[inline(always)]
        fn run(self) {
            let Body(sigma, values) = self;
            for value in values {
                *value = sigma.value(*value);
            }
        }
    }

    run_loop(Body(sigma, values));
}

/// Turns dLoss/da into delta = dLoss/da * sigma'(z), and z into a, both in place.
pub(super) fn turn_error_into_delta<T: Scalar>(sigma: impl Function, z: &mut [T], error: &mut [T]) {
    struct Body<'a, F, T>(F, &'a mut [T], &'a mut [T]);

    impl<F: Function, T: Scalar> Loop for Body<'_, F, T> {
        #[inline(always)]
        fn run(self) {
            let Body(sigma, z, error) = self;
            for (e, z) in error.iter_mut().zip(z) {
                let a = sigma.value(*z);
                *e *= sigma.derivative(*z, a);
                *z = a;
            }
        }
    }

    run_loop(Body(sigma, z, error));
}

/// Multiplies dLoss/da by sigma'(z), in place: the result is delta. `z` may be empty where sigma' comes from a.
pub(super) fn multiply_by_derivative<F: Function, T: Scalar>(sigma: F, z: &[T], a: &[T], error: &mut [T]) {
    struct Body<'a, F, T>(F, &'a [T], &'a [T], &'a mut [T]);

    impl<F: Function, T: Scalar> Loop for Body<'_, F, T> {
        #[inline(always)]
        fn run(self) {
            let Body(sigma, z, a, error) = self;
            for ((e, &a), &z) in error.iter_mut().zip(a).zip(z) {
                *e *= sigma.derivative(z, a);
            }
        }
    }

    let z = if F::FACTS.derivative_from_activation { a } else { z };
    run_loop(Body(sigma, z, a, error));
}
