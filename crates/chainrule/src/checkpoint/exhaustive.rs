//! The certificate: the least cost under a limit, by shortest paths over every set of live states.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Chain, ChainError};

/// The most layers that [`optimum`] takes; time and memory double with each.
pub const CERTIFIABLE: usize = 22;

const UNREACHED: u64 = u64::MAX;

/// The least total forward cost of any schedule whose peak is at most `limit` bytes, or none if there is no
/// such schedule.
///
/// A node is (set of live states, next backward), a set S being a bit mask with bit q-1 for state q. Edges:
/// ```text
/// F_q    S -> S + q       costs f_q    if q-1 in S or q = 1, q not in S, bytes(S) + w_q + delta <= limit
/// drop q S -> S - q       costs 0
/// F_L    S -> S           costs f_L    if L-1 in S or L = 1, bytes(S) + w_L <= limit
/// B_l    S -> S - (l-1)   costs 0      if l-1 in S or l = 1, bytes(S) + w_l + e_l <= limit
/// ```
/// States l, l+1, ... serve nothing once B_l is the next backward, so only sets of states below l are
/// visited.
///
/// ```
/// use chainrule::checkpoint::{Chain, Planner, optimum};
/// let chain = Chain::new(vec![8; 5], vec![1; 5], vec![8; 5])?;
/// let least = Planner::least_bytes(&chain);
/// let planned = chain.run(&Planner::new(&chain).schedule(least).unwrap()).unwrap();
/// assert_eq!(optimum(&chain, least)?, Some(planned.forward_cost));
/// assert_eq!(optimum(&chain, least - 1)?, None);
/// # Ok::<(), chainrule::checkpoint::ChainError>(())
/// ```
///
/// # Errors
/// More than [`CERTIFIABLE`] layers.
pub fn optimum(chain: &Chain, limit: u64) -> Result<Option<u64>, ChainError> {
    let depth = chain.depth();
    if depth > CERTIFIABLE {
        return Err(ChainError::TooDeep { depth, most: CERTIFIABLE });
    }
    let mut bytes = vec![0u64; 1 << (depth - 1)];
    for set in 1..bytes.len() {
        let state = set.trailing_zeros() as usize + 1;
        bytes[set] = bytes[set & (set - 1)] + chain.state(state);
    }

    let mut costs = vec![UNREACHED; bytes.len()];
    costs[0] = 0;
    let mut search = Search { chain, limit, bytes, settled: Vec::new(), queue: BinaryHeap::new() };
    search.settle(&mut costs, depth, 0);
    for (set, cost) in costs.iter_mut().enumerate() {
        let possible = has(set, depth - 1) && search.bytes[set] + chain.state(depth) <= limit;
        *cost = if possible && *cost != UNREACHED { *cost + chain.forward(depth) } else { UNREACHED };
    }
    for layer in (1..=depth).rev() {
        search.settle(&mut costs, layer, chain.state(layer));
        // Every set that holds state l-1 has its highest bit set; without it, it is a set of the half as long
        // list.
        let input = if layer == 1 { 0 } else { 1 << (layer - 2) };
        let held = chain.state(layer) + chain.backward_extra(layer);
        for set in input..costs.len() {
            let possible = search.bytes[set] + held <= limit;
            costs[set - input] = if possible { costs[set] } else { UNREACHED };
        }
        costs.truncate(input.max(1));
    }
    Ok(Some(costs[0]).filter(|&cost| cost != UNREACHED))
}

fn has(set: usize, state: usize) -> bool {
    state == 0 || set >> (state - 1) & 1 == 1
}

struct Search<'a> {
    chain: &'a Chain,
    limit: u64,
    /// Bytes of each set of states.
    bytes: Vec<u64>,
    settled: Vec<bool>,
    queue: BinaryHeap<Reverse<(u64, usize)>>,
}

impl Search<'_> {
    /// Dijkstra's algorithm over the forwards and drops between two backwards: `costs` of the sets of states
    /// below `layer`, with `delta` bytes live.
    fn settle(&mut self, costs: &mut [u64], layer: usize, delta: u64) {
        self.settled.clear();
        self.settled.resize(costs.len(), false);
        let reached = costs.iter().enumerate().filter(|&(_, &cost)| cost != UNREACHED);
        self.queue.extend(reached.map(|(set, &cost)| Reverse((cost, set))));
        let mut dropped = Vec::new();
        while let Some(Reverse((cost, set))) = self.queue.pop() {
            if self.settled[set] {
                continue;
            }
            self.settled[set] = true;
            // Drops cost nothing: every subset is settled together with the set, without the queue.
            dropped.push(set);
            while let Some(set) = dropped.pop() {
                costs[set] = cost;
                for state in 1..layer {
                    let other = set ^ (1 << (state - 1));
                    if self.settled[other] {
                        continue;
                    }
                    if has(set, state) {
                        self.settled[other] = true;
                        dropped.push(other);
                    } else if has(set, state - 1)
                        && self.bytes[other] + delta <= self.limit
                        && cost + self.chain.forward(state) < costs[other]
                    {
                        costs[other] = cost + self.chain.forward(state);
                        self.queue.push(Reverse((costs[other], other)));
                    }
                }
            }
        }
    }
}
