//! Products against three plain loops, bit for bit, on every instruction set of the machine.

use super::*;
use crate::kernel::dispatch::dispatch_to;
use crate::kernel::instructions::InstructionSet;
use crate::kernel::panels::from_rows;

fn values<T: Scalar>(count: usize, seed: usize) -> Vec<T> {
    let value = |i: usize| (((i * 7919 + seed * 104_729) % 2003) as f64 - 1001.0) / 997.0;
    (0..count).map(|i| T::from_f64(value(i))).collect()
}

fn in_panels<T: Scalar>(rows: usize, columns: usize, values: &[T]) -> Vec<T> {
    let mut panels = vec![T::zero(); values.len()];
    from_rows(Rows::new(values, rows, columns), &mut panels);
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
    for set in InstructionSet::available() {
        for (rows, depth, columns) in SHAPES {
            let (a, b) = (values::<T>(rows * depth, 1), values::<T>(depth * columns, 2));
            let bias = values::<T>(rows, 3);
            let (a_panels, b_panels) = (in_panels(rows, depth, &a), in_panels(depth, columns, &b));
            let (a_panels, b_panels) =
                (Panels::new(&a_panels, rows, depth), Panels::new(&b_panels, depth, columns));
            let weight = Rows::new(&a, rows, depth);
            for bias in [None, Some(&bias[..])] {
                // What C holds before does not matter.
                let mut results = vec![vec![T::nan(); rows * columns]; 3];
                // SAFETY: the shapes fit, and the instructions are this machine's.
                unsafe {
                    let [forward, backward, far] = &mut results[..] else { unreachable!() };
                    dispatch_to(set, ForwardProduct { w: weight, a: b_panels, b: bias, z: forward });
                    if bias.is_none() {
                        let (d, w) = (a_panels, Rows::new(&b, depth, columns));
                        dispatch_to(set, BackwardProduct::<T, false> { d, w, e: backward });
                        dispatch_to(set, BackwardProduct::<T, true> { d, w, e: far });
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
                                sum = a[i * depth + k].mul_add(b[k * columns + j], sum);
                            }
                            let found = found[i * columns + j];
                            let shape = (rows, depth, columns);
                            assert!(found == sum, "{which} {set:?} {shape:?}: {found} {sum}");
                        }
                    }
                }
            }
        }
    }
}

/// The same sums for any division of the rows into blocks and of the result into parts.
fn transposed_products_are_three_loops<T: Scalar>() {
    for set in InstructionSet::available() {
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
                        unsafe {
                            dispatch_to(set, ColumnSums { blocks, accumulate: *accumulate, sums: &mut sums })
                        };
                    }
                    for (n, found) in sums.into_iter().enumerate() {
                        let sum = (0..batch).fold(T::zero(), |sum, k| sum + a[k * m + n]);
                        assert!(found == sum, "{set:?}: column {n} of {batch} x {m}");
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
                                dispatch_to(
                                    set,
                                    TransposedProduct { a, b, part, accumulate: *accumulate, c: &mut c },
                                );
                            }
                        }
                        for (i, n) in part.enumerate() {
                            for j in 0..columns {
                                let sum = (0..batch)
                                    .fold(T::zero(), |sum, k| a[k * m + n].mul_add(b[k * columns + j], sum));
                                let found = c[i * columns + j];
                                assert!(found == sum, "{set:?} {m} x {batch} x {columns}");
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
