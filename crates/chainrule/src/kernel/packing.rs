//! Weights in the order in which products read them as the right operand: their transpose in panels for the forward pass,
//! their own rows in panels for the error carried back.

use std::ops::Range;

use super::Scalar;
use super::panels::panel_width;
use crate::matrix::MatrixView;

/// Columns of the transpose that [`transpose_panel`] writes: those of panel number `panel`.
pub(crate) fn panel_columns<T>(panel: usize, columns: usize) -> Range<usize> {
    let start = panel * panel_width::<T>();
    start..columns.min(start + panel_width::<T>())
}

/// One panel of W^T [n_in, n_out] from W [n_out, n_in], row by row: element (k, n) is W[n][k].
pub(crate) fn transpose_panel<T: Scalar>(weight: MatrixView<'_, T>, columns: Range<usize>, panel: &mut [T]) {
    let (n_in, width) = (weight.columns(), columns.len());
    assert_eq!(panel.len(), n_in * width);
    for (column, n) in columns.enumerate() {
        let row = weight.row(n);
        for k in 0..n_in {
            panel[k * width + column] = row[k];
        }
    }
}

/// One panel of W [n_out, n_in]: element (n, k) is W[n][k].
pub(crate) fn copy_panel<T: Scalar>(weight: MatrixView<'_, T>, columns: Range<usize>, panel: &mut [T]) {
    assert_eq!(panel.len(), weight.rows() * columns.len());
    for (n, to) in panel.chunks_exact_mut(columns.len()).enumerate() {
        to.copy_from_slice(&weight.row(n)[columns.clone()]);
    }
}
