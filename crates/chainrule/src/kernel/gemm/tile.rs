//! The tile of a matrix product: some rows by two vectors of sums, which stay in registers while the summation goes on.
//!
//! For each step of the summation there are two loads of the right operand, and for each row one broadcast of the left
//! operand and two multiply-adds.

use std::ops::Range;

use crate::kernel::Scalar;
use crate::kernel::caches::{Caches, caches};
use crate::kernel::lanes::{Lanes, opaque, prefetch, prefetch_far};
use crate::kernel::panels::panel_width;

/// What the chains of a product start from.
#[derive(Clone, Copy)]
pub(super) enum Begin<T> {
    Zero,
    /// One number for each row.
    Column(*const T),
    /// What the result holds: earlier parts of the summation.
    Result,
}

/// Where tiles go: some rows of a panel of the result, and what they have in common.
pub(super) struct Strip<T> {
    /// The panel's first row.
    pub(super) c: *mut T,
    /// Columns of the panel, and of that of the right operand.
    pub(super) width: usize,
    /// From row to row of the result.
    pub(super) stride: usize,
    pub(super) rows: Range<usize>,
    pub(super) begin: Begin<T>,
    /// What is needed after these tiles: they bring it into the second-level cache, so many lines in all.
    pub(super) ahead: (*const T, usize),
    /// Whether the left operand is met for the first time.
    pub(super) is_first: bool,
}

/// A part of a summation whose operands lie at constant distances.
pub(super) struct Segment<T> {
    /// The left operand at the tile's first row.
    pub(super) a: *const T,
    /// From row to row where it lies by rows, else from step to step.
    pub(super) a_stride: usize,
    /// The right operand at the panel's first column; its steps lie one behind the other.
    pub(super) b: *const T,
    pub(super) count: usize,
}

/// Steps between two prefetches.
const TURN: usize = 4;

/// Steps that an operand which lies by steps is asked for ahead of its use.
const STEPS_AHEAD: usize = 16;

/// Numbers in a line of the cache.
const fn line<T>() -> usize {
    64 / size_of::<T>()
}

/// All tiles of a strip. `segment(s, i)` gives part s of the summation for the tile whose first row is i.
/// The left operand lies BY_ROWS: the terms of one element side by side; or by steps: those of the tile's rows.
///
/// # Safety
/// Segments and the destination are valid for all those elements; the processor has V's instructions.
#[inline(always)]
pub(super) unsafe fn sweep<V, S, const BY_ROWS: bool>(
    segments: Range<usize>,
    segment: &S,
    to: &Strip<V::Number>,
) where
    V: Lanes<Number: Scalar>,
    S: Fn(usize, usize) -> Segment<V::Number>,
{
    let Range { start: mut i, end } = to.rows;
    let is_full = to.width == panel_width::<V::Number>() && to.stride == to.width;
    let most = most_rows::<V>(caches());
    let mut ahead = Ahead { from: to.ahead.0, left: to.ahead.1, each: 0 };
    if ahead.left > 0 {
        ahead.each = ahead.left.div_ceil((end - i).div_ceil(most) * to.width.div_ceil(2 * V::COUNT));
    }
    while i < end {
        let tiles = Tiles { segments: segments.clone(), segment, to, i, ahead: &mut ahead };
        // SAFETY: the caller's promise; the tiles are inside C.
        unsafe {
            match height(end - i, most) {
                12 if V::MOST_ROWS >= 12 => i += tiles.run::<V, 12, BY_ROWS>(is_full),
                10 if V::MOST_ROWS >= 10 => i += tiles.run::<V, 10, BY_ROWS>(is_full),
                8 if V::MOST_ROWS >= 8 => i += tiles.run::<V, 8, BY_ROWS>(is_full),
                6 if V::MOST_ROWS >= 6 => i += tiles.run::<V, 6, BY_ROWS>(is_full),
                5 if V::MOST_ROWS >= 5 => i += tiles.run::<V, 5, BY_ROWS>(is_full),
                4 => i += tiles.run::<V, 4, BY_ROWS>(is_full),
                2 => i += tiles.run::<V, 2, BY_ROWS>(is_full),
                _ => i += tiles.run::<V, 1, BY_ROWS>(is_full),
            }
        }
    }
}

/// Rows of a tile, at most. High tiles load the vector operand less often, and have more of the broadcast operand and of the
/// result at hand: they gain where the first-level cache is a large one.
#[inline(always)]
fn most_rows<V: Lanes>(caches: &Caches) -> usize {
    const LARGE: usize = 48 << 10;
    if caches.first >= LARGE { V::MOST_ROWS } else { V::ROWS }
}

/// Rows of the next tile when `left` are left: so that there are as few tiles as can be, and the highest of them is as low
/// as can be. Low tiles keep the units waiting for their own results.
#[inline(always)]
fn height(left: usize, most: usize) -> usize {
    const MANY: usize = 32;
    const fn heights(most: usize) -> [u8; MANY] {
        const ALL: [usize; 8] = [12, 10, 8, 6, 5, 4, 2, 1];
        let (mut heights, mut tiles) = ([0; MANY], [0; MANY]);
        let mut left = 1;
        while left < MANY {
            let mut i = 0;
            while i < ALL.len() {
                let height = ALL[i];
                // The next ones are not to be higher.
                if height <= most && height <= left && heights[left - height] as usize <= height {
                    let count = tiles[left - height] + 1;
                    if heights[left] == 0 || count <= tiles[left] {
                        (heights[left], tiles[left]) = (height as u8, count);
                    }
                }
                i += 1;
            }
            left += 1;
        }
        heights
    }
    const OF: [[u8; MANY]; 4] = [heights(4), heights(6), heights(8), heights(12)];
    let of = &OF[(most / 2 - 2).min(OF.len() - 1)];
    if left < MANY { of[left] as usize } else { most }
}

/// What tiles bring into the second-level cache, some lines each.
struct Ahead<T> {
    from: *const T,
    left: usize,
    each: usize,
}

/// The tiles of the same rows, side by side.
struct Tiles<'a, S, T> {
    segments: Range<usize>,
    segment: &'a S,
    to: &'a Strip<T>,
    /// The first row.
    i: usize,
    ahead: &'a mut Ahead<T>,
}

impl<S: Fn(usize, usize) -> Segment<T>, T: Scalar> Tiles<'_, S, T> {
    /// All of them; gives M.
    ///
    /// # Safety
    /// As for [`sweep`].
    #[inline(always)]
    unsafe fn run<V: Lanes<Number = T>, const M: usize, const BY_ROWS: bool>(self, is_full: bool) -> usize {
        let Tiles { segments, segment, to, i, ahead } = self;
        let mut j = 0;
        while j < to.width {
            let left = to.width - j;
            let lines = ahead.each.min(ahead.left);
            let far = (ahead.from, lines);
            ahead.from = ahead.from.wrapping_add(lines * line::<T>());
            ahead.left -= lines;
            let place = Place { to, i, j, far, is_last: left <= 2 * V::COUNT };
            // SAFETY: the caller's promise; `left` columns are left.
            unsafe {
                if is_full {
                    tile::<V, S, M, 2, BY_ROWS, true>(segments.clone(), segment, place, V::COUNT);
                    j += 2 * V::COUNT;
                } else if left > V::COUNT {
                    let last = left.min(2 * V::COUNT) - V::COUNT;
                    tile::<V, S, M, 2, BY_ROWS, false>(segments.clone(), segment, place, last);
                    j += V::COUNT + last;
                } else {
                    tile::<V, S, M, 1, BY_ROWS, false>(segments.clone(), segment, place, left);
                    j += left;
                }
            }
        }
        M
    }
}

/// Where a tile is.
struct Place<'a, T> {
    to: &'a Strip<T>,
    i: usize,
    j: usize,
    /// Lines for the second-level cache.
    far: (*const T, usize),
    /// Whether the next tile is one of other rows.
    is_last: bool,
}

/// One tile of M rows and N vectors, the last of which has `last` columns. Where the panels are FULL all are whole, and
/// strides are constants.
///
/// # Safety
/// As for [`sweep`].
#[inline(always)]
unsafe fn tile<V, S, const M: usize, const N: usize, const BY_ROWS: bool, const FULL: bool>(
    segments: Range<usize>,
    segment: &S,
    place: Place<'_, V::Number>,
    last: usize,
) where
    V: Lanes<Number: Scalar>,
    S: Fn(usize, usize) -> Segment<V::Number>,
{
    let Place { to, i, j, far: (mut far, mut lines), is_last } = place;
    let panel = panel_width::<V::Number>();
    let (b_step, c_stride) = if FULL { (panel, panel) } else { (to.width, to.stride) };
    // SAFETY: the caller's promise.
    unsafe {
        let load = |pointer: *const V::Number, v: usize| {
            if !FULL && v + 1 == N { V::load_first(pointer, last) } else { V::load(pointer) }
        };
        let c = to.c.add(i * c_stride + j);
        let mut sums = [[V::splat(num_traits::Zero::zero()); N]; M];
        match to.begin {
            Begin::Zero => {}
            Begin::Column(column) => {
                for r in 0..M {
                    sums[r] = [V::splat(*column.add(i + r)); N];
                }
            }
            Begin::Result => {
                for r in 0..M {
                    for v in 0..N {
                        sums[r][v] = load(c.add(r * c_stride + v * V::COUNT).cast_const(), v);
                    }
                }
            }
        }
        for s in segments.clone() {
            let Segment { mut a, a_stride, b, count } = segment(s, i);
            let mut b = b.add(j);
            let is_end = s + 1 == segments.end;
            macro_rules! step {
                (|$r:ident| $element:expr) => {
                    let mut right = [V::splat(num_traits::Zero::zero()); N];
                    for v in 0..N {
                        right[v] = load(b.add(v * V::COUNT), v);
                    }
                    for $r in 0..M {
                        let left = V::splat(*$element);
                        for v in 0..N {
                            sums[$r][v] = left.multiply_add(right[v], sums[$r][v]);
                        }
                    }
                    // One past the last element is never read.
                    b = b.wrapping_add(b_step);
                };
            }
            if BY_ROWS && FULL && a_stride == panel && count == panel {
                // The part of the left operand that comes next: these rows' next steps, or the next rows' first ones.
                let next = match (is_end, is_last) {
                    (false, _) => segment(s + 1, i).a,
                    (true, true) => segment(segments.start, i + M).a,
                    (true, false) => a,
                };
                let result = c.wrapping_add(M * c_stride).cast_const();
                // Two lines of each row in the time of a panel's steps.
                let each = (2 * M).div_ceil(panel / TURN);
                for turn in 0..panel / TURN {
                    if j == 0 || is_end {
                        for l in 0..each {
                            let next = next.wrapping_add((turn * each + l) * line::<V::Number>());
                            prefetch(next);
                            if to.is_first && j == 0 {
                                prefetch_far(next.wrapping_add(3 * M * panel));
                            }
                        }
                    }
                    if is_end {
                        for r in (turn..M).step_by(panel / TURN) {
                            for v in (0..N * V::COUNT).step_by(line::<V::Number>()) {
                                prefetch(result.wrapping_add(r * c_stride + v));
                            }
                        }
                    }
                    if lines > 0 {
                        prefetch_far(far);
                        (far, lines) = (far.wrapping_add(line::<V::Number>()), lines - 1);
                    }
                    step!(|r| a.add(r * panel));
                    step!(|r| a.add(r * panel + 1));
                    step!(|r| a.add(r * panel + 2));
                    step!(|r| a.add(r * panel + 3));
                    a = a.add(TURN);
                }
            } else if BY_ROWS {
                // Rows that lie apart have a pointer each; the compiler would compute them anew at every step.
                let mut rows = [a; M];
                for r in 0..M {
                    rows[r] = opaque(a.wrapping_add(r * a_stride));
                }
                for k in 0..count {
                    step!(|r| rows[r].add(k));
                }
            } else {
                for _ in 0..count / TURN {
                    if FULL {
                        for k in 0..TURN {
                            prefetch(a.wrapping_add((STEPS_AHEAD + k) * a_stride));
                        }
                        if lines > 0 {
                            prefetch_far(far);
                            (far, lines) = (far.wrapping_add(line::<V::Number>()), lines - 1);
                        }
                    }
                    step!(|r| a.add(r));
                    step!(|r| a.add(a_stride + r));
                    step!(|r| a.add(2 * a_stride + r));
                    step!(|r| a.add(3 * a_stride + r));
                    a = a.wrapping_add(TURN * a_stride);
                }
                for _ in 0..count % TURN {
                    step!(|r| a.add(r));
                    a = a.wrapping_add(a_stride);
                }
            }
        }
        for r in 0..M {
            for v in 0..N {
                let result = c.add(r * c_stride + v * V::COUNT);
                if !FULL && v + 1 == N {
                    sums[r][v].store_first(result, last)
                } else {
                    sums[r][v].store(result)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_divided_into_few_tiles_of_like_height() {
        for (most, rows, expected) in [
            (4, 7, &[4, 2, 1][..]),
            (6, 7, &[5, 2]),
            (6, 32, &[6, 6, 5, 5, 5, 5]),
            (8, 10, &[5, 5]),
            (8, 15, &[5, 5, 5]),
            (8, 32, &[8, 8, 8, 8]),
            (12, 10, &[10]),
            (12, 11, &[6, 5]),
            (12, 32, &[12, 10, 10]),
            (12, 64, &[12, 12, 12, 10, 10, 8]),
        ] {
            let mut left = rows;
            let mut heights = Vec::new();
            while left > 0 {
                heights.push(height(left, most));
                left -= heights[heights.len() - 1];
            }
            assert_eq!(heights, expected, "{rows} rows, at most {most}");
        }
    }
}
