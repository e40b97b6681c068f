//! Functions of a few numbers for each step, with the same bits on every machine: those of the system's library differ
//! from system to system.
//!
//! They are computed in pairs of a number and what rounding took off it (Dekker 1971), some 100 bits, and so are nearly
//! always what the exact result rounds to.

use std::f64::consts::PI;
use std::ops::{Add, Mul};

/// The sum of two numbers, the second below the first's last bit.
#[derive(Clone, Copy)]
struct Pair(f64, f64);

impl Pair {
    /// The sum where `large` is not the smaller one.
    fn of(large: f64, small: f64) -> Self {
        let sum = large + small;
        Pair(sum, small - (sum - large))
    }

    fn divided_by(self, divisor: f64) -> Self {
        let quotient = self.0 / divisor;
        Pair::of(quotient, ((-quotient).mul_add(divisor, self.0) + self.1) / divisor)
    }
}

impl Add for Pair {
    type Output = Pair;

    fn add(self, other: Pair) -> Pair {
        let sum = self.0 + other.0;
        let taken = sum - self.0;
        let rest = (self.0 - (sum - taken)) + (other.0 - taken);
        Pair::of(sum, rest + (self.1 + other.1))
    }
}

impl Mul for Pair {
    type Output = Pair;

    fn mul(self, other: Pair) -> Pair {
        let product = self.0 * other.0;
        let rest = self.0.mul_add(other.0, -product);
        Pair::of(product, rest + (self.0 * other.1 + self.1 * other.0))
    }
}

/// base^exponent for a base in 0..=1, by squaring.
pub(crate) fn power(base: f64, mut exponent: u64) -> f64 {
    let (mut result, mut square) = (Pair(1.0, 0.0), Pair(base, 0.0));
    loop {
        if exponent % 2 == 1 {
            result = result * square;
        }
        exponent /= 2;
        if exponent == 0 {
            return result.0;
        }
        square = square * square;
    }
}

/// cos(pi x) for x >= 0.
///
/// cos(y) - 1 for y = pi x / 16 is the series (-y^2 / 2) (1 - y^2 / 12 (1 - y^2 / 30 (...))), and four times
/// cos(2 y) - 1 = 2 (cos(y) - 1) (cos(y) + 1).
pub(crate) fn cos_pi(x: f64) -> f64 {
    let y = PI * (x % 2.0) / 16.0;
    let minus_square = Pair(-y, 0.0) * Pair(y, 0.0);
    let (one, two) = (Pair(1.0, 0.0), Pair(2.0, 0.0));
    let mut less_one = Pair(0.0, 0.0);
    for n in (1..=12).rev() {
        less_one = ((less_one + one) * minus_square).divided_by(f64::from(2 * n * (2 * n - 1)));
    }
    for _ in 0..4 {
        less_one = two * less_one * (less_one + two);
    }
    (less_one + one).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_logarithms_to_the_last_digit_and_exact_where_they_can_be() {
        for (base, exponent, exact) in [(0.5, 3, 0.125), (0.9, 1, 0.9), (0.0, 7, 0.0), (0.75, 2, 0.5625)] {
            assert_eq!(power(base, exponent), exact);
        }
        for base in [0.3, 0.9, 0.99, 0.999, 0.99999] {
            for exponent in (1..3000).chain([10_000, 99_999, 1 << 40]) {
                let (found, expected) = (power(base, exponent), libm::pow(base, exponent as f64));
                let within = (found - expected).abs() <= f64::EPSILON * expected + f64::MIN_POSITIVE;
                assert!(within, "{base}^{exponent}: {found:e} instead of {expected:e}");
            }
        }
    }

    #[test]
    fn cosines_are_those_of_another_library_to_the_last_digit() {
        assert_eq!((cos_pi(0.0), cos_pi(1.0), cos_pi(6.0)), (1.0, -1.0, 1.0));
        for n in 0..=20_000 {
            let x = f64::from(n) / 1e4;
            let (found, expected) = (cos_pi(x), libm::cos(PI * x));
            let within = (found - expected).abs() <= f64::EPSILON * expected.abs();
            assert!(within, "cos(pi {x}): {found:e} instead of {expected:e}");
        }
    }
}
