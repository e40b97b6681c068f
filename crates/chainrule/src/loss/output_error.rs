//! Step 2 for any loss and any output: the batch's loss and delta(L), together, from z.

use super::mean::scale_rows;
use super::rows::{Output, Rows, Side};
use super::{Loss, Targets, WeightedSum};
use crate::activation::{Activation, OutputActivation};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::matrix::{Matrix, MatrixView};

impl Loss {
    /// The batch's loss; writes delta(L) into `delta`, [B, n_L]. Targets have been checked.
    ///
    /// # Errors
    /// When the weights of all samples are zero, so that there is no mean.
    pub(crate) fn output_error<T: Scalar>(
        &self,
        output: Output<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
        delta: &mut [T],
    ) -> Result<WeightedSum> {
        let weight = self.total_weight(targets, sample_weights)?;
        let mut row_losses = vec![0.0; targets.len()];
        self.output_error_rows(output, targets, sample_weights, weight, delta, &mut row_losses);
        Ok(WeightedSum { loss: row_losses.iter().sum(), weight })
    }

    /// Some rows of a batch: writes their delta(L) into `delta`, [rows, n_L], and each s_i l_i into `row_losses`.
    /// `output`, `targets` and `sample_weights` are these rows', `total_weight` is the whole batch's.
    ///
    /// Allocates nothing. A row's results have the same bits whichever other rows are there.
    pub(crate) fn output_error_rows<T: Scalar>(
        &self,
        output: Output<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
        total_weight: f64,
        delta: &mut [T],
        row_losses: &mut [f64],
    ) {
        let Output { activation, width, z, a } = output;
        let rows = Rows { output, targets, derivatives: &mut *delta, losses: &mut *row_losses };
        if let Side::Activation = self.compute(|loss| loss.losses_and_derivatives(rows)) {
            OutputActivation::from(activation).turn_error_into_delta(width, z, a, delta);
        }
        scale_rows(delta, row_losses, width, sample_weights, total_weight);
    }

    /// The loss of a batch whose output layer has z = `z`, [B, n_L], and this activation.
    ///
    /// # Errors
    /// When parameters, targets or weights do not fit.
    #[inline(never)]
    pub fn value<T: Scalar>(
        &self,
        activation: Activation,
        z: MatrixView<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<f64> {
        let (batch, width) = (z.rows(), z.columns());
        activation.check()?;
        self.check(width)?;
        self.check_targets(batch, width, targets, sample_weights)?;
        let mut a = z.to_matrix();
        OutputActivation::from(activation).apply_in_place(width, a.as_mut_slice());
        let output = Output { activation, width, z: z.as_slice(), a: a.as_slice() };
        let mut delta = vec![T::zero(); batch * width];
        Ok(self.output_error(output, targets, sample_weights, &mut delta)?.mean())
    }

    /// dLoss/da(L), [B, n_L], the division by the sum of weights included. None where the derivative is
    /// taken by z at once, in one stable formula: both cross-entropies with softmax and with sigmoid.
    ///
    /// `z` and `a` are z(L) and a(L), where `activation` made a from z.
    ///
    /// # Errors
    /// When shapes, targets or weights do not fit.
    #[inline(never)]
    pub fn derivative_by_output<T: Scalar>(
        &self,
        activation: Activation,
        z: MatrixView<'_, T>,
        a: MatrixView<'_, T>,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<Option<Matrix<T>>> {
        let (batch, width) = (a.rows(), a.columns());
        if (z.rows(), z.columns()) != (batch, width) {
            let shape = |rows, columns| format!("{rows} x {columns}");
            return Err(Error::shape("z(L)", shape(batch, width), shape(z.rows(), z.columns())));
        }
        self.check(width)?;
        self.check_targets(batch, width, targets, sample_weights)?;
        let output = Output { activation, width, z: z.as_slice(), a: a.as_slice() };
        let total_weight = self.total_weight(targets, sample_weights)?;
        let (mut error, mut losses) = (Matrix::zeros(batch, width), vec![0.0; batch]);
        let rows = Rows { output, targets, derivatives: error.as_mut_slice(), losses: &mut losses };
        if let Side::PreActivation = self.compute(|loss| loss.losses_and_derivatives(rows)) {
            return Ok(None);
        }
        scale_rows(error.as_mut_slice(), &mut losses, width, sample_weights, total_weight);
        Ok(Some(error))
    }

    /// What delta(L) is computed with for a target y_k: for cross-entropy q_k, smoothed and times its class's
    /// weight; for the other losses y_k itself.
    ///
    /// # Panics
    /// When there are fewer class weights than k + 1.
    #[inline(never)]
    pub fn counted_target<T: Scalar>(&self, y: T, k: usize, outputs: usize) -> T {
        self.compute(|loss| loss.counted_target(y, k, outputs))
    }
}
