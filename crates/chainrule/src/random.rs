//! Random numbers that are a pure function of a key and a counter.
//!
//! The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
//! 1, 2, 3", SC 2011), held to its published test vectors. It has no state to carry along, so a dropout
//! mask or a shuffle depends on (seed, purpose, step, layer, sample) and on nothing else: not on threads,
//! not on what was drawn before, and not on the version of a dependency.

use crate::kernel::philox::philox;
use crate::kernel::words::{blocks_by_first_word, blocks_by_last_word};

/// What a stream of random numbers is for; each purpose has streams of its own.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Initialization = 0,
    Shuffle = 1,
    Dropout = 2,
    Sampling = 3,
}

/// The Philox counter's first word counts blocks; the others name the stream.
#[derive(Clone, Copy)]
pub(crate) struct Stream {
    key: [u32; 2],
    name: [u32; 3],
}

impl Stream {
    /// The stream of (seed, purpose, layer, index, sample). `layer` is below 2^24; `index` (a step or an
    /// epoch) and `sample` count modulo 2^32.
    pub(crate) fn new(seed: u64, purpose: Purpose, layer: usize, index: u64, sample: usize) -> Self {
        let purpose_and_layer = (purpose as u32) << 24 | layer as u32;
        Stream {
            key: [seed as u32, (seed >> 32) as u32],
            name: [purpose_and_layer, index as u32, sample as u32],
        }
    }

    /// The stream of the sample `count` places after this one's.
    #[inline(always)]
    pub(crate) fn of_sample_after(&self, count: usize) -> Self {
        let [a, b, sample] = self.name;
        Stream { key: self.key, name: [a, b, sample.wrapping_add(count as u32)] }
    }

    /// The blocks from number `first` on that fill a row, word after word; the next row has those of the next sample.
    pub(crate) fn rows(&self, first: u32, rows: &mut [[u32; 32]]) {
        let [a, b, sample] = self.name;
        blocks_by_first_word([first, a, b, sample], self.key, rows);
    }

    /// The blocks from number `first` on, each of this stream and of those of the samples after it, `count` of them side by
    /// side: word i of all of them is `words[block][i]`.
    pub(crate) fn blocks_of_samples(&self, first: u32, count: usize, words: &mut [[[u32; 32]; 4]]) {
        let [a, b, sample] = self.name;
        blocks_by_last_word([first, a, b, sample], self.key, count, words);
    }

    /// Block number `block` of the stream.
    pub(crate) fn block(&self, block: u32) -> [u32; 4] {
        philox([block, self.name[0], self.name[1], self.name[2]], self.key)
    }
}

/// Random numbers of one stream, in order.
pub(crate) struct Random {
    stream: Stream,
    next_block: u32,
    words: [u32; 4],
    used: usize,
}

impl Random {
    pub(crate) fn new(stream: Stream) -> Self {
        Random { stream, next_block: 0, words: [0; 4], used: 4 }
    }

    fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = self.stream.block(self.next_block);
            self.next_block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// Uniform in the open interval (0, 1), with 53 random bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits = (u64::from(self.word()) << 32 | u64::from(self.word())) >> 12;
        (bits as f64 + 0.5) / (1u64 << 52) as f64
    }

    /// Normal with mean 0 and variance 1 (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * self.uniform())
    }

    /// Uniform in 0..bound (Lemire 2019, without bias), `bound` at least 1.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        loop {
            let word = u64::from(self.word()) << 32 | u64::from(self.word());
            let product = u128::from(word) * u128::from(bound);
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as usize;
            }
        }
    }

    /// A uniformly random order (Fisher and Yates).
    pub(crate) fn shuffle<X>(&mut self, items: &mut [X]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

/// The numbers 0..count in an order that depends on (seed, index) alone.
///
/// The trainer draws the order of epoch `index` from it; a program can draw its splits from it.
///
/// ```
/// let order = chainrule::shuffled(5, 42, 0);
/// assert_eq!(order, chainrule::shuffled(5, 42, 0));
/// assert_ne!(chainrule::shuffled(100, 42, 0), chainrule::shuffled(100, 42, 1));
/// ```
pub fn shuffled(count: usize, seed: u64, index: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    Random::new(Stream::new(seed, Purpose::Shuffle, 0, index, 0)).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_side_by_side_are_those_one_by_one() {
        // The number of the sample goes round at 2^32.
        for sample in [0, 7, u32::MAX as usize - 2] {
            let stream = |sample| Stream::new(0x0123_4567_89ab_cdef, Purpose::Dropout, 3, 5, sample);
            let (mut rows, mut samples) = ([[0; 32]; 9], [[[0; 32]; 4]; 2]);
            stream(sample).rows(2, &mut rows);
            stream(sample).blocks_of_samples(1, 9, &mut samples);
            for i in 0..9 {
                assert_eq!(rows[i][4..8], stream(sample + i).block(3));
                assert_eq!(samples[1].map(|words| words[i]), stream(sample + i).block(2));
                assert_eq!(stream(sample).of_sample_after(i).block(2), stream(sample + i).block(2));
            }
        }
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(Stream::new(7, Purpose::Initialization, 1, 0, 0));
        let n = 200_000;
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let square = |values: &[f64]| values.iter().map(|x| x * x).sum::<f64>() / n as f64;
        let uniform: Vec<f64> = (0..n).map(|_| random.uniform()).collect();
        let normal: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        // Five standard errors each.
        assert!((mean(&uniform) - 0.5).abs() < 5.0 * (1.0f64 / 12.0 / n as f64).sqrt());
        assert!((square(&uniform) - 1.0 / 3.0).abs() < 0.004);
        assert!(mean(&normal).abs() < 5.0 / (n as f64).sqrt());
        assert!((square(&normal) - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        for count in [0, 1, 2, 1000] {
            let mut order = shuffled(count, 3, 9);
            order.sort_unstable();
            assert_eq!(order, (0..count).collect::<Vec<_>>());
        }
    }
}
