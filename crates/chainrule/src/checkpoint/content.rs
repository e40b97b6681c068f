//! Numbers the sub-chains by content, so that equal ones are planned once.

use std::collections::HashMap;

use super::Chain;

/// For 0 <= start < end <= L, the class of the sub-chain from state `start` to delta(`end`): equal classes
/// have equal w_start .. w_end, f_(start+1) .. f_(end-1), e_(start+1) .. e_end, and both or neither end at L.
pub(super) struct Contents {
    depth: usize,
    classes: Vec<u32>,
}

impl Contents {
    pub(super) fn new(chain: &Chain) -> Contents {
        let depth = chain.depth();
        let mut numbers: HashMap<(u32, u64, u64, u64), u32> = HashMap::new();
        let mut number = |key| {
            let unused = numbers.len() as u32;
            *numbers.entry(key).or_insert(unused)
        };
        let mut classes = vec![0; depth * depth];
        for end in 1..=depth {
            let at_loss = u64::from(end == depth);
            let mut class = number((u32::MAX, chain.state(end), chain.backward_extra(end), at_loss));
            class = number((class, chain.state(end - 1), 0, 0));
            classes[(end - 1) * depth + end - 1] = class;
            for start in (0..end - 1).rev() {
                let extra = chain.backward_extra(start + 1);
                class = number((class, chain.state(start), chain.forward(start + 1), extra));
                classes[start * depth + end - 1] = class;
            }
        }
        Contents { depth, classes }
    }

    /// The number of different sub-chains of each length end - start, from length 0 on.
    pub(super) fn different(&self) -> Vec<u64> {
        let mut different = vec![0; self.depth + 1];
        let mut seen = vec![false; self.bound()];
        for start in 0..self.depth {
            for end in start + 1..=self.depth {
                let class = self.class(start, end);
                different[end - start] += u64::from(!seen[class]);
                seen[class] = true;
            }
        }
        different
    }

    /// An upper bound of the classes that [`Contents::class`] gives.
    pub(super) fn bound(&self) -> usize {
        self.classes.iter().max().map_or(0, |&largest| largest as usize + 1)
    }

    pub(super) fn class(&self, start: usize, end: usize) -> usize {
        self.classes[start * self.depth + end - 1] as usize
    }
}
