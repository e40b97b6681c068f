//! Exponentials, logarithms and what activations and losses make of them, for loops that run in vectors.
//!
//! Every function is branch-free: a few selects, a polynomial or a ratio of two, no table and no call. So the
//! compiler turns a loop over one of them into vector instructions, inside [`vectorized_loop!`] in the widest
//! that the machine has. Nothing is left to the compiler's choice (`mul_add` is written out), so that an element
//! has the same bits in a vector, in a loop's remainder and alone, on every instruction set. A processor without
//! fused multiplication gets the same bits by a slow call.
//!
//! ```text
//! exp(x)      = 2^n exp(r)                n = round(x / ln 2), r = x - n ln 2
//! exp(x) - 1  = 2^n (exp(r) - 1) + (2^n - 1)
//! log(1 + x)  = x - s (x - s^2 R(s^2))    s = x / (2 + x), 2 atanh(s) = 2 s + s^3 R(s^2)
//! tanh(|x|)   = -u / (2 + u)              u = exp(-2 |x|) - 1
//! sigmoid(-|x|) = e / (1 + e)             e = exp(-|x|)
//! 1 - Phi(x)  = exp(-x^2 / 2) M(x)        Phi the normal distribution function, M a ratio of polynomials
//! sin(2 pi x) = u S(u^2)                   u the distance to the nearest multiple of 1/2, with a sign
//! ```
//!
//! The polynomials are minimax approximations of exp(r) - 1 on |r| <= ln(2) / 2 and of R up to s = 1/3; S goes through
//! its values at the Chebyshev points of u^2 in 0..1/16; M was fitted at those of (x - k) / (x + k), k = 3 for f32 and 4
//! for f64. A function's comment says its
//! largest error, in units in the last place (ulp) of the exact result: for f32 over one in 67 of all numbers,
//! against f64; for f64 over 170,000 numbers, most of them in -3..3, against 40 digits. The tests at the end
//! print the error over fewer f32 numbers, and for f64 against `libm`. Subnormal results are as exact as the others.
//! NaN gives NaN.
//!
//! [`vectorized_loop!`]: super::vectorized::vectorized_loop

// Coefficients are written with enough digits to be read back, as the fit printed them.
#![allow(clippy::excessive_precision, clippy::approx_constant)]

use num_traits::Float;

/// c_0 + x (c_1 + x (c_2 + ...)).
macro_rules! polynomial {
    ($x:expr; $last:literal) => { $last };
    ($x:expr; $first:literal, $($rest:literal),+) => {
        polynomial!($x; $($rest),+).mul_add($x, $first)
    };
}

/// The constants and polynomials that differ between `f32` and `f64`.
pub trait Functions: Float {
    /// Added to a number and taken off again, rounds it to an integer: 3/2 times 2^(mantissa bits).
    #[doc(hidden)]
    const ROUNDING: Self;
    /// [`Self::ROUNDING`] plus the exponent's bias: added to n, its lowest bits are the exponent of 2^n.
    #[doc(hidden)]
    const EXPONENT: Self;
    /// ln 2, rounded.
    #[doc(hidden)]
    const LN_2: Self;
    /// What rounding took off ln 2.
    #[doc(hidden)]
    const LN_2_REST: Self;
    /// 1 / ln 2.
    #[doc(hidden)]
    const LOG2_E: Self;
    /// exp of it, and of everything smaller, rounds to 0.
    #[doc(hidden)]
    const EXP_IS_ZERO: Self;
    /// exp of it, and of everything greater, is infinite.
    #[doc(hidden)]
    const EXP_IS_INFINITE: Self;
    /// exp of it, and of everything smaller, is less than a quarter of an ulp below 1.
    #[doc(hidden)]
    const EXP_M1_IS_MINUS_ONE: Self;
    /// Bits to be added to an exponent so that 2^n is normal for every n that exp meets.
    #[doc(hidden)]
    const LIFT: Self;
    /// 2^(-LIFT).
    #[doc(hidden)]
    const DROP: Self;
    /// The tail of the normal distribution beyond it rounds to 0.
    #[doc(hidden)]
    const NORMAL_TAIL_IS_ZERO: Self;
    /// 1/2.
    #[doc(hidden)]
    const HALF: Self;
    /// 2.
    #[doc(hidden)]
    const TWO: Self;
    /// 1 / sqrt(2 pi).
    #[doc(hidden)]
    const INVERSE_SQRT_TAU: Self;

    /// 2^n, given n + EXPONENT.
    #[doc(hidden)]
    fn power_of_two(biased: Self) -> Self;
    /// x >= 1 as (n, m) with x = 2^n m and m in 1..2.
    #[doc(hidden)]
    fn exponent_and_mantissa(self) -> (Self, Self);
    /// (exp(r) - 1 - r) / r^2.
    #[doc(hidden)]
    fn exp_polynomial(r: Self) -> Self;
    /// R of the logarithm.
    #[doc(hidden)]
    fn ln_polynomial(s_squared: Self) -> Self;
    /// M(x), numerator and denominator.
    #[doc(hidden)]
    fn normal_tail_ratio(x: Self) -> (Self, Self);
    /// sin(2 pi u) / u.
    #[doc(hidden)]
    fn sine_polynomial(u_squared: Self) -> Self;
}

macro_rules! implement_functions {
    (
        $type:ty, $bits:ty, mantissa $mantissa:literal, bias $bias:literal, lift $lift:literal;
        ln_2_rest $ln_2_rest:literal;
        limits $zero:literal, $infinite:literal, $minus_one:literal, $tail:literal;
        exp $($exp:literal),+; ln $($ln:literal),+;
        normal_tail $($top:literal),+; $($bottom:literal),+;
        sine $($sine:literal),+;
    ) => {
        impl Functions for $type {
            const ROUNDING: $type = (3u64 << ($mantissa - 1)) as $type;
            const EXPONENT: $type = Self::ROUNDING + $bias as $type;
            const LN_2: $type = std::f64::consts::LN_2 as $type;
            const LN_2_REST: $type = $ln_2_rest;
            const LOG2_E: $type = std::f64::consts::LOG2_E as $type;
            const EXP_IS_ZERO: $type = $zero;
            const EXP_IS_INFINITE: $type = $infinite;
            const EXP_M1_IS_MINUS_ONE: $type = $minus_one;
            const LIFT: $type = $lift as $type;
            const DROP: $type = 1.0 / (1u64 << $lift) as $type;
            const NORMAL_TAIL_IS_ZERO: $type = $tail;
            const HALF: $type = 0.5;
            const TWO: $type = 2.0;
            const INVERSE_SQRT_TAU: $type = 0.398_942_280_401_432_7;

            #[inline(always)]
            fn power_of_two(biased: $type) -> $type {
                <$type>::from_bits(biased.to_bits() << $mantissa)
            }

            #[inline(always)]
            fn exponent_and_mantissa(self) -> ($type, $type) {
                const MANTISSA: $bits = (1 << $mantissa) - 1;
                let bits = self.to_bits();
                // Below ROUNDING's leading bit, the biased exponent is an integer that is added to 2^mantissa.
                let two_to_mantissa = (1u64 << $mantissa) as $type;
                let biased = <$type>::from_bits((bits >> $mantissa) | two_to_mantissa.to_bits());
                let mantissa = <$type>::from_bits((bits & MANTISSA) | <$type>::to_bits(1.0));
                (biased - (two_to_mantissa + $bias as $type), mantissa)
            }

            #[inline(always)]
            fn exp_polynomial(r: $type) -> $type {
                polynomial!(r; $($exp),+)
            }

            #[inline(always)]
            fn ln_polynomial(s_squared: $type) -> $type {
                polynomial!(s_squared; $($ln),+)
            }

            #[inline(always)]
            fn normal_tail_ratio(x: $type) -> ($type, $type) {
                (polynomial!(x; $($top),+), polynomial!(x; $($bottom),+))
            }

            #[inline(always)]
            fn sine_polynomial(u_squared: $type) -> $type {
                polynomial!(u_squared; $($sine),+)
            }
        }
    };
}

implement_functions! {
    f32, u32, mantissa 23, bias 127, lift 24;
    ln_2_rest -1.90465421e-9;
    limits -104.0, 89.0, -20.0, 15.0;
    exp 0.500000005, 0.166665483, 0.0416663001, 0.00836607975, 0.00139454983;
    ln 0.666664751, 0.400187641, 0.280408342, 0.278407275;
    normal_tail 0.500000002, 0.438674257, 0.183471861, 0.0407000615, 0.0041225282;
    1.0, 1.67523342, 1.20358243, 0.470084305, 0.102026065, 0.0103335341;
    sine 6.28318528, -41.3416806, 81.6024764, -76.5811726, 39.7598271;
}

implement_functions! {
    f64, u64, mantissa 52, bias 1023, lift 54;
    ln_2_rest 2.3190468138462996e-17;
    limits -746.0, 710.0, -40.0, 39.0;
    exp 0.50000000000000033, 0.16666666666666682, 0.041666666666590704, 0.0083333333333167493,
        0.0013888888927869577, 0.00019841269898710715, 2.4801509043367163e-05, 2.7557231531735924e-06,
        2.7624728573739761e-07, 2.5113418647454722e-08;
    ln 0.66666666666666596, 0.40000000000065344, 0.28571428558261658, 0.22222223380329736,
        0.18181763069390319, 0.15386180559707358, 0.13305639867100846, 0.12071299426578044,
        0.084840633687155817, 0.1676477038108119;
    normal_tail 0.5, 0.8264390116762824, 0.677233305206694, 0.3554710849740133, 0.1311071375110668,
        0.03534107463999677, 0.007041273528835195, 0.001025071569350438, 0.00010474310614534726,
        6.8301227250702235e-06, 2.1841939157224647e-07;
    1.0, 2.4507625841554304, 2.8098922385043354, 1.9934920327604, 0.97465321348953, 0.3457670766572471,
        0.09112216947098654, 0.017911312346517043, 0.00258659395820462, 0.0002630995276560322,
        1.7120578741890866e-05, 5.474962226425645e-07;
    sine 6.2831853071795865, -41.341702240399757, 81.605249276073615, -76.705859752824919, 42.058693925428682,
        -15.0946416761179, 3.8199280942271642, -0.71773379214134533, 0.10089695501646811;
}

/// x = n ln 2 + r + rest with n an integer, |r| <= ln(2) / 2 and a tiny rest.
///
/// n LN_2 and its difference to x are exact inside the `mul_add`.
#[inline(always)]
fn reduce<T: Functions>(x: T) -> (T, T, T) {
    let n = x.mul_add(T::LOG2_E, T::ROUNDING) - T::ROUNDING;
    (n, (-n).mul_add(T::LN_2, x), -n * T::LN_2_REST)
}

/// exp(r + rest) - 1 for |r| <= ln(2) / 2 and a tiny rest.
#[inline(always)]
fn exp_m1_reduced<T: Functions>(r: T, rest: T) -> T {
    let sum = r + rest;
    r + (sum * sum).mul_add(T::exp_polynomial(sum), rest)
}

/// exp(r + rest) 2^n for n <= 0, where the result may be subnormal.
#[inline(always)]
fn scale_down<T: Functions>(n: T, r: T, rest: T) -> T {
    let lifted = T::power_of_two(n + (T::EXPONENT + T::LIFT));
    (T::one() + exp_m1_reduced(r, rest)) * lifted * T::DROP
}

/// exp(x). Error: f32 0.90 ulp, f64 0.86 ulp.
#[inline(always)]
pub(crate) fn exp<T: Functions>(x: T) -> T {
    let x = if T::EXP_IS_ZERO > x { T::EXP_IS_ZERO } else { x };
    let x = if T::EXP_IS_INFINITE < x { T::EXP_IS_INFINITE } else { x };
    let (n, r, rest) = reduce(x);
    // 2^n in two factors, since n may be above the greatest exponent or below the least.
    let half = n.mul_add(T::HALF, T::ROUNDING) - T::ROUNDING;
    let (first, second) = (T::power_of_two(half + T::EXPONENT), T::power_of_two((n - half) + T::EXPONENT));
    (T::one() + exp_m1_reduced(r, rest)) * first * second
}

/// exp(x) for x <= 0. Error: f32 0.89 ulp, f64 0.83 ulp.
#[inline(always)]
pub(crate) fn exp_of_nonpositive<T: Functions>(x: T) -> T {
    let x = if T::EXP_IS_ZERO > x { T::EXP_IS_ZERO } else { x };
    let (n, r, rest) = reduce(x);
    scale_down(n, r, rest)
}

/// exp(x) - 1 for x <= 0. Error: f32 1.06 ulp, f64 0.99 ulp.
#[inline(always)]
pub(crate) fn exp_m1_of_nonpositive<T: Functions>(x: T) -> T {
    let x = if T::EXP_M1_IS_MINUS_ONE > x { T::EXP_M1_IS_MINUS_ONE } else { x };
    let (n, r, rest) = reduce(x);
    let power = T::power_of_two(n + T::EXPONENT);
    exp_m1_reduced(r, rest).mul_add(power, power - T::one())
}

/// log(1 + x) for x in 0..=1. Error: f32 1.02 ulp, f64 0.90 ulp.
#[inline(always)]
pub(crate) fn ln_1p_of_fraction<T: Functions>(x: T) -> T {
    let s = x / (x + T::TWO);
    let s_squared = s * s;
    let rest = (-s_squared).mul_add(T::ln_polynomial(s_squared), x);
    (-s).mul_add(rest, x)
}

/// log(x) for finite x >= 1; infinity gives NaN. Error: f32 1.04 ulp, f64 1.06 ulp.
#[inline(always)]
pub(crate) fn ln_of_at_least_one<T: Functions>(x: T) -> T {
    let (n, mantissa) = x.exponent_and_mantissa();
    // The product is 0, or NaN where x is not finite, which its bits alone would hide.
    n.mul_add(T::LN_2, ln_1p_of_fraction(mantissa - T::one())) + x * T::zero()
}

/// The hyperbolic tangent. Error: f32 1.98 ulp, f64 1.91 ulp.
#[inline(always)]
pub(crate) fn tanh<T: Functions>(x: T) -> T {
    // u = e - 1 with e = exp(-2 |x|).
    let exponent = -T::TWO * x.abs();
    let exponent = if T::EXP_M1_IS_MINUS_ONE > exponent { T::EXP_M1_IS_MINUS_ONE } else { exponent };
    let (n, r, rest) = reduce(exponent);
    let (power, p) = (T::power_of_two(n + T::EXPONENT), exp_m1_reduced(r, rest));
    let u = p.mul_add(power, power - T::one());
    let e = p.mul_add(power, power);
    // The digits of results near 1 come from 1 - 2 q with q = e / (2 + u), those of small ones
    // from h + h q with h = -u / 2, q = -u / (2 + u). Both leave little weight to the rounding of q.
    let near_one = e < T::HALF * T::HALF;
    let half = -T::HALF * u;
    let quotient = (if near_one { e } else { -u }) / (u + T::TWO);
    let (factor, start) = if near_one { (-T::TWO, T::one()) } else { (half, half) };
    let magnitude = factor.mul_add(quotient, start);
    magnitude.copysign(x)
}

/// The logistic function 1 / (1 + exp(-x)). Error: f32 1.62 ulp, f64 1.56 ulp.
#[inline(always)]
pub(crate) fn sigmoid<T: Functions>(x: T) -> T {
    let e = exp_of_nonpositive(-x.abs());
    // 1 / (1 + e) = 1 - q and e / (1 + e) = e - e q, which leave little weight to the rounding of q.
    let quotient = e / (T::one() + e);
    let start = if x > T::zero() { T::one() } else { e };
    (-start).mul_add(quotient, start)
}

/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)). Error: f32 1.77 ulp, f64 1.56 ulp.
#[inline(always)]
pub(crate) fn softplus<T: Functions>(x: T) -> T {
    let positive_part = if x <= T::zero() { T::zero() } else { x };
    positive_part + ln_1p_of_fraction(exp_of_nonpositive(-x.abs()))
}

/// The upper tail of the normal distribution, 1 - Phi(x) for x >= 0, as two factors: exp(-x^2 / 2) and M(x).
#[inline(always)]
pub(crate) fn normal_tail<T: Functions>(x: T) -> (T, T) {
    // x^2 with what rounding took off it: exp would magnify the rounding by x^2 / 2.
    let square = x * x;
    let square_rest = x.mul_add(x, -square);
    let exponent = -T::HALF * square;
    let exponent = if T::EXP_IS_ZERO > exponent { T::EXP_IS_ZERO } else { exponent };
    let (n, r, rest) = reduce(exponent);
    let (top, bottom) = T::normal_tail_ratio(x);
    (scale_down(n, r, (-T::HALF).mul_add(square_rest, rest)), top / bottom)
}

/// x less the nearest integer, in -1/2..=1/2; exact. Not finite numbers give NaN.
#[inline(always)]
fn signed_fraction<T: Functions>(x: T) -> T {
    // Once is enough up to 2^(mantissa bits - 1). Beyond, a remainder of whole and half numbers may be left.
    let x = x - ((x + T::ROUNDING) - T::ROUNDING);
    x - ((x + T::ROUNDING) - T::ROUNDING)
}

/// sin(2 pi u) for u in -1/4..=1/4.
#[inline(always)]
fn sine_of_quarter<T: Functions>(u: T) -> T {
    u * T::sine_polynomial(u * u)
}

/// sin(2 pi x): the sine of x turns. Error: f32 2.21 ulp, f64 2.0 ulp, for |x| <= 1/4.
#[inline(always)]
pub(crate) fn sine_of_turns<T: Functions>(x: T) -> T {
    let r = signed_fraction(x);
    // sin(pi - y) = sin(y).
    let (size, other) = (r.abs(), T::HALF - r.abs());
    sine_of_quarter((if size < other { size } else { other }).copysign(r))
}

/// cos(2 pi x): the cosine of x turns. Error: f32 2.69 ulp, f64 2.0 ulp, for |x| <= 1/2.
#[inline(always)]
pub(crate) fn cosine_of_turns<T: Functions>(x: T) -> T {
    // cos(y) = sin(pi/2 - |y|); the difference is exact wherever the cosine is small.
    sine_of_quarter(T::HALF * T::HALF - signed_fraction(x).abs())
}

/// Measures functions of one number against references of higher precision.
#[cfg(test)]
pub(crate) mod error_of {
    /// One input in so many of the f32 numbers; odd, so that all low bits occur.
    const STRIDE: usize = 4099;

    /// The largest error, in ulp, of a loop over f32 numbers of all magnitudes in the range, and where it is.
    pub(crate) fn single(
        range: std::ops::RangeInclusive<f32>,
        function: impl Fn(&mut [f32]),
        reference: impl Fn(f64) -> f64,
    ) -> (f64, f32) {
        let inputs: Vec<f32> =
            (0..=u32::MAX).step_by(STRIDE).map(f32::from_bits).filter(|x| range.contains(x)).collect();
        let mut results = inputs.clone();
        function(&mut results);
        let mut worst = (0.0, 0.0);
        for (&x, &result) in inputs.iter().zip(&results) {
            let exact = reference(f64::from(x));
            let exponent = (exact.abs().to_bits() >> 52).max(1023 - 126) as i32 - 1023;
            let error = (f64::from(result) - exact).abs() / 2f64.powi(exponent - 23);
            if f64::from(result) as f32 != exact as f32 && (error > worst.0 || error.is_nan()) {
                worst = (error, x);
            }
        }
        worst
    }

    /// The same for f64, against a reference that is itself rounded to f64.
    pub(crate) fn double(
        range: std::ops::RangeInclusive<f64>,
        function: impl Fn(&mut [f64]),
        reference: impl Fn(f64) -> f64,
    ) -> (f64, f64) {
        // An odd multiple of 2^64 / golden ratio visits the bit patterns evenly.
        let patterns = (0..1u64 << 20).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // Half of the inputs are of the magnitudes where the functions bend.
        let bits = patterns.flat_map(|b| [b, (b & !(0x7f0 << 52)) | (0x3f0 << 52)]);
        let inputs: Vec<f64> = bits.map(f64::from_bits).filter(|x| range.contains(x)).collect();
        let mut results = inputs.clone();
        function(&mut results);
        let mut worst = (0.0, 0.0);
        for (&x, &result) in inputs.iter().zip(&results) {
            let exact = reference(x);
            let ulp = f64::from_bits(exact.abs().to_bits().max(1 << 52) & (0x7ff << 52)) * f64::EPSILON;
            let error = (result - exact).abs() / ulp.max(f64::from_bits(1));
            if result != exact && (error > worst.0 || error.is_nan()) {
                worst = (error, x);
            }
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectorized::vectorized_loop;
    use super::*;

    macro_rules! run {
        ($function:path) => {
            |values| {
                vectorized_loop! { for T: values: &'a mut [T] = values;
                    for value in values { *value = $function(*value); }
                }
            }
        };
    }

    macro_rules! errors_are_bounded {
        ($(
            $test:ident: $function:path, $single:expr, $double:expr, $low:expr => $high:expr,
            f32 $single_bound:expr, f64 $double_bound:expr;
        )*) => {$(
            #[test]
            fn $test() {
                let single = error_of::single($low as f32..=$high as f32, run!($function), $single);
                let double = error_of::double($low..=$high, run!($function), $double);
                println!("{}: f32 (ulp, x) = {single:?}, f64 {double:?}", stringify!($function));
                assert!(single.0 <= $single_bound && double.0 <= $double_bound, "{single:?} {double:?}");
            }
        )*};
    }

    const INFINITY: f64 = f64::INFINITY;

    // `libm` and the references below are themselves rounded, so that f64's bounds are those of both errors;
    // f32's are so narrow that a wrong digit of a coefficient shows.
    errors_are_bounded! {
        exp_error: exp, f64::exp, libm::exp, -INFINITY => INFINITY,
            f32 0.92, f64 2.0;
        exp_of_nonpositive_error: exp_of_nonpositive, f64::exp, libm::exp, -INFINITY => 0.0,
            f32 0.92, f64 2.0;
        exp_m1_error: exp_m1_of_nonpositive, f64::exp_m1, libm::expm1, -INFINITY => 0.0,
            f32 1.08, f64 2.0;
        ln_1p_error: ln_1p_of_fraction, f64::ln_1p, libm::log1p, 0.0 => 1.0,
            f32 1.05, f64 2.0;
        ln_error: ln_of_at_least_one, f64::ln, libm::log, 1.0 => f64::MAX,
            f32 1.07, f64 2.0;
        tanh_error: tanh, f64::tanh, libm::tanh, -INFINITY => INFINITY,
            f32 2.0, f64 3.0;
        sigmoid_error: sigmoid, |x| 1.0 / (1.0 + (-x).exp()), sigmoid_reference, -INFINITY => INFINITY,
            f32 1.7, f64 3.0;
        softplus_error: softplus, softplus_reference, softplus_reference, -INFINITY => INFINITY,
            f32 1.8, f64 2.0;
        sine_error: sine_of_turns, sine_reference, sine_reference, -0.25 => 0.25,
            f32 2.3, f64 3.0;
        cosine_error: cosine_of_turns, cosine_reference, cosine_reference, -0.5 => 0.5,
            f32 2.8, f64 3.0;
    }

    fn sigmoid_reference(x: f64) -> f64 {
        if x < -40.0 { libm::exp(x) } else { 1.0 / (1.0 + libm::exp(-x)) }
    }

    /// sin(2 pi x) with what rounding takes off 2 pi, for |x| <= 1/2.
    fn sine_reference(x: f64) -> f64 {
        if x.abs() > 0.25 {
            return sine_reference((0.5 - x.abs()).copysign(x));
        }
        let angle = std::f64::consts::TAU * x;
        let rest = std::f64::consts::TAU.mul_add(x, -angle) + 2.449_293_598_294_706_4e-16 * x;
        libm::sin(angle) + libm::cos(angle) * rest
    }

    fn cosine_reference(x: f64) -> f64 {
        sine_reference(0.25 - x.abs())
    }

    #[test]
    fn turns_are_counted_from_any_number() {
        // Whole, half and quarter turns, of all sizes.
        for exponent in 0..60 {
            for sign in [1.0, -1.0] {
                let x = sign * 2f64.powi(exponent);
                assert_eq!((sine_of_turns(x), cosine_of_turns(x)), (0.0, 1.0), "{x}");
                assert_eq!((sine_of_turns(x as f32), cosine_of_turns(x as f32)), (0.0, 1.0), "{x}");
                if exponent < 23 {
                    let half = x + 0.5;
                    assert_eq!((sine_of_turns(half).abs(), cosine_of_turns(half)), (0.0, -1.0), "{half}");
                    let half = half as f32;
                    assert_eq!((sine_of_turns(half).abs(), cosine_of_turns(half)), (0.0, -1.0), "{half}");
                }
                if exponent < 21 {
                    let quarter = (x + 0.25) as f32;
                    assert!((sine_of_turns(quarter) - 1.0).abs() < 1e-7, "{quarter}");
                    assert_eq!(cosine_of_turns(quarter), 0.0, "{quarter}");
                }
            }
        }
        assert!(sine_of_turns(f32::MAX) == 0.0 && cosine_of_turns(f64::MAX) == 1.0);
        assert!(cosine_of_turns(f32::INFINITY).is_nan() && sine_of_turns(f64::NEG_INFINITY).is_nan());
    }

    fn softplus_reference(x: f64) -> f64 {
        x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
    }

    fn special_values<T: Functions + std::fmt::Debug>() {
        let (zero, one, infinity) = (T::zero(), T::one(), T::infinity());
        let functions: [fn(T) -> T; 10] = [
            exp,
            exp_of_nonpositive,
            exp_m1_of_nonpositive,
            ln_1p_of_fraction,
            ln_of_at_least_one,
            tanh,
            sigmoid,
            softplus,
            sine_of_turns,
            cosine_of_turns,
        ];
        assert!(functions.iter().all(|function| function(T::nan()).is_nan()));
        assert_eq!([exp(zero), exp(-infinity), exp(infinity)], [one, zero, infinity]);
        assert_eq!([exp_of_nonpositive(zero), exp_of_nonpositive(-infinity)], [one, zero]);
        assert_eq!([exp_m1_of_nonpositive(zero), exp_m1_of_nonpositive(-infinity)], [zero, -one]);
        assert_eq!([ln_1p_of_fraction(zero), ln_of_at_least_one(one)], [zero, zero]);
        assert_eq!([tanh(zero), tanh(infinity), tanh(-infinity)], [zero, one, -one]);
        assert!(tanh(-zero).is_sign_negative());
        assert_eq!([sigmoid(zero), sigmoid(infinity), sigmoid(-infinity)], [T::HALF, one, zero]);
        assert_eq!([softplus(infinity), softplus(-infinity)], [infinity, zero]);
        assert_eq!(normal_tail(zero), (one, T::HALF));
        let (exponential, ratio) = normal_tail(T::NORMAL_TAIL_IS_ZERO);
        assert_eq!(exponential * ratio, zero);
    }

    #[test]
    fn special_values_are_exact() {
        special_values::<f32>();
        special_values::<f64>();
    }
}
