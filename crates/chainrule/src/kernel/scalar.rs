//! The two number types that networks are trained in: `f32` and `f64`.

use std::fmt::{Debug, Display};
use std::iter::Sum;

use num_traits::{Float, NumAssign};

use super::functions::Functions;
use super::lanes::{Array, Lanes, Turned};

/// A number type of parameters and activations: `f32` (training) or `f64` (checking).
///
/// The trait is sealed: the kernels exist for these two types.
pub trait Scalar:
    Float + NumAssign + Sum + Debug + Display + Default + Send + Sync + 'static + sealed::InRegisters
{
    /// The type's name in model files: `"F32"` or `"F64"`.
    const NAME: &'static str;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// This value as `f64`, exactly.
    fn as_f64(self) -> f64;

    /// This value, or 0 for a subnormal one. A moving average of gradients that have become 0 would stay
    /// subnormal for ever, since rounding stops its decay there, and processors take a hundred times as long for it.
    #[inline(always)]
    fn normal_or_zero(self) -> Self {
        if self.abs() < Self::min_positive_value() { Self::zero() } else { self }
    }
}

pub(crate) mod sealed {
    use super::{Functions, Lanes, Turned};

    /// What a number type has in vector registers.
    pub trait InRegisters: Functions + Copy {
        /// Writes 4 x 4 elements with rows and columns exchanged. Strides are those of the rows.
        ///
        /// # Safety
        /// The pointers are valid for four rows of four elements each.
        #[inline(always)]
        unsafe fn transpose_square(from: *const Self, from_stride: usize, to: *mut Self, to_stride: usize) {
            for i in 0..4 {
                for j in 0..4 {
                    // SAFETY: the caller's promise.
                    unsafe { to.add(j * to_stride + i).write(from.add(i * from_stride + j).read()) }
                }
            }
        }

        /// 512-bit vectors.
        type Avx512: Lanes<Number = Self>;
        /// 256-bit vectors.
        type Avx2: Turned<Number = Self>;
        /// Plain arrays.
        type Plain: Turned<Number = Self>;
    }
}

macro_rules! implement_scalar {
    ($type:ty, $name:literal, $avx512:ident, $avx2:ident $(, $transpose:item)?) => {
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
        }

        impl sealed::InRegisters for $type {
            $($transpose)?
            #[cfg(target_arch = "x86_64")]
            type Avx512 = std::arch::x86_64::$avx512;
            #[cfg(target_arch = "x86_64")]
            type Avx2 = std::arch::x86_64::$avx2;
            #[cfg(not(target_arch = "x86_64"))]
            type Avx512 = Self::Plain;
            #[cfg(not(target_arch = "x86_64"))]
            type Avx2 = Self::Plain;
            type Plain = Array<$type, 4, 4>;
        }
    };
}

implement_scalar!(
    f32,
    "F32",
    __m512,
    __m256,
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn transpose_square(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        use std::arch::x86_64::*;
        // SAFETY: the caller's promise; every x86-64 processor has SSE.
        unsafe {
            let row = |i: usize| _mm_loadu_ps(from.add(i * from_stride));
            let (a, b, c, d) = (row(0), row(1), row(2), row(3));
            let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
            _mm_storeu_ps(to, _mm_movelh_ps(ab, cd));
            _mm_storeu_ps(to.add(to_stride), _mm_movehl_ps(cd, ab));
            _mm_storeu_ps(to.add(2 * to_stride), _mm_movelh_ps(ab_high, cd_high));
            _mm_storeu_ps(to.add(3 * to_stride), _mm_movehl_ps(cd_high, ab_high));
        }
    }
);
implement_scalar!(f64, "F64", __m512d, __m256d);
