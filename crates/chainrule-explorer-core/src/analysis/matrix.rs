//! A matrix as a whole: its rows' and columns' norms, and its extremes.

use chainrule::trace::ValueId;
use serde::Serialize;

use super::Cell;
use super::reader::Reader;
use crate::{Num, Refusal, Step};

/// Norms and extremes of a matrix.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MatrixReport {
    /// Which value of the trace.
    #[cfg_attr(test, ts(type = "string"))]
    pub name: ValueId,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Euclidean.
    pub row_norms: Vec<Num>,
    /// Euclidean.
    pub column_norms: Vec<Num>,
    /// The root of the sum of all squares.
    pub frobenius_norm: Num,
    /// The greatest number, sign included; the first of several. NaN counts only where there is nothing else.
    pub largest: Cell,
    /// The least.
    pub smallest: Cell,
}

/// The value of that name, which has two dimensions.
///
/// # Errors
/// When the step has no such value, or it is no matrix.
pub fn matrix(step: &Step, name: ValueId) -> Result<MatrixReport, Refusal> {
    let value = Reader::new(step).value(name)?;
    let [rows, columns] = value.shape[..] else {
        let what = if value.shape.is_empty() { "one number" } else { "a vector" };
        let message = format!("{name} is {what}; a matrix has rows and columns, as weight.1 and z.1");
        return Err(Refusal::Invalid(message));
    };
    let values = &value.values;
    let column = |j: usize| values.iter().skip(j).step_by(columns).copied();
    let mut extremes = (0, 0);
    for (index, x) in values.iter().enumerate() {
        let replaces = |place: usize, beats: bool| beats || (values[place].is_nan() && !x.is_nan());
        if replaces(extremes.0, *x > values[extremes.0]) {
            extremes.0 = index;
        }
        if replaces(extremes.1, *x < values[extremes.1]) {
            extremes.1 = index;
        }
    }
    let cell = |index: usize| Cell { name, row: index / columns, column: index % columns };
    Ok(MatrixReport {
        name,
        shape: [rows, columns],
        row_norms: values.chunks(columns).map(|row| norm(row.iter().copied()).into()).collect(),
        column_norms: (0..columns).map(|j| norm(column(j)).into()).collect(),
        frobenius_norm: norm(values.iter().copied()).into(),
        largest: cell(extremes.0),
        smallest: cell(extremes.1),
    })
}

/// The root of the sum of squares, which overflows only where the result does.
pub(super) fn norm(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().map(f64::abs).fold(0.0, f64::max);
    if largest == 0.0 || largest.is_infinite() {
        // Zero, infinite, or NaN, as the numbers are.
        return values.map(f64::abs).sum();
    }
    largest * values.map(|x| (x / largest) * (x / largest)).sum::<f64>().sqrt()
}
