//! Rows of a data set: chosen ones, and what a row is called in a message.

use std::ops::Range;

use chainrule_data::{DataError, Dataset, Features, Note, Preprocessing};

use crate::error::{EstimatorError, Result};

/// The rows of a range, checked against the data's size. With `may_be_fewer` a range that ends behind the last row ends
/// there.
///
/// ```
/// use chainrule_estimator::chosen_rows;
/// let dataset = chainrule_data::read("digits")?;
/// assert_eq!(chosen_rows(&dataset, 2..4, false)?, [2, 3]);
/// assert_eq!(chosen_rows(&dataset, 1796..1800, true)?, [1796]);
/// let error = chosen_rows(&dataset, 1796..1800, false).unwrap_err();
/// assert_eq!(error.to_string(), "digits: rows 1796..1800 are asked for, but there are 1797 (numbered from 0)");
/// # Ok::<(), chainrule_estimator::EstimatorError>(())
/// ```
///
/// # Errors
/// [`EstimatorError::Rows`] for rows that are not there.
pub fn chosen_rows(dataset: &Dataset, range: Range<usize>, may_be_fewer: bool) -> Result<Vec<usize>> {
    let rows = dataset.rows();
    let Range { start, end } = range;
    if end <= rows || (may_be_fewer && start < rows) {
        return Ok((start..end.min(rows)).collect());
    }
    Err(EstimatorError::Rows { file: dataset.name.clone(), start, end, rows })
}

pub(crate) fn all_rows(dataset: &Dataset) -> Vec<usize> {
    (0..dataset.rows()).collect()
}

/// The rows of a data set that have every target. A note counts the others.
pub(crate) fn rows_with_targets(
    preprocessing: &Preprocessing,
    dataset: &Dataset,
    notes: &mut Vec<Note>,
) -> Result<Vec<usize>> {
    let have = preprocessing.have_targets(dataset)?;
    let rows: Vec<usize> = (0..dataset.rows()).filter(|&row| have[row]).collect();
    if let Some(first) = have.iter().position(|have| !have) {
        let names = preprocessing.target_names();
        if rows.is_empty() {
            return Err(
                DataError::NoTargets { file: dataset.name.clone(), column: names.join("', '") }.into()
            );
        }
        notes.push(Note::new(
            "missing_target",
            format!(
                "{} of {} rows are left out, as they have no '{}'; the first is {}",
                have.len() - rows.len(),
                have.len(),
                names.join("' or '"),
                row_place(dataset, first)
            ),
        ));
    }
    Ok(rows)
}

/// What a row is called in messages: `table.csv, line 3`, or `digits, image 1 (counted from 0)`.
///
/// ```
/// let dataset = chainrule_data::read("digits")?;
/// assert_eq!(chainrule_estimator::row_place(&dataset, 1), "digits, image 1 (counted from 0)");
/// # Ok::<(), chainrule_estimator::EstimatorError>(())
/// ```
pub fn row_place(dataset: &Dataset, row: usize) -> String {
    let name = &dataset.name;
    match &dataset.features {
        Features::Table(table) => match table.line(row) {
            Some(line) => format!("{name}, line {line}"),
            None => format!("{name}, row {} (counted from 1)", row + 1),
        },
        Features::Images(_) => format!("{name}, image {row} (counted from 0)"),
    }
}
