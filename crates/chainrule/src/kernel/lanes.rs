//! Vectors of numbers for the kernels: AVX-512, AVX2 with FMA, or plain arrays, behind one trait.

use num_traits::Float;

/// A vector of `COUNT` numbers.
///
/// # Safety
/// Every function is for processors that have the vector's instruction set; pointers are valid for the
/// elements that are read or written, and need no alignment.
pub trait Lanes: Copy {
    /// The type of one element.
    type Number;
    /// Elements in a vector.
    const COUNT: usize;
    /// Rows of a tile of the matrix product.
    const ROWS: usize;
    /// The same where the first-level cache is a large one: no more than the registers hold beside two vectors of columns.
    const MOST_ROWS: usize;

    /// `value` in every lane.
    unsafe fn splat(value: Self::Number) -> Self;
    /// `COUNT` elements.
    unsafe fn load(pointer: *const Self::Number) -> Self;
    /// The first `count` lanes from memory, the others 0.
    unsafe fn load_first(pointer: *const Self::Number, count: usize) -> Self;
    /// All lanes to memory.
    unsafe fn store(self, pointer: *mut Self::Number);
    /// The first `count` lanes to memory.
    unsafe fn store_first(self, pointer: *mut Self::Number, count: usize);
    /// self + other.
    unsafe fn add(self, other: Self) -> Self;
    /// self * factor + addend, rounded once: by a call, and slowly, where the processor has no such instruction.
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self;
}

/// Vectors that can take columns out of a matrix that lies by rows.
///
/// # Safety
/// As for [`Lanes`].
pub trait Turned: Lanes {
    /// Four neighbouring columns of `COUNT` rows, which lie `stride` apart: vector i has column i, a lane for each row.
    unsafe fn load_columns(pointer: *const Self::Number, stride: usize) -> [Self; 4];
}

/// Brings the cache line of `pointer`, which may point anywhere, into the first-level cache.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "there is no instruction"))]
pub(super) fn prefetch<T>(pointer: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(pointer.cast())
    }
}

/// Brings the cache line of `pointer`, which may point anywhere, into the second-level cache.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "there is no instruction"))]
pub(super) fn prefetch_far<T>(pointer: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(pointer.cast())
    }
}

/// `pointer` itself; the compiler does not know how it was computed.
#[inline(always)]
#[cfg_attr(
    target_arch = "x86_64",
    expect(
        clippy::pointers_in_nomem_asm_block,
        reason = "there is no instruction that could follow the pointer"
    )
)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "only the instruction changes it"))]
pub(super) fn opaque<T>(mut pointer: *const T) -> *const T {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: no instruction.
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) pointer, options(pure, nomem, nostack, preserves_flags))
    }
    pointer
}

/// A plain array of N numbers, with tiles of R rows: for processors without the instruction sets below, and for tests in the
/// shapes of theirs.
#[derive(Clone, Copy)]
pub struct Array<T, const N: usize, const R: usize>([T; N]);

impl<T: Float, const N: usize, const R: usize> Lanes for Array<T, N, R> {
    type Number = T;
    const COUNT: usize = N;
    const ROWS: usize = R;
    const MOST_ROWS: usize = R;

    #[inline(always)]
    unsafe fn splat(value: T) -> Self {
        Array([value; N])
    }

    #[inline(always)]
    unsafe fn load(pointer: *const T) -> Self {
        // SAFETY: the caller's promise.
        Array(unsafe { pointer.cast::<[T; N]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_first(pointer: *const T, count: usize) -> Self {
        // SAFETY: the caller's promise.
        let element = |i| if i < count { unsafe { pointer.add(i).read() } } else { T::zero() };
        Array(std::array::from_fn(element))
    }

    #[inline(always)]
    unsafe fn store(self, pointer: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { pointer.cast::<[T; N]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, pointer: *mut T, count: usize) {
        for (i, value) in self.0.into_iter().enumerate().take(count) {
            // SAFETY: the caller's promise.
            unsafe { pointer.add(i).write(value) }
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Array(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
        Array(std::array::from_fn(|i| self.0[i].mul_add(factor.0[i], addend.0[i])))
    }
}

impl<T: Float, const N: usize, const R: usize> Turned for Array<T, N, R> {
    #[inline(always)]
    unsafe fn load_columns(pointer: *const T, stride: usize) -> [Self; 4] {
        // SAFETY: the caller's promise.
        let element = |row: usize, column: usize| unsafe { pointer.add(row * stride + column).read() };
        std::array::from_fn(|column| Array(std::array::from_fn(|row| element(row, column))))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Lanes, Turned};

    impl Turned for __m256 {
        #[inline(always)]
        unsafe fn load_columns(pointer: *const f32, stride: usize) -> [Self; 4] {
            // SAFETY: the caller's promise.
            unsafe {
                // Rows i and i + 4 side by side, so that both halves are turned at once.
                let rows = |i: usize| {
                    let half = |row: usize| _mm_loadu_ps(pointer.add(row * stride));
                    _mm256_set_m128(half(i + 4), half(i))
                };
                let (a, b, c, d) = (rows(0), rows(1), rows(2), rows(3));
                let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
                let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
                [
                    _mm256_shuffle_ps::<0x44>(ab, cd),
                    _mm256_shuffle_ps::<0xee>(ab, cd),
                    _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                    _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
                ]
            }
        }
    }

    impl Turned for __m256d {
        #[inline(always)]
        unsafe fn load_columns(pointer: *const f64, stride: usize) -> [Self; 4] {
            // SAFETY: the caller's promise.
            unsafe {
                // Rows i and i + 2 side by side.
                let rows = |i: usize, column: usize| {
                    let half = |row: usize| _mm_loadu_pd(pointer.add(row * stride + column));
                    _mm256_set_m128d(half(i + 2), half(i))
                };
                let two = |column: usize| {
                    let (a, b) = (rows(0, column), rows(1, column));
                    [_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b)]
                };
                let ([first, second], [third, fourth]) = (two(0), two(2));
                [first, second, third, fourth]
            }
        }
    }

    macro_rules! implement_lanes {
        ($vector:ty, $number:ty, $count:literal, $rows:literal..=$most_rows:literal, $set1:ident, $load:ident, $store:ident, $add:ident, $fma:ident,
         |$pointer:ident, $n:ident| $load_first:expr, |$to:ident, $m:ident, $value:ident| $store_first:expr) => {
            impl Lanes for $vector {
                type Number = $number;
                const COUNT: usize = $count;
                const ROWS: usize = $rows;
                const MOST_ROWS: usize = $most_rows;

                #[inline(always)]
                unsafe fn splat(value: $number) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $set1(value) }
                }

                #[inline(always)]
                unsafe fn load(pointer: *const $number) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $load(pointer) }
                }

                #[inline(always)]
                unsafe fn load_first($pointer: *const $number, $n: usize) -> Self {
                    // SAFETY: the caller's promise; lanes outside the mask are not read.
                    unsafe { $load_first }
                }

                #[inline(always)]
                unsafe fn store(self, pointer: *mut $number) {
                    // SAFETY: the caller's promise.
                    unsafe { $store(pointer, self) }
                }

                #[inline(always)]
                unsafe fn store_first(self, $to: *mut $number, $m: usize) {
                    let $value = self;
                    // SAFETY: the caller's promise; lanes outside the mask are not written.
                    unsafe { $store_first }
                }

                #[inline(always)]
                unsafe fn add(self, other: Self) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $add(self, other) }
                }

                #[inline(always)]
                unsafe fn multiply_add(self, factor: Self, addend: Self) -> Self {
                    // SAFETY: the caller's promise.
                    unsafe { $fma(self, factor, addend) }
                }
            }
        };
    }

    /// The lowest `count` bits.
    #[inline(always)]
    fn bits(count: usize) -> u32 {
        (1 << count) - 1
    }

    static ONES_AND_ZEROS_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    static ONES_AND_ZEROS_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

    /// A mask of the first `count` of eight lanes.
    #[inline(always)]
    unsafe fn mask_32(count: usize) -> __m256i {
        // SAFETY: count is at most 8; AVX is the caller's promise.
        unsafe { _mm256_loadu_si256(ONES_AND_ZEROS_32.as_ptr().add(8 - count).cast()) }
    }

    /// A mask of the first `count` of four lanes.
    #[inline(always)]
    unsafe fn mask_64(count: usize) -> __m256i {
        // SAFETY: count is at most 4; AVX is the caller's promise.
        unsafe { _mm256_loadu_si256(ONES_AND_ZEROS_64.as_ptr().add(4 - count).cast()) }
    }

    /// The first `count` of eight lanes to memory, in whole vectors of 8, 4, 2 and 1: a store under a mask takes ten times as
    /// long on AMD's processors.
    ///
    /// # Safety
    /// The processor has AVX; the pointer is valid for so many.
    #[inline(always)]
    unsafe fn store_parts_32(mut pointer: *mut f32, count: usize, vector: __m256) {
        // SAFETY: the caller's promise.
        unsafe {
            if count & 8 != 0 {
                return _mm256_storeu_ps(pointer, vector);
            }
            let mut part = _mm256_castps256_ps128(vector);
            if count & 4 != 0 {
                _mm_storeu_ps(pointer, part);
                part = _mm256_extractf128_ps::<1>(vector);
                pointer = pointer.add(4);
            }
            if count & 2 != 0 {
                _mm_storel_pd(pointer.cast(), _mm_castps_pd(part));
                part = _mm_movehl_ps(part, part);
                pointer = pointer.add(2);
            }
            if count & 1 != 0 {
                _mm_store_ss(pointer, part);
            }
        }
    }

    /// The same for the first `count` of four lanes.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    unsafe fn store_parts_64(mut pointer: *mut f64, count: usize, vector: __m256d) {
        // SAFETY: the caller's promise.
        unsafe {
            if count & 4 != 0 {
                return _mm256_storeu_pd(pointer, vector);
            }
            let mut part = _mm256_castpd256_pd128(vector);
            if count & 2 != 0 {
                _mm_storeu_pd(pointer, part);
                part = _mm256_extractf128_pd::<1>(vector);
                pointer = pointer.add(2);
            }
            if count & 1 != 0 {
                _mm_store_sd(pointer, part);
            }
        }
    }

    implement_lanes!(
        __m512,
        f32,
        16,
        8..=12,
        _mm512_set1_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps,
        _mm512_add_ps,
        _mm512_fmadd_ps,
        |p, n| _mm512_maskz_loadu_ps(bits(n) as u16, p),
        |p, n, v| _mm512_mask_storeu_ps(p, bits(n) as u16, v)
    );
    implement_lanes!(
        __m512d,
        f64,
        8,
        8..=12,
        _mm512_set1_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd,
        _mm512_add_pd,
        _mm512_fmadd_pd,
        |p, n| _mm512_maskz_loadu_pd(bits(n) as u8, p),
        |p, n, v| _mm512_mask_storeu_pd(p, bits(n) as u8, v)
    );
    implement_lanes!(
        __m256,
        f32,
        8,
        6..=6,
        _mm256_set1_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps,
        _mm256_add_ps,
        _mm256_fmadd_ps,
        |p, n| _mm256_maskload_ps(p, mask_32(n)),
        |p, n, v| store_parts_32(p, n, v)
    );
    implement_lanes!(
        __m256d,
        f64,
        4,
        6..=6,
        _mm256_set1_pd,
        _mm256_loadu_pd,
        _mm256_storeu_pd,
        _mm256_add_pd,
        _mm256_fmadd_pd,
        |p, n| _mm256_maskload_pd(p, mask_64(n)),
        |p, n, v| store_parts_64(p, n, v)
    );
}
