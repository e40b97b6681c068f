//! Inputs with what the network should answer to them: a batch, or a whole data set.

use crate::inputs::Inputs;
use crate::loss::Targets;

/// Inputs and targets: a batch, or a whole data set.
///
/// ```
/// use chainrule::{Matrix, Samples, Targets};
/// let inputs = Matrix::from_rows(&[[0.5, -1.0], [0.0, 2.0]]);
/// // The second sample counts twice.
/// let samples = Samples { inputs: inputs.view().into(), targets: Targets::Classes(&[0, 1]), sample_weights: Some(&[1.0, 2.0]) };
/// assert_eq!(samples.inputs.rows(), samples.targets.len());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a, T> {
    /// a(0), shape [B, n_0].
    pub inputs: Inputs<'a, T>,
    /// B rows or classes.
    pub targets: Targets<'a, T>,
    /// One weight for each sample, or none.
    pub sample_weights: Option<&'a [T]>,
}
