//! Cost as a step function of bytes: exact breakpoints, their sums, and their lower envelope.

/// From `bytes` on, up to the next breakpoint, a computation costs `forward_cost`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breakpoint {
    /// The smallest number of bytes for which the cost holds.
    pub bytes: u64,
    /// The total cost of the forwards.
    pub forward_cost: u64,
}

/// The step function that is 0 everywhere.
pub(super) const FREE: &[Breakpoint] = &[Breakpoint { bytes: 0, forward_cost: 0 }];

/// The breakpoint that holds at `bytes`, or none below the first: a step function is infinite there.
/// `curve` has bytes strictly ascending and costs strictly descending.
pub(super) fn at(curve: &[Breakpoint], bytes: u64) -> Option<Breakpoint> {
    let above = curve.partition_point(|point| point.bytes <= bytes);
    above.checked_sub(1).map(|index| curve[index])
}

/// Many step functions in one allocation, numbered in the order in which they were pushed.
#[derive(Default)]
pub(super) struct Curves {
    points: Vec<Breakpoint>,
    ends: Vec<usize>,
}

impl Curves {
    pub(super) fn push(&mut self, curve: &[Breakpoint]) -> usize {
        self.points.extend_from_slice(curve);
        self.ends.push(self.points.len());
        self.ends.len() - 1
    }

    pub(super) fn get(&self, number: usize) -> &[Breakpoint] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.points[start..self.ends[number]]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// One way to perform a sub-chain, as a step function of m:
/// ```text
/// cost + first(m - kept) + second(m)   if m >= least, else infinity
/// ```
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) least: u64,
    pub(super) cost: u64,
    pub(super) kept: u64,
    pub(super) first: &'a [Breakpoint],
    pub(super) second: &'a [Breakpoint],
}

impl Candidate<'_> {
    /// The value at m = `bytes`, or none for infinity.
    pub(super) fn at(&self, bytes: u64) -> Option<u64> {
        if bytes < self.least {
            return None;
        }
        let first = at(self.first, bytes.checked_sub(self.kept)?)?;
        let second = at(self.second, bytes)?;
        Some(self.cost + first.forward_cost + second.forward_cost)
    }
}

/// Steps that one candidate takes at least, set by the time of a short one relative to a step.
pub(super) const LEAST_WORK: u64 = 8;

/// Some of the values of m.
#[derive(Clone, Copy)]
struct Stretch {
    /// The smallest cost of all breakpoints before.
    before: u64,
    /// The smallest cost of its own, and where it is reached.
    least: (u64, u64),
}

/// The pointwise minimum of candidates.
#[derive(Default)]
pub(super) struct Envelope {
    best: Vec<Breakpoint>,
    merged: Vec<Breakpoint>,
    gathered: Vec<Breakpoint>,
    stretches: Vec<Stretch>,
    /// Steps taken since the envelope was made, a measure of time that does not depend on the machine.
    work: u64,
}

/// The value of a candidate at m = `bytes`, as the parts of its two curves that hold from there on.
#[derive(Clone, Copy)]
struct Position<'a> {
    bytes: u64,
    kept: u64,
    cost: u64,
    first: &'a [Breakpoint],
    second: &'a [Breakpoint],
}

impl<'a> Position<'a> {
    /// The smallest m with a finite value.
    fn first(candidate: Candidate<'a>) -> Option<Position<'a>> {
        let Candidate { least, cost, kept, first, second } = candidate;
        let bytes = least.max(first.first()?.bytes + kept).max(second.first()?.bytes);
        Some(Position { bytes, kept, cost, first, second }.at(bytes))
    }

    fn value(&self) -> u64 {
        self.cost + self.first[0].forward_cost + self.second[0].forward_cost
    }

    /// The value from the last breakpoint on.
    fn floor(&self) -> u64 {
        let last = |curve: &[Breakpoint]| curve[curve.len() - 1].forward_cost;
        self.cost + last(self.first) + last(self.second)
    }

    /// The smallest m with another value, u64::MAX if there is none.
    fn next(&self) -> u64 {
        let first = self.first.get(1).map_or(u64::MAX, |point| point.bytes + self.kept);
        let second = self.second.get(1).map_or(u64::MAX, |point| point.bytes);
        first.min(second)
    }

    /// This position moved to the next value, or to a smaller m before it.
    fn pass(&mut self, bytes: u64) {
        self.bytes = bytes;
        if self.first.get(1).is_some_and(|point| point.bytes + self.kept <= bytes) {
            self.first = &self.first[1..];
        }
        if self.second.get(1).is_some_and(|point| point.bytes <= bytes) {
            self.second = &self.second[1..];
        }
    }

    /// The position at a larger m.
    fn at(mut self, bytes: u64) -> Position<'a> {
        self.first = from(self.first, bytes - self.kept);
        self.second = from(self.second, bytes);
        self.bytes = bytes;
        self
    }
}

/// The part of a curve from the breakpoint on that holds at `bytes`, which is not below the first.
fn from(curve: &[Breakpoint], bytes: u64) -> &[Breakpoint] {
    let mut stride = 1;
    while curve.get(stride).is_some_and(|point| point.bytes <= bytes) {
        stride *= 2;
    }
    let searched = &curve[stride / 2..stride.min(curve.len())];
    &curve[stride / 2 + searched.partition_point(|point| point.bytes <= bytes).max(1) - 1..]
}

impl Envelope {
    pub(super) fn clear(&mut self) {
        self.best.clear();
    }

    pub(super) fn curve(&self) -> &[Breakpoint] {
        &self.best
    }

    pub(super) fn work(&self) -> u64 {
        self.work
    }

    /// best(m) = min(best(m), candidate(m)) for every m.
    ///
    /// Most candidates win nowhere, or in a few short ranges. Both functions descend, so there is no win in a
    /// range whose last value of the candidate is not below the first value of `best`; such ranges are passed
    /// over in growing strides.
    pub(super) fn lower(&mut self, candidate: Candidate<'_>) {
        let Some(mut position) = Position::first(candidate) else { return };
        let best = &self.best;
        let mut old = best.partition_point(|point| point.bytes <= position.bytes);
        let after = best.partition_point(|point| point.forward_cost > position.floor());
        let merged = &mut self.merged;
        merged.clear();
        // best[..copied] is merged or dropped, best[..old] starts at or below position.bytes.
        let mut copied = 0;
        let mut stride = 1;
        self.work += LEAST_WORK;
        while old <= after {
            self.work += 1;
            let standing = if old == 0 { u64::MAX } else { best[old - 1].forward_cost };
            let mut value = position.value();
            if value >= standing {
                match best.get(after.min(old - 1 + stride)) {
                    Some(reached) => {
                        let mut ahead = position.at(reached.bytes - 1);
                        if ahead.value() >= standing {
                            ahead.pass(reached.bytes);
                            position = ahead;
                            old = after.min(old - 1 + stride) + 1;
                            stride *= 2;
                            continue;
                        }
                        if stride > 1 {
                            stride /= 2;
                            continue;
                        }
                    }
                    // Beyond the end: there may be breakpoints before it.
                    None if stride > 1 => {
                        stride /= 2;
                        continue;
                    }
                    None => {}
                }
                position.pass(position.next());
                continue;
            }
            merged.extend_from_slice(&best[copied..old]);
            if merged.last().is_some_and(|point| point.bytes == position.bytes) {
                merged.pop();
            }
            merged.push(Breakpoint { bytes: position.bytes, forward_cost: value });
            copied = old;
            stride = 1;
            loop {
                self.work += 1;
                let passed = best.get(old).map_or(u64::MAX, |point| point.bytes);
                let bytes = position.next().min(passed);
                if bytes == u64::MAX {
                    old = after + 1;
                    break;
                }
                position.pass(bytes);
                if passed == bytes {
                    old += 1;
                    if best[old - 1].forward_cost <= position.value() {
                        copied = if best[old - 1].forward_cost < value { old - 1 } else { old };
                        break;
                    }
                    copied = old;
                }
                if position.value() < value {
                    value = position.value();
                    merged.push(Breakpoint { bytes, forward_cost: value });
                }
            }
        }
        if !merged.is_empty() {
            merged.extend_from_slice(&best[copied..]);
            std::mem::swap(&mut self.best, &mut self.merged);
        }
    }

    /// Notes a candidate for [`Envelope::settle`].
    pub(super) fn gather(&mut self, candidate: Candidate<'_>) {
        let Some(mut position) = Position::first(candidate) else { return };
        let gathered = &mut self.gathered;
        loop {
            gathered.push(Breakpoint { bytes: position.bytes, forward_cost: position.value() });
            if position.second.len() == 1 {
                // What is left are the breakpoints of the first curve, moved.
                let cost = position.cost + position.second[0].forward_cost;
                gathered.extend(position.first[1..].iter().map(|point| Breakpoint {
                    bytes: point.bytes + position.kept,
                    forward_cost: point.forward_cost + cost,
                }));
                return;
            }
            position.pass(position.next());
        }
    }

    /// The minimum of all that was gathered, and of nothing else. The functions descend, so that it is, at each m, the
    /// smallest cost of all their breakpoints at or below m. That takes less than [`Envelope::lower`] where many candidates lie
    /// so close together that little can be passed over; it is not counted as work.
    pub(super) fn settle(&mut self) {
        let Envelope { best, gathered, stretches, .. } = self;
        best.clear();
        let bytes = || gathered.iter().map(|point| point.bytes);
        let (Some(lowest), Some(highest)) = (bytes().min(), bytes().max()) else { return };
        // Most breakpoints lie above others, as the cheapest of each of many stretches of m tells, and need not be sorted.
        let count = (gathered.len() / 4 + 1).next_power_of_two();
        let shift = (u64::BITS - (highest - lowest).leading_zeros()).saturating_sub(count.ilog2());
        let number = |point: &Breakpoint| ((point.bytes - lowest) >> shift) as usize;
        stretches.clear();
        stretches.resize(count, Stretch { before: u64::MAX, least: (u64::MAX, u64::MAX) });
        for point in gathered.iter() {
            let Stretch { least, .. } = &mut stretches[number(point)];
            *least = (point.forward_cost, point.bytes).min(*least);
        }
        let mut least = u64::MAX;
        for stretch in stretches.iter_mut() {
            stretch.before = least;
            least = least.min(stretch.least.0);
        }
        gathered.retain(|point| {
            let Stretch { before, least } = stretches[number(point)];
            point.forward_cost < before && point.bytes < least.1
        });
        let cheapest = stretches.iter().filter(|stretch| stretch.least.0 < stretch.before);
        gathered.extend(
            cheapest.map(|stretch| Breakpoint { forward_cost: stretch.least.0, bytes: stretch.least.1 }),
        );
        gathered.sort_unstable_by_key(|point| (point.bytes, point.forward_cost));
        let mut least = u64::MAX;
        for point in gathered.drain(..) {
            if point.forward_cost < least {
                least = point.forward_cost;
                best.push(point);
            }
        }
    }

    /// Keeps at most `most` breakpoints, the first and the last among them. The function only rises. Each
    /// step from one breakpoint to the next weighs what would be lost without it, and the kept ones part the
    /// sum of the weights evenly:
    /// ```text
    /// weight = 1 / count + (fall of the cost relative to the cost after it) / (sum of these falls)
    /// ```
    pub(super) fn thin(&mut self, most: usize) {
        let count = self.best.len();
        if count <= most || most < 2 {
            return;
        }
        let fall = |pair: &[Breakpoint]| {
            (pair[0].forward_cost - pair[1].forward_cost) as f64 / (pair[1].forward_cost.max(1)) as f64
        };
        let all_falls: f64 = self.best.windows(2).map(fall).sum();
        let share = 2.0 / (most - 1) as f64;
        let (mut kept, mut weight) = (1, 0.0);
        for index in 1..count - 1 {
            weight += 1.0 / count as f64 + fall(&self.best[index - 1..=index]) / all_falls;
            if weight >= share * kept as f64 && kept < most - 1 {
                self.best[kept] = self.best[index];
                kept += 1;
            }
        }
        self.best[kept] = self.best[count - 1];
        self.best.truncate(kept + 1);
    }
}
