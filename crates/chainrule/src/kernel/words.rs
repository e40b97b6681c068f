//! Random words for many counters of [`super::philox`], in the order in which those who draw need them.

use super::dispatch::{Kernel, Vectors, dispatch};
use super::philox::{FirstRound, TOGETHER, later_keys};

/// The blocks of `count` counters whose last word counts up from the given one: word i of all of them is `words[0][i]`; and
/// the next of `words` has those of the next first word.
pub(crate) fn blocks_by_last_word(
    counter: [u32; 4],
    key: [u32; 2],
    count: usize,
    words: &mut [[[u32; 32]; 4]],
) {
    struct Body<'a>([u32; 4], [u32; 2], usize, &'a mut [[[u32; 32]; 4]]);

    impl Kernel for Body<'_> {
        type Output = ();

        #[inline(always)]
        unsafe fn run<V: Vectors>(self) {
            let Body([a, b, c, d], key, count, words) = self;
            let keys = later_keys(key);
            assert!(count <= 32);
            for (index, words) in words.iter_mut().enumerate() {
                let first_round = FirstRound::of_one([a.wrapping_add(index as u32), b, c], key);
                for first in (0..count).step_by(TOGETHER) {
                    let last = std::array::from_fn(|i| d.wrapping_add((first + i) as u32));
                    // SAFETY: the caller's promise.
                    let found = unsafe { V::philox(first_round.with_last(last), &keys) };
                    for (words, found) in words.iter_mut().zip(found) {
                        words[first..first + TOGETHER].copy_from_slice(&found);
                    }
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
            let (first_round, keys) = (FirstRound::counting_up([a, b, c], key), later_keys(key));
            for (index, row) in rows.iter_mut().enumerate() {
                let last = [d.wrapping_add(index as u32); TOGETHER];
                // SAFETY: the caller's promise.
                *row = unsafe { V::in_order(V::philox(first_round.with_last(last), &keys)) };
            }
        }
    }

    dispatch(Body(counter, key, rows));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::InstructionSet;
    use crate::kernel::dispatch::dispatch_to;
    use crate::kernel::philox::{Words, philox};

    #[test]
    fn philox_gives_the_published_vectors_on_every_instruction_set() {
        struct Eight([u32; 4], [u32; 2]);

        impl Kernel for Eight {
            type Output = [Words; 4];

            #[inline(always)]
            unsafe fn run<V: Vectors>(self) -> Self::Output {
                let Eight([a, b, c, d], key) = self;
                let state = FirstRound::of_one([a, b, c], key).with_last([d; TOGETHER]);
                // SAFETY: the caller's promise.
                unsafe { V::philox(state, &later_keys(key)) }
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
                let found = unsafe { dispatch_to(set, Eight(counter, key)) };
                assert_eq!(found, expected.map(|word| [word; TOGETHER]), "{set:?}");
            }
        }
    }

    #[test]
    fn many_blocks_are_those_one_by_one() {
        // The last word goes round at 2^32.
        for last in [0, 7, u32::MAX - 2] {
            let (counter, key) = ([5, 6, 7, last], [8, 9]);
            let (mut columns, mut rows) = ([[[0; 32]; 4]; 2], [[0; 32]; 3]);
            blocks_by_last_word(counter, key, 27, &mut columns);
            for (block, columns) in columns.iter().enumerate() {
                for i in 0..27 {
                    let counter = [5 + block as u32, 6, 7, last.wrapping_add(i as u32)];
                    assert_eq!(columns.map(|words| words[i]), philox(counter, key));
                }
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
