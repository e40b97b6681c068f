//! Which rows train, validate and test: from shares and a seed, by groups or by time, or from data of their own.

use chainrule_data::{Dataset, Objective, Split, split, split_by_time, split_groups};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::options::{EstimatorOptions, Part};

/// What a split depends on, beside the data; the model file records it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRule {
    /// The share of validation rows.
    pub validation: f64,
    /// The share of test rows; none if the data names its test rows itself.
    pub test: Option<f64>,
    /// Of the order that the rows are dealt out in.
    pub seed: u64,
    /// The column whose groups stay together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The column whose latest rows test, and those before them validate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
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
            group: options.group.clone(),
            time: options.time.clone(),
        }
    }

    /// The rows of each part; those without a target are in none.
    pub(crate) fn split(&self, dataset: &Dataset, objective: &Objective) -> Result<Split> {
        let (rows, predefined) = match (self.test, &dataset.test_rows) {
            (None, Some(test)) => (dataset.other_rows(), test.clone().collect()),
            _ => ((0..dataset.rows()).collect(), Vec::new()),
        };
        let with_target = |rows: Vec<usize>| -> Vec<usize> {
            rows.into_iter().filter(|&row| objective.has_target(row)).collect()
        };
        let (rows, predefined) = (with_target(rows), with_target(predefined));
        let order = chainrule::shuffled(rows.len(), self.seed, SPLIT_ORDER);
        let shuffled: Vec<usize> = order.into_iter().map(|index| rows[index]).collect();
        let (validation, test) = (self.validation, self.test.unwrap_or(0.0));
        let mut parts = match (&self.group, &self.time) {
            (Some(group), _) => split_groups(&shuffled, &dataset.groups(group)?, group, validation, test)?,
            (None, Some(time)) => split_by_time(&rows, &dataset.instants(time)?, time, validation, test)?,
            (None, None) => split(&shuffled, objective.strata().as_deref(), validation, test)?,
        };
        if !predefined.is_empty() {
            parts.test = predefined;
        }
        Ok(parts)
    }
}
