//! The loops around the tile, one kernel for each product: which parts of the operands meet in which order, so that what
//! is read again is still in a cache.
//!
//! The vector operand waits in the first-level cache, some steps of one of its panels at a time, while all rows of a
//! block of the broadcast operand come by from the second-level one.

use super::Accumulate;
use super::tile::{Begin, Segment, Strip, sweep};
use crate::kernel::Scalar;
use crate::kernel::caches::blocking;
use crate::kernel::dispatch::{Kernel, Vectors};
use crate::kernel::panels::{Blocks, Panels, Piece, panel_width};

/// C = A B, the chains from `begin` on, in shapes that [`super::product`] has checked.
pub(super) struct Product<'a, T> {
    pub(super) a: Panels<'a, T>,
    pub(super) b: Panels<'a, T>,
    pub(super) begin: Option<&'a [T]>,
    pub(super) c: &'a mut [T],
}

impl<T: Scalar> Kernel for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) {
        let Product { a, b, begin, c } = self;
        let panel = panel_width::<T>();
        let (rows, depth, columns) = (a.rows(), a.columns(), b.columns());
        let (left, right, result) = (a.data().as_ptr(), b.data().as_ptr(), c.as_mut_ptr());
        let blocks = blocking::<T>(rows, depth);
        for first in (0..depth).step_by(blocks.deep_steps) {
            let end = depth.min(first + blocks.deep_steps);
            for top in (0..rows).step_by(blocks.rows) {
                let bottom = rows.min(top + blocks.rows);
                for j in (0..columns).step_by(panel) {
                    let width = panel.min(columns - j);
                    for from in (first..end).step_by(blocks.steps) {
                        let to = end.min(from + blocks.steps);
                        let segment = |s: usize, row: usize| {
                            let k = s * panel;
                            let count = panel.min(depth - k);
                            // Elements (row, k) of A, which is only asked for ahead of time where it is none, and (k, j) of B.
                            Segment {
                                a: left.wrapping_add(rows * k + row * count),
                                a_stride: count,
                                b: right.wrapping_add(depth * j + k * width),
                                count,
                            }
                        };
                        let begin = match begin {
                            _ if from > 0 => Begin::Result,
                            Some(begin) => Begin::Column(begin.as_ptr()),
                            None => Begin::Zero,
                        };
                        let lines = ((to - from) * width * size_of::<T>()) / 64;
                        // SAFETY: the panel of C is [rows, width]; segments are inside of A and B.
                        unsafe {
                            let c = result.add(rows * j);
                            let ahead = (right.wrapping_add(depth * j + to * width), lines);
                            let is_first = j == 0;
                            let strip =
                                Strip { c, width, stride: width, rows: top..bottom, begin, ahead, is_first };
                            sweep::<V::Of<T>, _, true>(from / panel..to.div_ceil(panel), &segment, &strip);
                        }
                    }
                }
            }
        }
    }
}

/// A piece of C = A^T B or C + A^T B, in shapes that [`super::transposed_product`] has checked.
pub(super) struct TransposedProduct<'a, T> {
    pub(super) a: Blocks<'a, T>,
    pub(super) b: Blocks<'a, T>,
    pub(super) piece: &'a Piece,
    pub(super) accumulate: Accumulate,
    pub(super) c: &'a mut [T],
}

impl<T: Scalar> Kernel for TransposedProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) {
        let TransposedProduct { a, b, piece: &Piece { rows: ref part, start }, accumulate, c } = self;
        let (panel, count) = (panel_width::<T>(), a.count());
        let width = panel.min(b.columns() - start);
        let together = (blocking::<T>(part.len(), 0).steps / a.rows_in_block()).max(1);
        for first in (0..count).step_by(together) {
            let segments = first..count.min(first + together);
            let begin = match (first, accumulate) {
                (0, Accumulate::Replace) => Begin::Zero,
                _ => Begin::Result,
            };
            // Of the block after these.
            let next = (segments.end < count).then(|| b.get(segments.end));
            let ahead = next.map_or((c.as_ptr(), 0), |next| {
                let panel = next.data().as_ptr().wrapping_add(next.rows() * start);
                (panel, next.rows() * width * size_of::<T>() / 64)
            });
            // The columns of A that lie in one panel.
            for top in (part.start..part.end).step_by(panel) {
                let bottom = part.end.min(top + panel);
                let segment = |s: usize, row: usize| {
                    let (a, b) = (a.get(s), b.get(s));
                    let (a_offset, a_stride) = a.column(top + row);
                    // Elements (0, top + row) of A and (0, start) of B.
                    Segment {
                        a: a.data().as_ptr().wrapping_add(a_offset),
                        a_stride,
                        b: b.data().as_ptr().wrapping_add(b.rows() * start),
                        count: b.rows(),
                    }
                };
                // SAFETY: C is [part, width].
                unsafe {
                    let c = c.as_mut_ptr().add((top - part.start) * width);
                    let ahead = if top == part.start { ahead } else { (c.cast_const(), 0) };
                    let strip = Strip { c, width, stride: width, rows: 0..bottom - top, begin, ahead, is_first: false };
                    sweep::<V::Of<T>, _, false>(segments.clone(), &segment, &strip);
                }
            }
        }
    }
}

/// The sums of the columns, one for each, as [`super::column_sums`] has checked.
pub(super) struct ColumnSums<'a, T> {
    pub(super) blocks: Blocks<'a, T>,
    pub(super) accumulate: Accumulate,
    pub(super) sums: &'a mut [T],
}

impl<T: Scalar> Kernel for ColumnSums<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) {
        let ColumnSums { blocks, accumulate, sums } = self;
        let (panel, columns) = (panel_width::<T>(), sums.len());
        for j in (0..columns).step_by(panel) {
            let width = panel.min(columns - j);
            let sums = &mut sums[j..j + width];
            if accumulate == Accumulate::Replace {
                sums.fill(T::zero());
            }
            let mut totals = [T::zero(); panel_width::<f32>()];
            totals[..width].copy_from_slice(sums);
            for block in 0..blocks.count() {
                let block = blocks.get(block);
                let rows = &block.data()[block.rows() * j..][..block.rows() * width];
                if width == panel {
                    // In vectors, and in registers: each sum is a chain in the order of the rows.
                    for row in rows.chunks_exact(panel) {
                        for (total, &x) in totals[..panel].iter_mut().zip(row) {
                            *total += x;
                        }
                    }
                } else {
                    for row in rows.chunks_exact(width) {
                        for (total, &x) in totals.iter_mut().zip(row) {
                            *total += x;
                        }
                    }
                }
            }
            sums.copy_from_slice(&totals[..width]);
        }
    }
}
