//! Which rows train, validate and test: from shares and a seed, or from data of their own.

use chainrule_data::{Dataset, Split, Task, split, strata};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{EstimatorOptions, Part};

/// What a split depends on, beside the data; the model file records it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRule {
    /// The share of validation rows.
    pub validation: f64,
    /// The share of test rows; none if the data names its test rows itself.
    pub test: Option<f64>,
    /// Of the order that the rows are dealt out in.
    pub seed: u64,
}

/// A part of the rows that a model was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitPart {
    /// The rows that gradients were computed from.
    Training,
    /// The rows that chose the best epoch.
    Validation,
    /// The rows that were set aside.
    Test,
}

const DEFAULT_VALIDATION: f64 = 0.1;
const DEFAULT_TEST: f64 = 0.2;

/// Orders that training draws are of the epochs 0, 1, ...; the split has one far away from them.
const SPLIT_ORDER: u64 = u32::MAX as u64;

impl SplitRule {
    /// The rule for a data set. A part with data of its own takes no rows.
    pub(crate) fn new(options: &EstimatorOptions, dataset: &Dataset) -> Self {
        let share = |part: &Option<Part>, default: f64| match part {
            None => default,
            Some(Part::Share(share)) => *share,
            Some(Part::Data(_)) => 0.0,
        };
        let names_test_rows = dataset.test_rows.is_some() && options.test.is_none();
        SplitRule {
            validation: share(&options.validation, DEFAULT_VALIDATION),
            test: (!names_test_rows).then(|| share(&options.test, DEFAULT_TEST)),
            seed: options.seed,
        }
    }

    /// The rows of each part.
    pub(crate) fn split(&self, dataset: &Dataset, target: Option<&str>, task: Task) -> Result<Split> {
        let strata = strata(dataset, target, Some(task))?;
        let (rows, predefined) = match (self.test, &dataset.test_rows) {
            (None, Some(test)) => (dataset.other_rows(), test.clone().collect()),
            _ => ((0..dataset.rows()).collect(), Vec::new()),
        };
        let order = chainrule::shuffled(rows.len(), self.seed, SPLIT_ORDER);
        let shuffled: Vec<usize> = order.into_iter().map(|index| rows[index]).collect();
        let mut parts = split(&shuffled, strata.as_deref(), self.validation, self.test.unwrap_or(0.0))?;
        if !predefined.is_empty() {
            parts.test = predefined;
        }
        Ok(parts)
    }
}
