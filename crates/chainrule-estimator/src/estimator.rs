//! From options and data to a predictor.

use chainrule_data::{Dataset, Note};

use crate::error::Result;
use crate::events::Observer;
use crate::options::EstimatorOptions;
use crate::predictor::Predictor;
use crate::preparation::Preparation;

/// Learns from data sets, as its options say. The crate's page has an example.
#[derive(Clone, Debug, Default)]
pub struct Estimator {
    options: EstimatorOptions,
}

impl Estimator {
    /// An estimator with these options. They are checked with the data that they are for.
    pub fn new(options: EstimatorOptions) -> Self {
        Estimator { options }
    }

    /// The options.
    pub fn options(&self) -> &EstimatorOptions {
        &self.options
    }

    /// Splits a data set, fits its preprocessing on the training rows, chooses what the options leave open, and plans
    /// what training will hold. The data set is not needed afterwards.
    ///
    /// # Errors
    /// Data that cannot be learned from, with file, line and column; an option that does not suit the data or another
    /// option; a limit of memory that cannot be kept, or more than the machine has.
    pub fn prepare(&self, dataset: &Dataset) -> Result<Preparation> {
        self.prepare_noting(dataset, &mut Vec::new())
    }

    /// As [`prepare`](Self::prepare), with notes of what was taken for what: they are there also where it fails, and then may
    /// say why.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn prepare_noting(&self, dataset: &Dataset, notes: &mut Vec<Note>) -> Result<Preparation> {
        Preparation::new(&self.options, dataset, notes)
    }

    /// Learns from a data set. Whoever wants to know how good the result is, or to free the data set before training,
    /// takes [`prepare`](Self::prepare) and [`Preparation::fit`].
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare) and [`Preparation::fit`].
    pub fn fit(&self, dataset: &Dataset, observer: &mut Observer<'_>) -> Result<Predictor> {
        Ok(self.prepare(dataset)?.fit(observer)?.predictor)
    }
}
