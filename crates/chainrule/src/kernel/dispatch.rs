//! Work that is compiled once for each instruction set, and run by the chosen one.
//!
//! This is the one place where kernels meet an instruction set: the matrix products, loops over elements and the
//! measurement of the peak all come through [`dispatch`].

use super::Scalar;
use super::instructions::{InstructionSet, instruction_set};
use super::lanes::{Lanes, Turned};
use super::philox::{self, LaterKeys, TOGETHER, Words};

/// The vectors of an instruction set.
pub(crate) trait Vectors {
    /// One of `T`s.
    type Of<T: Scalar>: Lanes<Number = T>;
    /// One of `T`s that takes columns out of rows; it may be narrower.
    type Turned<T: Scalar>: Turned<Number = T>;

    /// The blocks of counters after their first round, given and returned word by word.
    ///
    /// # Safety
    /// The processor has these instructions.
    #[inline(always)]
    unsafe fn philox(state: [Words; 4], keys: &LaterKeys) -> [Words; 4] {
        philox::blocks(state, keys)
    }

    /// The words of blocks, block after block.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    unsafe fn in_order(words: [Words; 4]) -> [u32; 4 * TOGETHER] {
        philox::in_order(words)
    }
}

/// What is compiled for each instruction set. Its arithmetic stays the same, element by element.
pub(crate) trait Kernel {
    /// What it gives back.
    type Output;

    /// Must be `#[inline(always)]`: a function of its own lacks the instructions.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Vectors>(self) -> Self::Output;
}

/// Runs a kernel by the chosen instruction set.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: what is chosen is among what the processor has.
    unsafe { dispatch_to(instruction_set(), kernel) }
}

/// # Safety
/// The processor has these instructions.
#[inline]
pub(super) unsafe fn dispatch_to<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    match set {
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { in_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { in_avx2(kernel) },
        // SAFETY: every processor has these; it does not have the others, where they are not matched above.
        _ => unsafe { kernel.run::<Plain>() },
    }
}

/// # Safety
/// The processor has these instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
unsafe fn in_avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller's promise.
    unsafe { kernel.run::<Avx512>() }
}

/// # Safety
/// The processor has these instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn in_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: the caller's promise.
    unsafe { kernel.run::<Avx2>() }
}

#[cfg(target_arch = "x86_64")]
struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Vectors for Avx512 {
    type Of<T: Scalar> = T::Avx512;
    type Turned<T: Scalar> = T::Avx2;

    #[inline(always)]
    unsafe fn philox(state: [Words; 4], keys: &LaterKeys) -> [Words; 4] {
        // SAFETY: the caller's promise.
        unsafe { philox::blocks_in_avx512(state, keys) }
    }

    #[inline(always)]
    unsafe fn in_order(words: [Words; 4]) -> [u32; 4 * TOGETHER] {
        // SAFETY: the caller's promise; whoever has AVX-512 has AVX2.
        unsafe { philox::in_order_in_avx2(words) }
    }
}

#[cfg(target_arch = "x86_64")]
struct Avx2;

#[cfg(target_arch = "x86_64")]
impl Vectors for Avx2 {
    type Of<T: Scalar> = T::Avx2;
    type Turned<T: Scalar> = T::Avx2;

    #[inline(always)]
    unsafe fn philox(state: [Words; 4], keys: &LaterKeys) -> [Words; 4] {
        // SAFETY: the caller's promise.
        unsafe { philox::blocks_in_avx2(state, keys) }
    }

    #[inline(always)]
    unsafe fn in_order(words: [Words; 4]) -> [u32; 4 * TOGETHER] {
        // SAFETY: the caller's promise; whoever has AVX-512 has AVX2.
        unsafe { philox::in_order_in_avx2(words) }
    }
}

struct Plain;

impl Vectors for Plain {
    type Of<T: Scalar> = T::Plain;
    type Turned<T: Scalar> = T::Plain;
}
