//! The two number types that networks are trained in: `f32` and `f64`.

use std::fmt::{Debug, Display};
use std::iter::Sum;

use num_traits::{Float, NumAssign};

use super::lanes::{Lanes, Plain};

/// A number type of parameters and activations: `f32` (training) or `f64` (checking).
///
/// The trait is sealed: the kernels exist for these two types.
pub trait Scalar:
    Float + NumAssign + Sum + Debug + Display + Default + Send + Sync + 'static + sealed::Kernels
{
    /// The type's name in model files: `"F32"` or `"F64"`.
    const NAME: &'static str;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// This value as `f64`, exactly.
    fn as_f64(self) -> f64;

    /// The error function, (2 / sqrt(pi)) times the integral of exp(-t^2) from 0 to `self`.
    fn erf(self) -> Self;

    /// This value, or 0 for a subnormal one. A moving average of gradients that have become 0 would stay
    /// subnormal for ever, since rounding stops its decay there, and processors take a hundred times as long for it.
    #[inline(always)]
    fn normal_or_zero(self) -> Self {
        if self.abs() < Self::min_positive_value() { Self::zero() } else { self }
    }
}

pub(crate) mod sealed {
    use super::Lanes;

    /// The vectors of a number type.
    pub trait Kernels: Sized {
        /// 512-bit vectors.
        type Avx512: Lanes<Number = Self>;
        /// 256-bit vectors.
        type Avx2: Lanes<Number = Self>;
        /// Plain arrays.
        type Plain: Lanes<Number = Self>;
    }
}

macro_rules! implement_scalar {
    ($type:ty, $name:literal, $erf:path, $avx512:ident, $avx2:ident) => {
        impl Scalar for $type {
            const NAME: &'static str = $name;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }

            #[inline(always)]
            fn as_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline]
            fn erf(self) -> Self {
                $erf(self)
            }
        }

        impl sealed::Kernels for $type {
            #[cfg(target_arch = "x86_64")]
            type Avx512 = std::arch::x86_64::$avx512;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = std::arch::x86_64::$avx2;
            #[cfg(not(target_arch = "x86_64"))]
            type Avx512 = Plain<$type>;
            #[cfg(not(target_arch = "x86_64"))]
            type Avx2 = Plain<$type>;
            type Plain = Plain<$type>;
        }
    };
}

implement_scalar!(f32, "F32", libm::erff, __m512, __m256);
implement_scalar!(f64, "F64", libm::erf, __m512d, __m256d);
