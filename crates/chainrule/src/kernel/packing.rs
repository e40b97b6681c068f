//! Weights in the order in which products read them as the right operand: their transpose in panels for the forward pass,
//! their own rows in panels for the error carried back.

use std::ops::Range;

use super::Scalar;
use crate::matrix::MatrixView;

/// One panel of W^T [n_in, n_out] from W [n_out, n_in], row by row: element (k, n) is W[n][k].
pub(crate) fn transpose_panel<T: Scalar>(weight: MatrixView<'_, T>, columns: Range<usize>, panel: &mut [T]) {
    let (n_in, width) = (weight.columns(), columns.len());
    assert_eq!(panel.len(), n_in * width);
    // Whole cache lines of the rows of W at a time, in squares of 4 x 4 that registers transpose.
    let (squares, lines) = (width / 4 * 4, n_in / LINE * LINE);
    for k in (0..lines).step_by(LINE) {
        let rows = &mut panel[k * width..(k + LINE) * width];
        for n in (0..squares).step_by(4) {
            let from = &weight.as_slice()[(columns.start + n) * n_in + k..];
            assert!(from.len() >= 3 * n_in + LINE && rows.len() == LINE * width);
            for i in (0..LINE).step_by(4) {
                // SAFETY: columns i..i + 4 of four rows of `from`, and columns n..n + 4 of four of `rows`.
                unsafe {
                    T::transpose_square(from[i..].as_ptr(), n_in, rows[i * width + n..].as_mut_ptr(), width)
                }
            }
        }
    }
    for (n, column) in columns.enumerate() {
        let row = weight.row(column);
        let done = if n < squares { lines } else { 0 };
        for k in done..n_in {
            panel[k * width + n] = row[k];
        }
    }
}

/// Elements of a row of W that are read together: a cache line of f32.
const LINE: usize = 16;

/// One panel of W [n_out, n_in]: element (n, k) is W[n][k].
pub(crate) fn copy_panel<T: Scalar>(weight: MatrixView<'_, T>, columns: Range<usize>, panel: &mut [T]) {
    assert_eq!(panel.len(), weight.rows() * columns.len());
    for (n, to) in panel.chunks_exact_mut(columns.len()).enumerate() {
        to.copy_from_slice(&weight.row(n)[columns.clone()]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::panel_width;
    use super::*;

    #[test]
    fn a_packed_panel_holds_its_columns() {
        for (n_out, n_in) in [(1, 1), (32, 16), (33, 50), (7, 17), (70, 64)] {
            let values: Vec<f32> = (0..n_out * n_in).map(|i| i as f32).collect();
            let weight = MatrixView::new(n_out, n_in, &values).unwrap();
            for start in (0..n_out).step_by(panel_width::<f32>()) {
                let columns = start..n_out.min(start + panel_width::<f32>());
                let mut panel = vec![-1.0; n_in * columns.len()];
                transpose_panel(weight, columns.clone(), &mut panel);
                for (i, value) in panel.iter().enumerate() {
                    let (k, n) = (i / columns.len(), columns.start + i % columns.len());
                    assert_eq!(*value, weight[(n, k)]);
                }
            }
            for start in (0..n_in).step_by(panel_width::<f32>()) {
                let columns = start..n_in.min(start + panel_width::<f32>());
                let mut panel = vec![-1.0; n_out * columns.len()];
                copy_panel(weight, columns.clone(), &mut panel);
                for (i, value) in panel.iter().enumerate() {
                    assert_eq!(*value, weight[(i / columns.len(), columns.start + i % columns.len())]);
                }
            }
        }
    }
}
