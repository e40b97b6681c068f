//! From the panels of a matrix to its transpose.
//!
//! The forward product has samples as columns, the others have neurons as columns: a layer's values are turned over
//! once, by the thread that computed them.

use super::Scalar;
use super::panels::{Panels, panel_width};

/// Writes the transpose of a matrix in panels, in panels.
pub(crate) fn transpose<T: Scalar>(from: Panels<'_, T>, to: &mut [T]) {
    let columns = from.columns();
    // A panel of the result is as wide as the tile.
    transpose_tiles(from, to, |row, column, height| (columns * row + column * height, height));
}

/// Writes the transpose of a matrix in panels, row by row.
pub(crate) fn transpose_to_rows<T: Scalar>(from: Panels<'_, T>, to: &mut [T]) {
    let rows = from.rows();
    transpose_tiles(from, to, |row, column, _| (column * rows + row, rows));
}

/// Tile by tile, in the order of the result's panels, whose lines are often not in the cache. `place` gives for a tile's
/// first row, first column and height where it starts in the result, and how far its rows lie apart there.
#[inline(always)]
fn transpose_tiles<T: Scalar>(
    from: Panels<'_, T>,
    to: &mut [T],
    place: impl Fn(usize, usize, usize) -> (usize, usize),
) {
    assert_eq!(from.data().len(), to.len());
    let (panel, rows, columns) = (panel_width::<T>(), from.rows(), from.columns());
    for row in (0..rows).step_by(panel) {
        let height = panel.min(rows - row);
        for column in (0..columns).step_by(panel) {
            let width = panel.min(columns - column);
            let source = &from.data()[rows * column + row * width..][..height * width];
            let (start, stride) = place(row, column, height);
            transpose_tile(source, (height, width), &mut to[start..], stride);
        }
    }
}

/// The transpose of a row-major matrix [rows, columns], whose rows lie `stride` apart in the result.
#[inline(always)]
fn transpose_tile<T: Scalar>(from: &[T], (rows, columns): (usize, usize), to: &mut [T], stride: usize) {
    assert!(from.len() == rows * columns && to.len() >= (columns - 1) * stride + rows);
    let (squares_down, squares_across) = (rows / 4 * 4, columns / 4 * 4);
    for i in (0..squares_down).step_by(4) {
        for j in (0..squares_across).step_by(4) {
            // SAFETY: rows i..i + 4 and columns j..j + 4 are inside of both.
            unsafe {
                let (from, to) = (from.as_ptr().add(i * columns + j), to.as_mut_ptr().add(j * stride + i));
                T::transpose_square(from, columns, to, stride);
            }
        }
    }
    for i in 0..rows {
        let done = if i < squares_down { squares_across } else { 0 };
        for j in done..columns {
            to[j * stride + i] = from[i * columns + j];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::panels::from_rows;
    use crate::kernel::rows::Rows;

    fn transposes_have_columns_for_rows<T: Scalar>() {
        for (rows, columns) in [(1, 1), (3, 31), (32, 32), (64, 10), (33, 50), (7, 17), (70, 64), (128, 100)]
        {
            let value = |i: usize, j: usize| T::from_f64((i * columns + j) as f64);
            let matrix: Vec<T> = (0..rows * columns).map(|n| value(n / columns, n % columns)).collect();
            let turned: Vec<T> = (0..rows * columns).map(|n| value(n % rows, n / rows)).collect();
            let in_panels = |rows, columns, values: &[T]| {
                let mut panels = vec![T::zero(); values.len()];
                from_rows(Rows::new(values, rows, columns), &mut panels);
                panels
            };
            let mut found = vec![T::nan(); matrix.len()];
            transpose(Panels::new(&in_panels(rows, columns, &matrix), rows, columns), &mut found);
            assert!(found == in_panels(columns, rows, &turned), "{rows} x {columns}");
            let mut found = vec![T::nan(); matrix.len()];
            transpose_to_rows(Panels::new(&in_panels(rows, columns, &matrix), rows, columns), &mut found);
            assert!(found == turned, "{rows} x {columns}, row by row");
        }
    }

    #[test]
    fn transposes_have_columns_for_rows_in_both_precisions() {
        transposes_have_columns_for_rows::<f32>();
        transposes_have_columns_for_rows::<f64>();
    }
}
