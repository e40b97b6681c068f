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
use super::{Chain, Operation, Schedule};

/// P for the planned sub-problems.
pub(super) struct Persistent {
    grids: Grids,
    curves: Curves,
    /// sum(f_1..f_l) for l in 0..=L.
    forward_sums: Vec<u64>,
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
        let grids = Grids::new(chain, extent.window);
        let mut planned = grids.planned();
        planned.sort_unstable_by_key(|&(start, end)| end - start);

        let mut table = Persistent { grids, curves: Curves::default(), forward_sums };
        let mut envelope = Envelope::default();
        let mut of_class = vec![None; contents.map_or(0, Contents::bound)];
        for (start, end) in planned {
            let class = contents.map(|contents| contents.class(start, end));
            if let Some(equal) = class.and_then(|class| of_class[class]) {
                table.grids.set(start, end, equal);
                continue;
            }
            envelope.clear();
            if start + 1 == end {
                let bytes = chain.state(end) + chain.backward_extra(end);
                envelope.lower(Candidate { least: bytes, cost: 0, kept: 0, first: FREE, second: FREE });
            }
            for (_, candidate) in table.candidates(chain, start, end) {
                envelope.lower(candidate);
            }
            // The longer half of the sub-problems takes three quarters of the work or more: stop early what
            // will not end.
            let most_so_far = if 2 * (end - start) <= depth { most_work / 4 } else { most_work };
            if envelope.work() > most_so_far {
                break;
            }
            if start > 0 && end < depth {
                envelope.thin(extent.inner_breakpoints);
            } else if (start, end) != (0, depth) {
                envelope.thin(extent.edge_breakpoints);
            }
            let number = table.curves.push(envelope.curve());
            table.grids.set(start, end, number);
            if let Some(class) = class {
                of_class[class] = Some(number);
            }
        }
        table
    }

    /// P(0, L-1, ..).
    pub(super) fn root(&self, chain: &Chain) -> &[Breakpoint] {
        self.get(0, chain.depth()).unwrap_or_default()
    }

    /// P(start, end-1, ..) if it is planned.
    fn get(&self, start: usize, end: usize) -> Option<&[Breakpoint]> {
        self.grids.get(start, end).map(|number| self.curves.get(number))
    }

    /// The open choices of P(start, end-1, ..), each with its k.
    fn candidates<'a>(
        &'a self,
        chain: &'a Chain,
        start: usize,
        end: usize,
    ) -> impl Iterator<Item = (usize, Candidate<'a>)> {
        let mut rho = 0;
        (start + 1..end).filter_map(move |k| {
            let before = if k - 1 > start { chain.state(k - 1) } else { 0 };
            rho = rho.max(chain.state(k) + before);
            let candidate = Candidate {
                least: chain.waiting_delta(end) + rho,
                cost: self.forward_sums[k] - self.forward_sums[start],
                kept: chain.state(k),
                first: self.get(k, end)?,
                second: self.get(start, k)?,
            };
            Some((k, candidate))
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
            let mut candidates = self.candidates(chain, start, end);
            let (k, candidate) =
                candidates.find(|(_, candidate)| candidate.at(bytes) == Some(forward_cost))?;
            for layer in start + 1..=k {
                operations.push(Operation::Forward(layer));
                if layer - 1 > start {
                    operations.push(Operation::Drop(layer - 1));
                }
            }
            waiting.push((start, k, bytes));
            waiting.push((k, end, bytes - candidate.kept));
        }
        Some(Schedule { operations })
    }
}

const UNPLANNED: u32 = u32::MAX;

/// Numbers of curves by sub-problem, over nested grids.
struct Grids {
    depth: usize,
    window: usize,
    grids: Vec<Grid>,
    /// The number of (0, end), by end.
    from_input: Vec<u32>,
    /// The number of (start, L), by start.
    to_loss: Vec<u32>,
}

struct Grid {
    positions: Vec<usize>,
    /// The index of each of 0..=L in `positions`, `UNPLANNED` if it is not there.
    indices: Vec<u32>,
    /// The number of the sub-problem from index a to index b, at a * window + b - a - 1.
    numbers: Vec<u32>,
}

impl Grid {
    fn new(positions: Vec<usize>, depth: usize, window: usize) -> Grid {
        let mut indices = vec![UNPLANNED; depth + 1];
        for (index, &position) in positions.iter().enumerate() {
            indices[position] = index as u32;
        }
        let numbers = vec![UNPLANNED; positions.len() * window];
        Grid { positions, indices, numbers }
    }
}

impl Grids {
    fn new(chain: &Chain, window: usize) -> Grids {
        let depth = chain.depth();
        let mut grids = vec![Grid::new((0..=depth).collect(), depth, window)];
        while let Some(finest) = grids.last()
            && finest.positions.len() > window + 1
        {
            let inner = &finest.positions[1..finest.positions.len() - 1];
            let narrowest = |pair: &[usize]| pair.iter().copied().min_by_key(|&state| chain.state(state));
            let mut positions = vec![0];
            positions.extend(inner.chunks(2).filter_map(narrowest));
            positions.push(depth);
            grids.push(Grid::new(positions, depth, window));
        }
        let edge = vec![UNPLANNED; depth + 1];
        Grids { depth, window, grids, from_input: edge.clone(), to_loss: edge }
    }

    /// Every sub-problem once.
    fn planned(&self) -> Vec<(usize, usize)> {
        let mut planned = Vec::new();
        for (level, grid) in self.grids.iter().enumerate() {
            for (index, &start) in grid.positions.iter().enumerate() {
                for &end in grid.positions[index + 1..].iter().take(self.window) {
                    let finer = level > 0 && self.slot(start, end).is_some_and(|(finest, _)| finest < level);
                    if start > 0 && end < self.depth && !finer {
                        planned.push((start, end));
                    }
                }
            }
        }
        planned.extend((1..=self.depth).map(|end| (0, end)));
        planned.extend((1..self.depth).map(|start| (start, self.depth)));
        planned
    }

    /// The finest grid on which both positions are at most a window apart, and the place of their number
    /// there.
    fn slot(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        for (level, grid) in self.grids.iter().enumerate() {
            let (first, last) = (grid.indices[start], grid.indices[end]);
            if first == UNPLANNED || last == UNPLANNED {
                return None;
            }
            let steps = (last - first) as usize;
            if steps <= self.window {
                return Some((level, first as usize * self.window + steps - 1));
            }
        }
        None
    }

    fn get(&self, start: usize, end: usize) -> Option<usize> {
        let number = if start == 0 {
            self.from_input[end]
        } else if end == self.depth {
            self.to_loss[start]
        } else {
            let (level, slot) = self.slot(start, end)?;
            self.grids[level].numbers[slot]
        };
        (number != UNPLANNED).then_some(number as usize)
    }

    fn set(&mut self, start: usize, end: usize, number: usize) {
        let number = number as u32;
        if start == 0 {
            self.from_input[end] = number;
        } else if end == self.depth {
            self.to_loss[start] = number;
        } else if let Some((level, slot)) = self.slot(start, end) {
            self.grids[level].numbers[slot] = number;
        }
    }
}
