//! Philox4x32-10 (see [`crate::random`]): for one counter, and for many at a time, in vectors.
//!
//! There words stay in lanes of 64 bits, of which a multiplication reads the lower half. The rounds of a counter wait for each
//! other, so several vectors of counters go on side by side.

/// Counters that go on side by side.
pub(super) const TOGETHER: usize = 8;

/// One word of each of them.
pub(super) type Words = [u32; TOGETHER];

/// Rounds that a block takes.
const ROUNDS: usize = 10;

/// The keys of the rounds from the second on, each in a lane of 64 bits.
pub(super) type LaterKeys = [[i64; 2]; ROUNDS - 1];

/// The key of the next round.
fn next(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)]
}

/// The keys of the later rounds, from that of the first.
pub(super) fn later_keys(mut key: [u32; 2]) -> LaterKeys {
    std::array::from_fn(|_| {
        key = next(key);
        key.map(i64::from)
    })
}

/// One round.
#[inline(always)]
fn round(c: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let p = u64::from(c[0]) * 0xD251_1F53;
    let q = u64::from(c[2]) * 0xCD9E_8D57;
    [(q >> 32) as u32 ^ c[1] ^ key[0], q as u32, (p >> 32) as u32 ^ c[3] ^ key[1], p as u32]
}

/// One block of four random words.
#[inline(always)]
pub(crate) fn philox(counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    for _ in 0..ROUNDS {
        c = round(c, key);
        key = next(key);
    }
    c
}

/// Counters after their first round, whose last word was 0. That word goes into nothing but the third of the round's
/// words, by exclusive or: so counters that differ in it alone have the round in common.
#[derive(Clone, Copy)]
pub(super) struct FirstRound([Words; 4]);

impl FirstRound {
    /// Of counters that all have these three first words.
    #[inline(always)]
    pub(super) fn of_one([a, b, c]: [u32; 3], key: [u32; 2]) -> Self {
        FirstRound(round([a, b, c, 0], key).map(|word| [word; TOGETHER]))
    }

    /// Of counters whose first word counts up.
    #[inline(always)]
    pub(super) fn counting_up([a, b, c]: [u32; 3], key: [u32; 2]) -> Self {
        let mut words = [[0; TOGETHER]; 4];
        for i in 0..TOGETHER {
            let after = round([a.wrapping_add(i as u32), b, c, 0], key);
            for word in 0..4 {
                words[word][i] = after[word];
            }
        }
        FirstRound(words)
    }

    /// With these last words.
    #[inline(always)]
    pub(super) fn with_last(self, last: Words) -> [Words; 4] {
        let FirstRound([a, b, c, d]) = self;
        [a, b, std::array::from_fn(|i| c[i] ^ last[i]), d]
    }
}

/// The blocks of these counters after their first round, one by one.
#[inline(always)]
pub(super) fn blocks(state: [Words; 4], keys: &LaterKeys) -> [Words; 4] {
    let blocks: [[u32; 4]; TOGETHER] = std::array::from_fn(|i| {
        let words = state.map(|words| words[i]);
        keys.iter().fold(words, |words, key| round(words, key.map(|key| key as u32)))
    });
    std::array::from_fn(|word| blocks.map(|block| block[word]))
}

/// The blocks of these counters after their first round.
///
/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn blocks_in_avx2(state: [Words; 4], keys: &LaterKeys) -> [Words; 4] {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        let factors = [0xD251_1F53_u32, 0xCD9E_8D57].map(|factor| _mm256_set1_epi64x(i64::from(factor)));
        let mut c = [[factors[0]; 2]; 4];
        for word in 0..4 {
            // Counters 0, 1, 4, 5 and 2, 3, 6, 7: so one shuffle brings them back into their order.
            let all = _mm256_loadu_si256(state[word].as_ptr().cast());
            c[word] = [_mm256_unpacklo_epi32(all, all), _mm256_unpackhi_epi32(all, all)];
        }
        for keys in keys {
            let keys = [_mm256_set1_epi64x(keys[0]), _mm256_set1_epi64x(keys[1])];
            for i in 0..2 {
                let p = _mm256_mul_epu32(c[0][i], factors[0]);
                let q = _mm256_mul_epu32(c[2][i], factors[1]);
                let with_keys = [_mm256_xor_si256(c[1][i], keys[0]), _mm256_xor_si256(c[3][i], keys[1])];
                // The upper half comes down, and stays above too.
                c[0][i] = _mm256_xor_si256(_mm256_shuffle_epi32::<0xf5>(q), with_keys[0]);
                c[1][i] = q;
                c[2][i] = _mm256_xor_si256(_mm256_shuffle_epi32::<0xf5>(p), with_keys[1]);
                c[3][i] = p;
            }
        }
        let mut found = [[0; TOGETHER]; 4];
        for word in 0..4 {
            let [one, other] = [_mm256_castsi256_ps(c[word][0]), _mm256_castsi256_ps(c[word][1])];
            _mm256_storeu_ps(found[word].as_mut_ptr().cast(), _mm256_shuffle_ps::<0x88>(one, other));
        }
        found
    }
}

/// Word after word of each block, from the blocks' words side by side.
#[inline(always)]
pub(super) fn in_order(words: [Words; 4]) -> [u32; 4 * TOGETHER] {
    std::array::from_fn(|place| words[place % 4][place / 4])
}

/// The same.
///
/// # Safety
/// The processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn in_order_in_avx2(words: [Words; 4]) -> [u32; 4 * TOGETHER] {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        let load = |word: usize| _mm256_loadu_si256(words[word].as_ptr().cast());
        let (a, b, c, d) = (load(0), load(1), load(2), load(3));
        // Blocks 0 and 4, 1 and 5, 2 and 6, 3 and 7.
        let (low, high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (low_end, high_end) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        let (zero, one) = (_mm256_unpacklo_epi64(low, low_end), _mm256_unpackhi_epi64(low, low_end));
        let (two, three) = (_mm256_unpacklo_epi64(high, high_end), _mm256_unpackhi_epi64(high, high_end));
        let mut found = [0; 4 * TOGETHER];
        let to: *mut __m256i = found.as_mut_ptr().cast();
        _mm256_storeu_si256(to, _mm256_permute2x128_si256::<0x20>(zero, one));
        _mm256_storeu_si256(to.add(1), _mm256_permute2x128_si256::<0x20>(two, three));
        _mm256_storeu_si256(to.add(2), _mm256_permute2x128_si256::<0x31>(zero, one));
        _mm256_storeu_si256(to.add(3), _mm256_permute2x128_si256::<0x31>(two, three));
        found
    }
}

/// The blocks of these counters after their first round, in vectors of twice as many lanes.
///
/// # Safety
/// The processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn blocks_in_avx512(state: [Words; 4], keys: &LaterKeys) -> [Words; 4] {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise.
    unsafe {
        let factors = [0xD251_1F53_u32, 0xCD9E_8D57].map(|factor| _mm512_set1_epi64(i64::from(factor)));
        let mut c = [factors[0]; 4];
        for word in 0..4 {
            c[word] = _mm512_cvtepu32_epi64(_mm256_loadu_si256(state[word].as_ptr().cast()));
        }
        for keys in keys {
            let keys = [_mm512_set1_epi64(keys[0]), _mm512_set1_epi64(keys[1])];
            let (p, q) = (_mm512_mul_epu32(c[0], factors[0]), _mm512_mul_epu32(c[2], factors[1]));
            let with_keys = [_mm512_xor_si512(c[1], keys[0]), _mm512_xor_si512(c[3], keys[1])];
            c[0] = _mm512_xor_si512(_mm512_srli_epi64::<32>(q), with_keys[0]);
            c[1] = q;
            c[2] = _mm512_xor_si512(_mm512_srli_epi64::<32>(p), with_keys[1]);
            c[3] = p;
        }
        let mut found = [[0; TOGETHER]; 4];
        for word in 0..4 {
            _mm256_storeu_si256(found[word].as_mut_ptr().cast(), _mm512_cvtepi64_epi32(c[word]));
        }
        found
    }
}
