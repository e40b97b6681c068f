//! The loops around the tile, one kernel for each product: which parts of the operands meet in which order, so that what
//! is read again is still in a cache.
//!
//! The vector operand waits in the first-level cache, some steps of one of its panels at a time, while all rows of a
//! block of the broadcast operand come by from the second-level one.

use super::Accumulate;
use super::tile::{Begin, Segment, Strip, sweep};
use crate::kernel::Scalar;
use crate::kernel::caches::{blocking, caches};
use crate::kernel::dispatch::{Kernel, Vectors};
use crate::kernel::lanes::Lanes;
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
        // It stays in the first-level cache.
        let is_small = size_of_val(b.data()) <= caches().first / 2;
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
                        let lines = if is_small { 0 } else { (to - from) * width * size_of::<T>() / 64 };
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
        let together = match count {
            1 => 1,
            _ => (blocking::<T>(part.len(), 0).steps / a.rows_in_block()).max(1),
        };
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
                    let strip = Strip {
                        c,
                        width,
                        stride: width,
                        rows: 0..bottom - top,
                        begin,
                        ahead,
                        is_first: false,
                    };
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
        for j in (0..sums.len()).step_by(panel_width::<T>()) {
            // SAFETY: the caller's promise; j is the first column of a panel.
            unsafe {
                match panel_width::<T>().min(sums.len() - j) {
                    width if width == panel_width::<T>() => {
                        panel_sums::<V::Of<T>, true>(blocks, (j, width), accumulate, sums)
                    }
                    width => panel_sums::<V::Of<T>, false>(blocks, (j, width), accumulate, sums),
                }
            }
        }
    }
}

/// Those of the panel from column `start` on, which has `width` columns; FULL ones in registers all at once.
///
/// # Safety
/// The panel is there, and the processor has V's instructions.
#[inline(always)]
unsafe fn panel_sums<V: Lanes<Number: Scalar>, const FULL: bool>(
    blocks: Blocks<'_, V::Number>,
    (start, width): (usize, usize),
    accumulate: Accumulate,
    sums: &mut [V::Number],
) {
    // Vectors of the widest panel, where they are the narrowest.
    const MOST: usize = 8;
    let together = if FULL { panel_width::<V::Number>() / V::COUNT } else { 1 };
    for j in (0..width).step_by(together * V::COUNT) {
        let count = V::COUNT.min(width - j);
        // SAFETY: the caller's promise; `count` columns are there from j on, or all of a full panel.
        unsafe {
            let load = |pointer: *const V::Number| {
                if FULL { V::load(pointer) } else { V::load_first(pointer, count) }
            };
            let to = sums.as_mut_ptr().add(start + j);
            let mut totals = [V::splat(num_traits::Zero::zero()); MOST];
            if accumulate == Accumulate::Add {
                for v in 0..together {
                    totals[v] = load(to.add(v * V::COUNT));
                }
            }
            for block in 0..blocks.count() {
                let block = blocks.get(block);
                let mut row = block.data().as_ptr().add(block.rows() * start + j);
                for _ in 0..block.rows() {
                    for v in 0..together {
                        totals[v] = totals[v].add(load(row.add(v * V::COUNT)));
                    }
                    // One past the last row is never read.
                    row = row.wrapping_add(width);
                }
            }
            for v in 0..together {
                let to = to.add(v * V::COUNT);
                if FULL { totals[v].store(to) } else { totals[v].store_first(to, count) }
            }
        }
    }
}
