//! From the network's output to the prediction that the loss stands for.

use super::Loss;
use crate::activation::Activation;
use crate::kernel::Scalar;

impl Loss {
    /// Turns a row of network output into the prediction that the loss stands for: probabilities where
    /// the output is logits, the rate for Poisson, else the output itself.
    ///
    /// ```
    /// use chainrule::{Activation, Loss};
    ///
    /// let mut row = [0.0, 3.0_f64.ln()];
    /// Loss::cross_entropy().output_to_prediction(Activation::Identity, &mut row);
    /// assert!((row[0] - 0.25).abs() < 1e-15 && (row[1] - 0.75).abs() < 1e-15);
    /// ```
    #[inline(never)]
    pub fn output_to_prediction<T: Scalar>(&self, activation: Activation, row: &mut [T]) {
        self.outputs_to_predictions(activation, row.len().max(1), row);
    }

    /// The same for rows of `width` outputs.
    pub(crate) fn outputs_to_predictions<T: Scalar>(
        &self,
        activation: Activation,
        width: usize,
        outputs: &mut [T],
    ) {
        self.compute(|loss| loss.outputs_to_predictions(activation.yields_probabilities(), width, outputs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_become_probabilities_and_rates_are_rates() {
        let ln_3 = 3.0_f64.ln();
        let prediction = |loss: &Loss, activation| {
            let mut row = [0.0, ln_3];
            loss.output_to_prediction(activation, &mut row);
            row
        };
        let close = |found: [f64; 2], expected: [f64; 2]| {
            assert!(found.iter().zip(expected).all(|(found, e)| (found - e).abs() < 1e-15), "{found:?}");
        };
        for loss in Loss::all() {
            let expected = match loss {
                Loss::CrossEntropy { .. } => [0.25, 0.75],
                Loss::BinaryCrossEntropy => [0.5, 0.75],
                Loss::Poisson => [1.0, 3.0],
                _ => [0.0, ln_3],
            };
            close(prediction(&loss, Activation::Identity), expected);
            let of_probabilities = if loss == Loss::Poisson { [1.0, 3.0] } else { [0.0, ln_3] };
            close(prediction(&loss, Activation::Softmax), of_probabilities);
        }
    }
}
