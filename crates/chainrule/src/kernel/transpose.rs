//! From the panels of a matrix to its transpose.
//!
//! The forward product has samples as columns, the others have neurons as columns: a layer's values are turned over
//! once, by the thread that computed them.

use std::ops::Range;

use super::Scalar;
use super::panels::{Panels, panel_width};

/// Writes the transpose of a matrix in panels, in panels.
pub(crate) fn transpose<T: Scalar>(from: Panels<'_, T>, to: &mut [T]) {
    let (from, shape) = (from.data(), (from.rows(), from.columns()));
    for_each_tile::<T>(shape, in_panels(shape), |tile| turn(&from[tile.source.clone()], &tile, to));
}

/// Writes the transpose of a matrix in panels, row by row.
pub(crate) fn transpose_to_rows<T: Scalar>(from: Panels<'_, T>, to: &mut [T]) {
    let (from, shape) = (from.data(), (from.rows(), from.columns()));
    let place = |row, column, _| (column * shape.0 + row, shape.0);
    for_each_tile::<T>(shape, place, |tile| turn(&from[tile.source.clone()], &tile, to));
}

/// Writes the transpose of a matrix [rows, columns] in panels, in panels, and changes it on the way, tile by tile, before
/// and after a tile is read: so each number comes from memory once.
pub(crate) fn transpose_changing<T: Scalar>(
    from: &mut [T],
    shape: (usize, usize),
    to: &mut [T],
    mut before: impl FnMut(&mut [T]),
    mut after: impl FnMut(&mut [T]),
) {
    for_each_tile::<T>(shape, in_panels(shape), |tile| {
        let source = &mut from[tile.source.clone()];
        before(source);
        turn(source, &tile, to);
        after(source);
    });
}

/// A tile of a matrix in panels, whose numbers lie together, and its place in the result.
struct Tile {
    source: Range<usize>,
    /// Rows and columns.
    shape: (usize, usize),
    /// Where it starts in the result, and how far its rows lie apart there.
    start: usize,
    stride: usize,
}

/// The place in a transpose in panels, for a tile's first row, first column and height: a panel of the result is as wide as
/// the tile.
fn in_panels((_, columns): (usize, usize)) -> impl Fn(usize, usize, usize) -> (usize, usize) {
    move |row, column, height| (columns * row + column * height, height)
}

/// Tile by tile, in the order of the result's panels, whose lines are often not in the cache.
#[inline(always)]
fn for_each_tile<T: Scalar>(
    (rows, columns): (usize, usize),
    place: impl Fn(usize, usize, usize) -> (usize, usize),
    mut body: impl FnMut(Tile),
) {
    let panel = panel_width::<T>();
    for row in (0..rows).step_by(panel) {
        let height = panel.min(rows - row);
        for column in (0..columns).step_by(panel) {
            let width = panel.min(columns - column);
            let first = rows * column + row * width;
            let (start, stride) = place(row, column, height);
            body(Tile { source: first..first + height * width, shape: (height, width), start, stride });
        }
    }
}

#[inline(always)]
fn turn<T: Scalar>(from: &[T], tile: &Tile, to: &mut [T]) {
    transpose_tile(from, tile.shape, &mut to[tile.start..], tile.stride);
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
            // One more before it is read, and one more after that.
            let (mut changed, mut found) = (in_panels(rows, columns, &matrix), vec![T::nan(); matrix.len()]);
            let add_one = |tile: &mut [T]| tile.iter_mut().for_each(|x| *x += T::one());
            transpose_changing(&mut changed, (rows, columns), &mut found, add_one, add_one);
            let more = |values: &[T], n: f64| values.iter().map(|x| *x + T::from_f64(n)).collect::<Vec<_>>();
            assert!(found == in_panels(columns, rows, &more(&turned, 1.0)), "{rows} x {columns}, changing");
            assert!(changed == in_panels(rows, columns, &more(&matrix, 2.0)), "{rows} x {columns}, changed");
        }
    }

    #[test]
    fn transposes_have_columns_for_rows_in_both_precisions() {
        transposes_have_columns_for_rows::<f32>();
        transposes_have_columns_for_rows::<f64>();
    }
}
