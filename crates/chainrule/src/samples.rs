//! Inputs with what the network should answer to them: a batch, or a whole data set.

use crate::inputs::Inputs;
use crate::loss::Targets;

/// Inputs and targets: a batch, or a whole data set.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a, T> {
    /// a(0), shape [B, n_0].
    pub inputs: Inputs<'a, T>,
    /// B rows or classes.
    pub targets: Targets<'a, T>,
    /// One weight for each sample, or none.
    pub sample_weights: Option<&'a [T]>,
}
