//! The loops around the tile, one kernel for each product: which parts of the operands meet in which order, so that what
//! is read again is still in a cache.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::Accumulate;
use super::tile::{Ahead, Begin, ResultBlock, Segment, strip, sweep};
use crate::kernel::Scalar;
use crate::kernel::dispatch::{Kernel, Vectors};
use crate::kernel::panels::{Blocks, Panels, panel_width};
use crate::kernel::rows::Rows;

/// Steps of the summation that are taken before the next tiles: so many rows of all panels of 128 samples, and of a
/// strip of the left operand, stay in a core's caches.
const DEPTH: usize = 512;

/// The same for the backward product, whose right operand is not in panels.
const BACKWARD_DEPTH: usize = 256;

/// Bytes between the rows of a weight from which the backward product copies a panel before it reads it again and again:
/// lines that lie far apart, often at powers of two, push each other out of the caches.
pub(super) const FAR: usize = 8192;

/// Columns of the widest panel.
const PANEL: usize = panel_width::<f32>();

/// Rows of a weight that the forward product takes at a time: the most that a tile has.
const STRIP: usize = 8;

/// Z^T = b + W A^T, in shapes that [`super::forward_product`] has checked.
pub(super) struct ForwardProduct<'a, T> {
    pub(super) w: Rows<'a, T>,
    pub(super) a: Panels<'a, T>,
    pub(super) b: Option<&'a [T]>,
    pub(super) z: &'a mut [T],
}

impl<T: Scalar> Kernel for ForwardProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) {
        let ForwardProduct { w, a, b, z } = self;
        let panel = panel_width::<T>();
        let (n_out, n_in, samples) = (w.rows(), w.columns(), a.columns());
        let (left, right, result) = (w.data().as_ptr(), a.data().as_ptr(), z.as_mut_ptr());
        for first in (0..n_in).step_by(DEPTH) {
            let count = DEPTH.min(n_in - first);
            let segment = |j: usize, width: usize| {
                move |_: usize, row: usize, column: usize| {
                    // SAFETY: offsets of elements (row, first) of W and (first, j + column) of A^T.
                    unsafe {
                        Segment {
                            a: left.add(row * n_in + first),
                            a_stride: n_in,
                            b: right.add(n_in * j + first * width + column),
                            b_step: width,
                            count,
                        }
                    }
                }
            };
            // Some rows of W at a time, which stay in the first-level cache for all panels.
            for rows in (0..n_out).step_by(STRIP) {
                let count = STRIP.min(n_out - rows);
                for j in (0..samples).step_by(panel) {
                    let width = panel.min(samples - j);
                    // SAFETY: the panel of Z^T is [n_out, width].
                    unsafe {
                        let c = result.add(n_out * j);
                        let begin = match b {
                            _ if first > 0 => Begin::Matrix { pointer: c.cast_const(), stride: width },
                            Some(b) => Begin::Column(b.as_ptr()),
                            None => Begin::Zero,
                        };
                        let next = left.wrapping_add((rows + STRIP) * n_in + first);
                        let ahead = match j / panel {
                            0 if samples <= panel => Ahead::Left { from: next, stride: n_in, rows: 8 },
                            0 => Ahead::Left { from: next, stride: n_in, rows: 4 },
                            1 => Ahead::Left { from: next.wrapping_add(4 * n_in), stride: n_in, rows: 4 },
                            _ => Ahead::Nothing,
                        };
                        let to =
                            ResultBlock { c, stride: width, rows: rows..rows + count, columns: width, ahead };
                        sweep::<V::Of<T>, _, true>(&(0..1), &segment(j, width), begin, to);
                    }
                }
            }
        }
    }
}

/// E = D W, in shapes that [`super::backward_product`] has checked; the rows of W may lie FAR apart.
pub(super) struct BackwardProduct<'a, T, const IS_FAR: bool> {
    pub(super) d: Panels<'a, T>,
    pub(super) w: Rows<'a, T>,
    pub(super) e: &'a mut [T],
}

impl<T: Scalar, const IS_FAR: bool> Kernel for BackwardProduct<'_, T, IS_FAR> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) {
        let BackwardProduct { d, w, e } = self;
        let panel = panel_width::<T>();
        let (rows, n_out, n_in) = (d.rows(), w.rows(), w.columns());
        let (left, right) = (d.data().as_ptr(), w.data().as_ptr());
        let mut copy = MaybeUninit::<Aligned<[T; BACKWARD_DEPTH * PANEL]>>::uninit();
        let copy = copy.as_mut_ptr().cast::<T>();
        for first in (0..n_out).step_by(BACKWARD_DEPTH) {
            let depth = BACKWARD_DEPTH.min(n_out - first);
            let part = first / panel..(first + depth).div_ceil(panel);
            for j in (0..n_in).step_by(panel) {
                let width = panel.min(n_in - j);
                let c = e[rows * j..][..rows * width].as_mut_ptr();
                let begin = match first {
                    0 => Begin::Zero,
                    _ => Begin::Matrix { pointer: c.cast_const(), stride: width },
                };
                // SAFETY: rows first.. of W, from column j on; the copy has room for as many rows of a panel.
                let (b, b_step) = unsafe {
                    let place = right.add(first * n_in + j);
                    if IS_FAR {
                        for n in 0..depth {
                            std::ptr::copy_nonoverlapping(place.add(n * n_in), copy.add(n * width), width);
                        }
                        (copy.cast_const(), width)
                    } else {
                        (place, n_in)
                    }
                };
                let segment = |s: usize, row: usize, column: usize| {
                    let n = s * panel;
                    let count = panel.min(n_out - n);
                    // SAFETY: offsets of elements (row, n) of D and (n, j + column) of W.
                    unsafe {
                        Segment {
                            a: left.add(rows * n + row * count),
                            a_stride: count,
                            b: b.add((n - first) * b_step + column),
                            b_step,
                            count,
                        }
                    }
                };
                let strip = if IS_FAR { STRIP } else { rows };
                for (index, start) in (0..rows).step_by(strip).enumerate() {
                    // In the time of four steps each strip asks for one of the eight lines that the next panel has there.
                    let ahead = if IS_FAR && index < 8 {
                        let line = index / 2 * n_in + index % 2 * panel / 2;
                        let from = right.wrapping_add(first * n_in + j + panel + line);
                        Ahead::Right { from, stride: n_in }
                    } else {
                        Ahead::Nothing
                    };
                    let to = ResultBlock {
                        c,
                        stride: width,
                        rows: start..rows.min(start + strip),
                        columns: width,
                        ahead,
                    };
                    // SAFETY: E's panel is [rows, width].
                    unsafe { sweep::<V::Of<T>, _, true>(&part, &segment, begin, to) };
                }
            }
        }
    }
}

/// C = A^T B or C + A^T B, in shapes that [`super::transposed_product`] has checked.
pub(super) struct TransposedProduct<'a, T> {
    pub(super) a: Blocks<'a, T>,
    pub(super) b: Blocks<'a, T>,
    pub(super) part: Range<usize>,
    pub(super) accumulate: Accumulate,
    pub(super) c: &'a mut [T],
}

impl<T: Scalar> Kernel for TransposedProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vectors>(self) {
        let TransposedProduct { a, b, part, accumulate, c } = self;
        let panel = panel_width::<T>();
        let (rows, columns, blocks) = (part.len(), b.columns(), a.count());
        let together = (DEPTH / a.rows_in_block()).max(1);
        for first in (0..blocks).step_by(together) {
            let segments = first..blocks.min(first + together);
            for j in (0..columns).step_by(panel) {
                let width = panel.min(columns - j);
                // SAFETY: j is a column of C.
                let c = unsafe { c.as_mut_ptr().add(j) };
                let begin = match (first, accumulate) {
                    (0, Accumulate::Replace) => Begin::Zero,
                    _ => Begin::Matrix { pointer: c.cast_const(), stride: columns },
                };
                let segment = |s: usize, row: usize, column: usize| {
                    let (a, b) = (a.get(s), b.get(s));
                    let (a_offset, a_stride) = a.column(part.start + row);
                    // SAFETY: offsets of elements (0, part.start + row) of A and (0, j + column) of B.
                    unsafe {
                        Segment {
                            a: a.data().as_ptr().add(a_offset),
                            a_stride,
                            b: b.data().as_ptr().add(b.rows() * j + column),
                            b_step: width,
                            count: b.rows(),
                        }
                    }
                };
                // SAFETY: C's columns from j on are [rows, width] in rows of `columns`; a tile's rows start at a
                // multiple of its height, so they are columns of one panel of A.
                unsafe {
                    let to = ResultBlock {
                        c,
                        stride: columns,
                        rows: 0..rows,
                        columns: width,
                        ahead: Ahead::Nothing,
                    };
                    sweep::<V::Of<T>, _, false>(&segments, &segment, begin, to)
                };
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
        let one: T = num_traits::One::one();
        for j in (0..columns).step_by(panel) {
            let width = panel.min(columns - j);
            let segment = |s: usize, _: usize, column: usize| {
                let b = blocks.get(s);
                // SAFETY: the offset of element (0, j + column).
                let first = unsafe { b.data().as_ptr().add(b.rows() * j + column) };
                Segment { a: &one, a_stride: 0, b: first, b_step: width, count: b.rows() }
            };
            let c = sums[j..].as_mut_ptr();
            let begin = match accumulate {
                Accumulate::Replace => Begin::Zero,
                Accumulate::Add => Begin::Matrix { pointer: c.cast_const(), stride: 0 },
            };
            let to = ResultBlock { c, stride: 0, rows: 0..1, columns: width, ahead: Ahead::Nothing };
            // SAFETY: one row of `width` columns.
            unsafe { strip::<V::Of<T>, _, 1, false>(&(0..blocks.count()), &segment, 0, begin, &to) };
        }
    }
}

/// Starts at a cache line.
#[repr(align(64))]
struct Aligned<T>(T);
