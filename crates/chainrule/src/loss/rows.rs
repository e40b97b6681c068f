//! Some rows of a batch on their way through a loss, and the loop for losses that are sums over single outputs.

use super::targets::Targets;
use crate::activation::{Activation, sum};
use crate::kernel::Scalar;
use crate::kernel::vectorized::{Loop, run_loop};

/// The last layer's values: z and a, [B, n_L], and its activation.
#[derive(Clone, Copy)]
pub(crate) struct Output<'a, T> {
    pub(crate) activation: Activation,
    pub(crate) width: usize,
    pub(crate) z: &'a [T],
    pub(crate) a: &'a [T],
}

/// Which side of sigma the derivative of a loss was computed on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Side {
    /// dLoss/dz: delta itself.
    PreActivation,
    /// dLoss/da: delta is this times sigma'(z).
    Activation,
}

/// Some rows of a batch, and what is to be filled in for them.
pub(super) struct Rows<'a, T> {
    pub(super) output: Output<'a, T>,
    pub(super) targets: Targets<'a, T>,
    /// Of each l_i, [rows, n_L].
    pub(super) derivatives: &'a mut [T],
    /// l_i, with class weights, [rows].
    pub(super) losses: &'a mut [f64],
}

/// A loss of a single output.
pub(super) trait Formula: Copy {
    /// Whether y is the target as it is given, whichever output it is of.
    const COUNTS_TARGETS_AS_GIVEN: bool = true;

    /// y for a target of output `k`.
    #[inline(always)]
    fn counted_target<T: Scalar>(self, target: T, _k: usize, _outputs: usize) -> T {
        target
    }

    /// The loss, and its derivative by z or by a.
    ///
    /// What it needs is `#[inline(always)]`, as it is: only so is it compiled for the machine's vectors.
    fn loss_and_derivative<T: Scalar>(self, z: T, a: T, y: T) -> (T, T);
}

/// How many outputs the losses of single outputs are computed for at a time.
pub(super) const CHUNK: usize = 256;

/// Some outputs, their targets and what is to be filled in.
struct Chunk<'a, F, T> {
    formula: F,
    scale: T,
    z: &'a [T],
    a: &'a [T],
    y: &'a [T],
    losses: &'a mut [T],
    derivatives: &'a mut [T],
}

impl<F: Formula, T: Scalar> Loop for Chunk<'_, F, T> {
    #[inline(always)]
    fn run(self) {
        let Chunk { formula, scale, z, a, y, losses, derivatives } = self;
        for ((((&z, &a), &y), loss), derivative) in z.iter().zip(a).zip(y).zip(losses).zip(derivatives) {
            let (value, slope) = formula.loss_and_derivative(z, a, y);
            *loss = scale * value;
            *derivative = scale * slope;
        }
    }
}

impl<T: Scalar> Rows<'_, T> {
    /// l_i is the sum of the formula over the outputs.
    pub(super) fn sum_over_outputs(self, formula: impl Formula) {
        self.each_output(formula, T::one());
    }

    /// l_i is the mean of the formula over the outputs.
    pub(super) fn mean_over_outputs(self, formula: impl Formula) {
        let scale = T::one() / T::from_f64(self.output.width as f64);
        self.each_output(formula, scale);
    }

    /// Takes chunks of whole rows, or of parts of a long row, and adds up each row's losses.
    fn each_output<F: Formula>(self, formula: F, scale: T) {
        let Rows { output, targets, derivatives, losses: row_losses } = self;
        let width = output.width;
        let columns = width.min(CHUNK);
        let rows = CHUNK / columns;
        let (mut losses, mut labels) = ([T::zero(); CHUNK], [T::zero(); CHUNK]);
        row_losses.fill(0.0);
        for (block, row_losses) in row_losses.chunks_mut(rows).enumerate() {
            let first = block * rows;
            for column in (0..width).step_by(columns) {
                let start = first * width + column;
                let part = columns.min(width - column);
                let range = start..start + row_losses.len() * part;
                let losses = &mut losses[..range.len()];
                let y = match targets {
                    Targets::Values(values) if F::COUNTS_TARGETS_AS_GIVEN => {
                        &values.as_slice()[range.clone()]
                    }
                    _ => {
                        for (i, row) in labels[..range.len()].chunks_exact_mut(part).enumerate() {
                            let target = targets.row(first + i);
                            for (k, label) in row.iter_mut().enumerate() {
                                let k = column + k;
                                *label = formula.counted_target(target.at(k, width), k, width);
                            }
                        }
                        &labels[..range.len()]
                    }
                };
                let (z, a) = (&output.z[range.clone()], &output.a[range.clone()]);
                let derivatives = &mut derivatives[range];
                run_loop(Chunk { formula, scale, z, a, y, losses: &mut *losses, derivatives });
                for (row_loss, losses) in row_losses.iter_mut().zip(losses.chunks_exact(part)) {
                    *row_loss += sum(losses).as_f64();
                }
            }
        }
    }
}
