//! Philox4x32-10 (see [`crate::random`]) for many counters at a time, in vectors.
//!
//! Words stay in lanes of 64 bits, of which a multiplication reads the lower half. The steps of a counter wait for each
//! other, so two vectors of counters go on side by side.

use super::dispatch::{Kernel, Vectors, dispatch};

/// Counters that go on side by side.
const TOGETHER: usize = 8;

/// The key of the next round.
fn next(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)]
}

/// The keys of all rounds, each in a lane of 64 bits.
pub(crate) type Keys = [[i64; 2]; 10];

fn keys(mut key: [u32; 2]) -> Keys {
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

/// The blocks of `count` counters whose last word counts up from the given one: word i of all of them is `words[i]`.
pub(crate) fn blocks_by_last_word(
    counter: [u32; 4],
    key: [u32; 2],
    count: usize,
    words: &mut [[u32; 32]; 4],
) {
    struct Body<'a>([u32; 4], [u32; 2], usize, &'a mut [[u32; 32]; 4]);

    impl Kernel for Body<'_> {
        type Output = ();

        #[inline(always)]
        unsafe fn run<V: Vectors>(self) {
            let Body([a, b, c, d], key, count, words) = self;
            let keys = keys(key);
            assert!(count <= 32);
            for first in (0..count).step_by(TOGETHER) {
                let last = std::array::from_fn(|i| d.wrapping_add((first + i) as u32));
                let counters = [[a; TOGETHER], [b; TOGETHER], [c; TOGETHER], last];
                // SAFETY: the caller's promise.
                let found = unsafe { V::philox(counters, &keys) };
                for (words, found) in words.iter_mut().zip(found) {
                    words[first..first + TOGETHER].copy_from_slice(&found);
                }
            }
        }
    }

    dispatch(Body(counter, key, count, words));
}

/// The blocks of counters whose first word counts up from the given one, block after block: as many as fill a row; and the
/// next row has the next last word.
pub(crate) fn blocks_by_first_word(counter: [u32; 4], key: [u32; 2], rows: &mut [[u32; 32]]) {
    struct Body<'a>([u32; 4], [u32; 2], &'a mut [[u32; 32]]);

    impl Kernel for Body<'_> {
        type Output = ();

        #[inline(always)]
        unsafe fn run<V: Vectors>(self) {
            let Body([a, b, c, d], key, rows) = self;
            let keys = keys(key);
            for (index, row) in rows.iter_mut().enumerate() {
                let first = std::array::from_fn(|i| a + i as u32);
                let last = [d.wrapping_add(index as u32); TOGETHER];
                // SAFETY: the caller's promise.
                let found = unsafe { V::philox([first, [b; TOGETHER], [c; TOGETHER], last], &keys) };
                for (place, word) in row.iter_mut().enumerate() {
                    *word = found[place % 4][place / 4];
                }
            }
        }
    }

    dispatch(Body(counter, key, rows));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::InstructionSet;
    use crate::kernel::dispatch::dispatch_to;

    #[test]
    fn philox_gives_the_published_vectors_on_every_instruction_set() {
        struct Eight([[u32; TOGETHER]; 4], [u32; 2]);

        impl Kernel for Eight {
            type Output = [[u32; TOGETHER]; 4];

            #[inline(always)]
            unsafe fn run<V: Vectors>(self) -> Self::Output {
                // SAFETY: the caller's promise.
                unsafe { V::philox(self.0, &keys(self.1)) }
            }
        }

        // Known answers of the authors' library Random123, kat_vectors, philox4x32 10.
        let cases = [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox(counter, key), expected);
            for set in InstructionSet::available() {
                // SAFETY: this machine has these instructions.
                let found = unsafe { dispatch_to(set, Eight(counter.map(|word| [word; TOGETHER]), key)) };
                assert_eq!(found, expected.map(|word| [word; TOGETHER]), "{set:?}");
            }
        }
    }

    #[test]
    fn many_blocks_are_those_one_by_one() {
        // The last word goes round at 2^32.
        for last in [0, 7, u32::MAX - 2] {
            let (counter, key) = ([5, 6, 7, last], [8, 9]);
            let (mut columns, mut rows) = ([[0; 32]; 4], [[0; 32]; 3]);
            blocks_by_last_word(counter, key, 27, &mut columns);
            for i in 0..27 {
                let expected = philox([5, 6, 7, last.wrapping_add(i as u32)], key);
                assert_eq!(columns.map(|words| words[i]), expected);
            }
            blocks_by_first_word(counter, key, &mut rows);
            for (i, row) in rows.iter().enumerate() {
                for (block, words) in row.as_chunks::<4>().0.iter().enumerate() {
                    let counter = [5 + block as u32, 6, 7, last.wrapping_add(i as u32)];
                    assert_eq!(*words, philox(counter, key));
                }
            }
        }
    }
}
