//! The general recurrence N: a checkpoint may move forward, or be dropped and rebuilt.
//!
//! N(s,t,j,m): with state s resident and counted in m, perform B_(j+1) .. B_(t+1); s <= t <= j. Let D =
//! w_(j+1), or 0 for j = L-1. The only first step is F_(s+1), unless s = j; after it, state s is dropped or
//! kept:
//! ```text
//! N(j,j,j,m) = 0 if m >= w_j + w_(j+1) + e_(j+1), else infinity
//! N(s,t,j,m) = infinity if m < D + w_s + w_(s+1), else f_(s+1) + min of
//!              N(s+1, t, j, m)                              s < t: drop s
//!              N(s+1, u, j, m - w_s) + N(s, t, u-1, m)      u in t+1..j: keep s, later continue from it
//! F*(M)      = f_L + N(0, 0, L-1, M)
//! ```
//! A run of forwards is a run of first steps, so this is the recurrence that chooses r (advance s -> r
//! dropping s), k (advance r -> k keeping r) and u at once, with O(L) instead of O(L^3) choices per
//! sub-problem.

use super::content::Contents;
use super::curve::{Breakpoint, Candidate, Curves, Envelope, FREE, LEAST_WORK, at};
use super::{Chain, Operation, Schedule};

/// N for every (s, t, j), equal sub-chains sharing theirs.
pub(super) struct General {
    contents: Contents,
    /// Per class of sub-chains s..j+1, the number of the curve for t = s; those for t = s+1 .. j follow.
    first_curves: Vec<usize>,
    curves: Curves,
}

const UNPLANNED: usize = usize::MAX;

impl General {
    /// None if the envelopes need more than `most_work` steps.
    pub(super) fn new(chain: &Chain, contents: Contents, most_work: u64) -> Option<General> {
        let choices =
            |(length, different): (usize, u64)| different * (length * length / 2) as u64 * LEAST_WORK;
        let least_work: u64 = contents.different().into_iter().enumerate().map(choices).sum();
        if least_work > most_work {
            return None;
        }
        let first_curves = vec![UNPLANNED; contents.bound()];
        let mut table = General { contents, first_curves, curves: Curves::default() };
        let mut envelope = Envelope::default();
        for length in 1..=chain.depth() {
            for s in 0..=chain.depth() - length {
                let end = s + length;
                let class = table.contents.class(s, end);
                if table.first_curves[class] != UNPLANNED {
                    continue;
                }
                table.first_curves[class] = table.curves.len();
                for t in s..end {
                    envelope.clear();
                    if length == 1 {
                        let bytes = chain.state(s) + chain.state(end) + chain.backward_extra(end);
                        envelope.lower(Candidate {
                            least: bytes,
                            cost: 0,
                            kept: 0,
                            first: FREE,
                            second: FREE,
                        });
                    }
                    for (_, candidate) in table.candidates(chain, s, t, end) {
                        envelope.lower(candidate);
                    }
                    table.curves.push(envelope.curve());
                }
                if envelope.work() > most_work {
                    return None;
                }
            }
        }
        Some(table)
    }

    /// N(0, 0, L-1, ..).
    pub(super) fn root(&self, chain: &Chain) -> &[Breakpoint] {
        self.get(0, 0, chain.depth())
    }

    /// N(s, t, end-1, ..).
    fn get(&self, s: usize, t: usize, end: usize) -> &[Breakpoint] {
        self.curves.get(self.first_curves[self.contents.class(s, end)] + t - s)
    }

    /// The choices of N(s, t, end-1, ..) for s < end-1, each with its u; u = t stands for dropping s.
    fn candidates<'a>(
        &'a self,
        chain: &'a Chain,
        s: usize,
        t: usize,
        end: usize,
    ) -> impl Iterator<Item = (usize, Candidate<'a>)> {
        let drop_or_keep = if s < t { t..end } else { t + 1..end };
        drop_or_keep.map(move |u| {
            let least = chain.waiting_delta(end) + chain.state(s) + chain.state(s + 1);
            let cost = chain.forward(s + 1);
            let first = self.get(s + 1, u, end);
            let (kept, second) = if u == t { (0, FREE) } else { (chain.state(s), self.get(s, t, u)) };
            (u, Candidate { least, cost, kept, first, second })
        })
    }

    /// A schedule that peaks at `limit` bytes or less, at the cost of the curve, or none if nothing fits.
    pub(super) fn schedule(&self, chain: &Chain, limit: u64) -> Option<Schedule> {
        let mut operations = Vec::new();
        let mut waiting = vec![(0, 0, chain.depth(), limit)];
        while let Some((s, t, end, bytes)) = waiting.pop() {
            let Breakpoint { bytes, forward_cost } = at(self.get(s, t, end), bytes)?;
            if s + 1 == end {
                if end == chain.depth() {
                    operations.push(Operation::Forward(end));
                }
                operations.push(Operation::Backward(end));
                continue;
            }
            let mut candidates = self.candidates(chain, s, t, end);
            let (u, candidate) =
                candidates.find(|(_, candidate)| candidate.at(bytes) == Some(forward_cost))?;
            operations.push(Operation::Forward(s + 1));
            if u > t {
                waiting.push((s, t, u, bytes));
            } else if s > 0 {
                operations.push(Operation::Drop(s));
            }
            waiting.push((s + 1, u, end, bytes - candidate.kept));
        }
        Some(Schedule { operations })
    }
}
