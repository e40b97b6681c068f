//! The three matrix operations of a dense layer, divided into tiles by shape:
//! forward (with bias and activation behind the product), the error carried back, and the gradients.

use super::elementwise::{SharedPointer, vectorized};
use super::gemm::{Accumulate, Block, BlockMut, gemm};
use super::tiles::{Tile, Tiles};
use super::{Scalar, Threads};
use crate::activation::Activation;
use crate::matrix::MatrixView;

/// z = x W^T + b and a = sigma(z), tile by tile. Shapes: x [B, n_in], weight [n_out, n_in], bias [n_out]
/// or none, a and (if kept) z [B, n_out]. Softmax needs whole rows and is the caller's.
pub(crate) fn forward<T: Scalar>(
    threads: &Threads,
    input: MatrixView<'_, T>,
    weight: MatrixView<'_, T>,
    bias: Option<&[T]>,
    activation: Activation,
    mut pre_activation: Option<&mut [T]>,
    output: &mut [T],
) {
    let (batch, n_out) = (input.rows(), weight.rows());
    assert_eq!(output.len(), batch * n_out);
    assert!(bias.is_none_or(|bias| bias.len() == n_out));
    assert!(pre_activation.as_ref().is_none_or(|z| z.len() == output.len()));
    let z = pre_activation.as_mut().map(|z| SharedPointer(z.as_mut_ptr()));
    let x = Block::new(input.as_slice(), batch, input.columns());
    let w = Block::new(weight.as_slice(), n_out, weight.columns());
    multiply(threads, output, batch, n_out, x, w.transposed(), |tile, a| {
        let finish = |offset: usize, row: &mut [T], bias: Option<&[T]>| {
            if let Some(bias) = bias {
                for (value, b) in row.iter_mut().zip(bias) {
                    *value += *b;
                }
            }
            if let Some(z) = z {
                // SAFETY: this tile's part of z, which has the shape of the output.
                let z = unsafe { std::slice::from_raw_parts_mut(z.get().add(offset), row.len()) };
                z.copy_from_slice(row);
            }
        };
        for i in tile.rows.clone() {
            let offset = i * n_out + tile.columns.start;
            // SAFETY: a row of this tile; tiles do not overlap.
            let row = unsafe { a.row(offset, tile.columns.len()) };
            vectorized(|| finish(offset, row, bias.map(|bias| &bias[tile.columns.clone()])));
        }
        for_contiguous(tile, n_out, |offset, length| {
            // SAFETY: a part of this tile; tiles do not overlap.
            activation.apply_in_place(unsafe { a.row(offset, length) });
        });
    });
}

/// The error carried back to the layer's input: delta W. Shapes: delta [B, n_out], weight [n_out, n_in],
/// result [B, n_in].
pub(crate) fn propagate<T: Scalar>(
    threads: &Threads,
    delta: MatrixView<'_, T>,
    weight: MatrixView<'_, T>,
    input_error: &mut [T],
) {
    let (batch, n_in) = (delta.rows(), weight.columns());
    assert_eq!(input_error.len(), batch * n_in);
    let d = Block::new(delta.as_slice(), batch, delta.columns());
    let w = Block::new(weight.as_slice(), weight.rows(), n_in);
    multiply(threads, input_error, batch, n_in, d, w, |_, _| {});
}

/// dW = delta^T x and db = the column sums of delta. Shapes: delta [B, n_out], x [B, n_in],
/// weight_gradient [n_out, n_in], bias_gradient [n_out] or none.
///
/// Divided over the rows and columns of dW: the sum over the batch is never split, so no thread needs
/// gradients of its own and the order of summation is fixed.
pub(crate) fn gradients<T: Scalar>(
    threads: &Threads,
    delta: MatrixView<'_, T>,
    input: MatrixView<'_, T>,
    weight_gradient: &mut [T],
    bias_gradient: Option<&mut [T]>,
) {
    let (batch, n_out, n_in) = (delta.rows(), delta.columns(), input.columns());
    assert_eq!(weight_gradient.len(), n_out * n_in);
    let d = Block::new(delta.as_slice(), batch, n_out);
    let x = Block::new(input.as_slice(), batch, n_in);
    multiply(threads, weight_gradient, n_out, n_in, d.transposed(), x, |_, _| {});
    if let Some(sums) = bias_gradient {
        assert_eq!(sums.len(), n_out);
        vectorized(|| {
            sums.fill(T::zero());
            for i in 0..batch {
                for (sum, value) in sums.iter_mut().zip(delta.row(i)) {
                    *sum += *value;
                }
            }
        });
    }
}

/// A result that tiles are written into.
struct Output<T>(SharedPointer<T>);

impl<T> Output<T> {
    /// # Safety
    /// The elements belong to the tile that the calling thread works on.
    unsafe fn row<'a>(&self, offset: usize, length: usize) -> &'a mut [T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.get().add(offset), length) }
    }
}

/// C = A B in tiles; `finish` gets each tile while it is in the cache.
fn multiply<T: Scalar>(
    threads: &Threads,
    c: &mut [T],
    rows: usize,
    columns: usize,
    a: Block<'_, T>,
    b: Block<'_, T>,
    finish: impl Fn(&Tile, &Output<T>) + Sync,
) {
    let tiles = Tiles::new(rows, columns, 2 * c.len() * b.rows_count());
    let output = Output(SharedPointer(c.as_mut_ptr()));
    threads.run(tiles.count(), &|index| {
        let tile = tiles.get(index);
        let block = BlockMut {
            // SAFETY: the tile lies inside C.
            pointer: unsafe { output.0.get().add(tile.rows.start * columns + tile.columns.start) },
            rows: tile.rows.len(),
            columns: tile.columns.len(),
            row_stride: columns,
        };
        let b = b.transposed().rows(&tile.columns).transposed();
        // SAFETY: C is borrowed mutably and its tiles do not overlap.
        unsafe { gemm(block, Accumulate::Replace, a.rows(&tile.rows), b) };
        finish(&tile, &output);
    });
}

/// Calls `body(offset, length)` for the longest contiguous parts of a tile.
fn for_contiguous(tile: &Tile, row_length: usize, mut body: impl FnMut(usize, usize)) {
    if tile.columns.len() == row_length {
        return body(tile.rows.start * row_length, tile.rows.len() * row_length);
    }
    for i in tile.rows.clone() {
        body(i * row_length + tile.columns.start, tile.columns.len());
    }
}
