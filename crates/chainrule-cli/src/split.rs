//! Which rows train, validate and test: from shares and a seed, or from data of their own.

use anyhow::Result;
use chainrule_data::{Dataset, Split, Task, split, strata};
use serde::{Deserialize, Serialize};

/// What a split depends on, beside the data; the model file records it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SplitRule {
    /// Share of validation rows.
    pub(crate) validation: f64,
    /// Share of test rows; none if the data names its test rows itself.
    pub(crate) test: Option<f64>,
    pub(crate) seed: u64,
}

/// Orders that training draws are of the epochs 0, 1, ...; the split has one far away from them.
const SPLIT_ORDER: u64 = u32::MAX as u64;

/// The rows of each part.
pub(crate) fn split_rows(
    dataset: &Dataset,
    target: Option<&str>,
    task: Task,
    rule: &SplitRule,
) -> Result<Split> {
    let strata = strata(dataset, target, Some(task))?;
    let (rows, predefined) = match (rule.test, &dataset.test_rows) {
        (None, Some(test)) => (dataset.other_rows(), test.clone().collect()),
        _ => ((0..dataset.rows()).collect(), Vec::new()),
    };
    let order = chainrule::shuffled(rows.len(), rule.seed, SPLIT_ORDER);
    let shuffled: Vec<usize> = order.into_iter().map(|index| rows[index]).collect();
    let mut parts = split(&shuffled, strata.as_deref(), rule.validation, rule.test.unwrap_or(0.0))?;
    if !predefined.is_empty() {
        parts.test = predefined;
    }
    Ok(parts)
}
