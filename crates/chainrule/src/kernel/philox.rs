//! Philox4x32-10 (see [`crate::random`]): for one counter, and for eight at a time, in vectors.
//!
//! There words stay in lanes of 64 bits, of which a multiplication reads the lower half. The steps of a counter wait for each
//! other, so two vectors of counters go on side by side.

/// Counters that go on side by side.
pub(super) const TOGETHER: usize = 8;

/// The key of the next round.
fn next(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)]
}

/// The keys of all rounds, each in a lane of 64 bits.
pub(crate) type Keys = [[i64; 2]; 10];

pub(super) fn keys(mut key: [u32; 2]) -> Keys {
    let mut keys = [[0; 2]; 10];
    for of_round in &mut keys {
        *of_round = key.map(i64::from);
        key = next(key);
    }
    keys
}

/// One block of four random words.
#[inline(always)]
pub(crate) fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    let mut k = key;
    for _ in 0..10 {
        let p = u64::from(c[0]) * 0xD251_1F53;
        let q = u64::from(c[2]) * 0xCD9E_8D57;
        c = [(q >> 32) as u32 ^ c[1] ^ k[0], q as u32, (p >> 32) as u32 ^ c[3] ^ k[1], p as u32];
        k = next(k);
    }
    c
}

/// The blocks of eight counters, one by one.
#[inline(always)]
pub(super) fn eight(counters: [[u32; TOGETHER]; 4], keys: &Keys) -> [[u32; TOGETHER]; 4] {
    let key = keys[0].map(|key| key as u32);
    let blocks: [[u32; 4]; TOGETHER] = std::array::from_fn(|i| philox(counters.map(|words| words[i]), key));
    std::array::from_fn(|word| blocks.map(|block| block[word]))
}

/// The blocks of eight counters.
///
/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn eight_in_avx2(counters: [[u32; TOGETHER]; 4], keys: &Keys) -> [[u32; TOGETHER]; 4] {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        // Of counters 0, 1, 4, 5 and of 2, 3, 6, 7: so one shuffle brings them back into their order.
        let halves = |words: [u32; TOGETHER]| {
            let all = _mm256_loadu_si256(words.as_ptr().cast());
            [_mm256_unpacklo_epi32(all, all), _mm256_unpackhi_epi32(all, all)]
        };
        let mut c = counters.map(halves);
        let factors = [0xD251_1F53_u32, 0xCD9E_8D57].map(|factor| _mm256_set1_epi64x(i64::from(factor)));
        for keys in keys {
            let keys = keys.map(|key| _mm256_set1_epi64x(key));
            // The upper half comes down, and stays above too.
            let high = |product: __m256i, word: __m256i, key: __m256i| {
                _mm256_xor_si256(_mm256_xor_si256(_mm256_shuffle_epi32::<0xf5>(product), key), word)
            };
            let p = c[0].map(|word| _mm256_mul_epu32(word, factors[0]));
            let q = c[2].map(|word| _mm256_mul_epu32(word, factors[1]));
            c = [
                [high(q[0], c[1][0], keys[0]), high(q[1], c[1][1], keys[0])],
                q,
                [high(p[0], c[3][0], keys[1]), high(p[1], c[3][1], keys[1])],
                p,
            ];
        }
        c.map(|[one, other]| {
            let words = _mm256_shuffle_ps::<0x88>(_mm256_castsi256_ps(one), _mm256_castsi256_ps(other));
            let mut found = [0; TOGETHER];
            _mm256_storeu_ps(found.as_mut_ptr().cast(), words);
            found
        })
    }
}

/// The same in vectors of eight lanes, of which the next eight counters go beside, as far as the processor looks ahead.
///
/// # Safety
/// The processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn eight_in_avx512(counters: [[u32; TOGETHER]; 4], keys: &Keys) -> [[u32; TOGETHER]; 4] {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        let mut c =
            counters.map(|words| _mm512_cvtepu32_epi64(_mm256_loadu_si256(words.as_ptr().cast::<__m256i>())));
        let factors = [0xD251_1F53_u32, 0xCD9E_8D57].map(|factor| _mm512_set1_epi64(i64::from(factor)));
        for keys in keys {
            let keys = keys.map(|key| _mm512_set1_epi64(key));
            let high = |product: __m512i, word: __m512i, key: __m512i| {
                _mm512_xor_si512(_mm512_xor_si512(_mm512_srli_epi64::<32>(product), key), word)
            };
            let (p, q) = (_mm512_mul_epu32(c[0], factors[0]), _mm512_mul_epu32(c[2], factors[1]));
            c = [high(q, c[1], keys[0]), q, high(p, c[3], keys[1]), p];
        }
        c.map(|words| {
            let mut found = [0; TOGETHER];
            _mm256_storeu_si256(found.as_mut_ptr().cast::<__m256i>(), _mm512_cvtepi64_epi32(words));
            found
        })
    }
}
