//! Losses that grow with the distance, not with its square: absolute error, Huber's, quantiles.

use super::describe::{Compute, Describe};
use super::rows::{Formula, Rows, Side};
use crate::error::{Result, require};
use crate::kernel::Scalar;

/// l = mean over outputs of |a - y|.
#[derive(Clone, Copy)]
pub(super) struct MeanAbsoluteError;

impl Describe for MeanAbsoluteError {
    fn name(&self) -> &'static str {
        "mean_absolute_error"
    }

    fn formula(&self, _reads_probabilities: bool) -> String {
        "the mean over the outputs of |a - y|".to_owned()
    }

    fn derivative_formula(&self, _reads_probabilities: bool) -> String {
        "sign(a - y) / n".to_owned()
    }

    fn corners(&self, y: f64) -> [Option<f64>; 2] {
        [Some(y), None]
    }
}

impl Formula for MeanAbsoluteError {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, a: T, y: T) -> (T, T) {
        ((a - y).abs(), sign(a - y))
    }
}

impl<T: Scalar> Compute<T> for MeanAbsoluteError {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        rows.mean_over_outputs(*self);
        Side::Activation
    }
}

/// l = mean over outputs of d^2/2 where |d| <= delta, else delta (|d| - delta/2), d = a - y.
#[derive(Clone, Copy)]
pub(super) struct Huber {
    pub(super) delta: f64,
}

impl Describe for Huber {
    fn name(&self) -> &'static str {
        "huber"
    }

    fn formula(&self, _reads_probabilities: bool) -> String {
        let Huber { delta } = self;
        format!(
            "the mean over the outputs of d^2 / 2 where |d| <= {delta}, else {delta} (|d| - {delta} / 2), \
             with d = a - y"
        )
    }

    fn derivative_formula(&self, _reads_probabilities: bool) -> String {
        let Huber { delta } = self;
        format!("(a - y, cut off at -{delta} and {delta}) / n")
    }

    fn check(&self, _outputs: usize) -> Result<()> {
        let holds = self.delta > 0.0 && self.delta.is_finite();
        require(holds, "delta", self.delta, "must be greater than 0 and finite")
    }

    fn corners(&self, y: f64) -> [Option<f64>; 2] {
        [Some(y - self.delta), Some(y + self.delta)]
    }
}

impl Formula for Huber {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, a: T, y: T) -> (T, T) {
        let (d, delta) = (a - y, T::from_f64(self.delta));
        let line = delta * (d.abs() - T::HALF * delta);
        if d.abs() <= delta { (T::HALF * d * d, d) } else { (line, delta * sign(d)) }
    }
}

impl<T: Scalar> Compute<T> for Huber {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        rows.mean_over_outputs(*self);
        Side::Activation
    }
}

/// l = mean over outputs of max(q (y - a), (q - 1)(y - a)).
#[derive(Clone, Copy)]
pub(super) struct Quantile {
    pub(super) quantile: f64,
}

impl Describe for Quantile {
    fn name(&self) -> &'static str {
        "quantile"
    }

    fn formula(&self, _reads_probabilities: bool) -> String {
        let q = self.quantile;
        format!("the mean over the outputs of {q} (y - a) where a < y, else {} (a - y)", 1.0 - q)
    }

    fn derivative_formula(&self, _reads_probabilities: bool) -> String {
        let q = self.quantile;
        format!("{} / n where a is above y, -{q} / n where it is below", 1.0 - q)
    }

    fn check(&self, _outputs: usize) -> Result<()> {
        let holds = self.quantile > 0.0 && self.quantile < 1.0;
        require(holds, "quantile", self.quantile, "must be between 0 and 1")
    }

    fn corners(&self, y: f64) -> [Option<f64>; 2] {
        [Some(y), None]
    }
}

impl Formula for Quantile {
    #[inline(always)]
    fn loss_and_derivative<T: Scalar>(self, _z: T, a: T, y: T) -> (T, T) {
        let (d, q) = (a - y, T::from_f64(self.quantile));
        let not_above = if d < T::zero() { -q } else { d * T::zero() };
        let slope = if d > T::zero() { T::one() - q } else { not_above };
        (d * slope, slope)
    }
}

impl<T: Scalar> Compute<T> for Quantile {
    fn losses_and_derivatives(&self, rows: Rows<'_, T>) -> Side {
        rows.mean_over_outputs(*self);
        Side::Activation
    }
}

/// -1, 0 or 1; NaN for NaN.
#[inline(always)]
fn sign<T: Scalar>(x: T) -> T {
    let one = if x.is_nan() { x } else { T::one() };
    if x == T::zero() { x } else { one.copysign(x) }
}
