//! Which instruction set the kernels use on this machine.

/// The sets that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Instructions {
    /// 512-bit vectors.
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
        if std::is_x86_feature_detected!("avx512f") {
            return Instructions::Avx512;
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            return Instructions::Avx2;
        }
    }
    Instructions::Plain
}
