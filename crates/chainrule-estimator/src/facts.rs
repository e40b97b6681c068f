//! What choices depend on, of the data.

use chainrule_data::{InputPreprocessing, Preprocessing};

use crate::options::{EstimatorOptions, Preset};

/// What choices depend on.
pub(crate) struct Facts<'a> {
    pub(crate) rows: usize,
    pub(crate) preprocessing: &'a Preprocessing,
    /// How often each class occurs among the training rows; empty for numbers.
    pub(crate) class_counts: Vec<usize>,
    pub(crate) has_validation: bool,
}

impl Facts<'_> {
    /// Whether the default preset's recipe for tables is wanted.
    pub(crate) fn is_recipe(&self, options: &EstimatorOptions) -> bool {
        !self.is_images() && options.preset != Some(Preset::Fast)
    }

    pub(crate) fn is_images(&self) -> bool {
        matches!(self.preprocessing.inputs, InputPreprocessing::Images(_))
    }
}
