//! Where the tensors of a step lie in its arena, operation by operation.
//!
//! A tensor takes the smallest gap that has room for it. If there is no such gap but room in all of them together, the
//! tensors move down until they have no gaps, so that the arena needs to be no larger than what it holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use crate::kernel::Scalar;
use crate::kernel::arena::Place;
use crate::kernel::buffer::aligned_length;

/// What lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ArenaTensor {
    /// The state of a layer, or, for the layer before the first that has parameters, its a.
    State(usize),
    Delta(usize),
    /// The gradients of one layer.
    Gradient,
}

/// The tensors that are there. A step has thousands at once, so that nothing but a compaction goes through all of them.
pub(crate) struct ArenaLayout {
    /// Each tensor with its length, by its start.
    taken: BTreeMap<usize, (ArenaTensor, usize)>,
    starts: HashMap<ArenaTensor, usize>,
    /// The length and the start of each gap, the one behind the last tensor included.
    gaps: BTreeSet<(usize, usize)>,
    /// Numbers that there is room for.
    capacity: usize,
    /// Numbers that are taken.
    held: usize,
    /// The largest end of a place so far.
    length: usize,
    /// What was there when most was, with its lengths. While that is still there, `is_at_peak` says so instead.
    at_peak: Vec<(ArenaTensor, usize)>,
    most_held: usize,
    is_at_peak: bool,
    round: fn(usize) -> usize,
}

impl ArenaLayout {
    /// An empty arena of `capacity` numbers of type T.
    pub(crate) fn new<T: Scalar>(capacity: usize) -> Self {
        ArenaLayout {
            taken: BTreeMap::new(),
            starts: HashMap::new(),
            gaps: BTreeSet::from([(capacity, 0)]),
            capacity,
            held: 0,
            length: 0,
            at_peak: Vec::new(),
            most_held: 0,
            is_at_peak: false,
            round: aligned_length::<T>,
        }
    }

    /// Numbers that a tensor of this shape takes.
    pub(crate) fn length_of(&self, rows: usize, columns: usize) -> usize {
        (self.round)(rows * columns)
    }

    /// Numbers that are free.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.held
    }

    /// The largest end of a place so far: how many numbers the arena must have.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// What was there when most was, in the order of the places, with the lengths.
    pub(crate) fn at_peak(&self) -> Vec<(ArenaTensor, usize)> {
        if self.is_at_peak { self.there() } else { self.at_peak.clone() }
    }

    fn there(&self) -> Vec<(ArenaTensor, usize)> {
        self.taken.values().copied().collect()
    }

    /// Where a tensor starts that is there.
    pub(crate) fn offset(&self, tensor: ArenaTensor) -> usize {
        *self.starts.get(&tensor).expect("a schedule uses what is there")
    }

    /// Gives a tensor of `length` numbers a place, and says which places move for that (from where to which start, in
    /// order). None if there is not enough room.
    pub(crate) fn reserve(
        &mut self,
        tensor: ArenaTensor,
        length: usize,
    ) -> Option<Vec<(Range<usize>, usize)>> {
        assert!(!self.starts.contains_key(&tensor), "{tensor:?} is there already");
        let length = (self.round)(length);
        if length > self.room() {
            return None;
        }
        let smallest = self.gaps.range((length, 0)..).next().copied();
        let (moves, (gap, start)) = match smallest {
            Some(gap) => (Vec::new(), gap),
            None => (self.compact(), (self.room(), self.held)),
        };
        self.gaps.remove(&(gap, start));
        self.add_gap(start + length, gap - length);
        self.taken.insert(start, (tensor, length));
        self.starts.insert(tensor, start);
        self.held += length;
        self.length = self.length.max(start + length);
        if self.held > self.most_held {
            (self.most_held, self.is_at_peak) = (self.held, true);
        }
        Some(moves)
    }

    /// Moves the tensors down until they have no gaps between them, and says which move.
    fn compact(&mut self) -> Vec<(Range<usize>, usize)> {
        let (mut moves, mut end) = (Vec::new(), 0);
        for (start, (tensor, length)) in std::mem::take(&mut self.taken) {
            if start != end {
                moves.push((start..start + length, end));
            }
            self.taken.insert(end, (tensor, length));
            self.starts.insert(tensor, end);
            end += length;
        }
        self.gaps = BTreeSet::from([(self.capacity - end, end)]);
        moves
    }

    fn add_gap(&mut self, start: usize, length: usize) {
        if length > 0 {
            self.gaps.insert((length, start));
        }
    }

    /// The same for a tensor of this shape, where there is room without limit.
    pub(crate) fn place(&mut self, tensor: ArenaTensor, rows: usize, columns: usize) -> Option<Place> {
        self.reserve(tensor, rows * columns)?;
        Some(Place { offset: self.offset(tensor), columns })
    }

    /// Gives a tensor's place to another one of the same shape.
    pub(crate) fn rename(&mut self, tensor: ArenaTensor, other: ArenaTensor) {
        self.note_peak();
        let start = self.offset(tensor);
        self.starts.remove(&tensor);
        self.starts.insert(other, start);
        self.taken.entry(start).and_modify(|(tensor, _)| *tensor = other);
    }

    /// Gives a tensor's place back.
    pub(crate) fn free(&mut self, tensor: ArenaTensor) {
        self.note_peak();
        let start = self.offset(tensor);
        self.starts.remove(&tensor);
        let (_, length) = self.taken.remove(&start).expect("every start is a tensor's");
        self.held -= length;
        let before = self.taken.range(..start).next_back().map_or(0, |(start, (_, length))| start + length);
        let after = self.taken.range(start..).next().map_or(self.capacity, |(start, _)| *start);
        self.gaps.remove(&(start - before, before));
        self.gaps.remove(&(after - start - length, start + length));
        self.add_gap(before, after - before);
    }

    /// Called before the tensors change other than by one more.
    fn note_peak(&mut self) {
        if std::mem::take(&mut self.is_at_peak) {
            self.at_peak = self.there();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by looking at every tensor each time.
    #[derive(Default)]
    struct Plain {
        taken: Vec<(ArenaTensor, Range<usize>)>,
        at_peak: (Vec<(ArenaTensor, usize)>, usize),
    }

    impl Plain {
        fn held(&self) -> usize {
            self.taken.iter().map(|(_, range)| range.len()).sum()
        }

        fn reserve(&mut self, tensor: ArenaTensor, length: usize, capacity: usize) -> Option<usize> {
            if length > capacity - self.held() {
                return None;
            }
            let starts = self.taken.iter().map(|(_, range)| range.start).chain([capacity]);
            let ends = [0].into_iter().chain(self.taken.iter().map(|(_, range)| range.end));
            let fitting = ends.zip(starts).enumerate().filter(|(_, (start, end))| end - start >= length);
            let found = fitting.min_by_key(|(_, (start, end))| end - start);
            let (index, start) = found.map_or_else(
                || {
                    let mut end = 0;
                    for (_, range) in &mut self.taken {
                        *range = end..end + range.len();
                        end = range.end;
                    }
                    (self.taken.len(), end)
                },
                |(index, (start, _))| (index, start),
            );
            self.taken.insert(index, (tensor, start..start + length));
            if self.held() > self.at_peak.1 {
                let there = self.taken.iter().map(|(tensor, range)| (*tensor, range.len()));
                self.at_peak = (there.collect(), self.held());
            }
            Some(start)
        }
    }

    #[test]
    fn places_are_those_that_a_look_at_all_tensors_finds() {
        let mut state = 1u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % bound
        };
        let (capacity, mut compactions, mut refusals) = (16 * 200, 0, 0);
        let (mut layout, mut plain) = (ArenaLayout::new::<f32>(capacity), Plain::default());
        for l in 0..4000 {
            if below(100) < 52 || plain.taken.is_empty() {
                let (tensor, length) = (ArenaTensor::State(l), 16 * (1 + below(24)));
                let moves = layout.reserve(tensor, length);
                compactions += usize::from(moves.as_ref().is_some_and(|moves| !moves.is_empty()));
                let start = plain.reserve(tensor, length, capacity);
                assert_eq!(moves.is_some().then(|| layout.offset(tensor)), start);
                refusals += usize::from(start.is_none());
            } else {
                let index = below(plain.taken.len());
                if below(4) == 0 {
                    layout.rename(plain.taken[index].0, ArenaTensor::Delta(l));
                    plain.taken[index].0 = ArenaTensor::Delta(l);
                } else {
                    layout.free(plain.taken.remove(index).0);
                }
            }
            assert_eq!(layout.room(), capacity - plain.held());
            assert_eq!(layout.at_peak(), plain.at_peak.0);
            assert!(plain.taken.iter().all(|(tensor, range)| layout.offset(*tensor) == range.start));
        }
        assert!(compactions > 20 && refusals > 20, "{compactions}, {refusals}");
    }

    #[test]
    fn tensors_take_the_smallest_gap_and_move_only_when_none_is_large_enough() {
        let mut layout = ArenaLayout::new::<f32>(160);
        for (l, length) in [(1, 32), (2, 16), (3, 64), (4, 16)] {
            assert_eq!(layout.reserve(ArenaTensor::State(l), length), Some(vec![]));
        }
        assert_eq!((layout.room(), layout.length()), (32, 128));
        layout.free(ArenaTensor::State(2));
        assert_eq!(layout.reserve(ArenaTensor::Delta(1), 10), Some(vec![]));
        assert_eq!(layout.offset(ArenaTensor::Delta(1)), 32);
        layout.free(ArenaTensor::State(3));
        layout.free(ArenaTensor::State(1));
        // Gaps of 32, 64 and 32; 128 numbers are free.
        assert_eq!(layout.reserve(ArenaTensor::Delta(9), 129), None);
        let moves = layout.reserve(ArenaTensor::Delta(9), 128);
        assert_eq!(moves, Some(vec![(32..48, 0), (112..128, 16)]));
        assert_eq!((layout.offset(ArenaTensor::Delta(9)), layout.room(), layout.length()), (32, 0, 160));
        layout.rename(ArenaTensor::Delta(9), ArenaTensor::State(7));
        assert_eq!(layout.offset(ArenaTensor::State(7)), 32);
    }
}
