//! The formulas of a kind of layer once more, as plain f64 loops over rows: the reference's part of it. They share no code with
//! what computes.

use crate::matrix::Matrix;
use crate::mode::Mode;

/// What the loops of a layer see.
pub(crate) struct LoopsContext<'a> {
    /// Its parameters, a vector as one row.
    pub(crate) tensors: &'a [Matrix<f64>],
    /// The layer's number, from 1.
    pub(crate) layer: usize,
    pub(crate) mode: Mode,
}

/// Steps 1, 3 and 4 of a kind of layer. Every matrix has one row for each sample.
pub(crate) trait Loops {
    /// z(l) from a(l-1).
    fn pre_activation(&self, context: &LoopsContext<'_>, input: &Matrix<f64>) -> Matrix<f64>;

    /// dLoss/da(l-1) from delta(l).
    fn input_error(
        &self,
        context: &LoopsContext<'_>,
        input: &Matrix<f64>,
        delta: &Matrix<f64>,
    ) -> Matrix<f64>;

    /// dLoss/dw of each tensor, in their shapes.
    fn gradients(
        &self,
        _context: &LoopsContext<'_>,
        _input: &Matrix<f64>,
        _delta: &Matrix<f64>,
    ) -> Vec<Matrix<f64>> {
        Vec::new()
    }
}
