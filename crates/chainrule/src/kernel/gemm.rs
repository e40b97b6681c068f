//! The matrix products of a dense layer, sequential. The weight is read where it lies, row by row; what changes with the
//! batch is in [`Panels`].
//!
//! Every element of a product is one chain: it starts from 0 or from the bias, and takes its terms one by one
//! in the order of the summation index, each by a fused multiply-add. Tiles, blocks of rows and threads only
//! choose which chains run side by side, so a product has the same bits however it is cut up, and the same
//! as three plain loops; the tests below hold that.
//!
//! A tile is `ROWS` rows by two vectors of columns, kept in registers: for each step of the summation two loads of the
//! right operand, and for each row one broadcast of the left operand and two multiply-adds.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::Scalar;
use super::instructions::{Instructions, instructions};
use super::lanes::{Lanes, opaque, prefetch};
use super::panels::{Blocks, Panels, panel_width};
use crate::matrix::MatrixView;

/// Steps of the summation that are taken before the next tiles: so many rows of all panels of 128 samples, and of a
/// strip of the left operand, stay in a core's caches.
const DEPTH: usize = 512;

/// The same for the backward product, whose right operand is not in panels.
const BACKWARD_DEPTH: usize = 256;

/// Bytes between the rows of a weight from which the backward product copies a panel before it reads it again and again:
/// lines that lie far apart, often at powers of two, push each other out of the caches.
const FAR: usize = 8192;

/// Columns of the widest panel.
const PANEL: usize = panel_width::<f32>();

/// Rows of a weight that the forward product takes at a time: the most that a tile has.
const STRIP: usize = 8;

/// Z^T = b + W A^T: a layer's forward product, which reads W where it lies. Shapes: W [n_out, n_in], A^T [n_in, rows] in
/// panels of samples, b [n_out] or nothing, Z^T [n_out, rows] in panels of samples.
pub(crate) fn forward_product<T: Scalar>(
    w: MatrixView<'_, T>,
    a: Panels<'_, T>,
    b: Option<&[T]>,
    z: &mut [T],
) {
    assert!(w.columns() > 0 && w.columns() == a.rows() && b.is_none_or(|b| b.len() == w.rows()));
    assert_eq!(z.len(), w.rows() * a.columns());
    // SAFETY: the shapes were checked, and the processor has these instructions.
    unsafe { forward_product_with(instructions(), w, a, b, z) }
}

/// # Safety
/// The shapes fit as [`forward_product`] checks, and the processor has the instructions.
#[inline]
unsafe fn forward_product_with<T: Scalar>(
    instructions: Instructions,
    w: MatrixView<'_, T>,
    a: Panels<'_, T>,
    b: Option<&[T]>,
    z: &mut [T],
) {
    match instructions {
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { forward_product_avx512(w, a, b, z) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { forward_product_avx2(w, a, b, z) },
        // SAFETY: as above.
        Instructions::Plain => unsafe { forward_product_in::<T::Plain>(w, a, b, z) },
    }
}

/// E = D W: the error that a layer carries back. Shapes: D [rows, n_out] and E [rows, n_in] in panels, W [n_out, n_in].
pub(crate) fn backward_product<T: Scalar>(d: Panels<'_, T>, w: MatrixView<'_, T>, e: &mut [T]) {
    assert!(w.rows() > 0 && w.rows() == d.columns());
    assert_eq!(e.len(), d.rows() * w.columns());
    // SAFETY: the shapes were checked, and the processor has these instructions.
    unsafe {
        if w.columns() * size_of::<T>() >= FAR {
            backward_product_with::<T, true>(instructions(), d, w, e)
        } else {
            backward_product_with::<T, false>(instructions(), d, w, e)
        }
    }
}

/// # Safety
/// The shapes fit as [`backward_product`] checks, and the processor has the instructions.
#[inline(always)]
unsafe fn backward_product_with<T: Scalar, const IS_FAR: bool>(
    instructions: Instructions,
    d: Panels<'_, T>,
    w: MatrixView<'_, T>,
    e: &mut [T],
) {
    match instructions {
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { backward_product_avx512::<T, IS_FAR>(d, w, e) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { backward_product_avx2::<T, IS_FAR>(d, w, e) },
        // SAFETY: as above.
        Instructions::Plain => unsafe { backward_product_in::<T::Plain, IS_FAR>(d, w, e) },
    }
}

/// What becomes of the numbers that a result has before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Accumulate {
    /// They are written over.
    Replace,
    /// The chains go on from them, as if their terms had come before in the same product.
    Add,
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
    // SAFETY: the shapes were checked, and the processor has these instructions.
    unsafe { transposed_product_with(instructions(), a, b, part, accumulate, c) }
}

/// # Safety
/// The shapes fit as [`transposed_product`] checks, and the processor has the instructions.
#[inline]
unsafe fn transposed_product_with<T: Scalar>(
    instructions: Instructions,
    a: Blocks<'_, T>,
    b: Blocks<'_, T>,
    part: Range<usize>,
    accumulate: Accumulate,
    c: &mut [T],
) {
    match instructions {
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { transposed_product_avx512(a, b, part, accumulate, c) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { transposed_product_avx2(a, b, part, accumulate, c) },
        // SAFETY: as above.
        Instructions::Plain => unsafe { transposed_product_in::<T::Plain>(a, b, part, accumulate, c) },
    }
}

/// The sums of the columns: a product with a row of ones, one number for each column.
pub(crate) fn column_sums<T: Scalar>(blocks: Blocks<'_, T>, accumulate: Accumulate, sums: &mut [T]) {
    assert_eq!(blocks.columns(), sums.len());
    // SAFETY: the shapes were checked, and the processor has these instructions.
    unsafe { column_sums_with(instructions(), blocks, accumulate, sums) }
}

/// # Safety
/// `sums` has a number for each column, and the processor has the instructions.
#[inline]
unsafe fn column_sums_with<T: Scalar>(
    instructions: Instructions,
    blocks: Blocks<'_, T>,
    accumulate: Accumulate,
    sums: &mut [T],
) {
    match instructions {
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => unsafe { column_sums_avx512(blocks, accumulate, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx2 => unsafe { column_sums_avx2(blocks, accumulate, sums) },
        // SAFETY: as above.
        Instructions::Plain => unsafe { column_sums_in::<T::Plain>(blocks, accumulate, sums) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn column_sums_avx512<T: Scalar>(blocks: Blocks<'_, T>, accumulate: Accumulate, sums: &mut [T]) {
    // SAFETY: the caller's promise.
    unsafe { column_sums_in::<T::Avx512>(blocks, accumulate, sums) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn column_sums_avx2<T: Scalar>(blocks: Blocks<'_, T>, accumulate: Accumulate, sums: &mut [T]) {
    // SAFETY: the caller's promise.
    unsafe { column_sums_in::<T::Avx2>(blocks, accumulate, sums) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn forward_product_avx512<T: Scalar>(
    w: MatrixView<'_, T>,
    a: Panels<'_, T>,
    b: Option<&[T]>,
    z: &mut [T],
) {
    // SAFETY: the caller's promise.
    unsafe { forward_product_in::<T::Avx512>(w, a, b, z) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn forward_product_avx2<T: Scalar>(
    w: MatrixView<'_, T>,
    a: Panels<'_, T>,
    b: Option<&[T]>,
    z: &mut [T],
) {
    // SAFETY: the caller's promise.
    unsafe { forward_product_in::<T::Avx2>(w, a, b, z) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn backward_product_avx512<T: Scalar, const IS_FAR: bool>(
    d: Panels<'_, T>,
    w: MatrixView<'_, T>,
    e: &mut [T],
) {
    // SAFETY: the caller's promise.
    unsafe { backward_product_in::<T::Avx512, IS_FAR>(d, w, e) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn backward_product_avx2<T: Scalar, const IS_FAR: bool>(
    d: Panels<'_, T>,
    w: MatrixView<'_, T>,
    e: &mut [T],
) {
    // SAFETY: the caller's promise.
    unsafe { backward_product_in::<T::Avx2, IS_FAR>(d, w, e) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn transposed_product_avx512<T: Scalar>(
    a: Blocks<'_, T>,
    b: Blocks<'_, T>,
    part: Range<usize>,
    accumulate: Accumulate,
    c: &mut [T],
) {
    // SAFETY: the caller's promise.
    unsafe { transposed_product_in::<T::Avx512>(a, b, part, accumulate, c) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn transposed_product_avx2<T: Scalar>(
    a: Blocks<'_, T>,
    b: Blocks<'_, T>,
    part: Range<usize>,
    accumulate: Accumulate,
    c: &mut [T],
) {
    // SAFETY: the caller's promise.
    unsafe { transposed_product_in::<T::Avx2>(a, b, part, accumulate, c) }
}

/// # Safety
/// The processor has V's instructions, and the shapes fit as [`forward_product`] checks.
#[inline(always)]
unsafe fn forward_product_in<V: Lanes<Number: Scalar>>(
    w: MatrixView<'_, V::Number>,
    a: Panels<'_, V::Number>,
    b: Option<&[V::Number]>,
    z: &mut [V::Number],
) {
    let panel = panel_width::<V::Number>();
    let (n_out, n_in, samples) = (w.rows(), w.columns(), a.columns());
    let (left, right, result) = (w.as_slice().as_ptr(), a.data().as_ptr(), z.as_mut_ptr());
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
                    let place = Place { c, stride: width, rows: rows..rows + count, columns: width, ahead };
                    sweep::<V, _, true>(&(0..1), &segment(j, width), begin, place);
                }
            }
        }
    }
}

/// # Safety
/// The processor has V's instructions, and the shapes fit as [`backward_product`] checks.
#[inline(always)]
unsafe fn backward_product_in<V: Lanes<Number: Scalar>, const IS_FAR: bool>(
    d: Panels<'_, V::Number>,
    w: MatrixView<'_, V::Number>,
    e: &mut [V::Number],
) {
    let panel = panel_width::<V::Number>();
    let (rows, n_out, n_in) = (d.rows(), w.rows(), w.columns());
    let (left, right) = (d.data().as_ptr(), w.as_slice().as_ptr());
    let mut copy = MaybeUninit::<Aligned<[V::Number; BACKWARD_DEPTH * PANEL]>>::uninit();
    let copy = copy.as_mut_ptr().cast::<V::Number>();
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
                let place =
                    Place { c, stride: width, rows: start..rows.min(start + strip), columns: width, ahead };
                // SAFETY: E's panel is [rows, width].
                unsafe { sweep::<V, _, true>(&part, &segment, begin, place) };
            }
        }
    }
}

/// # Safety
/// The processor has V's instructions, and the shapes fit as [`transposed_product`] checks.
#[inline(always)]
unsafe fn transposed_product_in<V: Lanes<Number: Scalar>>(
    a: Blocks<'_, V::Number>,
    b: Blocks<'_, V::Number>,
    part: Range<usize>,
    accumulate: Accumulate,
    c: &mut [V::Number],
) {
    let panel = panel_width::<V::Number>();
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
                let place =
                    Place { c, stride: columns, rows: 0..rows, columns: width, ahead: Ahead::Nothing };
                sweep::<V, _, false>(&segments, &segment, begin, place)
            };
        }
    }
}

/// # Safety
/// As for [`column_sums_with`], for V's instructions.
#[inline(always)]
unsafe fn column_sums_in<V: Lanes<Number: Scalar>>(
    blocks: Blocks<'_, V::Number>,
    accumulate: Accumulate,
    sums: &mut [V::Number],
) {
    let (panel, columns) = (panel_width::<V::Number>(), sums.len());
    let one: V::Number = num_traits::One::one();
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
        let place = Place { c, stride: 0, rows: 0..1, columns: width, ahead: Ahead::Nothing };
        // SAFETY: one row of `width` columns.
        unsafe { strip::<V, _, 1, false>(&(0..blocks.count()), &segment, 0, begin, &place) };
    }
}

/// What the chains of a product start from.
#[derive(Clone, Copy)]
enum Begin<T> {
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
enum Ahead<T> {
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

/// Starts at a cache line.
#[repr(align(64))]
struct Aligned<T>(T);

/// Where tiles go: some rows of a result, and its first columns, at most a panel of them.
struct Place<T> {
    c: *mut T,
    stride: usize,
    rows: Range<usize>,
    columns: usize,
    ahead: Ahead<T>,
}

/// A part of a summation whose operands lie at constant distances.
struct Segment<T> {
    a: *const T,
    /// From row to row where it lies by rows, else from step to step.
    a_stride: usize,
    b: *const T,
    b_step: usize,
    count: usize,
}

/// All tiles of a place. `segment(s, i, j)` gives part s of the summation for the tile whose first element is (i, j).
/// The left operand lies BY_ROWS: the terms of one element side by side; or by columns: those of the tile's rows.
///
/// # Safety
/// Segments and the place are valid for all those elements; the processor has V's instructions.
#[inline(always)]
unsafe fn sweep<V, S, const BY_ROWS: bool>(
    segments: &Range<usize>,
    segment: &S,
    begin: Begin<V::Number>,
    place: Place<V::Number>,
) where
    V: Lanes<Number: Scalar>,
    S: Fn(usize, usize, usize) -> Segment<V::Number>,
{
    let Range { start: mut i, end } = place.rows;
    // SAFETY: the caller's promise; the tiles are inside C.
    unsafe {
        if V::ROWS == 8 {
            while end - i >= 8 {
                strip::<V, S, 8, BY_ROWS>(segments, segment, i, begin, &place);
                i += 8;
            }
        }
        while end - i >= 4 {
            strip::<V, S, 4, BY_ROWS>(segments, segment, i, begin, &place);
            i += 4;
        }
        if end - i >= 2 {
            strip::<V, S, 2, BY_ROWS>(segments, segment, i, begin, &place);
            i += 2;
        }
        if end - i >= 1 {
            strip::<V, S, 1, BY_ROWS>(segments, segment, i, begin, &place);
        }
    }
}

/// The tiles of rows i..i + M.
///
/// # Safety
/// As for [`sweep`].
#[inline(always)]
unsafe fn strip<V, S, const M: usize, const BY_ROWS: bool>(
    segments: &Range<usize>,
    segment: &S,
    i: usize,
    begin: Begin<V::Number>,
    place: &Place<V::Number>,
) where
    V: Lanes<Number: Scalar>,
    S: Fn(usize, usize, usize) -> Segment<V::Number>,
{
    let (mut j, stride) = (0, place.stride);
    while j < place.columns {
        let left = place.columns - j;
        // SAFETY: the caller's promise; `left` columns are left.
        unsafe {
            let c = place.c.add(i * stride + j);
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
                    place.ahead,
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
                    place.ahead,
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
                let to = c.add(r * c_stride + v * V::COUNT);
                if PARTIAL { sums[r][v].store_first(to, last) } else { sums[r][v].store(to) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::instructions::all_instructions;
    use crate::kernel::panels::from_rows;

    fn values<T: Scalar>(count: usize, seed: usize) -> Vec<T> {
        let value = |i: usize| (((i * 7919 + seed * 104_729) % 2003) as f64 - 1001.0) / 997.0;
        (0..count).map(|i| T::from_f64(value(i))).collect()
    }

    /// The chain of a set of instructions: plain arrays round the product before they add, where the
    /// compiler was not told of a fused instruction.
    fn step<T: Scalar>(instructions: Instructions, a: T, b: T, sum: T) -> T {
        let fused = cfg!(any(target_feature = "fma", target_feature = "neon"));
        if instructions == Instructions::Plain && !fused { a * b + sum } else { a.mul_add(b, sum) }
    }

    fn in_panels<T: Scalar>(rows: usize, columns: usize, values: &[T]) -> Vec<T> {
        let mut panels = vec![T::zero(); values.len()];
        from_rows(MatrixView::new(rows, columns, values).unwrap(), &mut panels);
        panels
    }

    /// (rows, depth, columns): around the tile's height, the vectors' widths, the panel's, and the depth of one pass.
    const SHAPES: [(usize, usize, usize); 12] = [
        (1, 1, 1),
        (2, 3, 5),
        (7, 16, 15),
        (8, 31, 16),
        (9, 32, 17),
        (15, 33, 31),
        (16, 64, 32),
        (17, 65, 33),
        (23, 127, 50),
        (128, 129, 64),
        (5, 1023, 40),
        (11, 2100, 9),
    ];

    fn products_are_three_loops<T: Scalar>() {
        for instructions in all_instructions() {
            for (rows, depth, columns) in SHAPES {
                let (a, b) = (values::<T>(rows * depth, 1), values::<T>(depth * columns, 2));
                let bias = values::<T>(rows, 3);
                let (a_panels, b_panels) = (in_panels(rows, depth, &a), in_panels(depth, columns, &b));
                let (a_panels, b_panels) =
                    (Panels::new(&a_panels, rows, depth), Panels::new(&b_panels, depth, columns));
                let weight = MatrixView::new(rows, depth, &a).unwrap();
                for bias in [None, Some(&bias[..])] {
                    // What C holds before does not matter.
                    let mut results = vec![vec![T::nan(); rows * columns]; 3];
                    // SAFETY: the shapes fit, and the instructions are this machine's.
                    unsafe {
                        forward_product_with(instructions, weight, b_panels, bias, &mut results[0]);
                        if bias.is_none() {
                            let weight = MatrixView::new(depth, columns, &b).unwrap();
                            backward_product_with::<T, false>(
                                instructions,
                                a_panels,
                                weight,
                                &mut results[1],
                            );
                            backward_product_with::<T, true>(instructions, a_panels, weight, &mut results[2]);
                        } else {
                            results.truncate(1);
                        }
                    }
                    for (which, result) in results.iter().enumerate() {
                        let mut found = vec![T::zero(); result.len()];
                        Panels::new(result, rows, columns).to_rows(&mut found);
                        for i in 0..rows {
                            for j in 0..columns {
                                let mut sum = bias.map_or(T::zero(), |bias| bias[i]);
                                for k in 0..depth {
                                    sum = step(instructions, a[i * depth + k], b[k * columns + j], sum);
                                }
                                let found = found[i * columns + j];
                                let shape = (rows, depth, columns);
                                assert!(found == sum, "{which} {instructions:?} {shape:?}: {found} {sum}");
                            }
                        }
                    }
                }
            }
        }
    }

    /// The same sums for any division of the rows into blocks and of the result into parts.
    fn transposed_products_are_three_loops<T: Scalar>() {
        for instructions in all_instructions() {
            for (m, batch, columns) in SHAPES {
                let (a, b) = (values::<T>(batch * m, 4), values::<T>(batch * columns, 5));
                for (rows_in_block, columns_in_part) in [(batch, m), (8, 8), (100, 32), (1200, 16)] {
                    let in_blocks = |columns: usize, values: &[T]| -> Vec<T> {
                        let blocks = values.chunks(rows_in_block * columns);
                        blocks.flat_map(|block| in_panels(block.len() / columns, columns, block)).collect()
                    };
                    let (a_data, b_data) = (in_blocks(m, &a), in_blocks(columns, &b));
                    // All rows at once, and, where there are several blocks, the first half of them and then the others.
                    let middle = batch.div_ceil(rows_in_block) / 2 * rows_in_block;
                    let mut ways = vec![vec![(0..batch, Accumulate::Replace)]];
                    if middle > 0 {
                        ways.push(vec![(0..middle, Accumulate::Replace), (middle..batch, Accumulate::Add)]);
                    }
                    for way in ways {
                        let passes = way.into_iter().map(|(rows, accumulate)| {
                            let of = |data: &[T], n: usize| data[rows.start * n..rows.end * n].to_vec();
                            (of(&a_data, m), of(&b_data, columns), accumulate)
                        });
                        let passes: Vec<_> = passes.collect();
                        let mut sums = vec![T::nan(); m];
                        for (a, _, accumulate) in &passes {
                            let blocks = Blocks::new(a, rows_in_block, m);
                            // SAFETY: the shapes fit, and the instructions are this machine's.
                            unsafe { column_sums_with(instructions, blocks, *accumulate, &mut sums) };
                        }
                        for (n, found) in sums.into_iter().enumerate() {
                            let sum = (0..batch).fold(T::zero(), |sum, k| sum + a[k * m + n]);
                            assert!(found == sum, "{instructions:?}: column {n} of {batch} x {m}");
                        }
                        for start in (0..m).step_by(columns_in_part) {
                            let part = start..m.min(start + columns_in_part);
                            let mut c = vec![T::nan(); part.len() * columns];
                            for (a, b, accumulate) in &passes {
                                let a = Blocks::new(a, rows_in_block, m);
                                let b = Blocks::new(b, rows_in_block, columns);
                                let part = part.clone();
                                // SAFETY: the shapes fit, and the instructions are this machine's.
                                unsafe {
                                    transposed_product_with(instructions, a, b, part, *accumulate, &mut c);
                                }
                            }
                            for (i, n) in part.enumerate() {
                                for j in 0..columns {
                                    let sum = (0..batch).fold(T::zero(), |sum, k| {
                                        step(instructions, a[k * m + n], b[k * columns + j], sum)
                                    });
                                    let found = c[i * columns + j];
                                    assert!(found == sum, "{instructions:?} {m} x {batch} x {columns}");
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn products_equal_plain_loops_bit_for_bit() {
        products_are_three_loops::<f32>();
        products_are_three_loops::<f64>();
    }

    #[test]
    fn transposed_products_equal_plain_loops_bit_for_bit() {
        transposed_products_are_three_loops::<f32>();
        transposed_products_are_three_loops::<f64>();
    }
}
