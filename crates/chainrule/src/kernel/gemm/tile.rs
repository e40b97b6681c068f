//! The tile: some rows by two vectors of columns of a result, kept in registers.
//!
//! For each step of the summation there are two loads of the right operand, and for each row one broadcast of the left
//! operand and two multiply-adds.

use std::ops::Range;

use crate::kernel::Scalar;
use crate::kernel::lanes::{Lanes, opaque, prefetch};

/// What the chains of a product start from.
#[derive(Clone, Copy)]
pub(super) enum Begin<T> {
    Zero,
    /// One number for each row.
    Column(*const T),
    /// What earlier parts of the summation came to.
    Matrix {
        pointer: *const T,
        stride: usize,
    },
}

/// What tiles ask the memory for while they compute.
#[derive(Clone, Copy)]
pub(super) enum Ahead<T> {
    Nothing,
    /// Four or eight rows of the left operand.
    Left {
        from: *const T,
        stride: usize,
        rows: usize,
    },
    /// A line for every fourth step of the summation, whose steps lie `stride` apart.
    Right {
        from: *const T,
        stride: usize,
    },
}

/// Where tiles go: some rows of a result, and its first columns, at most a panel of them.
pub(super) struct ResultBlock<T> {
    pub(super) c: *mut T,
    pub(super) stride: usize,
    pub(super) rows: Range<usize>,
    pub(super) columns: usize,
    pub(super) ahead: Ahead<T>,
}

/// A part of a summation whose operands lie at constant distances.
pub(super) struct Segment<T> {
    pub(super) a: *const T,
    /// From row to row where it lies by rows, else from step to step.
    pub(super) a_stride: usize,
    pub(super) b: *const T,
    pub(super) b_step: usize,
    pub(super) count: usize,
}

/// All tiles of a destination. `segment(s, i, j)` gives part s of the summation for the tile whose first element is (i, j).
/// The left operand lies BY_ROWS: the terms of one element side by side; or by columns: those of the tile's rows.
///
/// # Safety
/// Segments and the destination are valid for all those elements; the processor has V's instructions.
#[inline(always)]
pub(super) unsafe fn sweep<V, S, const BY_ROWS: bool>(
    segments: &Range<usize>,
    segment: &S,
    begin: Begin<V::Number>,
    to: ResultBlock<V::Number>,
) where
    V: Lanes<Number: Scalar>,
    S: Fn(usize, usize, usize) -> Segment<V::Number>,
{
    let Range { start: mut i, end } = to.rows;
    // SAFETY: the caller's promise; the tiles are inside C.
    unsafe {
        if V::ROWS == 8 {
            while end - i >= 8 {
                strip::<V, S, 8, BY_ROWS>(segments, segment, i, begin, &to);
                i += 8;
            }
        }
        while end - i >= 4 {
            strip::<V, S, 4, BY_ROWS>(segments, segment, i, begin, &to);
            i += 4;
        }
        if end - i >= 2 {
            strip::<V, S, 2, BY_ROWS>(segments, segment, i, begin, &to);
            i += 2;
        }
        if end - i >= 1 {
            strip::<V, S, 1, BY_ROWS>(segments, segment, i, begin, &to);
        }
    }
}

/// The tiles of rows i..i + M.
///
/// # Safety
/// As for [`sweep`].
#[inline(always)]
pub(super) unsafe fn strip<V, S, const M: usize, const BY_ROWS: bool>(
    segments: &Range<usize>,
    segment: &S,
    i: usize,
    begin: Begin<V::Number>,
    to: &ResultBlock<V::Number>,
) where
    V: Lanes<Number: Scalar>,
    S: Fn(usize, usize, usize) -> Segment<V::Number>,
{
    let (mut j, stride) = (0, to.stride);
    while j < to.columns {
        let left = to.columns - j;
        // SAFETY: the caller's promise; `left` columns are left.
        unsafe {
            let c = to.c.add(i * stride + j);
            let begin = match begin {
                Begin::Zero => begin,
                Begin::Column(column) => Begin::Column(column.add(i)),
                Begin::Matrix { pointer, stride } => {
                    Begin::Matrix { pointer: pointer.add(i * stride + j), stride }
                }
            };
            if left >= 2 * V::COUNT {
                tile::<V, S, M, 2, BY_ROWS, false>(
                    segments,
                    segment,
                    (i, j),
                    begin,
                    c,
                    stride,
                    V::COUNT,
                    to.ahead,
                );
                j += 2 * V::COUNT;
            } else {
                let count = left.min(V::COUNT);
                tile::<V, S, M, 1, BY_ROWS, true>(
                    segments,
                    segment,
                    (i, j),
                    begin,
                    c,
                    stride,
                    count,
                    to.ahead,
                );
                j += count;
            }
        }
    }
}

/// One tile of M rows and N vectors, the last of which has `last` columns (all, unless PARTIAL).
///
/// # Safety
/// As for [`sweep`].
#[inline(always)]
unsafe fn tile<V, S, const M: usize, const N: usize, const BY_ROWS: bool, const PARTIAL: bool>(
    segments: &Range<usize>,
    segment: &S,
    (i, j): (usize, usize),
    begin: Begin<V::Number>,
    c: *mut V::Number,
    c_stride: usize,
    last: usize,
    ahead: Ahead<V::Number>,
) where
    V: Lanes<Number: Scalar>,
    S: Fn(usize, usize, usize) -> Segment<V::Number>,
{
    // SAFETY: the caller's promise.
    unsafe {
        let load = |pointer: *const V::Number| {
            if PARTIAL { V::load_first(pointer, last) } else { V::load(pointer) }
        };
        let mut sums = [[V::splat(num_traits::Zero::zero()); N]; M];
        match begin {
            Begin::Zero => {}
            Begin::Column(column) => {
                for r in 0..M {
                    sums[r] = [V::splat(*column.add(r)); N];
                }
            }
            Begin::Matrix { pointer, stride } => {
                for r in 0..M {
                    for v in 0..N {
                        sums[r][v] = load(pointer.add(r * stride + v * V::COUNT));
                    }
                }
            }
        }
        // Steps of the segments before.
        let mut done = 0;
        for s in segments.clone() {
            let Segment { a, a_stride, mut b, b_step, count } = segment(s, i, j);
            // Rows that lie apart have a pointer each; the compiler would compute them anew at every step.
            let mut rows = [a; M];
            if BY_ROWS {
                for r in 0..M {
                    rows[r] = opaque(a.wrapping_add(r * a_stride));
                }
            }
            let mut k = 0;
            macro_rules! step {
                ($offset:expr) => {
                    let mut right = [V::splat(num_traits::Zero::zero()); N];
                    for v in 0..N {
                        right[v] = load(b.add(v * V::COUNT));
                    }
                    for r in 0..M {
                        let element = if BY_ROWS {
                            rows[r].add(k + $offset)
                        } else {
                            a.add((k + $offset) * a_stride + r)
                        };
                        let left = V::splat(*element);
                        for v in 0..N {
                            sums[r][v] = left.multiply_add(right[v], sums[r][v]);
                        }
                    }
                    // One past the last element is never read.
                    b = b.wrapping_add(b_step);
                };
            }
            // Four at a time: a panel's 32 steps are then a loop short enough for its end to be predicted.
            for _ in 0..count / 4 {
                match ahead {
                    Ahead::Nothing => {}
                    // Lines of four rows in the time of a line's sixteen elements.
                    Ahead::Left { from, stride, rows } => {
                        let next = from.wrapping_add(k + k / 4 % 4 * stride);
                        prefetch(next);
                        if rows > 4 {
                            prefetch(next.wrapping_add(4 * stride));
                        }
                    }
                    Ahead::Right { from, stride } => prefetch(from.wrapping_add((done + k) * stride)),
                }
                step!(0);
                step!(1);
                step!(2);
                step!(3);
                k += 4;
            }
            for _ in 0..count % 4 {
                step!(0);
                k += 1;
            }
            done += count;
        }
        for r in 0..M {
            for v in 0..N {
                let result = c.add(r * c_stride + v * V::COUNT);
                if PARTIAL { sums[r][v].store_first(result, last) } else { sums[r][v].store(result) }
            }
        }
    }
}
