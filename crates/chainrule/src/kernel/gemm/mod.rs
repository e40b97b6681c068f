//! The matrix products of a dense layer, sequential. The weight is read where it lies, row by row; what changes with the
//! batch is in [`Panels`].
//!
//! Every element of a product is one chain: it starts from 0 or from the bias, and takes its terms one by one
//! in the order of the summation index, each by a fused multiply-add. Tiles, blocks of rows and threads only
//! choose which chains run side by side, so a product has the same bits however it is cut up, and the same
//! as three plain loops; the tests hold that.

mod loops;
#[cfg(test)]
mod tests;
mod tile;

use std::ops::Range;

use loops::{BackwardProduct, ColumnSums, FAR, ForwardProduct, TransposedProduct};

use super::Scalar;
use super::dispatch::dispatch;
use super::panels::{Blocks, Panels};
use super::rows::Rows;

/// What becomes of the numbers that a result has before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Accumulate {
    /// They are written over.
    Replace,
    /// The chains go on from them, as if their terms had come before in the same product.
    Add,
}

/// Z^T = b + W A^T: a layer's forward product, which reads W where it lies. Shapes: W [n_out, n_in], A^T [n_in, rows] in
/// panels of samples, b [n_out] or nothing, Z^T [n_out, rows] in panels of samples.
pub(crate) fn forward_product<T: Scalar>(w: Rows<'_, T>, a: Panels<'_, T>, b: Option<&[T]>, z: &mut [T]) {
    assert!(w.columns() > 0 && w.columns() == a.rows() && b.is_none_or(|b| b.len() == w.rows()));
    assert_eq!(z.len(), w.rows() * a.columns());
    dispatch(ForwardProduct { w, a, b, z });
}

/// E = D W: the error that a layer carries back. Shapes: D [rows, n_out] and E [rows, n_in] in panels, W [n_out, n_in].
pub(crate) fn backward_product<T: Scalar>(d: Panels<'_, T>, w: Rows<'_, T>, e: &mut [T]) {
    assert!(w.rows() > 0 && w.rows() == d.columns());
    assert_eq!(e.len(), d.rows() * w.columns());
    if w.columns() * size_of::<T>() >= FAR {
        dispatch(BackwardProduct::<T, true> { d, w, e });
    } else {
        dispatch(BackwardProduct::<T, false> { d, w, e });
    }
}

/// C = A^T B, or C + A^T B, for the columns `part` of A, summed over all rows. Shapes: A [rows, m], B [rows, columns],
/// both cut into the same blocks; C [part, columns], row by row. `part` starts at a multiple of 8.
pub(crate) fn transposed_product<T: Scalar>(
    a: Blocks<'_, T>,
    b: Blocks<'_, T>,
    part: Range<usize>,
    accumulate: Accumulate,
    c: &mut [T],
) {
    assert!(part.start.is_multiple_of(8) && part.end <= a.columns() && c.len() == part.len() * b.columns());
    assert!(a.count() == b.count() && (0..a.count()).all(|i| a.get(i).rows() == b.get(i).rows()));
    dispatch(TransposedProduct { a, b, part, accumulate, c });
}

/// The sums of the columns: a product with a row of ones, one number for each column.
pub(crate) fn column_sums<T: Scalar>(blocks: Blocks<'_, T>, accumulate: Accumulate, sums: &mut [T]) {
    assert_eq!(blocks.columns(), sums.len());
    dispatch(ColumnSums { blocks, accumulate, sums });
}
