//! Activations: a = sigma(z), and sigma'(z) for the backward pass.
//!
//! One entry of the table below is one activation: its value, its derivative, whether the derivative
//! can be had from a alone (then z need not be kept), and the points where it has a kink. At a kink
//! the derivative is that of the flatter side; in particular ReLU'(0) = 0.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, require};
use crate::kernel::Scalar;
use crate::kernel::functions::{
    exp_m1_of_nonpositive, exp_of_nonpositive, normal_tail, sigmoid, softplus, tanh,
};
use crate::kernel::vectorized::vectorized_loop;

macro_rules! activations {
    ($(
        $(#[$doc:meta])*
        $name:ident $(($($field:ident = $default:literal),+))? $text:literal:
        value |$z:ident| $value:expr;
        derivative |$dz:ident, $da:ident| $derivative:expr;
        from_activation $from_activation:literal;
        kinks $kinks:expr;
    )*) => {
        /// What a layer does to each z.
        ///
        /// In model files an activation is its name, or an object with its name and its parameters:
        /// `"relu"`, `{"leaky_relu": {"negative_slope": 0.01}}`.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum Activation {
            $($(#[$doc])* $name $({ $(#[doc = concat!("Default ", stringify!($default), ".")] $field: f64),+ })?,)*
            /// softmax(z)_i = exp(z_i) / sum_j exp(z_j), over each row. For the output layer only.
            Softmax,
        }

        impl Activation {
            /// Every activation, with default parameters.
            pub const ALL: &[Activation] = &[
                $(Activation::$name $({ $($field: $default),+ })?,)*
                Activation::Softmax,
            ];

            /// The name in model files.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Activation::$name $({ $($field: _),+ })? => $text,)*
                    Activation::Softmax => "softmax",
                }
            }

            /// Whether sigma'(z) can be computed from a = sigma(z) alone, so that z need not be kept.
            pub fn derivative_from_activation(&self) -> bool {
                match self {
                    $(Activation::$name $({ $($field: _),+ })? => $from_activation,)*
                    Activation::Softmax => true,
                }
            }

            /// The points z where sigma' jumps.
            pub fn kinks(&self) -> &'static [f64] {
                match self {
                    $(Activation::$name $({ $($field: _),+ })? => &$kinks,)*
                    Activation::Softmax => &[],
                }
            }

            /// sigma(z) of one number.
            ///
            /// # Panics
            /// For softmax, which is a function of a row.
            pub fn value<T: Scalar>(&self, z: T) -> T {
                match *self {
                    $(Activation::$name $({ $($field),+ })? => {
                        $($(let $field = T::from_f64($field);)+)?
                        let $z = z;
                        $value
                    })*
                    Activation::Softmax => unreachable!("softmax is a function of a whole row"),
                }
            }

            /// sigma'(z) of one number, where a = sigma(z).
            ///
            /// # Panics
            /// For softmax, whose derivative is a matrix.
            pub fn derivative<T: Scalar>(&self, z: T, a: T) -> T {
                match *self {
                    $(Activation::$name $({ $($field),+ })? => {
                        $($(let $field = T::from_f64($field);)+)?
                        let ($dz, $da) = (z, a);
                        $derivative
                    })*
                    Activation::Softmax => unreachable!("softmax' is a matrix"),
                }
            }

            /// Replaces each z by sigma(z). Leaves softmax to [`softmax_rows`].
            #[allow(clippy::almost_swapped)] // the identity's arm, which is never reached
            pub(crate) fn apply_in_place<T: Scalar>(&self, values: &mut [T]) {
                match *self {
                    Activation::Identity | Activation::Softmax => {}
                    #[allow(unreachable_patterns)]
                    $(Activation::$name $({ $($field),+ })? => {
                        $($(let $field = T::from_f64($field);)+)?
                        vectorized_loop! { for T: values: &'a mut [T] = values $($(, $field: T = $field)+)?;
                            for value in values {
                                let $z = *value;
                                *value = $value;
                            }
                        };
                    })*
                }
            }

            /// Turns dLoss/da into delta = dLoss/da * sigma'(z), and what was kept of the layer into a: it is a where sigma'
            /// comes from a, and z elsewhere. Both in place. For hidden layers, which have no softmax.
            pub(crate) fn turn_error_into_delta<T: Scalar>(&self, kept: &mut [T], error: &mut [T]) {
                if self.derivative_from_activation() {
                    return self.multiply_by_derivative(&[], kept, error);
                }
                match *self {
                    $(Activation::$name $({ $($field),+ })? => {
                        $($(let $field = T::from_f64($field);)+)?
                        vectorized_loop! {
                            for T: kept: &'a mut [T] = kept, error: &'a mut [T] = error
                                $($(, $field: T = $field)+)?;
                            for (e, kept) in error.iter_mut().zip(kept) {
                                let z = *kept;
                                let $z = z;
                                let a = $value;
                                let ($dz, $da) = (z, a);
                                *e *= $derivative;
                                *kept = a;
                            }
                        };
                    })*
                    Activation::Softmax => {}
                }
            }

            /// Multiplies dLoss/da by sigma'(z), in place: the result is delta. `z` may be empty where
            /// the derivative comes from a. Leaves softmax to [`softmax_jacobian`].
            pub(crate) fn multiply_by_derivative<T: Scalar>(&self, z: &[T], a: &[T], error: &mut [T]) {
                match *self {
                    Activation::Identity | Activation::Softmax => {}
                    #[allow(unreachable_patterns)]
                    $(Activation::$name $({ $($field),+ })? => {
                        $($(let $field = T::from_f64($field);)+)?
                        vectorized_loop! {
                            for T: z: &'a [T] = z, a: &'a [T] = a, error: &'a mut [T] = error
                                $($(, $field: T = $field)+)?;
                            if $from_activation {
                                for (e, &$da) in error.iter_mut().zip(a) {
                                    #[allow(unused_variables)]
                                    let $dz = $da;
                                    *e *= $derivative;
                                }
                            } else {
                                for ((e, &$da), &$dz) in error.iter_mut().zip(a).zip(z) {
                                    *e *= $derivative;
                                }
                            }
                        };
                    })*
                }
            }
        }
    };
}

activations! {
    /// a = z.
    Identity "identity":
        value |z| z;
        derivative |_z, _a| T::one();
        from_activation true;
        kinks [];

    /// Rectified linear unit: max(z, 0), with ReLU'(0) = 0.
    Relu "relu":
        // Not `max`, which would turn NaN into 0 and hide a run that diverges.
        value |z| if z <= T::zero() { T::zero() } else { z };
        derivative |_z, a| if a > T::zero() { T::one() } else { a * T::zero() };
        from_activation true;
        kinks [0.0];

    /// z where z > 0, else negative_slope z.
    LeakyRelu (negative_slope = 0.01) "leaky_relu":
        value |z| if z > T::zero() { z } else { negative_slope * z };
        derivative |_z, a| if a > T::zero() { T::one() } else { negative_slope };
        from_activation true;
        kinks [0.0];

    /// Exponential linear unit (Clevert et al. 2016): z where z > 0, else alpha (exp(z) - 1).
    Elu (alpha = 1.0) "elu":
        value |z| if z > T::zero() { z } else { alpha * exp_m1_of_nonpositive(z) };
        derivative |_z, a| if a > T::zero() { T::one() } else { a + alpha };
        from_activation true;
        kinks [0.0];

    /// Scaled ELU (Klambauer et al. 2017), with the paper's two constants.
    Selu "selu":
        value |z| {
            let scale = T::from_f64(SELU_SCALE);
            if z > T::zero() { scale * z } else { T::from_f64(SELU_SCALE_ALPHA) * exp_m1_of_nonpositive(z) }
        };
        derivative |_z, a| {
            let scale = T::from_f64(SELU_SCALE);
            if a > T::zero() { scale } else { a + T::from_f64(SELU_SCALE_ALPHA) }
        };
        from_activation true;
        kinks [0.0];

    /// The logistic function 1 / (1 + exp(-z)).
    Sigmoid "sigmoid":
        value |z| sigmoid(z);
        derivative |_z, a| a * (T::one() - a);
        from_activation true;
        kinks [];

    /// The hyperbolic tangent.
    Tanh "tanh":
        value |z| tanh(z);
        derivative |_z, a| T::one() - a * a;
        from_activation true;
        kinks [];

    /// log(1 + exp(z)).
    Softplus "softplus":
        value |z| softplus(z);
        derivative |_z, a| -exp_m1_of_nonpositive(-a);
        from_activation true;
        kinks [];

    /// Gaussian error linear unit (Hendrycks and Gimpel 2016): z Phi(z), Phi the normal distribution function.
    Gelu "gelu":
        value |z| gelu(z);
        derivative |z, _a| gelu_derivative(z);
        from_activation false;
        kinks [];

    /// GELU's tanh form: z/2 (1 + tanh(u)) with u = sqrt(2/pi) (z + 0.044715 z^3), which is z sigmoid(2 u).
    GeluTanh "gelu_tanh":
        value |z| z * sigmoid(gelu_tanh_argument(z));
        derivative |z, _a| {
            let s = sigmoid(gelu_tanh_argument(z));
            let slope = T::from_f64(SQRT_8_OVER_PI) * (T::one() + T::from_f64(3.0 * 0.044715) * z * z);
            s + z * s * (T::one() - s) * slope
        };
        from_activation false;
        kinks [];

    /// Sigmoid linear unit (swish): z sigmoid(z).
    Silu "silu":
        value |z| z * sigmoid(z);
        derivative |z, _a| {
            let s = sigmoid(z);
            s * (T::one() + z * (T::one() - s))
        };
        from_activation false;
        kinks [];

    /// Mish (Misra 2020): z tanh(softplus(z)).
    Mish "mish":
        value |z| {
            let (t, _) = tanh_of_softplus(z);
            z * t
        };
        derivative |z, _a| {
            let (t, slope) = tanh_of_softplus(z);
            t + z * slope
        };
        from_activation false;
        kinks [];

    /// Piecewise linear sigmoid, as PyTorch's: z/6 + 1/2, cut off at 0 and 1.
    HardSigmoid "hard_sigmoid":
        value |z| {
            let (three, six) = (T::from_f64(3.0), T::from_f64(6.0));
            if z <= -three { T::zero() } else if z >= three { T::one() } else { (z + three) / six }
        };
        derivative |_z, a| if a > T::zero() && a < T::one() { T::from_f64(1.0 / 6.0) } else { a * T::zero() };
        from_activation true;
        kinks [-3.0, 3.0];
}

const SELU_SCALE: f64 = 1.0507009873554804934193349852946;
/// The product with the paper's alpha, 1.6732632423543772848170429916717.
const SELU_SCALE_ALPHA: f64 = 1.7580993408473768599402175208123;
const SQRT_8_OVER_PI: f64 = 1.595_769_121_605_730_8;

impl Activation {
    /// Whether the values can be read as probabilities, as the losses for classes do.
    pub fn yields_probabilities(&self) -> bool {
        matches!(self, Activation::Sigmoid | Activation::HardSigmoid | Activation::Softmax)
    }

    /// The activation of that name with default parameters; `-` and `_` are the same.
    ///
    /// # Errors
    /// For an unknown name, with the list of all.
    pub fn from_name(name: &str) -> Result<Self> {
        let wanted = name.replace('-', "_").to_lowercase();
        Activation::ALL.iter().copied().find(|a| a.name() == wanted).ok_or_else(|| {
            let known: Vec<_> = Activation::ALL.iter().map(|a| a.name().replace('_', "-")).collect();
            Error::UnknownName { kind: "activation", name: name.to_owned(), known: known.join(", ") }
        })
    }

    /// Checks the parameters' ranges.
    pub(crate) fn check(&self) -> Result<()> {
        match *self {
            Activation::LeakyRelu { negative_slope } => require(
                (0.0..f64::INFINITY).contains(&negative_slope),
                "negative_slope",
                negative_slope,
                "must be at least 0 and finite",
            ),
            Activation::Elu { alpha } => {
                let holds = alpha > 0.0 && alpha.is_finite();
                require(holds, "alpha", alpha, "must be greater than 0 and finite")
            }
            _ => Ok(()),
        }
    }
}

/// z Phi(z) = max(z, 0) - |z| (1 - Phi(|z|)), which keeps the left tail's digits. Error: f32 6.0 ulp, f64 5.9 ulp,
/// both far out in that tail, where the two polynomials of M, their ratio, the exponential and two products are
/// each rounded.
#[inline(always)]
fn gelu<T: Scalar>(z: T) -> T {
    let x = bounded_magnitude(z);
    let (exponential, ratio) = normal_tail(x);
    let positive_part = if z <= T::zero() { T::zero() } else { z };
    (-x * ratio).mul_add(exponential, positive_part)
}

/// Phi(z) + z phi(z), phi(z) = exp(-z^2 / 2) / sqrt(2 pi).
#[inline(always)]
fn gelu_derivative<T: Scalar>(z: T) -> T {
    let x = bounded_magnitude(z);
    let (exponential, ratio) = normal_tail(x);
    // Phi(z) + z phi(z) = 1 - (Phi(-z) - z phi(z)), so that both signs need the same number of |z|.
    let tail = exponential * (-x).mul_add(T::INVERSE_SQRT_TAU, ratio);
    if z > T::zero() { T::one() - tail } else { tail }
}

/// |z|, but no more than where the normal distribution's tail is 0.
#[inline(always)]
fn bounded_magnitude<T: Scalar>(z: T) -> T {
    if T::NORMAL_TAIL_IS_ZERO < z.abs() { T::NORMAL_TAIL_IS_ZERO } else { z.abs() }
}

/// 2 u, where GELU's tanh form is z/2 (1 + tanh(u)).
#[inline(always)]
fn gelu_tanh_argument<T: Scalar>(z: T) -> T {
    T::from_f64(SQRT_8_OVER_PI) * (z + T::from_f64(0.044715) * z * z * z)
}

/// t = tanh(log(1 + exp(z))), for Mish, and dt/dz = (1 - t^2) sigmoid(z).
///
/// tanh(log(c)) = (c^2 - 1) / (c^2 + 1). With e = exp(-|z|), and c^2 divided by exp(2 z) where z > 0:
///
/// ```text
/// z > 0:  t = (1 + 2 e) / (1 + 2 e + 2 e^2)      z <= 0:  t = (e^2 + 2 e) / (e^2 + 2 e + 2)
/// ```
#[inline(always)]
fn tanh_of_softplus<T: Scalar>(z: T) -> (T, T) {
    let e = exp_of_nonpositive(-z.abs());
    let positive = z > T::zero();
    let square = e * e;
    let numerator = T::TWO.mul_add(e, if positive { T::one() } else { square });
    let rest = T::TWO * if positive { square } else { T::one() };
    let denominator = numerator + rest;
    let t = numerator / denominator;
    // 1 - t = rest / denominator
    let slope = rest / denominator * (T::one() + t) * (if positive { T::one() } else { e }) / (T::one() + e);
    (t, slope)
}

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
    use crate::kernel::functions::error_of;

    const POINTS: [f64; 15] =
        [-30.0, -5.0, -3.5, -2.9, -1.0, -0.3, -1e-3, 1e-3, 0.2, 0.9, 1.7, 2.9, 3.4, 8.0, 30.0];

    #[test]
    fn derivatives_equal_central_differences() {
        for activation in Activation::ALL.iter().filter(|a| **a != Activation::Softmax) {
            for z in POINTS {
                let h = 1e-6;
                let numeric = (activation.value(z + h) - activation.value(z - h)) / (2.0 * h);
                let exact = activation.derivative(z, activation.value(z));
                assert!(
                    (numeric - exact).abs() < 2e-8 * (1.0 + z.abs()),
                    "{activation:?} at {z}: {exact} {numeric}"
                );
            }
        }
    }

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
    fn slices_equal_single_numbers_and_nan_stays_nan() {
        let mut inputs = POINTS.to_vec();
        inputs.push(f64::NAN);
        for activation in Activation::ALL.iter().filter(|a| **a != Activation::Softmax) {
            let mut a = inputs.clone();
            activation.apply_in_place(&mut a);
            let mut delta: Vec<f64> = inputs.iter().map(|z| 1.0 + z * z).collect();
            activation.multiply_by_derivative(&inputs, &a, &mut delta);
            for (i, &z) in POINTS.iter().enumerate() {
                assert_eq!(a[i], activation.value(z));
                assert_eq!(delta[i], (1.0 + z * z) * activation.derivative(z, a[i]));
            }
            assert!(a.last().unwrap().is_nan() && delta.last().unwrap().is_nan(), "{activation:?}");
        }
    }

    #[test]
    fn a_number_has_the_same_bits_in_a_slice_of_any_length_and_alone() {
        let inputs: Vec<f32> = (0..133).map(|i| (i as f32 * 0.618).fract() * 20.0 - 10.0).collect();
        for activation in Activation::ALL.iter().filter(|a| **a != Activation::Softmax) {
            for length in [1, 2, 7, 16, 31, 33, 64, 133] {
                let z = &inputs[..length];
                let mut a = z.to_vec();
                activation.apply_in_place(&mut a);
                let mut delta = vec![1.0; length];
                activation.multiply_by_derivative(z, &a, &mut delta);
                for i in 0..length {
                    assert_eq!(a[i].to_bits(), activation.value(z[i]).to_bits(), "{activation:?}");
                    let derivative = activation.derivative(z[i], a[i]);
                    assert_eq!(delta[i].to_bits(), derivative.to_bits(), "{activation:?}");
                }
            }
        }
    }

    /// z Phi(z), with what rounding takes off z / sqrt(2) given back.
    fn gelu_reference(z: f64) -> f64 {
        const SQRT_2_REST: f64 = -9.667_293_313_452_913e-17;
        let (x, root) = (z.abs().min(39.0), std::f64::consts::SQRT_2);
        let t = x / root;
        let rest = (x - t.mul_add(root, 0.0) - t.mul_add(root, -(t * root)) - t * SQRT_2_REST) / root;
        let slope = std::f64::consts::FRAC_2_SQRT_PI * (-t * t).exp();
        let tail = 0.5 * (libm::erfc(t) - rest * slope);
        z.max(0.0) - x * tail
    }

    #[test]
    fn values_are_right_to_a_few_units_in_the_last_place() {
        fn sigmoid(z: f64) -> f64 {
            let e = libm::exp(-z.abs());
            if z < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
        }
        fn mish(z: f64) -> f64 {
            let e = libm::exp(-z.abs());
            let t = if z > 0.0 {
                (1.0 + 2.0 * e) / (1.0 + 2.0 * e * (1.0 + e))
            } else {
                e * (e + 2.0) / (e * (e + 2.0) + 2.0)
            };
            z * t
        }
        fn elu(z: f64) -> f64 {
            if z > 0.0 { z } else { libm::expm1(z) }
        }
        fn selu(z: f64) -> f64 {
            if z > 0.0 { SELU_SCALE * z } else { SELU_SCALE_ALPHA * libm::expm1(z) }
        }
        let silu = |z: f64| z * sigmoid(z);
        // Below the lowest z, exp(z) is subnormal, and z times its rounding is what remains of SiLU and Mish
        // (of GELU only in the reference).
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        type Bounds = (f64, f64);
        type Case<'a> = (Activation, Bounds, Bounds, &'a dyn Fn(f64) -> f64, f64, f64);
        let cases: [Case; 5] = [
            (Activation::Elu { alpha: 1.0 }, all, all, &elu, 2.0, 2.0),
            (Activation::Selu, all, all, &selu, 2.0, 2.0),
            (Activation::Gelu, all, (-37.0, f64::INFINITY), &gelu_reference, 6.0, 7.0),
            (Activation::Silu, (-87.0, 1e38), (-708.0, 1e308), &silu, 2.5, 4.0),
            (Activation::Mish, (-87.0, 1e38), (-708.0, 1e308), &mish, 4.0, 5.0),
        ];
        for (activation, single, double, reference, single_bound, double_bound) in cases {
            let range = single.0 as f32..=single.1 as f32;
            let single = error_of::single(range, |values| activation.apply_in_place(values), reference);
            let range = double.0..=double.1;
            let double = error_of::double(range, |values| activation.apply_in_place(values), reference);
            println!("{activation:?}: f32 {single:?}, f64 {double:?}");
            assert!(
                single.0 <= single_bound && double.0 <= double_bound,
                "{activation:?} {single:?} {double:?}"
            );
        }
    }

    #[test]
    fn single_precision_derivatives_are_right_to_a_few_units_of_one() {
        for activation in Activation::ALL.iter().filter(|a| **a != Activation::Softmax) {
            for step in -4000..4000 {
                let z = step as f32 * 0.005 + 0.0025;
                let single = activation.derivative(z, activation.value(z));
                let double = activation.derivative(f64::from(z), activation.value(f64::from(z)));
                assert!(
                    (f64::from(single) - double).abs() < 2e-6,
                    "{activation:?} at {z}: {single} {double}"
                );
            }
        }
    }

    #[test]
    fn infinities_have_their_limits() {
        for (activation, low, high) in [
            (Activation::Relu, 0.0, f32::INFINITY),
            (Activation::Elu { alpha: 1.0 }, -1.0, f32::INFINITY),
            (Activation::Sigmoid, 0.0, 1.0),
            (Activation::Tanh, -1.0, 1.0),
            (Activation::Softplus, 0.0, f32::INFINITY),
            (Activation::Gelu, 0.0, f32::INFINITY),
        ] {
            assert_eq!(activation.value(f32::NEG_INFINITY), low, "{activation:?}");
            assert_eq!(activation.value(f32::INFINITY), high, "{activation:?}");
        }
    }

    #[test]
    fn kinks_are_where_the_derivative_jumps_and_nowhere_else() {
        for activation in Activation::ALL.iter().filter(|a| **a != Activation::Softmax) {
            let slope = |z: f64| activation.derivative(z, activation.value(z));
            // ELU with alpha 1 is smooth; its kink is that of other alphas.
            if !matches!(activation, Activation::Elu { .. }) {
                for &kink in activation.kinks() {
                    assert!((slope(kink + 1e-9) - slope(kink - 1e-9)).abs() > 0.1);
                    let flatter = if kink < 3.0 { slope(kink - 1e-9) } else { 0.0 };
                    assert!((slope(kink) - flatter).abs() < 1e-8, "{activation:?}");
                }
            }
            for step in -60..60 {
                let z = f64::from(step) / 10.0 + 0.05;
                assert!((slope(z + 1e-7) - slope(z - 1e-7)).abs() < 1e-5, "{activation:?} at {z}");
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

    #[test]
    fn names_are_read_back_and_unknown_fields_refused() {
        for activation in Activation::ALL {
            let json = serde_json::to_string(activation).unwrap();
            assert_eq!(serde_json::from_str::<Activation>(&json).unwrap(), *activation);
            assert!(json.contains(activation.name()));
            assert_eq!(Activation::from_name(&activation.name().replace('_', "-")).unwrap(), *activation);
        }
        assert!(serde_json::from_str::<Activation>(r#"{"elu":{"alpha":1.0,"beta":2.0}}"#).is_err());
        assert!(Activation::from_name("rellu").unwrap_err().to_string().contains("leaky-relu"));
    }
}
