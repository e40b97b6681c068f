//! The products against three plain loops: equal bits in every shape, on every instruction set.

use std::ops::Range;

use super::Accumulate;
use super::column::ColumnProduct;
use super::loops::{ColumnSums, Product, TransposedProduct};
use crate::kernel::dispatch::{Kernel, Vectors, dispatch_to};
use crate::kernel::lanes::Array;
use crate::kernel::panels::{Blocks, Panels, Piece, from_rows, panel_width};
use crate::kernel::rows::Rows;
use crate::kernel::{InstructionSet, Scalar, Threads};

/// Sizes around the borders of tiles, panels and blocks.
const SIZES: [usize; 15] = [1, 7, 8, 9, 31, 32, 33, 127, 128, 129, 255, 256, 257, 511, 513];

/// Products of these sizes, each in each place, beside small and middle ones; and some that are cut in every direction.
fn shapes() -> impl Iterator<Item = (usize, usize, usize)> {
    let beside = |size: usize, other: usize| {
        [(size, other, 33), (other, size, 9), (33, other, size), (size, 9, other)]
    };
    let around = SIZES
        .into_iter()
        .flat_map(move |size| [1, 7, 64].into_iter().flat_map(move |other| beside(size, other)));
    let large =
        [(513, 257, 1), (10, 100, 15), (257, 513, 129), (129, 1037, 40), (300, 130, 257), (11, 2100, 9)];
    around.chain(large)
}

fn values<T: Scalar>(count: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::from_f64((state >> 33) as f64 / f64::from(1u32 << 30) - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

/// Vectors that a kernel is run with: those of this machine's instruction sets, and arrays in the shapes of wider ones, which
/// take the same way through the loops on every machine.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Of(InstructionSet),
    /// Arrays, with tiles of so many rows at most.
    Wide {
        rows: usize,
    },
}

struct Wide<const N: usize, const R: usize>;

impl<const N: usize, const R: usize> Vectors for Wide<N, R> {
    type Of<T: Scalar> = Array<T, N, R>;
    type Turned<T: Scalar> = Array<T, N, R>;
}

/// A number that kernels of arrays are compiled for, each in no more shapes than are needed: that is slow.
trait Number: Scalar {
    /// The shapes: two vectors are a panel, or a part of one; tiles have eight rows, or twelve.
    const ROWS: &'static [usize];

    /// # Safety
    /// The kernel's shapes fit.
    unsafe fn run_wide(rows: usize, kernel: impl Kernel);
}

impl Number for f32 {
    const ROWS: &'static [usize] = &[8, 12];

    unsafe fn run_wide(rows: usize, kernel: impl Kernel) {
        // SAFETY: the caller's promise; arrays need no instructions.
        unsafe {
            match rows {
                8 => _ = kernel.run::<Wide<8, 8>>(),
                _ => _ = kernel.run::<Wide<16, 12>>(),
            }
        }
    }
}

impl Number for f64 {
    const ROWS: &'static [usize] = &[12];

    unsafe fn run_wide(_: usize, kernel: impl Kernel) {
        // SAFETY: as above.
        _ = unsafe { kernel.run::<Wide<8, 12>>() };
    }
}

fn all_shapes<T: Number>() -> impl Iterator<Item = Shape> + Clone {
    let sets: Vec<_> = InstructionSet::available().map(Shape::Of).collect();
    sets.into_iter().chain(T::ROWS.iter().map(|&rows| Shape::Wide { rows }))
}

impl Shape {
    /// # Safety
    /// The kernel's shapes fit.
    unsafe fn run<T: Number>(self, kernel: impl Kernel) {
        // SAFETY: the caller's promise; the instructions are this machine's.
        unsafe {
            match self {
                Shape::Of(set) => _ = dispatch_to(set, kernel),
                Shape::Wide { rows } => T::run_wide(rows, kernel),
            }
        }
    }
}

/// A matrix in panels, at an address that no vector is aligned to.
struct Unaligned<T> {
    numbers: Vec<T>,
    shape: (usize, usize),
}

impl<T: Scalar> Unaligned<T> {
    fn new(rows: usize, columns: usize, values: &[T]) -> Self {
        let mut numbers = vec![T::nan(); values.len() + 1];
        from_rows(Rows::new(values, rows, columns), &mut numbers[1..]);
        Unaligned { numbers, shape: (rows, columns) }
    }

    fn panels(&self) -> Panels<'_, T> {
        Panels::new(&self.numbers[1..], self.shape.0, self.shape.1)
    }
}

fn products_are_three_loops<T: Number>() {
    for (rows, depth, columns) in shapes() {
        let (a, b) = (values::<T>(rows * depth, 1), values::<T>(depth * columns, 2));
        let bias = values::<T>(rows, 3);
        let (a_panels, b_panels) = (Unaligned::new(rows, depth, &a), Unaligned::new(depth, columns, &b));
        for begin in [None, Some(&bias[..])] {
            let mut expected = vec![T::zero(); rows * columns];
            for (i, row) in expected.chunks_exact_mut(columns).enumerate() {
                row.fill(begin.map_or(T::zero(), |begin| begin[i]));
                for k in 0..depth {
                    for (sum, &b) in row.iter_mut().zip(&b[k * columns..][..columns]) {
                        *sum = a[i * depth + k].mul_add(b, *sum);
                    }
                }
            }
            for set in all_shapes::<T>() {
                // What C holds before does not matter.
                let mut c = vec![T::nan(); rows * columns + 1];
                let product = Product { a: a_panels.panels(), b: b_panels.panels(), begin, c: &mut c[1..] };
                // SAFETY: the shapes fit, and the instructions are this machine's.
                unsafe { set.run::<T>(product) };
                let mut found = vec![T::zero(); rows * columns];
                Panels::new(&c[1..], rows, columns).to_rows(&mut found);
                assert!(c[0].is_nan() && found == expected, "{set:?} {rows} x {depth} x {columns}");
                if columns == 1 {
                    let mut c = vec![T::nan(); rows + 1];
                    let x = b_panels.panels().data();
                    let product = ColumnProduct { a: a_panels.panels(), x, first: 0, begin, c: &mut c[1..] };
                    // SAFETY: as above.
                    unsafe { set.run::<T>(product) };
                    assert!(c[0].is_nan() && c[1..] == expected, "{set:?} {rows} x {depth}, one column");
                    for threads in [1, 2, 3, 5] {
                        c.fill(T::nan());
                        let threads = Threads::new(threads);
                        super::column_product(&threads, a_panels.panels(), x, begin, &mut c[1..]);
                        assert!(c[0].is_nan() && c[1..] == expected, "{threads:?} {rows} x {depth}");
                    }
                }
            }
        }
    }
}

/// The same sums for any division of the rows into blocks and of the result into pieces.
fn transposed_products_are_three_loops<T: Number>() {
    let panel = panel_width::<T>();
    for (m, batch, columns) in shapes() {
        let (a, b) = (values::<T>(batch * m, 4), values::<T>(batch * columns, 5));
        let mut expected = vec![T::zero(); m * columns];
        let mut sums = vec![T::zero(); m];
        for k in 0..batch {
            for n in 0..m {
                let a = a[k * m + n];
                sums[n] += a;
                for (sum, &b) in
                    expected[n * columns..][..columns].iter_mut().zip(&b[k * columns..][..columns])
                {
                    *sum = a.mul_add(b, *sum);
                }
            }
        }
        for (rows_in_block, rows_in_piece) in
            [(batch, m.next_multiple_of(panel)), (8, panel), (100, 4 * panel)]
        {
            let in_blocks = |columns: usize, values: &[T]| -> Vec<T> {
                let blocks = values.chunks(rows_in_block * columns);
                let of =
                    |block: &[T]| Unaligned::new(block.len() / columns, columns, block).numbers.split_off(1);
                blocks.flat_map(of).collect()
            };
            let (a_data, b_data) = (in_blocks(m, &a), in_blocks(columns, &b));
            // All rows at once, and, where there are several blocks, the first half of them and then the others.
            let middle = batch.div_ceil(rows_in_block) / 2 * rows_in_block;
            let mut ways: Vec<Vec<(Range<usize>, Accumulate)>> = vec![vec![(0..batch, Accumulate::Replace)]];
            if middle > 0 {
                ways.push(vec![(0..middle, Accumulate::Replace), (middle..batch, Accumulate::Add)]);
            }
            for (way, set) in ways.iter().flat_map(|way| all_shapes::<T>().map(move |set| (way, set))) {
                let (mut found_sums, mut c) = (vec![T::nan(); m], vec![T::nan(); m * columns]);
                for (rows, accumulate) in way {
                    let (accumulate, cut) = (*accumulate, (rows.len(), rows_in_block));
                    let a = Blocks::new(&a_data[rows.start * m..rows.end * m], cut, m);
                    let b = Blocks::new(&b_data[rows.start * columns..rows.end * columns], cut, columns);
                    // SAFETY: the shapes fit, and the instructions are this machine's.
                    unsafe { set.run::<T>(ColumnSums { blocks: a, accumulate, sums: &mut found_sums }) };
                    for top in (0..m).step_by(rows_in_piece) {
                        for start in (0..columns).step_by(panel) {
                            let piece = &Piece { rows: top..m.min(top + rows_in_piece), start };
                            let c = &mut c[piece.range::<T>((m, columns))];
                            // SAFETY: as above.
                            unsafe { set.run::<T>(TransposedProduct { a, b, piece, accumulate, c }) };
                        }
                    }
                }
                let mut found = vec![T::zero(); m * columns];
                Panels::new(&c, m, columns).to_rows(&mut found);
                let shape = (m, batch, columns, rows_in_block, rows_in_piece);
                assert!(found == expected && found_sums == sums, "{set:?} {shape:?}");
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
