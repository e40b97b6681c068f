//! Which instruction set the kernels use on this machine.

#[cfg(target_arch = "x86_64")]
use std::sync::OnceLock;

/// The sets that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Instructions {
    /// 512-bit vectors, as x86-64-v4 has them.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the compiler makes of plain arrays.
    Plain,
}

/// The best set that the processor has.
#[inline]
pub(super) fn instructions() -> Instructions {
    #[cfg(target_arch = "x86_64")]
    {
        // A small network's step asks often.
        static FOUND: OnceLock<Instructions> = OnceLock::new();
        *FOUND.get_or_init(detect)
    }
    #[cfg(not(target_arch = "x86_64"))]
    Instructions::Plain
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Instructions {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
    {
        return Instructions::Avx512;
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        return Instructions::Avx2;
    }
    Instructions::Plain
}

/// The sets that this machine can run.
#[cfg(test)]
pub(super) fn all_instructions() -> Vec<Instructions> {
    #[cfg(target_arch = "x86_64")]
    match instructions() {
        Instructions::Avx512 => return vec![Instructions::Avx512, Instructions::Avx2, Instructions::Plain],
        Instructions::Avx2 => return vec![Instructions::Avx2, Instructions::Plain],
        Instructions::Plain => {}
    }
    vec![Instructions::Plain]
}
