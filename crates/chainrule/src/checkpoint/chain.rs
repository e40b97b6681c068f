//! The numbers of a chain of layers, checked once: bytes of the states, costs of the forwards, extra bytes of
//! the backwards.

use std::fmt;

/// A chain of L layers as three lists of L numbers; entry l-1 belongs to layer l.
///
/// | list | symbol | meaning |
/// |---|---|---|
/// | `state_bytes` | w_l | bytes of state l, and of delta(l) |
/// | `forward_costs` | f_l | cost of F_l, in any unit |
/// | `backward_extra_bytes` | e_l | bytes that B_l holds beside the live states and delta(l) |
///
/// The input is the caller's: w_0 = 0. Where delta(l-1) is written beside state l-1 rather than over it, e_l
/// contains w_(l-1) for l > 1.
///
/// ```
/// use chainrule::checkpoint::{Chain, Planner};
/// // Three layers: bytes of each state, the cost of each forward, bytes that each backward holds beside.
/// let chain = Chain::new(vec![100, 100, 10], vec![1, 1, 1], vec![0, 100, 100])?;
/// let plain = chain.run(&chain.plain()).unwrap();
/// assert_eq!((plain.peak_bytes, plain.forward_cost), (310, 3));
/// // In fewer bytes, layer 1 is computed twice.
/// let least = Planner::least_bytes(&chain);
/// assert!(least < plain.peak_bytes);
/// assert_eq!(chain.run(&Planner::new(&chain).schedule(least).unwrap()).unwrap().forward_cost, 4);
/// # Ok::<(), chainrule::checkpoint::ChainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    state_bytes: Vec<u64>,
    forward_costs: Vec<u64>,
    backward_extra_bytes: Vec<u64>,
}

impl Chain {
    /// Checks the three lists and joins them.
    ///
    /// # Errors
    /// No layers, lists of unequal lengths, or numbers so large that a peak or a cost could pass u64:
    /// 2 sum(w) + max(e) and L sum(f) must fit.
    pub fn new(
        state_bytes: Vec<u64>,
        forward_costs: Vec<u64>,
        backward_extra_bytes: Vec<u64>,
    ) -> Result<Chain, ChainError> {
        let depth = state_bytes.len();
        if depth != forward_costs.len() || depth != backward_extra_bytes.len() {
            return Err(ChainError::UnequalLengths {
                states: depth,
                forwards: forward_costs.len(),
                backwards: backward_extra_bytes.len(),
            });
        }
        let largest_extra = *backward_extra_bytes.iter().max().ok_or(ChainError::NoLayers)?;
        sum(&state_bytes)
            .and_then(|states| states.checked_mul(2)?.checked_add(largest_extra))
            .ok_or(ChainError::BytesOverflow)?;
        sum(&forward_costs)
            .and_then(|cost| cost.checked_mul(depth as u64))
            .ok_or(ChainError::CostOverflow)?;
        Ok(Chain { state_bytes, forward_costs, backward_extra_bytes })
    }

    /// The number of layers L, at least 1.
    pub fn depth(&self) -> usize {
        self.state_bytes.len()
    }

    /// w_1 .. w_L.
    pub fn state_bytes(&self) -> &[u64] {
        &self.state_bytes
    }

    /// f_1 .. f_L.
    pub fn forward_costs(&self) -> &[u64] {
        &self.forward_costs
    }

    /// e_1 .. e_L.
    pub fn backward_extra_bytes(&self) -> &[u64] {
        &self.backward_extra_bytes
    }

    /// w_l for l in 0..=L, with w_0 = 0.
    pub(crate) fn state(&self, layer: usize) -> u64 {
        if layer == 0 { 0 } else { self.state_bytes[layer - 1] }
    }

    /// f_l for l in 1..=L.
    pub(super) fn forward(&self, layer: usize) -> u64 {
        self.forward_costs[layer - 1]
    }

    /// e_l for l in 1..=L.
    pub(crate) fn backward_extra(&self, layer: usize) -> u64 {
        self.backward_extra_bytes[layer - 1]
    }

    /// D: the bytes of the delta that is live while states below `end` are regenerated for B_end:
    /// w_end, or 0 for end = L, where the loss has not run yet.
    pub(super) fn waiting_delta(&self, end: usize) -> u64 {
        if end == self.depth() { 0 } else { self.state(end) }
    }
}

fn sum(numbers: &[u64]) -> Option<u64> {
    numbers.iter().try_fold(0u64, |total, &number| total.checked_add(number))
}

/// Why three lists do not make a chain, or a chain cannot be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// The lists are empty.
    NoLayers,
    /// The lists differ in length.
    UnequalLengths {
        /// Entries of `state_bytes`.
        states: usize,
        /// Entries of `forward_costs`.
        forwards: usize,
        /// Entries of `backward_extra_bytes`.
        backwards: usize,
    },
    /// 2 sum(w) + max(e) does not fit u64.
    BytesOverflow,
    /// L sum(f) does not fit u64.
    CostOverflow,
    /// The chain has more layers than the exhaustive search takes.
    TooDeep {
        /// Layers of the chain.
        depth: usize,
        /// The most layers that are searched.
        most: usize,
    },
}

impl fmt::Display for ChainError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChainError::NoLayers => write!(out, "a chain needs at least one layer"),
            ChainError::UnequalLengths { states, forwards, backwards } => write!(
                out,
                "the lists of a chain must have one entry per layer each: \
                 {states} state sizes, {forwards} forward costs, {backwards} backward extras"
            ),
            ChainError::BytesOverflow => {
                write!(out, "twice all states and the largest extra pass 2^64 bytes")
            }
            ChainError::CostOverflow => {
                write!(out, "depth times the cost of one forward pass exceeds 2^64")
            }
            ChainError::TooDeep { depth, most } => {
                write!(
                    out,
                    "{depth} layers are too many for the exhaustive search, which takes at most {most}"
                )
            }
        }
    }
}

impl std::error::Error for ChainError {}
