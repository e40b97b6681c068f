//! What a run keeps whatever comes: the parameters of the best epoch so far, and since when there was no better one.

use crate::kernel::Scalar;
use crate::parameters::Parameters;

/// The parameters of the best epoch so far, or of the last one if there is no validation, or the initial ones.
#[derive(Clone, Debug)]
pub(super) struct Kept<T> {
    /// 0 for the initial ones; of equals the last.
    pub(super) epoch: usize,
    /// The first epoch with this loss.
    pub(super) since: usize,
    /// The validation loss.
    pub(super) loss: Option<f64>,
    pub(super) parameters: Parameters<T>,
}

impl<T: Scalar> Kept<T> {
    /// Keeps the parameters of a completed epoch, unless an earlier one had a lower validation loss; says whether it does.
    pub(super) fn keep_if_best(
        &mut self,
        loss: Option<f64>,
        epoch: usize,
        parameters: &Parameters<T>,
    ) -> bool {
        if let (Some(loss), Some(lowest)) = (loss, self.loss)
            && loss > lowest
        {
            return false;
        }
        if loss.is_none() || loss != self.loss {
            self.since = epoch;
        }
        (self.loss, self.epoch) = (loss, epoch);
        self.parameters.copy_from(parameters);
        true
    }

    /// Whether there was no lower loss for `patience` epochs.
    pub(super) fn is_over(&self, patience: usize, epochs: usize) -> bool {
        epochs.saturating_sub(self.since) >= patience
    }
}
