//! The matrix products of a dense layer, sequential, on matrices in [`Panels`]: parameters, activations and errors are
//! read where they lie, and nothing is packed.
//!
//! Every element of a product is one chain: it starts from 0 or from the bias, and takes its terms one by one
//! in the order of the summation index, each by a fused multiply-add. Tiles, blocks of rows and threads only
//! choose which chains run side by side, so a product has the same bits however it is cut up, and the same
//! as three plain loops; the tests hold that.

mod column;
mod loops;
#[cfg(test)]
mod tests;
mod tile;

use column::ColumnProduct;
use loops::{ColumnSums, Product, TransposedProduct};

use super::dispatch::dispatch;
use super::panels::{Blocks, Panels, Piece, panel_width};
use super::parts::for_each_chunk;
use super::{Scalar, Threads};

/// What becomes of the numbers that a result has before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Accumulate {
    /// They are written over.
    Replace,
    /// The chains go on from them, as if their terms had come before in the same product.
    Add,
}

/// C = A B, or, with one number for each row to begin with, C = b + A B. Shapes: A [rows, depth], B [depth, columns], b
/// \[rows\], C [rows, columns], all matrices in panels.
///
/// It is a layer's forward product, z^T = b + W a^T, and its backward product, dLoss/da = delta W.
pub(crate) fn product<T: Scalar>(a: Panels<'_, T>, b: Panels<'_, T>, begin: Option<&[T]>, c: &mut [T]) {
    assert!(a.columns() > 0 && a.columns() == b.rows() && begin.is_none_or(|begin| begin.len() == a.rows()));
    assert_eq!(c.len(), a.rows() * b.columns());
    match b.columns() {
        1 => dispatch(ColumnProduct { a, x: b.data(), first: 0, begin, c }),
        _ => dispatch(Product { a, b, begin, c }),
    }
}

/// [`product`] on all threads, where B has one column; they divide the rows of A.
pub(crate) fn column_product<T: Scalar>(
    threads: &Threads,
    a: Panels<'_, T>,
    x: &[T],
    begin: Option<&[T]>,
    c: &mut [T],
) {
    /// Numbers of A for which a thread is worth calling.
    const WORTH_A_TASK: usize = 1 << 15;
    assert!(
        a.columns() == x.len() && c.len() == a.rows() && begin.is_none_or(|begin| begin.len() == a.rows())
    );
    let rows = WORTH_A_TASK.div_ceil(a.columns()).next_multiple_of(panel_width::<T>());
    for_each_chunk(threads, (c, &mut [(); 0]), (rows, 0), |index, c, _| {
        dispatch(ColumnProduct { a, x, first: index * rows, begin, c });
    });
}

/// A piece of C = A^T B, or of C + A^T B, summed over all rows. Shapes: A [rows, m], B [rows, columns], both cut into the same
/// blocks; C [m, columns] in panels. The piece's first row is a multiple of a panel's columns.
///
/// It is the gradient of a weight, delta^T a.
pub(crate) fn transposed_product<T: Scalar>(
    a: Blocks<'_, T>,
    b: Blocks<'_, T>,
    piece: &Piece,
    accumulate: Accumulate,
    c: &mut [T],
) {
    let (panel, &Piece { rows: ref part, start }) = (panel_width::<T>(), piece);
    assert!(part.start.is_multiple_of(panel) && part.end <= a.columns());
    assert!(start.is_multiple_of(panel) && start < b.columns());
    assert_eq!(c.len(), part.len() * panel.min(b.columns() - start));
    assert!(a.are_cut_as(&b));
    dispatch(TransposedProduct { a, b, piece, accumulate, c });
}

/// The sums of the columns: a product with a row of ones, one number for each column.
pub(crate) fn column_sums<T: Scalar>(blocks: Blocks<'_, T>, accumulate: Accumulate, sums: &mut [T]) {
    assert_eq!(blocks.columns(), sums.len());
    dispatch(ColumnSums { blocks, accumulate, sums });
}
