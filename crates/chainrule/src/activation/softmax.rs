//! Softmax, a function of a row: softmax(z)_i = exp(z_i) / sum_j exp(z_j). For the output only.

use super::function::{Facts, Family};
use crate::kernel::Scalar;
use crate::kernel::functions::exp_of_nonpositive;
use crate::kernel::vectorized::vectorized_loop;

/// What is known of it. It has no kinks, and delta comes from a alone.
pub(super) const FACTS: Facts = Facts {
    name: "softmax",
    derivative_from_activation: true,
    kinks: &[],
    yields_probabilities: true,
    family: Family::LinearAtZero,
};

/// log(sum_j exp(z_j)), shifted by the largest z so that nothing overflows.
pub(crate) fn log_sum_exp<T: Scalar>(row: &[T]) -> T {
    let largest = row.iter().copied().fold(T::neg_infinity(), T::max);
    if !largest.is_finite() {
        // All -infinity, or a NaN or infinity somewhere: there is no sensible value.
        return row.iter().copied().sum::<T>() * T::zero() + largest;
    }
    row.iter().map(|&z| (z - largest).exp()).sum::<T>().ln() + largest
}

/// softmax of each row of `columns` numbers, in place.
pub(crate) fn softmax_rows<T: Scalar>(values: &mut [T], columns: usize) {
    // Whole rows, few enough to stay in the cache nearest to the processor.
    let block = (1024 / columns).max(1) * columns;
    vectorized_loop! { for T: values: &'a mut [T] = values, block: usize = block, columns: usize = columns;
        for rows in values.chunks_mut(block) {
            for row in rows.chunks_exact_mut(columns) {
                let largest = largest(row);
                for value in row {
                    *value -= largest;
                }
            }
            for value in rows.iter_mut() {
                *value = exp_of_nonpositive(*value);
            }
            for row in rows.chunks_exact_mut(columns) {
                let sum = sum(row);
                for value in row {
                    *value /= sum;
                }
            }
        }
    }
}

/// The two halves of softmax for one row: exp(z_k - max z) of each k, and their sum, which divides them.
///
/// ```
/// let (exponentials, sum) = chainrule::activation::softmax_parts(&[0.0, 3.0_f64.ln()]);
/// assert!((exponentials[0] / sum - 0.25).abs() < 1e-15 && exponentials[1] == 1.0);
/// ```
#[inline(never)]
pub fn softmax_parts<T: Scalar>(row: &[T]) -> (Vec<T>, T) {
    let largest = largest(row);
    let exponentials: Vec<T> = row.iter().map(|&z| exp_of_nonpositive(z - largest)).collect();
    let sum = sum(&exponentials);
    (exponentials, sum)
}

/// The largest number that is not NaN; -infinity if there is none.
#[inline(always)]
pub(crate) fn largest<T: Scalar>(row: &[T]) -> T {
    in_lanes(row, T::neg_infinity(), |largest, value| if value > largest { value } else { largest })
}

/// The sum, in an order that depends on the length alone.
#[inline(always)]
pub(crate) fn sum<T: Scalar>(row: &[T]) -> T {
    in_lanes(row, T::zero(), |sum, value| sum + value)
}

/// Combines a row's numbers, sixteen at a time where there are as many: long rows take vector instructions.
#[inline(always)]
fn in_lanes<T: Scalar>(row: &[T], start: T, combine: impl Fn(T, T) -> T) -> T {
    const LANES: usize = 16;
    let mut result = start;
    let chunks = row.chunks_exact(LANES);
    let remainder = chunks.remainder();
    if row.len() >= LANES {
        let mut lanes = [start; LANES];
        for chunk in chunks {
            for i in 0..LANES {
                lanes[i] = combine(lanes[i], chunk[i]);
            }
        }
        for lane in lanes {
            result = combine(result, lane);
        }
    }
    for &value in remainder {
        result = combine(result, value);
    }
    result
}

/// Turns dLoss/da of one row into delta by softmax's full Jacobian:
/// delta_i = sum_j a_j ([i = j] - a_i) e_j = a_i (e_i - sum_j a_j e_j).
pub(crate) fn softmax_jacobian<T: Scalar>(a: &[T], error: &mut [T]) {
    let mean: T = a.iter().zip(error.iter()).map(|(&a, &e)| a * e).sum();
    for (e, &a) in error.iter_mut().zip(a) {
        *e = a * (*e - mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_is_its_two_parts_divided() {
        for length in [1, 2, 3, 15, 16, 17, 40, 130] {
            let z: Vec<f64> = (0..length).map(|i| (i as f64 * 0.618).fract() * 30.0 - 15.0).collect();
            let mut a = z.clone();
            softmax_rows(&mut a, length);
            let (exponentials, sum) = softmax_parts(&z);
            assert_eq!(exponentials.iter().copied().fold(0.0, f64::max), 1.0);
            for (a, exponential) in a.iter().zip(exponentials) {
                assert_eq!(*a, exponential / sum);
            }
        }
    }

    #[test]
    fn softmax_is_stable_and_its_jacobian_is_right() {
        let mut huge = [1000.0f64, 999.0, -1000.0];
        softmax_rows(&mut huge, 3);
        assert!((huge[0] - 0.731_058_578_630_004_9).abs() < 1e-15 && huge[2] == 0.0);
        let (z, e, h) = ([0.3, -1.0, 0.7, 0.1], [0.5, -0.25, 2.0, 1.0], 1e-6);
        let weighted = |z: [f64; 4]| {
            let mut a = z;
            softmax_rows(&mut a, 4);
            a.iter().zip(&e).map(|(a, e)| a * e).sum::<f64>()
        };
        let mut a = z;
        softmax_rows(&mut a, 4);
        let mut delta = e;
        softmax_jacobian(&a, &mut delta);
        for i in 0..4 {
            let (mut up, mut down) = (z, z);
            up[i] += h;
            down[i] -= h;
            assert!((delta[i] - (weighted(up) - weighted(down)) / (2.0 * h)).abs() < 1e-9);
        }
    }
}
