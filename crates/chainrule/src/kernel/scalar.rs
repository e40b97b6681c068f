//! The two number types that networks are trained in: `f32` and `f64`.

use std::fmt::{Debug, Display};
use std::iter::Sum;

use num_traits::{Float, NumAssign};

use super::functions::Functions;
use super::gemm::{Accumulate, Block, BlockMut};

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

    /// This value, or 0 for a subnormal one. A moving average of gradients that have become 0 would stay
    /// subnormal for ever, since rounding stops its decay there, and processors take a hundred times as long for it.
    #[inline(always)]
    fn normal_or_zero(self) -> Self {
        if self.abs() < Self::min_positive_value() { Self::zero() } else { self }
    }
}

pub(crate) mod sealed {
    use super::{Accumulate, Block, BlockMut, Functions};

    /// What differs between the number types below the formulas.
    pub trait Kernels: Functions + Sized {
        /// See `kernel::gemm::gemm`.
        ///
        /// # Safety
        /// `c` is valid for writes and disjoint from everything read or written at the same time.
        #[doc(hidden)]
        #[allow(private_interfaces)]
        unsafe fn gemm(c: BlockMut<Self>, mode: Accumulate, a: Block<Self>, b: Block<Self>);
    }
}

macro_rules! implement_scalar {
    ($type:ty, $name:literal) => {
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

        impl sealed::Kernels for $type {
            #[allow(private_interfaces)]
            unsafe fn gemm(c: BlockMut<Self>, mode: Accumulate, a: Block<Self>, b: Block<Self>) {
                // SAFETY: the caller's promise is the same.
                unsafe { super::gemm::faer_gemm(c, mode, a, b) }
            }
        }
    };
}

implement_scalar!(f32, "F32");
implement_scalar!(f64, "F64");
