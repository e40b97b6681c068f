//! The weighted mean over the samples of a batch.

use super::{Loss, RowTarget, Targets};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::kernel::vectorized::vectorized_loop;

/// A sum of losses and the sum of the weights in it; their ratio is the loss.
///
/// ```
/// use chainrule::WeightedSum;
/// let mut epoch = WeightedSum { loss: 3.0, weight: 2.0 };
/// epoch.add(WeightedSum { loss: 1.0, weight: 2.0 });
/// assert_eq!(epoch.mean(), 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedSum {
    /// sum_i v_i l_i
    pub loss: f64,
    /// sum_i v_i
    pub weight: f64,
}

impl WeightedSum {
    /// The weighted mean.
    pub fn mean(&self) -> f64 {
        self.loss / self.weight
    }

    /// Adds the samples of another batch.
    pub fn add(&mut self, other: WeightedSum) {
        self.loss += other.loss;
        self.weight += other.weight;
    }
}

impl Loss {
    /// sum_i v_i of a batch.
    ///
    /// # Errors
    /// When the weights of all samples are zero, so that there is no mean.
    pub(crate) fn total_weight<T: Scalar>(
        &self,
        targets: Targets<'_, T>,
        sample_weights: Option<&[T]>,
    ) -> Result<f64> {
        let sample_weight = |i: usize| sample_weights.map_or(1.0, |weights| weights[i].as_f64());
        let weight = self.describe(|loss| match (sample_weights, loss.class_weights()) {
            (None, None) => targets.len() as f64,
            (_, class_weights) => {
                let class_weight = |i: usize| match (class_weights, targets.row(i)) {
                    (Some(weights), RowTarget::Class(class)) => weights[class],
                    _ => 1.0,
                };
                (0..targets.len()).map(|i| sample_weight(i) * class_weight(i)).sum()
            }
        });
        if weight <= 0.0 {
            let reason = "the weights of all samples of a batch are 0: there is no mean to take";
            return Err(Error::Data(reason.to_owned()));
        }
        Ok(weight)
    }
}

/// Turns derivatives of each l_i into those of the weighted mean, and each l_i into s_i l_i.
pub(super) fn scale_rows<T: Scalar>(
    derivatives: &mut [T],
    row_losses: &mut [f64],
    width: usize,
    sample_weights: Option<&[T]>,
    total_weight: f64,
) {
    let total_weight = T::from_f64(total_weight);
    let Some(weights) = sample_weights else {
        let scale = T::one() / total_weight;
        vectorized_loop! { for T: derivatives: &'a mut [T] = derivatives, scale: T = scale;
            for value in derivatives { *value *= scale; }
        }
        return;
    };
    for ((&s, row), loss) in weights.iter().zip(derivatives.chunks_exact_mut(width)).zip(row_losses) {
        if s == T::zero() {
            // Not 0 times a loss, which may be infinite.
            row.fill(T::zero());
            *loss = 0.0;
        } else {
            let scale = s / total_weight;
            row.iter_mut().for_each(|d| *d *= scale);
            *loss *= s.as_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_samples_times_those_of_their_classes() {
        let classes: Targets<'_, f64> = Targets::Classes(&[0, 2, 1]);
        let weighted = Loss::CrossEntropy { label_smoothing: 0.0, class_weights: Some(vec![2.0, 3.0, 5.0]) };
        assert_eq!(Loss::cross_entropy().total_weight(classes, None).unwrap(), 3.0);
        assert_eq!(weighted.total_weight(classes, None).unwrap(), 10.0);
        let weights = [0.5, 0.0, 2.0];
        assert_eq!(Loss::cross_entropy().total_weight(classes, Some(&weights)).unwrap(), 2.5);
        assert_eq!(weighted.total_weight(classes, Some(&weights)).unwrap(), 7.0);
        let error = weighted.total_weight(classes, Some(&[0.0; 3])).unwrap_err();
        assert!(error.to_string().contains("weights of all samples"), "{error}");
    }
}
