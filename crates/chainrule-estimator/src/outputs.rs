//! From inputs to what a model says: the network's outputs as predictions, and numbers in the target's own units.

use chainrule::{Matrix, MatrixView, Model, Scalar, Threads, infer};
use chainrule_data::TargetScale;

use crate::error::Result;

/// The model's predictions on the network's scale, shape [rows, n_L]: probabilities, or numbers.
pub(crate) fn outputs<T: Scalar>(
    threads: &Threads,
    model: &Model<T>,
    inputs: MatrixView<'_, T>,
) -> Result<Matrix<T>> {
    let mut outputs = infer(threads, &model.network, &model.parameters, inputs)?;
    let activation = model.network.output_activation();
    for i in 0..outputs.rows() {
        model.loss.output_to_prediction(activation, outputs.row_mut(i));
    }
    Ok(outputs)
}

/// x = z * standard deviation + mean in 64 bits: rounded to 32 bits, numbers far from 0 would lie on a coarse grid.
/// `scales` has one entry a target.
pub(crate) fn in_own_units<T: Scalar>(outputs: &Matrix<T>, scales: Option<&[TargetScale]>) -> Matrix<f64> {
    let mut numbers = outputs.cast::<f64>();
    if let Some(scales) = scales {
        let scaled = numbers.as_mut_slice().iter_mut().zip(scales.iter().cycle());
        scaled.for_each(|(z, scale)| *z = scale.undo(*z));
    }
    numbers
}
