//! The persistent recurrence P: a checkpoint stays until its last use. In full, or for deep chains over
//! nested grids of checkpoints.
//!
//! P(i,j,m): with state i resident and not counted in m, perform B_(j+1) .. B_(i+1). Let D = w_(j+1), or 0
//! for j = L-1:
//! ```text
//! rho(i,k) = max over r = i+1..k of ( w_r + [r-1 > i] w_(r-1) )
//! P(i,i,m) = 0 if m >= w_(i+1) + e_(i+1), else infinity
//! P(i,j,m) = min over k = i+1..j with m >= D + rho(i,k) of   sum(f_(i+1)..f_k) + P(k, j, m - w_k) + P(i, k-1, m)
//! F*(M)    = f_L + P(0, L-1, M)
//! ```
//!
//! **Grids.** Written with end = j+1, a sub-problem lies between two of the positions 0..L, and a choice k
//! splits it into (i, k) and (k, end). Grid 0 has every position, and grid g+1 keeps 0, L and of each two
//! neighbours of grid g the one with the smaller state. A sub-problem is planned if both its positions are on
//! a common grid and at most `window` grid steps apart, or if it starts at 0 or ends at L. A choice is open
//! if both its parts are planned. That is O(L window) sub-problems instead of O(L^2); a long sub-chain
//! chooses among a few narrow states, a short one among all. A window of L is the recurrence in full. Every
//! choice left out only raises the cost, so each value still has its schedule; dropping nothing (k = i+1 with
//! end = L) is always among them.

use super::content::Contents;
use super::curve::{Breakpoint, Candidate, Curves, Envelope, FREE, LEAST_WORK, at};
use super::grids::{Equal, Grids};
use super::ranges::RangeMaximum;
use super::{Chain, Operation, Schedule};
use crate::watch::tell;

/// P for the planned sub-problems.
pub(super) struct Persistent {
    planned: Planned,
    curves: Curves,
    /// sum(f_1..f_l) for l in 0..=L.
    forward_sums: Vec<u64>,
    /// w_r + w_(r-1), for rho.
    pairs: RangeMaximum,
}

/// How much of P is planned.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// Sub-problems of at most so many grid steps.
    pub(super) window: usize,
    /// Breakpoints kept of a sub-problem inside the chain.
    pub(super) inner_breakpoints: usize,
    /// Breakpoints kept of a sub-problem that starts at 0 or ends at L.
    pub(super) edge_breakpoints: usize,
}

/// So many sub-problems that differ take some five seconds; thousands of layers that are all different have more.
const MANY_CURVES: usize = 130_000;

impl Extent {
    /// Less, where so many sub-problems differ that all of this would take long; none where it would not.
    fn where_many_differ(self, count: usize) -> Option<Self> {
        const WINDOW: usize = 16;
        if count <= MANY_CURVES || self.window <= WINDOW {
            return None;
        }
        let most = (88 * MANY_CURVES / count).clamp(16, 64);
        let [inner_breakpoints, edge_breakpoints] =
            [(self.inner_breakpoints, most), (self.edge_breakpoints, 4 * most)]
                .map(|(own, most)| own.min(most));
        Some(Extent { window: WINDOW, inner_breakpoints, edge_breakpoints })
    }
}

/// About how much longer a sub-problem takes that starts at 0 or ends at L, and after how many others it is told how far
/// the planner is.
const EDGE_WEIGHT: usize = 24;
const TELL_EVERY: usize = 2048;

impl Persistent {
    /// The recurrence in full, equal sub-chains sharing their curves; none if the envelopes need more than
    /// `most_work` steps.
    pub(super) fn full(chain: &Chain, contents: &Contents, most_work: u64) -> Option<Persistent> {
        let choices = |(length, different): (usize, u64)| different * length as u64 * LEAST_WORK;
        let least_work: u64 = contents.different().into_iter().enumerate().map(choices).sum();
        if least_work > most_work {
            return None;
        }
        let extent =
            Extent { window: chain.depth(), inner_breakpoints: usize::MAX, edge_breakpoints: usize::MAX };
        // The root is the longest sub-problem and comes last.
        let table = Persistent::plan(chain, extent, Some(contents), most_work);
        table.get(0, chain.depth()).is_some().then_some(table)
    }

    /// The recurrence over grids.
    pub(super) fn windowed(chain: &Chain, extent: Extent) -> Persistent {
        Persistent::plan(chain, extent, None, u64::MAX)
    }

    /// Plans from the shortest sub-problem to the longest, and stops after `most_work` steps of the
    /// envelopes.
    fn plan(chain: &Chain, extent: Extent, contents: Option<&Contents>, most_work: u64) -> Persistent {
        let depth = chain.depth();
        let mut forward_sums = vec![0];
        forward_sums.extend(chain.forward_costs().iter().scan(0, |sum, &cost| {
            *sum += cost;
            Some(*sum)
        }));
        let pair = |r: usize| chain.state(r) + if r > 0 { chain.state(r - 1) } else { 0 };
        let pairs = RangeMaximum::new((0..=depth).map(pair).collect());
        let grids = Grids::new(chain, extent.window);
        let mut table =
            Persistent { planned: Planned::new(depth), curves: Curves::default(), forward_sums, pairs };
        let mut envelope = Envelope::default();
        let mut equal = Equal::new(chain, &grids, contents);
        // Each with the number of its curve: equal ones have one, which the first of them makes.
        let numbered = |(start, end)| (start, end, equal.number(start, end));
        let sub_problems: Vec<_> = grids.sub_problems().into_iter().map(numbered).collect();
        let is_edge = |start: usize, end: usize| start == 0 || end == depth;
        let weight = |start: usize, end: usize| if is_edge(start, end) { EDGE_WEIGHT } else { 1 };
        let (mut all, mut curves) = (0, 0);
        for &(start, end, number) in &sub_problems {
            if number == curves {
                curves += 1;
                all += weight(start, end);
            }
        }
        if let Some(less) = extent.where_many_differ(curves as usize).filter(|_| contents.is_none()) {
            return Persistent::plan(chain, less, None, most_work);
        }
        let mut done = 0;
        for (start, end, number) in sub_problems {
            if (number as usize) < table.curves.len() {
                table.planned.set(start, end, number);
                continue;
            }
            let before = done;
            done += weight(start, end);
            if before / TELL_EVERY < done / TELL_EVERY {
                tell(done as f64 / all as f64);
            }
            envelope.clear();
            if start + 1 == end {
                let bytes = chain.state(end) + chain.backward_extra(end);
                envelope.lower(Candidate { least: bytes, cost: 0, kept: 0, first: FREE, second: FREE });
            }
            // Towards the loss, where no delta waits, many choices cost about the same.
            let gathers = extent.window < depth && start > 0 && start + 1 < end && end == depth;
            table.candidates(chain, start, end, |_, candidate| {
                if gathers {
                    envelope.gather(candidate)
                } else {
                    envelope.lower(candidate)
                }
                false
            });
            if gathers {
                envelope.settle();
            }
            // The longer half of the sub-problems takes three quarters of the work or more: stop early what
            // will not end.
            let most_so_far = if 2 * (end - start) <= depth { most_work / 4 } else { most_work };
            if envelope.work() > most_so_far {
                break;
            }
            if !is_edge(start, end) {
                envelope.thin(extent.inner_breakpoints);
            } else if (start, end) != (0, depth) {
                envelope.thin(extent.edge_breakpoints);
            }
            table.curves.push(envelope.curve());
            table.planned.set(start, end, number);
        }
        table
    }

    /// How many curves there are: sub-problems that are equal share one.
    #[cfg(test)]
    pub(super) fn planned_count(&self) -> usize {
        self.curves.len()
    }

    /// P(0, L-1, ..).
    pub(super) fn root(&self, chain: &Chain) -> &[Breakpoint] {
        self.get(0, chain.depth()).unwrap_or_default()
    }

    /// P(start, end-1, ..) if it is planned.
    fn get(&self, start: usize, end: usize) -> Option<&[Breakpoint]> {
        self.planned.get(start, end).map(|number| self.curves.get(number as usize))
    }

    /// Visits the open choices of P(start, end-1, ..), each with its k, until one is taken: then that is k.
    fn candidates(
        &self,
        chain: &Chain,
        start: usize,
        end: usize,
        mut takes: impl FnMut(usize, Candidate<'_>) -> bool,
    ) -> Option<(usize, u64)> {
        let mut rho = 0;
        let mut reached = start;
        self.planned.parts(start, end, |k, first, second| {
            // rho goes on from the k before: it is the largest of r = reached + 1 .. k.
            let (alone, pairs) =
                if reached == start { (chain.state(start + 1), start + 2..=k) } else { (0, reached + 1..=k) };
            rho = rho.max(alone).max(self.pairs.of(pairs));
            reached = k;
            let candidate = Candidate {
                least: chain.waiting_delta(end) + rho,
                cost: self.forward_sums[k] - self.forward_sums[start],
                kept: chain.state(k),
                first: self.curves.get(first as usize),
                second: self.curves.get(second as usize),
            };
            takes(k, candidate).then_some((k, candidate.kept))
        })
    }

    /// A schedule that peaks at `limit` bytes or less, at the cost of the curve, or none if nothing fits.
    pub(super) fn schedule(&self, chain: &Chain, limit: u64) -> Option<Schedule> {
        let mut operations = Vec::new();
        let mut waiting = vec![(0, chain.depth(), limit)];
        while let Some((start, end, bytes)) = waiting.pop() {
            // A thinned curve may lie above what its parts allow between two breakpoints; at a breakpoint it
            // is met.
            let Breakpoint { bytes, forward_cost } = at(self.get(start, end)?, bytes)?;
            if start + 1 == end {
                if end == chain.depth() {
                    operations.push(Operation::Forward(end));
                }
                operations.push(Operation::Backward(end));
                continue;
            }
            let (k, kept) =
                self.candidates(chain, start, end, |_, candidate| candidate.at(bytes) == Some(forward_cost))?;
            for layer in start + 1..=k {
                operations.push(Operation::Forward(layer));
                if layer - 1 > start {
                    operations.push(Operation::Drop(layer - 1));
                }
            }
            waiting.push((start, k, bytes));
            waiting.push((k, end, bytes - kept));
        }
        Some(Schedule { operations })
    }
}

const UNPLANNED: u32 = u32::MAX;

/// Numbers of curves by sub-problem. Set from the shortest sub-problem to the longest.
struct Planned {
    depth: usize,
    /// For each start inside the chain, its sub-problems that end inside: the end, ascending, and the number.
    from: Vec<Vec<(u32, u32)>>,
    /// For each end inside the chain, those that start inside: the start, descending, and the number.
    to: Vec<Vec<(u32, u32)>>,
    /// The number of (0, end), by end.
    from_input: Vec<u32>,
    /// The number of (start, L), by start.
    to_loss: Vec<u32>,
}

impl Planned {
    fn new(depth: usize) -> Self {
        let (none, edge) = (vec![Vec::new(); depth + 1], vec![UNPLANNED; depth + 1]);
        Planned { depth, from: none.clone(), to: none, from_input: edge.clone(), to_loss: edge }
    }

    fn get(&self, start: usize, end: usize) -> Option<u32> {
        let number = if start == 0 {
            self.from_input[end]
        } else if end == self.depth {
            self.to_loss[start]
        } else {
            let from = &self.from[start];
            from[from.binary_search_by_key(&(end as u32), |(end, _)| *end).ok()?].1
        };
        (number != UNPLANNED).then_some(number)
    }

    fn set(&mut self, start: usize, end: usize, number: u32) {
        if start == 0 {
            self.from_input[end] = number;
        } else if end == self.depth {
            self.to_loss[start] = number;
        } else {
            self.from[start].push((end as u32, number));
            self.to[end].push((start as u32, number));
        }
    }

    /// Calls `visit(k, number of (k, end), number of (start, k))` for each k with both parts planned, from the smallest
    /// on, until it gives something.
    fn parts<X>(
        &self,
        start: usize,
        end: usize,
        mut visit: impl FnMut(usize, u32, u32) -> Option<X>,
    ) -> Option<X> {
        let mut both = |k: usize, first: u32, second: u32| {
            if first == UNPLANNED || second == UNPLANNED { None } else { visit(k, first, second) }
        };
        match (start == 0, end == self.depth) {
            (true, true) => (1..end).find_map(|k| both(k, self.to_loss[k], self.from_input[k])),
            (true, false) => self.to[end].iter().rev().find_map(|&(k, number)| {
                let k = k as usize;
                both(k, number, self.from_input[k])
            }),
            (false, true) => self.from[start].iter().find_map(|&(k, number)| {
                let k = k as usize;
                both(k, self.to_loss[k], number)
            }),
            (false, false) => {
                let mut to = self.to[end].iter().rev().peekable();
                self.from[start].iter().take_while(|(k, _)| (*k as usize) < end).find_map(|&(k, second)| {
                    while to.next_if(|(other, _)| *other < k).is_some() {}
                    let (_, first) = *to.next_if(|(other, _)| *other == k)?;
                    both(k as usize, first, second)
                })
            }
        }
    }
}
