//! Where the tensors of a step lie in its arena, operation by operation.
//!
//! A tensor takes the smallest gap that has room for it. If there is no such gap but room in all of them together, the
//! tensors move down until they have no gaps, so that the arena needs to be no larger than what it holds.

use std::ops::Range;

use crate::kernel::Scalar;
use crate::kernel::arena::Place;
use crate::kernel::buffer::aligned_length;

/// What lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tensor {
    /// The state of a layer, or, for the layer before the first that has parameters, its a.
    State(usize),
    Delta(usize),
    /// The gradients of one layer.
    Gradient,
}

/// The tensors that are there, in the order of their places.
pub(crate) struct Layout {
    taken: Vec<(Tensor, Range<usize>)>,
    /// Numbers that there is room for.
    capacity: usize,
    /// The largest end of a place so far.
    length: usize,
    /// What was there when most was, with its lengths, and their sum.
    at_peak: (Vec<(Tensor, usize)>, usize),
    round: fn(usize) -> usize,
}

impl Layout {
    /// An empty arena of `capacity` numbers of type T.
    pub(crate) fn new<T: Scalar>(capacity: usize) -> Self {
        Layout {
            taken: Vec::new(),
            capacity,
            length: 0,
            at_peak: (Vec::new(), 0),
            round: aligned_length::<T>,
        }
    }

    /// Numbers that a tensor of this shape takes.
    pub(crate) fn length_of(&self, rows: usize, columns: usize) -> usize {
        (self.round)(rows * columns)
    }

    /// Numbers that are free.
    pub(crate) fn room(&self) -> usize {
        self.capacity - self.taken.iter().map(|(_, range)| range.len()).sum::<usize>()
    }

    /// The largest end of a place so far: how many numbers the arena must have.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// What was there when most was, with the lengths.
    pub(crate) fn at_peak(&self) -> Vec<(Tensor, usize)> {
        self.at_peak.0.clone()
    }

    /// Where a tensor starts that is there.
    pub(crate) fn offset(&self, tensor: Tensor) -> usize {
        self.taken[self.index(tensor)].1.start
    }

    /// Gives a tensor of `length` numbers a place, and says which places move for that (from where to which start, in
    /// order). None if there is not enough room.
    pub(crate) fn reserve(&mut self, tensor: Tensor, length: usize) -> Option<Vec<(Range<usize>, usize)>> {
        assert!(self.taken.iter().all(|(taken, _)| *taken != tensor), "{tensor:?} is there already");
        let length = (self.round)(length);
        if length > self.room() {
            return None;
        }
        let starts = self.taken.iter().map(|(_, range)| range.start).chain([self.capacity]);
        let ends = [0].into_iter().chain(self.taken.iter().map(|(_, range)| range.end));
        let gaps = ends.zip(starts).enumerate();
        let fitting = gaps.filter(|(_, (start, end))| end - start >= length);
        let mut moves = Vec::new();
        let (index, start) = match fitting.min_by_key(|(_, (start, end))| end - start) {
            Some((index, (start, _))) => (index, start),
            None => {
                let mut start = 0;
                for (_, range) in &mut self.taken {
                    if range.start != start {
                        moves.push((range.clone(), start));
                        *range = start..start + range.len();
                    }
                    start = range.end;
                }
                (self.taken.len(), start)
            }
        };
        self.taken.insert(index, (tensor, start..start + length));
        self.length = self.length.max(start + length);
        let held = self.capacity - self.room();
        if held > self.at_peak.1 {
            let tensors = self.taken.iter().map(|(tensor, range)| (*tensor, range.len()));
            self.at_peak = (tensors.collect(), held);
        }
        Some(moves)
    }

    /// The same for a tensor of this shape, where there is room without limit.
    pub(crate) fn place(&mut self, tensor: Tensor, rows: usize, columns: usize) -> Option<Place> {
        self.reserve(tensor, rows * columns)?;
        Some(Place { offset: self.offset(tensor), columns })
    }

    /// Gives a tensor's place to another one of the same shape.
    pub(crate) fn rename(&mut self, tensor: Tensor, other: Tensor) {
        let index = self.index(tensor);
        self.taken[index].0 = other;
    }

    /// Gives a tensor's place back.
    pub(crate) fn free(&mut self, tensor: Tensor) {
        let index = self.index(tensor);
        self.taken.remove(index);
    }

    fn index(&self, tensor: Tensor) -> usize {
        let found = self.taken.iter().position(|(taken, _)| *taken == tensor);
        found.expect("a schedule uses what is there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_take_the_smallest_gap_and_move_only_when_none_is_large_enough() {
        let mut layout = Layout::new::<f32>(160);
        for (l, length) in [(1, 32), (2, 16), (3, 64), (4, 16)] {
            assert_eq!(layout.reserve(Tensor::State(l), length), Some(vec![]));
        }
        assert_eq!((layout.room(), layout.length()), (32, 128));
        layout.free(Tensor::State(2));
        assert_eq!(layout.reserve(Tensor::Delta(1), 10), Some(vec![]));
        assert_eq!(layout.offset(Tensor::Delta(1)), 32);
        layout.free(Tensor::State(3));
        layout.free(Tensor::State(1));
        // Gaps of 32, 64 and 32; 128 numbers are free.
        assert_eq!(layout.reserve(Tensor::Delta(9), 129), None);
        let moves = layout.reserve(Tensor::Delta(9), 128);
        assert_eq!(moves, Some(vec![(32..48, 0), (112..128, 16)]));
        assert_eq!((layout.offset(Tensor::Delta(9)), layout.room(), layout.length()), (32, 0, 160));
        layout.rename(Tensor::Delta(9), Tensor::State(7));
        assert_eq!(layout.offset(Tensor::State(7)), 32);
    }
}
