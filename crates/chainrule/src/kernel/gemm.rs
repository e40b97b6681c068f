//! The one door to the matrix product: C = A B or C += A B, sequential, on any strides.
//!
//! faer's kernels choose AVX-512, AVX2 or portable code at run time. Two properties that the crate
//! relies on, and that the tests below hold for the version in use: the bits of a product depend
//! neither on where the buffers lie nor on how the rows of C are divided into parts of 16 or more. (Parts
//! of 2 or 3 rows take other kernels.)

use faer::linalg::matmul::matmul;
use faer::traits::ComplexField;
use faer::{Accum, MatMut, MatRef, Par};

use super::Scalar;

/// Whether a product replaces what C holds or is added to it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Accumulate {
    Replace,
    #[allow(dead_code)] // for gradients summed over micro-batches; held by a test below
    Add,
}

/// A rectangle of numbers to read: element (i, j) lies at `i * row_stride + j * column_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a, T> {
    data: &'a [T],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, T: Copy> Block<'a, T> {
    /// All of a row-major matrix.
    pub(crate) fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns);
        Block { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged; nothing moves.
    pub(crate) fn transposed(self) -> Self {
        Block {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// How many rows the block has.
    pub(crate) fn rows_count(&self) -> usize {
        self.rows
    }

    /// Rows `range` of the block.
    pub(crate) fn rows(self, range: &std::ops::Range<usize>) -> Self {
        assert!(range.start < range.end && range.end <= self.rows);
        Block { data: &self.data[range.start * self.row_stride..], rows: range.len(), ..self }
    }
}

/// A rectangle of numbers to write, part of a row-major matrix that other threads write elsewhere.
#[derive(Clone, Copy)]
pub(crate) struct BlockMut<T> {
    pub(super) pointer: *mut T,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
}

/// C = A B, or C += A B.
///
/// # Safety
/// `c` is valid for writes and disjoint from everything that is read or written at the same time.
pub(crate) unsafe fn gemm<T: Scalar>(c: BlockMut<T>, mode: Accumulate, a: Block<T>, b: Block<T>) {
    assert_eq!((c.rows, c.columns, a.columns), (a.rows, b.columns, b.rows));
    // SAFETY: the caller's promise is the same.
    unsafe { T::gemm(c, mode, a, b) }
}

/// The dependency behind the door.
///
/// # Safety
/// As for [`gemm`], which has checked the shapes.
pub(super) unsafe fn faer_gemm<T: Scalar + ComplexField>(
    c: BlockMut<T>,
    mode: Accumulate,
    a: Block<T>,
    b: Block<T>,
) {
    let read = |m: Block<'_, T>| {
        // SAFETY: a block's last element lies inside its slice (checked where blocks are made).
        unsafe {
            MatRef::from_raw_parts(
                m.data.as_ptr(),
                m.rows,
                m.columns,
                m.row_stride as isize,
                m.column_stride as isize,
            )
        }
    };
    // SAFETY: the caller promises that `c` is valid and disjoint from what others touch.
    let c = unsafe { MatMut::from_raw_parts_mut(c.pointer, c.rows, c.columns, c.row_stride as isize, 1) };
    let accumulate = match mode {
        Accumulate::Replace => Accum::Replace,
        Accumulate::Add => Accum::Add,
    };
    matmul(c, accumulate, read(a), read(b), <T as num_traits::One>::one(), Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| (((i * 7919 + seed * 104_729) % 2003) as f32 - 1001.0) / 997.0).collect()
    }

    fn product(
        a: Block<f32>,
        b: Block<f32>,
        rows_in_part: usize,
        offset: usize,
        mode: Accumulate,
    ) -> Vec<f32> {
        let mut buffer = vec![0.5f32; a.rows * b.columns + offset];
        let pointer = buffer[offset..].as_mut_ptr();
        let mut start = 0;
        while start < a.rows {
            let end = if a.rows - start < rows_in_part + 2 { a.rows } else { start + rows_in_part };
            let c = BlockMut {
                // SAFETY: start is less than the number of rows.
                pointer: unsafe { pointer.add(start * b.columns) },
                rows: end - start,
                columns: b.columns,
                row_stride: b.columns,
            };
            // SAFETY: `c` is a part of `buffer`, which nothing else touches.
            unsafe { gemm(c, mode, a.rows(&(start..end)), b) };
            start = end;
        }
        buffer.split_off(offset)
    }

    #[test]
    fn bits_do_not_depend_on_alignment_or_division() {
        for (m, n, k) in [(5, 3, 7), (64, 64, 64), (129, 17, 65), (128, 256, 784), (33, 1, 16)] {
            let (a, w) = (values(m * k, 1), values(n * k, 2));
            let (a, w) = (Block::new(&a, m, k), Block::new(&w, n, k));
            for (left, right) in [(a, w.transposed()), (w, a.transposed())] {
                let whole = product(left, right, left.rows, 0, Accumulate::Replace);
                for (part, offset) in [(16, 0), (24, 3), (40, 5), (left.rows, 1), (left.rows, 7)] {
                    let parts = product(left, right, part, offset, Accumulate::Replace);
                    assert!(parts == whole, "{m} x {n} x {k}, parts of {part}, offset {offset}");
                }
            }
        }
    }

    #[test]
    fn equals_the_definition() {
        let (m, n, k) = (13, 5, 9);
        let (a, b) = (values(m * k, 3), values(k * n, 4));
        for (mode, before) in [(Accumulate::Replace, 0.0), (Accumulate::Add, 0.5)] {
            let c = product(Block::new(&a, m, k), Block::new(&b, k, n), 4, 0, mode);
            for i in 0..m {
                for j in 0..n {
                    let sum: f32 = (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
                    assert!((c[i * n + j] - before - sum).abs() < 1e-5);
                }
            }
        }
    }
}
